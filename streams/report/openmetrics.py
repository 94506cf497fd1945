"""The past as OpenMetrics text with timestamps: what Prometheus would have scraped at the end of every period."""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.catalogue import LABEL_OF_PARTS, ROWS
from streams.facts.money import minor_digits
from streams.facts.times import instant_of
from streams.ledger.rules import MINUTE, SECOND
from streams.tables.calendar import minute_start
from streams.tables.scopes import THE_TOTAL
from streams.tables.series import cuts, numbers_of

WINDOW_OF = {"hour": "1h", "day": "today", "week": "this_week", "month": "this_month"}
"""The running window that holds just a whole period in the last minute of it."""


def past_lines(ledger: Mapping[str, Any], by: str, label_limit: int) -> Iterator[str]:
    """The total of every period, each in the last minute of it that is counted, as of the window that holds it.

    Args:
        ledger: the ledger's JSON with its `periods` by `by`.
        label_limit: values of one label; the surplus is `other`, as on `/metrics`.
    """
    window, until = WINDOW_OF[by], minute_start(instant_of(ledger["until"], None))
    shown, digits = cuts({THE_TOTAL: ledger["total"]}, label_limit), minor_digits(ledger["currency"])
    samples: dict[int, list[str]] = {}
    for period in ledger["periods"]:
        at = min(instant_of(period["end"], None) - MINUTE, until) // SECOND
        for of_window in (None, window):
            for place, part, number in numbers_of(period["total"], "total", of_window, shown.labels, digits):
                labels = {"scope": "total"} | ({} if of_window is None else {"window": of_window})
                if part:
                    labels[LABEL_OF_PARTS[ROWS[place].parts]] = part
                samples.setdefault(place, []).append(f"{ROWS[place].name}{_written(labels)} {number} {at}")
    for place, lines in sorted(samples.items()):
        yield f"# HELP {ROWS[place].name} {ROWS[place].about}"
        yield f"# TYPE {ROWS[place].name} gauge"
        yield from lines
    yield "# EOF"


def _written(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
