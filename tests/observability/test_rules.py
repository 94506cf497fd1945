"""Rules and routes before the real programs: promtool's tests and checks, amtool's check and its routing."""

import subprocess
from pathlib import Path

import pytest

from tests.observability.servers import binary

pytestmark = pytest.mark.observability

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config"


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary(str(words[0])), *(str(word) for word in words[1:])], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("path", sorted((CONFIG / "prometheus/tests").glob("*.yml")), ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(path: Path) -> None:
    tested = run("promtool", "test", "rules", path)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_prometheus_takes_the_configuration() -> None:
    checked = run("promtool", "check", "config", CONFIG / "prometheus/prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alertmanager_takes_the_configuration() -> None:
    checked = run("amtool", "check-config", CONFIG / "alertmanager/alertmanager.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["alertname=Watchdog", "severity=info"], "deadman"),
        (["alertname=NetgrowthNoWorker", "severity=critical", "owner=monitoring"], "webhook,pager,tickets"),
        (["alertname=NetgrowthNetGrowthNegative", "severity=warning", "owner=customers"], "webhook,tickets"),
        (["alertname=NetgrowthOwnerLosses", "severity=warning", "owner=ann", "cause=owned"], "webhook,owners"),
        (["alertname=NetgrowthFeedMissing", "severity=info", "owner=monitoring"], "shown"),
    ],
)
def test_alerts_go_where_their_severity_says(labels: list[str], receivers: str) -> None:
    config = f"--config.file={CONFIG / 'alertmanager/alertmanager.yml'}"
    routed = run("amtool", "config", "routes", "test", config, *labels)
    assert routed.stdout.strip() == receivers
