"""Whether we knew of a trouble before customers said so, and before the first of them left.

A trouble is a scope from red to green again. It is detected at the end of its first red minute, when that minute can
be judged. The first complaint is a mention or call of a customer who was disrupted in it; where no such customer said
anything, the first unhappy mention whose topic is the stage, a reason of that stage, or the service.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from streams.facts.definitions.model import Definitions, Reason
from streams.health.exposure import Loss
from streams.health.parts import BlockPart, ScopeName
from streams.health.shares import ColourName
from streams.health.status import FORGIVEN_MINUTES
from streams.ledger.rules import DAY, HOUR, MINUTE
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


@dataclass(slots=True)
class RedSpell:
    """A scope from red to green again: minutes since 1970, [start, end)."""

    scope: ScopeName
    start: int
    end: int

    @property
    def detected(self) -> int:
        """When its first red minute was over, microseconds."""
        return (self.start + 1) * MINUTE


class RedSpells:
    """Red spells by scope; minutes of a scope come in order.

    A red minute begins one, red and yellow ones draw it out, and more than `FORGIVEN_MINUTES` of neither end it:
    customers may be few.
    """

    def __init__(self) -> None:
        self._spells: dict[ScopeName, list[RedSpell]] = {}

    def add(self, scope: ScopeName, minute: int, name: ColourName) -> None:
        """The colour of a scope in a minute; those that are green need not be told."""
        spells = self._spells.get(scope)
        if spells and name is not ColourName.GREEN and minute <= spells[-1].end + FORGIVEN_MINUTES:
            spells[-1].end = minute + 1
        elif name is ColourName.RED:
            self._spells.setdefault(scope, []).append(RedSpell(scope, minute, minute + 1))

    def troubles(self) -> list[RedSpell]:
        """Spells by their start; one of a service and stage as a whole only where none of its scopes was red then."""
        parts: dict[tuple[str, str], list[RedSpell]] = {}
        for scope, spells in self._spells.items():
            if scope.segment is not None:
                parts.setdefault(scope[:2], []).extend(spells)
        found = [
            one
            for scope, spells in self._spells.items()
            for one in spells
            if scope.segment is not None
            or not any(one.start < part.end and part.start < one.end for part in parts.get(scope[:2], ()))
        ]
        return sorted(found, key=lambda one: (one.start, tuple(name or "" for name in one.scope)))


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


class _Complaints:
    """Complaints by customer and by topic, each in order."""

    def __init__(self, complaints: Iterable[Complaint], reasons: Iterable[Reason]) -> None:
        self._stage_topics: dict[str, set[str]] = {}
        for reason in reasons:
            if reason.stage is not None:
                self._stage_topics.setdefault(reason.stage, set()).add(reason.name)
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
        topics = {spell.scope.stage, spell.scope.service, *self._stage_topics.get(spell.scope.stage, ())}
        by_topic = [_first(self._of_topic.get(topic, ()), begin, end) for topic in topics]
        for how, instants in (("customer", by_customer), ("topic", by_topic)):
            told = [at for at in instants if at is not None]
            if told:
                return min(told), how
        return None


def _first(instants: Sequence[int], begin: int, end: int) -> int | None:
    place = bisect_left(instants, begin)
    return instants[place] if place < len(instants) and instants[place] < end else None


def spell_row(spell: RedSpell) -> dict[str, Any]:
    """A trouble as JSON: its scope, from when to when, and when it was detected."""
    names: dict[str, Any] = {name: value for name, value in spell.scope._asdict().items() if value is not None}
    return names | {
        "start": utc_text(spell.start * MINUTE), "end": utc_text(spell.end * MINUTE),
        "detected": utc_text(spell.detected),
    }  # fmt: skip


def detection_json(
    spells: Sequence[RedSpell], followed: FollowedCustomers, complaints: Iterable[Complaint] | None,
    losses: Mapping[str, Loss], definitions: Definitions,
) -> dict[str, Any]:  # fmt: skip
    """Each trouble with its first complaint and its first loss, and in what share of them we were first, as JSON.

    Args:
        complaints: None: there are no mentions, so that it is unknown who was first.
        losses: by customer, who left; a loss is tied to a disruption within `before_leaving` before it.
    """
    said = None if complaints is None else _Complaints(complaints, definitions.reasons.values())
    within_us = definitions.health.before_leaving_us
    rows: list[dict[str, Any]] = []
    complained_of = first = 0
    for spell in spells:
        row = spell_row(spell)
        customers = list(followed.first_in(spell))
        complaint = None if said is None else said.first(spell, customers)
        if complaint is not None:
            at, how = complaint
            complained_of += 1
            first += at >= spell.detected
            row |= {
                "first_complaint": utc_text(at), "complaint_by": how,
                "seconds_before_complaint": (at - spell.detected) / 1_000_000,
            }  # fmt: skip
        left = [
            losses[name].at
            for name, since in customers
            if name in losses and 0 <= losses[name].at - since <= within_us
        ]
        if left:
            row["first_loss"] = utc_text(min(left))
            row["seconds_before_loss"] = (min(left) - spell.detected) / 1_000_000
        rows.append(row)
    found: dict[str, Any] = {"troubles": rows}
    if said is not None:
        found["first_to_know"] = {"troubles": len(rows), "complained_of": complained_of, "we_were_first": first}
        if complained_of:
            found["first_to_know"]["share"] = first / complained_of
    return found
