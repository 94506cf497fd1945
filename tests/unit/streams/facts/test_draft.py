import json
from pathlib import Path

import pytest

from config.definitions_file import load
from streams.facts.definitions.tree import DefinitionsError
from streams.facts.draft import draft
from streams.facts.models import RawRecord
from streams.facts.profiles import guesses_of, profiles_of
from streams.facts.trying import try_records

ROWS = [
    {
        "meta": {"when": f"2024-05-{1 + n % 28:02}T10:00:00"}, "invoice.no": f"i-{n}",
        "account": {"id": f"a-{n % 40}"}, "event": ("PAID", "ENDS", "yes", "unmapped")[n % 4],
        "amount_chf": f"{n}.50", "why": "too dear" if n % 4 == 1 else "",
        "country": "CH" if n % 3 else "DE", "vip": "No", "due_on": "2024-06-01" if n % 5 else "",
    }
    for n in range(400)
]  # fmt: skip


def drafted(rows: list[dict[str, object]], name: str = "billing") -> str:
    return draft(name, guesses_of(profiles_of(rows), len(rows)), len(rows), "rows.jsonl")


def faults_of(text: str, tmp_path: Path) -> list[str]:
    (tmp_path / "draft.yaml").write_text(text)
    try:
        load(tmp_path / "draft.yaml")
    except DefinitionsError as error:
        return [f"{fault.path}: {fault.message}" for fault in error.faults]
    return []


def test_fields_are_found_by_name_and_content() -> None:
    guesses = guesses_of(profiles_of(ROWS), len(ROWS))
    assert guesses.at is not None
    assert guesses.at.path == ("meta", "when")
    assert guesses.customer_id is not None
    assert guesses.customer_id.path == ("account", "id")
    assert guesses.event_id is not None
    assert guesses.event_id.path == ("invoice.no",)
    assert guesses.event is not None
    assert guesses.event.path == ("event",)
    assert guesses.value is not None
    assert guesses.value.path == ("amount_chf",)
    assert guesses.reason is not None
    assert guesses.reason.path == ("why",)
    assert {label: profile.name for label, profile in guesses.labels.items()} == {"region": "country"}


def test_records_of_changes_are_understood() -> None:
    rows = [
        {"payload": {"op": "cud"[n % 3], "ts_ms": 1735689600000 + n, "after": {"cust": {"no": f"c{n % 7}"}}}}
        for n in range(90)
    ]
    guesses = guesses_of(profiles_of(rows), len(rows))
    found = [one and one.name for one in (guesses.customer_id, guesses.at, guesses.event)]
    assert found == ["payload.after.cust.no", "payload.ts_ms", "payload.op"]


def test_a_bare_account_is_an_id_if_it_holds_numbers_and_an_attribute_if_it_holds_words() -> None:
    def customer(values: list[object]) -> str | None:
        rows = [{"account": values[n % len(values)], "at": "2025-01-01T00:00:00Z"} for n in range(100)]
        guess = guesses_of(profiles_of(rows), len(rows)).customer_id
        return guess and guess.name

    assert customer(list(range(1000, 1010))) == "account"
    assert customer(["business", "private", "trial", "partner", "reseller", "demo"]) is None


def test_nothing_is_guessed_into_a_fact_and_each_open_decision_is_a_fault(tmp_path: Path) -> None:
    text = drafted(ROWS)
    assert text.count("fact: unmapped") == 4
    faults = faults_of(text, tmp_path)
    assert len(faults) == 4 + 3  # four events, the company's zone and the silo's, the agreed reason
    assert all(fault.endswith("a decision that is yet to be made") for fault in faults)


def test_it_holds_and_counts_once_the_decisions_are_made(tmp_path: Path) -> None:
    text = drafted(ROWS).replace("time_zone: unmapped", "time_zone: Europe/Zurich")
    text = text.replace("zone: unmapped", "zone: UTC")
    text = text.replace("    unmapped:\n", "    price:\n").replace("fact: unmapped", "fact: purchased")
    assert faults_of(text, tmp_path) == []
    records = [RawRecord(json.dumps(row).encode(), None, "t", 0, place) for place, row in enumerate(ROWS)]
    tried = try_records(load(tmp_path / "draft.yaml"), records)
    assert sum(kind.records for kind in tried.kinds.values()) == 400
    assert {kind.rule for kind in tried.kinds.values()} == {"PAID", "ENDS", "yes", "unmapped"}


def test_a_sample_that_shows_nothing_is_drafted_all_the_same(tmp_path: Path) -> None:
    faults = faults_of(drafted([{"x": 1}, {"x": [2]}]), tmp_path)
    assert {fault.split(":")[0] for fault in faults} >= {"currency", "time_zone", "silos.billing.customer_id"}
    assert all(fault.endswith("a decision that is yet to be made") for fault in faults)


@pytest.mark.parametrize("text", ["a: b", "#1", "- x", '"', "é", "null", "12", "{", "x" * 200, " a", "~"])
def test_any_word_survives_the_way_into_a_file(text: str, tmp_path: Path) -> None:
    rows = [{"customer_id": f"c{n}", "event": text if n % 2 else "b", "at": n + 1_700_000_000} for n in range(40)]
    made = drafted(rows).replace("fact: unmapped", "fact: joined").replace("currency: unmapped", "currency: EUR")
    made = made.replace("field: unmapped", "field: worth")
    assert faults_of(made, tmp_path) == []
    record = RawRecord(json.dumps({"customer_id": "c", "event": text, "at": 1_700_000_000}).encode())
    (kind,) = try_records(load(tmp_path / "draft.yaml"), [record]).kinds.values()
    assert kind.rule == text.strip() or kind.rule == text


def test_a_word_that_no_rule_may_have_is_left_out_and_said(tmp_path: Path) -> None:
    rows = [{"customer_id": f"c{n}", "event": "a\nb" if n % 2 else "b", "at": n + 1_700_000_000} for n in range(40)]
    made = drafted(rows).replace("unmapped, value: model", "joined").replace("currency: unmapped", "currency: EUR")
    assert faults_of(made.replace("field: unmapped", "field: worth"), tmp_path) == []
    assert "# 20 records have a word that is too long" in made
