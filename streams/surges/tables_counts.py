"""What a running worker counts for the detectors, minute by minute, out of the merged tables and survey answers."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from streams.health.live.company import CompanyHealth
from streams.intake.surveys import Answer
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import DAY, MINUTE
from streams.surges.counting import NO_OWN, UNHAPPY_SHARE, Count, of_answer, of_disrupted, of_mention, of_movement
from streams.surges.own_series import OwnCounting
from streams.surges.series import Parts, Series
from streams.surges.survey_mean import SurveyMean
from streams.tables.buckets import HOURS, MINUTES, Bucket
from streams.tables.cells import LOST, NEW, RETURNED, Addition
from streams.tables.tables import Tables
from streams.voice.merged import Change

KEPT_US: Final = 14 * DAY
"""How long mentions are kept by the minute: as long as detectors may lag behind, as in a replay."""


_KINDS: Final = {LOST: MovementKind.LOST, NEW: MovementKind.NEW, RETURNED: MovementKind.RETURNED}


def ledger_counts(tables: Tables, minute: int, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Losses of a minute, and what `own` names, as the merged tables have them now, whatever is done with them later.

    What is older than minutes are kept is counted in the first minute of its hour, or of its day.
    """
    buckets, calendar = tables.buckets, tables.calendar
    level = buckets.level_at(minute)
    if level == MINUTES:
        found = buckets.minutes.get(minute)
    elif level == HOURS:
        found = buckets.hours.get(minute) if minute == calendar.hour_start(minute) else None
    else:
        found = buckets.days.get(minute) if minute == calendar.day_start(minute) else None
    cells = [] if found is None else [(cell, n, value) for cell, (n, value) in Bucket.of(found).plain.items()]
    return _of_cells(cells, minute, own)


def _of_cells(cells: Iterable[Addition], minute: int, own: OwnCounting) -> Iterator[Count]:
    for cell, customers, value in cells:
        code, segment, region, product, word, loss_kind, _, _ = cell
        if code == LOST or (code in _KINDS and own.counted):
            scope = Scope(segment, region, product)
            is_loss = code == LOST
            movement = Movement(
                _KINDS[code], minute, scope, customers, value, None, activity="" if is_loss else word,
                reason=word if is_loss else "", loss_kind=loss_kind,
            )  # fmt: skip
            yield from of_movement(movement, 1, own)


def disrupted(health: CompanyHealth, minute: int, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Customers disrupted in a minute, by scope, as is known now."""
    number = minute // MINUTE
    known = list(health.disrupted.get(number, {}).items())
    return (count for scope, amount in known for count in of_disrupted(scope, number, amount, own))


class CountsByMinute:
    """Counts by minute, as they stand now.

    Attributes:
        late: counts since they were last asked for, corrections with a minus; whoever judges takes those that came
            too late, and empties the list.
        span: the first and the last minute in which anything came, counted or not; None before one.
    """

    def __init__(self, own: OwnCounting = NO_OWN) -> None:
        """`own`: series that the definitions name."""
        self.late: list[Count] = []
        self.span: tuple[int, int] | None = None
        self._own = own
        self._minutes: dict[int, dict[tuple[tuple[Series, ...], Parts], float]] = {}

    @property
    def first(self) -> int | None:
        """The first minute in which anything came; None before one."""
        return None if self.span is None else self.span[0]

    def minute(self, start: int) -> list[Count]:
        """What was counted in a minute."""
        counted = self._minutes.get(start, {})
        return [Count(start, keys, amount, parts) for (keys, parts), amount in counted.items()]

    def forget(self, clock: int) -> None:
        """Let go of what is older than is kept."""
        for start in [start for start in self._minutes if start < clock - KEPT_US]:
            del self._minutes[start]
        if self.span is not None:
            self.span = max(self.span[0], clock - KEPT_US), self.span[1]

    def _see(self, minute: int) -> None:
        first, last = (minute, minute) if self.span is None else self.span
        self.span = min(minute, first), max(minute, last)

    def _book(self, counts: Iterable[Count]) -> None:
        for count in counts:
            counted = self._minutes.setdefault(count.minute, {})
            key = count.keys, count.parts
            counted[key] = counted.get(key, 0.0) + count.amount
            if not counted[key]:
                del counted[key]
            self.late.append(count)


class MentionCounts(CountsByMinute):
    """Happy and unhappy mentions by minute."""

    def take(self, changes: Iterable[Change]) -> None:
        """Mentions that were counted or taken out again."""
        for change in changes:
            self._see(change.minute)
            self._book(of_mention(change, self._own))


ANSWERED_US: Final = 7 * DAY
"""Of surveys: the span before the newest answer that is told of."""


class Voted(NamedTuple):
    """Answers of a span: how many, how many of them unhappy, and their mean on a scale from 0 to 1."""

    answers: int
    unhappy: int
    mean: float | None


class AnswerCounts(CountsByMinute):
    """Answers to surveys by minute, each once.

    Attributes:
        mean: the mean of seven days, kept for longer than the minutes.
        newest: event time of the newest answer, microseconds; None before there is one.
    """

    def __init__(self, own: OwnCounting = NO_OWN) -> None:
        super().__init__(own)
        self.mean = SurveyMean()
        self.newest: int | None = None
        self._answers: dict[str, int] = {}
        self._votes: dict[int, tuple[int, int, float]] = {}

    def voted(self, start: int, end: int) -> Voted:
        """What was answered in the minutes that begin in [start, end); both within the two weeks that are kept."""
        votes = [of_minute for minute, of_minute in self._votes.items() if start <= minute < end]
        answers, unhappy, shares = (sum(column) for column in zip(*votes, strict=True)) if votes else (0, 0, 0.0)
        return Voted(answers, unhappy, shares / answers if answers else None)

    def take(self, answers: Iterable[Answer]) -> int:
        """Answers that came; one whose id came in the two weeks before is not counted again. Gives how many were."""
        taken = 0
        for answer in answers:
            if answer.response_id in self._answers:
                continue
            taken += 1
            minute = answer.at - answer.at % MINUTE
            self._answers[answer.response_id] = minute
            voted, unhappy, shares = self._votes.get(minute, (0, 0, 0.0))
            is_unhappy = answer.share <= UNHAPPY_SHARE
            self._votes[minute] = voted + 1, unhappy + is_unhappy, shares + answer.share
            self.newest = max(answer.at, self.newest or answer.at)
            self.mean.add(answer.at, answer.share)
            self._see(minute)
            self._book(of_answer(answer.at, answer.share, answer.stage, self._own))
        return taken

    def forget(self, clock: int) -> None:
        """Let go of what is older than is kept."""
        super().forget(clock)
        self.mean.forget(clock)
        first = clock - KEPT_US
        self._answers = {name: minute for name, minute in self._answers.items() if minute >= first}
        self._votes = {minute: votes for minute, votes in self._votes.items() if minute >= first}
