"""A counted minute as bytes, with names in place of numbers: what outlives its signals in the changelog."""

import msgspec
import numpy as np
import numpy.typing as npt

from streams.health.columns import Attributes, Kind
from streams.health.live.aside import Aside
from streams.health.live.counting import COLUMNS, MinuteCounts, Places
from streams.health.live.held import HeldSignals
from streams.health.live.parts import packed, unpacked
from streams.health.live.tally import Ints
from streams.health.parts import ScopeName

CELL_COLUMNS = 6


class _Minute(msgspec.Struct, gc=False, array_like=True):
    customers: list[str]
    scopes: list[ScopeName]
    combinations: list[tuple[Kind, Attributes]]
    cells: bytes  # scope, combination, customer, weight, summed, hurt: places in the lists above
    sums: bytes  # scope, COLUMNS
    latencies: bytes  # scope, bin, interactions


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Minute).decode


def pack_minute(counts: MinuteCounts, held: HeldSignals, places: Places) -> bytes:
    """The bytes of a minute."""
    scopes = np.unique(np.concatenate((counts.scopes, counts.cell_scope)))
    groups, group_place = np.unique(counts.cell_combination, return_inverse=True)
    customers, customer_place = np.unique(counts.cell_customer, return_inverse=True)
    cells = np.stack(
        (
            np.searchsorted(scopes, counts.cell_scope), group_place, customer_place, counts.cell_weight,
            counts.cell_summed.astype(np.int64), counts.cell_hurt.astype(np.int64),
        ),
        axis=-1,
    )  # fmt: skip
    of_sums = np.concatenate((np.searchsorted(scopes, counts.scopes)[:, None], counts.sums), axis=1)
    of_latency = np.searchsorted(scopes, counts.latencies >> 32)
    latencies = np.stack((of_latency, counts.latencies & 0xFFFFFFFF, counts.latency_counts), axis=-1)
    return _encode(
        _Minute(
            [held.customers.names[one] for one in customers.tolist()],
            [places.scopes[one] for one in scopes.tolist()],
            [places.combinations[one] for one in groups.tolist()],
            packed(cells), packed(of_sums), packed(latencies),
        )
    )  # fmt: skip


def unpack_minute(data: bytes, held: HeldSignals, places: Places) -> MinuteCounts:
    """The minute in bytes. Raises: msgspec.MsgspecError, ValueError for what another version wrote."""
    found = _decode(data)
    scopes = _numbers([places.scope(name) for name in found.scopes])
    groups = _numbers([places.combination(*name) for name in found.combinations])
    customers = _numbers([held.customers.number(name) for name in found.customers])
    cells, sums = unpacked(found.cells, CELL_COLUMNS), unpacked(found.sums, 1 + COLUMNS)
    latencies = unpacked(found.latencies, 3)
    keys = scopes[latencies[:, 0]] << 32 | latencies[:, 1]
    order = np.argsort(keys)
    return MinuteCounts(
        scopes[cells[:, 0]], groups[cells[:, 1]], customers[cells[:, 2]], cells[:, 3], cells[:, 4] > 0,
        cells[:, 5] > 0, scopes[sums[:, 0]], sums[:, 1:], keys[order], latencies[order, 2],
    )  # fmt: skip


def _numbers(numbers: list[int]) -> Ints:
    return np.array(numbers, dtype=np.int64)


class Minutes:
    """Counts by minute; what is far back lies aside, and comes back when it is wanted.

    Attributes:
        customers: of each minute the numbers of the customers seen in it.
    """

    def __init__(self, held: HeldSignals, places: Places) -> None:
        self.customers: dict[int, npt.NDArray[np.uint32]] = {}
        self._held = held
        self._places = places
        self._counts: dict[int, MinuteCounts] = {}
        self._aside = Aside()

    def __contains__(self, minute: int) -> bool:
        return minute in self.customers

    def get(self, minute: int) -> MinuteCounts | None:
        """The counts of a minute; None: it has none."""
        found = self._counts.get(minute)
        if found is None and (data := self._aside.take(minute)) is not None:
            found = self._counts[minute] = unpack_minute(data, self._held, self._places)
        return found

    def look(self, minute: int) -> MinuteCounts | None:
        """The same to be read once: what lies aside stays there."""
        found = self._counts.get(minute)
        if found is None and (data := self._aside.look(minute)) is not None:
            return unpack_minute(data, self._held, self._places)
        return found

    def put(self, minute: int, counts: MinuteCounts) -> None:
        """The counts of a minute."""
        self._counts[minute] = counts
        self.customers[minute] = np.unique(counts.cell_customer).astype(np.uint32)

    def drop(self, minute: int) -> None:
        """Let go of a minute."""
        self._counts.pop(minute, None)
        self._aside.drop(minute)
        self.customers.pop(minute, None)

    def lay_aside(self, before: int) -> None:
        """Put minutes before this one out of memory."""
        if not self._aside.is_usable:
            return
        for minute in [one for one in self._counts if one < before]:
            if self._aside.put(minute, pack_minute(self._counts[minute], self._held, self._places)):
                del self._counts[minute]

    def renumber(self, new: Ints) -> None:
        """Customers have other numbers: `new` by the old one."""
        for counts in self._counts.values():
            counts.renumber(new)
        self.customers = {minute: new[numbers].astype(np.uint32) for minute, numbers in self.customers.items()}
