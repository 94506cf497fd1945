"""Black Friday 2017 at a marketplace: missed hand-overs and broken promises, and when surveys showed it."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

pytestmark = pytest.mark.shared

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agents.commands.main")


def said(*words: str) -> bytes:
    return subprocess.run((*COMMAND, *words), cwd=ROOT, capture_output=True, check=True, timeout=300).stdout


@pytest.fixture(scope="module")
def files(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder, found = tmp_path_factory.mktemp("olist"), {}
    for topic in ("qos-signals", "survey-responses"):
        path = folder / topic
        path.write_bytes(said("replay", "olist", "--data", str(data / "olist"), "--print", topic))
        found[topic] = str(path)
    return found


@pytest.fixture(scope="module")
def leads(files: dict[str, str]) -> list[dict[str, Any]]:
    words = ("--signals", files["qos-signals"], "--surveys", files["survey-responses"], "--json")
    found: list[dict[str, Any]] = orjson.loads(said("surges", "--definitions", "olist", *words))["leads"]
    return found


@pytest.mark.parametrize(("stage", "told", "days"), [("sending", "2017-11-23", 26), ("delivery", "2017-11-28", 22)])
def test_black_friday_is_told_weeks_before_the_mean_of_the_survey_falls(
    leads: list[dict[str, Any]], stage: str, told: str, days: int
) -> None:
    [lead] = [one for one in leads if one["detected"][:10] == told]
    assert lead["series"] == {"measure": "disrupted_customers", "service": "orders", "stage": stage}
    fell = datetime.fromisoformat(lead["by"]["mean"]["at"])
    # By weeks the mean is at its best of the quarter in that of 4 December, and falls in that of the 18th.
    assert datetime.fromisoformat("2017-12-18T00:00:00Z") < fell < datetime.fromisoformat("2017-12-25T00:00:00Z")
    assert lead["by"]["mean"]["lead_hours"] > days * 24
    assert lead["lead_hours"] == min(one["lead_hours"] for one in lead["by"].values())
    assert lead["lead_hours"] > 6 * 24


def test_it_is_red_before_any_survey_shows_it(files: dict[str, str], leads: list[dict[str, Any]]) -> None:
    words = ("--signals", files["qos-signals"], "--by", "day", "--json")
    health = orjson.loads(said("health", "--definitions", "olist", *words))
    red = {
        (scope["stage"], period["start"][:10])
        for period in health["periods"] for scope in period["scopes"]
        if scope["colour"] == "red" and "2017-11-13" <= period["start"][:10] <= "2017-12-04"
    }  # fmt: skip
    assert red == {("delivery", "2017-11-28"), ("sending", "2017-11-30")}
    shown = [told["at"] for one in leads if one["detected"] > "2017-11-20" for told in one.get("by", {}).values()]
    assert min(shown) > "2017-12-04"
