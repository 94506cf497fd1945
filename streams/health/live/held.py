"""Signals of one partition by minute and hour, for as long as they may be corrected.

Minutes are what is counted; hours are what is let go of, and written to the changelog in chunks.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from streams.health.columns import ROW, SYNTHETIC, Attributes, Kind, Names, Rows, id_number, in_order
from streams.health.live.aside import Aside
from streams.health.live.ids import UNKNOWN_MINUTE, IdIndex
from streams.health.signals import Signal
from streams.ledger.rules import HOUR, MINUTE

CHUNK_ROWS = 20_000
"""Signals of a chunk: with their names some 2 MB, well below the largest record of the changelog."""

IN_MEMORY = 30
"""Minutes back from the newest whose signals stay in memory."""

ASIDE_AT_ONCE = 100
"""Minutes that are laid aside at once, so that nothing else waits long after a start."""

MANY_NAMES = 20_000
"""Names below which nothing is numbered anew."""


class Chunk(msgspec.Struct, array_like=True, gc=False):
    """Signals of one hour that came with one flush; the numbers in `rows` are places in the lists of names."""

    customers: list[str]
    kinds: list[Kind]
    attributes: list[Attributes]
    rows: bytes

    def of_customers(self, chosen: npt.NDArray[np.int64]) -> tuple["Chunk", list[int]]:
        """The signals of some customers, by their places, and these places in the order in which they stand now."""
        rows = np.frombuffer(self.rows, dtype=ROW)
        rows = rows[np.isin(rows["customer"], chosen)].copy()
        kept = chosen.tolist()
        rows["customer"] = np.searchsorted(chosen, rows["customer"])
        return Chunk([self.customers[place] for place in kept], self.kinds, self.attributes, rows.tobytes()), kept


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Chunk).decode


class HeldSignals:
    """Signals within the horizon.

    Attributes:
        customers, kinds, attributes: names of the numbers in the columns.
        duplicates: signals whose id had come before.
        dirty: minutes (since 1970) in which anything changed since the caller last cleared it.
        came: numbers of customers of whom signals came since the caller last cleared it.
    """

    def __init__(self) -> None:
        self.customers: Names[str] = Names()
        self.kinds: Names[Kind] = Names()
        self.attributes: Names[Attributes] = Names()
        self.duplicates = 0
        self.dirty: set[int] = set()
        self.came: set[int] = set()
        self._ids = IdIndex()
        self._minutes: dict[int, list[Rows]] = {}
        self._aside = Aside()
        self._newest = 0
        self._waiting: list[tuple[Any, ...]] = []
        self._unsaved: dict[int, list[Rows]] = defaultdict(list)
        self._as_stated: dict[tuple[tuple[str, str], ...], int] = {}

    def add(self, signals: Iterable[Signal]) -> None:
        """Take in signals in any order; they are held from the next `settle` on."""
        customer_numbers, kind_numbers = self.customers.numbers, self.kinds.numbers
        as_stated, append, nan = self._as_stated, self._waiting.append, float("nan")
        for signal in signals:
            customer_id, latency = signal.customer_id, signal.latency_us
            customer = customer_numbers.get(customer_id)
            if customer is None:
                customer = self.customers.number(customer_id)
            kind_name = signal.service, signal.stage
            kind = kind_numbers.get(kind_name)
            if kind is None:
                kind = self.kinds.number(kind_name)
            stated = signal.attributes
            key = () if stated is None else tuple(stated.items())
            attributes = as_stated.get(key)
            if attributes is None:
                attributes = as_stated[key] = self.attributes.number(tuple(sorted(key)))
            append(
                (
                    signal.at, id_number(customer_id, signal.event_id), customer, kind, attributes, signal.customers,
                    nan if latency is None else latency, signal.ok + (SYNTHETIC if signal.synthetic else 0),
                )
            )  # fmt: skip

    def settle(self) -> None:
        """Put what was taken in where it belongs; of two under one id in two minutes the first by time holds."""
        if not self._waiting:
            return
        rows = np.array(self._waiting, dtype=ROW)
        self._waiting.clear()
        self._put(rows, is_saved=False)

    def _put(self, rows: Rows, is_saved: bool) -> None:
        rows = rows[np.lexsort((rows["at"], rows["id"]))]
        minutes = rows["at"] // MINUTE
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows["id"][1:] != rows["id"][:-1]
        earliest = minutes[first][np.cumsum(first) - 1]
        known = self._ids.minutes(rows["id"])
        # Within one minute all are held: which of them is the signal depends on more than time.
        stays = (minutes == earliest) & ((known == UNKNOWN_MINUTE) | (minutes <= known))
        moved = first & stays & (known != UNKNOWN_MINUTE) & (minutes < known)
        for one, minute in zip(rows["id"][moved].tolist(), known[moved].tolist(), strict=True):
            self._void(one, minute)
        self.duplicates += int(len(rows) - (first & stays & (known == UNKNOWN_MINUTE)).sum())
        rows, minutes = rows[stays], minutes[stays]
        fresh = first[stays]
        self._ids.add(rows["id"][fresh], minutes[fresh])
        self.came.update(np.unique(rows["customer"]).tolist())
        order = np.argsort(minutes, kind="stable")
        rows, minutes = rows[order], minutes[order]
        bounds = [*np.flatnonzero(np.diff(minutes, prepend=-1)).tolist(), len(rows)]
        for start, end in pairwise(bounds):
            minute, part = int(minutes[start]), rows[start:end]
            self._newest = max(self._newest, minute)
            self._of(minute).append(part)
            self.dirty.add(minute)
            if not is_saved:
                self._unsaved[minute * MINUTE // HOUR].append(part)

    def _void(self, one: int, minute: int) -> None:
        """An earlier signal under the same id came: the one of this minute is none."""
        if minute in self._minutes or minute in self._aside:
            self._minutes[minute] = [rows[rows["id"] != one] for rows in self._of(minute)]
            self.dirty.add(minute)

    def take_out(self, customers: npt.NDArray[np.uint32], minutes: Iterable[int]) -> Rows:
        """Let go of all signals of these customers in these minutes, and give them; everything is settled."""
        taken: list[Rows] = [np.empty(0, dtype=ROW)]
        for minute in sorted(minutes):
            if minute not in self._minutes and minute not in self._aside:
                continue
            kept = []
            for rows in self._of(minute):
                chosen = np.isin(rows["customer"], customers)
                if chosen.any():
                    taken.append(rows[chosen])
                    self.dirty.add(minute)
                    rows = rows[~chosen]
                if len(rows):
                    kept.append(rows)
            if kept:
                self._minutes[minute] = kept
            else:
                del self._minutes[minute]
        found = np.concatenate(taken)
        for hour in set((found["at"] // HOUR).tolist()) & self._unsaved.keys():
            self._unsaved[hour] = [rows[~np.isin(rows["customer"], customers)] for rows in self._unsaved[hour]]
        return found

    def take_in(self, chunk: Chunk, oldest: int) -> int:
        """Hold the signals of a chunk that are not older than `oldest`; gives how many are."""
        rows, duplicates = self._numbered_of(chunk), self.duplicates
        in_time = rows[rows["at"] >= oldest]
        if len(in_time):
            self._put(in_time, is_saved=False)
        self.duplicates = duplicates  # whoever handed them over has counted theirs
        return len(rows) - len(in_time)

    def _of(self, minute: int) -> list[Rows]:
        """The signals of a minute as they are held, in memory from now on."""
        held = self._minutes.get(minute)
        if held is None:
            data = self._aside.take(minute)
            held = self._minutes[minute] = [] if data is None else [self._numbered(data)]
        return held

    def lay_aside(self) -> None:
        """Put signals that are counted, and that hardly any more come to, out of memory."""
        if not self._aside.is_usable:
            return
        old = (one for one in self._minutes if one < self._newest - IN_MEMORY and one not in self.dirty)
        for minute in list(islice(old, ASIDE_AT_ONCE)):
            if self._aside.put(minute, self._chunk(np.concatenate(self._minutes[minute]))):
                del self._minutes[minute]

    @property
    def minutes(self) -> list[int]:
        """Minutes that hold signals, in order."""
        return sorted({*self._minutes, *self._aside.minutes})

    def rows(self, minute: int) -> Rows:
        """The signals of a minute, each id once, in the order of time."""
        held = self._of(minute)
        if not held:
            del self._minutes[minute]
            return np.empty(0, dtype=ROW)
        rows = np.concatenate(held) if len(held) > 1 else held[0]
        rows = rows[in_order(rows, self.attributes.names, self.kinds.names)]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows["id"][1:] != rows["id"][:-1]
        rows = rows[first]
        self._minutes[minute] = [rows]
        return rows[np.lexsort((rows["id"], rows["at"]))]

    # What is written

    def unsaved(self) -> list[tuple[int, bytes]]:
        """Hour (since 1970) and chunk of the signals that came since this was last asked; settled ones."""
        unsaved, self._unsaved = self._unsaved, defaultdict(list)
        found = []
        for hour, parts in sorted(unsaved.items()):
            rows = np.concatenate(parts)
            found += [
                (hour, self._chunk(rows[start : start + CHUNK_ROWS])) for start in range(0, len(rows), CHUNK_ROWS)
            ]
        return found

    def _chunk(self, rows: Rows) -> bytes:
        return _encode(self.chunk_of(rows))

    def chunk_of(self, rows: Rows) -> Chunk:
        """Signals with the names that they need."""
        rows = rows.copy()
        customers = self._told(rows, "customer", self.customers)
        kinds, attributes = self._told(rows, "kind", self.kinds), self._told(rows, "attributes", self.attributes)
        return Chunk(customers, kinds, attributes, rows.tobytes())

    def save_again(self, hour: int) -> None:
        """All signals of an hour are unsaved; those that come twice count once."""
        held = [rows for minute in self.minutes if minute * MINUTE // HOUR == hour for rows in self._of(minute)]
        if held:
            self._unsaved[hour] = held

    def _told(self, rows: Rows, column: str, names: Names[Any]) -> list[Any]:
        """The names that occur in a column, whose numbers become their places."""
        numbers, places = np.unique(rows[column], return_inverse=True)
        rows[column] = places
        return [names.names[number] for number in numbers.tolist()]

    def restore(self, chunk: bytes) -> None:
        """Take over a chunk. Raises: msgspec.MsgspecError, ValueError for what another version wrote."""
        rows = self._numbered(chunk)
        if len(rows):
            self._put(rows, is_saved=True)

    def _numbered(self, chunk: bytes) -> Rows:
        return self._numbered_of(_decode(chunk))

    def _numbered_of(self, found: Chunk) -> Rows:
        """The signals of a chunk under the numbers of today."""
        rows = np.frombuffer(found.rows, dtype=ROW).copy()
        numbers = {
            "customer": [self.customers.number(name) for name in found.customers],
            "kind": [self.kinds.number(name) for name in found.kinds],
            "attributes": [self.attributes.number(name) for name in found.attributes],
        }
        for column, own in numbers.items():
            rows[column] = np.array(own, dtype=np.int64)[rows[column]]
        return rows

    def forget(self, before: int) -> None:
        """Let go of the minutes before this one."""
        for minute in [minute for minute in self._minutes if minute < before]:
            del self._minutes[minute]
            self.dirty.discard(minute)
        for minute in [minute for minute in self._aside.minutes if minute < before]:
            self._aside.drop(minute)
        self._ids.forget(before)

    def renumber(self, kept: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.int64] | None:
        """Number anew those names that are held, once most are not; everything is settled.

        Args:
            kept: numbers of customers that are held elsewhere.
        Returns: the new number of each customer's old one, which the holder must take over; None: all are as before.
        """
        if len(self.attributes.names) > MANY_NAMES:
            held = self._held("attributes")
            if len(self.attributes.names) > 2 * len(held) + MANY_NAMES:
                self.attributes, _ = self._anew("attributes", self.attributes, held)
                self._as_stated = {}
        if len(self.customers.names) <= MANY_NAMES:
            return None
        numbers = np.unique(np.concatenate([self._held("customer"), *(one.astype(np.int64) for one in kept)]))
        if len(self.customers.names) <= 2 * len(numbers) + MANY_NAMES:
            return None
        self.customers, new = self._anew("customer", self.customers, numbers)
        renumbered: npt.NDArray[np.int64] = new
        return renumbered

    def _held(self, column: str) -> npt.NDArray[np.int64]:
        parts = [np.unique(rows[column]) for held in self._minutes.values() for rows in held]
        return np.unique(np.concatenate([*parts, np.empty(0, dtype="<u4")])).astype(np.int64)

    def _anew(self, column: str, names: Names[Any], numbers: npt.NDArray[np.int64]) -> tuple[Any, Any]:
        fresh: Names[Any] = Names()
        for number in numbers.tolist():
            fresh.number(names.names[number])
        new = np.zeros(len(names.names), dtype=np.int64)
        new[numbers] = np.arange(len(numbers))
        for parts in (self._minutes, self._unsaved):
            for minute, held in parts.items():
                changed = []
                for rows in held:
                    rows = rows.copy()
                    rows[column] = new[rows[column]]
                    changed.append(rows)
                parts[minute] = changed
        return fresh, new
