"""Perceived health of the real data through the command line, as an operator would ask for it."""

import csv
import gzip
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "agents.commands.main")
NEW_YORK = ZoneInfo("America/New_York")


def replayed(data: Path, dataset: str, topic: str, into: Path) -> Path:
    """A topic's records of a data set as a file."""
    path = into / f"{dataset}-{topic}.jsonl"
    with path.open("wb") as file:
        subprocess.run(
            [*COMMAND, "replay", dataset, "--data", str(data / dataset), "--print", topic],
            cwd=ROOT, stdout=file, check=True, timeout=100,
        )  # fmt: skip
    return path


def health(dataset: str, signals: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [*COMMAND, "health", "--definitions", dataset, "--signals", str(signals), "--json", *options],
        cwd=ROOT, capture_output=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def signals(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return replayed(data, "nyc-flights", "qos-signals", tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def flights(data: Path, signals: Path) -> dict[str, Any]:
    status = replayed(data, "nyc-flights", "service-status", signals.parent)
    return health("nyc-flights", signals, "--status", str(status), "--by", "day")


def local(instant: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(NEW_YORK)


def named_on(flights: dict[str, Any], day: str) -> list[dict[str, Any]]:
    return [
        subset for subset in flights["subsets"]
        if str(local(subset["start"]).date()) <= day <= str((local(subset["end"]) - timedelta(minutes=1)).date())
    ]  # fmt: skip


def row_of(flights: dict[str, Any], day: str) -> dict[str, Any]:
    (period,) = [period for period in flights["periods"] if period["start"].startswith(day)]
    (row,) = period["scopes"]
    found: dict[str, Any] = row
    return found


def test_every_flight_is_counted(flights: dict[str, Any]) -> None:
    assert flights["accounting"]["signals"]["signals"] == 166_158
    assert flights["accounting"]["late"] == 0
    assert len(flights["periods"]) == 181


def test_the_airline_group_is_named_from_the_hour_its_outage_began(flights: dict[str, Any]) -> None:
    (named,) = named_on(flights, "2013-04-16")
    assert named["attributes"] == {"carrier": ["AA", "MQ"]}
    began = local(named["start"])
    assert (began.hour, local(named["end"]).date()) == (10, began.date())
    # In the third hour of the outage: in the first one of five was late.
    assert local(named["named_at"]).hour <= 14
    assert named["lift"] > 10
    assert row_of(flights, "2013-04-16")["colour"] == "green"
    assert row_of(flights, "2013-04-16")["counts"] == "sums"


def test_in_the_blizzard_all_are_red_and_no_airline_is_blamed(flights: dict[str, Any]) -> None:
    for day in ("2013-02-08", "2013-02-09"):
        assert row_of(flights, day)["colour"] == "red"
        assert named_on(flights, day) == []


@pytest.mark.parametrize(
    ("day", "carrier"),
    [("2013-01-02", "EV"), ("2013-01-24", "EV"), ("2013-02-22", "EV"), ("2013-02-23", "9E")],
)
def test_the_other_days_of_one_airline_are_named(flights: dict[str, Any], day: str, carrier: str) -> None:
    assert {"carrier": [carrier]} in [subset["attributes"] for subset in named_on(flights, day)]


def test_at_most_one_day_a_week_has_a_naming(flights: dict[str, Any]) -> None:
    days = {str(local(subset[end]).date()) for subset in flights["subsets"] for end in ("start", "end")}
    assert len(days) <= 181 / 7


def test_flights_that_left_on_time_and_arrived_late_are_false_green(flights: dict[str, Any]) -> None:
    assert flights["status_feed"] == "read"
    minutes = sum(one["minutes"] for one in flights["false_green"])
    assert minutes > 100
    assert all(one["minutes"] > 0 and one["end"] > one["start"] for one in flights["false_green"])


def test_an_airport_that_closes_for_some_hours_is_named_within_the_hour(signals: Path) -> None:
    closed = signals.parent / "closed.jsonl"
    with signals.open("rb") as lines, closed.open("wb") as file:
        for line in lines:
            row = orjson.loads(line)
            at = local(row["scheduled_departure_at"])
            if at.month != 6:
                continue
            if row["origin"] == "LGA" and (at.day, at.hour) in ((4, 17), (4, 18), (4, 19)):
                row["cancelled"], row["arrival_delay_min"] = "1", ""
            file.write(orjson.dumps(row) + b"\n")
    (named,) = named_on(health("nyc-flights", closed, "--by", "day"), "2013-06-04")
    assert named["attributes"] == {"origin": ["LGA"]}
    assert (local(named["start"]).hour, local(named["end"]).hour) == (17, 19)
    assert local(named["named_at"]).hour <= 18


def test_parts_of_a_cloud_are_flagged_while_the_overall_is_not(data: Path, tmp_path: Path) -> None:
    points = replayed(data, "cloud-monitoring", "qos-signals", tmp_path)
    flags = {
        (row["service"], period["start"][:13]): row["colour"] != "green"
        for period in health("cloud-monitoring", points, "--by", "hour")["periods"]
        for row in period["scopes"]
    }
    labels: dict[tuple[str, str], bool] = {}
    with gzip.open(data / "cloud-monitoring" / "points.csv.gz", "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if row["series_id"].startswith("outbound"):
                labels[row["series_id"], row["at"][:13]] = row["anomaly"] == "1"
    parts = [key for key in labels if key[0] != "outbound-01"]
    hidden = [flags[key] for key in parts if labels[key] and not labels["outbound-01", key[1]]]
    quiet = [flags[key] for key in parts if not labels[key]]
    assert (len(hidden), len(quiet)) == (294, 8_612)
    assert sum(hidden) / len(hidden) >= 0.55
    assert sum(quiet) / len(quiet) <= 0.02
