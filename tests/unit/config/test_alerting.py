"""Rules made from the catalogue: no unknown name, no window left open, a page and a test for every alert."""

import re
from pathlib import Path

import pytest
import yaml

from config.alerting.burn import burn_rate
from config.alerting.model import Alert, Severity
from config.alerting.monitor import SILENT
from config.alerting.rule_files import all_alerts, rule_files, rule_groups
from config.definitions_file import load, parse
from config.settings import NATIVE_DEFINITIONS
from streams.catalogue import BY_NAME, Kind, Source
from streams.facts.definitions.alerts import AlertRules
from streams.facts.definitions.tree import DefinitionsError

ROOT = Path(__file__).parents[3]
RULES, TESTS, RUNBOOKS = ROOT / "config/prometheus/rules", ROOT / "config/prometheus/tests", ROOT / "docs/runbooks"
DEFINITIONS = load(NATIVE_DEFINITIONS)
ALERTS = all_alerts(DEFINITIONS)
GROUPS = [group for groups in rule_groups(DEFINITIONS).values() for group in groups]
RECORDED = {recording.record for group in GROUPS for recording in group.recordings}
EXPRESSIONS = [rule.expr for group in GROUPS for rule in (*group.recordings, *group.alerts)]
METRIC = re.compile(r"(?<![\w:])(netgrowth_\w+|[a-z]\w*:\w+:\w+)(\{[^}]*\})?")
OF_A_TABLE = {Source.ROWS, Source.COMPANY}


def metric_of(name: str) -> str:
    """The catalogue's name of a series: a histogram has several."""
    return re.sub(r"_(bucket|count|sum)$", "", name)


def test_every_metric_is_in_the_catalogue_or_recorded() -> None:
    for expression in EXPRESSIONS:
        for name, _ in METRIC.findall(expression):
            assert name in RECORDED or metric_of(name) in BY_NAME, expression


def test_what_comes_out_of_a_table_is_never_subtracted_by_prometheus() -> None:
    for expression in EXPRESSIONS:
        for name in re.findall(r"(?:rate|increase|delta|resets)\((\w+)", expression):
            assert BY_NAME[metric_of(name)].kind in (Kind.COUNTER, Kind.HISTOGRAM), expression


def test_no_window_and_no_scope_is_left_open() -> None:
    for alert in ALERTS:
        for name, labels in METRIC.findall(alert.expr):
            if name.startswith("scope:"):
                metric = BY_NAME[name.split(":")[1]]
                assert all(f"{label}=" in labels for label in ("scope", "window") if label in metric.labels), name


def test_alerts_on_tables_have_no_label_of_a_process() -> None:
    of_tables = [name for name, metric in BY_NAME.items() if metric.source is Source.ROWS]
    for alert in ALERTS:
        for name in of_tables:
            assert not re.search(rf"(?<![\w:]){name}\b", alert.expr), f"{alert.name} reads {name} unrecorded"


def test_committed_files_are_those_that_are_made() -> None:
    made = rule_files(DEFINITIONS)
    assert sorted(made) == sorted(path.name for path in RULES.iterdir())
    for name, text in made.items():
        assert (RULES / name).read_text(encoding="utf-8") == text, "make them anew: netgrowth alerts rules"


def cases() -> list[tuple[str, bool]]:
    """Of every promtool case: the alert, and whether it is to fire."""
    found = []
    for path in TESTS.glob("*.yml"):
        for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            found += [(case["alertname"], bool(case["exp_alerts"])) for case in test.get("alert_rule_test", ())]
            for case in test.get("promql_expr_test", ()):
                fires = bool(case["exp_samples"])
                for wanted in re.findall(r'alertname=~?"([^"]*)"', case["expr"]):
                    found += [(alert.name, fires) for alert in ALERTS if re.fullmatch(wanted, alert.name)]
    return found


def test_every_alert_has_a_firing_case_a_silent_case_and_a_runbook() -> None:
    names = {alert.name for alert in ALERTS}
    assert {name for name, fires in cases() if fires} == names
    # What always fires is never silent.
    assert {name for name, fires in cases() if not fires} == names - {"Watchdog"}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == names
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == names


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_what_to_do(alert: Alert) -> None:
    assert alert.summary.endswith(".")
    assert re.search(r"[.?](\{\{ end \}\})?$", alert.description)
    for text in (alert.description, alert.resolved, *alert.links.values()):
        for name, _ in METRIC.findall(text.replace("%%", "")):
            assert name in RECORDED or metric_of(name) in BY_NAME, f"{alert.name}: {name}"
    if alert.name != "Watchdog":
        assert {"dashboard_url", "silence_url"} <= set(alert.links)
    if alert.cause == "customers":
        assert alert.resolved
    assert ("no_trouble" in alert.links) == (alert.cause != "monitor")
    assert ("netgrowth surges mark " in alert.links.get("no_trouble", "")) == ("surge:" in alert.expr)
    assert alert.owner
    assert alert.name == "Watchdog" or alert.name.startswith("Netgrowth")
    page = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == ["Meaning", "Impact", "First look", "Remedy", "Silence"]
    for name, _ in METRIC.findall(page):
        assert name in RECORDED or metric_of(name) in BY_NAME, f"{alert.name}: {name}"


def test_who_is_told_and_what_is_fresh_come_from_the_definitions() -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    said = "owner: crm-team, monitor_owner: platform, page_fresh: 5m, value_at_risk: 50000, undisrupted: 0.999"
    own = parse(f"{text}\nalerts: {{{said}}}\n")
    assert own.alerts == AlertRules(5 * 60_000_000, "crm-team", "platform", 50_000, 0.999)
    owners = {alert.owner for alert in all_alerts(own) if alert.cause != "owned"}
    assert owners == {"crm-team", "platform"}
    assert "< bool 300" in rule_files(own)["customers.yml"]


def test_burn_rates_are_those_of_the_shares_of_a_budget_that_may_be_spent() -> None:
    shares = ((0.02, 1), (0.05, 6), (0.1, 24), (0.1, 72))
    assert [burn_rate(spent, hours) for spent, hours in shares] == [14.4, 6, 3, 1]


def test_a_promised_heartbeat_is_held_by_its_feed_alone() -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    own = parse(f"{text}\nalerts: {{heartbeats: {{customer-events: 2m}}}}\n")
    assert own.alerts.heartbeats == (("customer-events", 120_000_000),)
    groups = rule_groups(own)["monitor"]
    [silent] = [one for group in groups for one in group.recordings if one.record == SILENT]
    assert 'seconds:min{topic="customer-events"} > 180' in silent.expr
    assert 'seconds:min{topic!~"customer-events"} > on (topic) topic:netgrowth_feed_silent_after' in silent.expr
    for wrong, why in (("actions: 1m", "heartbeats.actions"), ("customer-events: 1s", "shortest promise")):
        with pytest.raises(DefinitionsError, match=why):
            parse(f"{text}\nalerts: {{heartbeats: {{{wrong}}}}}\n")


OWNERS = """
alerts:
  owners:
    - {name: ann, where: {segment: Enterprise, region: [EMEA, APAC]}, email: ann@example.com}
    - {name: the "rest", where: {segment: [Enterprise, SMB]}}
  customer_link: https://crm.example.com/c/{customer}/card
"""


def test_a_customer_is_the_first_owners_whose_conditions_hold() -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    rules = parse(text + OWNERS).alerts
    assert rules.owner_of("Enterprise", "EMEA", "Basic") == "ann"
    assert rules.owner_of("Enterprise", "AMER", "Basic") == 'the "rest"'
    assert rules.owner_of("SMB", "EMEA", "Basic") == 'the "rest"'
    assert rules.owner_of("Tiny", "EMEA", "Basic") is None


def test_an_owners_ticket_leads_to_the_customers_and_to_the_owners_address() -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    [ticket] = [alert for alert in all_alerts(parse(text + OWNERS)) if alert.name == "NetgrowthOwnerLosses"]
    assert 'https://crm.example.com/c/{{ $one | label "customer" | urlquery }}/card' in ticket.description
    assert ticket.links["ticket_to"] == '{{ if eq $labels.owner "ann" }}ann@example.com{{ end }}'
    [plain] = [alert for alert in ALERTS if alert.name == "NetgrowthOwnerLosses"]
    assert "ticket_to" not in plain.links


@pytest.mark.parametrize(
    ("was", "is_now", "why"),
    [
        ("email: ann@example.com", "email: ann", r"owners\[0\]\.email.*ann@example\.com"),
        ("{name: ann, where: {segment: Enterprise, region: [EMEA, APAC]}, email: ann@example.com}", "{name: ann}",
         "say whose customers"),
        ('the "rest"', "ann", "two owners are named `ann`"),
        ("region: [EMEA", "reason: [EMEA", r"where\.reason"),
        ("/c/{customer}/card", "/c/", r"customer_link.*stands once for the customer"),
        ("https://crm", "ftp://crm", r"customer_link.*crm\.example\.com/customers"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_owners_is_named(was: str, is_now: str, why: str) -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    assert was in OWNERS
    with pytest.raises(DefinitionsError, match=f"(?s){why}"):
        parse(text + OWNERS.replace(was, is_now))


def test_links_begin_where_the_definitions_say(tmp_path: Path) -> None:
    text, _, _ = NATIVE_DEFINITIONS.read_text(encoding="utf-8").partition("\nalerts:")
    said = "links: {grafana: 'https://g.example/x/', alertmanager: 'https://a.example', netgrowth: 'http://n:1'}"
    made = "".join(rule_files(parse(f"{text}\nalerts: {{{said}}}\n")).values())
    assert "localhost" not in made
    places = ("https://g.example/x/d/netgrowth-customer-math?", "https://a.example/#/silences/new?", "http://n:1/?window=")
    for address in places:
        assert address in made
    with pytest.raises(DefinitionsError, match=r"alerts\.links\.grafana.*https://grafana\.example\.com"):
        parse(f"{text}\nalerts: {{links: {{grafana: nowhere}}}}\n")


def test_critical_is_what_wakes_someone() -> None:
    critical = {alert.name for alert in ALERTS if alert.severity is Severity.CRITICAL}
    assert {"NetgrowthNoWorker", "NetgrowthPartitionsUnowned", "NetgrowthRecordsLost"} <= critical
    assert "NetgrowthNetGrowthNegative" not in critical
