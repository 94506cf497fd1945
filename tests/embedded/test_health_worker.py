"""Health on the embedded broker: records in, the figures of the offline count out, after another start too."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.topic_reading import read_topic
from config.definitions_file import load
from config.settings import load as load_settings
from tests.live_ledger import EmbeddedWorker, wait
from tests.unit.streams.health.live.test_followed import fact
from tests.unit.streams.health.live.test_live_health import an_hour, in_order
from tests.unit.streams.health.signalling import START, health_of, signal
from tests.unit.streams.health.test_detection import mention, told_of, trouble

pytestmark = pytest.mark.embedded

NATIVE = "config/definitions/native.yaml"


def facts(customers: int) -> list[dict[str, Any]]:
    """Two of three customers joined in the hours before; the others are unknown to the ledger."""
    return [
        {
            "event_id": f"f{number}", "at": START - 3_600_000 + number, "customer_id": f"c{number}", "fact": "joined",
            "value": 1000 + number, "segment": f"s{number % 2}", "region": "north",
        }
        for number in range(customers) if number % 3
    ]  # fmt: skip


def send(environment: dict[str, str], topic: str, documents: Iterable[dict[str, Any]], key: str) -> int:
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])
    sent = 0
    for document in documents:
        name = environment["NETGROWTH_TOPIC_PREFIX"] + topic
        producer.send(name, json.dumps(document).encode(), document.get(key, "").encode())
        sent += 1
    producer.flush()
    producer.close()
    return sent


def health_at_rest(worker: EmbeddedWorker, records: int, signals: list[dict[str, Any]]) -> dict[str, Any]:
    """Health once so many signals are counted, the clock is at the last of these and nothing moves."""
    seen: list[dict[str, Any]] = []
    last = datetime.fromtimestamp(max(one["at"] for one in signals) / 1000, UTC)

    def at_rest() -> bool:
        health = worker.json("/api/v1/health")
        if health is None or health["accounting"]["signals"].get("records", 0) < records:
            return False
        if datetime.fromisoformat(health["until"]) < last:
            return False
        seen.append(health)
        return len(seen) > 12 and seen[-1] == seen[-12]

    wait(at_rest, worker, f"has not counted {records} signals")
    return seen[-1]


def rows(period: dict[str, Any]) -> list[dict[str, Any]]:
    told = [*period["scopes"], *period["services"]]
    # What is so now, and what was worst, only a worker tells.
    return in_order([{name: row[name] for name in row if name not in ("now", "worst")} for row in told])


def test_complaints_and_losses_are_tied_to_a_trouble_as_over_files_after_another_start_too(
    environment: dict[str, str], tmp_path: Path
) -> None:
    signals = [*trouble(), signal(9_000, 90, "z")]
    mentions = [mention(1, 9), mention(2, 14, customer_id="c3", topics=[]), mention(3, 91)]
    known = [fact(n, f"c{n}", -1000, fact="joined") for n in range(10)]
    known += [fact(20, "c4", 50, fact="left"), fact(21, "c5", 55, fact="left")]
    expected = told_of(signals, mentions, known, under=load(NATIVE))
    assert expected["first_to_know"] == {"troubles": 1, "complained_of": 1, "we_were_first": 1, "share": 1}
    assert expected["troubles"][0]["seconds_before_loss"] == 39 * 60
    assert expected["exposure"]["left"]["disrupted_before"] == expected["exposure"]["left"]["customers"] == 2
    names = ("troubles", "mentions_feed", "first_to_know", "before_loss", "exposure")
    told: dict[str, Any] = {}

    def tells() -> bool:
        told.update(worker.json("/api/v1/health") or {})
        rows = [{name: value for name, value in row.items() if name != "lasts"} for row in told.get("troubles", ())]
        return [rows, *(told.get(name) for name in names[1:])] == [expected[name] for name in names]

    worker = EmbeddedWorker(environment, tmp_path).wait_ready()
    send(environment, "customer-events", known, "customer_id")
    send(environment, "social-mentions", mentions, "author_id")
    send(environment, "qos-signals", signals, "customer_id")
    wait(tells, worker, "does not tell of the trouble as over files")
    assert b"\nnetgrowth_health_first_to_know_ratio 1.0\n" in (worker.get("/metrics") or b"")
    assert worker.process.stop() == 0
    worker = EmbeddedWorker(environment, tmp_path, "second").wait_ready()
    try:
        wait(tells, worker, "does not tell of the trouble as before")
        # The ledger may come back after that.
        wait(lambda: "health" in (worker.json("/api/v1/report") or {}), worker, "has no health in its report")
        card = worker.json("/api/v1/report") or {}
        assert card["health"]["first_to_know"] == expected["first_to_know"]
        assert card["health"]["before_loss"]["median_seconds"] == 39 * 60
        assert card["health"]["exposure"] == expected["exposure"]
    finally:
        assert worker.process.stop() == 0


def test_an_hour_of_signals_ends_at_the_offline_figures_after_another_start_too(
    environment: dict[str, str], tmp_path: Path
) -> None:
    signals, known = an_hour(1), facts(60)
    statuses = [{"at": START, "service": "shop", "status": "up"}]
    worker = EmbeddedWorker(environment, tmp_path).wait_ready()
    assert send(environment, "customer-events", known, "customer_id") == len(known)
    send(environment, "service-status", statuses, "service")
    half = len(signals) // 2
    send(environment, "qos-signals", signals[:half], "customer_id")
    health_at_rest(worker, half, signals[:half])
    assert worker.process.stop() == 0
    bad = [{"customer_id": "c1", "event_id": "x", "at": "yesterday"}]
    send(environment, "qos-signals", [*signals[half:], *bad], "customer_id")
    said = {
        "mention_id": "m1", "at": START, "author_id": "ann", "channel": "call", "brand": "acme", "sentiment": -0.6,
        "text": "It failed again", "topics": ["price"],
    }  # fmt: skip
    mentions = [said | {"customer_id": "c1"}, said, said | {"mention_id": "m2", "customer_id": "c11"}]
    send(environment, "social-mentions", mentions, "author_id")
    worker = EmbeddedWorker(environment, tmp_path, "second", NETGROWTH_CUSTOMER_IDS="real").wait_ready()
    try:
        live = health_at_rest(worker, len(signals) + 1, signals)
        page = (worker.get("/metrics") or b"").decode()
        opened_in_trouble(worker, live["in_trouble"])
        opened_disrupted(worker, live)
        opened_timeline(worker)
    finally:
        assert worker.process.stop() == 0
    offline = health_of(signals, statuses=statuses, facts=known, by="hour", under=load(NATIVE), partitions=4)
    assert rows(live["periods"][0]) == rows(offline["periods"][-1])
    (end,) = {period["end"] for period in live["periods"]}
    assert end == offline["periods"][-1]["end"]
    last_minute = max(one["at"] for one in signals) // 60_000 * 60_000
    over = [one for one in signals if one["at"] < last_minute]  # a minute is judged when it is over
    judged = health_of(over, statuses=statuses, facts=known, by="hour", under=load(NATIVE), partitions=4)
    assert [without(row, "lasts") for row in live["false_green"]] == judged["false_green"]
    assert live["accounting"]["signals"]["dead_lettered"] == {"missing_field": 1}
    assert f'netgrowth_records_total{{outcome="signals",topic="qos-signals"}} {len(signals) - half:.1f}\n' in page
    told = read_back(environment, "customer-health")
    for row in rows(live["periods"][0]):
        scope = ",".join(f"{name}={row[name]}" for name in ("service", "stage", "segment", "region") if name in row)
        assert told[f"{scope}/1h"]["health"] == row
    in_trouble = read_back(environment, "customers-in-trouble")
    assert len(in_trouble) == live["in_trouble"] > 0
    assert all(one["value"] == 1000 + int(name[1:]) for name, one in in_trouble.items() if int(name[1:]) % 3)


def opened_in_trouble(worker: EmbeddedWorker, customers: int) -> None:
    """The list of those in trouble is as long as their number, narrowed down too; each opens to its timeline."""
    path = "/api/v1/customers?measure=in_trouble"
    whole = worker.json(f"{path}&limit=1000") or {}
    assert whole["total"] == whole["counted"] == len(whole["customers"]) == customers > 1
    stages = [worker.json(f"{path}&stage={stage}") or {} for stage in ("checkout", "search")]
    at_stages = [{place["stage"] for place in one["places"]} for one in whole["customers"]]
    assert [one["total"] for one in stages] == [sum(one["stage"] in names for names in at_stages) for one in stages]
    known = [one for one in whole["customers"] if "value" in one]
    assert 0 < len(known) < customers, "customers whom the ledger does not know are in trouble, too"
    pages = [worker.json(f"{path}&limit=1&offset={number}") or {} for number in range(customers)]
    assert [page["customers"][0] for page in pages] == whole["customers"]
    assert "next" in pages[0]
    assert "next" not in pages[-1]
    timeline = worker.json(f"/api/v1/customers/{known[0]['customer']}") or {}
    assert [line["what"] for line in timeline["movements"]] == ["new"]
    lasting = [(one["service"], one["stage"]) for one in timeline["disruptions"] if one.get("lasts")]
    assert sorted(lasting) == sorted((place["service"], place["stage"]) for place in known[0]["places"])
    assert worker.get(f"{path}&at=2024-01-01T00:00:00Z") is None


def opened_disrupted(worker: EmbeddedWorker, live: dict[str, Any]) -> None:
    """Every number of customers disrupted opens as many as it says, page by page."""
    opened = 0
    for row in rows(live["periods"][0]):
        names = [f"{name}={row[name]}" for name in ("service", "stage", "segment", "region") if name in row]
        path: str | None = f"/api/v1/customers?measure=disrupted&window=1h&limit=7&{'&'.join(names)}"
        found: dict[str, int] = {}
        while path is not None:
            page = worker.json(path)
            assert page is not None
            assert page["total"] == page["counted"] == row["disrupted"]
            found |= {line["customer"]: line.get("stands_for", 1) for line in page["customers"]}
            path = page.get("next")
        assert sum(found.values()) == row["disrupted"]
        opened += bool(found)
    assert opened > 2
    for wrong in ("window=30d", "at=2024-01-01T10:00:00Z", "product=x", "service=ship", "reason=price", "limit=0"):
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/api/v1/customers?measure=disrupted&{wrong}")


def opened_timeline(worker: EmbeddedWorker) -> None:
    """One customer's movements, disruptions, and what it said under its own id."""
    found = worker.json("/api/v1/customers/c1")
    assert found is not None
    assert found["movements"][0]["what"] == "new"
    assert {one["stage"] for one in found["disruptions"]} == {"checkout", "search"}
    assert found["mentions"] == [
        {"at": "2024-01-01T10:00:00Z", "channel": "call", "brand": "acme", "topics": ["price"], "sentiment": -0.6,
         "text": "It failed again"}
    ]  # fmt: skip
    assert "missing" not in found


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def read_back(environment: dict[str, str], topic: str) -> dict[str, Any]:
    """The last record of each key that is no tombstone."""
    found: dict[str, Any] = {}

    def take(partition: int, records: Sequence[Any]) -> None:
        for record in records:
            found[record.key.decode()] = None if record.value is None else json.loads(record.value)

    read_topic(load_settings(environment), topic, take)
    return {key: value for key, value in found.items() if value is not None}
