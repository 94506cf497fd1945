"""The metric catalogue: every metric of `/metrics` as data, in one place.

Exporter, rules, boards and docs/metrics.md are made from it. What comes out of a table is a gauge, since a late fact
may correct it and it moves between workers; a counter is what one process did since it started.

A metric of the tables names the place of its number in a row (`path`), the scopes and the windows that it is shown
for. Scopes are told apart by the label `scope`: fix it in every expression, as `window`; neither is ever summed over.
Labels that do not apply to a scope are left out: the total has neither segment, region nor product.
"""

from dataclasses import dataclass
from enum import StrEnum

from streams.catalogue_health import HEALTH_COMPANY_METRICS, HEALTH_METRICS
from streams.catalogue_surges import FOR_PAGES, OWNER_METRICS, SURGE_METRICS
from streams.catalogue_surveys import FOR_DIAGNOSIS, SURVEY_METRICS
from streams.catalogue_units import BYTES, CURRENCY, CUSTOMERS, NOTHING, RATIO, RECORDS, SECONDS, TIMESTAMP
from streams.catalogue_voice import VOICE_COMPANY_METRICS, VOICE_METRICS
from streams.tables.running import WITH_SEGMENT_REGION
from streams.tables.windows import WINDOW_NAMES


class Kind(StrEnum):
    """How Prometheus reads a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    INFO = "info"


class Source(StrEnum):
    """What a metric tells of."""

    ROWS = "rows"  # the tables: exported by the worker that owns the scope now
    HEALTH = "health"  # signals: exported by the worker that owns the scope now
    VOICE = "voice"  # mentions: exported by the worker that owns the brand now
    SURGES = "surges"  # surges: exported by the worker that runs the detectors
    SURVEYS = "surveys"  # answers to surveys, as this worker has read them
    COMPANY = "company"  # the tables as this worker sees them
    FEEDS = "feeds"  # partitions that this worker reads
    PROCESS = "process"  # what this process did since it started


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: as exposed; a counter ends in `_total`, an info in `_info`.
        about: the help text.
        internal: for diagnosis, or for the sentences of pages; on no board.
        path: of `rows`: keys to the number in a row; of a metric by parts, in a line of the list or mapping.
        parts: of `rows`: key of the row whose entries are told apart by the last label; "" for a single number.
        scopes: of `rows`: dimensions that it is shown for.
        windows: of `rows`: windows by dimension where not all; see `windows_of`.
        buckets: of a histogram: upper limits.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    about: str
    source: Source
    internal: bool = False
    path: tuple[str, ...] = ()
    parts: str = ""
    scopes: tuple[str, ...] = ()
    windows: tuple[tuple[str, tuple[str, ...]], ...] = ()
    buckets: tuple[float, ...] = ()

    def windows_of(self, dimension: str) -> tuple[str, ...]:
        """Windows that it is shown for in scopes of a dimension; none where it has no label `window`."""
        if dimension not in self.scopes or "window" not in self.labels:
            return ()
        if dimension == "segment_region":
            return WITH_SEGMENT_REGION
        return dict(self.windows).get(dimension, WINDOW_NAMES)


LABEL_OF_PARTS = {"lost_by_kind": "kind", "reasons": "reason", "activities": "activity"}
"""Key of a row whose entries are told apart, to the label that names them."""

PARTITION_LABELS = ("topic", "partition")

TOTAL_ONLY = ("total",)
OF_SEGMENTS = ("total", "segment")
MAIN_SCOPES = ("total", "segment", "region", "product")
EVERY_SCOPE = (*MAIN_SCOPES, "segment_region")

SEGMENT_REASON_WINDOWS = ("1h", "24h", "7d", "30d")
"""Windows for which reasons are shown by segment."""

COHORT_MONTHS = 24
"""Youngest months of joining that are exported."""

DELAY_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0, 129600.0)
"""Seconds: around 5 s, in which a fact should be on the page, out to the horizon of 36 h."""

FLUSH_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _gauge(
    name: str, unit: str, about: str, *, path: tuple[str, ...], scopes: tuple[str, ...], parts: str = "",
    windowed: bool = True, windows: tuple[tuple[str, tuple[str, ...]], ...] = (),
) -> Metric:
    labels = ("scope", *(label for label in ("segment", "region", "product") if label in scopes))
    labels += ("window",) if windowed else ()
    labels += (LABEL_OF_PARTS[parts],) if parts else ()
    return Metric(
        f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.ROWS, path=path, parts=parts, scopes=scopes,
        windows=windows,
    )


_AMOUNTS = (
    # key of the row, name, what customers, scopes of customers, scopes of value
    ("opening", "opening", "that the window began with, with the openings dated in it", EVERY_SCOPE, EVERY_SCOPE),
    ("new", "new", "gained for the first time", EVERY_SCOPE, EVERY_SCOPE),
    ("returned", "returned", "gained again after a loss", EVERY_SCOPE, EVERY_SCOPE),
    ("lost", "lost", "lost, of every kind", EVERY_SCOPE, EVERY_SCOPE),
    ("early_loss", "lost_early", "lost soon after they were gained; they are among the lost", MAIN_SCOPES,
     MAIN_SCOPES),
    ("net", "net", "gained less lost: new + returned - lost", EVERY_SCOPE, EVERY_SCOPE),
    ("stayed", "stayed", "whose stay lasted from the window's start to its end", EVERY_SCOPE, MAIN_SCOPES),
    ("stayed_of", "stayed_of", "who stayed, and those whom a loss took: what stayed is compared with", EVERY_SCOPE,
     MAIN_SCOPES),
    ("closing", "closing", "active at the window's end", EVERY_SCOPE, EVERY_SCOPE),
    ("transferred_in", "transferred_in", "moved in from another scope", MAIN_SCOPES, MAIN_SCOPES),
    ("transferred_out", "transferred_out", "moved out to another scope", MAIN_SCOPES, MAIN_SCOPES),
    ("earned", "earned", "among the new who came by recommendation", OF_SEGMENTS, OF_SEGMENTS),
)


def _amounts() -> tuple[Metric, ...]:
    found = []
    for key, name, about, of_customers, of_value in _AMOUNTS:
        found.append(
            _gauge(f"customers_{name}", CUSTOMERS, f"Customers {about}.", path=(key, "customers"),
                   scopes=of_customers)
        )
        found.append(
            _gauge(f"value_{name}", CURRENCY, f"Expected value of customers {about}.", path=(key, "value"),
                   scopes=of_value)
        )
    return tuple(found)


_BY_REASON = (("segment", SEGMENT_REASON_WINDOWS),)

ROWS = (
    *_amounts(),
    _gauge("value_expansion", CURRENCY, "Expected value added to customers we keep.", path=("expansion",),
           scopes=MAIN_SCOPES),
    _gauge("value_contraction", CURRENCY, "Expected value taken from customers we keep.", path=("contraction",),
           scopes=MAIN_SCOPES),
    _gauge("customers_pending_loss", CUSTOMERS, "Customers who have given notice and are not lost yet, now.",
           path=("pending_loss", "customers"), scopes=MAIN_SCOPES, windowed=False),
    _gauge("value_pending_loss", CURRENCY, "Expected value of customers who have given notice, now.",
           path=("pending_loss", "value"), scopes=MAIN_SCOPES, windowed=False),
    _gauge("customers_lost_by_kind", CUSTOMERS, "Customers lost, by kind of loss; the kinds sum to the lost.",
           path=("customers",), parts="lost_by_kind", scopes=OF_SEGMENTS),
    _gauge("value_lost_by_kind", CURRENCY, "Expected value of customers lost, by kind of loss.",
           path=("value",), parts="lost_by_kind", scopes=OF_SEGMENTS),
    _gauge("customers_lost_by_reason", CUSTOMERS,
           "Customers lost, by the reason they stated; unknown: none that is usable. The reasons sum to the lost.",
           path=("customers",), parts="reasons", scopes=OF_SEGMENTS,
           windows=_BY_REASON),
    _gauge("value_lost_by_reason", CURRENCY, "Expected value of customers lost, by the reason they stated.",
           path=("value",), parts="reasons", scopes=OF_SEGMENTS, windows=_BY_REASON),
    _gauge("customers_brought_by_activity", CUSTOMERS,
           "Customers gained or opened with, by the activity that brought them.",
           path=("customers",), parts="activities", scopes=TOTAL_ONLY),
    _gauge("value_brought_by_activity", CURRENCY, "Expected value brought, by activity, as counted then.",
           path=("value",), parts="activities", scopes=TOTAL_ONLY),
    _gauge("customers_still_here_by_activity", CUSTOMERS,
           "Of the customers brought by an activity in the window, those not lost by its end.",
           path=("still_here",), parts="activities", scopes=TOTAL_ONLY),
    _gauge("referrals", CUSTOMERS, "Customers whom others recommended us to.", path=("referrals",),
           scopes=OF_SEGMENTS),
    _gauge("recommenders", CUSTOMERS, "Distinct customers who recommended us.", path=("recommenders",),
           scopes=OF_SEGMENTS),
    _gauge("retention_ratio", RATIO, "Customers stayed / customers stayed_of; absent where there were none.",
           path=("retention",), scopes=EVERY_SCOPE),
    _gauge("earned_growth_ratio", RATIO,
           "(Opening value - lost + expansion - contraction + earned) / opening value - 1; absent without opening.",
           path=("earned_growth",), scopes=OF_SEGMENTS),
    _gauge("customers_per_marble", CUSTOMERS, "Customers that one marble stands for.",
           path=("marbles", "customers_per_marble"), scopes=OF_SEGMENTS),
    _gauge("marbles_gained", NOTHING, "Whole marbles in the bowl of the gained.", path=("marbles", "gained"),
           scopes=OF_SEGMENTS),
    _gauge("marbles_lost", NOTHING, "Whole marbles in the bowl of the lost.", path=("marbles", "lost"),
           scopes=OF_SEGMENTS),
)
"""Metrics of rows: exported for the scopes that a worker owns, and only by it."""


def _company(name: str, unit: str, about: str, *labels: str, kind: Kind = Kind.GAUGE,
             internal: bool = False) -> Metric:
    return Metric(f"netgrowth_{name}", kind, labels, unit, about, Source.COMPANY, internal)


COMPANY = (
    _company("definitions_info", NOTHING, "The definitions in force.", "name", "version", "currency", kind=Kind.INFO),
    _company("in_force", NOTHING,
             "1: this worker speaks for the company; 0: another edition is in force, and its tables show nothing."),
    _company("tables_clock_timestamp_seconds", TIMESTAMP, "Clock of the tables: event time up to which they stand."),
    _company("tables_complete", NOTHING, "1: this worker has the tables of the whole company; 0: it catches up."),
    _company("cohort_customers_joined", CUSTOMERS, "Customers by month of joining, the youngest 24 months.", "month"),
    _company("cohort_customers_lost", CUSTOMERS,
             "Of a month's customers, those lost within so many days; the longer spans hold the shorter.",
             "month", "within"),
    _company("cohort_customers_still_here", CUSTOMERS, "Of a month's customers, those active now.", "month"),
    _company("label_values", NOTHING, "Different values of a label that the tables hold.", "label", internal=True),
    _company("label_values_shown", NOTHING, "Values of a label shown under their own name.", "label", internal=True),
    _company("label_cut_ratio", RATIO, "Share of customers whose value of a label is folded into other.", "label"),
    _company("table_series", NOTHING, "Series of the tables, were all of them exported by one worker."),
    _company("table_series_budget", NOTHING, "Series of the tables that one worker may export.", internal=True),
)


VOICE = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.VOICE)
    for name, unit, about, labels in VOICE_METRICS
)
"""Metrics of mentions: exported for the brands that a worker owns, and only by it."""

VOICE_COMPANY = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.VOICE)
    for name, unit, about, labels in VOICE_COMPANY_METRICS
)
"""Metrics of mentions that every worker exports."""


HEALTH = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.HEALTH)
    for name, unit, about, labels in HEALTH_METRICS
)
"""Metrics of perceived health: exported for the scopes that a worker owns, and only by it."""

HEALTH_COMPANY = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.HEALTH)
    for name, unit, about, labels in HEALTH_COMPANY_METRICS
)
"""Metrics of perceived health that every worker exports."""


SURGES = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.SURGES, name in FOR_PAGES)
    for name, unit, about, labels in SURGE_METRICS
)
"""Metrics of surges: exported by the worker that runs the detectors, and only by it."""

OWNERS = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.SURGES, internal=True)
    for name, unit, about, labels in OWNER_METRICS
)
"""What troubles have cost the owners of customers: exported by the same worker."""


SURVEYS = tuple(
    Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.SURVEYS, name in FOR_DIAGNOSIS)
    for name, unit, about, labels in SURVEY_METRICS
)
"""Metrics of answers to surveys, which every worker that reads them exports."""


def _feed(name: str, unit: str, about: str, *, labels: tuple[str, ...] = PARTITION_LABELS,
          internal: bool = False) -> Metric:
    return Metric(f"netgrowth_{name}", Kind.GAUGE, labels, unit, about, Source.FEEDS, internal)


FEEDS = (
    _feed("partitions_expected", NOTHING, "Partitions that a topic has.", labels=("topic",)),
    _feed("partition_owned", NOTHING, "1: this worker reads the partition now; absent: it does not."),
    _feed("partition_recovering", NOTHING, "1: its state is being restored; its lag says nothing meanwhile."),
    _feed("partition_idle", NOTHING, "1: read to its end with nothing new; not the same as stale."),
    _feed("watermark_timestamp_seconds", TIMESTAMP, "Largest event time admitted from the partition."),
    _feed("newest_append_timestamp_seconds", TIMESTAMP, "When the newest record read was appended to the log."),
    _feed("partition_lag_records", RECORDS, "Records in the log that are not handed on yet."),
    _feed("partition_in_flight_records", RECORDS, "Records handed on that are not durable yet.", internal=True),
    _feed("partition_in_flight_bytes", BYTES, "Bytes of records handed on that are not durable yet.", internal=True),
    _feed("partition_lost_to_retention_records", RECORDS,
          "Records that left the log before they were read, since the partition was taken over."),
    _feed("partition_facts", NOTHING,
          "Facts in the partition's ledger by what became of them; the outcomes sum to all facts.",
          labels=(*PARTITION_LABELS, "outcome")),
    _feed("partition_facts_beyond_horizon", NOTHING, "Facts older than the horizon that were applied all the same."),
    _feed("partition_links_too_late", NOTHING,
          "Links that put another one right when its history was older than the horizon: that stays where it was."),
)


def _process(name: str, unit: str, about: str, *labels: str, kind: Kind = Kind.COUNTER, internal: bool = False,
             buckets: tuple[float, ...] = ()) -> Metric:
    return Metric(f"netgrowth_{name}", kind, labels, unit, about, Source.PROCESS, internal, buckets=buckets)


RECORDS_READ = _process(
    "records_total", RECORDS, "Records read, by what became of them; the outcomes sum to all records.",
    "topic", "outcome",
)
FACTS_READ = _process("facts_total", NOTHING, "Facts about customers, or mentions, that records gave.", "topic")
DEAD_LETTERS = _process("dead_letters_total", RECORDS, "Records that could not be admitted.", "topic", "reason")
BATCHES = _process("batches_total", NOTHING, "Batches of records read.", "topic", internal=True)
EVENT_DELAY = _process(
    "event_delay_seconds", SECONDS,
    "From the event time of a batch's oldest and newest fact until it was counted; one observation a batch.",
    "topic", "fact", kind=Kind.HISTOGRAM, buckets=DELAY_BUCKETS,
)
APPEND_DELAY = _process(
    "append_delay_seconds", SECONDS,
    "From the append of a batch's oldest record until it was counted; one observation a batch.",
    "topic", kind=Kind.HISTOGRAM, buckets=DELAY_BUCKETS,
)
FLUSH_SECONDS = _process(
    "flush_seconds", SECONDS, "Time that it took to write what changed.", kind=Kind.HISTOGRAM, internal=True,
    buckets=FLUSH_BUCKETS,
)
FLUSHED_RECORDS = _process("flushed_records_total", RECORDS, "Records written by flushes.", internal=True)
FLUSHED_BYTES = _process("flushed_bytes_total", BYTES, "Bytes written by flushes.", internal=True)

PROCESS = (
    RECORDS_READ, FACTS_READ, DEAD_LETTERS, BATCHES, EVENT_DELAY, APPEND_DELAY, FLUSH_SECONDS, FLUSHED_RECORDS,
    FLUSHED_BYTES,
)

CATALOGUE = (
    *ROWS, *HEALTH, *HEALTH_COMPANY, *VOICE, *VOICE_COMPANY, *SURVEYS, *SURGES, *OWNERS, *COMPANY, *FEEDS, *PROCESS,
)
"""Every metric, in the order of docs/metrics.md."""

BY_NAME = {metric.name: metric for metric in CATALOGUE}
