"""Troubles: scopes from red to green again.

A trouble is detected at the end of its first red minute, when that minute can be judged.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from streams.health.parts import ScopeName
from streams.health.shares import ColourName
from streams.health.status import FORGIVEN_MINUTES
from streams.ledger.rules import MINUTE
from streams.tables.calendar import utc_text


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

    def drop(self, scope: ScopeName) -> None:
        """Forget a scope, whose minutes come anew."""
        self._spells.pop(scope, None)

    def forget(self, before: int) -> bool:
        """Let go of spells that ended before a minute; says whether there were any."""
        gone = False
        for scope, spells in list(self._spells.items()):
            kept = [one for one in spells if one.end >= before]
            gone = gone or len(kept) < len(spells)
            if not kept:
                del self._spells[scope]
            elif len(kept) < len(spells):
                self._spells[scope] = kept
        return gone

    def troubles(self, older: Iterable[RedSpell] = ()) -> list[RedSpell]:
        """Spells by their start; one of a service and stage as a whole only where none of its scopes was red then.

        Args:
            older: spells that somebody else knows of; with those here that go on from them they are one.
        """
        known = {scope: list(spells) for scope, spells in self._spells.items()}
        joined = set()
        for one in older:
            known.setdefault(one.scope, []).append(one)
            joined.add(one.scope)
        for scope in joined:
            known[scope] = _joined(known[scope])
        parts: dict[tuple[str, str], list[RedSpell]] = {}
        for scope, spells in known.items():
            if scope.segment is not None:
                parts.setdefault(scope[:2], []).extend(spells)
        overlaps = {kind: _Overlaps(spells) for kind, spells in parts.items()}
        found = [
            one
            for scope, spells in known.items()
            for one in spells
            if scope.segment is not None or scope[:2] not in overlaps or not overlaps[scope[:2]].has(one)
        ]
        return sorted(found, key=lambda one: (one.start, tuple(name or "" for name in one.scope)))


class _Overlaps:
    """Answers whether any of many spells overlaps another one."""

    def __init__(self, spells: list[RedSpell]) -> None:
        ordered = sorted((one.start, one.end) for one in spells)
        self._starts = [start for start, _ in ordered]
        self._ends = list(accumulate((end for _, end in ordered), max))

    def has(self, spell: RedSpell) -> bool:
        place = bisect_left(self._starts, spell.end)
        return place > 0 and self._ends[place - 1] > spell.start


def _joined(spells: list[RedSpell]) -> list[RedSpell]:
    """Spells of one scope in order; those that are no further apart than what is forgiven are one."""
    found: list[RedSpell] = []
    for one in sorted(spells, key=lambda one: one.start):
        if found and one.start <= found[-1].end + FORGIVEN_MINUTES:
            found[-1].end = max(found[-1].end, one.end)
        else:
            found.append(RedSpell(one.scope, one.start, one.end))
    return found


def spell_row(spell: RedSpell) -> dict[str, Any]:
    """A trouble as JSON: its scope, from when to when, and when it was detected."""
    names: dict[str, Any] = {name: value for name, value in spell.scope._asdict().items() if value is not None}
    return names | {
        "start": utc_text(spell.start * MINUTE), "end": utc_text(spell.end * MINUTE),
        "detected": utc_text(spell.detected),
    }  # fmt: skip
