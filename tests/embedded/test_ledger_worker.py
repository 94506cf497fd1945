"""The whole path on the embedded broker: records in, the integers of the offline count out."""

from pathlib import Path

import pytest

from tests.live_ledger import EmbeddedWorker, assert_balanced, assert_same, offline, replay

pytestmark = pytest.mark.embedded


def test_a_year_and_a_half_of_purchases_equal_the_offline_count(
    environment: dict[str, str], tmp_path: Path
) -> None:
    asked = environment | {"NETGROWTH_DEFINITIONS": "config/definitions/online-retail.yaml"}
    # The integers are looked at, not the deadlines: a machine busy with other things must not break it.
    worker = EmbeddedWorker(asked, tmp_path, NETGROWTH_SESSION_TIMEOUT="60s").wait_ready()
    try:
        assert replay(asked, "online-retail").wait(60) == 0
        expected = offline("online-retail")
        live = worker.ledger_of(33_337, expected["until"])
        assert_balanced(live)
        assert_same(live, expected)
        metrics = worker.get("/metrics") or b""
        assert b'netgrowth_customers_net{scope="total",window="last_month"} -390' in metrics
    finally:
        assert worker.process.stop() == 0
