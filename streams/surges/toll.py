"""What a surge of losses has cost: customers and value lost in its scope since its onset, and their reasons."""

from collections import Counter
from dataclasses import dataclass, field

from streams.facts.models import UNKNOWN
from streams.surges.series import Series
from streams.tables.buckets import Bucket, Buckets
from streams.tables.cells import LOST


@dataclass(slots=True)
class Toll:
    """Losses of a scope in a span: as the tables have them, so corrections are in it. Value in minor units."""

    customers: int = 0
    value: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    parts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Customers by label and value, of labels that the scope leaves open; without what no source told."""


def toll(buckets: Buckets, series: Series, start: int, end: int) -> Toll:
    """The losses in the scope that a series is counted under, in [start, end) of event time."""
    wanted = dict(series.labels)
    segment, region, product = (wanted.get(label) for label in ("segment", "region", "product"))
    found = Toll()
    for bucket in buckets.within(start, end):
        for cell, (customers, value) in Bucket.of(bucket).plain.items():
            code, of_segment, of_region, of_product, reason, _, _, _ = cell
            if code != LOST or segment not in (None, of_segment):
                continue
            if region not in (None, of_region) or product not in (None, of_product):
                continue
            found.customers += customers
            found.value += value
            found.reasons[reason] += customers
            for part in (("segment", of_segment), ("region", of_region), ("product", of_product)):
                if part[0] not in wanted and part[1] != UNKNOWN:
                    found.parts[part] += customers
    return found
