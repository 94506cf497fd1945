"""`netgrowth alerts` before a real Prometheus and a real Alertmanager."""

import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from agents.commands.alerts import command
from config.settings import NATIVE_DEFINITIONS
from tests.observability.servers import Alertmanager, MailServer, Prometheus, Receiver

pytestmark = pytest.mark.observability

OWNERS = """
alerts:
  owners:
    - {name: ann, where: {segment: Enterprise}, email: ann@example.com}
    - {name: smb, where: {segment: SMB}}
"""
RULES = Path(__file__).parents[2] / "config/prometheus/rules"


def run(*words: str) -> str:
    result = CliRunner().invoke(command, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_test_alert_goes_along_every_route_and_says_what_it_is(tmp_path: Path) -> None:
    definitions = tmp_path / "owned.yaml"
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    definitions.write_text(text + OWNERS, encoding="utf-8")
    receiver, mail = Receiver(), MailServer()
    alertmanager = Alertmanager(tmp_path, receiver.url, mail.address)
    try:
        told = run("test", "--definitions", str(definitions), "--alertmanager", alertmanager.url)
        assert told.count("sent: ") == 6

        def all_came(got: list) -> bool:
            owners = {body["commonLabels"]["owner"] for path, body in got if path == "/alerts"}
            times = [sum(path == wanted for path, _ in got) for wanted in ("/slack", "/pagerduty")]
            return owners == {"customers", "monitoring", "ann", "smb"} and times == [2, 2] and len(mail.got) == 4

        receiver.wait(all_came)
        for path, body in receiver.got:
            if path == "/pagerduty":
                assert (body["event_action"], body["routing_key"]) == ("trigger", "key")
                assert body["payload"]["summary"] == "TEST, no trouble: This is a test of the way of alerts."
                assert body["payload"]["severity"] == "critical"
                assert "nothing is to be done." in body["payload"]["custom_details"]["text"]
        came = sorted((to, message["Subject"]) for to, message in mail.got)
        title = "TEST, no trouble: This is a test of the way of alerts."
        assert came == [([to], title) for to in ("ann@example.com", *["customers@localhost"] * 3)]
        [anns] = [message for to, message in mail.got if to == ["ann@example.com"]]
        body = anns.get_body().get_content()
        assert "A test along the route of warning alerts of ann: nothing has happened" in body
        pages = [body for path, body in receiver.got if path == "/alerts"]
        assert {alert["labels"]["test"] for page in pages for alert in page["alerts"]} == {"true"}
        for path, body in receiver.got:
            if path != "/slack":
                continue
            [attachment] = body["attachments"]
            assert attachment["title"] == "TEST, no trouble: This is a test of the way of alerts."
            assert "nothing has happened, nothing is to be done." in attachment["text"]
            link = next(word for word in attachment["text"].split() if "/silences/new" in word)
            assert unquote(link).partition("filter=")[2].startswith('{alertname="NetgrowthTest",cause="test",owner="')
    finally:
        alertmanager.stop()
        receiver.stop()
        mail.stop()


def test_the_watchdog_reaches_the_dead_mans_switch_and_explain_says_why(tmp_path: Path) -> None:
    receiver = Receiver()
    alertmanager = Alertmanager(tmp_path, receiver.url)
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    prometheus = Prometheus(tmp_path, [], rules=rules, alertmanager=alertmanager.address)
    try:
        receiver.wait(lambda got: any(path == "/deadman" for path, _ in got))
        explained = run("explain", "NetgrowthNoWorker", "--prometheus", prometheus.url)
        assert "That holds now for 1 series, and fires it once it has for 1m:" in explained
        assert 'up{job="netgrowth"} = no data' in explained
        assert "Nothing would fire it now." in run("explain", "NetgrowthDeadLetters", "--prometheus", prometheus.url)
        assert run("rules", "--folder", str(rules)).count("unchanged") == len(list(RULES.iterdir()))
    finally:
        prometheus.stop()
        alertmanager.stop()
        receiver.stop()


def test_what_cannot_be_asked_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["explain", "NetgrowthNoWorker", "--prometheus", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "no Prometheus answers at http://127.0.0.1:9" in result.output
    result = CliRunner().invoke(command, ["explain", "Unheard", "--prometheus", "http://127.0.0.1:9"])
    assert result.exit_code == 2
    assert "there is no alert 'Unheard'" in result.output
    result = CliRunner().invoke(command, ["rules", "--folder", str(tmp_path / "rules"), "--check"])
    assert result.exit_code == 1
    assert not (tmp_path / "rules").exists()
