"""Definitions, checked: one agreement for the whole company on what its silos' records mean.

Plain values; `streams.facts.definitions.read` makes them from the tree of a definitions file, and
`streams.facts.mapping` turns them into functions. Spans and instants are microseconds, money is exact.
"""

from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from streams.facts.definitions.alerts import AlertRules
from streams.facts.definitions.tree import Fault
from streams.facts.models import LossKind
from streams.facts.money import Exact, Rates
from streams.health.rules import HealthRules
from streams.intake.rules import CUSTOMER_EVENTS, QOS_SIGNALS, SOCIAL_MENTIONS, SURVEY_RESPONSES, SurveyRules
from streams.ledger.rules import Lapse, LedgerRules, TrailingSpend
from streams.surges.own_series import OwnSeries
from streams.voice.rules import VoiceRules


@dataclass(frozen=True, slots=True)
class Path:
    """A field of a record: keys from the outside in."""

    keys: tuple[str, ...]

    @property
    def name(self) -> str:
        """How the file writes it."""
        return ".".join(self.keys)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same text or number for every record; numbers are kept as the file writes them."""

    text: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A mapping table: the text of a field to another text. `otherwise` None: the source is silent."""

    path: Path
    table: dict[str, str]
    otherwise: str | None


@dataclass(frozen=True, slots=True)
class Money:
    """A decimal of major units (`in_minor`: whole minor units), in a fixed currency or the one a field names."""

    number: Path
    currency: str | Path
    in_minor: bool = False


@dataclass(frozen=True, slots=True)
class Time:
    """A time: text in the silo's zone, or with `unit_us` a number of units since 1970."""

    path: Path
    unit_us: int | None = None


@dataclass(frozen=True, slots=True)
class InstantPlus:
    """A constant instant plus a field times a unit."""

    start: int
    path: Path
    unit_us: int


@dataclass(frozen=True, slots=True)
class Hash:
    """A short hash of fields that together tell one record from another."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """An id of a silo's own, which link facts join to the company's: `silo:id` until one does, see `linked_id`."""

    silo: str
    path: Path


def linked_id(silo: str, silo_id: str) -> str:
    """The customer id of a silo's own id that no link names yet."""
    return f"{silo}:{silo_id}"


Source = Path | Constant | Lookup | Time | InstantPlus | Hash | Linked


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field against constants.

    `operator` is `is` (=), `in`, `below` (<), `above` (>) or `empty`. For `empty` the one constant is a bool;
    below and above compare numbers.
    """

    path: Path
    operator: str
    constants: tuple[str | Exact | bool, ...]


@dataclass(frozen=True, slots=True)
class FactTemplate:
    """One fact that a rule yields. `valued`: it carries the value of the value model."""

    kind: str
    fields: dict[str, Source]
    valued: bool
    when: tuple[Comparison, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Which records it is for, and the facts they yield; none: they are dropped, counted under its name."""

    name: str
    when: tuple[Comparison, ...]
    facts: tuple[FactTemplate, ...]


@dataclass(frozen=True, slots=True)
class OwnCount:
    """How a silo counts its customers by itself; it moves no number of the company's, reconciliation explains it.

    Attributes:
        rules: what its records mean to itself; None: what they mean to the company.
        leaving_at_once: a departure counts when it is announced, not when it takes effect.
        lapse: None: nobody is lost by silence.
        grouping_us: leaving and joining this close together is one change.
    """

    rules: tuple[Rule, ...] | None = None
    leaving_at_once: bool = True
    lapse: Lapse | None = None
    grouping_us: int = 0


@dataclass(frozen=True, slots=True)
class Silo:
    """A source system in its own words."""

    name: str
    when: tuple[Comparison, ...]
    customer_id: Source
    event_id: Source | None  # None: topic, partition and offset
    zone: ZoneInfo | None
    rules: tuple[Rule, ...]
    own_count: OwnCount = OwnCount()
    own_topics: tuple[str, ...] = ()  # by their full names; none: its records lie in customer-events


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Records for which all comparisons hold belong to this segment."""

    segment: str
    silo: str | None
    when: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason on the agreed list; `words` are the silos' words for it, its own name among them."""

    name: str
    kind: LossKind
    stage: str | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity that brings customers in; earned: it counts as a recommendation."""

    name: str
    earned: bool
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """Numbers joined by +, - and x. `operator` is `plus`, `minus` or `times`; operands go from left to right."""

    operator: str
    operands: tuple["Path | Exact | Formula", ...]


@dataclass(frozen=True, slots=True)
class FormulaValue:
    """A formula over fields, in major units of one currency."""

    formula: Formula
    currency: str | Path


@dataclass(frozen=True, slots=True)
class TableValue:
    """Minor units of the reporting currency by segment. `otherwise` None: the source is silent."""

    by_segment: dict[str, int]
    otherwise: int | None


@dataclass(frozen=True, slots=True)
class TrailingValue:
    """The sum of the amounts of facts of these kinds over a span; the ledger adds them up."""

    amount: Money
    span_us: int
    fact_kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class ValueModel:
    """What a customer is expected to be worth; `by_silo` where the silos' fields differ."""

    version: str
    default: "Money | FormulaValue | TableValue | TrailingValue | None"
    by_silo: dict[str, Money | FormulaValue | TableValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agreed:
    """Who agreed to the definitions, and the day, as the file writes them."""

    by: str
    at: str


@dataclass(frozen=True)
class Definitions:
    """A definitions file without a fault.

    `reasons_open` and `activities_open`: what is stated and not on the list counts as it is stated.
    `native_silo` is the silo of native records that name none; None: a field `fact` makes no record a native one.
    `native_topics` are own topics of native records, which lie there under other keys than the customer's.
    `series`: counted series of the company's own, which are watched for surges.
    `tiers`: stages of the customer's journey, and what trouble there does: 1 pages, 2 makes a ticket, 3 is shown.
    `warnings` are no faults: the file holds, and people should look.
    """

    name: str
    version: str
    currency: str
    time_zone: str
    value_model: ValueModel
    rates: Rates
    horizon_us: int
    grouping_us: int
    same_departure_us: int
    early_within_us: int
    future_skew_us: int
    lapse: Lapse | None = None
    precedence: tuple[str, ...] = ()
    customers_per_marble: int | None = None
    tiers: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, Reason] = field(default_factory=dict)
    reasons_open: bool = False
    activities: dict[str, Activity] = field(default_factory=dict)
    activities_open: bool = False
    segments: tuple[SegmentRule, ...] = ()
    silos: dict[str, Silo] = field(default_factory=dict)
    silo_field: Path | None = None
    native_silo: str | None = "native"
    native_topics: tuple[str, ...] = ()
    surveys: SurveyRules = field(default_factory=SurveyRules)
    health: HealthRules = field(default_factory=HealthRules)
    voice: VoiceRules = field(default_factory=VoiceRules)
    series: tuple[OwnSeries, ...] = ()
    alerts: AlertRules = field(default_factory=AlertRules)
    agreed: Agreed | None = None
    warnings: tuple[Fault, ...] = ()

    @property
    def stages(self) -> tuple[str, ...]:
        """Stages of the customer's journey, in their order; none: any stage counts as it is stated."""
        return tuple(self.tiers)

    @cached_property
    def own_topics(self) -> dict[str, str]:
        """The company's own topics, by their full names, and the feed that what they say belongs to."""
        feeds = {topic: CUSTOMER_EVENTS for silo in self.silos.values() for topic in silo.own_topics}
        feeds |= dict.fromkeys(self.native_topics, CUSTOMER_EVENTS)
        feeds |= dict.fromkeys(self.health.own_topics, QOS_SIGNALS)
        feeds |= dict.fromkeys(self.surveys.own_topics, SURVEY_RESPONSES)
        return feeds | dict.fromkeys(self.voice.own_topics, SOCIAL_MENTIONS)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The company's time zone, in which days begin."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def reason_by_word(self) -> dict[str, Reason]:
        """The agreed reason that a silo's word stands for."""
        return {word: reason for reason in self.reasons.values() for word in reason.words}

    @cached_property
    def activity_by_word(self) -> dict[str, Activity]:
        """The agreed activity that a silo's word stands for."""
        return {word: activity for activity in self.activities.values() for word in activity.words}

    @property
    def trailing(self) -> TrailingSpend | None:
        """The value model, if it is trailing spend."""
        model = self.value_model.default
        return TrailingSpend(model.span_us, model.fact_kinds) if isinstance(model, TrailingValue) else None

    def ledger_rules(self) -> LedgerRules:
        """What the fold of one customer needs to know."""
        return LedgerRules(
            horizon_us=self.horizon_us,
            grouping_us=self.grouping_us,
            same_departure_us=self.same_departure_us,
            early_within_us=self.early_within_us,
            lapse=self.lapse,
            trailing=self.trailing,
            precedence={silo: rank for rank, silo in enumerate(self.precedence)},
        )
