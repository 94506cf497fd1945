"""The catalogue as docs/metrics.md."""

from streams.catalogue import (
    CATALOGUE,
    COHORT_MONTHS,
    COMPANY,
    FEEDS,
    HEALTH,
    HEALTH_COMPANY,
    PROCESS,
    ROWS,
    SURGES,
    SURVEYS,
    VOICE,
    VOICE_COMPANY,
    Metric,
)
from streams.tables.running import WITH_SEGMENT_REGION
from streams.tables.windows import WINDOW_NAMES
from streams.voice.running import WINDOWS

_ROWS_TEXT = f"""\
Numbers of the customer math, for a scope and a window. Each is exported by one worker, the owner of the scope.

- `scope` is `total`, `segment`, `region`, `product` or `segment_region`; the labels `segment`, `region` and `product`
  are there where they apply. `window` is one of {", ".join(f"`{name}`" for name in WINDOW_NAMES)};
  `segment_region` has {" and ".join(f"`{name}`" for name in WITH_SEGMENT_REGION)} only. Fix both in every expression
  and never sum over them: scopes hold each other, and so do windows.
- Read with `max by`, then sum: `sum(max by (segment) (netgrowth_customers_lost{{scope="segment",window="1h"}}))`.
  While a scope changes hands it may be shown by no worker or by two, for a scrape.
- Windows end with the clock of the tables, not with the wall clock. On all of these, neither
  `rate` nor `increase` means anything.
- A unit of `currency` is a major unit of the currency that `netgrowth_definitions_info` names.
- A label shows at most `NETGROWTH_LABEL_LIMIT` values, fewer if the series would exceed their budget; the surplus is
  `other`, and `netgrowth_label_cut_ratio` says what share of the customers that is."""

_VOICE_TEXT = f"""\
Exported by one worker, the owner of the brand. `window` is one of {", ".join(f"`{name}`" for name in WINDOWS)} and
ends with the clock of the mentions. Brands and topics beyond `NETGROWTH_LABEL_LIMIT` are `other`."""

_HEALTH_TEXT = f"""\
Exported by one worker, the owner of the scope: `stage`, a service and stage as a whole, or `segment_region`, a part
of it, which is shown for `1h` alone. `window` is one of {", ".join(f"`{name}`" for name in WINDOWS)} and ends with
the clock of the signals. Stages beyond `NETGROWTH_LABEL_LIMIT` and parts beyond 500 are `other`; there a customer
counts once for each stage."""

_SECTIONS = (
    ("Tables", _ROWS_TEXT, ROWS),
    ("Health", _HEALTH_TEXT, HEALTH),
    ("Health, as one worker sees it", "Exported by every worker.", HEALTH_COMPANY),
    ("Voice", _VOICE_TEXT, VOICE),
    ("Voice, as one worker sees it", "Exported by every worker.", VOICE_COMPANY),
    ("Surveys", "Exported by every worker that reads answers to surveys.", SURVEYS),
    ("Surges", "Exported by the worker that runs the detectors: the owner of the partition of `actions`.", SURGES),
    ("Tables, as one worker sees them", "Exported by every worker; cohorts by the owner of the total.", COMPANY),
    ("Partitions", "Exported by the worker that reads the partition now.", FEEDS),
    ("Process", "What one process did since it started: the only metrics for `rate` and `increase`.", PROCESS),
)


def metrics_page() -> str:
    """The page, made from the catalogue."""
    lines = [
        "# Metrics",
        "",
        f"All {len(CATALOGUE)} metrics of `/metrics`. This page is made from `streams/catalogue.py`: "
        "`python -m streams.catalogue_page > docs/metrics.md`.",
        f"Cohorts go back {COHORT_MONTHS} months. *Internal* ones are for diagnosis, or for sentences of pages, and "
        "on no board.",
    ]
    for title, text, metrics in _SECTIONS:
        lines += ["", f"## {title}", "", text, ""]
        lines += ["| name | kind | labels | unit | meaning |", "| --- | --- | --- | --- | --- |"]
        lines += [_line(metric) for metric in metrics]
    return "\n".join(lines) + "\n"


def _line(metric: Metric) -> str:
    labels = ", ".join(metric.labels)
    about = metric.about + (f" Scopes: {', '.join(metric.scopes)}." if metric.scopes else "")
    about += "".join(f" By {name} for {', '.join(windows)}." for name, windows in metric.windows)
    about += " *Internal.*" if metric.internal else ""
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.unit} | {about} |"


if __name__ == "__main__":
    print(metrics_page(), end="")
