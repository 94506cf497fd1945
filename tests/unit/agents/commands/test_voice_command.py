"""`netgrowth voice`: a file of mentions in, brands, people, topics and verdicts out."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.voice import command
from tests.unit.streams.voice.posts import HEAD, bots, mention, one_author, people


@pytest.fixture
def definitions(tmp_path: Path) -> str:
    path = tmp_path / "ours.yaml"
    path.write_text(HEAD.replace("time_zone: UTC", "time_zone: Europe/Berlin"))
    return str(path)


def written(path: Path, mentions: list[dict[str, Any]], more: bytes = b"") -> str:
    lines = b"".join(orjson.dumps(fields) + b"\n" for fields in mentions) + more
    path.write_bytes(gzip.compress(lines) if path.suffix == ".gz" else lines)
    return str(path)


def told(*words: str) -> dict[str, Any]:
    found = CliRunner().invoke(command, [*words, "--json"])
    assert found.exit_code == 0, found.output
    return orjson.loads(found.stdout)


def test_periods_begin_in_the_companys_zone_and_have_no_gaps(definitions: str, tmp_path: Path) -> None:
    day = 86_400
    said = [
        mention("a", "x", "great", at_s=0),
        mention("b", "x", "awful", at_s=10),
        mention("c", "y", "awful", at_s=3 * day),
    ]
    found = told("--definitions", definitions, "--mentions", written(tmp_path / "m.jsonl", said), "--by", "day")
    assert [period["start"] for period in found["periods"]] == [f"2023-11-{n}T23:00:00Z" for n in (13, 14, 15, 16)]
    assert all(
        one["end"] == other["start"] for one, other in zip(found["periods"], found["periods"][1:], strict=False)
    )
    first = found["periods"][0]["brands"]["acme"]
    assert {name: first[name] for name in ("mentions", "authors", "happy", "unhappy", "net_sentiment")} == {
        "mentions": 2, "authors": 1, "happy": 1, "unhappy": 1, "net_sentiment": 0.0,
    }  # fmt: skip
    assert found["periods"][1]["brands"] == {}
    assert found["until"] == "2023-11-17T22:13:20Z"


def test_without_periods_there_is_one_over_all(definitions: str, tmp_path: Path) -> None:
    found = told("--definitions", definitions, "--mentions", written(tmp_path / "m.jsonl.gz", people(30)))
    (period,) = found["periods"]
    assert period["brands"] == found["total"]
    assert found["set_apart"] == {"copies": 0, "swarms": 0, "bots": 0}


def test_bad_lines_are_counted_and_told_never_fatal(definitions: str, tmp_path: Path) -> None:
    file = written(tmp_path / "m.jsonl", people(3), b'{"nonsense\n\n{"mention_id": "a"}\n')
    found = CliRunner().invoke(command, ["--definitions", definitions, "--mentions", file, "--json"])
    assert found.exit_code == 0
    counted = orjson.loads(found.stdout)["accounting"]
    assert counted["dead_lettered"] == {"empty": 1, "missing_field": 1, "not_json": 1}
    assert counted["records"] == 6
    assert "line 4: not_json" in found.stderr


def test_nothing_said_is_no_zero(definitions: str, tmp_path: Path) -> None:
    found = told("--definitions", definitions, "--mentions", written(tmp_path / "m.jsonl", []), "--by", "hour")
    assert (found["until"], found["periods"], found["total"], found["topics"]) == (None, [], {}, {})
    neutral = told(
        "--definitions", definitions, "--mentions", written(tmp_path / "n.jsonl", [mention("a", "x", "what time?")])
    )
    assert "net_sentiment" not in neutral["total"]["acme"]


def test_the_three_verdicts_are_shown(definitions: str, tmp_path: Path) -> None:
    file = written(tmp_path / "m.jsonl", [*people(300), *bots(120), *one_author(120)])
    found = CliRunner().invoke(command, ["--definitions", definitions, "--mentions", file])
    assert found.exit_code == 0
    assert "a swarm, set apart" in found.stdout
    assert "one account: counted once" in found.stdout
    assert "people in words of their own: counted" in found.stdout
    assert "set apart: 0 copies, 120 of swarms, 119 of machines" in found.stdout


def test_a_file_that_is_not_there_is_wrong_usage(definitions: str) -> None:
    assert CliRunner().invoke(command, ["--definitions", definitions, "--mentions", "absent.jsonl"]).exit_code == 2
    assert CliRunner().invoke(command, ["--definitions", "absent.yaml", "--mentions", "-"]).exit_code == 2
