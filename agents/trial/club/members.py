"""The made-up part: members of a club of frequent flyers, how they come and go, by no rule but chance."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from random import Random
from typing import Any

AIRPORTS = ("EWR", "JFK", "LGA")
TIERS = (("Blue", 0.62, 420), ("Silver", 0.28, 1_150), ("Gold", 0.10, 3_400))
"""Product, its share of the members, and what a member of it is worth on average, dollars."""

ACTIVITIES = (("spring campaign", 0.36), ("credit card offer", 0.26), ("recommended by a member", 0.24),
              ("at the airport", 0.14))  # fmt: skip
REASONS = (("too expensive", 0.27), ("better offer", 0.22), ("flies seldom", 0.16), ("moved away", 0.13),
           ("card expired", 0.09), ("service", 0.08), ("", 0.05))  # fmt: skip
"""Why members leave on ordinary days; one in twenty does not say."""


class Club:
    """Who is a member now; all that happens is drawn from one seeded source, so each run is the same.

    Args:
        homes: where members can be at home, group of airlines and airport, with how many flights go from there.
    """

    def __init__(self, homes: Mapping[tuple[str, str], int], random: Random) -> None:
        self._random = random
        self._homes = list(homes)
        self._reach = list(accumulate(homes.values()))
        self._members: dict[tuple[str, str], list[str]] = {home: [] for home in self._homes}
        self._home: dict[str, tuple[str, str]] = {}
        self._made = 0

    def __len__(self) -> int:
        return len(self._home)

    def enter(self) -> dict[str, Any]:
        """One more member: the fields of what is said of it."""
        random = self._random
        home = self._homes[bisect_left(self._reach, random.random() * self._reach[-1])]
        self._made += 1
        name = f"m{self._made:05d}"
        self._members[home].append(name)
        self._home[name] = home
        tier, _, worth = random.choices(TIERS, [share for _, share, _ in TIERS])[0]
        value = max(60, round(random.lognormvariate(0, 0.35) * worth)) * 100
        return {"customer_id": name, "value": value, "segment": home[0], "region": home[1], "product": tier}

    def leave(self, name: str) -> bool:
        """This member goes; False when it had gone already."""
        home = self._home.pop(name, None)
        if home is None:
            return False
        # The last one takes the place: order means nothing here, and the list stays without holes.
        there = self._members[home]
        place = there.index(name)
        there[place] = there[-1]
        there.pop()
        return True

    def anyone(self) -> str:
        """Some member."""
        while True:
            home = self._homes[bisect_left(self._reach, self._random.random() * self._reach[-1])]
            if there := self._members[home]:
                return self._random.choice(there)

    def on_board(self, group: str, airport: str, many: int) -> Iterator[str]:
        """Some members who are at home there."""
        there = self._members.get((group, airport), ())
        yield from self._random.sample(there, min(many, len(there)))
