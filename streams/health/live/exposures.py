"""Who was disrupted before leaving, as far as one partition knows: its customers, their disruptions, their losses.

Disruptions within the longest window are kept by the minute, since a late signal may change them; older ones as the
spells of each customer (`streams.health.exposure.spells_of`), which is all that is asked of them. Customers have
numbers of their own here, since they are known for longer than their signals are held.
"""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
import numpy.typing as npt

from streams.facts.models import UNKNOWN
from streams.health.columns import Names
from streams.health.exposure import Loss, steps_of_hurt
from streams.health.live.counting import MinuteCounts
from streams.health.live.known import KnownCustomers
from streams.health.live.parts import ExposurePart, pack_by_minute
from streams.health.live.running import LONGEST
from streams.health.live.tally import Ints
from streams.ledger.remembered import NEVER
from streams.ledger.rules import DAY, MINUTE

LOSSES_WITHIN = 28 * DAY // MINUTE
"""Minutes back in which customers left."""

MOST_CUSTOMERS = 500_000
"""Customers of a partition who are kept; beyond it no more are, until some are forgotten."""

PIECE = 1_000
"""Customers of one value of the changelog: some 30 kB."""

ASKED_AT_ONCE = 1_000

NONE = -(1 << 30)
"""In place of a minute: there is none."""

FORGOTTEN = NONE + 1
"""In place of the minute of a loss: the ledger does not know any more when it was."""

FIRST_SEEN, LAST_SEEN, FIRST_HURT, LAST_HURT, LOST, REASON = range(6)
"""Columns: minutes first and last seen, the newest spell, and the loss with the number of its reason."""

NOBODY = (-NONE, NONE, NONE, NONE, NONE, 0)

Columns = npt.NDArray[np.int32]


class _Saved(msgspec.Struct, array_like=True, gc=False):
    """A piece of the customers; `older`: by place the spells before the newest."""

    names: list[str]
    reasons: list[str]
    columns: bytes
    older: dict[int, list[tuple[int, int]]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Saved).decode


def _extend(columns: Columns, minute: int, customers: Ints, before: int) -> Ints:
    """These were disrupted in a minute: their newest spells, and those that are so no more, as rows of three.

    Minutes come in order; one that comes again changes nothing.
    """
    first, last = columns[FIRST_HURT], columns[LAST_HURT]
    ended = customers[last[customers] + before < minute]
    former = ended[last[ended] != NONE]
    found: Ints = np.stack((former, first[former], last[former]), axis=-1).astype(np.int64)
    first[ended] = minute
    last[customers] = np.maximum(last[customers], minute)
    return found


class Exposures:
    """Customers of one partition who were seen in the time of which exposure is told, and before.

    Attributes:
        changed: whether the part may be another than when the caller last cleared it.
        asked: whether the ledger that is there now was asked of everybody; before that there is nothing to tell.
        settled: minutes before it have left the longest window, and are part of the spells.
    """

    def __init__(self, before_us: int, names: list[str], known: KnownCustomers) -> None:
        """`names`: of held customers by number, `before_us`: how far back from a loss is looked."""
        self.changed = False
        self.asked = False
        self.settled = 0
        self._before = before_us // MINUTE
        self._held_names = names
        self._known = known
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._free: list[int] = []
        self._columns: Columns = np.empty((len(NOBODY), 0), dtype=np.int32)
        self._older: dict[int, list[tuple[int, int]]] = {}  # spells before the newest
        self._reasons: Names[str] = Names()
        self._active = np.zeros(0, dtype=bool)
        self._to_ask = np.zeros(0, dtype=bool)
        self._own: Ints = np.empty(0, dtype=np.int64)  # numbers here by those of held customers
        self._hurt: dict[int, npt.NDArray[np.int32]] = {}  # by minute from `settled` on
        self._unsaved: set[int] = set()

    def __len__(self) -> int:
        """Customers that are kept."""
        return len(self._numbers)

    # Who was seen, and disrupted

    def count(self, minute: int, counts: MinuteCounts | None) -> None:
        """A minute that is not settled was counted, or counted anew."""
        was = self._hurt.pop(minute, None)
        self.changed |= was is not None
        if counts is None:
            return
        single = ~counts.cell_summed
        customers = self._own_of(np.unique(counts.cell_customer[single]))
        if not len(customers):
            return
        seen, day = self._columns, minute // LONGEST
        moved = customers[(seen[LAST_SEEN, customers] // LONGEST < day) | (seen[FIRST_SEEN, customers] > minute)]
        self._unsaved.update(np.unique(moved // PIECE).tolist())
        seen[FIRST_SEEN, customers] = np.minimum(seen[FIRST_SEEN, customers], minute)
        seen[LAST_SEEN, customers] = np.maximum(seen[LAST_SEEN, customers], minute)
        hurt = self._own_of(np.unique(counts.cell_customer[single & counts.cell_hurt]))
        if len(hurt):
            self._hurt[minute] = hurt.astype(np.int32)
        self.changed = True

    def _own_of(self, held: Ints) -> Ints:
        """The numbers here of held customers; without those beyond the bound."""
        missing = len(self._held_names) - len(self._own)
        if missing > 0:
            self._own = np.concatenate((self._own, np.full(missing + len(self._own), -1, dtype=np.int64)))
        for number in held[self._own[held] < 0].tolist():
            name = self._held_names[number]
            own = self._numbers.get(name)
            self._own[number] = self._begin(name) if own is None else own
        found = self._own[held]
        return found[found >= 0]

    def _begin(self, name: str) -> int:
        if len(self._numbers) >= MOST_CUSTOMERS:
            return -1
        if self._free:
            number = self._free.pop()
            self._names[number] = name
        else:
            number = len(self._names)
            self._grow(number + 1)
            self._names.append(name)
        self._numbers[name] = number
        self._columns[:, number] = NOBODY
        self._to_ask[number] = True
        return number

    def _grow(self, size: int) -> None:
        missing = size - len(self._active)
        if missing > 0:
            missing += size // 2
            more = np.tile(np.array(NOBODY, dtype=np.int32)[:, None], missing)
            self._columns = np.concatenate((self._columns, more), axis=1)
            self._active = np.concatenate((self._active, np.zeros(missing, dtype=bool)))
            self._to_ask = np.concatenate((self._to_ask, np.zeros(missing, dtype=bool)))

    def renumbered(self, names: list[str]) -> None:
        """Held customers have other numbers."""
        self._held_names = names
        self._own = np.empty(0, dtype=np.int64)

    def settle(self, before: int) -> None:
        """Minutes before this one have left the longest window, and do not change any more."""
        if before <= self.settled:
            return
        self.settled = before
        for minute in sorted(one for one in self._hurt if one < before):
            customers = self._hurt.pop(minute).astype(np.int64)
            for number, first, last in _extend(self._columns, minute, customers, self._before).tolist():
                self._older.setdefault(number, []).append((first, last))
            self._unsaved.update(np.unique(customers // PIECE).tolist())
        self._forget(before + LONGEST - LOSSES_WITHIN - self._before)

    def _forget(self, before: int) -> None:
        """Let go of customers that were last seen before a minute, and of spells that nobody asks of any more."""
        for number, spells in list(self._older.items()):
            spells[:] = [one for one in spells if one[1] + self._before >= before]
            if not spells:
                del self._older[number]
        last = self._columns[LAST_SEEN]
        old = np.flatnonzero((last != NONE) & (last < before))
        if not len(old):
            return
        for number in old.tolist():
            del self._numbers[self._names[number]]
            self._names[number] = ""
            self._older.pop(number, None)
        self._free += old.tolist()
        self._columns[:, old] = np.array(NOBODY, dtype=np.int32)[:, None]
        self._active[old] = self._to_ask[old] = False
        self._own[np.isin(self._own, old)] = -1
        self._unsaved.update(np.unique(old // PIECE).tolist())
        self.changed = True

    # What the ledger says of them

    def ledger_changed(self, customers: Iterable[str]) -> None:
        """The ledger has another word of these customers."""
        numbers = self._numbers
        self._to_ask[[numbers[name] for name in customers if name in numbers]] = True

    def ask_all_anew(self) -> None:
        """There is another ledger."""
        self._to_ask[list(self._numbers.values())] = True
        self.asked = False

    def ask(self) -> bool:
        """Ask the ledger of some customers who have left; says whether there are more to be asked.

        As long as there is no ledger, what is known stands.
        """
        if not self._known.has_ledger:
            return False
        waiting = np.flatnonzero(self._to_ask)
        for number in waiting[:ASKED_AT_ONCE].tolist():
            self._to_ask[number] = False
            name = self._names[number]
            held = self._known.find(name)
            loss = self._known.loss(name) if held is not None and held.value == 0 else None
            is_active = held is not None and loss is None
            lost, reason = self._loss_of(number, loss)
            if is_active == self._active[number] and [lost, reason] == self._columns[LOST:, number].tolist():
                continue
            self._active[number] = is_active
            self._columns[LOST:, number] = lost, reason
            self._unsaved.add(number // PIECE)
            self.changed = True
        self.asked |= len(waiting) <= ASKED_AT_ONCE
        return len(waiting) > ASKED_AT_ONCE

    def _loss_of(self, number: int, loss: Loss | None) -> tuple[int, int]:
        """Minute of a loss and number of its reason; what the ledger has forgotten of it stands as it was known."""
        if loss is None:
            return NONE, 0
        known = int(self._columns[LOST, number]), int(self._columns[REASON, number])
        minute = FORGOTTEN if loss.at == NEVER else loss.at // MINUTE
        if known[0] != NONE and (minute == FORGOTTEN or (minute == known[0] and loss.reason == UNKNOWN)):
            return known
        return minute, self._reasons.number(loss.reason)

    # What is told

    def part(self, now: int) -> ExposurePart:
        """Exposure of those who left in the last `LOSSES_WITHIN` minutes up to this one, and of those who stayed."""
        before, begin = self._before, now + 1 - LOSSES_WITHIN
        columns = self._columns.copy()
        former = [
            _extend(columns, minute, self._hurt[minute].astype(np.int64), before)
            for minute in sorted(self._hurt) if minute <= now
        ]  # fmt: skip
        kept = [(number, *spell) for number, spells in self._older.items() for spell in spells]
        older = np.concatenate([*former, np.array(kept, dtype=np.int64).reshape(-1, 3)])
        lost = columns[LOST]
        # Who was only seen once it had left could not have been disrupted before.
        left = (lost >= begin) & (lost <= now) & (columns[FIRST_SEEN] <= lost)
        hurt = (columns[FIRST_HURT] < lost) & (lost <= columns[LAST_HURT] + before)
        of_older = lost[older[:, 0]]
        hurt[older[(older[:, 1] < of_older) & (of_older <= older[:, 2] + before), 0]] = True
        size = len(self._reasons.names)
        customers = np.bincount(columns[REASON, left], minlength=size).tolist()
        of_them = np.bincount(columns[REASON, left & hurt], minlength=size).tolist()
        stayed = self._active | (lost > now)
        newest = np.flatnonzero(stayed & (columns[LAST_HURT] != NONE))
        rest = older[stayed[older[:, 0]]]
        steps = steps_of_hurt(
            np.concatenate((columns[FIRST_HURT, newest].astype(np.int64), rest[:, 1])),
            np.concatenate((columns[LAST_HURT, newest].astype(np.int64), rest[:, 2])), before, begin, LOSSES_WITHIN,
        )  # fmt: skip
        since = columns[FIRST_SEEN, columns[LAST_SEEN] != NONE]
        return ExposurePart(
            now, int(since.min()) if len(since) else now,
            sorted(one for one in zip(self._reasons.names, customers, of_them, strict=True) if one[1]),
            int(stayed.sum()), pack_by_minute(steps),
            pack_by_minute(np.bincount(lost[left] - begin, minlength=LOSSES_WITHIN)),
        )  # fmt: skip

    # What is written

    def unsaved(self) -> Iterator[tuple[int, bytes]]:
        """Number and payload of the pieces that changed since this was last asked; to be written when settled."""
        unsaved, self._unsaved = self._unsaved, set()
        for piece in sorted(unsaved):
            payload = self.payload(piece)
            assert payload is not None
            yield piece, payload

    def payload(self, piece: int) -> bytes | None:
        """What is saved of a piece; None: there is no such piece."""
        start = piece * PIECE
        names = self._names[start : start + PIECE]
        if not names:
            return None
        end = start + len(names)
        columns = self._columns[:, start:end].copy()
        numbers, columns[REASON] = np.unique(columns[REASON], return_inverse=True)
        reasons = [self._reasons.names[number] for number in numbers.tolist()] if self._reasons.names else []
        older = {one - start: self._older[one] for one in range(start, end) if one in self._older}
        return _encode(_Saved(names, reasons, columns.astype("<i4").tobytes(), older))

    def restore(self, piece: int, payload: bytes) -> None:
        """Take over a piece; they come in order.

        Raises: msgspec.MsgspecError, ValueError for what another version wrote.
        """
        saved, start = _decode(payload), piece * PIECE
        end = start + len(saved.names)
        columns = np.frombuffer(saved.columns, dtype="<i4").reshape(len(NOBODY), len(saved.names)).copy()
        if saved.reasons:
            numbers = np.array([self._reasons.number(name) for name in saved.reasons])
            columns[REASON] = numbers[columns[REASON]]
        self._grow(end)
        self._names += [""] * (end - len(self._names))
        self._names[start:end] = saved.names
        for number, name in enumerate(saved.names, start):
            if name:
                self._numbers[name] = number
                self._to_ask[number] = True
            else:
                self._free.append(number)
        self._columns[:, start:end] = columns
        self._older |= {start + place: spells for place, spells in saved.older.items()}
        self.changed = True
