"""The mean score of seven days: when it is low, when it is not known, and that it must first recover."""

import random

from streams.ledger.rules import DAY, HOUR
from streams.surges.survey_mean import KEPT_US, SurveyMean

START = 20_000 * DAY


def answered(*levels: tuple[int, float], seed: int = 1, a_day: int = 40) -> SurveyMean:
    """Answers of so many days each, of which such a share is at the top of the scale and the rest at its end."""
    draw, mean, day = random.Random(seed), SurveyMean(), START
    for days, share in levels:
        for _ in range(days):
            for _ in range(a_day):
                mean.add(day + draw.randrange(DAY), float(draw.random() < share))
            day += DAY
    return mean


def test_a_mean_that_falls_turns_low_once_within_days():
    mean = answered((40, 0.8), (10, 0.5))
    turned = mean.turned_low(START + 30 * DAY, START + 50 * DAY)
    assert turned is not None
    assert turned % HOUR == 0
    assert START + 41 * DAY <= turned <= START + 44 * DAY
    # Nothing after that instant was known when it turned low.
    assert mean.turned_low(START + 30 * DAY, turned) == turned
    assert mean.turned_low(START + 30 * DAY, turned - 1) is None
    assert mean.turned_low(turned, START + 48 * DAY) is None, "it is low already"


def test_it_may_turn_low_again_after_it_has_recovered():
    mean = answered((40, 0.8), (10, 0.5), (30, 0.8), (10, 0.4))
    assert mean.turned_low(START + 45 * DAY, START + 79 * DAY) is None
    again = mean.turned_low(START + 45 * DAY, START + 90 * DAY)
    assert again is not None
    assert again > START + 80 * DAY


def test_a_steady_mean_and_one_that_rises_are_not_low():
    mean = answered((40, 0.7), (20, 0.9))
    assert mean.turned_low(START, START + 60 * DAY) is None
    assert mean.is_known(START, START + 60 * DAY)


def test_without_answers_enough_nothing_is_known():
    assert not SurveyMean().is_known(START, START + 60 * DAY)
    assert SurveyMean().turned_low(START, START + 60 * DAY) is None
    few = answered((40, 0.8), (10, 0.0), a_day=1)
    assert not few.is_known(START, START + 50 * DAY)
    assert few.turned_low(START, START + 50 * DAY) is None
    ended = answered((40, 0.8))
    assert ended.is_known(START + 39 * DAY, START + 40 * DAY)
    assert not ended.is_known(START + 60 * DAY, START + 90 * DAY)
    assert not answered((10, 0.8)).is_known(START, START + 7 * DAY), "there is no past to compare with"


def test_answers_that_are_all_alike_are_never_low():
    assert answered((60, 1.0)).turned_low(START, START + 60 * DAY) is None


def test_what_is_old_is_let_go():
    mean = answered((60, 0.8))
    mean.forget(START + 59 * DAY + KEPT_US)
    assert mean.is_known(START, START + 60 * DAY) is False
