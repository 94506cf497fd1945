"""`netgrowth surges`: files of records in, surges and their stories out."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.commands.surges import command

START = datetime(2026, 3, 2, tzinfo=UTC)
ROOT = Path(__file__).parents[4]
NATIVE = str(ROOT / "config" / "definitions" / "native.yaml")
DAYS = 4

Record = dict[str, Any]


def instants(rng: random.Random, a_minute: float, minutes: range) -> Iterator[str]:
    """Instants at a rate, in order."""
    for minute in minutes:
        for _ in range(sum(rng.random() < a_minute / 10 for _ in range(10))):
            yield (START + timedelta(minutes=minute, seconds=rng.randrange(60))).isoformat()


def mentions(rates: dict[tuple[str, float], float], minutes: range, seed: str) -> list[Record]:
    """Mentions of brands with a sentiment, at a rate a minute each, on a channel where nothing is a copy."""
    rng = random.Random(seed)
    return [
        {
            "mention_id": f"{seed}-{brand}-{sentiment}-{n}", "at": at, "author_id": f"a-{rng.random()}",
            "channel": "call", "brand": brand, "sentiment": sentiment, "topics": [rng.choice(["price", "network"])],
        }
        for (brand, sentiment), rate in rates.items()
        for n, at in enumerate(instants(rng, rate, minutes))
    ]  # fmt: skip


def losses(rate: float, minutes: range, segment: str, reason: str, seed: str) -> list[Record]:
    """Customers who leave, worth 100 each."""
    rng = random.Random(seed)
    return [
        {
            "event_id": f"{seed}-{n}", "at": at, "customer_id": f"c-{seed}-{n}", "fact": "left", "value": 10_000,
            "segment": segment, "reason": reason,
        }
        for n, at in enumerate(instants(rng, rate, minutes))
    ]  # fmt: skip


def written(path: Path, records: list[Record]) -> str:
    records = sorted(records, key=lambda record: record["at"])
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return str(path)


def told(*words: str) -> dict[str, Any]:
    found = CliRunner().invoke(command, ["--definitions", NATIVE, *words, "--json"])
    assert found.exit_code == 0, found.output
    answer: dict[str, Any] = orjson.loads(found.stdout)
    return answer


def wholes(found: dict[str, Any]) -> list[Record]:
    return [surge for surge in found["surges"] if "topic" not in surge["series"]]


USUAL = range(DAYS * 1440)
SURGE = range(DAYS * 1440, DAYS * 1440 + 120)


def test_happy_and_unhappy_mentions_that_rise_alike_are_two_surges(tmp_path: Path) -> None:
    moods = (("acme", -0.8), ("acme", 0.8))
    said = mentions(dict.fromkeys(moods, 0.5), USUAL, "usual")
    said += mentions(dict.fromkeys(moods, 4.0), SURGE, "surge")
    found = told("--mentions", written(tmp_path / "m.jsonl", said))
    assert sorted(surge["series"]["measure"] for surge in wholes(found)) == ["happy_mentions", "unhappy_mentions"]
    for surge in wholes(found):
        assert surge["series"]["brand"] == "acme"
        assert surge["direction"] == "up"
        assert abs(datetime.fromisoformat(surge["onset"]) - START - timedelta(days=DAYS)) <= timedelta(minutes=15)
        assert surge["observed"] > 4 * surge["expected"]


def test_two_brands_surges_at_once_stay_two_stories(tmp_path: Path) -> None:
    brands = (("acme", -0.8), ("other", -0.8))
    said = mentions({**dict.fromkeys(brands, 0.5), ("calm", -0.8): 0.5}, range(DAYS * 1440 + 120), "usual")
    said += mentions(dict.fromkeys(brands, 4.0), SURGE, "surge")
    found = told("--mentions", written(tmp_path / "m.jsonl", said))
    stories = {surge["series"]["brand"]: surge["story"] for surge in wholes(found)}
    assert stories.keys() == {"acme", "other"}
    assert stories["acme"] != stories["other"]
    for surge in found["surges"]:
        assert surge["story"] == stories[surge["series"]["brand"]]


def test_losses_and_mentions_of_one_reason_are_one_story_with_its_evidence(tmp_path: Path) -> None:
    said = mentions({("acme", -0.8): 0.5}, range(DAYS * 1440 + 120), "usual")
    angry = mentions({("acme", -0.8): 4.0}, SURGE, "surge")
    for mention in angry:
        mention["topics"] = ["network"]
    gone = losses(0.3, range(DAYS * 1440 + 120), "A", "price", "usual-a")
    gone += losses(0.3, range(DAYS * 1440 + 120), "B", "price", "usual-b")
    gone += losses(4.0, range(DAYS * 1440 + 30, DAYS * 1440 + 120), "A", "network", "surge")
    words = "--mentions", written(tmp_path / "m.jsonl", said + angry), "--facts", written(tmp_path / "f.jsonl", gone)
    found = told(*words)
    assert len({surge["story"] for surge in found["surges"]}) == 1
    keys = [tuple(surge["series"].values()) for surge in found["surges"]]
    assert {("lost_customers",), ("lost_customers", "A"), ("lost_value",), ("unhappy_mentions", "acme")} <= set(keys)
    assert not any("B" in key for key in keys)
    assert [surge["detected"] for surge in found["surges"]] == sorted(surge["detected"] for surge in found["surges"])
    total = found["surges"][keys.index(("lost_customers",))]
    shares = {(one["label"], one["value"]): one["share"] for one in total["evidence"]}
    assert shares["reason", "network"] > 0.9
    assert shares["segment", "A"] > 0.9
    lines = CliRunner().invoke(command, ["--definitions", NATIVE, *words]).stdout
    assert "lost customers (segment A) up" in lines
    assert "reason network" in lines


def test_before_anybody_can_have_lapsed_the_losses_by_silence_are_unknown(tmp_path: Path) -> None:
    """Some leave from the first day on; two days after the first purchase most are lost by silence, and no surge."""
    text = Path(NATIVE).read_text()
    definitions = tmp_path / "lapse.yaml"
    definitions.write_text(text + "\nlapse: {after: 2d, restarted_by: [purchased]}\n")
    rng = random.Random("bought")
    facts = [
        {"event_id": f"e{n}", "at": at, "customer_id": f"c{n}", "fact": "purchased", "value": 5_000}
        for n, at in enumerate(instants(rng, 1.0, range(6 * 1440)))
    ]
    facts += losses(0.05, range(6 * 1440), "A", "price", "usual")
    file = written(tmp_path / "f.jsonl", facts)
    answer = CliRunner().invoke(command, ["--definitions", str(definitions), "--facts", file, "--json"])
    assert answer.exit_code == 0, answer.output
    found = orjson.loads(answer.stdout)
    assert found["surges"] == []
    assert found["series"] == 4


def test_a_feed_that_ends_before_the_others_is_unknown_then(tmp_path: Path) -> None:
    said = mentions({("acme", -0.8): 3.0}, range(3 * 1440), "usual")
    gone = losses(0.3, range(5 * 1440), "A", "price", "usual-a")
    found = told(
        "--mentions", written(tmp_path / "m.jsonl", said), "--facts", written(tmp_path / "f.jsonl", gone)
    )  # fmt: skip
    assert found["surges"] == []
    assert found["until"] == "2026-03-07T00:00:00Z"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing to look at"),
        (("--facts", "-", "--mentions", "-"), "only one file can be standard input"),
        (("--facts", "missing.jsonl"), "missing.jsonl"),
    ],
)
def test_wrong_usage_is_one_sentence(words: tuple[str, ...], message: str) -> None:
    found = CliRunner().invoke(command, ["--definitions", NATIVE, *words])
    assert found.exit_code == 2
    assert message in found.stderr


def test_lines_that_are_no_records_are_told_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    written(path, mentions({("acme", -0.8): 1.0}, range(30), "few"))
    path.write_bytes(b"nonsense\n" + path.read_bytes())
    found = CliRunner().invoke(command, ["--definitions", NATIVE, "--mentions", str(path), "--json"])
    assert found.exit_code == 0
    assert "social-mentions, line 1" in found.stderr
    assert orjson.loads(found.stdout)["series"] > 0
