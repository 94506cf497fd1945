"""Rules and routes before the real programs: promtool's tests and checks, amtool's check and its routing."""

import json
import subprocess
from pathlib import Path
from typing import Any

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


def test_a_page_tells_first_what_wakes_somebody_and_no_sentence_twice(tmp_path: Path) -> None:
    def alert(severity: str, summary: str, status: str = "firing") -> dict[str, Any]:
        return {
            "status": status, "labels": {"severity": severity}, "startsAt": "2026-01-01T03:00:00Z",
            "endsAt": "2026-01-01T04:00:00Z",
            "annotations": {"summary": summary, "description": f"{severity} of {summary}", "silence_url": "s"},
        }  # fmt: skip

    firing = [
        alert("warning", "People complain."), alert("critical", "Customers are leaving."),
        alert("critical", "Customers are leaving."), alert("critical", "Value is leaving.", "resolved"),
    ]  # fmt: skip

    def rendered(alerts: list[dict[str, Any]], status: str) -> list[str]:
        data = {"status": status, "alerts": alerts, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "x"}
        (tmp_path / "page.json").write_text(json.dumps(data), encoding="utf-8")
        text = '{{ template "netgrowth.title" . }}\n{{ template "netgrowth.text" . }}'
        made = run("amtool", "template", "render", f"--template.glob={CONFIG}/alertmanager/templates/*.tmpl",
                   f"--template.text={text}", f"--template.data={tmp_path / 'page.json'}")  # fmt: skip
        assert made.returncode == 0, made.stderr
        return made.stdout.splitlines()

    page = rendered(firing, "firing")
    assert page[0] == "Customers are leaving. People complain."
    assert page[1] == "critical of Customers are leaving."
    assert page.index("warning of People complain.") > 4
    assert page[-1] == "Over: Value is leaving. The alert lasted from 2026-01-01 03:00 to 04:00 UTC."
    assert rendered(firing[-1:], "resolved")[0] == "Over: Value is leaving."


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
