"""The page before the real programs: promtool's lint, and a Prometheus that scrapes two workers."""

import subprocess

import pytest
from prometheus_client import CollectorRegistry

from agents.exporter import CompanyCollector, FeedCollector
from agents.feeds import LEDGER
from agents.metrics_page import MetricsPage
from agents.process_metrics import ProcessMetrics
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.admission import AdmittedBatch
from streams.facts.models import RawRecord
from streams.ledger.rules import MINUTE
from streams.recount import Recount
from streams.report.openmetrics import past_lines
from streams.tables.scopes import THE_TOTAL
from tests.observability.servers import PageServer, Prometheus, binary
from tests.unit.agents.made_up_company import NORTH, small_company
from tests.unit.agents.test_exporter import TOPIC, Feeds, everything

pytestmark = pytest.mark.observability


def test_promtool_finds_no_fault_in_the_page():
    _, page, _ = everything()
    body, _ = page.render("text/plain")
    checked = subprocess.run([binary("promtool"), "check", "metrics"], input=body, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    faulty = body.replace(b"netgrowth_facts_total", b"netgrowth_facts_counted")
    checked = subprocess.run([binary("promtool"), "check", "metrics"], input=faulty, capture_output=True, check=False)
    assert checked.returncode == 3


def test_two_workers_scraped_give_each_number_once_and_follow_changes(tmp_path):
    company = small_company()
    owners = {THE_TOTAL: 0, ("segment", "A", ""): 0, ("segment", "B", ""): 1}
    pages, counters = [], []
    for number in (0, 1):
        view = small_company()
        view.rows = company.rows
        view.owns = lambda scope, number=number: owners.get(scope) == number
        registry = CollectorRegistry()
        registry.register(FeedCollector(Feeds(), {TOPIC: 2}))
        counters.append(ProcessMetrics(registry, {TOPIC: LEDGER.outcomes}))
        pages.append(MetricsPage(registry, CompanyCollector(view, label_limit=100)))
    servers = [PageServer(page.render) for page in pages]
    prometheus = Prometheus(tmp_path, [server.address for server in servers])
    by_segment = 'max by (segment) (netgrowth_customers_closing{scope="segment",window="1h"})'
    whole = 'max by (scope) (netgrowth_customers_closing{scope="total",window="1h"})'
    try:
        prometheus.wait("up", lambda up: up == [1, 1])
        assert prometheus.wait(whole, bool) == [11]
        assert prometheus.query(by_segment) == [({"segment": "A"}, 7), ({"segment": "B"}, 4)]
        assert prometheus.query(f"sum({by_segment}) == {whole.replace('max by (scope)', 'max')}")
        [(labels, _)] = prometheus.query('netgrowth_customers_closing{scope="total",window="1h"}')
        assert not {"segment", "region", "product"} & labels.keys()
        counters[0].batch_read(TOPIC, AdmittedBatch(records=3, unmapped=3), now_us=1)
        company.gain(1050, company.clock, NORTH)
        company.advance(company.clock + MINUTE)
        assert prometheus.wait(whole, lambda now: now != [11]) == [12]
        prometheus.wait('increase(netgrowth_records_total{outcome="unmapped"}[10s]) > 0', bool)
        # Segment B goes to the other worker, and is shown by that one alone.
        owners["segment", "B", ""] = 0
        workers = 'count(count by (instance) (netgrowth_customers_closing{scope="segment"}))'
        prometheus.wait(workers, lambda n: n == [1])
        # Between the last scrape of the one and the next of the other B is absent, never wrong.
        assert prometheus.wait(by_segment, lambda now: now != [8]) == [4, 8]
        # The total's owner knows no longer that it is whole: absent, not frozen.
        owners.clear()
        prometheus.wait("netgrowth_customers_closing", lambda now: now == [])
        assert prometheus.query("max(up)") == [({}, 1)]
    finally:
        prometheus.stop()
        for server in servers:
            server.stop()


def test_promtool_makes_blocks_of_the_past(tmp_path):
    recount = Recount(load(NATIVE_DEFINITIONS), by="day")
    for day in (1, 2):
        text = f'{{"event_id":"{day}","at":"2024-01-0{day}T10:00:00Z","customer_id":"c{day}","fact":"joined"}}'
        recount.add([RawRecord(text.encode(), offset=day)])
    past = tmp_path / "past.om"
    past.write_text("\n".join(past_lines(recount.finish(), "day", 100)) + "\n", encoding="utf-8")
    words = ["tsdb", "create-blocks-from", "openmetrics", str(past), str(tmp_path / "blocks")]
    made = subprocess.run([binary("promtool"), *words], capture_output=True, check=False)
    assert made.returncode == 0, made.stderr
    assert len(list((tmp_path / "blocks").iterdir())) == 2
