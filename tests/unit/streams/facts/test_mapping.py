"""What a silo's own words become: rules, sources and value models, each by a small definitions file."""

import json
from typing import Any

import pytest

from config.definitions_file import parse
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.models import Fact, RawRecord

HEAD = """
name: m
version: "1"
currency: EUR
time_zone: Europe/London
agreed: {by: us, at: 2024-01-01}
"""
MODEL = """
value_model: {version: "1", field: price}
"""


def admit(text: str, *records: dict[str, Any]) -> AdmittedBatch:
    raw = [
        RawRecord(json.dumps(record).encode(), None, "topic", 3, 12 + place) for place, record in enumerate(records)
    ]
    return Admission(parse(text)).admit(raw)


def one(text: str, **record: Any) -> Fact:
    batch = admit(text, {"who": "c", "at": "2024-07-01T00:00:00", **record})
    assert [letter.detail for letter in batch.dead_letters] == []
    (fact,) = batch.facts
    return fact


def rules(body: str, head: str = HEAD + MODEL, silo: str = "") -> str:
    """A file of one silo with these rules."""
    lines = "\n".join("      " + line for line in body.strip("\n").splitlines())
    return f"{head}\nsilos:\n  crm:\n    customer_id: who\n    zone: Europe/London\n{silo}\n    rules:\n{lines}\n"


def fact(fields: str, head: str = HEAD + MODEL, kind: str = "joined", silo: str = "") -> str:
    """A file with one rule that yields one fact with these fields."""
    return rules(f"- name: only\n  facts:\n    - {{fact: {kind}, {fields}}}", head, silo)


def test_the_first_rule_that_matches_wins_and_nothing_vanishes() -> None:
    text = rules("""
- {name: test accounts, when: [{field: who, in: [test, demo]}], drop: true}
- name: in
  when: [{field: state, is: new}, {field: price, above: 0}]
  facts: [{fact: joined, at: at, value: model}]
- name: in for nothing
  when: [{field: state, is: new}]
  drop: true
- name: out
  when: [{field: state, is: gone}]
  facts: [{fact: left, at: at}, {fact: recommended, at: at, when: [{field: friends, above: 0}], count: friends}]
""")
    at = "2024-07-01T00:00:00"
    batch = admit(
        text,
        {"who": "demo", "at": at, "state": "new", "price": "5"},
        {"who": "a", "at": at, "state": "new", "price": "5"},
        {"who": "b", "at": at, "state": "new", "price": "0"},
        {"who": "c", "at": at, "state": "gone", "friends": "0"},
        {"who": "d", "at": at, "state": "gone", "friends": 2},
        {"who": "e", "at": at, "state": "moved"},
        {"who": "f", "state": "gone"},
    )
    assert [(fact.customer_id, fact.kind, fact.place, fact.count) for fact in batch.facts] == [
        ("a", "joined", 0, 1),
        ("c", "left", 0, 1),
        ("d", "left", 0, 1),
        ("d", "recommended", 1, 2),
    ]
    assert batch.no_fact == {"test accounts": 1, "in for nothing": 1}
    assert (batch.unmapped, batch.records_with_facts, len(batch.dead_letters)) == (1, 3, 1)


@pytest.mark.parametrize(
    ("comparison", "holding", "failing"),
    [
        ("is: new", ["new"], ["old", "New", "", None, 5, ["new"], {}]),
        ("is: 7", [7, "7", "7.0", 7.0, "07"], ["seven", 8, None, True]),
        ('is: "7"', [7, "7"], ["7.0", 8]),
        ("is: true", [True], [False, "yes", 1, None]),
        ("is: Yes", ["Yes"], [True, "yes"]),
        ("in: [a, 2]", ["a", 2, "2.0"], ["b", 3, None, "a,2"]),
        ("above: 0", [1, "0.01", 0.5, "1e3"], [0, "-1", "", None, "many", True, "0.0"]),
        ("below: -1.5", ["-1.51", -2], [-1.5, "-1.50", 0, "", None]),
        ("empty: true", ["", None], [0, " ", "x", False, []]),
        ("empty: false", [0, "x", False], ["", None]),
    ],
)
def test_comparisons(comparison: str, holding: list[Any], failing: list[Any]) -> None:
    text = rules(f"- {{name: r, when: [{{field: a.b, {comparison}}}], drop: true}}")
    at = {"who": "c", "at": "2024-07-01"}
    holds = admit(text, *({**at, "a": {"b": value}} for value in holding))
    assert (holds.no_fact, holds.unmapped) == ({"r": len(holding)}, 0)
    fails = admit(text, *({**at, "a": {"b": value}} for value in failing), {"a": "b"}, {})
    if comparison == "empty: true":
        assert (fails.no_fact, fails.unmapped) == ({"r": 2}, len(failing))
    else:
        assert (fails.no_fact, fails.unmapped) == ({}, len(failing) + 2)


@pytest.mark.parametrize(
    ("fields", "record", "name", "expected"),
    [
        ("at: at, segment: plan.name", {"plan": {"name": "gold"}}, "segment", "gold"),
        ("at: at, segment: [plan.name]", {"plan.name": "gold"}, "segment", "gold"),
        ("at: at, segment: plan", {"plan": 7}, "segment", "7"),
        ("at: at, segment: plan", {"plan": ""}, "segment", None),
        ("at: at, segment: plan", {}, "segment", None),
        ("at: at, region: {constant: north}", {}, "region", "north"),
        ("at: at, product: {map: p, table: {1: one, two: 2}}", {"p": 1}, "product", "one"),
        ("at: at, product: {map: p, table: {1: one}}", {"p": 2}, "product", None),
        ("at: at, product: {map: p, table: {1: one}, otherwise: more}", {"p": 2}, "product", "more"),
        ("at: at, sequence: n", {"n": "12"}, "sequence", 12),
        ("at: at, by_recommendation: f", {"f": True}, "earned", True),
        ("at: at, by_recommendation: f", {"f": "No"}, "earned", False),
        ("at: at, value: model", {"price": 505.3}, "value", 50530),
        ("at: at, value: model", {"price": "505.30"}, "value", 50530),
        ("at: at, value: model", {"price": ""}, "value", None),
        ("at: at", {"price": "505.30"}, "value", None),
        ("at: at", {"at": "2024-03-31T01:30:00"}, "at", 1711848600000000),
        ("at: {time: s, unit: s}", {"s": "1711848600.5"}, "at", 1711848600500000),
        ("at: {time: s, unit: ms}", {"s": 1711848600500}, "at", 1711848600500000),
        ("at: {instant: 2024-01-01T00:00:00Z, plus: days, unit: d}", {"days": "1.5"}, "at", 1704196800000000),
        ("at: {instant: 2024-01-01T00:00:00+01:00, plus: hours, unit: h}", {"hours": -1}, "at", 1704060000000000),
        ("at: {map: q, table: {Q3: 2024-07-01}}", {"q": "Q3"}, "at", 1719788400000000),
    ],
)
def test_sources(fields: str, record: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(one(fact(fields), **record), name) == expected


def test_an_event_id_is_a_field_or_a_hash_or_the_place_of_the_record() -> None:
    assert one(fact("at: at", silo="    event_id: id"), id="e7").event_id == "e7"
    hashed = fact("at: at", silo="    event_id: {hash: [who, n]}")
    assert one(hashed, n=1).event_id == one(hashed, n="1", other="x").event_id
    assert one(hashed, n=1).event_id != one(hashed, n=11).event_id
    assert one(hashed, n=None).event_id == one(hashed, n="").event_id
    assert one(fact("at: at")).event_id == "topic-00003-0000000000000000012"


def test_a_hash_does_not_run_fields_together() -> None:
    text = fact("at: at", silo="    event_id: {hash: [a, b]}")
    assert one(text, a="x", b="yz").event_id != one(text, a="xy", b="z").event_id


LISTS = """
journey: [using, life]
reasons:
  agreed:
    price: {stage: using, words: [too dear, "7"]}
    card: {kind: payment, words: [card failed]}
    moved: {kind: beyond_us, stage: life}
activities:
  agreed:
    friends: {earned: true, words: [referral]}
    spring sale: {}
"""


@pytest.mark.parametrize(
    ("record", "reason", "kind"),
    [
        ({}, None, None),
        ({"why": ""}, None, None),
        ({"why": "price"}, "price", "voluntary"),
        ({"why": "too dear"}, "price", "voluntary"),
        ({"why": 7}, "price", "voluntary"),
        ({"why": "card failed"}, "card", "payment"),
        ({"why": "card failed", "kind": "voluntary"}, "card", "voluntary"),
        ({"why": "moved", "kind": "voluntary"}, "moved", "beyond_us"),
        ({"why": "whatever", "kind": "payment"}, "unknown", "payment"),
        ({"kind": "payment"}, None, "payment"),
    ],
)
def test_reasons_are_mapped_onto_the_agreed_list(
    record: dict[str, Any], reason: str | None, kind: str | None
) -> None:
    found = one(fact("at: at, reason: why, kind: kind", HEAD + MODEL + LISTS, "left"), **record)
    assert (found.reason, found.loss_kind) == (reason, kind)
    native = {
        "event_id": "e",
        "customer_id": "c",
        "fact": "left",
        "reason": record.get("why"),
        "kind": record.get("kind"),
    }
    native["reason"] = None if native["reason"] is None else str(native["reason"])
    assert one(fact("at: at", HEAD + MODEL + LISTS), **{**native, "at": 1000}).reason == reason


@pytest.mark.parametrize(
    ("word", "is_open", "activity", "earned"),
    [
        ("referral", "", "friends", True),
        ("spring sale", "", "spring sale", False),
        ("tv", "", "unknown", False),
        ("tv", "  open: true", "tv", False),
        ("", "", None, False),
    ],
)
def test_activities_are_mapped_onto_the_agreed_list(word: str, is_open: str, activity: str, earned: bool) -> None:
    found = one(fact("at: at, activity: w", HEAD + MODEL + LISTS.rstrip() + "\n" + is_open), w=word)
    assert (found.activity, found.earned) == (activity, earned)


@pytest.mark.parametrize(
    ("until", "kind", "effective_at"),
    [
        ("2024-07-02T00:00:00", "leaving", 1719874800000000),
        ("2024-07-01T00:00:00", "left", None),
        ("2024-06-01T00:00:00", "left", None),
        ("", "left", None),
    ],
)
def test_a_leaving_without_a_later_date_is_a_left(until: str, kind: str, effective_at: int | None) -> None:
    found = one(fact("at: at, effective_at: until", kind="leaving"), until=until)
    assert (found.kind, found.effective_at) == (kind, effective_at)
    native = {"event_id": "e", "customer_id": "c", "fact": "leaving", "at": "2024-06-30T23:00:00Z"}
    stated = {"effective_at": until + "+01:00"} if until else {}
    found = one(fact("at: at"), **{**native, **stated})
    assert (found.kind, found.effective_at) == (kind, effective_at)


@pytest.mark.parametrize(
    ("model", "record", "value"),
    [
        ("field: {money: price, currency: USD}", {"price": "10.05"}, 904),
        ("field: {money: price, currency: {field: coin}}", {"price": "10.05", "coin": "EUR"}, 1005),
        ("field: {minor_units: cents}", {"cents": "1005"}, 1005),
        ("field: {minor_units: cents, currency: USD}", {"cents": 1005}, 904),
        ("formula: {times: [fee, 12]}", {"fee": "9.99"}, 11988),
        (
            "formula: {times: [{plus: [fee, extra]}, {minus: [1, rebate]}]}",
            {"fee": 10, "extra": "0.5", "rebate": 0.1},
            945,
        ),
        ("formula: {minus: [fee, 1, 2]}", {"fee": "10"}, 700),
        ("formula: {times: [fee, 12]}", {"fee": ""}, None),
        ("formula: fee", {"fee": "1.005"}, 100),
        ("{formula: {times: [fee, 0.5]}, currency: USD}", {"fee": "10.01"}, 450),
        ('table: {gold: "120.00", basic: 12}', {"plan": "gold"}, 12000),
        ("{table: {gold: 120}, otherwise: 1}", {"plan": "x"}, 100),
        ("table: {gold: 120, unknown: 3}", {"plan": ""}, 300),
        ("table: {gold: 120}", {"plan": "x"}, None),
        ("by_silo: {crm: {field: price}}", {"price": 2}, 200),
    ],
)
def test_value_models(model: str, record: dict[str, Any], value: int | None) -> None:
    inner = model.strip("{}") if model.startswith("{") else model
    inner = model[1:-1] if model.startswith("{") else inner
    head = HEAD + f'rates: {{USD: [{{from: 2024-01-01, rate: "0.9"}}]}}\nvalue_model: {{version: "2", {inner}}}\n'
    assert one(fact("at: at, segment: plan, value: model", head), **record).value == value


def test_trailing_spend_carries_amounts_and_no_value() -> None:
    head = (
        HEAD
        + "value_model: {version: '1', trailing_spend: {amount: paid, span: 365d, facts: [purchased, staying]}}\n"
    )
    found = one(fact("at: at, value: model", head, "purchased"), paid="-12.50")
    assert (found.value, found.amount) == (None, -1250)
    assert one(fact("at: at, value: model", head, "joined"), paid="-12.50").amount is None
    native = {"event_id": "e", "customer_id": "c", "at": 5, "value": 7}
    assert one(fact("at: at", head), fact="purchased", **native).amount == 7
    assert one(fact("at: at", head), fact="purchased", amount=-3, **native).amount == -3
    assert one(fact("at: at", head), fact="joined", **native).amount is None


def test_another_value_model_changes_money_and_no_count() -> None:
    records = [
        {"who": f"c{n}", "at": "2024-07-01", "price": str(n), "state": "new" if n % 3 else "x"} for n in range(9)
    ]
    body = "- {name: in, when: [{field: state, is: new}], facts: [{fact: joined, at: at, value: model}]}"
    batches = [
        admit(rules(body, f"{HEAD}\nvalue_model: {{version: '{model}', {model}}}\n"), *records)
        for model in ("field: price", "formula: {times: [price, 2]}", "table: {a: 1}")
    ]
    assert len({tuple((fact.customer_id, fact.kind, fact.at) for fact in batch.facts) for batch in batches}) == 1
    assert [batch.facts[1].value for batch in batches] == [200, 400, None]


def test_segment_rules_give_the_segment_where_the_fact_names_none() -> None:
    head = (
        HEAD
        + MODEL
        + """
segments:
  - {segment: large, when: [{field: seats, above: 99}]}
  - {segment: vip, silo: crm, when: [{field: vip, is: true}]}
  - {segment: small}
"""
    )
    assert one(fact("at: at", head), seats=100, vip=True).segment == "large"
    assert one(fact("at: at", head), seats=99, vip=True).segment == "vip"
    assert one(fact("at: at", head), seats=99).segment == "small"
    assert one(fact("at: at, segment: s", head), seats=100, s="own").segment == "own"


def test_a_record_finds_its_silo_by_a_field_or_by_conditions() -> None:
    silo = "{customer_id: who, rules: [{name: r, facts: [{fact: joined, at: {constant: 2024-01-01T00:00:00Z}}]}]%s}"
    by_field = HEAD + MODEL + f"silo_field: source\nsilos:\n  crm: {silo % ''}\n  shop: {silo % ''}\n"
    batch = admit(by_field, {"who": "c", "source": "shop"}, {"who": "c", "source": "app"}, {"who": "c"})
    assert ([fact.silo for fact in batch.facts], batch.unmapped) == (["shop"], 2)
    when = ", when: [{field: order, empty: false}]"
    by_when = HEAD + MODEL + f"silos:\n  shop: {silo % when}\n  crm: {silo % ''}\n"
    batch = admit(by_when, {"who": "c", "order": 1}, {"who": "c"})
    assert [fact.silo for fact in batch.facts] == ["shop", "crm"]


def test_a_native_record_passes_every_definitions_file_unless_it_says_no() -> None:
    native = {"who": "c", "at": 1_000, "event_id": "e", "customer_id": "n", "fact": "staying"}
    text = fact("at: {constant: 2024-01-01}")
    assert [(fact.customer_id, fact.silo) for fact in admit(text, native, {"who": "c"}).facts] == [
        ("n", "native"),
        ("c", "crm"),
    ]
    assert admit(text + "native: {silo: app}", native).facts[0].silo == "app"
    assert [fact.customer_id for fact in admit(text + "native: false", native).facts] == ["c"]


def test_a_fact_of_a_native_record_field_by_field() -> None:
    record = {
        "event_id": "e", "at": "2024-06-01T00:00:00.000001Z", "customer_id": "c", "silo": "crm", "fact": "opening",
        "value": 7, "sequence": 3, "segment": "s", "region": "r", "product": "p", "activity": "a",
        "by_recommendation": True, "since": "1965-01-01T00:00:00Z", "last_fact_at": 1000, "reason": "r", "count": 5,
    }  # fmt: skip
    text = HEAD + MODEL + "activities: open\n"
    assert admit(text, record).facts == [
        Fact(
            "opening", 1717200000000001, "c", "crm", "e", 3, 0, 7, None, "s", "r", "p", "a", True,
            since=-157766400000000, last_fact_at=1000000,
        )
    ]  # fmt: skip
    assert admit(text, record | {"fact": "recommended"}).facts[0].count == 5
    assert admit(text, record | {"fact": "retracted", "retracts": "e0"}).facts[0].retracts == "e0"
