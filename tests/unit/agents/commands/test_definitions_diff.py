"""`netgrowth definitions diff` over a small shop."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.definitions import command

SHOP = """
name: shop
version: "1"
currency: EUR
time_zone: UTC
lapse: {after: 100d, restarted_by: [purchased]}
value_model: {version: "1", field: paid}
silos:
  shop:
    customer_id: customer
    event_id: id
    zone: UTC
    rules:
      - {name: sale, when: [{field: paid, above: 0}], facts: [{fact: purchased, at: at, value: model, segment: town}]}
      - {name: gift, drop: true}
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.yaml"
    path.write_text(SHOP, encoding="utf-8")
    return path


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Ann buys in January and in May, Bob in January and in April; Cy gets a gift."""
    rows = [
        ("1", "ann", "2024-01-10", 10, 11), ("2", "bob", "2024-01-10", 20, 21), ("3", "cy", "2024-01-20", 0, 0),
        ("4", "bob", "2024-04-01", 20, 25), ("5", "ann", "2024-05-10", 10, 11),
    ]  # fmt: skip
    path = tmp_path / "facts.jsonl"
    with path.open("wb") as file:
        for number, customer, day, paid, worth in rows:
            record = {"id": number, "customer": customer, "at": day, "paid": paid, "worth": worth, "town": "X"}
            file.write(orjson.dumps(record) + b"\n")
    return path


def diff(old: Path, facts: Path, *edits: tuple[str, str], words: tuple[str, ...] = ()) -> Any:
    new = old.with_name("new.yaml")
    text = SHOP
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    new.write_text(text, encoding="utf-8")
    words = ("diff", str(old), str(new), "--facts", str(facts), *words)
    result = CliRunner().invoke(command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return orjson.loads(result.stdout)


def test_the_same_definitions_change_nobody(old: Path, facts: Path) -> None:
    found = diff(old, facts)
    assert (found["customers"], found["revalued"], found["value"]) == (0, 0, 0)
    assert (found["causes"], found["changed_sections"]) == ([], [])


def test_another_value_model_changes_money_and_no_count(old: Path, facts: Path) -> None:
    found = diff(old, facts, ("field: paid}", "field: worth}"))
    (cause,) = found["causes"]
    # Ann: two lines and a loss are worth 1 more each; Bob: a new one of 1 more, and an expansion of 4.
    assert cause == {
        "cause": "value model", "customers": 0, "revalued": 2, "value": 8_00, "value_added": 8_00, "value_removed": 0,
    }  # fmt: skip
    kinds = {line["movement"]: (line["old"]["customers"], line["new"]["customers"]) for line in found["movements"]}
    assert all(before == after for before, after in kinds.values())


def test_a_shorter_lapse_and_a_new_rule_are_told_apart(old: Path, facts: Path) -> None:
    gift = ("{name: gift, drop: true}", "{name: gift, facts: [{fact: joined, at: at}]}")
    found = diff(old, facts, ("100d", "60d"), gift, words=("--customers", "9"))
    causes = {cause["cause"]: cause for cause in found["causes"]}
    assert causes.keys() == {"lapse", "silo shop, rule gift"}
    # Ann is lost in March instead of April; Bob is lost and returns.
    assert [example["customer_id"] for example in causes["lapse"]["examples"]] == ["ann", "bob"]
    assert causes["lapse"]["customers"] == 2
    assert [example["customer_id"] for example in causes["silo shop, rule gift"]["examples"]] == ["cy"]
    assert found["customers"] == 3
    assert found["accounting"]["old"]["no_fact"] == {"gift": 1}
    assert found["accounting"]["new"]["no_fact"] == {}
    ann = causes["lapse"]["examples"][0]["movements"]
    assert [(line["movement"], line["month"], line["old"]["times"], line["new"]["times"]) for line in ann] == [
        ("lost", "2024-03", 0, 1), ("lost", "2024-04", 1, 0),
    ]  # fmt: skip


def test_both_count_to_one_clock_though_only_one_reads_the_last_record(old: Path, facts: Path) -> None:
    with facts.open("ab") as file:
        file.write(orjson.dumps({"id": "9", "customer": "cy", "at": "2024-12-01", "paid": 0}) + b"\n")
    found = diff(old, facts, ("{name: gift, drop: true}", "{name: gift, facts: [{fact: joined, at: at}]}"))
    assert (found["until"], found["customers"]) == ("2024-12-01T00:00:00Z", 1)


def test_the_text_says_why_and_standard_input_is_read_once(old: Path, facts: Path) -> None:
    new = old.with_name("new.yaml")
    new.write_text(SHOP.replace("100d", "60d").replace("field: paid}", "field: worth}"), encoding="utf-8")
    result = CliRunner().invoke(command, ["diff", str(old), str(new), "--facts", "-"], input=facts.read_bytes())
    assert result.exit_code == 0, result.output
    assert "2 customers change class, 0 more are only worth something else" in result.stdout
    assert "because of lapse: 2 change class" in result.stdout
    assert "Changed without such an effect by itself: value model" in result.stdout


def test_a_file_with_a_fault_is_named(old: Path, facts: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(SHOP.replace("100d", "100"), encoding="utf-8")
    result = CliRunner().invoke(command, ["diff", str(old), str(bad), "--facts", str(facts)])
    assert result.exit_code == 2
    assert "bad.yaml:6:" in result.stderr
    result = CliRunner().invoke(command, ["diff", str(old), str(old), "--facts", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "none: No such file" in result.stderr
