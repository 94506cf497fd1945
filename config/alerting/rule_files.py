"""The rule files of Prometheus, made from the definitions and the metric catalogue; never written by hand."""

from collections.abc import Iterable
from typing import Any

import yaml

from config.alerting.customers import customer_groups
from config.alerting.health import health_groups
from config.alerting.model import Alert, Group
from config.alerting.monitor import monitor_groups
from config.alerting.surges import surge_groups
from streams.facts.definitions.model import Definitions

RUNBOOKS = "/runbooks/"
"""Where every worker serves them."""

HEAD = "# Made by `netgrowth alerts rules`; change the definitions or config/alerting/, then make it anew.\n"


def rule_groups(definitions: Definitions) -> dict[str, tuple[Group, ...]]:
    """Groups by the name of their file."""
    return {
        "customers": customer_groups(definitions),
        "health": health_groups(definitions),
        "monitor": monitor_groups(definitions.alerts),
        "surges": surge_groups(definitions),
    }


def all_alerts(definitions: Definitions) -> list[Alert]:
    """Every alert, in the order of the files."""
    return [alert for groups in rule_groups(definitions).values() for group in groups for alert in group.alerts]


def runbooks_of(definitions: Definitions) -> str:
    """Address of the folder of runbooks, at the worker that the definitions' links lead to."""
    return f"{definitions.alerts.netgrowth}{RUNBOOKS}"


def rule_files(definitions: Definitions, runbooks: str | None = None) -> dict[str, str]:
    """File name to its text. `runbooks`: address of a folder with a page for each alert; None: the worker's."""
    runbooks = runbooks_of(definitions) if runbooks is None else runbooks
    return {
        f"{name}.yml": HEAD + _yaml({"groups": [_group(group, runbooks) for group in groups]})
        for name, groups in rule_groups(definitions).items()
    }


def _group(group: Group, runbooks: str) -> dict[str, Any]:
    found: dict[str, Any] = {"name": group.name}
    if group.interval:
        found["interval"] = group.interval
    rules: list[dict[str, Any]] = [{"record": one.record, "expr": one.expr} for one in group.recordings]
    rules += _alerts(group.alerts, runbooks)
    return found | {"rules": rules}


def _alerts(alerts: Iterable[Alert], runbooks: str) -> list[dict[str, Any]]:
    found = []
    for alert in alerts:
        rule: dict[str, Any] = {"alert": alert.name, "expr": alert.expr}
        if alert.pending:
            rule["for"] = alert.pending
        if alert.keep:
            rule["keep_firing_for"] = alert.keep
        rule["labels"] = {"severity": alert.severity.value, "owner": alert.owner, "cause": alert.cause}
        if alert.feed:
            rule["labels"]["feed"] = alert.feed
        rule["annotations"] = {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{runbooks}{alert.name}.md",
            **({"resolved": alert.resolved} if alert.resolved else {}),
            **alert.links,
        }
        found.append(rule)
    return found


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=118)
    return text
