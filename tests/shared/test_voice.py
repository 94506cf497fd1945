"""Real mentions through the command line: the publisher's labels to the mention, a swarm among them, the scorers."""

import csv
import gzip
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.sentiment.linear import FittedScorer, fit
from streams.sentiment.measures import area_under_curve, macro_f1
from streams.sentiment.scorer import LexiconScorer, Scorer, class_of

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agents.commands.main")
LABELS = {"negative": 0, "neutral": 1, "positive": 2}
CLASSES = {"unhappy": 0, "neutral": 1, "unread": 1, "happy": 2}


@pytest.fixture(scope="module")
def tweets(data: Path) -> list[dict[str, str]]:
    with gzip.open(data / "airline-tweets" / "mentions.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def records(data: Path) -> bytes:
    folder = str(data / "airline-tweets")
    words = (*COMMAND, "replay", "airline-tweets", "--data", folder, "--print", "social-mentions")
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=True, timeout=100).stdout


def voice(given: bytes, *options: str) -> dict[str, Any]:
    words = (*COMMAND, "voice", "--definitions", "airline-tweets", "--mentions", "-", "--json", *options)
    done = subprocess.run(words, cwd=ROOT, input=given, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    return orjson.loads(done.stdout)


def test_every_account_as_a_batch_count_says(tweets: list[dict[str, str]], records: bytes) -> None:
    found = voice(records)
    counts = Counter((row["addressed_account"], row["sentiment"]) for row in tweets)
    authors = Counter(account for account, _ in {(row["addressed_account"], row["author_id"]) for row in tweets})
    assert set(found["total"]) == set(authors)
    for account, row in found["total"].items():
        happy, unhappy = counts[account, "positive"], counts[account, "negative"]
        assert (row["happy"], row["unhappy"]) == (happy, unhappy)
        assert row["mentions"] == happy + unhappy + counts[account, "neutral"]
        assert row["authors"] == authors[account]
        assert row["net_sentiment"] == pytest.approx((happy - unhappy) / (happy + unhappy), abs=1e-6)
    happy, unhappy = (sum(row[mood] for row in found["total"].values()) for mood in ("happy", "unhappy"))
    assert round(100 * (happy - unhappy) / (happy + unhappy), 1) == -59.4
    assert found["accounting"]["mentions"] == len(tweets) == 13_093


def test_unhappy_mentions_of_each_day_as_the_data_say(records: bytes) -> None:
    periods = {period["start"]: period["brands"] for period in voice(records, "--by", "day")["periods"]}
    assert len(periods) == 7
    days = [periods[f"2015-02-{day}T05:00:00Z"] for day in range(17, 24)]
    assert [day["@USAirways"]["unhappy"] for day in days] == [222, 249, 189, 242, 248, 577, 398]
    assert [day["@JetBlue"]["unhappy"] for day in days] == [103, 111, 124, 98, 94, 257, 129]


def test_a_swarm_leaves_the_clean_series_as_it_was(records: bytes) -> None:
    draw = random.Random(8)
    text = "this airline is a scam they cancel your flight and keep your money do not book with them ever"
    swarm = []
    for n in range(600):
        words = text.split()
        if n % 4 == 3:
            words[draw.randrange(len(words))] = draw.choice(["please", "folks", "again"])
        hour, minute, second = 14 + n // 3600, n // 60 % 60, n % 60
        fields = {"mention_id": f"bot{n}", "author_id": f"bot{n}", "channel": "social", "brand": "@VirginAmerica"}
        at = f"2015-02-20T{hour}:{minute:02d}:{second:02d}Z"
        swarm.append(fields | {"at": at, "text": " ".join(words) + f" {n}"})
    mixed = records + b"".join(orjson.dumps(fields) + b"\n" for fields in swarm)
    clean, with_swarm = voice(records, "--by", "hour"), voice(mixed, "--by", "hour")
    assert with_swarm["set_apart"] == {"copies": 0, "swarms": 600, "bots": 0}
    assert with_swarm["periods"] == clean["periods"]
    assert [verdict["kind"] for verdict in with_swarm["verdicts"]].count("swarm") == 1


def measured(scorer: Scorer, rows: Iterable[dict[str, str]]) -> tuple[float, float]:
    """Area under the curve of unhappy against the rest, and macro-F1 of the classes that the scorer gives."""
    given = list(rows)
    found = [scorer.score(row["text"]) for row in given]
    labels = [LABELS[row["sentiment"]] for row in given]
    area = area_under_curve([-one.score for one in found], [label == 0 for label in labels])
    return area, macro_f1([CLASSES[class_of(one)] for one in found], labels)


@pytest.mark.parametrize("later_than", ["2015-02-17", "2015-02-22", "2015-02-23"])
def test_the_shipped_scorer_on_later_days(tweets: list[dict[str, str]], later_than: str) -> None:
    area, f1 = measured(LexiconScorer(), (row for row in tweets if row["created_at"] >= later_than))
    assert area >= 0.88
    assert f1 >= 0.66


def test_a_model_fitted_to_earlier_days(tweets: list[dict[str, str]]) -> None:
    earlier = [row for row in tweets if row["created_at"] < "2015-02-22"]
    fitted = fit([row["text"] for row in earlier], [LABELS[row["sentiment"]] for row in earlier], LexiconScorer())
    area, f1 = measured(
        FittedScorer(fitted.model, LexiconScorer()), (row for row in tweets if row["created_at"] >= "2015-02-22")
    )
    assert area >= 0.89
    assert f1 >= 0.69
