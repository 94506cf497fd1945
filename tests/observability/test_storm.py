"""A storm from Apache Kafka to the page, with everything in between restarted: one page, its numbers, one end.

The clock of the data is the test's: the storm is five hours old and its alerts' `page_fresh` has no end, so that what
takes hours passes in seconds. `NETGROWTH_LONG_DAY=1` waits for the end as well, some three minutes more: what bridges
a change of workers must run out.
"""

import json
import os
import random
import re
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.topics import ensure_topics
from config.alerting.rule_files import rule_files
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from config.settings import load as load_settings
from streams.facts.placement import partition_for
from tests.kafka.broker import KafkaCluster
from tests.live_ledger import LiveWorker
from tests.observability.servers import Alertmanager, Prometheus, Receiver, names_by_partition, of_cause, of_pager

pytestmark = pytest.mark.observability

LONG = os.environ.get("NETGROWTH_LONG_DAY") == "1"

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
QUIET_H, AFTER_H = 26, 5
STORM, DISRUPTED = 60, 45
VALUE = 520_000
"""Of each customer, cents."""


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaCluster]:
    with KafkaCluster() as cluster:
        yield cluster


class Story:
    """What is sent; instants are milliseconds since 1970."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"], linger_ms=20)
        self._prefix = environment["NETGROWTH_TOPIC_PREFIX"]
        self._draw = random.Random(4)
        self._ordinary = 0

    def send(self, topic: str, records: Iterable[dict[str, Any]]) -> None:
        for record in records:
            key = str(record.get("customer_id", record.get("service"))).encode()
            place = partition_for(key, 4) if topic != "actions" else 0
            self._producer.send(self._prefix + topic, json.dumps(record).encode(), key=key, partition=place)
        self._producer.flush(30)

    def everybody(self, at: int, count: int) -> None:
        self.send("customer-events", (self._fact(f"quiet{n}", "opening", at, "SMB", "EMEA") for n in range(count)))
        self.send("customer-events", (
            self._fact(f"storm{n}", "opening", at, "Enterprise", "EMEA", value=VALUE) for n in range(STORM)
        ))  # fmt: skip

    def quiet(self, start: int, end: int) -> None:
        """Of SMB some ten customers an hour leave; of a hundred interactions a minute all are well."""
        losses = []
        for minute in range(start, end, MINUTE_MS):
            if self._draw.random() < 1 / 6:
                self._ordinary += 1
                name = f"quiet{self._ordinary}"
                losses.append(self._fact(name, "left", minute, "SMB", "EMEA", reason="price"))
        self.send("customer-events", losses)
        # One that gives the clocks their instant, whatever was drawn.
        self.send("customer-events", [
            {"event_id": f"h{end}-{place}", "at": end, "fact": "heartbeat", "customer_id": name}
            for place, name in enumerate(names_by_partition())
        ])  # fmt: skip
        self.send("qos-signals", (
            self._signal(f"quiet{n}", end, True) for n in range(3000, 3100)
        ))  # fmt: skip

    def storm(self, at: int) -> None:
        self.send("actions", [
            {"action_id": "r1", "at": at - 40 * MINUTE_MS, "kind": "release", "text": "app 4.2"},
            {"action_id": "r2", "at": at - 40 * MINUTE_MS, "kind": "release", "text": "of others",
             "scope": {"region": "APAC"}},
        ])  # fmt: skip
        self.send("qos-signals", (self._signal(f"storm{n}", at - 2 * MINUTE_MS, False) for n in range(DISRUPTED)))
        self.send("qos-signals", (self._signal(f"quiet{n}", at, True) for n in range(3000, 3100)))

    def leave(self, at: int) -> None:
        reasons = ["reliability"] * 42 + ["price"] * (STORM - 42)
        self.send("customer-events", (
            self._fact(f"storm{n}", "left", at + n, "Enterprise", "EMEA", reason=reason)
            for n, reason in enumerate(reasons)
        ))  # fmt: skip

    def _fact(
        self, customer: str, fact: str, at: int, segment: str, region: str, value: int = 10_000, **more: str
    ) -> dict[str, Any]:
        return {
            "event_id": f"{fact}-{customer}", "at": at, "customer_id": customer, "fact": fact, "segment": segment,
            "region": region, **({"value": value} if fact == "opening" else {}), **more,
        }  # fmt: skip

    def _signal(self, customer: str, at: int, ok: bool) -> dict[str, Any]:
        return {
            "event_id": f"{customer}-{at}", "at": at, "customer_id": customer, "service": "shop",
            "stage": "checkout", "ok": ok, "latency_ms": 120,
        }  # fmt: skip


def of_customers(receiver: Receiver) -> list[dict[str, Any]]:
    """What the webhook got that is not about the monitor itself."""
    return of_cause(receiver, "customers")


def losses(page: dict[str, Any], status: str) -> list[dict[str, Any]]:
    return [
        alert for alert in page["alerts"]
        if alert["labels"]["alertname"] == "NetgrowthLossSurge" and alert["status"] == status
    ]  # fmt: skip


def repeated(pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that tell nothing which was not told before them: neither a new alert nor a new end."""
    told: set[tuple[str, str]] = set()
    found = []
    for page in pages:
        tells = {(alert["fingerprint"], alert["status"]) for alert in page["alerts"]}
        if tells <= told:
            found.append(page)
        told |= tells
    return found


def told(receiver: Receiver) -> str:
    """Page by page what of the alerts' states was told, for whoever reads a failure."""
    lines = []
    for page in of_customers(receiver):
        lines.append(f"{page['status']} {page['groupKey']}")
        lines += [
            f"  {alert['status']} {alert['labels']['alertname']} {alert['labels'].get('surge', '')} "
            f"{alert['fingerprint']} {alert['startsAt']} to {alert['endsAt']}"
            for alert in page["alerts"]
        ]
    return "\n".join(["", *lines])


@pytest.mark.timeout(500)
def test_one_page_and_one_end_though_all_is_restarted(kafka: KafkaCluster, tmp_path: Path) -> None:
    definitions = tmp_path / "shop.yaml"
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    definitions.write_text(
        text.replace("name: native", "name: shop") + "\njourney: [{stage: checkout, tier: 2}]\n"
        "health: {thresholds: [{service: shop, satisfied_within: 1s}]}\nalerts:\n  page_fresh: 3650d\n"
        "  customer_link: https://crm.example.com/c/{customer}\n"
        "  owners: [{name: ann, where: {segment: Enterprise}}, {name: bob, where: {segment: SMB}}]\n",
        encoding="utf-8",
    )
    environment = {
        "KAFKA_BROKERS": kafka.address, "NETGROWTH_TOPIC_PREFIX": "storm-", "NETGROWTH_GROUP_PREFIX": "storm-",
        "NETGROWTH_DEFINITIONS": str(definitions),
    }  # fmt: skip
    rules = tmp_path / "rules"
    rules.mkdir()
    for name, made in rule_files(load(definitions)).items():
        (rules / name).write_text(made, encoding="utf-8")
    ensure_topics(load_settings(environment))
    storm = (time.time_ns() // 1_000_000 - AFTER_H * HOUR_MS) // MINUTE_MS * MINUTE_MS
    story = Story(environment)
    story.everybody(storm - QUIET_H * HOUR_MS, 4000)
    story.quiet(storm - QUIET_H * HOUR_MS, storm)
    story.storm(storm)
    worker = LiveWorker(environment, tmp_path)
    receiver = Receiver()
    alertmanager = Alertmanager(tmp_path, receiver.url)
    port = worker.port
    prometheus = Prometheus(tmp_path, [f"127.0.0.1:{port}"], rules=rules, alertmanager=alertmanager.address)
    try:
        worker.wait_ready()
        judged = f"max(netgrowth_surges_clock_timestamp_seconds) >= bool {storm // 1000}"
        prometheus.wait(judged, lambda n: n == [1], 90)
        assert of_customers(receiver) == [], "26 quiet hours page nobody"
        story.leave(storm)

        def paged(_: Any) -> bool:
            return any(losses(page, "firing") for page in of_customers(receiver))

        try:
            receiver.wait(paged, 60)
        except AssertionError as error:
            raise AssertionError(f"no page of these surges: {worker.json('/api/v1/surges')}") from error
        pages = of_customers(receiver)
        [alert] = losses(pages[-1], "firing")
        said = alert["annotations"]
        print(said["description"])
        description = said["description"]
        assert description.startswith(f"The company: {STORM} lost since ")
        assert ", 312,000 EUR of expected value; 70 % say 'reliability'; " in description
        assert "; 75 % of them were disrupted at checkout in the hour before; " in description
        assert "; growing. Of them: " in description
        released = time.strftime("%H:%M UTC", time.gmtime(storm / 1000 - 2400))
        assert f" release 'app 4.2' at {released}, release 'of others (region APAC)' at " in description
        page = said["customers_url"].replace("localhost:6066", f"127.0.0.1:{port}")
        with urllib.request.urlopen(page, timeout=10) as opened:
            assert b"<title>netgrowth</title>" in opened.read()
        behind = page.replace("/?", "/api/v1/customers?").replace("who=", "measure=")
        with urllib.request.urlopen(behind, timeout=10) as opened:
            assert json.load(opened)["total"] >= STORM

        receiver.wait(lambda _: bool(of_cause(receiver, "owned")), 30)
        [ticket] = of_cause(receiver, "owned")[-1]["alerts"]
        print(ticket["annotations"]["description"])
        assert (ticket["labels"]["owner"], ticket["labels"]["severity"]) == ("ann", "warning")
        owned = rf"ann: {STORM} of your customers lost since .*, 312,000 EUR of expected value: (.*) and 50 more\."
        [listed] = re.findall(owned, ticket["annotations"]["description"])
        named = re.findall(r"(\w{12}) \(5,200 EUR, https://crm\.example\.com/c/(\w+)\)", listed)
        assert len(named) == 10
        assert all(name == linked for name, linked in named)

        worker.process.kill()
        worker = LiveWorker(environment, tmp_path, "again", NETGROWTH_WEB_PORT=str(port))
        worker.port = port
        worker.wait_ready()
        prometheus.restart()
        alertmanager.restart()
        prometheus.wait('count(netgrowth_surge_observed{measure="lost_customers"})', lambda n: bool(n), 60)
        prometheus.wait('count(ALERTS{alertname="NetgrowthLossSurge",alertstate="firing"})', lambda n: bool(n), 60)
        time.sleep(17)  # Prometheus tells again every 15 seconds what fires.
        # A webhook may be told again what Prometheus forgot in its restart; for the pager it is the same incident.
        again = repeated(of_customers(receiver))
        assert len(again) <= (0 if LONG else 1), f"a restart repeats no page, and here: {told(receiver)}"
        incidents = {body["dedup_key"] for body in of_pager(receiver) if body["event_action"] == "trigger"}
        assert len(incidents) == 1

        if not LONG:
            return
        story.quiet(storm + MINUTE_MS, storm + AFTER_H * HOUR_MS - MINUTE_MS)

        def over(_: Any) -> bool:
            return any(page["status"] == "resolved" for page in of_customers(receiver))

        receiver.wait(over, 240)
        assert repeated(of_customers(receiver)) == [], told(receiver)
        [ended] = {
            alert["fingerprint"]: alert
            for page in of_customers(receiver) for alert in losses(page, "resolved")
        }.values()
        note = ended["annotations"]["resolved"]
        print(note)
        wanted = rf"The company: over after \d+h .*; \d+ customers and [\d,]+ EUR lost in all, {DISRUPTED} of them "
        assert re.match(wanted, note)
        assert " of this trouble" in note
        assert len({page["groupKey"] for page in of_customers(receiver)}) == 1
        assert [body["event_action"] for body in of_pager(receiver)][-1] == "resolve"
        assert len([body for body in of_pager(receiver) if body["event_action"] == "resolve"]) == 1
    finally:
        prometheus.stop()
        alertmanager.stop()
        receiver.stop()
        worker.process.stop()
