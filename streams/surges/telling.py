"""The life of a surge: opened once, told again as it grows, closed once, as the verdicts on its series say."""

from collections.abc import Callable, Iterator
from typing import Final, Protocol

import msgspec

from streams.surges.alarm_line import score_of
from streams.surges.budget import Budget
from streams.surges.members import Members
from streams.surges.running_slots import RunningSlots
from streams.surges.series import LOST_CUSTOMERS, Series
from streams.surges.shares import Counted, counted_of, grown, is_still_grown, line_of
from streams.surges.steps import FINE_S, Step
from streams.surges.stories import Stories
from streams.surges.surge import Contribution, Surge, SurgeEvent, What, surge_id
from streams.surges.verdict import State, Verdict
from streams.surges.watch import Watch

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


class Telling:
    """Who opens, updates and closes the surges of a bank.

    Attributes:
        stories: which surges belong together.
        changed: series that were told of, or whose past began anew; the bank adds those that were counted in.
    """

    def __init__(
        self, members: Members, budget: Budget, slots: RunningSlots,
        evidence: EvidenceProvider | None, on_event: Callable[[SurgeEvent], None] | None,
    ) -> None:  # fmt: skip
        """`members`, `budget` and `slots` are the bank's own, which go on."""
        self.stories = Stories()
        self.changed: set[Series] = set()
        self._members = members
        self._budget = budget
        self._slots = slots
        self._evidence = evidence
        self._on_event = on_event

    def tell(self, watch: Watch, step: Step, verdict: Verdict, now: int, events: list[SurgeEvent]) -> None:
        """Open, update or close the surge of a series, as a step's verdict on its running slot says."""
        may_tell = self._budget.may_tell
        surge = watch.surge
        is_alarm = verdict.state is State.SURGE and verdict.score >= 0.5 and may_tell(watch.series, step)
        if is_alarm and not watch.has_past():
            self.begin_anew(watch.series, now)
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

    def look_at_shares(self, end: int, events: list[SurgeEvent]) -> Iterator[None]:
        """Open surges of the parts that have grown beside the rest of their whole."""
        pairs = self._members.pairs(FINE_S)
        parts = [one for one in pairs if one[0].series.measure in SHARED and one[0].surge is None]
        line = line_of(len(parts))
        of_wholes: dict[str, Counted] = {}
        for number, (watch, step) in enumerate(parts):
            if number % PIECE == 0:
                yield
            whole, measure = self._members.whole_of(watch), watch.series.measure
            if whole is None:
                continue
            if measure not in of_wholes:
                of_wholes[measure] = counted_of(whole.detector)
            shift = grown(counted_of(step.detector), of_wholes[measure], line)
            if shift is not None and watch.has_past() and self._budget.may_tell(watch.series, step):
                verdict = Verdict(
                    score_of(line, line), None, None, None, State.SURGE, "up", shift.slots - 1, 0, 0.0,
                    shift.observed, shift.expected,
                )  # fmt: skip
                self._open(watch, step, verdict, end, events)

    def begin_anew(self, key: Series, now: int) -> None:
        """A collection begins: the past of the series, and of all that lies in it, begins here."""
        self.changed.update(self._members.begin_anew(key, now))

    def _was_told(self, watch: Watch, step: Step, verdict: Verdict) -> bool:
        """Whether a surge that is over has told this already: a long slot ends later than what it held."""
        at, excess = watch.told
        onset = self._slots.back(step.step_s, verdict.onset_slots)
        return at > onset and abs(verdict.observed - verdict.usual) <= GROWN * excess

    def _is_still_grown(self, watch: Watch) -> bool:
        whole, step = self._members.whole_of(watch), watch.steps[0]
        if whole is None or watch.series.measure not in SHARED or step.step_s != FINE_S:
            return False
        return is_still_grown(counted_of(step.detector), counted_of(whole.detector))

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
