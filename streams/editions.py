"""Editions: counts of the same facts beside each other, of which one is in force.

An edition has its own state, and its own definitions. The log of editions says which one took over from which, in
order; it decides by its order alone, so that all who read it agree, and two who write at once are told apart: only a
take-over from the edition that was in force just then counts.
"""

import msgspec

FIRST = ""
"""The edition that needs no take-over: it is in force until another one is."""


class TakeOver(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="takes over"):
    """An edition's word that it has caught up and takes over.

    Attributes:
        edition: its name; `replaces`: the one that it found in force.
        definitions: name and version that it counts by.
        at: wall clock when it was written, microseconds.
    """

    edition: str
    replaces: str
    definitions: tuple[str, str]
    at: int


class Build(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="build"):
    """The state of an edition is being built from history, or is `done`; no worker of it may run before that.

    `source` says from what: the same history is built once. `counts_from`: where the count begins, with the customers
    whom the edition in force had then, microseconds; None: with nobody.
    """

    edition: str
    source: str
    definitions: tuple[str, str]
    at: int
    done: bool = False
    counts_from: int | None = None


_decode = msgspec.json.Decoder(TakeOver | Build).decode
_encode = msgspec.json.Encoder().encode


def edition_record(said: TakeOver | Build) -> tuple[bytes, bytes]:
    """Key and value of a record of the log."""
    return said.edition.encode(), _encode(said)


class Editions:
    """What the log of editions says, as far as it has been read.

    Attributes:
        in_force: the edition that is.
        last: its take-over; None: the first edition's, which has none.
        replaced: editions that were in force before, and are for good no longer.
        builds: edition to the newest word on its building, of those that are built from history.
    """

    def __init__(self) -> None:
        self.in_force = FIRST
        self.last: TakeOver | None = None
        self.replaced: set[str] = set()
        self.builds: dict[str, Build] = {}

    def take(self, value: bytes | None) -> bool:
        """The next record of the log; True when another edition is in force by it. What cannot be read is nothing."""
        try:
            found = _decode(value or b"")
        except msgspec.DecodeError:
            return False
        if isinstance(found, Build):
            self.builds[found.edition] = found
            return False
        if found.replaces != self.in_force or found.edition in self.replaced or found.edition == self.in_force:
            return False
        self.replaced.add(self.in_force)
        self.in_force, self.last = found.edition, found
        return True
