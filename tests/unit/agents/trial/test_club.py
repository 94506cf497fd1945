"""The generated part of the demonstration: made of real flights, the same in every run, with no day written in it."""

import csv
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import orjson
import pytest

import agents.trial.club
from agents.replay.finding import find_files
from agents.replay.records import Outgoing
from agents.trial.club.flights import AIRLINES, DATASET, FEW, FILE, Flight, Sky
from agents.trial.club.records import TOPICS, ClubRules, club_records
from config import definitions_file
from config.settings import NATIVE_DEFINITIONS
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.health.admission import SignalAdmission, StatusAdmission
from streams.intake.surveys import AnswerAdmission
from streams.ledger.rules import HOUR, MINUTE
from streams.voice.admission import MentionAdmission

BEGIN = datetime(2013, 5, 6, 4, tzinfo=UTC)
FIELDS = ("scheduled_departure_at", "carrier", "origin", "arrival_delay_min", "cancelled", "diverted")


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def flights_file(folder: Path, broken: str) -> Path:
    """A made-up day: four airlines with a flight each ten minutes; from noon on all of one of them are cancelled."""
    path = folder / "flights.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(FIELDS)
        for step in range(6 * 24):
            at = BEGIN + timedelta(minutes=10 * step)
            for carrier in ("AA", "UA", "DL", "B6"):
                fails = carrier == broken and 72 <= step < 120
                rows.writerow([at.isoformat(), carrier, "JFK", "" if fails else "-3", int(fails), 0])
    return path


@pytest.fixture(scope="module", params=["UA", "B6"])
def day(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[Outgoing]]:
    path = flights_file(tmp_path_factory.mktemp("flights"), request.param)
    return AIRLINES[request.param][1], list(club_records(path, us(BEGIN), ClubRules(members=2_000, on_board=4)))


def test_whose_flights_fail_while_the_others_fly_complain_and_leave(day: tuple[str, list[Outgoing]]) -> None:
    broken, records = day
    segment = {}
    left, said = Counter[str](), Counter[str]()
    for record in records:
        value = orjson.loads(record.value)
        if value.get("fact") in ("opening", "joined"):
            segment[value["customer_id"]] = value["segment"]
        if value.get("reason") == "flight failed":
            left[segment[value["customer_id"]]] += 1
        if record.topic == "social-mentions":
            said[value["brand"]] += 1
    assert left[broken] >= 10
    assert set(left) == {broken}
    assert said[broken] > sum(count for brand, count in said.items() if brand != broken)


def test_records_come_in_order_and_are_taken_by_the_definitions(day: tuple[str, list[Outgoing]]) -> None:
    _, records = day
    times = [record.at_us or 0 for record in records]
    assert times == sorted(times)
    definitions = definitions_file.load(str(NATIVE_DEFINITIONS.with_name("flight-club.yaml")))
    admissions = {
        "customer-events": Admission(definitions), "qos-signals": SignalAdmission(definitions),
        "service-status": StatusAdmission(definitions), "social-mentions": MentionAdmission(definitions),
        "survey-responses": AnswerAdmission(definitions),
    }  # fmt: skip
    for topic, admission in admissions.items():
        raw = [RawRecord(one.value, one.key, topic, 0, n) for n, one in enumerate(records) if one.topic == topic]
        assert raw or topic == "survey-responses"
        assert admission.admit(raw).dead_letters == [], topic  # type: ignore[attr-defined]


def test_each_run_is_the_same() -> None:
    path = find_files(DATASET, [FILE])[FILE]
    until = us(BEGIN) + 3 * HOUR

    def beginning() -> list[Outgoing]:
        return list(takewhile(lambda one: (one.at_us or 0) < until, club_records(path, us(BEGIN))))

    first = beginning()
    assert first == beginning()
    assert {record.topic for record in first} <= set(TOPICS)


def test_no_day_and_no_airline_is_written_where_members_are_made() -> None:
    folder = Path(agents.trial.club.__file__).parent
    names = {name for pair in AIRLINES.values() for name in pair} | set(AIRLINES)
    for file in ("records.py", "members.py", "words.py"):
        text = (folder / file).read_text(encoding="utf-8")
        assert not re.search(r"20\d\d-?\d\d|\bApril\b|\b201[0-9]\b", text), file
        assert {name for name in names if f'"{name}"' in text} == set()


def test_the_sky_tells_an_airline_from_the_others_of_the_last_hours() -> None:
    sky = Sky()
    for number in range(10):
        sky.add(Flight(number * MINUTE, "a", "A", "JFK", 0.0, arrived=False))
        sky.add(Flight(number * MINUTE, "b", "B", "JFK", 0.0, arrived=number > 0))
    assert sky.failed_share() == pytest.approx(11 / 20)
    assert sky.worse_than_others("A") == pytest.approx(0.9)
    assert sky.worse_than_others("B") == 0.0
    assert sky.worse_than_others("C") == 0.0
    for number in range(FEW - 1):
        sky.add(Flight(9 * HOUR + number, "a", "A", "JFK", 0.0, arrived=False))
    assert sky.worse_than_others("A") == 0.0
