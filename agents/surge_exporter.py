"""Surges on `/metrics`, exported by the worker that runs the detectors."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from streams.catalogue import SURGES
from streams.catalogue_surges import SERIES_LABELS
from streams.ledger.rules import DAY, HOUR, SECOND
from streams.surges.board import MONTH_DAYS, VERDICTS, SurgeLog, false_alarm_budget
from streams.surges.durable import DurableSurges
from streams.surges.verdict import State
from streams.tables.calendar import utc_text

HOUR_S = HOUR // SECOND


class SurgeView(Protocol):
    """The detectors, where this worker runs them."""

    @property
    def state(self) -> DurableSurges | None:
        """The bank, if it is here and recovered."""
        ...

    def owned(self) -> set[int]:
        """0, the one partition of the surges, if this worker speaks for it now."""
        ...

EVIDENCE_SHOWN = 3
"""Values of each label that are shown of an open surge: what a page names."""


class SurgeCollector(Collector):
    """Open surges and the detectors as metrics; nothing where another worker runs them."""

    def __init__(self, view: SurgeView, log: SurgeLog, *, label_limit: int) -> None:
        """`log`: surges and verdicts, as read back."""
        self._view = view
        self._log = log
        self._label_limit = label_limit

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in SURGES}
        state = self._view.state if 0 in self._view.owned() else None
        if state is not None and state.bank.clock is not None:
            bank, clock = state.bank, state.bank.clock
            add_sample(families, "netgrowth_surges_clock_timestamp_seconds", clock / MICROSECONDS)
            states = Counter(bank.state(key)[0] for key in bank.series())
            for one in State:
                add_sample(families, "netgrowth_surge_series", states[one], state=one.value)
            self._add_open(families, state)
            _add_ties(families, state)
            judged = self._log.judged(utc_text(clock - MONTH_DAYS * DAY))
            for verdict in (*VERDICTS, "none"):
                add_sample(families, "netgrowth_surges_judged", judged[verdict], verdict=verdict)
            add_sample(families, "netgrowth_surges_false_alarm_budget", false_alarm_budget())
        yield from (family for family in families.values() if family.samples)

    def _add_open(self, families: dict[str, Family], state: DurableSurges) -> None:
        counts: Counter[tuple[str, str, bool]] = Counter()
        surges = [state.marked(surge) for surge in state.bank.open_surges()]
        for surge in surges:
            counts[surge.series.measure, surge.direction, surge.is_expected] += 1
        for (measure, direction, is_expected), number in counts.items():
            expected = str(is_expected).lower()
            add_sample(
                families, "netgrowth_surges_open", number, measure=measure, direction=direction, is_expected=expected
            )
        # The newest of them by name: in a storm there may be thousands.
        for surge in surges[-self._label_limit :]:
            labels = {
                "surge": surge.surge_id, "story": surge.story, "direction": surge.direction,
                "is_expected": str(surge.is_expected).lower(),
            }  # fmt: skip
            labels |= {name: value for name, value in surge.series.shown().items() if name in SERIES_LABELS}
            add_sample(families, "netgrowth_surge_observed", surge.observed, **labels)
            add_sample(families, "netgrowth_surge_expected", surge.expected, **labels)
            onset = surge.onset / MICROSECONDS
            add_sample(families, "netgrowth_surge_onset_timestamp_seconds", onset, **labels)
            shown: Counter[str] = Counter()
            for one in sorted(surge.evidence, key=lambda one: -one.share):
                shown[one.label] += 1
                if shown[one.label] <= EVIDENCE_SHOWN:
                    add_sample(
                        families, "netgrowth_surge_evidence_ratio", one.share, surge=surge.surge_id, label=one.label,
                        value=one.value,
                    )  # fmt: skip


def _add_ties(families: dict[str, Family], state: DurableSurges) -> None:
    for topic, tie in state.ties.items():
        leads = {"best": tie.lead_h, "low": tie.lead_low_h, "high": tie.lead_high_h}
        for bound, hours in leads.items():
            add_sample(families, "netgrowth_topic_loss_lead_seconds", hours * HOUR_S, topic=topic, bound=bound)
        strengths = {"best": tie.strength, "low": tie.strength_low, "high": tie.strength_high}
        for bound, strength in strengths.items():
            add_sample(families, "netgrowth_topic_loss_correlation_ratio", strength, topic=topic, bound=bound)
