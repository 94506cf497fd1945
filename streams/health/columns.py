"""Signals of one partition in memory, by blocks of time: numbers in columns, names kept once.

A signal takes 41 bytes, so that a whole horizon of them can be held. The names of customers, services and attributes
stand beside in tables, which are made anew when most of them belong to blocks that were let go.
"""

from collections.abc import Callable, Hashable, Iterable
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from streams.health.signals import Signal

Rows = npt.NDArray[np.void]

ROW = np.dtype(
    [
        ("at", "<i8"),
        ("id", "<u8"),
        ("customer", "<u4"),
        ("kind", "<u4"),
        ("attributes", "<u4"),
        ("customers", "<u4"),
        ("latency", "<f8"),  # microseconds; NaN: not told
        ("flags", "u1"),
    ]
)
OK = 1
SYNTHETIC = 2

SEALED_AT = 20_000
"""Signals of a block that wait as Python objects before they become columns."""

MANY_NAMES = 10_000
"""Names below which nothing is numbered anew."""

Kind = tuple[str, str]
"""(service, stage)."""

Attributes = tuple[tuple[str, str], ...]
"""Name and value of each attribute, in the order of the names."""

Name = TypeVar("Name", bound=Hashable)


class Names(Generic[Name]):
    """Names and their numbers."""

    def __init__(self) -> None:
        self.numbers: dict[Name, int] = {}
        self.names: list[Name] = []

    def number(self, name: Name) -> int:
        """The number of a name."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = len(self.names)
            self.names.append(name)
        return found


class _Block:
    __slots__ = ("sealed", "waiting")

    def __init__(self) -> None:
        self.waiting: list[tuple[Any, ...]] = []
        self.sealed: list[Rows] = []

    def rows(self) -> Rows:
        if self.waiting:
            self.sealed.append(np.array(self.waiting, dtype=ROW))
            self.waiting = []
        if len(self.sealed) > 1:
            self.sealed = [np.concatenate(self.sealed)]
        return self.sealed[0]


class Signals:
    """The signals of one partition, by the block of time in which they happened.

    Attributes:
        customers, kinds, attributes: names of the numbers in the columns.
        received: signals taken in, duplicates too.
        counted: signals of blocks that were let go, each id once.
        combinations: attributes by their number, with segment and region; one text is held once.
    """

    def __init__(self, block_start: Callable[[int], int], horizon_us: int) -> None:
        """`block_start`: start of the block of time that holds an instant."""
        self.customers: Names[str] = Names()
        self.kinds: Names[Kind] = Names()
        self.attributes: Names[Attributes] = Names()
        self.received = 0
        self.combinations: dict[tuple[int, str | None, str | None], Attributes] = {}
        self.counted = 0
        self._block_start = block_start
        self._horizon_us = horizon_us
        self._ended: list[tuple[int, npt.NDArray[np.uint64]]] = []
        self._ended_ids = np.empty(0, dtype=np.uint64)
        self._blocks: dict[int, _Block] = {}
        self._as_stated: dict[tuple[tuple[str, str], ...], int] = {}
        self._renumber_at = 2 * MANY_NAMES

    @property
    def blocks(self) -> list[int]:
        """Starts of the blocks that hold signals, oldest first."""
        return sorted(self._blocks)

    def add(self, signals: Iterable[Signal]) -> None:
        """Take in signals, in any order."""
        blocks, block_start = self._blocks, self._block_start
        customers, kinds, as_stated = self.customers, self.kinds, self._as_stated
        customer_numbers, kind_numbers = customers.numbers, kinds.numbers
        nan = float("nan")
        for signal in signals:
            self.received += 1
            at, customer_id, latency = signal.at, signal.customer_id, signal.latency_us
            start = block_start(at)
            block = blocks.get(start)
            if block is None:
                block = blocks[start] = _Block()
            customer = customer_numbers.get(customer_id)
            if customer is None:
                customer = customers.number(customer_id)
            kind_name = signal.service, signal.stage
            kind = kind_numbers.get(kind_name)
            if kind is None:
                kind = kinds.number(kind_name)
            stated = signal.attributes
            key = () if stated is None else tuple(stated.items())
            attributes = as_stated.get(key)
            if attributes is None:
                attributes = as_stated[key] = self.attributes.number(tuple(sorted(key)))
            waiting = block.waiting
            waiting.append(
                (
                    at, id_number(customer_id, signal.event_id), customer, kind, attributes, signal.customers,
                    nan if latency is None else latency, signal.ok + (SYNTHETIC if signal.synthetic else 0),
                )
            )  # fmt: skip
            if len(waiting) >= SEALED_AT:
                block.sealed.append(np.array(waiting, dtype=ROW))
                block.waiting = []

    def rows(self, start: int) -> Rows:
        """The signals of a block, each id once, in the order of time; the first of those under one id is the one."""
        block = self._blocks.get(start)
        if block is None:
            return np.empty(0, dtype=ROW)
        rows = block.rows()
        rows = rows[in_order(rows, self.attributes.names, self.kinds.names)]
        first = np.ones(len(rows), dtype=bool)
        first[1:] = rows["id"][1:] != rows["id"][:-1]
        rows = rows[first]
        if len(self._ended_ids):
            # An earlier signal of this id was counted, within the horizon.
            places = np.searchsorted(self._ended_ids, rows["id"]).clip(max=len(self._ended_ids) - 1)
            rows = rows[self._ended_ids[places] != rows["id"]]
        block.sealed = [rows]
        return rows[np.lexsort((rows["id"], rows["at"]))]

    def forget(self, start: int, kept: Iterable[npt.NDArray[Any]]) -> npt.NDArray[np.int64] | None:
        """Let go of a block; once most names belong to such, number anew those that are held.

        Args:
            kept: numbers of customers that are held elsewhere.
        Returns: the new number of each old one, which the holder must take over; None: all are as they were.
        """
        block = self._blocks.pop(start, None)
        if block is not None:
            ids = np.unique(block.rows()["id"])
            self.counted += len(ids)
            self._ended.append((start, ids))
            self._ended = [one for one in self._ended if one[0] >= start - self._horizon_us]
            self._ended_ids = np.sort(np.concatenate([ids for _, ids in self._ended]))
        held = sum(len(block.waiting) + sum(map(len, block.sealed)) for block in self._blocks.values())
        if len(self.attributes.names) > 2 * held + MANY_NAMES:
            self._renumber_attributes()
        if len(self.customers.names) < self._renumber_at:
            return None
        needed = [np.unique(block.rows()["customer"]) for block in self._blocks.values()]
        numbers = np.unique(np.concatenate([*needed, *(np.unique(numbers) for numbers in kept), np.empty(0, "<u4")]))
        new = np.zeros(len(self.customers.names), dtype=np.int64)
        new[numbers.astype(np.int64)] = np.arange(len(numbers))
        customers: Names[str] = Names()
        for number in numbers.astype(np.int64).tolist():
            customers.number(self.customers.names[number])
        self.customers = customers
        for block in self._blocks.values():
            rows = block.rows()
            rows["customer"] = new[rows["customer"]]
        self._renumber_at = 2 * len(numbers) + MANY_NAMES
        return new

    def _renumber_attributes(self) -> None:
        attributes: Names[Attributes] = Names()
        for block in self._blocks.values():
            rows = block.rows()
            numbers, inverse = np.unique(rows["attributes"], return_inverse=True)
            new = [attributes.number(self.attributes.names[number]) for number in numbers.tolist()]
            rows["attributes"] = np.array(new, dtype="<u4")[inverse]
        self.attributes = attributes
        self._as_stated = {}
        self.combinations = {}


def in_order(rows: Rows, attributes: list[Attributes], kinds: list[Kind]) -> npt.NDArray[np.int64]:
    """By id; of several under one id first the one that is the signal: by time, then field by field.

    `attributes` and `kinds` are the names of the numbers in the columns.
    """
    order = np.argsort(rows["id"], kind="stable")
    ids = rows["id"][order]
    if not (ids[1:] == ids[:-1]).any():
        return order
    flags = rows["flags"]
    of_attributes, of_kinds = _ranks(attributes), _ranks(kinds)
    return np.lexsort(
        (
            flags & SYNTHETIC, of_kinds[rows["kind"]], flags & OK, rows["latency"], rows["customers"],
            of_attributes[rows["attributes"]], rows["at"], rows["id"],
        )
    )  # fmt: skip


def _ranks(names: list[Any]) -> npt.NDArray[np.int64]:
    """The place of each name in their order, which does not depend on who came first."""
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks


def id_number(customer_id: str, event_id: str) -> int:
    """An id is unique per customer; 64 bits tell 10 million signals apart but for one time in 400,000."""
    text = f"{customer_id}\0{event_id}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")
