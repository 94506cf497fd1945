"""Three systems with ids that overlap, words and rules of their own, and links: the company's count is the truth."""

from random import Random
from typing import Any

import orjson
import pytest

from config.definitions_file import parse
from streams.facts.models import RawRecord
from streams.recount import Recount
from streams.silos.recount import SiloRecount
from tests.property.counting import differences
from tests.reference import Reference
from tests.reference.facts import DAY, HOUR, instant, rfc3339

DEFINITIONS = parse("""
name: three
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
horizon: 400d
same_departure: 7d
precedence: [billing, crm]
reasons: open
value_model: {version: "1", field: worth}
silos:
  crm:
    own_topics: [crm]
    customer_id: {linked: who}
    event_id: nr
    every_fact: {at: when}
    rules:
      - {name: won, when: [{field: state, is: won}], facts: [{fact: joined, value: model, segment: size}]}
      - {name: gone, when: [{field: state, is: gone}], facts: [{fact: left, reason: because}]}
      - {name: people, facts: [{fact: same_customer, of_silo: system, silo_id: number, customer_id: who}]}
    own_count: {grouping_window: 2d}
  billing:
    own_topics: [billing.v1, billing.v2]
    customer_id: {linked: account}
    event_id: id
    every_fact: {at: {time: ms, unit: ms}}
    rules:
      - {name: paid, when: [{field: paid, above: 0}], facts: [{fact: purchased, value: model}]}
      - {name: ends, when: [{field: ends, empty: false}], facts: [{fact: leaving, effective_at: ends}]}
      - {name: else, drop: true}
  shop:
    own_topics: [shop]
    customer_id: {linked: user}
    event_id: {hash: [user, at, what]}
    every_fact: {at: at}
    rules:
      - {name: in, when: [{field: what, is: sign-up}], facts: [{fact: joined, value: model}]}
      - {name: out, when: [{field: what, is: deleted}], facts: [{fact: left, reason: {constant: deleted}}]}
""")
RULES = {
    "horizon": 400 * DAY, "grouping": HOUR, "same_departure": 7 * DAY, "early_within": 90 * DAY, "lapse": None,
    "trailing": None, "precedence": ["billing", "crm"], "time_zone": "UTC", "until": None,
}  # fmt: skip
BEGAN = instant("2024-01-08T00:00:00Z")


def worlds(seed: int) -> tuple[list[tuple[str, dict[str, Any]]], list[dict[str, Any]], int]:
    """Records by topic, the same as native records of the persons, and how many links there are.

    Person 5 is 5 to the crm, 6 to billing and 7 to the shop, whose 5 is somebody else.
    """
    random = Random(seed)
    own: list[tuple[str, dict[str, Any]]] = []
    truth: list[dict[str, Any]] = []
    links = 0
    for person in range(40):
        for silo, number in (("crm", person), ("billing", person + 1), ("shop", person + 2)):
            if random.random() < 0.3:
                continue
            at = BEGAN + random.randrange(60 * DAY) // 1000 * 1000
            for _ in range(random.choice([1, 2, 3])):
                at += random.randrange(1, 20 * DAY) // 1000 * 1000
                event = f"{silo}-{person}-{len(own)}"
                topic, document, fact = told(random, silo, str(number), at, event)
                own.append((topic, document))
                name = f"p{person}"
                truth.append({"event_id": event, "at": rfc3339(at), "customer_id": name, "silo": silo, **fact})
            links += 1
            link = {"nr": f"l-{event}", "when": rfc3339(BEGAN), "system": silo, "number": str(number)}
            own.append(("crm", link | {"who": f"p{person}"}))
    random.shuffle(own)
    return own, truth, links


def told(random: Random, silo: str, number: str, at: int, event: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Topic, record, and what it means natively."""
    worth = random.randrange(1, 90)
    if silo == "crm":
        document = {"nr": event, "when": rfc3339(at), "who": number}
        if random.random() < 0.6:
            return "crm", document | {"state": "won", "worth": str(worth), "size": "L"}, {
                "fact": "joined", "value": worth * 100, "segment": "L"}  # fmt: skip
        return "crm", document | {"state": "gone", "because": "price"}, {"fact": "left", "reason": "price"}
    if silo == "billing":
        document = {"id": event, "account": int(number), "ms": at // 1000}
        topic = random.choice(["billing.v1", "billing.v2"])
        if random.random() < 0.7:
            return topic, document | {"paid": 1, "worth": worth}, {"fact": "purchased", "value": worth * 100}
        ends = rfc3339(at + random.randrange(1, 9) * DAY)
        return topic, document | {"ends": ends}, {"fact": "leaving", "effective_at": ends}
    document = {"user": number, "at": rfc3339(at)}
    if random.random() < 0.6:
        return "shop", document | {"what": "sign-up", "worth": worth}, {"fact": "joined", "value": worth * 100}
    return "shop", document | {"what": "deleted"}, {"fact": "left", "reason": "deleted"}


def count(recount: Recount, own: list[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    for place, (topic, document) in enumerate(own):
        batch = recount.add([RawRecord(orjson.dumps(document), topic=topic, offset=place)])
        assert not batch.dead_letters
        assert not batch.unmapped
    return recount.finish()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_company_counts_persons_and_every_silo_is_explained(seed: int) -> None:
    own, truth, links = worlds(seed)
    expected = Reference([(0, record) for record in truth], RULES).ledger()
    assert expected["total"]["lost"]["customers"] > 10
    found = count(Recount(DEFINITIONS, partitions=4), own)
    assert found["accounting"]["no_fact"] == {"same_customer": links}
    for ledger in (found, expected):
        for name in ("records", "no_fact"):
            del ledger["accounting"][name]
        for name in ("definitions", "until", "windows"):
            del ledger[name]
    assert differences(found, expected) == []
    silos = SiloRecount(DEFINITIONS, partitions=4)
    explained = silos.explained(count(silos, own))
    assert explained["equal"], explained
    assert {silo["silo"] for silo in explained["silos"]} == {"crm", "billing", "shop"}
    causes = {cause["cause"] for silo in explained["silos"] for cause in silo["causes"]}
    assert "linked" in causes
