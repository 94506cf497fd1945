"""What the transport tells of a partition, for metrics and readiness."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartitionStatus:
    """One assigned input partition, now. Offsets are of the partition's log; sizes are bytes."""

    topic: str
    partition: int
    #: A changelog that gates it is being read.
    recovering: bool
    #: Records are handed on.
    gate_open: bool
    #: Next offset to hand on; None until it was sought.
    position: int | None
    #: One after the last offset of which everything before is acknowledged; None: nothing yet.
    acknowledged: int | None
    committed: int | None
    #: End of the log when last heard of.
    end: int | None
    #: Records not handed on yet, an upper estimate where the log has holes; None until end and position are known.
    lag: int | None
    batches_in_flight: int
    #: Of batches not yet released.
    records_in_flight: int
    bytes_in_flight: int
    #: Offsets that left the log before they were read.
    lost_to_retention: int
