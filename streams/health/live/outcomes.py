"""The troubles of the company, and what came of them: out of the minutes that this worker looked at, and what the
partitions tell."""

from collections.abc import Sequence

from streams.health.detection import Known
from streams.health.live.minute_colours import COLOURED_MINUTES, MinuteColours
from streams.health.live.parts import TroubleFound
from streams.health.parts import ScopeName
from streams.health.red_spells import RedSpell


class TroubleOutcomes:
    """Troubles of the last week (`COLOURED_MINUTES`)."""

    def __init__(self, colours: MinuteColours) -> None:
        self._colours = colours
        self._told: dict[int, list[TroubleFound]] = {}
        self._older: dict[tuple[ScopeName, int, int], RedSpell] = {}
        self._older_of: tuple[int | None, int] | None = None  # none: it is to be made anew
        self._made_of = -1
        self._troubles: Sequence[RedSpell] = ()

    def put(self, partition: int, found: list[TroubleFound]) -> None:
        """What a partition tells, in place of what it told."""
        self._told[partition] = found
        self._older_of = None

    def troubles(self, passed: int) -> Sequence[RedSpell]:
        """Troubles by their start, the same object while they are the same; minutes before `passed` were seen."""
        colours = self._colours
        if self._older_of != (colours.first, passed):
            self._older_of = colours.first, passed
            older = self._older_now(passed)
            if older.keys() != self._older.keys():
                self._older, self._made_of = older, -1
        if self._made_of != colours.changes:
            self._made_of = colours.changes
            found = [RedSpell(one.scope, one.start, one.end) for one in colours.troubles(self._older.values())]
            if found != self._troubles:
                self._troubles = found
        return self._troubles

    def _older_now(self, passed: int) -> dict[tuple[ScopeName, int, int], RedSpell]:
        """Of what this worker has seen itself it knows better; others know what was before, or is yet to be seen."""
        first = passed if self._colours.first is None else self._colours.first
        return {
            (one.scope, one.start, one.end): RedSpell(one.scope, one.start, one.end)
            for found in self._told.values()
            for one in found
            if one.end >= passed - COLOURED_MINUTES and not first <= one.start < passed
        }

    def known(self, passed: int) -> list[tuple[RedSpell, Known]]:
        """Every trouble, and what all partitions together know of it."""
        of_scope: dict[ScopeName, list[TroubleFound]] = {}
        for told in self._told.values():
            for one in told:
                of_scope.setdefault(one.scope, []).append(one)
        return [(spell, _known(spell, of_scope.get(spell.scope, ()))) for spell in self.troubles(passed)]


def _known(spell: RedSpell, told: Sequence[TroubleFound]) -> Known:
    mine = [one for one in told if one.start < spell.end and spell.start < one.end]
    by_customer = min((one.by_customer for one in mine if one.by_customer is not None), default=None)
    by_topic = min((one.by_topic for one in mine if one.by_topic is not None), default=None)
    loss = min((one.loss for one in mine if one.loss is not None), default=None)
    if by_customer is not None:
        return Known(by_customer, "customer", loss)
    return Known(by_topic, None if by_topic is None else "topic", loss)
