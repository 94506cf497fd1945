"""What came of troubles, as far as one partition knows: who of its customers was disrupted, complained and left.

The company says which troubles there are; whom they hit is in the minutes that the windows hold, and is kept from
then on, so that a loss days later is still tied to its trouble.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec
import numpy as np

from streams.facts.definitions.model import Definitions
from streams.health.detection import AFTERWARDS_US, AHEAD_US, StageTopics
from streams.health.live.complaints import Complaints
from streams.health.live.counting import Places
from streams.health.live.held import HeldSignals
from streams.health.live.known import KnownCustomers
from streams.health.live.parts import TroubleFound
from streams.health.live.running import Running
from streams.health.parts import ScopeName
from streams.health.red_spells import RedSpell
from streams.health.status import FORGIVEN_MINUTES
from streams.ledger.remembered import NEVER
from streams.ledger.rules import MINUTE
from streams.voice.mentions import key_of

MOST_TROUBLES = 500
"""Troubles that are followed, the newest ones."""

MOST_CUSTOMERS = 200_000
"""Customers of a partition who are followed, some 250 bytes each; beyond it no more are."""

AHEAD = AHEAD_US // MINUTE
ASKED_AT_ONCE = 1_000
SAVED_EVERY = 60
"""Minutes between two savings of a trouble that goes on: until it is saved its minutes are in the windows."""

SETTLED_AFTER = 30
"""Minutes after which a trouble is over for good, as far as signals in time go."""


@dataclass(slots=True, eq=False)
class _Trouble:
    number: int
    scope: ScopeName
    start: int
    end: int
    since: dict[str, int] = field(default_factory=dict)  # customer to the first minute
    by_customer: int | None = None
    by_topic: int | None = None
    loss: int | None = None
    losses_changed: bool = False
    saved_at: int = 0  # the running minute then
    unsaved: bool = True

    @property
    def first(self) -> int:
        """The first minute whose disruptions count."""
        return self.start - AHEAD

    def found(self) -> TroubleFound:
        return TroubleFound(self.scope, self.start, self.end, self.by_customer, self.by_topic, self.loss)


class _Saved(msgspec.Struct, array_like=True, gc=False):
    found: TroubleFound
    customers: list[str]
    since: list[int]
    losses: dict[str, int]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Saved).decode


class FollowedTroubles:
    """The troubles of the company, and what is known of them here.

    Attributes:
        changed: whether `found` may be another than when the caller last cleared it.
        gone: numbers of troubles that are followed no more, since the caller last cleared it.
    """

    def __init__(
        self, definitions: Definitions, running: Running, places: Places, held: HeldSignals, known: KnownCustomers
    ) -> None:
        self.changed = True  # whoever comes first tells what there is, if only that there is nothing
        self.gone: list[int] = []
        self._within_us = definitions.health.before_leaving_us
        self._topics = StageTopics(definitions.reasons.values())
        self._running, self._places, self._held, self._known = running, places, held, known
        self._troubles: list[_Trouble] = []
        self._numbers = 0
        self._spells: Sequence[RedSpell] | None = None
        self._complaints: Complaints | None = None
        self._heard, self._heard_changes = 0, -1
        self._of: dict[str, list[_Trouble]] = {}
        self._names: dict[int, str] = {}  # by key of the customer
        self._losses: dict[str, int] = {}
        self._todo: dict[int, set[_Trouble]] = {}  # by minute
        self._to_ask: dict[str, None] = {}

    # Which troubles there are

    def follow(self, spells: Sequence[RedSpell], complaints: Complaints | None) -> None:
        """The troubles of the company now, by their start; the same object as long as nothing changed."""
        self._complaints = complaints
        if spells is self._spells:
            return
        self._spells = spells
        before: dict[ScopeName, list[_Trouble]] = {}
        for one in self._troubles:
            before.setdefault(one.scope, []).append(one)
        self._troubles = []
        for spell in spells[-MOST_TROUBLES:]:
            mine = before.get(spell.scope, [])
            known = next((one for one in mine if _are_one(one, spell)), None)
            if known is None:
                known = _Trouble(self._numbers, spell.scope, spell.start, spell.start)
                self._numbers += 1
                self._want(known, range(known.first, spell.end))
            else:
                mine.remove(known)
            self._troubles.append(known)
            self._turn(known, spell)
        for one in (one for others in before.values() for one in others):
            self._drop(one)

    def _turn(self, trouble: _Trouble, spell: RedSpell) -> None:
        """The trouble lasts from when to when the spell does."""
        if (spell.start, spell.end) == (trouble.start, trouble.end):
            return
        first = spell.start - AHEAD
        strayed = [name for name, at in trouble.since.items() if not first <= at < spell.end]
        if spell.start < trouble.start or strayed:
            self._leave(trouble, strayed)
            self._want(trouble, range(first, spell.end))
        elif spell.end > trouble.end:
            self._want(trouble, range(trouble.end, spell.end))
        if trouble.by_topic is not None and trouble.by_topic < first * MINUTE:
            trouble.by_topic = None
        trouble.start, trouble.end, trouble.unsaved, self.changed = spell.start, spell.end, True, True
        self._heard_changes = -1

    def _want(self, trouble: _Trouble, minutes: Iterable[int]) -> None:
        for minute in minutes:
            if minute >= self._running.minute or minute in self._running.minutes:
                self._todo.setdefault(minute, set()).add(trouble)

    def _leave(self, trouble: _Trouble, names: Iterable[str]) -> None:
        """These were not disrupted in it, as it turned out."""
        left = list(names)
        for name in left:
            del trouble.since[name]
            self._of[name].remove(trouble)
            if not self._of[name]:
                self._let_go(name)
        if left:
            trouble.by_customer = self._first_of(trouble, trouble.since)
            trouble.losses_changed = trouble.unsaved = self.changed = True

    def _let_go(self, name: str) -> None:
        del self._of[name]
        self._names.pop(key_of(name), None)
        self._losses.pop(name, None)

    def _drop(self, trouble: _Trouble) -> None:
        self._leave(trouble, list(trouble.since))
        for minutes in self._todo.values():
            minutes.discard(trouble)
        self.gone.append(trouble.number)
        self.changed = True

    def touched(self, minute: int) -> None:
        """A minute was counted anew."""
        for trouble in self._troubles:
            if trouble.first <= minute < trouble.end:
                self._leave(trouble, [name for name, at in trouble.since.items() if at == minute])
                self._want(trouble, range(minute, trouble.end))

    def ledger_changed(self, customers: Iterable[str]) -> None:
        """The ledger has another word of these customers."""
        self._to_ask.update((name, None) for name in customers if name in self._of)

    def ask_all_anew(self) -> None:
        """There is another ledger."""
        self._to_ask.update(dict.fromkeys(self._of))

    # What came of them

    def work(self, most: int) -> bool:
        """Look at minutes that are over, at most so many, and at what was said; says whether there is more to do."""
        ripe = sorted(minute for minute in self._todo if minute < self._running.minute)
        for minute in ripe[:most]:
            self._look(minute, self._todo.pop(minute))
        self._ask()
        self._listen()
        for trouble in self._troubles:
            if trouble.losses_changed:
                trouble.losses_changed = False
                self._note(trouble, loss=self._first_loss(trouble))
        return len(ripe) > most or (self._known.has_ledger and bool(self._to_ask))

    def _look(self, minute: int, troubles: set[_Trouble]) -> None:
        counts = self._running.minutes.look(minute)
        if counts is None or not troubles:
            return
        numbers = {self._places.scope(one.scope): one for one in troubles}
        hurt = counts.cell_hurt & ~counts.cell_summed
        cells, scopes = counts.cell_customer[hurt], counts.cell_scope[hurt]
        wanted = np.array(sorted(numbers), dtype=np.int64)
        worth = self._known.values(np.unique(cells))
        names = self._held.customers.names
        for places in (scopes, self._running.whole_of[scopes]):
            chosen = np.isin(places, wanted)
            for scope, customer in zip(places[chosen].tolist(), cells[chosen].tolist(), strict=True):
                self._join(numbers[scope], names[customer], minute, worth[customer] == 0)

    def _join(self, trouble: _Trouble, name: str, minute: int, may_have_left: bool) -> None:
        before = trouble.since.get(name)
        if before is not None and before <= minute:
            return
        if before is None:
            if name not in self._of:
                if len(self._of) >= MOST_CUSTOMERS:
                    return
                self._names[key_of(name)] = name
            self._of.setdefault(name, []).append(trouble)
        trouble.since[name] = minute
        trouble.unsaved = True
        if name in self._losses:
            trouble.losses_changed = True
        elif may_have_left:
            self._to_ask[name] = None
        self._note(trouble, by_customer=self._first_of(trouble, [name]))

    def _first_of(self, trouble: _Trouble, names: Iterable[str]) -> int | None:
        """When one of these first complained of a trouble."""
        if self._complaints is None:
            return None
        end, found = trouble.end * MINUTE + AFTERWARDS_US, []
        for name in names:
            since = trouble.since[name] * MINUTE
            said = self._complaints.of_customer(key_of(name))
            found += [next((at for at in said if since <= at < end), end)]
        return min((at for at in found if at < end), default=None)

    def _note(
        self, trouble: _Trouble, by_customer: int | None = None, by_topic: int | None = None, loss: int | None = NEVER
    ) -> None:
        """Complaints are the earliest that is known, and a loss is as it is now, if it is told."""
        was = trouble.by_customer, trouble.by_topic, trouble.loss
        told = _earlier(trouble.by_customer, by_customer), _earlier(trouble.by_topic, by_topic)
        trouble.by_customer, trouble.by_topic = told
        if loss != NEVER:
            trouble.loss = loss
        if was != (*told, trouble.loss):
            trouble.unsaved = self.changed = True

    def _ask(self) -> None:
        """Ask the ledger who has left; as long as there is none, what is known stands."""
        if not self._known.has_ledger:
            return
        for name in list(islice(self._to_ask, ASKED_AT_ONCE)):
            del self._to_ask[name]
            if name not in self._of:
                continue
            loss, before = self._known.loss(name), self._losses.get(name)
            # Of a loss that the ledger has forgotten the details of, what was known stands.
            at = None if loss is None else before if loss.at == NEVER else loss.at
            if at == before:
                continue
            if at is None:
                del self._losses[name]
            else:
                self._losses[name] = at
            for trouble in self._of[name]:
                trouble.losses_changed = True

    def _first_loss(self, trouble: _Trouble) -> int | None:
        if len(trouble.since) < len(self._losses):
            both = [(since, self._losses[name]) for name, since in trouble.since.items() if name in self._losses]
        else:
            both = [(trouble.since[name], at) for name, at in self._losses.items() if name in trouble.since]
        return min((at for since, at in both if 0 <= at - since * MINUTE <= self._within_us), default=None)

    def _listen(self) -> None:
        complaints = self._complaints
        if complaints is None or complaints.changes == self._heard_changes:
            return
        self._heard_changes = complaints.changes
        news, self._heard = complaints.after(self._heard)
        for key, at in news:
            name = self._names.get(key)
            for trouble in self._of.get(name, ()) if name is not None else ():
                if trouble.since[name or ""] * MINUTE <= at < trouble.end * MINUTE + AFTERWARDS_US:
                    self._note(trouble, by_customer=at)
        for trouble in self._troubles:
            begin, end = trouble.first * MINUTE, trouble.end * MINUTE + AFTERWARDS_US
            self._note(trouble, by_topic=complaints.first_of(self._topics.of(trouble.scope), begin, end))

    def found(self) -> list[TroubleFound]:
        """Every trouble that is followed, and what is known of it."""
        return [one.found() for one in self._troubles]

    # What is written

    def to_save(self) -> list[tuple[int, bytes]]:
        """Number and payload of troubles that changed and are to be saved now."""
        now, waiting = self._running.minute, {one for troubles in self._todo.values() for one in troubles}
        found = []
        for one in self._troubles:
            is_settled = now >= one.end + SETTLED_AFTER or now >= one.saved_at + SAVED_EVERY
            if one.unsaved and is_settled and one not in waiting:
                one.unsaved, one.saved_at = False, now
                found.append((one.number, self._packed(one)))
        return found

    def payload(self, number: int) -> bytes | None:
        """What is saved of a trouble; None: it is followed no more."""
        return next((self._packed(one) for one in self._troubles if one.number == number), None)

    def _packed(self, trouble: _Trouble) -> bytes:
        losses = {name: self._losses[name] for name in trouble.since if name in self._losses}
        return _encode(_Saved(trouble.found(), list(trouble.since), list(trouble.since.values()), losses))

    def restore(self, number: int, payload: bytes) -> None:
        """Take over a trouble. Raises: msgspec.MsgspecError."""
        saved = _decode(payload)
        found = saved.found
        trouble = _Trouble(
            number, found.scope, found.start, found.end, dict(zip(saved.customers, saved.since, strict=True)),
            found.by_customer, found.by_topic, found.loss, unsaved=False,
        )  # fmt: skip
        for name in trouble.since:
            self._of.setdefault(name, []).append(trouble)
            self._names[key_of(name)] = name
        self._losses |= saved.losses
        self._troubles.append(trouble)
        self._numbers = max(self._numbers, number + 1)
        self.changed = True
        self.ask_all_anew()


def _are_one(trouble: _Trouble, spell: RedSpell) -> bool:
    return (
        trouble.start <= spell.end + FORGIVEN_MINUTES and spell.start <= trouble.end + FORGIVEN_MINUTES
    )


def _earlier(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else min(one, other)
