"""Links that come at any time join histories as if all facts had been told under one id from the beginning."""

from collections.abc import Iterator
from dataclasses import asdict
from random import Random

import pytest

from streams.facts.models import Fact, Link
from tests.property.counting import differences
from tests.property.linked_counting import LinkedCounted
from tests.reference import Reference
from tests.reference.facts import DAY, fact_of
from tests.reference.generate import RULES, facts
from tests.reference.placement import partition_of

PARTITIONS = 4
ALL_INSIDE = RULES | {"horizon": 3_000 * DAY}
"""Everything is inside the horizon."""

OWN_IDS = ("crm", "shop")
"""Silos that know customers by ids of their own."""


def alias_of(record: dict) -> str:
    """Under which id a record lies: crm and shop have ids of their own for two customers of three."""
    customer_id: str = record["customer_id"]
    if record.get("silo") in OWN_IDS and sum(customer_id.encode()) % 3:
        return f"{record['silo']}:{customer_id}"
    return customer_id


def links_of(aliases: set[tuple[str, str, str]], random: Random) -> Iterator[Link]:
    """For every alias a link, some by way of another alias, some said twice, and some contradicted by later ones."""
    shops = {customer_id for silo, _, customer_id in aliases if silo == "shop"}
    for silo, alias, customer_id in sorted(aliases):
        target = f"shop:{customer_id}" if silo == "crm" and customer_id in shops else customer_id
        yield Link(1_000, f"l-{alias}", silo, alias, target)
        if random.random() < 0.3:
            yield Link(1_000, f"l-{alias}", silo, alias, target)
        if random.random() < 0.3:
            yield Link(2_000, "another", silo, alias, random.choice(["nobody", "c-other", f"{customer_id}-x"]))


def interleaved(told: list[Fact], links: list[Link], random: Random) -> Iterator[Fact | Link]:
    """Facts in their order, links anywhere between them: some before all, some after."""
    end = len(told)
    places = sorted((random.choice([0, end, random.randrange(end)]), number) for number in range(len(links)))
    random.shuffle(links)
    for place in range(len(told) + 1):
        while places and places[0][0] <= place:
            yield links[places.pop(0)[1]]
        if place < len(told):
            yield told[place]


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_links_at_any_time_give_the_tables_of_one_id_each(seed: int) -> None:
    random = Random(seed)
    records = [
        record for _, record in facts(seed, 60, 1_200, partitions=PARTITIONS).records()
        if record["fact"] != "heartbeat"
    ]  # fmt: skip
    expected = Reference([(partition_of(one["customer_id"], PARTITIONS), one) for one in records], ALL_INSIDE)
    told, aliases = [], set()
    for record in records:
        alias = alias_of(record)
        told.append(Fact(**asdict(fact_of(record | {"customer_id": alias}, ALL_INSIDE))))
        if alias != record["customer_id"]:
            aliases.add((record["silo"], alias, record["customer_id"]))
    assert len(aliases) > 30
    counted = LinkedCounted(ALL_INSIDE, PARTITIONS, random)
    for said in interleaved(told, list(links_of(aliases, random)), random):
        counted.tell(said)
    counted.settle()
    counted.advance(expected.clock)
    theirs = expected.ledger()
    found = counted.ledger(expected.clock)
    for name in ("records", "no_fact", "unmapped", "dead_lettered"):
        del theirs["accounting"][name]
    assert differences(found, theirs) == []
