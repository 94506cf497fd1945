"""What one contender came to in one run."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """What one contender came to.

    Attributes:
        events_per_second: from the first record handed to its code to the last one handled.
        durable_events_per_second: to the instant when state and offsets were safe.
        cpu_s_per_million: user and system, of the process, from the first record to the durable end.
        whole_cpu_s: of the process from its start to the durable end.
        peak_bytes: largest resident size until the durable end.
        wrong: what of its answer the reference says otherwise; empty: all equal; None: not judged.
    """

    name: str
    events: int
    events_per_second: float
    durable_events_per_second: float
    cpu_s_per_million: float
    whole_cpu_s: float
    peak_bytes: int
    wrong: list[str] | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)
