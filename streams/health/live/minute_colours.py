"""Which scopes were red or yellow in which minutes: what false green and troubles are told from."""

from collections.abc import Iterable

from streams.health.detection import RedSpell, RedSpells
from streams.health.live.parts import MinutePart, unpacked
from streams.health.parts import ScopeName
from streams.health.rules import HealthRules
from streams.health.shares import ColourName, colour
from streams.health.signals import Level
from streams.health.status import FalseGreen, FalseGreens, StatusBook

DISRUPTED_MINUTES = 14 * 1440
"""How far back customers disrupted are kept by the minute, for the detectors of surges."""

COLOURED_MINUTES = 7 * 1440
"""How far back red and yellow minutes are remembered."""


class MinuteColours:
    """Minutes of the whole company that were looked at; each may be noted again when a late signal corrects it.

    Attributes:
        disrupted: minute since 1970 to the customers disrupted in it, by scope; two weeks back, and none of 0.
    """

    def __init__(self, rules: HealthRules) -> None:
        self.disrupted: dict[int, dict[ScopeName, int]] = {}
        self._rules = rules
        self._colours: dict[ScopeName, dict[int, ColourName]] = {}  # none that is green

    def note(self, minute: int, parts: Iterable[MinutePart]) -> None:
        """What all partitions told of a minute."""
        units: dict[ScopeName, list[int]] = {}
        for part in parts:
            for scope, (seen, hurt) in zip(part.scopes, unpacked(part.scope_units, 2).tolist(), strict=True):
                held = units.setdefault(scope, [0, 0])
                held[0] += seen
                held[1] += hurt
        self.disrupted[minute] = {scope: hurt for scope, (_, hurt) in units.items() if hurt}
        for scope, (seen, hurt) in units.items():
            name = colour(self._rules, hurt, seen) if hurt else ColourName.GREEN
            if name is not ColourName.GREEN:
                self._colours.setdefault(scope, {})[minute] = name
            elif scope in self._colours:
                self._colours[scope].pop(minute, None)

    def forget(self, passed: int) -> None:
        """Let go of what is long over; minutes before `passed` were looked at."""
        for scope, minutes in list(self._colours.items()):
            for minute in [one for one in minutes if one < passed - COLOURED_MINUTES]:
                del minutes[minute]
            if not minutes:
                del self._colours[scope]
        if len(self.disrupted) > 2 * DISRUPTED_MINUTES:
            for minute in [one for one in self.disrupted if one < passed - DISRUPTED_MINUTES]:
                del self.disrupted[minute]

    def false_greens(self, statuses: StatusBook) -> list[FalseGreen]:
        """Spells in which customers were red and operations said up."""
        found = FalseGreens()
        for scope, minutes in self._colours.items():
            for minute in sorted(minutes):
                if minutes[minute] is ColourName.RED and statuses.level(scope, minute) is Level.UP:
                    found.add(scope, minute)
        return found.all()

    def troubles(self) -> list[RedSpell]:
        """Scopes from red to green again."""
        found = RedSpells()
        for scope, minutes in self._colours.items():
            for minute in sorted(minutes):
                found.add(scope, minute, minutes[minute])
        return found.troubles()
