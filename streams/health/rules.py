"""What the definitions fix for perceived health: what customers need, when one is disrupted, and the colours.

Plain values; `streams.facts.definitions.health` reads them from a definitions file. Spans are microseconds.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from streams.ledger.rules import DAY, HOUR

if TYPE_CHECKING:
    from streams.facts.definitions.model import Comparison, Source

TIERS = {1: "pages", 2: "makes a ticket", 3: "is shown"}
"""What a stage's trouble does, by its tier."""

SHOWN = 3
"""Tier of a stage for which the definitions name none: nobody is woken who did not ask for it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What customers need of a service, stage and segment; None: any of them.

    `satisfied_us` is the T of Apdex; None: it is learnt from the service's own past although a wider threshold fits.
    """

    service: str | None
    stage: str | None
    segment: str | None
    satisfied_us: int | None

    def fits(self, service: str, stage: str, segment: str) -> bool:
        """Whether an interaction is judged by it, if none before it fits."""
        return self.service in (None, service) and self.stage in (None, stage) and self.segment in (None, segment)


@dataclass(frozen=True, slots=True)
class Colour:
    """From which lower bound of the share disrupted, or number of customers disrupted, a scope has a colour."""

    share: float
    customers: int


@dataclass(frozen=True, slots=True)
class Disruption:
    """When a customer is disrupted in a minute.

    Attributes:
        share: at least this share of its interactions was bad.
        tolerating_is_bad: an interaction is bad as soon as it is not satisfied, not only when it is frustrated.
    """

    share: float = 0.5
    tolerating_is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Learning:
    """How T is learnt where no need is stated: `margin` times the slowest usual hour of the same time of day.

    Attributes:
        days: how many days back.
        around_hours: hours before and after the same time of day that count too.
        after_us: how much past there must be before anything is judged by it.
        quantile: of an hour's latencies, which stands for the hour.
    """

    margin: float = 1.4
    days: int = 7
    around_hours: int = 2
    after_us: int = DAY
    quantile: float = 0.95


@dataclass(frozen=True, slots=True)
class SubsetRules:
    """Which subsets may be named.

    Attributes:
        per_week: false namings that are put up with in a week.
        least: customers disrupted in a subset that is named.
        leave_out: attributes that are never part of a name.
    """

    per_week: float = 1.0
    least: int = 5
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HealthSource:
    """Records of a source in its own words, and what they say.

    Attributes:
        drop: they say nothing, and are counted under its name.
        customers_otherwise: customers that a signal stands for where its field is silent.
    """

    name: str
    when: "tuple[Comparison, ...]"
    drop: bool
    fields: "dict[str, Source]"
    attributes: "dict[str, Source]" = field(default_factory=dict)
    latency_unit_us: int = 1_000
    customers_otherwise: int = 1
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class HealthRules:
    """All that perceived health is judged by.

    Attributes:
        native: records in the native format are read as they are.
        signals, statuses: the sources' own words, in the order in which they are tried.
        own_topics: the company's own topics of signals, by their full names.
        horizon_us: how far back signals may arrive in any order.
        least: customers disrupted below which no scope has a colour by its share.
        status_stale_us: how long a word of operations holds that is not said again; then nothing is known.
        before_leaving_us: days before a loss in which a disruption counts as one before it.
    """

    horizon_us: int = 36 * HOUR
    thresholds: tuple[Threshold, ...] = ()
    learning: Learning = Learning()
    disruption: Disruption = Disruption()
    yellow: Colour = Colour(0.05, 1_000)
    red: Colour = Colour(0.10, 10_000)
    least: int = 3
    subsets: SubsetRules = SubsetRules()
    status_stale_us: int = DAY
    before_leaving_us: int = 14 * DAY
    native: bool = True
    signals: tuple[HealthSource, ...] = ()
    statuses: tuple[HealthSource, ...] = ()
    own_topics: tuple[str, ...] = ()

    def satisfied_us(self, service: str, stage: str, segment: str) -> int | None:
        """The T stated for an interaction; None: none is, so it is learnt."""
        for threshold in self.thresholds:
            if threshold.fits(service, stage, segment):
                return threshold.satisfied_us
        return None
