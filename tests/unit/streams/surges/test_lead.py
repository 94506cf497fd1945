"""How much earlier troubles were told than by surveys; and that it is said where there is nothing to compare with."""

from typing import Any

import pytest

from streams.facts.times import instant_of
from streams.ledger.rules import DAY, HOUR
from streams.report.surges import lead_lines
from streams.surges.lead import LONGEST_US, leads
from streams.surges.survey_mean import SurveyMean
from streams.tables.calendar import utc_text
from tests.unit.streams.surges.test_survey_mean import START, answered

ONSET = START + 40 * DAY
END = ONSET + LONGEST_US


def surge(
    measure: str = "disrupted_customers", onset: int = ONSET, told_after: int = HOUR, story: str = "s",
    direction: str = "up", verdict: str | None = None, **labels: str,
) -> dict[str, Any]:
    made = {
        "series": {"measure": measure, **labels}, "onset": utc_text(onset), "detected": utc_text(onset + told_after),
        "story": story, "direction": direction,
    }  # fmt: skip
    return made if verdict is None else made | {"verdict": {"verdict": verdict, "note": "", "at": ""}}


def fallen() -> SurveyMean:
    """It falls two days after the trouble began, and is seen to have fallen some days later."""
    return answered((42, 0.8), (30, 0.5))


def fine() -> SurveyMean:
    return answered((80, 0.8))


def test_the_lead_is_when_surveys_showed_it_minus_when_it_was_told():
    [lead] = leads([surge(), surge("lost_customers", told_after=5 * HOUR)], fallen(), END)
    seen = instant_of(lead["by"]["mean"]["at"], None)
    assert ONSET + 3 * DAY <= seen <= ONSET + 6 * DAY
    assert lead["lead_hours"] == lead["by"]["mean"]["lead_hours"] == (seen - ONSET) / HOUR - 1
    assert (lead["state"], lead["series"]) == ("shown", {"measure": "disrupted_customers"})
    [line] = lead_lines([lead])
    assert f"{lead['lead_hours']:,.1f} h before surveys showed it (their mean of seven days fell " in line


def test_the_first_figure_of_surveys_counts_and_may_be_before_ours():
    unhappy = surge("unhappy_answers", ONSET + HOUR, told_after=2 * HOUR, story="other")
    [lead] = leads([surge(told_after=5 * HOUR), unhappy], fallen(), END)
    assert lead["by"]["surge"] == {"at": utc_text(ONSET + 3 * HOUR), "lead_hours": -2.0}
    assert lead["by"]["mean"]["lead_hours"] > 0
    assert lead["lead_hours"] == -2.0
    [line] = lead_lines([lead])
    assert "2.0 h after surveys showed it (unhappy answers surged" in line


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"onset": ONSET - 2 * DAY, "told_after": 4 * DAY}, id="began_long_before"),
        pytest.param({"onset": END, "told_after": DAY}, id="too_long_after"),
        pytest.param({"onset": ONSET, "stage": "support"}, id="of_another_stage"),
        pytest.param({"onset": ONSET, "direction": "down"}, id="fewer_unhappy_answers"),
    ],
)
def test_surges_of_answers_that_are_about_something_else_are_no_lead(other: dict[str, Any]):
    told = [surge(stage="delivery"), surge("unhappy_answers", story="o", **other)]
    [lead] = leads(told, fine(), END + 9 * DAY)
    assert lead["state"] == "not_shown"
    assert "lead_hours" not in lead


def test_a_surge_of_answers_of_the_same_stage_or_of_none_is_one():
    for labels in ({"stage": "delivery"}, {}):
        told = [surge(stage="delivery"), surge("unhappy_answers", ONSET, 9 * HOUR, "o", **labels)]
        assert leads(told, fine(), END)[0]["lead_hours"] == 8.0


def test_without_a_survey_it_says_so_and_shows_none():
    [lead] = leads([surge()], SurveyMean(), END)
    assert lead["state"] == "no_surveys"
    assert not lead.keys() & {"by", "lead_hours"}
    assert list(lead_lines([lead])) == [
        "no lead over surveys for 1 trouble: no answers, or too few, to compare with"
    ]


def test_surveys_have_five_weeks_to_show_it():
    for until, state, words in (
        (END - DAY, "waiting", "surveys have not shown it yet"), (END, "not_shown", "surveys never showed it")
    ):
        [lead] = leads([surge()], fine(), until)
        assert lead["state"] == state
        assert words in next(lead_lines([lead]))


def test_what_is_known_later_changes_no_lead():
    early = leads([surge()], fallen(), ONSET + 10 * DAY)
    assert early == leads([surge()], fallen(), END)
    assert leads([surge()], fallen(), ONSET + 2 * DAY)[0]["state"] == "waiting"


def test_false_alarms_good_news_and_surveys_alone_are_no_trouble():
    told = [
        surge(verdict="false"), surge("happy_mentions", story="h"), surge("unhappy_answers", story="a"),
        surge("lost_customers", direction="down", story="d"),
    ]  # fmt: skip
    assert leads(told, fallen(), END) == []
