"""Surges in real data, through the command line: those that there were, and no others."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agents.commands.main")


def surges_of(data: Path, dataset: str, topic: str, flag: str) -> list[dict[str, Any]]:
    folder = str(data / dataset)
    replay = subprocess.run(
        (*COMMAND, "replay", dataset, "--data", folder, "--print", topic),
        cwd=ROOT, capture_output=True, check=True, timeout=100,
    )  # fmt: skip
    words = (*COMMAND, "surges", "--definitions", dataset, flag, "-", "--json")
    told = subprocess.run(words, cwd=ROOT, input=replay.stdout, capture_output=True, check=True, timeout=300)
    found: list[dict[str, Any]] = orjson.loads(told.stdout)["surges"]
    return found


@pytest.fixture(scope="module")
def tweets(data: Path) -> list[dict[str, Any]]:
    return surges_of(data, "airline-tweets", "social-mentions", "--mentions")


@pytest.fixture(scope="module")
def purchases(data: Path) -> list[dict[str, Any]]:
    return surges_of(data, "online-retail", "customer-events", "--facts")


def test_the_brands_that_the_storm_hit_surge_and_no_other(tweets: list[dict[str, Any]]) -> None:
    unhappy = [surge for surge in tweets if surge["series"]["measure"] == "unhappy_mentions"]
    hit = {"@USAirways", "@JetBlue", "@united", "@SouthwestAir"}
    # Neither Virgin America, where nothing happened, nor American, whose collection began on the 22nd.
    assert {surge["series"]["brand"] for surge in tweets} == hit
    assert {surge["series"]["brand"] for surge in unhappy if "topic" not in surge["series"]} == hit
    assert {surge["direction"] for surge in unhappy} == {"up"}
    assert min(surge["onset"] for surge in tweets) >= "2015-02-21T05:00:00Z"
    us_airways = next(surge for surge in unhappy if surge["series"]["brand"] == "@USAirways")
    assert us_airways["onset"][:10] == "2015-02-22"
    assert us_airways["observed"] > 2 * us_airways["expected"]


def test_each_brand_is_a_story_of_its_own(tweets: list[dict[str, Any]]) -> None:
    brands: dict[str, set[str]] = {}
    for surge in tweets:
        brands.setdefault(surge["story"], set()).add(surge["series"]["brand"])
    assert all(len(names) == 1 for names in brands.values())


def test_the_losses_of_spring_2011_are_one_story_and_ordinary_months_have_none(
    purchases: list[dict[str, Any]],
) -> None:
    spring = [surge for surge in purchases if "2011-03" <= surge["onset"] < "2011-06"]
    assert len({surge["story"] for surge in spring}) == 1
    keys = {tuple(surge["series"].values()) for surge in spring}
    assert {("lost_customers",), ("lost_value",), ("lost_customers", "United Kingdom")} <= keys
    assert {surge["direction"] for surge in spring} == {"up"}
    ordinary = [
        surge for surge in purchases
        if surge["onset"] < "2011-03" and surge.get("closed", "9") >= "2010-10"
    ]  # fmt: skip
    assert ordinary == []


def test_nobody_is_lost_by_silence_while_the_data_are_young(purchases: list[dict[str, Any]]) -> None:
    """The first purchases are of 1 December 2009; 180 days later the first customers can have lapsed."""
    assert min(surge["onset"] for surge in purchases) >= "2010-05-30"
    # That losses begin is no surge either.
    assert not [surge for surge in purchases if surge["direction"] == "up" and surge["onset"] < "2010-08"]
