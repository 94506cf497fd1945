"""A made-up company of three silos with words and rules of their own, whose truth is known customer by customer."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from config.definitions_file import parse
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord

DEFINITIONS = """
name: three silos
version: "1"
currency: EUR
rates: {USD: [{from: 2024-01-01, rate: "0.9"}]}
time_zone: UTC
horizon: 400d
grouping_window: 1h
same_departure: 7d
lapse: {after: 100d, restarted_by: [joined, purchased, value_changed]}
value_model: {version: "1", field: {money: fee, currency: {field: coin}}}
reasons: {open: true}
silo_field: from
silos:
  crm:
    customer_id: person
    event_id: change
    every_fact: {at: when}
    own_count: {grouping_window: 1h, leaving: at_once}
    rules:
      - {name: signed, when: [{field: kind, is: signed}], facts: [{fact: joined, value: model}]}
      - {name: notice, when: [{field: kind, is: notice}], facts: [{fact: leaving, effective_at: ends}]}
      - {name: ended, when: [{field: kind, is: ended}], facts: [{fact: left}]}
  billing:
    customer_id: account
    event_id: entry
    every_fact: {at: day}
    own_count:
      leaving: when_due
      grouping_window: 1h
      rules:
        - {name: first, when: [{field: what, is: invoice}], facts: [{fact: joined, value: model}]}
        - {name: dunning, when: [{field: what, is: dunning}], facts: [{fact: left}]}
    rules:
      - {name: first, when: [{field: what, is: invoice}], facts: [{fact: joined, value: model}]}
      - {name: dunning, when: [{field: what, is: dunning}], drop: true}
  app:
    customer_id: user
    event_id: id
    every_fact: {at: ts}
    own_count: {grouping_window: 1h, lapse: {after: 30d, restarted_by: [joined, value_changed]}}
    rules:
      - {name: signup, when: [{field: e, is: signup}], facts: [{fact: joined, value: model}]}
      - {name: use, when: [{field: e, is: use}], facts: [{fact: value_changed}]}
      - {name: beat, when: [{field: e, is: beat}], facts: [{fact: heartbeat}]}
"""
"""The company: dunning is no loss, silence is one after 100 days. Billing itself drops whom it duns, the CRM counts a
departure when it is announced, the app gives up after 30 days."""

START = datetime(2024, 1, 1, tzinfo=UTC)
END = datetime(2024, 3, 1, tzinfo=UTC)
SILOS = ("crm", "billing", "app")


def definitions() -> Definitions:
    """The company's definitions."""
    return parse(DEFINITIONS)


OTHER: dict[str, tuple[str, str | None]] = {
    "crm": ("not_yet_due", None), "billing": ("other_rule", "rules"), "app": ("other_rule", "lapse"),
}  # fmt: skip
"""Why a silo no longer has a customer whom the company still has."""


@dataclass
class Truth:
    """Customers now: the company's, each silo's own, and each silo's difference by (cause, detail)."""

    company: int = 0
    own: Counter[str] = field(default_factory=Counter)
    causes: dict[str, Counter[tuple[str, str | None]]] = field(
        default_factory=lambda: {silo: Counter() for silo in SILOS}
    )


def company(customers: int, seed: int) -> tuple[list[RawRecord], Truth]:
    """Records in a random order, and their truth. Ids overlap: one person has one id in all three silos."""
    chance = random.Random(seed)
    documents: list[dict[str, object]] = []
    truth = Truth()
    for number in range(customers):
        person = f"p{number}"
        silos = chance.sample(SILOS, chance.randint(1, 3))
        admitted = []
        for silo, day in zip(silos, sorted(chance.sample(range(20), len(silos))), strict=True):
            is_rejected, changes = chance.random() < 0.1, chance.random() < 0.4
            came, changed = _records(silo, person, day, "XXX" if is_rejected else "USD")
            documents.append(came)
            if changes and not is_rejected:
                documents.append(changed)
            # The app gives up on whom it does not see again; dunning and notices take customers away.
            own = int((changes and not is_rejected) == (silo == "app"))
            truth.own[silo] += own
            if is_rejected:
                truth.causes[silo]["rejected", None] -= own
                continue
            truth.causes[silo][OTHER[silo]] += 1 - own
            if admitted:
                truth.causes[silo]["seen_elsewhere", None] -= 1
            admitted.append(silo)
        if admitted:
            truth.company += 1
            for silo in set(SILOS) - {admitted[0]}:
                truth.causes[silo]["told_elsewhere" if silo in silos else "not_here", None] += 1
    chance.shuffle(documents)
    documents.append({"from": "app", "user": "late", "id": "beat", "ts": END.isoformat(), "e": "beat"})
    return [
        RawRecord(msgspec.json.encode(document), None, "customer-events", 0, line)
        for line, document in enumerate(documents)
    ], truth


def _records(silo: str, person: str, day: int, coin: str) -> tuple[dict[str, object], dict[str, object]]:
    """The record with which a customer comes, and the one that the silo and the company understand differently."""
    money = {"fee": "10.00", "coin": coin}
    came, changed = _at(day), _at(40)
    if silo == "crm":
        words = {"from": silo, "person": person}
        return (
            words | {"change": f"s{person}", "when": came, "kind": "signed"} | money,
            words | {"change": f"n{person}", "when": changed, "kind": "notice", "ends": _at(90)},
        )
    if silo == "billing":
        words = {"from": silo, "account": person}
        return (
            words | {"entry": f"i{person}", "day": came, "what": "invoice"} | money,
            words | {"entry": f"d{person}", "day": changed, "what": "dunning"},
        )
    words = {"from": silo, "user": person}
    return (
        words | {"id": f"u{person}", "ts": came, "e": "signup"} | money,
        words | {"id": f"v{person}", "ts": changed, "e": "use"},
    )


def _at(day: int) -> str:
    return (START + timedelta(days=day)).isoformat()
