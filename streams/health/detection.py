"""Whether we knew of a trouble before customers said so, and before the first of them left.

The first complaint of a trouble is a mention or call of a customer who was disrupted in it; where no such customer
said anything, the first unhappy mention whose topic is the stage, a reason of that stage, or the service.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from streams.facts.definitions.model import Definitions, Reason
from streams.health.exposure import Loss
from streams.health.parts import BlockPart, ScopeName
from streams.health.red_spells import RedSpell, spell_row
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND
from streams.tables.calendar import utc_text

AHEAD_US = HOUR
"""How long before the first red minute a complaint may be of the same trouble."""

AFTERWARDS_US = DAY
"""How long after a trouble a complaint may be of it."""


class Complaint(NamedTuple):
    """What somebody said, who was not happy; `customer_id` where the source knows it."""

    at: int
    customer_id: str | None
    topics: tuple[str, ...]
    unhappy: bool


class FollowedCustomers:
    """In which minutes, and where, those customers were disrupted who complained or left.

    Attributes:
        wanted: who they are; set before the signals come.
    """

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self._minutes: dict[ScopeName, dict[str, list[int]]] = {}

    def add(self, part: BlockPart, names: Sequence[str]) -> None:
        """A block of a partition; `names`: its customers by number. Blocks come in order."""
        if not self.wanted:
            return
        for scope, numbers in part.hurt.items():
            cells = part.cells[scope.service, scope.stage].cells
            hurt = cells[cells["disrupted"] & (cells["customers"] == 1)]
            for number in numbers.tolist():
                if names[number] in self.wanted:
                    minutes = sorted(set(hurt["minute"][hurt["customer"] == number].tolist()))
                    self._minutes.setdefault(scope, {}).setdefault(names[number], []).extend(minutes)

    def first_in(self, spell: RedSpell) -> Iterator[tuple[str, int]]:
        """Customers disrupted in a trouble, or just ahead of it, and from which instant on, microseconds."""
        earliest = spell.start - AHEAD_US // MINUTE
        for customer_id, minutes in self._minutes.get(spell.scope, {}).items():
            place = bisect_left(minutes, earliest)
            if place < len(minutes) and minutes[place] < spell.end:
                yield customer_id, minutes[place] * MINUTE


class StageTopics:
    """Which topics of a complaint are those of a scope: its stage, a reason of that stage, or the service."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self._of_stage: dict[str, set[str]] = {}
        for reason in reasons:
            if reason.stage is not None:
                self._of_stage.setdefault(reason.stage, set()).add(reason.name)

    def of(self, scope: ScopeName) -> set[str]:
        """The topics of a scope."""
        return {scope.stage, scope.service, *self._of_stage.get(scope.stage, ())}


class _Complaints:
    """Complaints by customer and by topic, each in order."""

    def __init__(self, complaints: Iterable[Complaint], reasons: Iterable[Reason]) -> None:
        self._topics = StageTopics(reasons)
        self._of_customer: dict[str, list[int]] = {}
        self._of_topic: dict[str, list[int]] = {}
        for one in sorted(complaints, key=lambda one: one.at):
            if one.customer_id is not None:
                self._of_customer.setdefault(one.customer_id, []).append(one.at)
            if one.unhappy:
                for topic in one.topics:
                    self._of_topic.setdefault(topic, []).append(one.at)

    def first(self, spell: RedSpell, customers: Iterable[tuple[str, int]]) -> tuple[int, str] | None:
        """When somebody first complained of a trouble, and whether it was a `customer` of it or by `topic`."""
        end = spell.end * MINUTE + AFTERWARDS_US
        by_customer = [_first(self._of_customer.get(name, ()), since, end) for name, since in customers]
        begin = spell.start * MINUTE - AHEAD_US
        by_topic = [_first(self._of_topic.get(topic, ()), begin, end) for topic in self._topics.of(spell.scope)]
        for how, instants in (("customer", by_customer), ("topic", by_topic)):
            told = [at for at in instants if at is not None]
            if told:
                return min(told), how
        return None


def _first(instants: Sequence[int], begin: int, end: int) -> int | None:
    place = bisect_left(instants, begin)
    return instants[place] if place < len(instants) and instants[place] < end else None


@dataclass(frozen=True, slots=True)
class Known:
    """What came of a trouble: instants in microseconds; None: nothing.

    Attributes:
        complaint, complaint_by: when somebody first complained, `customer` or `topic`.
        loss: when the first of the customers disrupted in it left.
    """

    complaint: int | None = None
    complaint_by: str | None = None
    loss: int | None = None


def trouble_row(spell: RedSpell, known: Known) -> dict[str, Any]:
    """A trouble as JSON, with who knew first."""
    row = spell_row(spell)
    if known.complaint is not None:
        row |= {
            "first_complaint": utc_text(known.complaint), "complaint_by": known.complaint_by,
            "seconds_before_complaint": (known.complaint - spell.detected) / SECOND,
        }  # fmt: skip
    if known.loss is not None:
        row["first_loss"] = utc_text(known.loss)
        row["seconds_before_loss"] = (known.loss - spell.detected) / SECOND
    return row


def first_to_know(troubles: Sequence[tuple[RedSpell, Known]]) -> dict[str, Any]:
    """In how many of the troubles that were complained of, and in what share of them, we were first, as JSON."""
    complained_of = [(spell, known.complaint) for spell, known in troubles if known.complaint is not None]
    first = sum(at >= spell.detected for spell, at in complained_of)
    found: dict[str, Any] = {
        "troubles": len(troubles), "complained_of": len(complained_of), "we_were_first": first,
    }
    if complained_of:
        found["share"] = first / len(complained_of)
    return found


def before_loss(troubles: Sequence[tuple[RedSpell, Known]]) -> dict[str, Any]:
    """How many troubles customers left after, and how long before the first loss they were detected, as JSON."""
    leads = sorted((known.loss - spell.detected) / SECOND for spell, known in troubles if known.loss is not None)
    found: dict[str, Any] = {"troubles": len(troubles), "left_after": len(leads)}
    if leads:
        found |= {"median_seconds": median(leads), "least_seconds": leads[0]}
    return found


def detection_json(
    spells: Sequence[RedSpell], followed: FollowedCustomers, complaints: Iterable[Complaint] | None,
    losses: Mapping[str, Loss], definitions: Definitions, *, with_losses: bool,
) -> dict[str, Any]:  # fmt: skip
    """Each trouble with its first complaint and its first loss, and in what share of them we were first, as JSON.

    Args:
        complaints: None: there are no mentions, so that it is unknown who was first.
        losses: by customer, who left; a loss is tied to a disruption within `before_leaving` before it.
        with_losses: there are facts; without them nothing is said of losses.
    """
    said = None if complaints is None else _Complaints(complaints, definitions.reasons.values())
    within_us = definitions.health.before_leaving_us
    told: list[tuple[RedSpell, Known]] = []
    for spell in spells:
        customers = list(followed.first_in(spell))
        complaint = None if said is None else said.first(spell, customers)
        at, how = (None, None) if complaint is None else complaint
        left = [
            losses[name].at
            for name, since in customers
            if name in losses and 0 <= losses[name].at - since <= within_us
        ]
        told.append((spell, Known(at, how, min(left, default=None))))
    found: dict[str, Any] = {"troubles": [trouble_row(*one) for one in told]}
    if said is not None:
        found["first_to_know"] = first_to_know(told)
    if with_losses:
        found["before_loss"] = before_loss(told)
    return found
