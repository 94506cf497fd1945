"""Surges on `/metrics`, exported by the worker that runs the detectors."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from agents.metric_families import MICROSECONDS, add_sample, family_of
from agents.surge_evidence import SurgeEvidence
from agents.survey_leads import SurveyLeads
from streams.catalogue import SURGES
from streams.catalogue_surges import SERIES_LABELS
from streams.drilldown.numbers import known
from streams.facts.money import minor_digits
from streams.facts.times import instant_of
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND
from streams.surges.actions import Action, done_before
from streams.surges.bank import SurgeBank
from streams.surges.board import MONTH_DAYS, VERDICTS, SurgeLog, false_alarm_budget
from streams.surges.durable import DurableSurges
from streams.surges.lead import SHOWN, STATES
from streams.surges.series import HAPPY_MENTIONS, LOST_VALUE, UNHAPPY_MENTIONS, series_of
from streams.surges.surge import Contribution, Surge
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

JUST_CLOSED_US = 2 * MINUTE
"""How long a surge that has ended is still shown, by the clock of the detectors."""

MOODS = {HAPPY_MENTIONS: "happy", UNHAPPY_MENTIONS: "unhappy"}
"""Measures of mentions whose expectation is shown for each brand."""

ACTIONS_US = 3 * HOUR
ACTION_TEXT = 120
"""Characters of an action's text that a page shows."""


class SurgeCollector(Collector):
    """Open surges and the detectors as metrics; nothing where another worker runs them."""

    def __init__(
        self, view: SurgeView, log: SurgeLog, *, label_limit: int, currency: str,
        evidence: SurgeEvidence | None = None, leads: SurveyLeads | None = None,
    ) -> None:  # fmt: skip
        """`log`: surges and verdicts, as read back; `evidence`, `leads`: what is known beyond their own count."""
        self._view = view
        self._log = log
        self._label_limit = label_limit
        self._unit = 10 ** minor_digits(currency)
        self._evidence = evidence
        self._leads = leads

    def describe(self) -> Iterable[Family]:
        """Nothing: registering does not collect."""
        return []

    def collect(self) -> Iterator[Family]:
        """Every family with its samples."""
        families = {metric.name: family_of(metric) for metric in SURGES}
        state = self._view.state if 0 in self._view.owned() else None
        if state is not None and state.bank.clock is not None:
            clock = state.bank.clock
            add_sample(families, "netgrowth_surges_clock_timestamp_seconds", clock / MICROSECONDS)
            if state.watching is not None:
                for one in State:
                    add_sample(families, "netgrowth_surge_series", state.watching.series[one], state=one.value)
                add_sample(families, "netgrowth_surge_warming_seconds", state.watching.warming_s)
            self._add_open(families, state)
            self._add_expected(families, state.bank)
            self._add_actions(families, state, clock)
            _add_ties(families, state)
            for topic, after in state.watch.limits().items():
                add_sample(families, "netgrowth_feed_silent_after_seconds", after / MICROSECONDS, topic=topic)
            if self._leads is not None:
                _add_leads(families, self._leads.found(clock), self._label_limit)
            month = utc_text(clock - MONTH_DAYS * DAY)
            judged = self._log.judged(month)
            for verdict in (*VERDICTS, "none"):
                add_sample(families, "netgrowth_surges_judged", judged[verdict], verdict=verdict)
            add_sample(families, "netgrowth_surges_false_alarm_budget", false_alarm_budget())
            add_sample(families, "netgrowth_surge_series_over_budget", len(self._log.over_budget(month)))
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
        closed, known = self._just_closed(state), {surge.surge_id for surge in surges}
        if self._evidence is not None:
            surges = [surge for surge in surges if self._evidence.is_ready(surge)]
        # The newest of them by name: in a storm there may be thousands.
        for surge in (*closed, *surges[-self._label_limit :]):
            self._add_surge(families, state, surge)
        if self._evidence is not None:
            self._evidence.forget(known | {surge.surge_id for surge in closed})

    def _add_expected(self, families: dict[str, Family], bank: SurgeBank) -> None:
        found = {}
        for key in bank.series():
            if (mood := MOODS.get(key.measure)) and len(key.labels) == 1 and key.labels[0][0] == "brand":
                expected = bank.expected_an_hour(key)
                if expected is not None:
                    found[key.labels[0][1], mood] = expected
        for brand, mood in sorted(found, key=lambda of: -found[of])[: 2 * self._label_limit]:
            add_sample(families, "netgrowth_mentions_expected", found[brand, mood], brand=brand, mood=mood)

    def _just_closed(self, state: DurableSurges) -> list[Surge]:
        """Surges whose end is not long ago, as they were told: their last numbers are for the note of the end."""
        clock = state.bank.clock or 0
        return [surge_of(event) for event in self._log.closed(utc_text(clock - JUST_CLOSED_US))][-self._label_limit :]

    def _add_surge(self, families: dict[str, Family], state: DurableSurges, surge: Surge) -> None:
        labels = {
            "surge": surge.surge_id, "story": surge.story, "direction": surge.direction,
            "is_expected": str(surge.is_expected).lower(),
        }  # fmt: skip
        labels |= {name: value for name, value in surge.series.shown().items() if name in SERIES_LABELS}
        unit = self._unit if surge.series.measure == LOST_VALUE else 1
        add_sample(families, "netgrowth_surge_observed", surge.observed / unit, **labels)
        add_sample(families, "netgrowth_surge_expected", surge.expected / unit, **labels)
        onset = surge.onset / MICROSECONDS
        add_sample(families, "netgrowth_surge_onset_timestamp_seconds", onset, **labels)
        clock = state.bank.clock or surge.detected
        if surge.closed is not None:
            closed = surge.closed / MICROSECONDS
            add_sample(families, "netgrowth_surge_closed_timestamp_seconds", closed, **labels)
        else:
            lump = max(1.0, state.bank.lump(surge.series.measure))
            course = state.recent.course(surge.series, clock, surge.step_s, lump)
            add_sample(families, "netgrowth_surge_course", course, surge=surge.surge_id)
        shown: Counter[str] = Counter()
        for one in sorted(surge.evidence, key=lambda one: -one.share):
            shown[one.label] += 1
            if shown[one.label] <= EVIDENCE_SHOWN:
                add_sample(
                    families, "netgrowth_surge_evidence_ratio", one.share, surge=surge.surge_id, label=one.label,
                    value=one.value,
                )  # fmt: skip
        done = done_before(surge, state.actions.values(), surge.closed or clock)
        for kind, text, start in _told(done[:EVIDENCE_SHOWN]):
            add_sample(
                families, "netgrowth_surge_action_timestamp_seconds", start, surge=surge.surge_id, kind=kind,
                text=text,
            )  # fmt: skip
        if self._evidence is not None:
            self._add_toll(families, self._evidence, surge)

    def _add_toll(self, families: dict[str, Family], evidence: SurgeEvidence, surge: Surge) -> None:
        of = {"surge": surge.surge_id}
        toll, before = evidence.toll(surge), evidence.before(surge)
        if toll is not None:
            add_sample(families, "netgrowth_surge_customers_lost", toll.customers, **of)
            add_sample(families, "netgrowth_surge_value_lost", toll.value / self._unit, **of)
            for reason, customers in toll.reasons.most_common(EVIDENCE_SHOWN):
                said = known(reason)
                add_sample(families, "netgrowth_surge_customers_lost_by_reason", customers, **of, reason=said)
            largest: dict[str, tuple[str, int]] = {}
            for (label, value), customers in toll.parts.most_common():
                largest.setdefault(label, (value, customers))
            for label, (value, customers) in largest.items():
                name = "netgrowth_surge_customers_lost_by_part"
                add_sample(families, name, customers, **of, label=label, value=value)
        if before is not None:
            add_sample(families, "netgrowth_surge_customers_lost_disrupted_before", before.disrupted, **of)
            name = "netgrowth_surge_customers_lost_disrupted_before_by_stage"
            for stage, customers in before.stages.most_common(EVIDENCE_SHOWN):
                add_sample(families, name, customers, **of, stage=stage)

    def _add_actions(self, families: dict[str, Family], state: DurableSurges, clock: int) -> None:
        recent = [action for action in state.actions.values() if clock - ACTIONS_US <= action.start <= clock]
        for action in sorted(recent, key=lambda one: -one.start)[: self._label_limit]:
            scope = {name: value for name, value in action.scope.items() if name in SERIES_LABELS}
            for kind, text, start in _told([action]):
                add_sample(families, "netgrowth_action_timestamp_seconds", start, kind=kind, text=text, **scope)


def surge_of(event: Mapping[str, Any]) -> Surge:
    """A closed surge as its last event tells it: the inverse of `Surge.shown`, but for the length of its slots."""
    onset, detected, closed = (instant_of(event[name], None) for name in ("onset", "detected", "closed"))
    return Surge(
        event["id"], series_of(event["series"]), onset, detected, event["direction"], event["observed"],
        event["expected"], 0, event["story"], closed,
        tuple(Contribution(one["label"], one["value"], one["share"]) for one in event["evidence"]),
        is_expected=bool(event.get("is_expected")),
    )  # fmt: skip


def _told(actions: Iterable[Action]) -> Iterator[tuple[str, str, float]]:
    """Kind, text and start of actions, the text cut to what fits in a sentence; each once."""
    told: dict[tuple[str, str], float] = {}
    for action in actions:
        text = " ".join(action.text.split())
        text = text if len(text) <= ACTION_TEXT else text[: ACTION_TEXT - 1] + "…"
        scope = ", ".join(f"{label} {value}" for label, value in sorted(action.scope.items()))
        text += f" ({scope})" if scope else ""
        told.setdefault((action.kind, text), action.start / MICROSECONDS)
    return ((kind, text, start) for (kind, text), start in told.items())


def _add_leads(families: dict[str, Family], leads: Sequence[Mapping[str, Any]], limit: int) -> None:
    """Counts by state, and of the newest troubles their lead by each figure of the surveys."""
    states = Counter(lead["state"] for lead in leads)
    for state in STATES:
        add_sample(families, "netgrowth_survey_troubles", states[state], state=state)
    for lead in [one for one in leads if one["state"] == SHOWN][-limit:]:
        figures = {name: told["lead_hours"] for name, told in lead["by"].items()} | {"first": lead["lead_hours"]}
        measure = lead["series"]["measure"]
        for name, hours in figures.items():
            add_sample(
                families, "netgrowth_survey_lead_seconds", hours * HOUR_S, story=lead["story"], measure=measure,
                by=name,
            )  # fmt: skip


def _add_ties(families: dict[str, Family], state: DurableSurges) -> None:
    for topic, tie in state.ties.items():
        leads = {"best": tie.lead_h, "low": tie.lead_low_h, "high": tie.lead_high_h}
        for bound, hours in leads.items():
            add_sample(families, "netgrowth_topic_loss_lead_seconds", hours * HOUR_S, topic=topic, bound=bound)
        strengths = {"best": tie.strength, "low": tie.strength_low, "high": tie.strength_high}
        for bound, strength in strengths.items():
            add_sample(families, "netgrowth_topic_loss_correlation_ratio", strength, topic=topic, bound=bound)
