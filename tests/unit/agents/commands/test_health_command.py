"""`netgrowth health` over files: what it prints, and how it ends."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.health import command
from tests.unit.streams.health.signalling import NATIVE, START, signal


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "shop.yaml").write_text(f"{NATIVE}health: {{thresholds: [{{satisfied_within: 1s}}]}}\n")
    signals = [signal(n, n % 30, f"c{n % 50}", ok=n % 2 > 0) for n in range(600)]
    (tmp_path / "signals.jsonl").write_bytes(b"\n".join(map(orjson.dumps, signals)) + b"\n{\n")
    fact = {"event_id": "1", "at": START - 1, "customer_id": "c0", "fact": "joined", "value": 12_34}
    (tmp_path / "facts.jsonl").write_bytes(orjson.dumps(fact))
    status = {"at": START - 1, "service": "shop", "status": "up"}
    (tmp_path / "status.jsonl").write_bytes(orjson.dumps(status))
    return {
        "--definitions": str(tmp_path / "shop.yaml"), "--signals": str(tmp_path / "signals.jsonl"),
        "--facts": str(tmp_path / "facts.jsonl"), "--status": str(tmp_path / "status.jsonl"),
    }  # fmt: skip


def words(files: dict[str, str], *more: str) -> list[str]:
    return [*(word for pair in files.items() for word in pair), *more]


def test_json_has_the_names_of_the_interface(files: dict[str, str]) -> None:
    told = CliRunner().invoke(command, words(files, "--by", "hour", "--json"))
    assert told.exit_code == 0, told.output
    health = orjson.loads(told.stdout)
    assert health["until"] == "2024-01-01T10:29:00Z"
    (period,) = health["periods"]
    assert (period["start"], period["end"]) == ("2024-01-01T10:00:00+00:00", "2024-01-01T11:00:00+00:00")
    (row,) = period["scopes"]
    assert {
        "service", "stage", "segment", "region", "customers", "disrupted", "customer_minutes", "share_lower", "apdex",
        "colour", "value_at_risk",
    } <= row.keys()  # fmt: skip
    assert (row["customers"], row["disrupted"], row["value_at_risk"], row["value_unknown"]) == (50, 25, 12_34, 24)
    (spell,) = health["false_green"]
    assert (spell["minutes"], spell["service"]) == (15, "shop")
    assert "qos-signals, line 601: not_json" in told.stderr
    assert health["accounting"]["signals"]["dead_lettered"] == {"not_json": 1}


def test_text_says_it_in_words(files: dict[str, str]) -> None:
    told = CliRunner().invoke(command, words(files))
    assert told.exit_code == 0, told.output
    assert "shop / checkout / unknown / unknown" in told.stdout
    assert "12.34 EUR" in told.stdout
    assert "no subset stands out" in told.stdout
    assert "false green: 15 minutes in 1 spells" in told.stdout
    del files["--status"], files["--facts"]
    without = CliRunner().invoke(command, words(files)).stdout
    assert "false green: unknown, there is no status feed" in without
    assert "unknown\n" in without


def test_mentions_tell_who_was_first(files: dict[str, str], tmp_path: Path) -> None:
    said = {
        "mention_id": "1", "at": START + 90_000, "author_id": "a", "channel": "call", "brand": "shop",
        "customer_id": "c0", "text": "where is my order",
    }  # fmt: skip
    (tmp_path / "mentions.jsonl").write_bytes(orjson.dumps(said) + b"\n{\n")
    files["--mentions"] = str(tmp_path / "mentions.jsonl")
    told = CliRunner().invoke(command, words(files, "--json"))
    assert "social-mentions, line 2: not_json" in told.stderr
    health = orjson.loads(told.stdout)
    assert (health["mentions_feed"], health["troubles"][0]["seconds_before_complaint"]) == ("read", 30)
    told = CliRunner().invoke(command, words(files))
    assert "of 1 that were complained of we were first in 1\n" in told.stdout
    del files["--mentions"]
    assert "who was first is unknown, there are no mentions" in CliRunner().invoke(command, words(files)).stdout


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [("--signals", "/nowhere", "/nowhere"), ("--by", "week", "week"), ("--definitions", "/nowhere", "/nowhere")],
)
def test_what_cannot_be_read_at_all_is_wrong_usage(
    files: dict[str, str], option: str, value: str, said: str
) -> None:
    told = CliRunner().invoke(command, words({**files, option: value}))
    assert told.exit_code == 2
    assert said in told.stderr


def test_standard_input_is_one_file(files: dict[str, str]) -> None:
    told = CliRunner().invoke(command, words({**files, "--signals": "-", "--status": "-"}))
    assert told.exit_code == 2
    assert "only one of" in told.stderr
    lines = Path(files["--signals"]).read_bytes()
    told = CliRunner().invoke(command, words({**files, "--signals": "-"}, "--json"), input=lines)
    assert orjson.loads(told.stdout)["accounting"]["counted"] == 600
