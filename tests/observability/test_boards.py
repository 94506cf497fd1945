"""Every query of every board, asked of a real Prometheus that scrapes the demonstration.

It does so twice: once the story of `make run`, three days of it, up to its alert, in which no panel may be
empty; and once a shop's purchases with signals and mentions of today beside them, for those lines of
panels that the story has no numbers for: probes, and mentions that were set apart.
"""

import json
import math
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from kafka import KafkaProducer

from agents.trial.acts import ALERT, Act
from agents.trial.story import Trial, TrialOptions
from grafana.render import OUT
from tests.embedded.test_run import net_growth, running
from tests.observability.servers import Prometheus
from tests.short_story import ENDS, short_story

pytestmark = [pytest.mark.observability, pytest.mark.timeout(420)]

SCRAPED_S = 25.0

ACTED_AT = "2013-04-16T18:00:00Z"
STORY_WITHIN_S = 240.0
JUDGED_BEFORE_S = 3 * 3600.0
"""How far from its end all is judged: at night little is said."""

STORY_S = 240.0
"""How far back the story is asked: all of it was scraped within that time."""


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


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("story")
    alert, told = threading.Event(), []

    def on_act(act: Act) -> None:
        told.append(act)
        if act.kind == ALERT:
            alert.set()

    options = TrialOptions(folder / "trial", web_port=0, broker_port=0)
    with Trial(short_story(), options, told.append, on_act) as trial:
        act_and_answer(trial.brokers)
        server = Prometheus(folder, [trial.web.removeprefix("http://")])
        try:
            deadline = time.monotonic() + STORY_WITHIN_S
            while not alert.wait(1.0):
                trial.check()
                assert time.monotonic() < deadline, told
            judged = ENDS / 1_000_000 - JUDGED_BEFORE_S
            server.wait("max(netgrowth_surges_clock_timestamp_seconds)", lambda n: bool(n) and n[0] >= judged, 90)
            server.wait("max(netgrowth_surge_evidence_ratio)", bool)
            yield server
        finally:
            server.stop()


def act_and_answer(broker: str) -> None:
    """Something that the club did on the day of the trouble, and two answers of that day: its own survey is later."""
    producer = KafkaProducer(bootstrap_servers=broker)
    record = {"action_id": "a1", "at": ACTED_AT, "kind": "release", "text": "a new way to book"}
    producer.send("actions", json.dumps(record).encode(), b"a1")
    for number, score in enumerate((1, 9)):
        answer = {"response_id": f"x{number}", "at": ACTED_AT, "customer_id": "x", "score": score, "scale": [0, 10]}
        producer.send("survey-responses", json.dumps(answer).encode(), b"x")
    producer.flush(30)
    producer.close()


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


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as a board asks it when it is opened."""

    expression: str
    is_instant: bool
    legend: str

    def answer(self, prometheus: Prometheus, span_s: float) -> list[tuple[dict[str, str], list[float]]]:
        """Series and their known values; what a board asks for now, in a story at any time of it."""
        if self.is_instant and span_s == RECENT_S:
            found = [(labels, [value]) for labels, value in prometheus.query(self.expression)]
        else:
            found = prometheus.over(self.expression, span_s)
        known = [(labels, [value for value in values if not math.isnan(value)]) for labels, values in found]
        for label in re.findall(r"\{\{(\w+)\}\}", self.legend):
            assert all(label in labels for labels, _ in found), self.expression
        return [(labels, values) for labels, values in known if values]


RECENT_S = 15.0

AFTER_COMPLAINTS = (
    "min (netgrowth_health_first_to_know_ratio", "min (netgrowth_health_lead_before_loss_seconds",
    "max by (bound) (netgrowth_health_leaving_risk_ratio", "max by (disrupted) (netgrowth_health_stayers",
    "sum by (disrupted) (max by (reason, disrupted) (netgrowth_health_leavers",
)  # fmt: skip
"""There only once somebody complained of a trouble, or left after it, within the few days of the story."""


def boards() -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Name and JSON of each board, and what its variables with fixed values are at first."""
    for path in sorted(OUT.glob("*.json")):
        board = json.loads(path.read_text(encoding="utf-8"))
        fixed = [one for one in board["templating"]["list"] if one["type"] == "custom"]
        yield path.stem, board, {one["name"]: one["current"]["value"] for one in fixed}


def panels() -> list[Any]:
    found = []
    for name, board, chosen in boards():
        for panel in board["panels"]:
            asked = [
                Asked(filled(target["expr"], chosen), target.get("instant", False), target["legendFormat"])
                for target in panel.get("targets", ())
            ]
            if asked:
                found.append(pytest.param(asked, id=f"{name}: {panel['title']}"))
    return found


def filled(expression: str, chosen: dict[str, str]) -> str:
    """The expression with the variables as a board has them when it is opened: those with fixed values, and all."""
    expression = expression.replace("$__rate_interval", "4s")
    return re.sub(r"\$(\w+)", lambda found: chosen.get(found[1], ".+"), expression)


@pytest.mark.parametrize("asked", panels())
def test_no_query_is_empty_in_both(
    prometheus: Prometheus, story: Prometheus, asked: list[Asked]
) -> None:
    for one in asked:
        found = one.answer(story, STORY_S) or one.answer(prometheus, RECENT_S)
        assert found or one.expression.startswith(AFTER_COMPLAINTS), one.expression


@pytest.mark.parametrize("name", ["Surges", "Actions", "Definitions"])
def test_marks_are_there(story: Prometheus, name: str) -> None:
    for _, board, chosen in boards():
        mark = next(one for one in board["annotations"]["list"] if one["name"] == name)
        asked = Asked(filled(mark["expr"], chosen), False, mark["titleFormat"] + mark["textFormat"])
        found = asked.answer(story, STORY_S)
        if name == "Actions" and not found:
            continue  # A fast machine has read past the action before the first scrape.
        assert found
        values = [value for _, of_series in found for value in of_series]
        assert min(values) > 0  # what Grafana marks
        if name == "Actions":
            assert set(values) == {datetime.fromisoformat(ACTED_AT).timestamp() * 1000}
        if name == "Surges":
            # Which surges are open when it is scraped depends on how fast the story is read.
            assert all(labels["measure"] for labels, _ in found)


def test_variables_have_values(prometheus: Prometheus) -> None:
    asked = set()
    for _, board, chosen in boards():
        for variable in board["templating"]["list"]:
            if variable["type"] != "query":
                continue
            if values := re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]):
                asked.add(values.groups())
                continue
            query = re.fullmatch(r"query_result\((.*)\)", variable["query"])
            ((labels, _),) = prometheus.query(filled(query[1], chosen))
            text = ", ".join(f'{label}="{value}"' for label, value in labels.items())  # as Grafana writes a series
            expected = {"version": "1", "currency": "GBP"}[variable["name"]]
            assert re.search(variable["regex"].strip("/"), f"{{{text}}} 1")[1] == expected
    assert asked
    for series, label in asked:
        assert any(label in labels for labels, _ in prometheus.query(series)), (series, label)
