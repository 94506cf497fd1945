"""Which surges are one story."""

from typing import Any

import pytest

from streams.surges.series import Series, series
from streams.surges.stories import Stories
from streams.surges.surge import Contribution, Surge

HOUR = 3_600_000_000


def surge(key: Series, at: int, evidence: tuple[Contribution, ...] = (), **more: Any) -> Surge:
    """A surge from an hour, told in the same one."""
    fields: dict[str, Any] = {"direction": "up", "observed": 50.0, "expected": 10.0, "step_s": 300} | more
    return Surge(f"{key}{at}", key, at * HOUR, at * HOUR + 1, evidence=evidence, **fields)


NETWORK = (Contribution("reason", "network", 0.8),)
TOTAL, VALUE = series("lost_customers"), series("lost_value")
A, B = series("lost_customers", segment="A"), series("lost_customers", segment="B")
ACME, OTHER = series("unhappy_mentions", brand="acme"), series("unhappy_mentions", brand="other")
ACME_NETWORK = series("unhappy_mentions", brand="acme", topic="network")


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        (surge(TOTAL, 1), surge(A, 2), True),
        (surge(TOTAL, 1), surge(VALUE, 2), True),
        (surge(A, 1), surge(B, 2), False),
        (surge(A, 1), surge(series("lost_value", segment="A"), 2), True),
        (surge(TOTAL, 1), surge(VALUE, 2, direction="down"), False),
        (surge(ACME, 1), surge(OTHER, 1), False),
        (surge(ACME, 1), surge(ACME_NETWORK, 1), True),
        (surge(ACME, 1), surge(series("happy_mentions", brand="acme"), 1), True),
        (surge(TOTAL, 1, NETWORK), surge(ACME_NETWORK, 1), True),
        (surge(TOTAL, 1, NETWORK), surge(series("unhappy_mentions", brand="acme", topic="price"), 1), False),
        (surge(TOTAL, 1), surge(ACME, 1), False),
        (surge(A, 1), surge(series("disrupted_customers", service="app", stage="pay", segment="A"), 1), True),
    ],
)
def test_two_surges_at_one_time(first: Surge, second: Surge, together: bool) -> None:
    stories = Stories()
    story = stories.place(first, first.detected)
    assert story == first.surge_id
    assert (stories.place(second, second.detected) == story) is together


def test_what_comes_long_after_a_story_is_another() -> None:
    for hours, together in ((2, True), (4, False)):
        stories = Stories()
        first = surge(TOTAL, 1)
        story = stories.place(first, first.detected)
        stories.close(first, 2 * HOUR)
        later = surge(VALUE, 2 + hours)
        assert (stories.place(later, later.detected) == story) is together


def test_two_brands_do_not_become_one_story_by_losses_that_both_meet() -> None:
    stories = Stories()
    acme = stories.place(surge(ACME_NETWORK, 1), HOUR)
    losses = stories.place(surge(TOTAL, 1, NETWORK), HOUR)
    other = stories.place(surge(series("unhappy_mentions", brand="other", topic="network"), 1), HOUR)
    assert acme == losses != other


def test_restored_stories_go_on() -> None:
    stories = Stories()
    story = stories.place(surge(TOTAL, 1), HOUR)
    again = Stories.restore(stories.saved())
    assert again.place(surge(A, 2), 2 * HOUR) == story
