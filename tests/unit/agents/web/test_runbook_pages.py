"""Runbooks as pages: one for every alert, at the very address that the alert and the boards name."""

import asyncio
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from aiohttp.test_utils import TestClient, TestServer

from config.alerting.rule_files import all_alerts, rule_files
from config.definitions_file import load, parse
from config.settings import NATIVE_DEFINITIONS
from tests.unit.agents.web.test_pages import worker

ROOT = Path(__file__).parents[4]
DEFINITIONS = load(NATIVE_DEFINITIONS)
NAMES = {alert.name for alert in all_alerts(DEFINITIONS)}


def pages(*paths: str) -> dict[str, tuple[int, str]]:
    """Status and text of each path, from a worker that has counted nothing."""
    made = worker()

    async def ask() -> dict[str, tuple[int, str]]:
        async with TestClient(TestServer(made.app.web.web_app)) as client:
            found = {}
            for path in paths:
                async with client.get(path) as answer:
                    found[path] = answer.status, await answer.text()
            return found

    return asyncio.run(ask())


def addresses() -> set[str]:
    rules = [yaml.safe_load(text) for text in rule_files(DEFINITIONS).values()]
    found = [rule for file in rules for group in file["groups"] for rule in group["rules"] if "alert" in rule]
    assert {rule["alert"] for rule in found} == NAMES
    return {rule["annotations"]["runbook_url"] for rule in found}


def test_every_alert_leads_to_its_page_at_the_worker_that_the_definitions_name() -> None:
    parts = [urlsplit(one) for one in addresses()]
    assert {f"{one.scheme}://{one.netloc}" for one in parts} == {DEFINITIONS.alerts.netgrowth}
    for path, (status, text) in pages(*(one.path for one in parts)).items():
        name = path.rsplit("/", 1)[1].removesuffix(".md")
        assert status == 200, path
        assert f"<h1>{name}</h1>" in text
        assert all(f"<h2>{part}</h2>" in text for part in ("Meaning", "Impact", "First look", "Remedy", "Silence"))


def test_runbooks_elsewhere_are_linked_where_the_links_or_the_command_say() -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    own = parse(f"{text}\nalerts: {{links: {{netgrowth: https://growth.example.com}}}}\n")
    assert "runbook_url: https://growth.example.com/runbooks/Watchdog.md" in rule_files(own)["monitor.yml"]
    assert "runbook_url: https://wiki/r/Watchdog.md" in rule_files(own, "https://wiki/r/")["monitor.yml"]


def test_the_boards_lead_there_by_default() -> None:
    board = json.loads((ROOT / "grafana/out/overview.json").read_text(encoding="utf-8"))
    [default] = [one["query"] for one in board["templating"]["list"] if one["name"] == "runbooks"]
    links = {link["url"] for panel in board["panels"] for link in
             panel.get("fieldConfig", {}).get("defaults", {}).get("links", ())}  # fmt: skip
    assert "${runbooks}${__data.fields.alertname}.md" in links
    path = urlsplit(default).path + "NetgrowthLossSurge.md"
    assert pages(path)[path][0] == 200


def test_the_list_leads_to_every_page_and_nothing_to_where_nothing_is_served() -> None:
    [(status, text)] = pages("/runbooks/").values()
    assert status == 200
    links = re.findall(r'href="([^"]*)"', text)
    assert {link.removesuffix(".md") for link in links if link.startswith(("Netgrowth", "Watchdog"))} == NAMES
    linked = {f"/runbooks/{link}" if link.endswith(".md") else link for link in links}
    assert {path: status for path, (status, _) in pages(*sorted(linked)).items() if status != 200} == {}
    assert "metrics.md" in text  # named, though it is not served


def test_a_page_with_its_ending_or_without_and_none_that_is_not_there() -> None:
    found = pages("/runbooks/Watchdog", "/runbooks/Watchdog.md", "/runbooks/Nothing", "/runbooks/..%2Falerts.md")
    assert found["/runbooks/Watchdog"] == found["/runbooks/Watchdog.md"]
    assert found["/runbooks/Nothing"] == (404, "there is no runbook Nothing; /runbooks/ lists all of them\n")
    assert found["/runbooks/..%2Falerts.md"][0] == 404
