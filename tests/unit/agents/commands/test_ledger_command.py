"""`netgrowth ledger` and its kin over files in which no record tells a time."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.definitions_diff import differences
from agents.commands.ledger import command, load_definitions
from agents.commands.report import command as report
from config.settings import NATIVE_DEFINITIONS

FAR_FUTURE = b'{"event_id":"1","at":"2150-01-01T00:00:00Z","customer_id":"a","fact":"joined"}\n'
NATIVE = str(NATIVE_DEFINITIONS)


@pytest.fixture(params=[b"", b"\n{\n", FAR_FUTURE], ids=["empty", "unreadable", "future"])
def timeless(request: Any, tmp_path: Path) -> str:
    """A file without any event time that could be admitted."""
    path = tmp_path / "facts.jsonl"
    path.write_bytes(request.param)
    return str(path)


def test_the_ledger_makes_up_no_time(timeless: str) -> None:
    words = ["--definitions", NATIVE, "--facts", timeless, "--by", "month"]
    told = CliRunner().invoke(command, [*words, "--json"])
    assert told.exit_code == 0, told.output
    found = orjson.loads(told.stdout)
    assert (found["until"], found["windows"], found["periods"]) == (None, {}, [])
    text = CliRunner().invoke(command, words).stdout
    assert "no record with an event time" in text
    assert "1970" not in text
    assert "window" not in text


@pytest.mark.parametrize("words", [[], ["--at", "2024-01-01T00:00:00Z"]])
def test_there_is_no_report_card_of_nothing(timeless: str, words: list[str]) -> None:
    told = CliRunner().invoke(report, ["--definitions", NATIVE, "--facts", timeless, *words])
    assert told.exit_code == 2
    assert "no record with an event time" in told.stderr


def test_a_comparison_of_definitions_makes_up_no_time(timeless: str) -> None:
    native = load_definitions(NATIVE)
    assert differences(native, native, timeless)["until"] is None


def test_facts_left_out_of_records_are_told(tmp_path: Path) -> None:
    definitions, facts = tmp_path / "two.yaml", tmp_path / "facts.jsonl"
    definitions.write_text(
        'name: two\nversion: "1"\ncurrency: EUR\ntime_zone: UTC\n'
        'value_model: {version: "1", field: {minor_units: value}}\n'
        "silos:\n  crm:\n    customer_id: c\n    event_id: c\n    zone: UTC\n    rules:\n      - name: both\n"
        "        when: [{field: c, empty: false}]\n"
        "        facts: [{fact: left, at: end}, {fact: joined, at: start}]\n"
    )
    facts.write_text('{"c":"a","start":"2024-01-01T00:00:00","end":"2024-03-01T00:00:00"}\n')
    words = ["--definitions", str(definitions), "--facts", str(facts), "--until", "2024-02-01T00:00:00Z", "--json"]
    told = CliRunner().invoke(command, words)
    assert told.exit_code == 0, told.output
    assert "1 fact is left out, dated after the end of the clock, of records" in told.stderr
    assert orjson.loads(told.stdout)["accounting"]["facts"] == 1
