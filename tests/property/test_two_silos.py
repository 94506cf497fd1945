"""Real purchases told by two systems under two ids, and by one under one: the same tables, month by month."""

from functools import cache
from typing import Any

import pytest

from config.definitions_file import Definitions, parse
from streams.facts.models import RawRecord
from streams.recount import Recount
from tests.property.counting import differences
from tests.two_silos import of_some_customers, one_topic, split

purchases = cache(lambda: of_some_customers(8))
"""A year and a half of one customer in eight."""


def counted(definitions: Definitions, told: list[tuple[str, bytes]], partitions: int) -> Any:
    recount = Recount(definitions, partitions=partitions, by="month")
    for start in range(0, len(told), 500):
        for topic in dict.fromkeys(topic for topic, _ in told[start : start + 500]):
            recount.add([RawRecord(value, topic=topic) for name, value in told[start : start + 500] if name == topic])
    return recount.finish()


@pytest.mark.parametrize("partitions", [4])
def test_the_tables_are_those_of_the_one_topic(partitions: int) -> None:
    silos = split(purchases())
    definitions = parse(silos.definitions)
    ours = counted(definitions, [(topic, value) for topic, _, value in silos.shuffled(partitions)], partitions)
    theirs = counted(one_topic(), [("customer-events", value) for value in purchases()], partitions)
    assert len(silos.records[next(iter(definitions.own_topics))]) > 1_500
    assert ours["accounting"]["no_fact"]["same_customer"] > 250
    assert theirs["total"]["lost"]["customers"] > 250
    for told in (ours, theirs):
        told["periods"] = {row["start"]: row for row in told["periods"]}
        told["cohorts"] = {row["month"]: row for row in told["cohorts"]}
        for name in ("records", "no_fact"):
            del told["accounting"][name]
        del told["definitions"]
    assert differences(ours, theirs) == []
