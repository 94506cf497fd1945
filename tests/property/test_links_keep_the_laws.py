"""Whatever histories links join, older than the horizon or not: every table balances, and nothing vanishes."""

from dataclasses import asdict
from random import Random

import msgspec
import pytest

from streams.facts.models import Fact
from tests.live_ledger import assert_balanced
from tests.property.linked_counting import LinkedCounted
from tests.property.test_links import alias_of, interleaved, links_of
from tests.reference.facts import fact_of
from tests.reference.generate import RULES, facts

PARTITIONS = 4


@pytest.mark.parametrize("contradicted", [False, True])
@pytest.mark.parametrize("seed", range(1, 4))
def test_every_table_balances_and_nothing_vanishes(seed: int, contradicted: bool) -> None:
    random = Random(seed)
    told, aliases = [], set()
    for _, record in facts(seed, 60, 1_500, partitions=PARTITIONS).records():
        if record["fact"] == "heartbeat":
            continue
        alias = alias_of(record)
        told.append(Fact(**asdict(fact_of(record | {"customer_id": alias}, RULES))))
        if alias != record["customer_id"]:
            aliases.add((record["silo"], alias, record["customer_id"]))
    counted = LinkedCounted(RULES, PARTITIONS, random)
    instants = [fact.at for fact in told]
    links = [
        msgspec.structs.replace(link, at=random.choice([link.at, *instants]))
        for link in links_of(aliases, random)
        if contradicted or link.event_id != "another"
    ]
    for place, said in enumerate(interleaved(told, links, random)):
        counted.tell(said)
        if place % 100 == 99:
            clock = max(linked.ledger.watermark for linked in counted.linked)
            counted.advance(clock)
            assert_balanced(counted.ledger(clock))
    counted.settle()
    clock = max(linked.ledger.watermark for linked in counted.linked)
    counted.advance(clock)
    ledger = counted.ledger(clock)
    assert_balanced(ledger)
    accounting = ledger["accounting"]
    assert accounting["facts"] == accounting["applied"] + sum(accounting["ignored"].values()) + accounting["pending"]
    if contradicted:  # what one partition can take back no more may be inside the horizon of another
        assert len(told) <= accounting["facts"] <= len(told) * 1.01
    else:
        assert accounting["facts"] == len(told)
    assert ledger["total"]["pending_loss"]["customers"] >= 0
