"""Asking Prometheus, and sending to Alertmanager, over their HTTP interfaces."""

import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

import orjson

TIMEOUT_S = 15.0

_SELECTOR = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^}]*\})?')


class MonitoringUnreachable(Exception):
    """Nothing answers there, or what answers is something else; the text says where and what to do."""


def query(prometheus: str, expression: str) -> list[tuple[dict[str, str], float]]:
    """The answer to an instant query: labels and value.

    Raises: MonitoringUnreachable.
    """
    asked = urllib.parse.urlencode({"query": expression})
    answer = _exchange(f"{prometheus.rstrip('/')}/api/v1/query?{asked}", None, "Prometheus", "--prometheus")
    return [(line["metric"], float(line["value"][1])) for line in answer["data"]["result"]]


def send_alerts(alertmanager: str, alerts: Sequence[dict[str, Any]]) -> None:
    """Give alerts to Alertmanager (`POST /api/v2/alerts`).

    Raises: MonitoringUnreachable.
    """
    _exchange(f"{alertmanager.rstrip('/')}/api/v2/alerts", orjson.dumps(alerts), "Alertmanager", "--alertmanager")


def selectors_of(expression: str) -> list[str]:
    """The series that an expression of ours reads, each once: names that begin as our metrics and recordings do."""
    found: dict[str, None] = {}
    for selector in _SELECTOR.findall(expression):
        name = selector.partition("{")[0]
        if name.startswith("netgrowth_") or ":netgrowth_" in name or name == "up":
            found[selector] = None
    return list(found)


def _exchange(address: str, body: bytes | None, what: str, option: str) -> Any:
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise MonitoringUnreachable(f"{address} is no address; write {option} as http://host:port")
    headers = {} if body is None else {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, body, headers), timeout=TIMEOUT_S
        ) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        told = error.read()[:300].decode("utf-8", "replace")
        raise MonitoringUnreachable(f"{what} refuses at {address}: {error.code}: {told}") from error
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        told = f"no {what} answers at {address} ({reason}); give its address by {option}"
        raise MonitoringUnreachable(told) from error
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise MonitoringUnreachable(f"{address} answers, but not as {what} does") from error
