"""PromQL of the boards: of table state the maximum by scope, since around a hand-over two workers may show it."""

from config.alerting.monitor import SILENT
from streams.catalogue import BY_NAME

FACTS, SIGNALS, MENTIONS = "customer-events", "qos-signals", "social-mentions"
"""Feeds."""

JOB = 'job=~"$job"'
SERVICE = 'service=~"$service"'
PARTS = 'segment=~"$segment",region=~"$region"'


def unless_silent(expression: str, feed: str) -> str:
    """What is made from a feed; no data while that is silent, as its numbers are unknown then, never zero."""
    return f'({expression} unless on () {SILENT}{{topic="{feed}"}})'


def total(name: str, window: str | None = "$window") -> str:
    """A metric of the tables for the whole company."""
    return unless_silent(f"max({_metric(name)}{{{_labels('total', window)}}})", FACTS)


def by(label: str, name: str, window: str | None = "$window") -> str:
    """A metric of the tables for each segment, region or product."""
    values = f',{label}=~"${label}"'
    return unless_silent(f"max by ({label}) ({_metric(name)}{{{_labels(label, window)}{values}}})", FACTS)


def parts(label: str, name: str, window: str | None = "$window", scope: str = "total") -> str:
    """A metric of the tables by reason, kind or activity."""
    return unless_silent(f"max by ({label}) ({_metric(name)}{{{_labels(scope, window)}}})", FACTS)


def of_brand(name: str, *keep: str, window: str | None = "$window", mood: str = "") -> str:
    """A metric of mentions for each brand; `window` None: it has none."""
    kept = ", ".join(("brand", *keep))
    chosen = {"window": window, "mood": mood or None}
    where = 'brand=~"$brand"' + "".join(f',{label}="{value}"' for label, value in chosen.items() if value is not None)
    return unless_silent(f"max by ({kept}) ({_metric(name)}{{{JOB},{where}}})", MENTIONS)


def of_stage(name: str, *keep: str, window: str | None = "$window") -> str:
    """A metric of health for each service and stage as a whole; `window` None: it has neither scope nor window."""
    kept = ", ".join(("service", "stage", *keep))
    where = SERVICE + ("" if window is None else f',scope="stage",window="{window}"')
    return unless_silent(f'max by ({kept}) ({_metric(f"health_{name}")}{{{JOB},{where}}})', SIGNALS)


def of_part(name: str) -> str:
    """A metric of health for each segment and region of a service and stage, over the last hour."""
    where = f'{SERVICE},{PARTS},scope="segment_region",window="1h"'
    part = f"max by (service, stage, segment, region) ({_metric(f'health_{name}')}{{{JOB},{where}}})"
    return unless_silent(part, SIGNALS)


def of_spell(name: str) -> str:
    """A metric of the false green of each service and stage as a whole."""
    return f'max by (service, stage) ({_metric(f"health_{name}")}{{{JOB},{SERVICE},scope="stage"}})'


def plain(name: str, *keep: str, how: str = "max") -> str:
    """Any other gauge."""
    kept = f" by ({', '.join(keep)})" if keep else ""
    return f"{how}{kept} ({_metric(name)}{{{JOB}}})"


def rate(name: str, *keep: str, suffix: str = "") -> str:
    """Increase a second of a counter."""
    kept = f" by ({', '.join(keep)})" if keep else ""
    return f"sum{kept} (rate({_metric(name)}{suffix}{{{JOB}}}[$__rate_interval]))"


def quantile(q: float, name: str, *keep: str) -> str:
    """A quantile of a histogram."""
    kept = ", ".join(("le", *keep))
    return f"histogram_quantile({q}, sum by ({kept}) (rate({_metric(name)}_bucket{{{JOB}}}[$__rate_interval])))"


def _metric(name: str) -> str:
    """The full name of a metric of the catalogue. Raises KeyError for one that is not there."""
    return BY_NAME[f"netgrowth_{name}"].name


def _labels(scope: str, window: str | None) -> str:
    return f'{JOB},scope="{scope}"' + ("" if window is None else f',window="{window}"')
