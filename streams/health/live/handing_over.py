"""Signals of an id that is an alias: they go on to the customer whose alias it is, mostly in another partition.

Which id is whose the ledger of the same partition knows (`streams.ledger.linked`). From the link on what comes for
the alias goes on, and so does what is held of it: the signals of the horizon. They travel as rows, under the ids that
they had, so that one that is handed over twice, as after a crash, counts once.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
import numpy as np

from streams.facts.models import RawRecord
from streams.facts.placement import partitions_for
from streams.health.live.held import CHUNK_ROWS, Chunk, HeldSignals
from streams.health.live.known import LedgerView
from streams.health.live.running import Running

HANDED_OVER = "netgrowth-signals"
"""Name of the header of such a record of `qos-signals`; its value is the count that it belongs to."""


class Handed(msgspec.Struct, array_like=True):
    """Signals under the ids of the customers that they go to; `trails`: for each of these, aliases they passed."""

    chunk: Chunk
    trails: list[list[str]]


class HandedRecord(NamedTuple):
    """A record for the partition of its key."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Handed).decode


class HandingOver:
    """What one partition hands over, and what it is handed.

    Attributes:
        outgoing: records for other partitions, since the caller last took them.
    """

    def __init__(
        self, held: HeldSignals, running: Running, ledger: LedgerView, partition: int, partitions: int, agreement: str
    ) -> None:
        """`agreement`: of the count that this is; what another count hands over is nothing to it."""
        self.outgoing: list[HandedRecord] = []
        self._held = held
        self._running = running
        self._ledger = ledger
        self._partition = partition
        self._partitions = partitions
        self._header = (HANDED_OVER, agreement.encode())
        self._linked: set[int] = set()  # numbers of those that may have become aliases
        self._trails: dict[str, set[str]] = {}

    def among(self, records: Sequence[RawRecord]) -> tuple[Sequence[RawRecord], list[Handed]]:
        """The records of sources, and what was handed over to this count."""
        if not any(record.headers for record in records):
            return records, []
        own: list[RawRecord] = []
        handed = []
        for record in records:
            count = next((value for name, value in record.headers if name == HANDED_OVER), None)
            if count is None:
                own.append(record)
            elif count == self._header[1]:
                with suppress(msgspec.MsgspecError):
                    handed.append(_decode(record.value or b""))
        return own, handed

    def receive(self, handed: Handed, oldest: int) -> int:
        """Take in what was handed over; gives how many signals are older than `oldest`, and left out."""
        for customer_id, trail in zip(handed.chunk.customers, handed.trails, strict=True):
            if self._ledger.linked_to(customer_id) is not None:
                self._trails.setdefault(customer_id, set()).update(trail)
        return self._held.take_in(handed.chunk, oldest)

    def linked(self, ids: Iterable[str]) -> None:
        """These ids may be aliases from now on."""
        numbers = self._held.customers.numbers
        self._linked.update(numbers[one] for one in ids if one in numbers)

    def linked_anew(self) -> None:
        """There is another ledger: any id may be an alias."""
        self._linked.update(range(len(self._held.customers.names)))

    def renumbered(self) -> None:
        """Customers have other numbers; what was linked has been handed over."""
        self._linked.clear()

    def hand_over(self) -> None:
        """Take out what belongs to others, and put it where it belongs; everything that came is settled."""
        held, names = self._held, self._held.customers.names
        while held.came or self._linked:
            came, held.came = held.came, set()
            linked, self._linked = self._linked, set()
            if not self._ledger.has_links:
                return
            targets = {number: target for number in came | linked if (target := self._target(names[number]))}
            if not targets:
                return
            minutes = set(held.dirty)
            late = np.array(sorted(linked & targets.keys()), dtype=np.int64)
            if len(late):
                minutes.update(self._running.minutes_of(late))
            rows = held.take_out(np.array(sorted(targets), dtype=np.uint32), minutes)
            for start in range(0, len(rows), CHUNK_ROWS):
                self._send(held.chunk_of(rows[start : start + CHUNK_ROWS]))

    def _target(self, customer_id: str) -> str | None:
        """Who is meant by an id; None: itself, as also where ids linked in a circle have come round."""
        target = self._ledger.linked_to(customer_id)
        if target is None or target == customer_id or target in self._trails.get(customer_id, ()):
            return None
        return target

    def _send(self, chunk: Chunk) -> None:
        """Every partition gets those of its customers."""
        targets = [self._target(alias) or alias for alias in chunk.customers]
        trails = [sorted({alias, *self._trails.get(alias, ())}) for alias in chunk.customers]
        places = np.array(partitions_for([target.encode() for target in targets], self._partitions), dtype=np.int64)
        renamed = Chunk(targets, chunk.kinds, chunk.attributes, chunk.rows)
        for place in np.unique(places).tolist():
            part, kept = renamed.of_customers(np.flatnonzero(places == place))
            handed = Handed(part, [trails[number] for number in kept])
            if place == self._partition:
                self.receive(handed, 0)
                self._held.settle()
            else:
                self.outgoing.append(HandedRecord(part.customers[0].encode(), _encode(handed), [self._header]))
