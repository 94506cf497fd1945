"""A feed that dies on a running worker: what rests on it is unknown and not shown, what lives beside it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaProducer

from config.settings import NATIVE_DEFINITIONS
from tests.live_ledger import EmbeddedWorker, wait
from tests.unit.agents.web.test_pages import conforms

pytestmark = pytest.mark.embedded

PROMISED_S = 10
SILENT_AFTER_S = PROMISED_S + 60


class Feeds:
    """Sends records of a customer, or of what one says, as old as it is told."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"])
        self._prefix = environment["NETGROWTH_TOPIC_PREFIX"]
        self._sent = 0

    def _send(self, topic: str, age_s: float, key: str, **record: Any) -> None:
        self._sent += 1
        at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat().replace("+00:00", "Z")
        value = {"event_id": f"e{self._sent}", "mention_id": f"m{self._sent}", "at": at, **record}
        self._producer.send(self._prefix + topic, orjson.dumps(value), key=key.encode())
        self._producer.flush(30)

    def fact(self, fact: str, customer: str, age_s: float = 0.0, **more: Any) -> None:
        self._send("customer-events", age_s, customer, fact=fact, customer_id=customer, **more)

    def mention(self) -> None:
        self._send("social-mentions", 0.0, "a", author_id="a", brand="acme", channel="social", sentiment=-0.8)


def test_what_rests_on_a_dead_feed_is_unknown_and_what_lives_is_shown(
    environment: dict[str, str], tmp_path: Path
) -> None:
    definitions = tmp_path / "promised.yaml"
    native, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    promises = f"alerts: {{heartbeats: {{customer-events: {PROMISED_S}s, social-mentions: {PROMISED_S}s}}}}\n"
    definitions.write_text(f"{native}\n{promises}", encoding="utf-8")
    environment["NETGROWTH_DEFINITIONS"] = str(definitions)
    worker = EmbeddedWorker(environment, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    feeds = Feeds(environment)

    def board(query: str = "") -> dict[str, Any]:
        return worker.json(f"/api/v1/board?window=1h{query}") or {}

    def states(of: dict[str, Any]) -> dict[str, str]:
        return {feed["feed"]: feed["state"] for feed in of.get("feeds", [])}

    try:
        # Its last record came so long ago that the promise is broken when it is read.
        feeds.fact("opening", "c1", SILENT_AFTER_S + 5, value=4900)

        def silent() -> bool:
            feeds.mention()
            of = board()
            return states(of).get("customer-events") == "silent" and "voice" in of

        wait(silent, worker, "took a dead feed for an idle one", 60)
        shown = board()
        conforms("/api/v1/board?window=1h", 200, shown)
        assert "row" not in shown
        assert "sentence" not in shown
        assert (states(shown)["social-mentions"], states(shown)["qos-signals"]) == ("live", "waiting")
        card = worker.json("/api/v1/report?window=1h") or {}
        conforms("/api/v1/report?window=1h", 200, card)
        assert [(one["problem"], one["feed"]) for one in card["problems"]] == [("silent_feed", "customer-events")]

        [dead] = [feed for feed in shown["feeds"] if feed["feed"] == "customer-events"]
        then = board(f"&at={dead['known_until']}")
        assert then["row"]["closing"]["customers"] == 1, "up to then it is known"
        metrics = (worker.get("/metrics") or b"").decode()
        assert f'netgrowth_feed_silent_after_seconds{{topic="customer-events"}} {SILENT_AFTER_S}.0' in metrics

        feeds.fact("joined", "c2", value=100)
        wait(lambda: board().get("row", {}).get("closing", {}).get("customers") == 2, worker, "stays silent", 30)
        assert states(board())["customer-events"] == "live"
        assert (worker.json("/api/v1/report") or {})["problems"] == []
    finally:
        assert worker.process.stop() == 0
