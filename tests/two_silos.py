"""Real purchases as two source systems would tell of them: other ids, words and keys, and a topic that links the ids.

The till knows the company's customer id; the web shop has logins of its own. Every other day of a customer is the web
shop's. The links say whose a login is.
"""

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from agents.replay.datasets import DATASETS
from agents.replay.finding import find_files
from agents.replay.records import read_values
from agents.replay.rows import Progress
from config.definitions_file import Definitions, load, parse
from streams.facts.admission import Admission
from streams.facts.models import RawRecord

ONE_TOPIC = Path(__file__).resolve().parents[1] / "config" / "definitions" / "online-retail.yaml"
HORIZON = "3000d"
"""Longer than the file."""

TWO_SILOS = """
name: two-silos
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: GBP
time_zone: Europe/London
horizon: HORIZON
lapse: {after: 180d, restarted_by: [purchased]}
value_model: {version: "1", trailing_spend: {amount: paid, span: 365d, facts: [purchased]}}
silos:
  till:
    own_topics: [TILL]
    customer_id: card
    event_id: receipt
    zone: Europe/London
    rules:
      - name: sale
        when: [{field: type, is: S}, {field: paid, above: 0}]
        facts: [{fact: purchased, at: printed, segment: shop, value: model}]
      - {name: nothing of value, drop: true}
  web:
    own_topics: [WEB]
    customer_id: {linked: login}
    event_id: order.number
    rules:
      - name: order
        when: [{field: order.state, is: done}, {field: paid, above: 0}]
        facts:
          - {fact: purchased, at: {time: order.ms, unit: ms}, segment: {map: land, table: LANDS}, value: model}
      - {name: nothing of value, drop: true}
  people:
    own_topics: [LINKS]
    customer_id: card
    event_id: pair
    rules:
      - name: pair
        facts: [{fact: same_customer, at: since, of_silo: {constant: web}, silo_id: login, customer_id: card}]
"""


@dataclass(slots=True)
class TwoSilos:
    """The records of the three own topics, each with its key, and the definitions that name these topics."""

    definitions: str
    records: dict[str, list[tuple[bytes, bytes]]] = field(default_factory=dict)

    def shuffled(self, seed: int) -> list[tuple[str, bytes, bytes]]:
        """Topic, key and value of all records, in any order; most links come after all facts."""
        order = random.Random(seed)
        till, web, links = self.records
        told = [(topic, *record) for topic in (till, web) for record in self.records[topic]]
        order.shuffle(told)
        pairs = [(links, *record) for record in self.records[links]]
        order.shuffle(pairs)
        early = len(pairs) // 5
        for pair in pairs[:early]:
            told.insert(order.randrange(len(told)), pair)
        return told + pairs[early:]


def of_some_customers(one_in: int) -> list[bytes]:
    """Records of the data set of one customer in so many."""
    feeds = DATASETS["online-retail"].feeds
    values = read_values(feeds, find_files("online-retail", [feed.file for feed in feeds]), Progress())
    return [value for value in values if sum(orjson.loads(value)["customer_id"].encode()) % one_in == 0]


def one_topic() -> Definitions:
    """The definitions of the data set, with all of it inside the horizon."""
    return parse(ONE_TOPIC.read_text().replace("horizon: 36h", f"horizon: {HORIZON}"))


def split(purchases: list[bytes], prefix: str = "") -> TwoSilos:
    """Records of the data set as the two systems tell them; topics begin with `prefix`."""
    documents = [orjson.loads(value) for value in purchases]
    lands = {country: f"L{number}" for number, country in enumerate(sorted({one["country"] for one in documents}))}
    till, web, links = (f"{prefix}{name}" for name in ("till.receipts", "web.orders", "crm.same-people"))
    text = TWO_SILOS.replace("TILL", till).replace("WEB", web).replace("LINKS", links).replace("HORIZON", HORIZON)
    table = orjson.dumps({code: country for country, code in lands.items()}).decode()
    found = TwoSilos(text.replace("LANDS", table), {till: [], web: [], links: []})
    admission = Admission(load(ONE_TOPIC))
    logins: dict[str, str] = {}
    for value, document in zip(purchases, documents, strict=True):
        facts = admission.admit([RawRecord(value)]).facts
        event = facts[0].event_id if facts else f"none-{len(found.records[till])}"
        at, customer = document["at"], document["customer_id"]
        if not facts or sum(f"{customer}{at[:10]}".encode()) % 2:
            found.records[till].append(_record(f"{at[:4]}", {
                "receipt": f"T-{event}", "card": customer, "printed": at, "shop": document["country"],
                "type": "S" if document["kind"] == "purchase" else "R", "paid": document["value_gbp"],
            }))  # fmt: skip
            continue
        login = logins.setdefault(customer, f"u{len(logins)}")
        found.records[web].append(_record(f"W-{event}", {
            "order": {"number": f"W-{event}", "state": "done", "ms": facts[0].at // 1000}, "login": login,
            "land": lands[document["country"]], "paid": document["value_gbp"],
        }))  # fmt: skip
    for customer, login in logins.items():
        pair = {"pair": f"p-{login}", "login": login, "card": customer, "since": "2009-12-01T00:00:00Z"}
        found.records[links].append(_record(login, pair))
    return found


def _record(key: str, document: dict[str, Any]) -> tuple[bytes, bytes]:
    return key.encode(), orjson.dumps(document)
