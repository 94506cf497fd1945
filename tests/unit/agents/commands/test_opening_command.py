"""`netgrowth opening load --print` into the offline count: the opening balance, once, and put right afterwards."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from agents.commands.ledger import command as ledger_command
from agents.commands.opening import command
from config.settings import NATIVE_DEFINITIONS

NATIVE = str(NATIVE_DEFINITIONS)
AS_OF = "2024-01-01T00:00:00Z"
BASE = "customer,segment,value,activity,since\na,gold,100.50,fair,2020-01-01\nb,silver,20,,2023-12-20\nc,,,,\n"


def load(folder: Path, content: str, *words: str, as_of: str = AS_OF) -> Result:
    path = folder / "base.csv"
    path.write_text(content)
    return CliRunner().invoke(command, ["load", str(path), "--as-of", as_of, "--definitions", NATIVE, *words])


def printed(folder: Path, content: str = BASE) -> str:
    result = load(folder, content, "--print")
    assert result.exit_code == 0, result.output
    return result.stdout


def count(folder: Path, facts: str) -> dict[str, Any]:
    path = folder / "facts.jsonl"
    path.write_text(facts)
    words = ["--definitions", NATIVE, "--facts", str(path), "--until", "2024-06-01T00:00:00Z", "--json"]
    result = CliRunner().invoke(ledger_command, words)
    assert result.exit_code == 0, result.output
    ledger: dict[str, Any] = orjson.loads(result.stdout)
    return ledger


def native(customer: str, fact: str, at: str, **more: object) -> str:
    record = {"event_id": f"{fact}-{at}", "at": at, "customer_id": customer, "fact": fact, **more}
    return orjson.dumps(record).decode() + "\n"


def amount(customers: int, value: int) -> dict[str, int]:
    return {"customers": customers, "value": value}


def test_the_base_is_the_opening_balance_and_twice_the_same(tmp_path: Path) -> None:
    facts = printed(tmp_path)
    once, twice = count(tmp_path, facts), count(tmp_path, facts + printed(tmp_path))
    for ledger in (once, twice):
        total = ledger["total"]
        assert total["opening"] == total["closing"] == amount(3, 12050)
        assert total["new"] == amount(0, 0)
        assert ledger["segments"]["gold"]["closing"] == amount(1, 10050)
    assert once["total"] == twice["total"]
    assert once["cohorts"] == twice["cohorts"]
    assert twice["accounting"]["ignored"] == {"duplicate": 3}


@pytest.mark.parametrize("days_later", [1, 60])
def test_one_that_was_lost_unseen_is_put_right(tmp_path: Path, days_later: int) -> None:
    """b left before anything else was known of it; its opening arrives inside the horizon, or long after it."""
    left = native("b", "left", "2024-01-02T12:00:00Z", reason="price")
    other = native("z", "joined", f"2024-0{1 + days_later // 30}-03T00:00:00Z", value=5)
    implied = count(tmp_path, left + other)["total"]
    assert (implied["opening"], implied["lost"]) == (amount(1, 0), amount(1, 0))
    late = count(tmp_path, left + other + printed(tmp_path))
    in_order = count(tmp_path, printed(tmp_path) + left + other)
    assert late["total"] == in_order["total"]
    assert late["segments"] == in_order["segments"]
    total = late["total"]
    assert (total["opening"], total["lost"]) == (amount(3, 12050), amount(1, 2000))
    assert (total["early_loss"], total["closing"]) == (amount(1, 2000), amount(3, 10055))
    again = count(tmp_path, left + other + printed(tmp_path) * 2)
    assert again["total"] == total


def test_rows_at_fault_are_told_and_left_out(tmp_path: Path) -> None:
    bad = "".join(f"x{n},gold,1.001,,\n" for n in range(7))
    result = load(tmp_path, BASE + bad + "a,gold,1,,\n", "--print", "--json")
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 3
    assert "line 5: value: '1.001' has more than 2 decimal places; round it" in result.stderr
    assert "... 8 rows left out in all" in result.stderr
    assert orjson.loads(result.stderr.splitlines()[-1]) == {
        "definitions": {"name": "native", "version": "1"}, "as_of": AS_OF, "currency": "EUR", "rows": 11,
        "left_out": 8, "opening": amount(3, 12050), "without_value": 1, "sent": 0, "dry_run": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"), [("customer,value\na,much\n", "no row is valid"), ("id\n1\n", "no column `customer`")]
)
def test_nothing_to_load_is_wrong_input(tmp_path: Path, content: str, why: str) -> None:
    result = load(tmp_path, content, "--print")
    assert (result.exit_code, result.stdout) == (2, "")
    assert why in result.stderr


def test_definitions_without_native_facts_are_told_how_to_mend(tmp_path: Path) -> None:
    text = Path("config/definitions/online-retail.yaml").read_text()
    definitions = tmp_path / "shop.yaml"
    definitions.write_text(text if "\nnative: false" in text else text + "\nnative: false\n")
    path = tmp_path / "base.csv"
    path.write_text(BASE)
    result = CliRunner().invoke(
        command, ["load", str(path), "--as-of", AS_OF, "--definitions", str(definitions), "--print"]
    )
    assert result.exit_code == 2
    assert "native: {silo: opening}" in result.stderr


def test_the_instant_must_have_passed(tmp_path: Path) -> None:
    result = load(tmp_path, BASE, as_of="2190-01-01T00:00:00Z")
    assert result.exit_code == 2
    assert "in the future" in result.stderr
