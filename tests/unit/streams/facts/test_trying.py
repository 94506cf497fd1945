import json

import pytest

from config.definitions_file import load
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.trying import try_records

YAML = """
name: shop
version: "1"
currency: EUR
time_zone: UTC
native: false
value_model: {version: "1", field: {minor_units: cents}}
reasons: {agreed: {price: {words: [dear]}}}
activities: {agreed: {fair: {}}}
silos:
  shop:
    customer_id: who
    event_id: id
    every_fact: {at: when}
    rules:
      - {name: tests, when: [{field: who, is: test}], drop: true}
      - {name: comes, when: [{field: what, is: new}], facts: [{fact: joined, value: model, activity: by}]}
      - name: goes
        when: [{field: what, is: end}]
        facts:
          - {fact: left, reason: why}
          - {fact: recommended, when: [{field: friends, above: 0}], count: friends}
"""


@pytest.fixture
def shop(tmp_path) -> Definitions:
    (tmp_path / "shop.yaml").write_text(YAML)
    return load(tmp_path / "shop.yaml")


def records(*rows: dict[str, object] | bytes) -> list[RawRecord]:
    found = []
    for place, row in enumerate(rows):
        shared = {"id": str(place), "when": "2024-05-01T10:00:00Z"}
        value = row if isinstance(row, bytes) else json.dumps(shared | row).encode()
        found.append(RawRecord(value, None, "t", 0, place))
    return found


def test_each_kind_of_record_is_told_with_what_the_ledger_makes_of_it(shop: Definitions) -> None:
    tried = try_records(
        shop,
        records(
            {"who": "a", "what": "new", "by": "fair"}, {"who": "a", "what": "new", "by": "radio"},
            {"who": "b", "what": "end", "why": "dear"}, {"who": "c", "what": "end", "why": "rude", "friends": 2},
            {"who": "test", "what": "new"}, {"who": "a", "what": "moved"}, b"not json", {"what": "new"},
        ),
    ).as_json()  # fmt: skip
    assert tried["records"] == 8
    ends = {(kind["rule"], *kind["becomes"]): kind for kind in tried["kinds"]}
    assert set(ends) == {("comes", "joined"), ("goes", "left"), ("goes", "left", "recommended"), ("tests",)}
    assert ends["comes", "joined"]["records"] == 2
    assert ends["comes", "joined"]["applied"] == 1
    assert ends["comes", "joined"]["ignored"] == {"already_active": 1}
    assert json.loads(ends["tests",]["examples"][0])["who"] == "test"
    assert {one["reason"]: one["records"] for one in tried["rejected"]} == {"not_json": 1, "missing_field": 1}
    assert tried["unmapped"]["records"] == 1
    assert tried["unmapped_words"] == {"reason": {"rude": 1}, "activity": {"radio": 1}}


def test_native_records_are_told_by_their_fact(shop: Definitions) -> None:
    native = load("config/definitions/native.yaml")
    row = {"fact": "joined", "at": 1, "event_id": "e", "customer_id": "c", "activity": "radio"}
    tried = try_records(native, [RawRecord(json.dumps(row).encode())] * 2)
    assert [(kind.rule, kind.records, kind.applied) for kind in tried.kinds.values()] == [("joined", 2, 1)]
    assert not tried.words["activity"], "an open list knows every word"


def test_a_schema_registrys_record_is_named_as_such(shop: Definitions) -> None:
    (rejected,) = try_records(shop, [RawRecord(b"\x00\x00\x00\x00\x2a\x06abc")]).rejected.values()
    assert "schema registry's wire format (schema id 42)" in rejected.detail
