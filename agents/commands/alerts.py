"""`netgrowth alerts`: the rules of Prometheus, a test along every route, and what would fire an alert now."""

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from agents.commands.environment import WrongInput
from agents.commands.ledger import load_definitions
from agents.monitoring_client import MonitoringUnreachable, query, selectors_of, send_alerts
from config.alerting.model import Alert, Severity
from config.alerting.owners import OWNED
from config.alerting.rule_files import rule_files, rule_groups, runbooks_of
from config.settings import NATIVE_DEFINITIONS
from streams.facts.definitions.alerts import AlertRules
from streams.ledger.rules import SECOND
from streams.tables.calendar import utc_text

TEST = "NetgrowthTest"
TEST_LASTS = timedelta(minutes=2)
SHOWN_SERIES = 10
LARGE = 1000
"""From which on no fraction is written."""

_definitions = click.option(
    "--definitions", "definitions_file", default=str(NATIVE_DEFINITIONS), show_default="native",
    help="The definitions file (YAML): owners, limits and currency are in it.",
)  # fmt: skip


@click.group()
def command() -> None:
    """Rules and routes of alerts.

    Example: netgrowth alerts rules --definitions config/definitions/native.yaml --folder /etc/prometheus/rules
    """


@command.command(epilog="Example: netgrowth alerts rules --definitions native --folder config/prometheus/rules")
@_definitions
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="Where the files go.")
@click.option("--runbooks", help="Address of the folder of runbooks, with a slash at its end; default: /runbooks/ at "
              "the worker of `alerts.links.netgrowth` in the definitions, which serves them.")
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 if a file is not as it would be made.")
def rules(definitions_file: str, folder: Path, runbooks: str | None, check: bool) -> None:
    """Write the rule files of Prometheus, made from the definitions and the metric catalogue.

    Exit status: 0 the files are (now) as they should be, 1 with --check: they are not, 2 they cannot be written.
    """
    different = []
    for name, text in rule_files(load_definitions(definitions_file), runbooks).items():
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            click.echo(f"{path}: unchanged")
            continue
        different.append(path)
        if check:
            click.echo(f"{path}: differs")
            continue
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise WrongInput(f"{path}: {error.strerror or error}") from error
        click.echo(f"{path}: written")
    if check and different:
        sys.exit(1)


@command.command(epilog="Example: netgrowth alerts test --alertmanager http://localhost:9093")
@_definitions
@click.option("--alertmanager", default="http://localhost:9093", show_default=True, help="Alertmanager's address.")
def test(definitions_file: str, alertmanager: str) -> None:
    """Send a clearly marked test alert along every route: every severity of every owner. It ends by itself.

    Exit status: 0 Alertmanager has taken them, 2 it cannot be asked.
    """
    definitions = load_definitions(definitions_file)
    made = alerts_for_trying(definitions.alerts, runbooks_of(definitions), datetime.now(UTC))
    try:
        send_alerts(alertmanager, made)
    except MonitoringUnreachable as error:
        raise WrongInput(str(error)) from error
    for alert in made:
        labels = alert["labels"]
        click.echo(f"sent: {labels['severity']} for {labels['owner']}")
    click.echo(f"Each is marked as a test and is over in {TEST_LASTS.seconds // 60} minutes.")


@command.command(epilog="Example: netgrowth alerts explain NetgrowthNetGrowthNegative --prometheus http://localhost:9090")
@click.argument("name")
@_definitions
@click.option("--prometheus", default="http://localhost:9090", show_default=True, help="Prometheus's address.")
def explain(name: str, definitions_file: str, prometheus: str) -> None:
    """Say what the alert NAME means, what it reads now, and whether it would fire.

    Exit status: 0 told, 2 no such alert, or Prometheus cannot be asked.
    """
    groups = [group for of_file in rule_groups(load_definitions(definitions_file)).values() for group in of_file]
    alerts = {alert.name: alert for group in groups for alert in group.alerts}
    recorded = {one.record: one.expr for group in groups for one in group.recordings}
    alert = alerts.get(name)
    if alert is None:
        raise WrongInput(f"there is no alert {name!r}; there are {', '.join(sorted(alerts))}")
    try:
        for line in _explained(alert, recorded, prometheus):
            click.echo(line)
    except MonitoringUnreachable as error:
        raise WrongInput(str(error)) from error


def alerts_for_trying(rules: AlertRules, runbooks: str, now: datetime) -> list[dict[str, Any]]:
    """An alert for every severity that is sent to somebody, and every owner, as Alertmanager takes them.

    Owners of customers get tickets only, each to an address of their own.
    """
    routes = [
        (owner, severity, "test", "")
        for owner in dict.fromkeys((rules.owner, rules.monitor_owner))
        for severity in (Severity.CRITICAL, Severity.WARNING)
    ]
    routes += [(owner.name, Severity.WARNING, OWNED, owner.email or "") for owner in rules.owners]
    return [
        {
            "labels": {
                "alertname": TEST, "severity": severity.value, "owner": owner, "cause": cause, "test": "true",
            },
            "annotations": {
                "summary": "This is a test of the way of alerts.",
                "description": f"A test along the route of {severity.value} alerts of {owner}: nothing has happened, "
                "nothing is to be done.",
                "runbook_url": runbooks,
                **({"ticket_to": email} if email else {}),
            },
            "startsAt": now.isoformat(),
            "endsAt": (now + TEST_LASTS).isoformat(),
        }
        for owner, severity, cause, email in routes
    ]  # fmt: skip


def _explained(alert: Alert, recorded: Mapping[str, str], prometheus: str) -> list[str]:
    """`recorded`: recorded series to what they are made of, which is told of those that are not there."""
    owner = "the owner of the customers" if alert.cause == OWNED else alert.owner
    lines = [f"{alert.name} ({alert.severity}, {owner}): {alert.summary}", f"  fires while: {alert.expr}"]
    found = query(prometheus, alert.expr)
    for_so_long = f", and fires it once it has for {alert.pending}" if alert.pending else ", and fires it"
    lines.append(f"That holds now for {len(found)} series{for_so_long}:" if found else "Nothing would fire it now.")
    lines += [f"  {_labels(labels)} {_written(alert.expr, value)}" for labels, value in found[:SHOWN_SERIES]]
    selectors = selectors_of(alert.expr)
    if selectors:
        lines.append("It reads:")
    asked = set[str]()
    while selectors:
        selector = selectors.pop(0)
        if selector in asked:
            continue
        asked.add(selector)
        found = query(prometheus, selector)
        lines += [
            f"  {selector} {_labels(labels)} = {_written(selector, value)}" for labels, value in found[:SHOWN_SERIES]
        ]
        if len(found) > SHOWN_SERIES:
            lines.append(f"  ... and {len(found) - SHOWN_SERIES} more series")
        if not found:
            made_of = recorded.get(selector.partition("{")[0])
            lines.append(f"  {selector} = no data" + (f", as it is made of {made_of}" if made_of else ""))
            selectors += selectors_of(made_of) if made_of else []
    return lines


def _written(expression: str, value: float) -> str:
    """A number as a person reads it; an instant as such."""
    if re.match(r"[\w:]*_timestamp_seconds\b", expression) and value > 0:
        return utc_text(round(value) * SECOND)
    return f"{value:,.0f}" if abs(value) >= LARGE or value.is_integer() else f"{value:.4g}"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__") + "}"
