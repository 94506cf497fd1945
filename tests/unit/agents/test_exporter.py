"""What a worker shows of the tables and of its partitions."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import msgspec
import orjson
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from agents.disrupted_before import LostAfterTrouble
from agents.exporter import CompanyCollector, FeedCollector, FeedState, fact_outcomes
from agents.feeds import LEDGER
from agents.health_exporter import HealthCollector
from agents.metrics_page import MetricsPage
from agents.owners_exporter import OwnersCollector
from agents.owners_losses import OwnersLoss
from agents.process_metrics import ProcessMetrics
from agents.shown_names import ShownNames
from agents.surge_evidence import SurgeEvidence
from agents.surge_exporter import SurgeCollector
from agents.survey_exporter import SurveyCollector
from agents.voice_exporter import VoiceCollector
from config.settings import load as load_settings
from streams.catalogue import BY_NAME, ROWS
from streams.catalogue_surges import OF_SURGE, SERIES_LABELS
from streams.facts.admission import AdmittedBatch
from streams.facts.models import DeadLetter, Position, RejectReason
from streams.intake.surveys import Answer
from streams.ledger.counts import FactCounts
from streams.ledger.movements import Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.surges.actions import Action
from streams.surges.board import SurgeLog
from streams.surges.budget import SurgeRules
from streams.surges.durable import DurableSurges
from streams.surges.event_records import event_record
from streams.surges.series import series
from streams.surges.surge import Surge, SurgeEvent, What
from streams.surges.tables_counts import AnswerCounts
from streams.tables.scopes import THE_TOTAL
from streams.tables.watermark import ClockRules
from tests.unit.agents.made_up_company import SOUTH, START, MadeUpCompany, small_company, wide_company
from tests.unit.agents.made_up_health import MadeUpHealth
from tests.unit.agents.made_up_surges import MadeUpSurges
from tests.unit.agents.made_up_voice import made_up_voice
from tests.unit.streams.voice.posts import mention

TOPIC = "customer-events"


class Feeds:
    def __init__(self, *states: FeedState) -> None:
        self.states = states

    def feeds(self):
        return self.states


def registered(company, **options):
    registry = CollectorRegistry()
    registry.register(CompanyCollector(company, label_limit=100, **options))
    return registry


def samples_of(families):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def everything():
    """A page with every metric there is."""
    registry = CollectorRegistry()
    company = small_company()
    facts = FactCounts(facts=5, applied=3, pending=1, ignored=Counter(duplicate=2))
    state = FeedState(TOPIC, 0, True, watermark_us=company.clock, newest_append_us=company.clock, lag=3, facts=facts)
    registry.register(FeedCollector(Feeds(state), {TOPIC: 4}))
    health = MadeUpHealth()
    health.hear_and_lose()
    health.lose()
    health.name({"region": ("north",)}, "checkout", 30)
    registry.register(HealthCollector(health, label_limit=100))
    registry.register(VoiceCollector(made_up_voice(), label_limit=100))
    registry.register(surges_of_all_kinds(company))
    losses = SimpleNamespace(found={"s1": {"ann": OwnersLoss(1, 9900, [("c1", 9900)])}})
    registry.register(OwnersCollector(losses, ShownNames(load_settings({})), currency="EUR"))
    counts = AnswerCounts()
    counts.take([Answer(company.clock, "a1", "c1", 5, 0, 10)])
    registry.register(SurveyCollector(counts, {"answers": 1}, lambda: True))
    counted = ProcessMetrics(registry, {TOPIC: LEDGER.outcomes})
    return registry, MetricsPage(registry, CompanyCollector(company, label_limit=100)), counted


def test_the_survey_line_is_the_week_before_the_newest_answer():
    counts, now = AnswerCounts(), 30 * DAY
    told = ((now - 8 * DAY, 0), (now - 7 * DAY + MINUTE, 0), (now - 3 * DAY, 10), (now, 5))
    counts.take([Answer(at, f"a{number}", "c", score, 0, 10) for number, (at, score) in enumerate(told)])
    complete = []
    registry = CollectorRegistry()
    registry.register(SurveyCollector(counts, {"answers": 4, "duplicate": 1}, lambda: bool(complete)))
    value = registry.get_sample_value
    assert value("netgrowth_survey_records", {"outcome": "answers"}) is None
    assert value("netgrowth_survey_answers") is None  # a part of the answers is not the whole
    complete.append(True)
    assert value("netgrowth_survey_answers") == 3
    assert value("netgrowth_survey_records", {"outcome": "duplicate"}) == 1
    assert value("netgrowth_survey_answers_unhappy") == 1
    assert value("netgrowth_survey_score_ratio") == 0.5
    assert value("netgrowth_survey_newest_timestamp_seconds") == now / 1_000_000


def test_the_expected_mentions_of_a_brand_are_those_of_an_hour_of_its_past():
    registry = CollectorRegistry()
    view = MadeUpSurges(0)
    registry.register(SurgeCollector(view, SurgeLog(), label_limit=9, currency="EUR"))
    found = {
        (sample.labels["brand"], sample.labels["mood"]): sample.value
        for family in registry.collect() for sample in family.samples
        if sample.name == "netgrowth_mentions_expected"
    }  # fmt: skip
    assert found == {("acme", "unhappy"): pytest.approx(120, rel=0.05)}  # two a minute, but in the surge
    assert MadeUpSurges(0).state.bank.expected_an_hour(series("unhappy_mentions", brand="other")) is None


def surges_of_all_kinds(company: MadeUpCompany) -> SurgeCollector:
    """One of mentions, one of losses that is known whole, one that has just ended; actions in the middle of them."""
    view, losses, log = MadeUpSurges(0), MadeUpSurgeOfLosses(company), SurgeLog()
    for number in range(2):
        view.state.watch.note("customer-events", number, number * DAY, number * DAY)
    surges = view.state.bank.open_surges()
    view.state.bank.open_surges = lambda: [*surges, losses.surge]
    ended = msgspec.structs.replace(surges[0], surge_id="over", closed=view.state.bank.clock)
    log.take_event(event_record(SurgeEvent(What.CLOSED, ended.closed, ended), 1, {})[1])
    start = view.state.bank.clock - MINUTE
    everywhere = {label: value for surge in (*surges, losses.surge) for label, value in surge.series.labels}
    labels = ("region", "product", "topic", "service", "stage")
    for name, scope in (("ours", {}), ("all", dict.fromkeys(labels, "x") | everywhere)):
        view.state.actions[name] = Action(name, start, "release", name, start, start + DAY, scope)
    before = SimpleNamespace(found={"s1": LostAfterTrouble(2, 1, Counter(checkout=1))})
    evidence = SurgeEvidence(losses, before)
    return SurgeCollector(view, log, label_limit=100, currency="EUR", evidence=evidence, leads=MadeUpLeads())


class MadeUpLeads:
    """What surveys showed of troubles, as of some instant."""

    def found(self, clock: int) -> list[dict[str, Any]]:
        of = {"series": {"measure": "lost_value", "segment": "A"}}
        return [
            of | {"story": "s1", "state": "shown", "lead_hours": -2.0,
                  "by": {"surge": {"lead_hours": -2.0}, "mean": {"lead_hours": 30.5}}},
            of | {"story": "s2", "state": "no_surveys"}, of | {"story": "s3", "state": "no_surveys"},
        ]  # fmt: skip


def test_the_lead_over_surveys_and_where_there_is_none():
    registry = CollectorRegistry()
    view = MadeUpSurges(0)
    registry.register(SurgeCollector(view, SurgeLog(), label_limit=9, currency="EUR", leads=MadeUpLeads()))
    value, of = registry.get_sample_value, {"story": "s1", "measure": "lost_value"}
    for by, seconds in (("surge", -7_200), ("first", -7_200), ("mean", 109_800)):
        assert value("netgrowth_survey_lead_seconds", of | {"by": by}) == seconds
    families = {family.name: family for family in registry.collect()}
    assert {one.labels["story"] for one in families["netgrowth_survey_lead_seconds"].samples} == {"s1"}
    states = {one.labels["state"]: one.value for one in families["netgrowth_survey_troubles"].samples}
    assert states == {"shown": 1, "waiting": 0, "not_shown": 0, "no_surveys": 2}


def test_a_scope_and_window_in_customers_and_major_units():
    value = registered(small_company()).get_sample_value
    total = {"scope": "total", "window": "1h"}
    segment = {"scope": "segment", "segment": "A", "window": "1h"}
    assert value("netgrowth_customers_lost", total) == 3
    assert value("netgrowth_value_lost", segment) == 31.5
    assert value("netgrowth_customers_closing", segment) == 7
    assert value("netgrowth_value_net", total | {"window": "all"}) == 153.5
    assert value("netgrowth_customers_lost_by_reason", total | {"reason": "price"}) == 2
    assert value("netgrowth_customers_lost_by_reason", segment | {"reason": "unknown"}) == 1
    assert value("netgrowth_customers_lost_by_kind", total | {"kind": "voluntary"}) == 3
    assert value("netgrowth_customers_lost_by_kind", total | {"kind": "payment"}) == 0
    brought = total | {"window": "all", "activity": "shop"}
    assert value("netgrowth_customers_brought_by_activity", brought) == 10
    assert value("netgrowth_customers_still_here_by_activity", brought) == 7
    assert value("netgrowth_customers_lost", {"scope": "product", "product": "p", "window": "24h"}) == 3
    both = {"scope": "segment_region", "segment": "B", "region": "south"}
    assert value("netgrowth_customers_opening", both | {"window": "1h"}) == 4
    assert value("netgrowth_customers_opening", both | {"window": "7d"}) is None
    assert value("netgrowth_retention_ratio", total) == 11 / 14
    assert value("netgrowth_customers_pending_loss", {"scope": "total"}) == 0
    assert value("netgrowth_tables_clock_timestamp_seconds") == (START // MINUTE + 2 * 1440 + 30) * 60
    definitions = {"name": "native", "version": small_company().definitions.version, "currency": "EUR"}
    assert value("netgrowth_definitions_info", definitions) == 1


def test_cohorts_come_from_the_owner_of_the_total_alone():
    labels = {"month": "2011-01"}
    value = registered(small_company()).get_sample_value
    assert value("netgrowth_cohort_customers_joined", labels) == 14
    assert value("netgrowth_cohort_customers_lost", labels | {"within": "30d"}) == 3
    assert value("netgrowth_cohort_customers_still_here", labels) == 11
    company = small_company()
    company.owns = lambda scope: scope != THE_TOTAL
    assert registered(company).get_sample_value("netgrowth_cohort_customers_joined", labels) is None


def test_two_workers_show_each_scope_once():
    company = small_company()
    whole = samples_of(registered(company).collect())
    parts = []
    for worker in (0, 1):
        company.owns = lambda scope, worker=worker: len(scope[1]) % 2 == worker
        parts.append({key for key in samples_of(registered(company).collect()) if dict(key[1]).get("scope")})
    assert parts[0]
    assert parts[1]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {key for key in whole if dict(key[1]).get("scope")}


def test_ownership_is_asked_at_every_scrape():
    company, owned = small_company(), {THE_TOTAL}
    company.owns = lambda scope: scope in owned
    collector = CompanyCollector(company, label_limit=100)
    assert 'netgrowth_customers_lost{scope="total"' in collector.text()
    owned.clear()
    assert collector.text() == ""
    owned.add(("segment", "A", ""))
    text = collector.text()
    assert 'scope="segment",segment="A"' in text
    assert 'scope="total"' not in text


def test_a_part_of_the_tables_is_never_shown():
    company = small_company()
    company.complete = False
    registry = registered(company)
    assert registry.get_sample_value("netgrowth_customers_lost", {"scope": "total", "window": "1h"}) is None
    assert registry.get_sample_value("netgrowth_label_values", {"label": "segment"}) is None
    assert registry.get_sample_value("netgrowth_tables_complete") == 0
    assert CompanyCollector(company, label_limit=100).text() == ""
    empty = registered(MadeUpCompany())
    assert empty.get_sample_value("netgrowth_tables_complete") == 1
    assert empty.get_sample_value("netgrowth_tables_clock_timestamp_seconds") is None


def test_the_page_says_what_the_collector_says_also_after_changes():
    company = wide_company(4, 3, 2, 300)
    collector = CompanyCollector(company, label_limit=2)
    for step in range(4):
        page = samples_of(text_families(collector.text()))
        collected = {key: n for key, n in samples_of(collector.collect()).items() if key[0] in {m.name for m in ROWS}}
        assert page == collected
        assert {dict(labels).get("segment") for _, labels in page} >= {"other"}
        company.gain(700, company.clock, Scope(f"s{step}", "r0", "p0"), f"new {step}")
        company.advance(company.clock + MINUTE)


def test_what_is_folded_adds_up():
    company = wide_company(30, 2, 2, 600)
    value = registered(company).get_sample_value
    bounded = CollectorRegistry()
    bounded.register(CompanyCollector(company, label_limit=5))
    shown = [
        (dict(labels)["segment"], n)
        for (name, labels), n in samples_of(bounded.collect()).items()
        if name == "netgrowth_customers_closing" and ("scope", "segment") in labels and ("window", "24h") in labels
    ]
    assert len(shown) == 6
    total = value("netgrowth_customers_closing", {"scope": "total", "window": "24h"})
    assert sum(n for _, n in shown) == 600 == total
    cut = bounded.get_sample_value("netgrowth_label_cut_ratio", {"label": "segment"})
    assert cut == dict(shown)["other"] / 600
    assert bounded.get_sample_value("netgrowth_label_values", {"label": "segment"}) == 30
    assert bounded.get_sample_value("netgrowth_label_values_shown", {"label": "segment"}) == 5
    assert value("netgrowth_label_cut_ratio", {"label": "region"}) == 0


def test_label_values_are_escaped():
    company = MadeUpCompany()
    odd = 'a "b" \\ c\nd'
    company.gain(100, START, Scope(odd, "é", "p"))
    company.advance(START)
    collector = CompanyCollector(company, label_limit=100)
    page = samples_of(text_families(collector.text()))
    labels = (("scope", "segment"), ("segment", odd), ("window", "all"))
    assert page["netgrowth_customers_new", labels] == 1


def test_unchanged_rows_are_not_written_again(monkeypatch):
    company = small_company()
    collector = CompanyCollector(company, label_limit=100)
    rows = {window: company.rows(window) for window in ("all", "1h", "24h")}
    monkeypatch.setattr(company, "rows", lambda window, before=False: rows.get(window, {}))
    made = []
    write = collector._lines
    monkeypatch.setattr(collector, "_lines", lambda *asked: made.append(asked[:2]) or write(*asked))
    first = collector.text()
    assert made
    made.clear()
    assert collector.text() == first
    assert made == []
    rows["1h"] = rows["1h"] | {THE_TOTAL: dict(rows["1h"][THE_TOTAL], referrals=5)}
    assert collector.text() != first
    assert made == [(THE_TOTAL, "1h")]


def test_every_name_of_the_catalogue_is_exported_and_no_other():
    _, page, _ = everything()
    for accept, parse in (("", text_families), ("application/openmetrics-text", openmetrics_families)):
        body, content_type = page.render(accept)
        assert content_type.startswith(accept or "text/plain")
        assert body.endswith(b"# EOF\n") == bool(accept)
        exported, labels = set(), {}
        for family in parse(body.decode()):
            for sample in family.samples:
                assert not sample.name.endswith("_created")
                name = family.name if family.type == "histogram" else sample.name
                exported.add(name)
                labels.setdefault(name, set()).update(sample.labels)
        assert exported == BY_NAME.keys()
        for name, found in labels.items():
            # A surge has the labels of its series alone.
            left_out = set(SERIES_LABELS) if BY_NAME[name].labels == OF_SURGE else set()
            assert found - {"le"} == set(BY_NAME[name].labels) - (left_out - found), name


def test_a_partition_is_shown_by_its_owner_with_idle_apart_from_recovering():
    facts = FactCounts(facts=9, applied=5, pending=2, ignored=Counter(conflict=1, no_change=3), beyond_horizon=4)
    states = (
        FeedState(TOPIC, 0, True, idle=True, watermark_us=1_500_000, newest_append_us=2_000_000, lag=0, facts=facts),
        FeedState(TOPIC, 1, True, recovering=True, facts=facts),
        FeedState(TOPIC, 2, False, watermark_us=5),
    )
    registry = CollectorRegistry()
    registry.register(FeedCollector(Feeds(*states), {TOPIC: 3}))

    def value(name, partition, **more):
        return registry.get_sample_value(f"netgrowth_{name}", {"topic": TOPIC, "partition": partition} | more)

    assert registry.get_sample_value("netgrowth_partitions_expected", {"topic": TOPIC}) == 3
    assert (value("partition_owned", "0"), value("partition_idle", "0")) == (1, 1)
    assert value("watermark_timestamp_seconds", "0") == 1.5
    assert value("newest_append_timestamp_seconds", "0") == 2
    assert (value("partition_recovering", "0"), value("partition_recovering", "1")) == (0, 1)
    assert value("partition_lag_records", "1") is None
    assert value("partition_facts", "0", outcome="applied") == 3
    assert value("partition_facts", "0", outcome="duplicate") == 0
    assert value("partition_facts", "1", outcome="applied") is None
    assert value("partition_facts_beyond_horizon", "0") == 4
    assert value("partition_owned", "2") is None
    assert sum(fact_outcomes(facts).values()) == facts.facts


def test_every_child_of_a_closed_label_is_there_before_the_first_record():
    registry, _, counted = everything()
    for reason in RejectReason:
        labels = {"topic": TOPIC, "reason": reason.value}
        assert registry.get_sample_value("netgrowth_dead_letters_total", labels) == 0
    for outcome in ("facts", "no_fact", "unmapped", "dead_lettered"):
        assert registry.get_sample_value("netgrowth_records_total", {"topic": TOPIC, "outcome": outcome}) == 0
    assert registry.get_sample_value("netgrowth_append_delay_seconds_count", {"topic": TOPIC}) == 0
    letter = DeadLetter(Position(TOPIC, 0, 1), RejectReason.TOO_DEEP, "", b"")
    batch = AdmittedBatch(10, [None] * 8, 1, [letter], {"rule": 1, "heartbeat": 1}, 2, 5)
    counted.batch_read(
        TOPIC, batch, now_us=9_000_000, oldest_event_us=1_000_000, newest_event_us=9_500_000,
        oldest_append_us=8_800_000,
    )  # fmt: skip
    counted.batch_read(TOPIC, AdmittedBatch(), now_us=9_000_000)

    def value(name, **labels):
        return registry.get_sample_value(f"netgrowth_{name}", {"topic": TOPIC} | labels)

    outcomes = {of: value("records_total", outcome=of) for of in ("facts", "no_fact", "unmapped", "dead_lettered")}
    assert outcomes == {"facts": 5, "no_fact": 2, "unmapped": 2, "dead_lettered": 1}
    assert value("facts_total") == 7
    assert value("batches_total") == 2
    assert value("dead_letters_total", reason="too_deep") == 1
    assert value("event_delay_seconds_sum", fact="oldest") == 8
    assert value("event_delay_seconds_sum", fact="newest") == 0
    assert value("append_delay_seconds_bucket", le="0.1") == 0
    assert value("append_delay_seconds_bucket", le="0.25") == 1
    counted.flushed(0.02, 30, 4096)
    assert registry.get_sample_value("netgrowth_flush_seconds_count") == 1
    assert registry.get_sample_value("netgrowth_flushed_records_total") == 30
    assert registry.get_sample_value("netgrowth_flushed_bytes_total") == 4096


def test_a_topic_that_was_not_named_is_a_fault_of_the_caller():
    counted = ProcessMetrics(CollectorRegistry(), {TOPIC: LEDGER.outcomes})
    with pytest.raises(KeyError):
        counted.batch_read("another", AdmittedBatch(), now_us=1)


def test_windows_of_the_page_are_those_of_the_catalogue():
    page = samples_of(text_families(CompanyCollector(small_company(), label_limit=100).text()))
    for name, labels in page:
        found = dict(labels)
        window = found.get("window")
        assert (window or "") in (BY_NAME[name].windows_of(found["scope"]) or ("",)), (name, found)


def test_surges_are_shown_by_the_worker_that_runs_the_detectors_alone():
    for owned, shown in (((0,), 1), ((), None)):
        registry = CollectorRegistry()
        registry.register(SurgeCollector(MadeUpSurges(*owned), SurgeLog(), label_limit=1, currency="EUR"))
        labels = {"measure": "unhappy_mentions", "direction": "up", "is_expected": "false"}
        assert registry.get_sample_value("netgrowth_surges_open", labels) == shown
        families = {family.name: family for family in registry.collect()}
        observed = families["netgrowth_surge_observed"].samples if shown else []
        assert len(observed) == (1 if shown else 0)
        for sample in observed:
            assert sample.labels["measure"] == "unhappy_mentions"
            assert sample.labels["surge"]
            assert sample.labels["story"]
            assert set(sample.labels) <= set(OF_SURGE)
            shares = [one for one in families["netgrowth_surge_evidence_ratio"].samples if one.value]
            assert {one.labels["surge"] for one in shares} == {sample.labels["surge"]}
            assert max(Counter(one.labels["label"] for one in shares).values()) <= 3


def test_after_how_long_a_feed_is_silent_is_shown_once_it_is_known():
    view = MadeUpSurges(0)
    watch = view.state.watch
    registry = CollectorRegistry()
    registry.register(SurgeCollector(view, SurgeLog(), label_limit=1, currency="EUR"))
    name, labels = "netgrowth_feed_silent_after_seconds", {"topic": "customer-events"}
    for number, at in enumerate((0, DAY // 2, DAY - MINUTE)):
        watch.note("customer-events", number, at, at)
    assert registry.get_sample_value(name, labels) is None
    watch.note("customer-events", 9, DAY, DAY)
    assert registry.get_sample_value(name, labels) == 1.25 * 43_200


class MadeUpSurgeOfLosses:
    """A surge of losses of segment A, half an hour old, as detectors would have it."""

    def __init__(self, company: MadeUpCompany) -> None:
        self.tables, self.clock = company.tables, company.clock
        state = DurableSurges(0, ("t", "1"), SurgeRules(), ClockRules())
        state.observe(self.clock // MINUTE * MINUTE - MINUTE, [])
        at = state.bank.clock
        of = series("lost_value", segment="A")
        self.surge = Surge("s1", of, at - 30 * MINUTE, at, "up", 6300.0, 150.0, 300, "s1")
        state.bank.open_surges = lambda: [self.surge]
        scopes = {"ours": {"segment": "A"}, "theirs": {"segment": "B"}, "old": {}}
        for name, scope in scopes.items():
            start = self.surge.onset - (3 * HOUR if name == "old" else HOUR)
            state.actions[name] = Action(name, start, "release", name, start, start + DAY, scope)
        self.state = state

    def owned(self) -> set[int]:
        return {0}


def test_what_a_surge_of_losses_has_cost_and_what_we_did_before():
    company = MadeUpCompany()
    company.advance(START + DAY)
    company.lose(2000, company.clock - MINUTE, reason="price")
    company.lose(4300, company.clock - MINUTE, reason="not on the list")
    company.lose(9900, company.clock - MINUTE, SOUTH)
    view = MadeUpSurgeOfLosses(company)
    before = SimpleNamespace(found={})
    times = [0.0]
    evidence = SurgeEvidence(view, before, lambda: times[0])
    log = SurgeLog()
    registry = CollectorRegistry()
    registry.register(SurgeCollector(view, log, label_limit=9, currency="EUR", evidence=evidence))
    value, of = registry.get_sample_value, {"surge": "s1"}
    assert value("netgrowth_surge_customers_lost", of) is None, "it is looked up first who was disrupted"
    assert value("netgrowth_surges_open", {"measure": "lost_value", "direction": "up", "is_expected": "false"}) == 1
    times[0] = 3.1
    assert value("netgrowth_surge_customers_lost", of) == 2
    before.found["s1"] = LostAfterTrouble(2, 1, Counter(checkout=1))
    assert value("netgrowth_surge_value_lost", of) == 63.0
    labels = view.surge.series.shown() | of | {"story": "s1", "direction": "up", "is_expected": "false"}
    assert value("netgrowth_surge_observed", labels) == 63.0
    assert value("netgrowth_surge_expected", labels) == 1.5
    assert value("netgrowth_surge_customers_lost_by_reason", of | {"reason": "price"}) == 1
    assert value("netgrowth_surge_customers_lost_disrupted_before", of) == 1
    assert value("netgrowth_surge_customers_lost_disrupted_before_by_stage", of | {"stage": "checkout"}) == 1
    assert value("netgrowth_surge_course", of) == 0
    families = {family.name: family for family in registry.collect()}
    done = families["netgrowth_surge_action_timestamp_seconds"].samples
    assert [one.labels["text"] for one in done] == ["ours (segment A)"]
    assert done[0].value == (view.surge.onset - HOUR) / 1e6
    recent = families["netgrowth_action_timestamp_seconds"].samples
    assert {(one.labels["text"], one.labels.get("segment")) for one in recent} == {
        ("ours (segment A)", "A"), ("theirs (segment B)", "B"),
    }  # fmt: skip


def test_a_surge_that_has_just_ended_is_shown_with_its_last_numbers():
    view = MadeUpSurges(0)
    [surge] = [one for one in view.state.bank.open_surges() if "topic" not in dict(one.series.labels)]
    log, clock = SurgeLog(), view.state.bank.clock
    view.state.bank.open_surges = list
    registry = CollectorRegistry()
    registry.register(SurgeCollector(view, log, label_limit=9, currency="EUR"))
    labels = {"surge": surge.surge_id, "story": surge.story, "direction": "up", "is_expected": "false"}
    labels |= surge.series.shown()
    for closed, shown in ((clock, True), (clock - 2 * MINUTE, True), (clock - 3 * MINUTE, False)):
        event = msgspec.structs.replace(surge, closed=closed)
        log.surges[surge.surge_id] = orjson.loads(event_record(SurgeEvent(What.CLOSED, closed, event), 1, {})[1])
        at = registry.get_sample_value("netgrowth_surge_closed_timestamp_seconds", labels)
        assert at == (closed / 1e6 if shown else None)
        assert (registry.get_sample_value("netgrowth_surge_observed", labels) is not None) == shown


def test_brands_are_shown_by_their_owner_and_those_beyond_the_limit_as_other():
    mentions = [mention(f"{brand}-{n}", f"a{n}", None, brand=brand, sentiment=-0.5, topics=["late parcel"])
                for brand, count in (("acme", 9), ("beta", 5), ("gamma", 3), ("delta", 2))
                for n in range(count)]  # fmt: skip
    found = Counter()
    for owned in range(4):
        registry = CollectorRegistry()
        registry.register(VoiceCollector(made_up_voice(mentions, owned=[owned]), label_limit=3))
        for family in registry.collect():
            for sample in family.samples:
                if sample.labels.get("window") == "24h" and "topic" not in sample.labels:
                    found[sample.name, sample.labels["brand"]] += sample.value
    of_other = {name: found[name, "other"] for name in ("netgrowth_mentions", "netgrowth_mention_authors")}
    assert of_other == {"netgrowth_mentions": 5, "netgrowth_mention_authors": 3}
    assert found["netgrowth_mentions", "acme"] == 9
    assert found["netgrowth_mentions_unhappy", "beta"] == 5
    assert sum(value for (name, _), value in found.items() if name == "netgrowth_share_of_voice_ratio") == 1
    assert ("netgrowth_mentions", "gamma") not in found
