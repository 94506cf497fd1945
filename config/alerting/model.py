"""What an alert is: plain values, from which rule files and the list of runbooks are made.

An expression names metrics of the catalogue (`streams.catalogue`) or recorded ones; a test holds it to that. Labels
of a worker's process (`instance`) never stay on what comes out of a table, or every rebalance would resolve an alert
and fire it anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Severity(StrEnum):
    """What an alert does."""

    CRITICAL = "critical"  # wakes someone
    WARNING = "warning"  # makes a ticket
    INFO = "info"  # is only shown


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded series: `level:metric:operation`."""

    record: str
    expr: str


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert.

    Attributes:
        expr: PromQL; true while there is trouble.
        owner: label by which Alertmanager routes it.
        summary: one sentence, the same for all alerts of a group.
        description: this alert in sentences, in whole customers and money; a template of Prometheus.
        pending: how long `expr` must hold, as Prometheus writes it; empty: not at all.
        keep: how long it goes on firing after `expr` no longer holds: a hand-over between workers leaves a gap.
        cause: what the trouble is about; alerts of one owner and cause arrive as one page.
        resolved: what is told when it is over, a template like `description`; empty: that it is over.
        links: further annotations: addresses, and what to type.
        feed: input topic that the alert depends on, as a label, so that a silent feed silences it; empty: none.
    """

    name: str
    severity: Severity
    owner: str
    expr: str
    summary: str
    description: str
    pending: str = ""
    keep: str = ""
    cause: str = "monitor"
    feed: str = ""
    resolved: str = ""
    links: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, recordings first, since alerts read them."""

    name: str
    recordings: tuple[Recording, ...]
    alerts: tuple[Alert, ...]
    interval: str = ""
