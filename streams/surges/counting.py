"""What is counted: losses, mentions, disrupted customers and survey answers as counts of series in minutes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from streams.facts.models import UNKNOWN
from streams.health.parts import BlockPart, ScopeName
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import MINUTE
from streams.surges.own_series import OwnCounting
from streams.surges.series import (
    ANSWERS,
    DISRUPTED_CUSTOMERS,
    HAPPY_MENTIONS,
    LOST_CUSTOMERS,
    LOST_VALUE,
    MENTIONS,
    NEW_CUSTOMERS,
    RETURNED_CUSTOMERS,
    UNHAPPY_ANSWERS,
    UNHAPPY_MENTIONS,
    Parts,
    Series,
)
from streams.voice.mentions import HAPPY, UNHAPPY
from streams.voice.merged import Change as VoiceChange

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


NO_OWN: Final = OwnCounting()
"""No series of a user's own."""

_GAINS: Final = {MovementKind.NEW.value: NEW_CUSTOMERS, MovementKind.RETURNED.value: RETURNED_CUSTOMERS}


def of_movement(movement: Movement, sign: int, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Of a movement that came (1) or was withdrawn (-1): losses by customers and by value, and what `own` names."""
    kind = movement.kind
    if kind == MovementKind.LOST:
        labels = _labels(movement.scope)
        minute = movement.at - movement.at % MINUTE
        parts = (*labels, ("reason", movement.reason), ("kind", movement.loss_kind))
        for measure, amount in ((LOST_CUSTOMERS, movement.customers), (LOST_VALUE, movement.value)):
            yield Count(minute, _whole_and(measure, (), labels), sign * amount, parts)
        yield from _named(own, LOST_CUSTOMERS, minute, sign * movement.customers, parts)
    elif kind in _GAINS and own.counted:
        parts = (*_labels(movement.scope), *_known((("activity", movement.activity),)))
        minute = movement.at - movement.at % MINUTE
        yield from _named(own, _GAINS[kind], minute, sign * movement.customers, parts)


def of_mention(change: VoiceChange, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Of a mention that was counted or taken out again: of its brand, of each topic, and what `own` names."""
    measure = {UNHAPPY: UNHAPPY_MENTIONS, HAPPY: HAPPY_MENTIONS}.get(change.mood)
    if measure is None and not own.counted:
        return
    brand = ("brand", change.brand)
    topics = tuple(("topic", topic) for topic in change.topics)
    parts = (("channel", change.channel), *topics)
    if measure is not None:
        yield Count(change.minute, _whole_and(measure, (brand,), topics), change.sign, parts)
        yield from _named(own, measure, change.minute, change.sign, (brand, *parts))
    yield from _named(own, MENTIONS, change.minute, change.sign, (brand, *parts))


def of_health(part: BlockPart, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Of a block of signals: customers disrupted in each minute, by service and stage, segment, region."""
    for scope, (minutes, _, hurt) in part.minutes.items():
        for minute, amount in zip(minutes.tolist(), hurt.tolist(), strict=True):
            if amount:
                yield from of_disrupted(scope, minute, amount, own)


@lru_cache(maxsize=1 << 14)
def _disrupted_in(scope: ScopeName) -> tuple[tuple[Series, ...], Parts]:
    """The series of a scope, and what they consist of."""
    service: Parts = (("service", scope.service), ("stage", scope.stage))
    if scope.segment is None or scope.region is None:
        return (Series(DISRUPTED_CUSTOMERS, service),), ()
    labels = _known((("region", scope.region), ("segment", scope.segment)))
    return tuple(Series(DISRUPTED_CUSTOMERS, tuple(sorted((*service, label)))) for label in labels), labels


def of_disrupted(scope: ScopeName, minute: int, amount: int, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Of a scope of health: customers disrupted in a minute, which is a number of minutes since 1970."""
    keys, parts = _disrupted_in(scope)
    if keys:
        yield Count(minute * MINUTE, keys, amount, parts)
    if DISRUPTED_CUSTOMERS in own.counted:
        is_of_customers = scope.segment is not None and scope.region is not None
        labels = (("service", scope.service), ("stage", scope.stage), *parts)
        yield from _named(own, DISRUPTED_CUSTOMERS, minute * MINUTE, amount, labels, of_customers=is_of_customers)


def of_answer(at: int, share: float, stage: str | None, own: OwnCounting = NO_OWN) -> Iterator[Count]:
    """Of a survey's answer, `share` of the way from the low end of its scale to the high one."""
    labels: Parts = () if stage is None else (("stage", stage),)
    minute = at - at % MINUTE
    if share <= UNHAPPY_SHARE:
        yield Count(minute, _whole_and(UNHAPPY_ANSWERS, (), labels), 1.0, ())
        yield from _named(own, UNHAPPY_ANSWERS, minute, 1.0, labels)
    yield from _named(own, ANSWERS, minute, 1.0, labels)


def _named(
    own: OwnCounting, counts: str, minute: int, amount: float, labels: Parts, *, of_customers: bool | None = None
) -> Iterator[Count]:
    """What counts in series of a user's own."""
    for keys in own.keys(counts, labels, of_customers=of_customers):
        yield Count(minute, keys, amount, labels)


def _labels(scope: Scope) -> Parts:
    return _known((("product", scope.product), ("region", scope.region), ("segment", scope.segment)))


def _known(labels: Iterable[tuple[str, str]]) -> Parts:
    """Without those that no source told: what is unknown of all would be the total again."""
    return tuple((label, value) for label, value in labels if value != UNKNOWN)


def _whole_and(measure: str, common: Parts, labels: Parts) -> tuple[Series, ...]:
    """The series of the common labels, and one more for each further label."""
    return (Series(measure, common), *(Series(measure, tuple(sorted((*common, label)))) for label in labels))
