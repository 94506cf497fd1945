"""The bank: thousands of counted series, minute by minute, and the surges in them.

Event time only: a minute is handed in when the clock has passed its end. What is not said of a series that is known
is zero, what nobody could know is unknown; both must be told apart by the caller. The same minutes give the same
surges with the same ids, so a minute that comes again after a crash is harmless.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping

import msgspec

from streams.surges.budget import Budget, SurgeRules
from streams.surges.lumps import Amounts, Lumps
from streams.surges.members import Members
from streams.surges.running_slots import RunningSlots
from streams.surges.series import Series
from streams.surges.steps import DAY_S, FINE_S, HOUR_S, MINUTES, STEPS
from streams.surges.stories import Stories
from streams.surges.surge import Surge, SurgeEvent
from streams.surges.telling import PIECE, EvidenceProvider, Telling
from streams.surges.verdict import State
from streams.surges.watch import Since, Watch, watch_of


class SurgeBank:
    """The series of one worker.

    Example:
        >>> bank, key = SurgeBank(SurgeRules()), Series("unhappy_mentions", (("brand", "acme"),))
        >>> for minute in range(24 * 60):
        ...     assert bank.observe(minute * MINUTES, {key: 3 + minute % 3}) == []
        >>> [event.what.value for event in bank.observe(24 * 60 * MINUTES, {key: 400})]
        ['opened']

    Attributes:
        clock: end of the newest minute observed; None before the first.
        late: counts that came for a slot that was closed.
        changed: series whose snapshot is no longer what it was; whoever saves them empties it.
        gone: series that are no more; likewise.
    """

    def __init__(
        self, rules: SurgeRules, *, evidence: EvidenceProvider | None = None,
        on_event: Callable[[SurgeEvent], None] | None = None,
    ) -> None:  # fmt: skip
        """`on_event` is told of each event before it is returned: to mark what was expected, for example.

        Raises: ValueError for a budget that is not positive; zoneinfo.ZoneInfoNotFoundError for an unknown zone.
        """
        self.rules = rules
        self.clock: int | None = None
        self.late = 0
        self.gone: set[Series] = set()
        self._budget = Budget(rules)
        self._slots = RunningSlots(rules.zone)
        self._members = Members(self._budget)
        self._telling = Telling(self._members, self._budget, self._slots, evidence, on_event)
        self.changed = self._telling.changed
        self._behind: dict[Series, int] = {}  # the clock of the snapshot that a series was restored from
        self._lumps = Lumps()

    def observe(
        self, minute_us: int, counts: Mapping[Series, float | None], unknown: Collection[str] = ()
    ) -> list[SurgeEvent]:
        """Judge the next minute, which is over.

        Args:
            minute_us: its start; minutes between the last one and this are unknown. One that was observed before is
                taken in, without a judgement, by series restored from a snapshot that is older than it, if their
                slots of five minutes still run.
            counts: of the series in which something was counted; None: not known. A series that is not named, and
                whose measure is not unknown, had nothing to count.
            unknown: measures of which nothing is known in this minute, as their feed is stale.
        """
        return _ended(self.observing(minute_us, counts, unknown))

    def observing(
        self, minute_us: int, counts: Mapping[Series, float | None], unknown: Collection[str] = ()
    ) -> Generator[None, None, list[SurgeEvent]]:
        """The same in pieces. Between them series may be asked for, and nothing else be done or saved."""
        events: list[SurgeEvent] = []
        if self.clock is not None and minute_us < self.clock:
            self._catch_up(minute_us, counts)
            return events
        self._behind.clear()
        yield from self._begin(minute_us, events)
        self._slots.see(unknown)
        lumps = self._lumps
        for number, (key, count) in enumerate(counts.items()):
            if number % PIECE == 0:
                yield
            judged = lumps.judged(key, count, counts) if count else count
            self._add(key, minute_us, judged, events)
        lumps.learn(counts)
        clock = minute_us + MINUTES
        yield from self._end(clock, events)
        self.clock = clock
        return events

    def early(self, minute_us: int, partial: Mapping[Series, float]) -> list[SurgeEvent]:
        """Judge the running minute by what was counted in it so far; nothing is learnt.

        A count only grows, so what is overwhelming now is so at the minute's end.
        """
        return _ended(self.looking(minute_us, partial))

    def looking(self, minute_us: int, partial: Mapping[Series, float]) -> Generator[None, None, list[SurgeEvent]]:
        """The same in pieces, as of `observing`."""
        events: list[SurgeEvent] = []
        if self.clock is not None and minute_us != self.clock:
            return events
        for number, (key, count) in enumerate(partial.items()):
            if number % PIECE == 0:
                yield
            watch = self._members.watches.get(key)
            if watch is not None and watch.surge is None and watch.has_past():
                self._early(watch, minute_us + MINUTES, self._lumps.judged(key, count, partial), events)
        return events

    def correct(self, minute_us: int, differences: Mapping[Series, float]) -> None:
        """Counts that came late for a minute that was observed: they count in the slots that still run.

        What lies in a slot that was judged is not judged again, and counted as `late`.
        """
        for key, difference in differences.items():
            watch = self._members.watches.get(key)
            if watch is None:
                continue
            is_late = True
            judged = self._lumps.judged(key, difference, differences)
            for step in watch.steps:
                if minute_us >= self._slots.starts[step.step_s]:
                    step.value = max(0.0, step.value + judged)
                    is_late = False
            self.late += is_late
            self.changed.add(key)

    def forget(self, key: Series) -> None:
        """Let a series begin anew, as what it counts has changed; an open surge of it is no more."""
        if self._members.forget(key):
            self.gone.add(key)
        self.changed.discard(key)

    def knows(self, key: Series) -> bool:
        """Whether there is such a series."""
        return key in self._members.watches

    def series(self) -> Iterator[Series]:
        """All series, in the order in which they came."""
        return iter(self._members.watches)

    def surging(self) -> set[Series]:
        """Wholes with an open surge, in which parts are judged by their own budget alone."""
        return set(self._budget.surging)

    def open_surges(self) -> list[Surge]:
        """By detection."""
        found = [watch.surge for watch in self._members.watches.values() if watch.surge is not None]
        return sorted(found, key=lambda surge: (surge.detected, surge.surge_id))

    def lump(self, measure: str) -> float:
        """What one event of a measure counts for; 0 or 1 where events are simply counted."""
        return self._lumps.size(measure)

    def state(self, key: Series) -> tuple[State, int]:
        """State of a series and, while it is warming, the seconds left as far as they are known."""
        watch = self._members.watches.get(key)
        if watch is None or not watch.has_past() or watch.warming_s():
            return State.WARMING, 0 if watch is None else watch.warming_s()
        return (State.NORMAL if watch.surge is None else State.SURGE), 0

    def expected_an_hour(self, key: Series) -> float | None:
        """What an hour of a series would hold at its expected pace, in its own unit; None while that is learnt."""
        watch = self._members.watches.get(key)
        if watch is None or not watch.has_past() or watch.warming_s():
            return None
        paces = (step.expected * HOUR_S / step.step_s for step in watch.steps if step.expected is not None)
        return next(paces, None)  # of the finest step

    def snapshot(self, key: Series) -> bytes:
        """What is known of a series, for `restore`: under 10 kB. Raises: KeyError for an unknown one."""
        return self._members.watches[key].saved(self.clock or 0)

    def keep(self, key: Series) -> bytes:
        """The same, for whoever keeps it and what `since` tells from here on."""
        data = self.snapshot(key)
        self._members.watches[key].is_whole_at(self.clock or 0)
        return data

    def since(self, key: Series) -> Since | None:
        """What became of a series since it was last kept; None: it must be kept again to tell that."""
        watch = self._members.watches[key]
        return None if watch.must_be_whole() else watch.since(self.clock or 0)

    def restore(self, data: bytes) -> Series:
        """Take over a series from its snapshot. Raises: msgspec.ValidationError when it is none of this version."""
        watch, clock = watch_of(data)
        self._members.take_in(watch)
        self._behind[watch.series] = clock
        return watch.series

    def go_on(self, key: Series, since: Since) -> None:
        """Take over what became of a restored series since its snapshot; nothing where it follows on an older one."""
        watch = self._members.watches[key]
        if watch.go_on(since):
            self._behind[key] = since.clock
            self._members.note_surging(watch)

    def snapshot_board(self) -> bytes:
        """What belongs to no single series: the clock, the running slots and the stories."""
        stories = self._telling.stories.saved()
        return msgspec.msgpack.encode((self.clock, self._slots.saved(), stories, self._lumps.amounts))

    def restore_board(self, data: bytes) -> None:
        """The inverse of `snapshot_board`. Raises: msgspec.ValidationError."""
        self.clock, slots, stories, amounts = msgspec.msgpack.decode(data, type=_SAVED_BOARD)
        self._slots.restore(slots)
        self._telling.stories = Stories.restore(stories)
        self._lumps = Lumps(amounts)

    def _begin(self, minute_us: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Close the slots that end before a minute: some minutes were skipped."""
        for step_s in STEPS:
            if minute_us >= self._slots.ends[step_s]:
                if self._slots.has_any(step_s):
                    yield from self._close(step_s, events)
                self._slots.turn_to(step_s, minute_us)

    def _end(self, clock: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Close the slots that end with a minute."""
        for step_s in STEPS:
            if clock >= self._slots.ends[step_s]:
                yield from self._close(step_s, events)
                self._slots.turn_to(step_s, clock)

    def _add(self, key: Series, minute_us: int, count: float | None, events: list[SurgeEvent]) -> None:
        watch = self._members.watches.get(key)
        if watch is None:
            if not count:
                return
            watch = Watch(key, minute_us)
            self._members.take_in(watch)
        self.changed.add(key)
        watch.count(count)
        if not count:
            return
        finer = watch.finer()
        if finer and not watch.has_past():
            self._telling.begin_anew(key, minute_us)
            return
        if finer:
            watch.watch_finer(finer)
            self._members.steps_changed()
        if watch.surge is None and watch.has_past():
            self._early(watch, minute_us + MINUTES, 0.0, events)

    def _catch_up(self, minute_us: int, counts: Mapping[Series, float | None]) -> None:
        """A minute that was judged before, for the series that do not know it."""
        for key, count in counts.items():
            watch = self._members.watches.get(key)
            if watch is None:
                if not count:
                    continue
                watch = Watch(key, minute_us)
                self._members.take_in(watch)
                self._behind[key] = minute_us
            if minute_us >= self._behind.get(key, minute_us + 1):
                judged = self._lumps.judged(key, count, counts) if count else count
                self.changed.add(key)
                watch.count(judged)

    def _early(self, watch: Watch, now: int, more: float, events: list[SurgeEvent]) -> None:
        for step in watch.steps:
            verdict = step.early(more)
            if verdict is not None:
                self._telling.tell(watch, step, verdict, now, events)

    def _close(self, step_s: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Judge the running slot of every series that is watched in slots of this length."""
        slots, budget, size = self._slots, self._budget, self._lumps.size
        end, minutes, place = slots.ends[step_s], slots.minutes(step_s), slots.place(step_s)
        if step_s != FINE_S:
            budget.count(self._members.watches)
        for number, (watch, step) in enumerate(self._members.pairs(step_s)):
            if number % PIECE == 0:
                yield
            watch.mark(end)
            key = watch.series
            step.unknown = min(minutes, step.unknown + slots.unknown(step_s, key.measure))
            step.detector.line = budget.line(key, step)
            step.detector.least_unit = size(key.measure)
            verdict = step.close(place, minutes)
            if verdict is not None:
                self._telling.tell(watch, step, verdict, end, events)
            self.changed.add(key)
        if step_s == FINE_S:
            yield from self._telling.look_at_shares(end, events)
        if step_s == DAY_S:
            for number, watch in enumerate(self._members.watches.values()):
                if number % PIECE == 0:
                    yield
                watch.end_day(is_whole=budget.is_whole(watch.series))
            self._members.steps_changed()



def _ended(pieces: Generator[None, None, list[SurgeEvent]]) -> list[SurgeEvent]:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            found: list[SurgeEvent] = end.value
            return found


_SAVED_BOARD = tuple[int | None, list[tuple[int, int, int, dict[str, int]]], bytes, dict[str, Amounts]]
