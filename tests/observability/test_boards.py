"""Every query of every board, asked of a real Prometheus that scrapes the demonstration."""

import json
import math
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from kafka import KafkaProducer

from grafana.render import OUT
from tests.embedded.test_run import net_growth, running
from tests.observability.servers import Prometheus

pytestmark = pytest.mark.observability

SCRAPED_S = 25.0


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("boards")
    with running(folder) as run:
        web = run.wait_for(r"(http://127\.0\.0\.1:\d+)/metrics")
        net_growth(web)
        broker = run.wait_for(r"broker +(\S+)")
        experience(broker)
        mention(broker)
        server = Prometheus(folder, [web.removeprefix("http://")])
        try:
            server.wait("netgrowth_tables_complete", lambda n: n == [1])
            time.sleep(SCRAPED_S)
            yield server
        finally:
            server.stop()


def experience(broker: str) -> None:
    """Thirty customers for ten minutes, all of whose checkouts fail while the shop is up; a probe beside them."""
    now = time.time_ns() // 1_000_000
    producer = KafkaProducer(bootstrap_servers=broker)
    status = {"at": now - 900_000, "service": "shop", "status": "up"}
    producer.send("service-status", json.dumps(status).encode(), b"shop")
    for number in range(300):
        customer, stage = f"c{number % 30}", "checkout" if number % 3 else "search"
        record = {
            "event_id": f"q{number}", "at": now - 600_000 + number * 2_000, "customer_id": customer,
            "service": "shop", "stage": stage, "ok": stage == "search", "latency_ms": 120.0,
            "synthetic": number in (1, 3),
            "attributes": {"region": f"r{number % 2}"},
        }  # fmt: skip
        producer.send("qos-signals", json.dumps(record).encode(), customer.encode())
    producer.flush(30)
    producer.close()


def mention(broker: str) -> None:
    """Three people, one of them unhappy, and a text that forty accounts post."""
    now = time.time_ns() // 1_000_000
    said = [("ann", "The delivery was great, thank you!"), ("bob", "Awful delivery, never again."), ("cem", "Hm.")]
    copied = "Win a voucher of a hundred pounds, click here and tell ten friends of it"
    said += [(f"bot{number}", copied) for number in range(40)]
    producer = KafkaProducer(bootstrap_servers=broker)
    for place, (author, text) in enumerate(said):
        record = {
            "mention_id": str(place), "at": now - 60_000 + place, "author_id": author, "channel": "social",
            "brand": "shop", "text": text, "topics": ["delivery"], "language": "en", "reach": 10,
        }  # fmt: skip
        producer.send("social-mentions", json.dumps(record).encode(), author.encode())
    producer.flush(30)
    producer.close()


def targets() -> list[Any]:
    found = []
    for path in sorted(OUT.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        fixed = [one for one in board["templating"]["list"] if one["type"] == "custom"]
        chosen = {one["name"]: one["current"]["value"] for one in fixed}
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                name = f"{path.stem}: {panel['title']} {target['refId']}"
                expression = filled(target["expr"], chosen)
                found.append(pytest.param(expression, target.get("instant", False), target["legendFormat"], id=name))
    return found


def filled(expression: str, chosen: dict[str, str]) -> str:
    """The expression with the variables as a board has them when it is opened: those with fixed values, and all."""
    expression = expression.replace("$__rate_interval", "4s")
    return re.sub(r"\$(\w+)", lambda found: chosen.get(found[1], ".+"), expression)


@pytest.mark.parametrize(("expression", "instant", "legend"), targets())
def test_a_query_has_data(prometheus: Prometheus, expression: str, instant: bool, legend: str) -> None:
    if instant:
        series = [(labels, [value]) for labels, value in prometheus.query(expression)]
    else:
        series = ranged(prometheus, expression)
    assert series, expression
    assert any(not math.isnan(value) for _, values in series for value in values), expression
    for label in re.findall(r"\{\{(\w+)\}\}", legend):
        assert all(label in labels for labels, _ in series), expression


def ranged(prometheus: Prometheus, expression: str) -> list[tuple[dict[str, str], list[float]]]:
    now = time.time()
    asked = urllib.parse.urlencode({"query": expression, "start": now - 15, "end": now, "step": 1})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query_range?{asked}", timeout=5) as answer:
        found = json.load(answer)
    assert not found.get("warnings"), found
    return [(one["metric"], [float(value) for _, value in one["values"]]) for one in found["data"]["result"]]


def test_variables_have_values(prometheus: Prometheus) -> None:
    asked = set()
    for path in OUT.glob("*.json"):
        for variable in json.loads(path.read_text(encoding="utf-8"))["templating"]["list"]:
            if variable["type"] == "query":
                asked.add(re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]).groups())
    assert asked
    for series, label in asked:
        assert any(label in labels for labels, _ in prometheus.query(series)), (series, label)
