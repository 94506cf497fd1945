"""Net growth over time equals the windows of the same spans, and is told in words."""

from itertools import pairwise

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.report.growth_line import GrowthLine, GrowthStep, in_words
from streams.tables.scopes import THE_TOTAL
from streams.tables.windows import Span
from tests.unit.agents.made_up_company import START, small_company

NOW = START + 2 * DAY + 30 * MINUTE


def test_steps_are_those_of_the_tables_without_gaps() -> None:
    company = small_company()
    steps = GrowthLine(company.tables, THE_TOTAL).steps("day", 10, NOW, NOW)
    assert [(step.joined, step.lost) for step in steps] == [(14, 0), (0, 0), (0, 3)]
    assert [step.value for step in steps] == [10 * 1050 + 4 * 2000, 0, -3 * 1050]
    assert all(one.span.end == other.span.start for one, other in pairwise(steps))
    assert steps[-1].reason == "price"
    segment = GrowthLine(company.tables, ("segment", "B", "")).steps("day", 10, NOW, NOW)
    assert [(step.joined, step.lost) for step in segment] == [(4, 0), (0, 0), (0, 0)]


def test_what_came_late_shows_in_the_newest_at_once_and_before_when_it_forgets() -> None:
    company = small_company()
    line = GrowthLine(company.tables, THE_TOTAL)
    line.steps("day", 10, NOW, NOW)
    company.gain(500, NOW - MINUTE)
    company.gain(500, START + DAY)
    assert [step.joined for step in line.steps("day", 10, NOW, NOW)] == [14, 0, 1]
    line.forget()
    assert [step.joined for step in line.steps("day", 10, NOW, NOW)] == [14, 1, 1]


def test_what_is_no_longer_kept_by_minutes_is_left_out() -> None:
    company = small_company()
    long_after = START + 40 * DAY
    company.advance(long_after)
    steps = GrowthLine(company.tables, THE_TOTAL).steps("minute", 30, START + DAY, long_after)
    assert steps == []
    assert len(GrowthLine(company.tables, THE_TOTAL).steps("day", 60, long_after, long_after)) == 41


def test_words() -> None:
    span = Span(START, START + HOUR)
    assert in_words(GrowthStep(span, 12, 30, -40_200_00, "price"), "EUR") == (
        "12 joined, 30 left, the foremost reason price: 18 fewer, 40,200 EUR less"
    )
    assert in_words(GrowthStep(span, 0, 1, -5_00, "unknown"), "EUR") == "1 left: 1 fewer, 5 EUR less"
    assert in_words(GrowthStep(span, 2, 2, 0, ""), "EUR") == "2 joined, 2 left: as many as before"
