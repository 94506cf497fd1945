"""The bank: thousands of counted series, minute by minute, and the surges in them.

Event time only: a minute is handed in when the clock has passed its end. What is not said of a series that is known
is zero, what nobody could know is unknown; both must be told apart by the caller. The same minutes give the same
surges with the same ids, so a minute that comes again after a crash is harmless.
"""

from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from typing import Final, Protocol

import msgspec

from streams.surges.alarm_line import score_of
from streams.surges.budget import Budget, SurgeRules
from streams.surges.lumps import Amounts, Lumps
from streams.surges.running_slots import RunningSlots
from streams.surges.series import LOST_CUSTOMERS, Series
from streams.surges.shares import grown, is_still_grown, line_of
from streams.surges.steps import DAY_S, FINE_S, HOUR_S, MINUTES, STEPS, Step
from streams.surges.stories import Stories
from streams.surges.surge import Contribution, Surge, SurgeEvent, What, surge_id
from streams.surges.verdict import State, Verdict
from streams.surges.watch import Since, Watch, watch_of

SECOND: Final = 1_000_000
TELL_AGAIN_S: Final = 3_600
PIECE: Final = 64
"""Series that are judged before others may have their turn: some five milliseconds."""
SHARED: Final = frozenset({LOST_CUSTOMERS})
"""Measures of which parts are held against the rest of their whole."""
GROWN: Final = 1.5
"""An open surge is told of again when its excess has grown by so much, and every hour (or slot, of longer ones)."""


class EvidenceProvider(Protocol):
    """Who can say what a surge consists of."""

    def evidence(self, series: Series, onset_us: int, until_us: int, direction: str) -> tuple[Contribution, ...]:
        """The largest shares of the excess of [onset, until), largest first within a label."""
        ...


class SurgeBank:
    """The series of one worker.

    Example:
        >>> bank, key = SurgeBank(SurgeRules()), Series("unhappy_mentions", (("brand", "acme"),))
        >>> for minute in range(24 * 60):
        ...     assert bank.observe(minute * MINUTES, {key: 3 + minute % 3}) == []
        >>> [event.what.value for event in bank.observe(24 * 60 * MINUTES, {key: 400})]
        ['opened']

    Attributes:
        stories: open and recent stories.
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
        self.stories = Stories()
        self.clock: int | None = None
        self.late = 0
        self.changed: set[Series] = set()
        self.gone: set[Series] = set()
        self._evidence = evidence
        self._on_event = on_event
        self._watches: dict[Series, Watch] = {}
        self._budget = Budget(rules)
        self._slots = RunningSlots(rules.zone)
        self._of_step: dict[int, list[tuple[Watch, Step]]] = {}  # left out wherever steps change
        self._lying_in: dict[tuple[str, tuple[str, str] | None], set[Series]] = {}
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
            watch = self._watches.get(key)
            if watch is not None and watch.surge is None and watch.has_past():
                self._early(watch, minute_us + MINUTES, self._lumps.judged(key, count, partial), events)
        return events

    def correct(self, minute_us: int, differences: Mapping[Series, float]) -> None:
        """Counts that came late for a minute that was observed: they count in the slots that still run.

        What lies in a slot that was judged is not judged again, and counted as `late`.
        """
        for key, difference in differences.items():
            watch = self._watches.get(key)
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
        if self._watches.pop(key, None) is not None:
            for place in _places(key):
                self._lying_in[place].discard(key)
            self.gone.add(key)
        self._of_step.clear()
        self._budget.surging.discard(key)
        self.changed.discard(key)

    def knows(self, key: Series) -> bool:
        """Whether there is such a series."""
        return key in self._watches

    def series(self) -> Iterator[Series]:
        """All series, in the order in which they came."""
        return iter(self._watches)

    def surging(self) -> set[Series]:
        """Wholes with an open surge, in which parts are judged by their own budget alone."""
        return set(self._budget.surging)

    def open_surges(self) -> list[Surge]:
        """By detection."""
        found = [watch.surge for watch in self._watches.values() if watch.surge is not None]
        return sorted(found, key=lambda surge: (surge.detected, surge.surge_id))

    def lump(self, measure: str) -> float:
        """What one event of a measure counts for; 0 or 1 where events are simply counted."""
        return self._lumps.size(measure)

    def state(self, key: Series) -> tuple[State, int]:
        """State of a series and, while it is warming, the seconds left as far as they are known."""
        watch = self._watches.get(key)
        if watch is None or not watch.has_past() or watch.warming_s():
            return State.WARMING, 0 if watch is None else watch.warming_s()
        return (State.NORMAL if watch.surge is None else State.SURGE), 0

    def expected_an_hour(self, key: Series) -> float | None:
        """What an hour of a series would hold at its expected pace, in its own unit; None while that is learnt."""
        watch = self._watches.get(key)
        if watch is None or not watch.has_past() or watch.warming_s():
            return None
        paces = (step.expected * HOUR_S / step.step_s for step in watch.steps if step.expected is not None)
        return next(paces, None)  # of the finest step

    def snapshot(self, key: Series) -> bytes:
        """What is known of a series, for `restore`: under 10 kB. Raises: KeyError for an unknown one."""
        return self._watches[key].saved(self.clock or 0)

    def keep(self, key: Series) -> bytes:
        """The same, for whoever keeps it and what `since` tells from here on."""
        data = self.snapshot(key)
        self._watches[key].is_whole_at(self.clock or 0)
        return data

    def since(self, key: Series) -> Since | None:
        """What became of a series since it was last kept; None: it must be kept again to tell that."""
        watch = self._watches[key]
        return None if watch.must_be_whole() else watch.since(self.clock or 0)

    def restore(self, data: bytes) -> Series:
        """Take over a series from its snapshot. Raises: msgspec.ValidationError when it is none of this version."""
        watch, clock = watch_of(data)
        self._take_in(watch)
        self._behind[watch.series] = clock
        return watch.series

    def go_on(self, key: Series, since: Since) -> None:
        """Take over what became of a restored series since its snapshot; nothing where it follows on an older one."""
        watch = self._watches[key]
        if watch.go_on(since):
            self._behind[key] = since.clock
            self._note_surging(watch)

    def snapshot_board(self) -> bytes:
        """What belongs to no single series: the clock, the running slots and the stories."""
        return msgspec.msgpack.encode((self.clock, self._slots.saved(), self.stories.saved(), self._lumps.amounts))

    def restore_board(self, data: bytes) -> None:
        """The inverse of `snapshot_board`. Raises: msgspec.ValidationError."""
        self.clock, slots, stories, amounts = msgspec.msgpack.decode(data, type=_SAVED_BOARD)
        self._slots.restore(slots)
        self.stories = Stories.restore(stories)
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
        watch = self._watches.get(key)
        if watch is None:
            if not count:
                return
            watch = Watch(key, minute_us)
            self._take_in(watch)
        self.changed.add(key)
        watch.count(count)
        if not count:
            return
        finer = watch.finer()
        if finer and not watch.has_past():
            self._begin_anew(key, minute_us)
            return
        if finer:
            watch.watch_finer(finer)
            self._of_step.clear()
        if watch.surge is None and watch.has_past():
            self._early(watch, minute_us + MINUTES, 0.0, events)

    def _catch_up(self, minute_us: int, counts: Mapping[Series, float | None]) -> None:
        """A minute that was judged before, for the series that do not know it."""
        for key, count in counts.items():
            watch = self._watches.get(key)
            if watch is None:
                if not count:
                    continue
                watch = Watch(key, minute_us)
                self._take_in(watch)
                self._behind[key] = minute_us
            if minute_us >= self._behind.get(key, minute_us + 1):
                judged = self._lumps.judged(key, count, counts) if count else count
                self.changed.add(key)
                watch.count(judged)

    def _early(self, watch: Watch, now: int, more: float, events: list[SurgeEvent]) -> None:
        for step in watch.steps:
            verdict = step.early(more)
            if verdict is not None:
                self._tell(watch, step, verdict, now, events)

    def _close(self, step_s: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Judge the running slot of every series that is watched in slots of this length."""
        slots, budget, size = self._slots, self._budget, self._lumps.size
        end, minutes, place = slots.ends[step_s], slots.minutes(step_s), slots.place(step_s)
        if step_s != FINE_S:
            budget.count(self._watches)
        for number, (watch, step) in enumerate(self._pairs(step_s)):
            if number % PIECE == 0:
                yield
            watch.mark(end)
            key = watch.series
            step.unknown = min(minutes, step.unknown + slots.unknown(step_s, key.measure))
            step.detector.line = budget.line(key, step)
            step.detector.least_unit = size(key.measure)
            verdict = step.close(place, minutes)
            if verdict is not None:
                self._tell(watch, step, verdict, end, events)
            self.changed.add(key)
        if step_s == FINE_S:
            yield from self._look_at_shares(end, events)
        if step_s == DAY_S:
            for number, watch in enumerate(self._watches.values()):
                if number % PIECE == 0:
                    yield
                watch.end_day(is_whole=budget.is_whole(watch.series))
            self._of_step.clear()

    def _pairs(self, step_s: int) -> list[tuple[Watch, Step]]:
        """The series that are watched in slots of a length."""
        pairs = self._of_step.get(step_s)
        if pairs is None:
            pairs = [
                (watch, step) for watch in self._watches.values() for step in watch.steps if step.step_s == step_s
            ]
            self._of_step[step_s] = pairs
        return pairs

    def _take_in(self, watch: Watch) -> None:
        """Add a series to the bank."""
        self._watches[watch.series] = watch
        for place in _places(watch.series):
            self._lying_in.setdefault(place, set()).add(watch.series)
        self._of_step.clear()
        self._budget.take_in(watch.series)
        self._note_surging(watch)

    def _note_surging(self, watch: Watch) -> None:
        if watch.surge is not None and self._budget.is_whole(watch.series):
            self._budget.surging.add(watch.series)
        else:
            self._budget.surging.discard(watch.series)

    def _begin_anew(self, key: Series, now: int) -> None:
        """A collection begins: the past of the series, and of all that lies in it, begins here."""
        self._of_step.clear()
        for part in set.intersection(*(self._lying_in[place] for place in _places(key, everything=not key.labels))):
            watch = self._watches[part]
            if watch.surge is None:
                watch.begin(now)
                self.changed.add(part)

    def _tell(self, watch: Watch, step: Step, verdict: Verdict, now: int, events: list[SurgeEvent]) -> None:
        """Open, update or close the surge of a series, as a step's verdict on its running slot says."""
        may_tell = self._budget.may_tell
        surge = watch.surge
        is_alarm = verdict.state is State.SURGE and verdict.score >= 0.5 and may_tell(watch.series, step)
        if is_alarm and not watch.has_past():
            self._begin_anew(watch.series, now)
            return
        if surge is not None and is_alarm and step.step_s == surge.step_s and verdict.direction != surge.direction:
            self._end_surge(watch, surge, now, events)
            surge = None
        if surge is None:
            if is_alarm and not self._was_told(watch, step, verdict):
                self._open(watch, step, verdict, now, events)
            return
        if step.step_s == surge.step_s and now == self._slots.ends[step.step_s]:
            if self._slots.starts[step.step_s] >= surge.detected:
                surge.observed += verdict.slot
                surge.expected += verdict.expected or 0.0
            elif is_alarm:
                surge.observed, surge.expected = verdict.observed, verdict.usual
        if any(one.in_surge and may_tell(watch.series, one) for one in watch.steps) or self._is_still_grown(watch):
            self._update(watch, surge, now, events)
        else:
            self._end_surge(watch, surge, now, events)

    def _was_told(self, watch: Watch, step: Step, verdict: Verdict) -> bool:
        """Whether a surge that is over has told this already: a long slot ends later than what it held."""
        at, excess = watch.told
        onset = self._slots.back(step.step_s, verdict.onset_slots)
        return at > onset and abs(verdict.observed - verdict.usual) <= GROWN * excess

    def _look_at_shares(self, end: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Open surges of the parts that have grown beside the rest of their whole."""
        parts = [one for one in self._pairs(FINE_S) if one[0].series.measure in SHARED and one[0].surge is None]
        line = line_of(len(parts))
        for number, (watch, step) in enumerate(parts):
            if number % PIECE == 0:
                yield
            whole = self._whole_of(watch)
            shift = None if whole is None else grown(step.detector, whole.detector, line)
            if shift is not None and watch.has_past() and self._budget.may_tell(watch.series, step):
                verdict = Verdict(
                    score_of(line, line), None, None, None, State.SURGE, "up", shift.slots - 1, 0, 0.0,
                    shift.observed, shift.expected,
                )  # fmt: skip
                self._open(watch, step, verdict, end, events)

    def _is_still_grown(self, watch: Watch) -> bool:
        whole, step = self._whole_of(watch), watch.steps[0]
        if whole is None or watch.series.measure not in SHARED or step.step_s != FINE_S:
            return False
        return is_still_grown(step.detector, whole.detector)

    def _whole_of(self, watch: Watch) -> Step | None:
        """The whole that a series is a part of, in slots of five minutes; None: it is none, or too quiet for them."""
        whole = self._watches.get(Series(watch.series.measure)) if watch.series.labels else None
        return whole.steps[0] if whole is not None and whole.steps[0].step_s == FINE_S else None

    def _open(self, watch: Watch, step: Step, verdict: Verdict, now: int, events: list[SurgeEvent]) -> None:
        assert verdict.direction is not None
        onset = self._slots.back(step.step_s, verdict.onset_slots)
        surge = Surge(
            surge_id=surge_id(watch.series, onset, verdict.direction),
            series=watch.series,
            onset=onset,
            detected=now,
            direction=verdict.direction,
            observed=verdict.observed,
            expected=verdict.usual,
            step_s=step.step_s,
        )
        self._look_into(surge, now)
        surge.story = self.stories.place(surge, now)
        watch.surge = surge
        step.is_told = True
        if self._budget.is_whole(watch.series):
            self._budget.surging.add(watch.series)
        watch.told = now, abs(surge.observed - surge.expected)
        self._event(What.OPENED, now, surge, events)

    def _update(self, watch: Watch, surge: Surge, now: int, events: list[SurgeEvent]) -> None:
        at, excess = watch.told
        grown = abs(surge.observed - surge.expected)
        if grown > GROWN * excess or now - at >= max(TELL_AGAIN_S, surge.step_s) * SECOND:
            watch.told = now, grown
            self._look_into(surge, now)
            self._event(What.UPDATED, now, surge, events)

    def _end_surge(self, watch: Watch, surge: Surge, now: int, events: list[SurgeEvent]) -> None:
        surge.closed = now
        watch.surge = None
        self._budget.surging.discard(watch.series)
        self.stories.close(surge, now)
        self._event(What.CLOSED, now, surge, events)

    def _look_into(self, surge: Surge, now: int) -> None:
        if self._evidence is not None:
            surge.evidence = self._evidence.evidence(surge.series, surge.onset, now, surge.direction)

    def _event(self, what: What, now: int, surge: Surge, events: list[SurgeEvent]) -> None:
        event = SurgeEvent(what, now, msgspec.structs.replace(surge))
        if self._on_event is not None:
            self._on_event(event)
        events.append(event)
        self.changed.add(surge.series)


def _ended(pieces: Generator[None, None, list[SurgeEvent]]) -> list[SurgeEvent]:
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            found: list[SurgeEvent] = end.value
            return found


def _places(key: Series, *, everything: bool = True) -> list[tuple[str, tuple[str, str] | None]]:
    """Where a series lies: below each of its labels, and (`everything`) among all of its measure."""
    places: list[tuple[str, tuple[str, str] | None]] = [(key.measure, label) for label in key.labels]
    return [*places, (key.measure, None)] if everything else places


_SAVED_BOARD = tuple[int | None, list[tuple[int, int, int, dict[str, int]]], bytes, dict[str, Amounts]]
