"""The worker's state on `/metrics`: tables of the scopes that it owns, and the partitions that it reads.

Everything is asked for at the scrape, so that what was handed over is gone with the next one, and nothing that is not
known to be whole is shown.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import is_
from typing import Protocol

from prometheus_client.core import InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from streams.catalogue import COHORT_MONTHS, COMPANY, FEEDS, LABEL_OF_PARTS, ROWS
from streams.facts.definitions.model import Definitions
from streams.facts.money import minor_digits
from streams.ledger.counts import FactCounts
from streams.ledger.movements import Ignored
from streams.tables.folding import folded
from streams.tables.labels import LABELS, members
from streams.tables.rows import Row
from streams.tables.scopes import THE_TOTAL, ScopeKey
from streams.tables.series import SERIES_BUDGET, Cuts, Number, cuts, metrics_of, numbers_of
from streams.tables.windows import WINDOW_NAMES


class CompanyView(Protocol):
    """The tables of the whole company, as a worker has them.

    Attributes:
        clock: of the tables, microseconds; None: not known yet.
        complete: whether the worker has caught up; else nothing of the tables is shown.
        shows: whether the edition of these tables is in force; else nothing of them is shown either.
        definitions: those in force.
    """

    @property
    def clock(self) -> int | None: ...

    @property
    def complete(self) -> bool: ...

    @property
    def shows(self) -> Callable[[], bool]: ...

    @property
    def definitions(self) -> Definitions: ...

    def rows(self, window: str, *, before: bool = False) -> Mapping[ScopeKey, Row]:
        """Every scope's row; the same object as long as nothing changed in it."""
        ...

    def owns(self, scope: ScopeKey) -> bool:
        """Whether this worker exports a scope now. Asked for `other` too, which may be no scope of the tables."""
        ...

    def cohorts(self) -> list[dict[str, int | str]]:
        """Customers by month of joining, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class FeedState:
    """One partition of an input topic, now. Times are microseconds; None: not known."""

    topic: str
    partition: int
    owned: bool
    recovering: bool = False
    idle: bool = False
    watermark_us: int | None = None
    newest_append_us: int | None = None
    lag: int | None = None
    bytes_in_flight: int = 0
    records_in_flight: int = 0
    lost_to_retention: int = 0
    facts: FactCounts | None = None
    """What became of the facts in the partition's ledger, as restored and counted since."""


class FeedView(Protocol):
    """The partitions that a worker reads."""

    def feeds(self) -> Iterable[FeedState]:
        """Each once; one that is not owned shows nothing."""
        ...


@dataclass(slots=True)
class _Chunk:
    """The lines of one scope and window, with the rows that they were made from."""

    rows: list[Row]
    lines: list[tuple[int, str]]  # place of the metric in ROWS, text


class CompanyCollector(Collector):
    """Tables as metrics.

    `collect` is for a registry, `text` for the page: the same lines, made anew only for rows that changed.
    """

    def __init__(self, view: CompanyView, *, label_limit: int, series_budget: int = SERIES_BUDGET) -> None:
        self._view = view
        self._label_limit = label_limit
        self._budget = series_budget
        self._cuts: Cuts | None = None
        self._cut_from: list[Row] = []
        self._chunks: dict[tuple[str | None, ScopeKey], _Chunk] = {}
        self._members: dict[ScopeKey, list[ScopeKey]] = {}
        self._members_of: object = None

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in ROWS}
        for scope, window, rows in self._shown():
            labels = _scope_labels(scope, window)
            for place, part, number in self._numbers(scope, window, rows):
                metric = ROWS[place]
                own = labels | {LABEL_OF_PARTS[metric.parts]: part} if metric.parts else labels
                families[metric.name].add_sample(metric.name, own, number)
        yield from (family for family in families.values() if family.samples)
        yield from self.others()

    def others(self) -> Iterator[Family]:
        """The families that are not of rows: clock, definitions, cohorts, the guard's own."""
        view = self._view
        families = {metric.name: family_of(metric) for metric in COMPANY}
        add_sample(families, "netgrowth_in_force", int(view.shows()))
        if not view.shows():
            yield families["netgrowth_in_force"]
            return
        info = InfoMetricFamily("netgrowth_definitions", _about("netgrowth_definitions_info"))
        named = view.definitions
        info.add_metric([], {"name": named.name, "version": named.version, "currency": named.currency})
        families["netgrowth_definitions_info"] = info
        add_sample(families, "netgrowth_tables_complete", int(view.complete))
        if view.clock is not None:
            add_sample(families, "netgrowth_tables_clock_timestamp_seconds", view.clock / MICROSECONDS)
        add_sample(families, "netgrowth_table_series_budget", self._budget)
        if view.complete and view.clock is not None:
            self._add_guard(families)
            if view.owns(THE_TOTAL):
                self._add_cohorts(families)
        yield from (family for family in families.values() if family.samples)

    def text(self) -> str:
        """The families of rows in the text format, the same for plain text and OpenMetrics."""
        blocks: list[list[str]] = [[] for _ in ROWS]
        kept: dict[tuple[str | None, ScopeKey], _Chunk] = {}
        for scope, window, rows in self._shown():
            chunk = self._chunks.get((window, scope))
            if chunk is None or len(chunk.rows) != len(rows) or not all(map(is_, chunk.rows, rows)):
                chunk = _Chunk(rows, self._lines(scope, window, rows))
            kept[window, scope] = chunk
            for place, line in chunk.lines:
                blocks[place].append(line)
        self._chunks = kept
        return "".join(_HEADS[place] + "".join(block) for place, block in enumerate(blocks) if block)

    def _shown(self) -> Iterator[tuple[ScopeKey, str | None, list[Row]]]:
        """Scopes that this worker exports now, by window (None: those without), and the rows they consist of."""
        view = self._view
        if not view.complete or view.clock is None or not view.shows():
            return
        everything = view.rows("all")
        now = self._cut(everything)
        consists_of = self._consisting(everything, now)
        owned = [(scope, parts) for scope, parts in consists_of.items() if view.owns(scope)]
        for window in (None, *WINDOW_NAMES):
            rows = everything if window in (None, "all") else view.rows(window)
            for scope, parts in owned:
                if metrics_of(scope[0], window) and (found := [rows[part] for part in parts if part in rows]):
                    yield scope, window, found

    def _cut(self, everything: Mapping[ScopeKey, Row]) -> Cuts:
        rows = list(everything.values())
        if self._cuts is None or len(rows) != len(self._cut_from) or not all(map(is_, rows, self._cut_from)):
            now = cuts(everything, self._label_limit, self._budget)
            if self._cuts is None or _names(now) != _names(self._cuts):
                self._chunks.clear()
            self._cuts, self._cut_from = now, rows
        return self._cuts

    def _consisting(self, everything: Mapping[ScopeKey, Row], now: Cuts) -> dict[ScopeKey, list[ScopeKey]]:
        key = (list(everything), _names(now))
        if key != self._members_of:
            self._members, self._members_of = members(everything, now.labels), key
        return self._members

    def _numbers(self, scope: ScopeKey, window: str | None, rows: list[Row]) -> Iterator[Number]:
        assert self._cuts is not None
        definitions = self._view.definitions
        row = folded(rows, definitions.customers_per_marble)
        return numbers_of(row, scope[0], window, self._cuts.labels, minor_digits(definitions.currency))

    def _lines(self, scope: ScopeKey, window: str | None, rows: list[Row]) -> list[tuple[int, str]]:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in _scope_labels(scope, window).items())
        lines = []
        for place, part, number in self._numbers(scope, window, rows):
            if part:
                own = f'{labels},{LABEL_OF_PARTS[ROWS[place].parts]}="{_escaped(part)}"'
                lines.append((place, f"{ROWS[place].name}{{{own}}} {number}\n"))
            else:
                lines.append((place, f"{ROWS[place].name}{{{labels}}} {number}\n"))
        return lines

    def _add_guard(self, families: dict[str, Family]) -> None:
        everything = self._view.rows("all")
        if not everything:
            return
        now = self._cut(everything)
        add_sample(families, "netgrowth_table_series", now.series)
        for label in LABELS:
            cut = now.labels[label]
            add_sample(families, "netgrowth_label_values", cut.values, label=label)
            add_sample(families, "netgrowth_label_values_shown", len(cut.shown), label=label)
            add_sample(families, "netgrowth_label_cut_ratio", cut.share, label=label)

    def _add_cohorts(self, families: dict[str, Family]) -> None:
        for line in self._view.cohorts()[-COHORT_MONTHS:]:
            month = str(line["month"])
            add_sample(families, "netgrowth_cohort_customers_joined", line["joined"], month=month)
            add_sample(families, "netgrowth_cohort_customers_still_here", line["still_here"], month=month)
            for within in ("30d", "90d", "365d"):
                lost = line[f"lost_{within}"]
                add_sample(families, "netgrowth_cohort_customers_lost", lost, month=month, within=within)


class FeedCollector(Collector):
    """The partitions that this worker reads, as metrics."""

    def __init__(self, view: FeedView, expected: Mapping[str, int]) -> None:
        """`expected`: topic to the number of its partitions."""
        self._view = view
        self._expected = expected

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in FEEDS}
        for topic, count in self._expected.items():
            add_sample(families, "netgrowth_partitions_expected", count, topic=topic)
        for feed in self._view.feeds():
            if feed.owned:
                self._add_feed(families, feed)
        yield from (family for family in families.values() if family.samples)

    def _add_feed(self, families: dict[str, Family], feed: FeedState) -> None:
        labels = {"topic": feed.topic, "partition": str(feed.partition)}
        numbers: dict[str, int | float | None] = {
            "netgrowth_partition_owned": 1,
            "netgrowth_partition_recovering": int(feed.recovering),
            "netgrowth_partition_idle": int(feed.idle),
            "netgrowth_watermark_timestamp_seconds": _seconds(feed.watermark_us),
            "netgrowth_newest_append_timestamp_seconds": _seconds(feed.newest_append_us),
            "netgrowth_partition_lag_records": feed.lag,
            "netgrowth_partition_in_flight_records": feed.records_in_flight,
            "netgrowth_partition_in_flight_bytes": feed.bytes_in_flight,
            "netgrowth_partition_lost_to_retention_records": feed.lost_to_retention,
        }
        for name, number in numbers.items():
            if number is not None:
                add_sample(families, name, number, **labels)
        if feed.facts is not None and not feed.recovering:
            for outcome, n in fact_outcomes(feed.facts).items():
                add_sample(families, "netgrowth_partition_facts", n, outcome=outcome, **labels)
            beyond = feed.facts.beyond_horizon
            add_sample(families, "netgrowth_partition_facts_beyond_horizon", beyond, **labels)
            late = feed.facts.links_too_late
            add_sample(families, "netgrowth_partition_links_too_late", late, **labels)


def fact_outcomes(counts: FactCounts) -> dict[str, int]:
    """Facts by what became of them, every outcome there is; they sum to all facts."""
    found = {"applied": counts.applied - counts.pending, "pending": counts.pending}
    return found | {reason.value: counts.ignored.get(reason.value, 0) for reason in Ignored}


def _seconds(us: int | None) -> float | None:
    return None if us is None else us / MICROSECONDS


def _scope_labels(scope: ScopeKey, window: str | None) -> dict[str, str]:
    dimension, first, second = scope
    labels = {"scope": dimension}
    if dimension == "segment_region":
        labels |= {"segment": first, "region": second}
    elif dimension != "total":
        labels[dimension] = first
    if window is not None:
        labels["window"] = window
    return labels


def _about(name: str) -> str:
    return next(metric.about for metric in COMPANY if metric.name == name)


def _names(now: Cuts) -> dict[str, tuple[frozenset[str], bool]]:
    return {label: (cut.shown, cut.folds) for label, cut in now.labels.items()}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


_HEADS = [f"# HELP {metric.name} {metric.about}\n# TYPE {metric.name} {metric.kind}\n" for metric in ROWS]
