"""Where marbles come to lie in a round bowl: each at the lowest place that is left and that something holds it in.

The place of a marble depends on those before it alone, so one that comes moves none.
"""

import math
from functools import lru_cache

Place = tuple[float, float]
"""Of a marble's middle, the bowl's middle being (0, 0) and y pointing down; in radii of the bowl."""

_TOUCH = 1e-9


@lru_cache(maxsize=16)
def marble_places(count: int, radius: float) -> tuple[Place, ...]:
    """The places of the first `count` marbles, in the order in which they come; as many as the bowl takes.

    Args:
        radius: of a marble, in radii of the bowl; below 1.
    """
    reach = 1.0 - radius
    placed: list[Place] = []
    open_places: list[Place] = [(0.35 * radius, math.sqrt(reach**2 - (0.35 * radius) ** 2))]
    while open_places and len(placed) < count:
        marble = max(open_places, key=lambda place: (round(place[1], 6), -abs(place[0]), place[0]))
        near = [other for other in placed if math.dist(marble, other) < 4 * radius]
        placed.append(marble)
        found = _beside_wall(marble, radius, reach)
        for other in near:
            found += _on_both(marble, other, radius)
        open_places = [place for place in open_places if math.dist(place, marble) >= 2 * radius - _TOUCH]
        open_places += [
            place
            for place in found
            if math.hypot(*place) <= reach + _TOUCH
            and all(math.dist(place, other) >= 2 * radius - _TOUCH for other in placed)
        ]
    return tuple(placed)


def _beside_wall(marble: Place, radius: float, reach: float) -> list[Place]:
    """Where another one touches this one and the bowl: two circles cut."""
    return _cuts((0.0, 0.0), reach, marble, 2 * radius)


def _on_both(one: Place, other: Place, radius: float) -> list[Place]:
    return _cuts(one, 2 * radius, other, 2 * radius)


def _cuts(one: Place, of_one: float, other: Place, of_other: float) -> list[Place]:
    """The points that lie so far from one and so far from the other."""
    apart = math.dist(one, other)
    if apart < _TOUCH or apart > of_one + of_other or apart < abs(of_one - of_other):
        return []
    along = (of_one**2 - of_other**2 + apart**2) / (2 * apart)
    aside = math.sqrt(max(0.0, of_one**2 - along**2))
    dx, dy = (other[0] - one[0]) / apart, (other[1] - one[1]) / apart
    x, y = one[0] + along * dx, one[1] + along * dy
    return [(x - aside * dy, y + aside * dx), (x + aside * dy, y - aside * dx)]
