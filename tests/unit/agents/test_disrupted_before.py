"""Who was disrupted in the hour before leaving, out of the records of `customers-in-trouble`."""

import orjson

from agents.disrupted_before import Troubles, lost_after_trouble
from streams.ledger.rules import HOUR, MINUTE
from streams.tables.calendar import utc_text

NOON = 20_000 * 24 * HOUR + 12 * HOUR


def trouble(**stages: int) -> bytes:
    """At these stages since so many minutes after noon."""
    places = [
        {"stage": stage, "since": utc_text(NOON + at * MINUTE), "service": "shop"} for stage, at in stages.items()
    ]
    return orjson.dumps({"customer_id": "c", "disrupted": places})


def test_a_trouble_counts_while_it_lasts_and_for_an_hour():
    troubles = Troubles()
    troubles.take("c", trouble(checkout=0), NOON)
    assert troubles.stages_before("c", NOON - MINUTE) == set()
    assert troubles.stages_before("c", NOON + 10 * MINUTE) == {"checkout"}
    troubles.take("c", None, NOON + 25 * MINUTE)  # last seen disrupted some five minutes before
    assert troubles.stages_before("c", NOON + 80 * MINUTE) == {"checkout"}
    assert troubles.stages_before("c", NOON + 90 * MINUTE) == set()
    assert troubles.stages_before("d", NOON) == set()


def test_stages_come_and_go_one_by_one():
    troubles = Troubles()
    troubles.take("c", trouble(checkout=0, payment=2), NOON + 2 * MINUTE)
    troubles.take("c", trouble(payment=2), NOON + 10 * MINUTE)
    assert troubles.stages_before("c", NOON + 10 * MINUTE) == {"checkout", "payment"}
    assert troubles.stages_before("c", NOON + 3 * HOUR) == {"payment"}


def test_what_ended_at_an_unknown_time_counts_no_longer_than_is_known():
    troubles = Troubles()
    troubles.take("c", trouble(checkout=0), None)
    troubles.take("c", None, None)
    assert troubles.stages_before("c", NOON + 30 * MINUTE) == {"checkout"}
    assert troubles.stages_before("c", NOON + 62 * MINUTE) == set()


def test_losses_are_counted_once_whatever_the_stages():
    troubles = Troubles()
    troubles.take("a", trouble(checkout=0, payment=0), NOON)
    troubles.take("b", trouble(checkout=5), NOON)
    found = lost_after_trouble([("a", NOON + MINUTE), ("b", NOON + MINUTE), ("c", NOON + MINUTE)], troubles)
    assert (found.lost, found.disrupted, found.stages) == (3, 1, {"checkout": 1, "payment": 1})


def test_old_troubles_are_let_go():
    troubles = Troubles()
    troubles.take("c", trouble(checkout=0), NOON)
    troubles.take("c", None, NOON + 5 * MINUTE)
    troubles.take("d", trouble(checkout=0), NOON)
    troubles.forget(NOON + 2 * HOUR)
    assert troubles.stages_before("c", NOON + MINUTE) == set()
    assert troubles.stages_before("d", NOON + MINUTE) == {"checkout"}
