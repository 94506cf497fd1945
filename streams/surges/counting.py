"""What is counted: losses, mentions, disrupted customers and survey answers as counts of series in minutes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from streams.facts.models import UNKNOWN
from streams.health.parts import BlockPart, ScopeName
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import MINUTE
from streams.surges.series import (
    DISRUPTED_CUSTOMERS,
    HAPPY_MENTIONS,
    LOST_CUSTOMERS,
    LOST_VALUE,
    UNHAPPY_ANSWERS,
    UNHAPPY_MENTIONS,
    Series,
)
from streams.voice.mentions import HAPPY, UNHAPPY
from streams.voice.merged import Change as VoiceChange

Parts = tuple[tuple[str, str], ...]
"""What a count consists of: pairs of label and value."""

UNHAPPY_SHARE: Final = 0.25
"""Of a survey's scale, the part from its low end in which an answer is unhappy: one or two of five stars."""


class Count(NamedTuple):
    """So much was counted in a minute, under these series.

    Attributes:
        minute: its start, microseconds.
        keys: series of one measure: the total, and what lies in it.
        amount: customers, minor units, mentions; negative for a correction.
        parts: what `keys` are not already labelled by, for evidence.
    """

    minute: int
    keys: tuple[Series, ...]
    amount: float
    parts: Parts


def of_movement(movement: Movement, sign: int) -> Iterator[Count]:
    """Of a movement that came (1) or was withdrawn (-1): losses by customers and by value."""
    if movement.kind != MovementKind.LOST:
        return
    labels = _labels(movement.scope)
    minute = movement.at - movement.at % MINUTE
    parts = (*labels, ("reason", movement.reason), ("kind", movement.loss_kind))
    for measure, amount in ((LOST_CUSTOMERS, movement.customers), (LOST_VALUE, movement.value)):
        yield Count(minute, _whole_and(measure, (), labels), sign * amount, parts)


def of_mention(change: VoiceChange) -> Iterator[Count]:
    """Of a mention that was counted or taken out again: of its brand, and of each topic."""
    measure = {UNHAPPY: UNHAPPY_MENTIONS, HAPPY: HAPPY_MENTIONS}.get(change.mood)
    if measure is None:
        return
    topics = tuple(("topic", topic) for topic in change.topics)
    parts = (("channel", change.channel), *topics)
    yield Count(change.minute, _whole_and(measure, (("brand", change.brand),), topics), change.sign, parts)


def of_health(part: BlockPart) -> Iterator[Count]:
    """Of a block of signals: customers disrupted in each minute, by service and stage, segment, region."""
    for scope, (minutes, _, hurt) in part.minutes.items():
        for minute, amount in zip(minutes.tolist(), hurt.tolist(), strict=True):
            if amount:
                yield of_disrupted(scope, minute, amount)


@lru_cache(maxsize=1 << 14)
def _disrupted_in(scope: ScopeName) -> tuple[tuple[Series, ...], Parts]:
    """The series of a scope, and what they consist of."""
    service: Parts = (("service", scope.service), ("stage", scope.stage))
    if scope.segment is None or scope.region is None:
        return (Series(DISRUPTED_CUSTOMERS, service),), ()
    labels = _known((("region", scope.region), ("segment", scope.segment)))
    return tuple(Series(DISRUPTED_CUSTOMERS, tuple(sorted((*service, label)))) for label in labels), labels


def of_disrupted(scope: ScopeName, minute: int, amount: int) -> Count:
    """Of a scope of health: customers disrupted in a minute, which is a number of minutes since 1970."""
    keys, parts = _disrupted_in(scope)
    return Count(minute * MINUTE, keys, amount, parts)


def of_answer(at: int, share: float, stage: str | None) -> Iterator[Count]:
    """Of a survey's answer, `share` of the way from the low end of its scale to the high one."""
    if share <= UNHAPPY_SHARE:
        labels: Parts = () if stage is None else (("stage", stage),)
        yield Count(at - at % MINUTE, _whole_and(UNHAPPY_ANSWERS, (), labels), 1.0, ())


def _labels(scope: Scope) -> Parts:
    return _known((("product", scope.product), ("region", scope.region), ("segment", scope.segment)))


def _known(labels: Iterable[tuple[str, str]]) -> Parts:
    """Without those that no source told: what is unknown of all would be the total again."""
    return tuple((label, value) for label, value in labels if value != UNKNOWN)


def _whole_and(measure: str, common: Parts, labels: Parts) -> tuple[Series, ...]:
    """The series of the common labels, and one more for each further label."""
    return (Series(measure, common), *(Series(measure, tuple(sorted((*common, label)))) for label in labels))
