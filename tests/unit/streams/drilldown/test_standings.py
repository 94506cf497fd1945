"""How customers stood at an instant, though their partition has counted beyond it."""

import orjson
import pytest

from config.definitions_file import parse
from streams.drilldown.levels import is_behind, standings
from streams.drilldown.numbers import CannotOpen, Number
from streams.facts.models import RawRecord
from streams.facts.times import instant_of
from streams.recount import Recount
from streams.tables.scopes import THE_TOTAL
from streams.tables.windows import Span
from tests.unit.streams.ledger.telling import HEAD, NATIVE, fact

DEFINITIONS = parse(f"{HEAD}time_zone: UTC\n{NATIVE}")
LIVES = [
    fact("2024-03-01T09:00:00Z", "joined", "stays", value=100, segment="A"),
    fact("2024-03-01T09:00:00Z", "joined", "back", value=100, segment="A"),
    fact("2024-03-01T09:00:00Z", "joined", "moves", value=100, segment="A"),
    fact("2024-03-01T09:00:00Z", "joined", "leaves", value=100, segment="A"),
    fact("2024-03-01T09:00:00Z", "joined", "calmed", value=100, segment="A"),
    fact("2024-03-05T08:00:00Z", "leaving", "calmed", effective_at="2024-03-30T00:00:00Z"),
    # What follows is after the window.
    fact("2024-03-05T13:00:00Z", "left", "back"),
    fact("2024-03-05T15:00:00Z", "joined", "back", value=70),
    fact("2024-03-05T13:00:00Z", "profile_changed", "moves", segment="B"),
    fact("2024-03-05T13:00:00Z", "value_changed", "stays", value=250),
    fact("2024-03-05T14:00:00Z", "left", "leaves"),
    fact("2024-03-05T14:00:00Z", "staying", "calmed"),
    fact("2024-03-05T14:00:00Z", "joined", "late", value=100, segment="A"),
]
WINDOW = Span(instant_of("2024-03-04T00:00:00Z", None, "at"), instant_of("2024-03-05T12:00:00Z", None, "at"))
FIVE = {"stays", "back", "moves", "leaves", "calmed"}


def behind(measure: str, scope: tuple[str, str, str]) -> dict[str, int]:
    recount = Recount(DEFINITIONS)
    recount.add([RawRecord(orjson.dumps(one), offset=place) for place, one in enumerate(LIVES)])
    recount.finish()
    [ledger] = recount._ledgers
    number = Number(measure, scope, WINDOW)
    found = standings(ledger, ledger.ids(), WINDOW.end)
    return {one.customer_id: one.value for one in found if is_behind(number, one)}


def test_who_came_after_is_not_here_yet_and_who_left_after_still_is() -> None:
    assert behind("closing", THE_TOTAL) == dict.fromkeys(FIVE, 100)
    assert behind("closing", ("segment", "A", "")).keys() == FIVE
    assert behind("closing", ("segment", "B", "")) == {}


def test_a_stay_that_ended_after_had_lasted_until_then() -> None:
    assert behind("stayed", THE_TOTAL).keys() == FIVE
    assert behind("stayed", ("segment", "A", "")).keys() == FIVE


def test_a_departure_withdrawn_after_was_still_announced() -> None:
    assert behind("pending_loss", THE_TOTAL).keys() == {"calmed"}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (Number("profit", THE_TOTAL, WINDOW), "no measure 'profit'; there are gained"),
        (Number("gained", THE_TOTAL, WINDOW, reason="price"), "reason goes with lost, not with gained"),
        (Number("lost", THE_TOTAL, WINDOW, activity="fair"), "activity goes with brought"),
    ],
)
def test_what_is_no_number_is_told(number: Number, told: str) -> None:
    with pytest.raises(CannotOpen, match=told):
        number.check()
