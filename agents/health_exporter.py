"""Perceived health on `/metrics`: the scopes that this worker owns, and how far the signals have come."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from streams.catalogue import HEALTH, HEALTH_COMPANY
from streams.facts.definitions.model import Definitions
from streams.facts.money import minor_digits
from streams.health.live.company import CompanyHealth
from streams.health.live.health_now import detection
from streams.health.live.running import WINDOWS
from streams.health.partition import Distinct
from streams.health.parts import ScopeCounts, ScopeName
from streams.health.rules import SHOWN
from streams.health.shares import ColourName, apdex, colour, share_interval
from streams.health.status import FalseGreen
from streams.health.tables import QUANTILES, ScopeHealth
from streams.ledger.rules import HOUR, MINUTE
from streams.report.wording import subset_words
from streams.voice.now import OTHER

COLOURS = {ColourName.GREEN: 0, ColourName.YELLOW: 1, ColourName.RED: 2}

OF_PARTS = "1h"
"""The window that parts of stages, segment x region, are shown for."""

MOST_PARTS = 500
"""Parts of stages under their own names, those with the most customers disrupted; the others of a stage are other."""


MOST_SUBSETS = 10
"""Subsets named that are shown, those with the most customers disrupted."""


class HealthView(Protocol):
    """Health of the whole company, as a worker has it.

    Attributes:
        health: all partitions put together.
        definitions: those in force.
    """

    health: CompanyHealth
    definitions: Definitions

    @property
    def complete(self) -> bool:
        """Whether the worker has caught up; else nothing is shown."""

    def owns(self, scope: ScopeName) -> bool:
        """Whether this worker exports a scope now."""


class HealthCollector(Collector):
    """Health as metrics."""

    def __init__(self, view: HealthView, *, label_limit: int) -> None:
        self._view = view
        self._label_limit = label_limit

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in (*HEALTH, *HEALTH_COMPANY)}
        view, health = self._view, self._view.health
        add_sample(families, "netgrowth_health_complete", int(view.complete))
        if view.complete and health.clock is not None:
            add_sample(families, "netgrowth_health_clock_timestamp_seconds", health.clock / MICROSECONDS)
            add_sample(families, "netgrowth_health_customers_in_trouble", health.in_trouble)
            self._add_subsets(families, health.clock)
            self._add_statuses(families)
            self._add_troubles(families)
            self._add_exposure(families)
            self._add_scopes(families)
            self._add_false_greens(families)
        yield from (family for family in families.values() if family.samples)

    def _add_subsets(self, families: dict[str, Family], clock: int) -> None:
        fresh = [one for one in self._view.health.named if one.last > clock - HOUR]
        add_sample(families, "netgrowth_health_subsets_named", len(fresh))
        shown: dict[tuple[str, str, str], int] = {}
        for one in sorted(fresh, key=lambda one: -one.disrupted)[:MOST_SUBSETS]:
            key = *one.kind, subset_words({choice.attribute: choice.values for choice in one.subset.choices})
            shown[key] = max(shown.get(key, 0), one.disrupted)
        for (service, stage, subset), disrupted in shown.items():
            name = "netgrowth_health_subset_customers_disrupted"
            add_sample(families, name, disrupted, service=service, stage=stage, subset=subset)

    def _add_statuses(self, families: dict[str, Family]) -> None:
        book = self._view.health.statuses
        last: dict[str, tuple[int, int | None]] = {}
        for feed in book.feeds:
            minute, level = book.steps(feed)[-1]
            said, worst = last.get(feed[0], (0, None))
            if not book.is_stale(feed, self._view.health.passed):
                worst = level if worst is None else max(worst, level)
            last[feed[0]] = max(said, minute), worst
        add_sample(families, "netgrowth_health_status_known", int(self._view.health.status_is_known))
        for service in sorted(last)[: self._label_limit]:
            minute, known = last[service]
            if known is not None:
                add_sample(families, "netgrowth_health_service_status", known, service=service)
            at = minute * MINUTE / MICROSECONDS
            add_sample(families, "netgrowth_health_service_status_timestamp_seconds", at, service=service)

    def _add_troubles(self, families: dict[str, Family]) -> None:
        told = detection(self._view.health)
        known, lost = told.get("first_to_know"), told["before_loss"]
        numbers = {
            "troubles": lost["troubles"], "troubles_left_after": lost["left_after"],
            "lead_before_loss_seconds": lost.get("median_seconds"),
        }  # fmt: skip
        if known is not None:
            numbers |= {"troubles_complained_of": known["complained_of"], "first_to_know_ratio": known.get("share")}
        for name, number in numbers.items():
            if number is not None:
                add_sample(families, f"netgrowth_health_{name}", number)

    def _add_exposure(self, families: dict[str, Family]) -> None:
        told = self._view.health.exposure.told()
        if told is None:
            return
        left: dict[str, list[int]] = {}
        for place, row in enumerate(told["by_reason"]):
            numbers = left.setdefault(row["reason"] if place < self._label_limit else OTHER, [0, 0])
            numbers[0] += row["disrupted_before"]
            numbers[1] += row["customers"] - row["disrupted_before"]
        for reason, numbers in left.items():
            for disrupted, number in zip(("yes", "no"), numbers, strict=True):
                add_sample(families, "netgrowth_health_leavers", number, reason=reason, disrupted=disrupted)
        hurt = told["stayed"]["disrupted_before"]
        add_sample(families, "netgrowth_health_stayers", hurt, disrupted="yes")
        add_sample(families, "netgrowth_health_stayers", told["stayed"]["customers"] - hurt, disrupted="no")
        ratio = told.get("risk_ratio", {})
        for bound, name in (("estimate", "ratio"), ("lower", "lower"), ("upper", "upper")):
            if name in ratio:
                add_sample(families, "netgrowth_health_leaving_risk_ratio", ratio[name], bound=bound)

    def _add_scopes(self, families: dict[str, Family]) -> None:
        view = self._view
        for window in WINDOWS:
            rows = view.health.windows.rows(window, wholes=window != OF_PARTS)
            wholes = {scope: row for scope, row in rows.items() if scope.segment is None}
            shown = folded(wholes, self._label_limit, lambda scope: ScopeName(OTHER, OTHER, None, None))
            if window == OF_PARTS:
                parts = {
                    scope: row for scope, row in rows.items()
                    if scope.segment is not None and ScopeName(*scope[:2], None, None) in shown
                }  # fmt: skip
                kept = folded(parts, MOST_PARTS, lambda scope: ScopeName(*scope[:2], OTHER, OTHER))
                add_sample(families, "netgrowth_health_scopes", len(rows) - len(wholes))
                add_sample(families, "netgrowth_health_scopes_shown", min(len(parts), MOST_PARTS))
                shown |= kept
            for scope, row in shown.items():
                if view.owns(scope):
                    self._add_scope(families, scope, window, row)

    def _add_scope(self, families: dict[str, Family], scope: ScopeName, window: str, row: ScopeHealth) -> None:
        definitions, labels = self._view.definitions, labels_of(scope) | {"window": window}
        counts, customers, disrupted = row.counts, row.customers, row.disrupted
        numbers: dict[str, float] = {
            "customers_seen": customers, "customers_disrupted": disrupted,
            "customer_disruption_seconds": counts.customer_minutes * 60,
        }  # fmt: skip
        interval = share_interval(disrupted, customers)
        if interval is not None:
            numbers["share_lower_ratio"] = interval[0]
            numbers["colour"] = COLOURS[colour(definitions.health, disrupted, customers)]
        index = apdex(*counts.interactions)
        if index is not None:
            numbers["apdex_ratio"] = index
        unknown = row.distinct.value_unknown + counts.summed_disrupted
        numbers["customers_of_unknown_value"] = unknown
        if unknown < disrupted or not disrupted:
            numbers["value_at_risk"] = row.distinct.value / 10 ** minor_digits(definitions.currency)
        if counts.probes[0]:
            numbers |= {"probes_sent": counts.probes[0], "probes_failed": counts.probes[1]}
        for name, number in numbers.items():
            add_sample(families, f"netgrowth_health_{name}", number, **labels)
        if scope.segment is not None:
            return
        if scope.service == OTHER:
            return
        for share, us in zip(QUANTILES, self._view.health.windows.latencies(scope, window) or (), strict=False):
            add_sample(families, "netgrowth_health_latency_seconds", us / MICROSECONDS, q=str(share), **labels)
        if window == OF_PARTS:
            said = self._view.health.statuses.level(scope, self._view.health.passed)
            if said is not None:
                add_sample(
                    families, "netgrowth_health_stage_status", said, service=scope.service, stage=scope.stage
                )
            tier = definitions.tiers.get(scope.stage, SHOWN)
            add_sample(families, "netgrowth_health_stage_tier", tier, service=scope.service, stage=scope.stage)

    def _add_false_greens(self, families: dict[str, Family]) -> None:
        for one in sorted(self._view.health.lasting(), key=_longest)[:MOST_PARTS]:
            if self._view.owns(one.scope):
                labels = labels_of(one.scope)
                add_sample(families, "netgrowth_health_false_green_seconds", one.minutes * 60, **labels)
                since = one.start * MINUTE / MICROSECONDS
                add_sample(families, "netgrowth_health_false_green_since_timestamp_seconds", since, **labels)


def _longest(one: FalseGreen) -> tuple[bool, int]:
    return one.scope.segment is not None, -one.minutes


def labels_of(scope: ScopeName) -> dict[str, str]:
    """A scope as labels; segment and region are left out for a stage as a whole."""
    labels = {name: value for name, value in scope._asdict().items() if value is not None}
    return {"scope": "stage" if scope.segment is None else "segment_region", **labels}


def folded(
    rows: Mapping[ScopeName, ScopeHealth], most: int, into: Callable[[ScopeName], ScopeName]
) -> dict[ScopeName, ScopeHealth]:
    """The rows with the most customers disrupted, then seen; the others added up under another name."""
    if len(rows) <= most:
        return dict(rows)
    ordered = sorted(rows, key=lambda scope: (-rows[scope].disrupted, -rows[scope].customers, str(scope)))
    found = {scope: rows[scope] for scope in ordered[:most]}
    for scope in ordered[most:]:
        other = found.get(name := into(scope))
        if other is None:
            other = found[name] = ScopeHealth(ScopeCounts(), Distinct())
        other.counts.add(rows[scope].counts)
        other.distinct.add(rows[scope].distinct)
    return found
