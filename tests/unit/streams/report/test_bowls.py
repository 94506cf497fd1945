"""Two bowls of marbles: as many as the tables say, none in another, none outside."""

import math
import re
from itertools import combinations
from xml.etree import ElementTree

import pytest

from streams.report.bowls import MOST_DRAWN, bowl, bowls_picture, marbles_text
from streams.report.marble_places import marble_places
from streams.tables.rows import marbles


@pytest.mark.parametrize(("count", "radius"), [(60, 0.1), (200, 0.05), (1, 0.3)])
def test_marbles_lie_in_the_bowl_and_beside_each_other(count: int, radius: float) -> None:
    places = marble_places(count, radius)
    assert len(places) == count
    assert all(math.hypot(*place) <= 1 - radius + 1e-6 for place in places)
    assert all(math.dist(one, other) >= 2 * radius - 1e-6 for one, other in combinations(places, 2))


def test_a_marble_that_comes_moves_no_other() -> None:
    assert marble_places(40, 0.1)[:25] == marble_places(25, 0.1)


def test_each_marble_is_held_by_two_things() -> None:
    radius = 0.1
    places = marble_places(60, radius)
    for number, place in enumerate(places[1:], 1):
        touched = sum(abs(math.dist(place, other) - 2 * radius) < 1e-6 for other in places[:number])
        touched += abs(math.hypot(*place) - (1 - radius)) < 1e-6
        assert touched >= 2, number


def test_a_bowl_holds_as_many_marbles_as_the_row_says() -> None:
    of = marbles(325, 1327)
    for name in ("gained", "lost"):
        drawing = bowl(name, of)
        ElementTree.fromstring(drawing)
        assert drawing.count("<circle") == of[name]
    assert marbles_text("gained", of) == "6 marbles of 50 customers, and 25 customers beside"
    assert marbles_text("lost", marbles(0, 1)) == "1 marble of 1 customer"


def test_more_marbles_than_can_be_drawn_are_told() -> None:
    of = marbles(10, 5_000, per_marble=1)
    assert bowl("lost", of).count("<circle") == MOST_DRAWN
    assert bowl("gained", of).count("<circle") == 10
    assert marbles_text("lost", of) == "5,000 marbles of 1 customer; 4,400 of them are not drawn"


def test_the_picture_says_what_it_shows_whatever_a_scope_is_called() -> None:
    row = {"new": {"customers": 3}, "returned": {"customers": 0}, "lost": {"customers": 2}, "marbles": marbles(3, 2)}
    picture = bowls_picture(row, "R&D <all>", "3 joined, 2 left", "by definitions", dark=True)
    texts = [element.text for element in ElementTree.fromstring(picture).iter() if element.tag.endswith("}text")]
    assert texts[:2] == ["R&D <all>", "3 joined, 2 left"]
    assert {"3 joined", "2 left", "by definitions", "3 marbles of 1 customer"} <= set(texts)
    assert not re.search(r"(?:href|src)=", picture)
