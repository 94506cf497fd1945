"""Which scopes were red or yellow in which minutes: what false green and troubles are told from."""

from collections.abc import Iterable
from typing import NamedTuple

from streams.health.columns import Kind
from streams.health.live.parts import MinutePart, unpacked
from streams.health.parts import ScopeName
from streams.health.red_spells import RedSpell, RedSpells
from streams.health.rules import HealthRules
from streams.health.shares import ColourName, colour
from streams.health.status import FalseGreens, StatusBook

DISRUPTED_MINUTES = 14 * 1440
"""How far back customers disrupted are kept by the minute, for the detectors of surges."""

COLOURED_MINUTES = 7 * 1440
"""How far back red and yellow minutes are remembered."""


class Worst(NamedTuple):
    """The worst of some time: a scope, its colour, and in how many minutes it had it."""

    scope: ScopeName
    colour: ColourName
    minutes: int


class MinuteColours:
    """Minutes of the whole company that were looked at; each may be noted again when a late signal corrects it.

    Attributes:
        disrupted: minute since 1970 to the customers disrupted in it, by scope; two weeks back, and none of 0.
        first: the first minute that was noted; None: none was.
        changes: how often the red spells may have changed.
    """

    def __init__(self, rules: HealthRules) -> None:
        self.disrupted: dict[int, dict[ScopeName, int]] = {}
        self._rules = rules
        self._colours: dict[ScopeName, dict[int, ColourName]] = {}  # none that is green
        self.first: int | None = None
        self.changes = 0
        self._newest = 0
        self._spells = RedSpells()
        self._names: dict[ScopeName, ScopeName] = {}  # one object for each scope: weeks of minutes name them
        self._stale: set[ScopeName] = set()  # their spells are to be made anew

    def note(self, minute: int, parts: Iterable[MinutePart]) -> None:
        """What all partitions told of a minute."""
        units: dict[ScopeName, list[int]] = {}
        for part in parts:
            for scope, (seen, hurt) in zip(part.scopes, unpacked(part.scope_units, 2).tolist(), strict=True):
                held = units.setdefault(scope, [0, 0])
                held[0] += seen
                held[1] += hurt
        names = self._names
        self.disrupted[minute] = {
            names.setdefault(scope, scope): hurt for scope, (_, hurt) in units.items() if hurt
        }
        self.first = minute if self.first is None else min(self.first, minute)
        for scope, (seen, hurt) in units.items():
            self._paint(scope, minute, colour(self._rules, hurt, seen) if hurt else ColourName.GREEN)
        self._newest = max(self._newest, minute)

    def _paint(self, scope: ScopeName, minute: int, name: ColourName) -> None:
        minutes = self._colours.get(scope, {})
        if name is minutes.get(minute, ColourName.GREEN):
            return
        self.changes += 1
        if name is ColourName.GREEN:
            del minutes[minute]
        else:
            self._colours.setdefault(self._names.setdefault(scope, scope), minutes)[minute] = name
        if minute > self._newest:
            self._spells.add(scope, minute, name)
        else:
            self._stale.add(scope)

    def forget(self, passed: int) -> None:
        """Let go of what is long over; minutes before `passed` were looked at."""
        for scope, minutes in list(self._colours.items()):
            for minute in [one for one in minutes if one < passed - COLOURED_MINUTES]:
                del minutes[minute]
            if not minutes:
                del self._colours[scope]
        self.changes += self._spells.forget(passed - COLOURED_MINUTES)
        if len(self.disrupted) > 2 * DISRUPTED_MINUTES:
            for minute in [one for one in self.disrupted if one < passed - DISRUPTED_MINUTES]:
                del self.disrupted[minute]

    def false_greens(self, statuses: StatusBook) -> FalseGreens:
        """Spells in which customers were red and operations said up, and minutes of which that is unknown."""
        found = FalseGreens()
        for scope, minutes in self._colours.items():
            for minute in sorted(minutes):
                if minutes[minute] is ColourName.RED:
                    found.judge(scope, minute, statuses.level(scope, minute))
        return found

    def worst(self, since: int) -> dict[Kind, Worst]:
        """The worst from a minute on, of each service and stage that was not green throughout.

        Red before yellow, the stage as a whole before parts of its customers, then whichever lasted longer.
        """
        found: dict[Kind, tuple[tuple[bool, bool, int], Worst]] = {}
        for scope, minutes in self._colours.items():
            of_late = [name for minute, name in minutes.items() if minute >= since]
            for name in set(of_late):
                one = Worst(scope, name, of_late.count(name))
                order = name is ColourName.RED, scope.segment is None, one.minutes
                kind = scope.service, scope.stage
                if kind not in found or found[kind][0] < order:
                    found[kind] = order, one
        return {kind: one for kind, (_, one) in found.items()}

    def troubles(self, older: Iterable[RedSpell] = ()) -> list[RedSpell]:
        """Scopes from red to green again; `older`: spells of before the first minute that was noted."""
        for scope in self._stale:
            self._spells.drop(scope)
            minutes = self._colours.get(scope, {})
            for minute in sorted(minutes):
                self._spells.add(scope, minute, minutes[minute])
        self._stale.clear()
        return self._spells.troubles(older)
