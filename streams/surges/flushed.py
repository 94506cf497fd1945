"""What a flush of the detectors writes, beside the series themselves."""

from dataclasses import dataclass

import msgspec

from streams.facts.models import DeadLetter
from streams.ledger.changelog import Record
from streams.tables.silence import FeedPauses


class SavedBoard(msgspec.Struct, array_like=True, gc=False):
    """What belongs to no single series.

    Attributes:
        bank: its own snapshot of that.
        number: of the newest event.
        outbox: events that are not known to be told.
        refused: partition of survey answers to the first whose dead letter is not known to be written.
        feeds: how the feeds have come.
    """

    bank: bytes
    number: int
    outbox: list[tuple[bytes, bytes]]
    refused: dict[int, int] = {}
    feeds: dict[str, FeedPauses] = {}


@dataclass(slots=True)
class SurgeFlush:
    """What one flush writes: events and dead letters are delivered before the changelog.

    Attributes: watching: what the detectors are at; only the newest record counts.
    """

    changelog: list[Record]
    events: list[tuple[bytes, bytes]]
    dead_letters: list[DeadLetter]
    watching: list[tuple[bytes, bytes]]
