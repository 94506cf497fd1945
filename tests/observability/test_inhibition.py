"""Which alerts silence which, in a real Alertmanager of the shipped configuration."""

import json
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agents.monitoring_client import send_alerts
from config.alerting.rule_files import all_alerts
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from tests.observability.servers import READY_S, Alertmanager, Receiver

pytestmark = pytest.mark.observability

ALERTS = {alert.name: alert for alert in all_alerts(load(NATIVE_DEFINITIONS))}
FACTS, MENTIONS = "customer-events", "social-mentions"


def fired(name: str, **labels: str) -> dict[str, str]:
    """An alert as Prometheus sends it; templates of labels are filled in by `labels`."""
    alert = ALERTS[name]
    feed = {"feed": alert.feed} if alert.feed and "{{" not in alert.feed else {}
    of_rule = {"severity": alert.severity.value, "owner": alert.owner, "cause": alert.cause, **feed}
    return {"alertname": name, **of_rule, **labels}


LOST = fired("NetgrowthLossSurge", story="s1", surge="s1", measure="lost_customers", direction="up")
RED = fired("NetgrowthCustomersRed", scope="stage", service="shop", stage="checkout", window="5m")
CASES: dict[str, tuple[dict[str, str], list[dict[str, str]], list[dict[str, str]]]] = {
    "a feed that is silent silences what is made from it": (
        fired("NetgrowthFeedSilent", topic=FACTS, feed=FACTS),
        [LOST, fired("NetgrowthNetGrowthNegative", scope="total", window="24h")],
        [fired("NetgrowthUnhappySurge", story="s2", surge="s2", brand="acme"), RED],
    ),
    "the whole company silences its parts of one trouble, and its value": (
        LOST,
        [LOST | {"surge": "s2", "segment": "SMB"}, LOST | {"surge": "s3", "region": "EMEA"},
         fired("NetgrowthValueSurge", story="s1", surge="s4", measure="lost_value", direction="up")],
        [LOST | {"surge": "s5", "story": "s5", "segment": "Enterprise"},
         fired("NetgrowthOwnerLosses", story="s1", owner="ann")],
    ),
    "a stage silences its parts and its tickets": (
        RED,
        [RED | {"scope": "segment_region", "segment": "SMB", "region": "EMEA"},
         fired("NetgrowthFalseGreen", scope="stage", service="shop", stage="checkout")],
        [RED | {"scope": "segment_region", "stage": "login", "segment": "SMB", "region": "EMEA"},
         fired("NetgrowthFalseGreen", scope="stage", service="shop", stage="payment")],
    ),
    "growth of the company silences that of its segments": (
        fired("NetgrowthNetGrowthNegative", scope="total", window="24h"),
        [fired("NetgrowthNetGrowthNegative", scope="segment", segment="SMB", window="24h")],
        [],
    ),
    "without any worker nothing else is said, but by the watchdog": (
        fired("NetgrowthNoWorker"),
        [LOST, fired("NetgrowthFeedSilent", topic=MENTIONS, feed=MENTIONS)],
        [fired("Watchdog")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_follows_from_another_is_not_told(
    case: tuple[dict[str, str], list[dict[str, str]], list[dict[str, str]]], tmp_path: Path
) -> None:
    source, silenced, told = case
    receiver = Receiver()
    alertmanager = Alertmanager(tmp_path, receiver.url)
    try:
        now = datetime.now(UTC).isoformat()
        send_alerts(alertmanager.url, [{"labels": one, "startsAt": now} for one in (source, *silenced, *told)])

        def suppressed() -> list[dict[str, str]]:
            with urllib.request.urlopen(f"{alertmanager.url}/api/v2/alerts", timeout=5) as answer:
                found: list[dict[str, Any]] = json.load(answer)
            assert len(found) == 1 + len(silenced) + len(told)
            return [one["labels"] for one in found if one["status"]["state"] == "suppressed"]

        def names(alerts: list[dict[str, str]]) -> list[str]:
            return sorted(json.dumps(one, sort_keys=True) for one in alerts)

        until = time.monotonic() + READY_S
        # An alert is known to be suppressed once its group is looked at for the first time.
        while names(found := suppressed()) != names(silenced) and time.monotonic() < until:
            time.sleep(0.2)
        assert names(found) == names(silenced)
    finally:
        alertmanager.stop()
        receiver.stop()
