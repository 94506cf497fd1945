"""PromQL of the boards: of table state the maximum by scope, since around a hand-over two workers may show it."""

from streams.catalogue import BY_NAME

JOB = 'job=~"$job"'


def total(name: str, window: str | None = "$window") -> str:
    """A metric of the tables for the whole company."""
    return f"max({_metric(name)}{{{_labels('total', window)}}})"


def by(label: str, name: str, window: str | None = "$window") -> str:
    """A metric of the tables for each segment, region or product."""
    values = f',{label}=~"${label}"'
    return f"max by ({label}) ({_metric(name)}{{{_labels(label, window)}{values}}})"


def parts(label: str, name: str, window: str | None = "$window", scope: str = "total") -> str:
    """A metric of the tables by reason, kind or activity."""
    return f"max by ({label}) ({_metric(name)}{{{_labels(scope, window)}}})"


def of_brand(name: str, *keep: str) -> str:
    """A metric of mentions for each brand, in the window chosen."""
    kept = ", ".join(("brand", *keep))
    return f'max by ({kept}) ({_metric(name)}{{{JOB},brand=~"$brand",window="$window"}})'


def of_stage(name: str, *keep: str) -> str:
    """A metric of health for each service and stage as a whole, in the window chosen."""
    kept = ", ".join(("service", "stage", *keep))
    return f'max by ({kept}) ({_metric(f"health_{name}")}{{{JOB},scope="stage",window="$window"}})'


def of_part(name: str) -> str:
    """A metric of health for each segment and region of a service and stage, over the last hour."""
    kept = "service, stage, segment, region"
    return f'max by ({kept}) ({_metric(f"health_{name}")}{{{JOB},scope="segment_region",window="1h"}})'


def of_spell(name: str) -> str:
    """A metric of the false green of each service and stage as a whole."""
    return f'max by (service, stage) ({_metric(f"health_{name}")}{{{JOB},scope="stage"}})'


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
