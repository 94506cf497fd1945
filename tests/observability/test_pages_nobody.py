"""Ordinary days, replays and years that are caught up with page nobody; forty losses in one hour page once.

`NETGROWTH_LONG_DAY=1` replays a whole day at 240 times its speed, six minutes, as it was and with the losses, else
the hours around noon; and then a year at full speed.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from agents.trial.broker import EmbeddedBroker
from config.alerting.rule_files import rule_files
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from config.settings import load as load_settings
from streams.facts.placement import partition_for
from tests.live_ledger import ROOT, EmbeddedWorker
from tests.live_surges import told
from tests.observability.servers import Alertmanager, Prometheus, Receiver, names_by_partition, of_cause, of_pager

pytestmark = pytest.mark.observability

SPEED = 240
LONG = os.environ.get("NETGROWTH_LONG_DAY") == "1"
DAY = datetime(2010, 9, 15, tzinfo=UTC)
FROM_H, INJECTED_H, TO_H = (0, 13, 24) if LONG else (11, 13, 14)
"""Hours of the day that are replayed; losses are injected in the hour that begins at the second."""

TOLD_S = 15.0
"""By then what is to page has paged: a page comes within ten seconds."""

INJECTED = 40
YEAR = 365
LAPSE = timedelta(days=180)
LONDON = ZoneInfo("Europe/London")


class Monitor:
    """Worker, Prometheus and Alertmanager as they are shipped, with definitions of their own."""

    def __init__(self, folder: Path, broker: str, definitions: str) -> None:
        path, rules = folder / "definitions.yaml", folder / "rules"
        path.write_text(definitions, encoding="utf-8")
        rules.mkdir()
        for name, text in rule_files(load(path)).items():
            (rules / name).write_text(text, encoding="utf-8")
        self.environment = {"KAFKA_BROKERS": broker, "NETGROWTH_DEFINITIONS": str(path)}
        ensure_topics(load_settings(self.environment))
        self._producer = KafkaProducer(bootstrap_servers=broker, linger_ms=20)
        self._folder, self._rules = folder, rules
        self.receiver = Receiver()

    def start(self) -> None:
        """Once the past lies in the topic."""
        self.worker = EmbeddedWorker(self.environment, self._folder).wait_ready()
        self.alertmanager = Alertmanager(self._folder, self.receiver.url)
        self.prometheus = Prometheus(
            self._folder, [f"127.0.0.1:{self.worker.port}"], rules=self._rules,
            alertmanager=self.alertmanager.address,
        )  # fmt: skip

    def send(self, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            key = record["customer_id"].encode()
            place = partition_for(key, 4)
            self._producer.send("customer-events", json.dumps(record).encode(), key=key, partition=place)
        self._producer.flush(60)

    def wait_judged(self, until: datetime, timeout_s: float = 120) -> None:
        """Until the detectors have come to an instant."""
        clock = f"max(netgrowth_surges_clock_timestamp_seconds) >= bool {until.timestamp():.0f}"
        self.prometheus.wait(clock, lambda n: n == [1], timeout_s)

    def told(self) -> list[str]:
        """What was sent of customers: each alert that fired, once."""
        return sorted({
            alert["labels"]["alertname"] for body in of_cause(self.receiver, "customers")
            for alert in body["alerts"]
        })  # fmt: skip

    def sentences(self) -> list[str]:
        """What these said, with what the worker says of surges."""
        pages = of_cause(self.receiver, "customers")
        said = [f"{one['startsAt']} {one['annotations']['description']}" for page in pages for one in page["alerts"]]
        return [*dict.fromkeys(said), str(self.worker.json("/api/v1/surges"))]

    def stop(self) -> None:
        self.prometheus.stop()
        self.alertmanager.stop()
        self.receiver.stop()
        self.worker.process.stop()


@pytest.fixture
def broker() -> Iterator[str]:
    with EmbeddedBroker() as started:
        yield started.address


def purchases() -> list[tuple[datetime, dict[str, Any]]]:
    """The records of the gift shop up to the day's end and the first one behind it, with their instants."""
    printed = subprocess.run(
        [sys.executable, "-m", "agents.commands.main", "replay", "online-retail", "--print", "customer-events"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    found = []
    for line in printed.splitlines():
        record = json.loads(line)
        at = datetime.fromisoformat(record["at"]).replace(tzinfo=LONDON)
        found.append((at, record))
        if at >= DAY + timedelta(hours=TO_H):
            break
    return found


def injected() -> list[dict[str, Any]]:
    """Customers who bought once, so that they lapse within one hour of the day."""
    start = DAY + timedelta(hours=INJECTED_H) - LAPSE
    return [
        {
            "customer_id": f"made-up-{n}",
            "at": (start + timedelta(minutes=n)).astimezone(LONDON).strftime("%Y-%m-%d %H:%M:%S"),
            "kind": "purchase", "country": "United Kingdom", "lines": "3", "units": "12", "value_gbp": "250.00",
        }
        for n in range(INJECTED)
    ]  # fmt: skip


@pytest.mark.timeout(900)
@pytest.mark.parametrize("is_injected", [False, True] if LONG else [True], ids=str)
def test_an_ordinary_day_at_240_times_its_speed_pages_nobody_and_forty_losses_in_an_hour_once(
    broker: str, tmp_path: Path, is_injected: bool
) -> None:
    text = (ROOT / "config/definitions/online-retail.yaml").read_text(encoding="utf-8")
    monitor = Monitor(tmp_path, broker, f"{text}\nalerts: {{page_fresh: 36500d}}\n")
    start, end = DAY + timedelta(hours=FROM_H), DAY + timedelta(hours=TO_H)
    quiet_until = DAY + timedelta(hours=INJECTED_H) if is_injected else end
    records = purchases()
    if is_injected:
        monitor.send(injected())
    monitor.send(record for at, record in records if at < start)
    monitor.start()
    try:
        monitor.wait_judged(start - timedelta(hours=13))
        began = time.monotonic()
        was_quiet = None
        for at, record in records:
            if at < start:
                continue
            if at >= quiet_until and was_quiet is None:
                was_quiet = monitor.told()
            # The first record behind the hours only says that they are over.
            time.sleep(max(0.0, (min(at, end) - start).total_seconds() / SPEED - (time.monotonic() - began)))
            monitor.send([record])
        assert was_quiet == [], f"an ordinary day, and {monitor.sentences()}"
        monitor.wait_judged(end - timedelta(minutes=5))
        time.sleep(TOLD_S)
        print(monitor.sentences())
        if not is_injected:
            assert monitor.told() == []
            return
        assert "NetgrowthLossSurge" in monitor.told()
        pages = of_cause(monitor.receiver, "customers")
        assert len({page["groupKey"] for page in pages}) == 1
        # What fires when it was over would be another page.
        told = "".join("1" if page["status"] == "firing" else "0" for page in pages)
        assert "01" not in told, told
        assert len({body["dedup_key"] for body in of_pager(monitor.receiver)}) == 1
    finally:
        monitor.stop()


def year(now: datetime) -> Iterator[dict[str, Any]]:
    """A year of a company in balance that ends now, with two storms in its past."""
    draw, number = random.Random(8), 0
    start = now - timedelta(days=YEAR)

    def fact(what: str, at: datetime, name: str) -> dict[str, Any]:
        more = {"value": 9_900} if what == "joined" else {"reason": "price"}
        return {
            "event_id": f"{what}-{name}", "at": at.isoformat(), "customer_id": name, "fact": what,
            "segment": "SMB", "region": "EMEA", **more,
        }  # fmt: skip

    for day in range(YEAR):
        midnight = start + timedelta(days=day)
        moments = sorted(draw.random() * 86_400 for _ in range(30))
        storm = [43_200 + draw.random() * 1800 for _ in range(80)] if day in (YEAR - 13, YEAR - 6) else []
        for seconds in moments:
            number += 1
            at = midnight + timedelta(seconds=seconds)
            yield fact("joined", at, f"c{number}")
            if number > 600:
                yield fact("left", at, f"c{number - 600}")
        for place, seconds in enumerate(sorted(storm)):
            yield fact("joined", midnight, f"s{day}-{place}")
            yield fact("left", midnight + timedelta(seconds=seconds), f"s{day}-{place}")


@pytest.mark.skipif(not LONG, reason="minutes, as detectors judge sixty days: NETGROWTH_LONG_DAY=1")
@pytest.mark.timeout(600)
def test_a_year_at_full_speed_fires_nothing_and_nothing_for_its_past_when_it_has_caught_up(
    broker: str, tmp_path: Path
) -> None:
    text = NATIVE_DEFINITIONS.read_text(encoding="utf-8").replace("name: native", "name: year")
    monitor = Monitor(tmp_path, broker, text)
    now = datetime.now(UTC)
    monitor.start()
    try:
        monitor.send(sorted(year(now), key=lambda record: str(record["at"])))
        # The last fact of the past is too old for the clocks to go on with the wall's: the present begins now.
        monitor.send(
            {"event_id": f"now-{name}", "at": now.isoformat(), "fact": "heartbeat", "customer_id": name}
            for name in names_by_partition()
        )
        monitor.wait_judged(now - timedelta(minutes=5), 400)
        monitor.prometheus.wait("company:netgrowth_surges_fresh:bool", lambda n: n == [1])
        time.sleep(8)
        assert monitor.told() == [], monitor.sentences()
        events = told({"KAFKA_BROKERS": broker, "NETGROWTH_TOPIC_PREFIX": ""})
        opened = [one for one in events if one["what"] == "opened" and one["series"] == {"measure": "lost_customers"}]
        assert len(opened) == 2, "the storms were seen, and nobody was told"
    finally:
        monitor.stop()
