"""Reading digests back: each offset of a source partition once, whoever wrote it and how often.

A worker that dies between writing digests and its state is followed by one that writes them again; one that was
paused for long writes some when its successor is already at work. What a mention becomes does not depend on who reads
it, so of several digests of one offset the first that comes is as good as any other.
"""

from dataclasses import dataclass

import msgspec

from streams.voice.mentions import Digest
from streams.voice.partition import DigestRecord, VoiceProgress

_decoder = msgspec.msgpack.Decoder(DigestRecord)


@dataclass(slots=True)
class _Lane:
    """`upto`: offsets below are read, None: nothing is. `epoch`: of the newest record; `told`: of the progress."""

    upto: int | None = None
    epoch: int = 0
    told: int = 0


class DigestLog:
    """What has been read of the digests of all source partitions.

    Attributes:
        progress: by partition, as its newest owner told last.
        lost: offsets whose digests are gone though their owner had them acknowledged: the broker lost them.
    """

    def __init__(self) -> None:
        self.progress: dict[int, VoiceProgress] = {}
        self.lost = 0
        self._lanes: dict[int, _Lane] = {}

    def take(self, partition: int, value: bytes) -> list[Digest]:
        """The digests of a record that have not been read before.

        Raises: msgspec.MsgspecError for a record that no worker wrote.
        """
        record = _decoder.decode(value)
        lane = self._lanes.setdefault(partition, _Lane())
        digests = self._new_digests(lane, record)
        if record.progress is not None and record.epoch >= lane.told:
            lane.told = record.epoch
            self.progress[partition] = record.progress
        return digests

    def upto(self) -> dict[int, int]:
        """The next offset of each source partition whose digests are read."""
        return {partition: lane.upto for partition, lane in self._lanes.items() if lane.upto is not None}

    def _new_digests(self, lane: _Lane, record: DigestRecord) -> list[Digest]:
        newer, lane.epoch = record.epoch > lane.epoch, max(lane.epoch, record.epoch)
        upto = lane.upto
        if upto is not None and record.begins > upto:
            if not newer:
                # What came before it was not delivered: its owner ends, and the next one writes both again.
                return []
            self.lost += record.begins - upto
        lane.upto = max(record.ends, upto or 0)
        if upto is None or record.begins >= upto:
            return record.digests
        return [digest for digest, offset in zip(record.digests, record.offsets, strict=True) if offset >= upto]
