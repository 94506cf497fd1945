"""What a counted series is called: a measure and the labels it is counted under."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LOST_CUSTOMERS, LOST_VALUE = "lost_customers", "lost_value"
UNHAPPY_MENTIONS, HAPPY_MENTIONS = "unhappy_mentions", "happy_mentions"
DISRUPTED_CUSTOMERS = "disrupted_customers"
NEW_CUSTOMERS, RETURNED_CUSTOMERS, MENTIONS, ANSWERS = "new_customers", "returned_customers", "mentions", "answers"
"""Watched only where the definitions name a series of them."""
UNHAPPY_ANSWERS = "unhappy_answers"
"""Of surveys: read to measure how much earlier the others tell of the same trouble."""

LEDGER, VOICE, HEALTH, SURVEYS = "ledger", "voice", "health", "surveys"
FAMILIES = {
    LOST_CUSTOMERS: LEDGER,
    LOST_VALUE: LEDGER,
    UNHAPPY_MENTIONS: VOICE,
    HAPPY_MENTIONS: VOICE,
    DISRUPTED_CUSTOMERS: HEALTH,
    UNHAPPY_ANSWERS: SURVEYS,
    NEW_CUSTOMERS: LEDGER,
    RETURNED_CUSTOMERS: LEDGER,
    MENTIONS: VOICE,
    ANSWERS: SURVEYS,
}
"""Where the measures that netgrowth counts itself come from; a user's own measure is a family of its own."""


Parts = tuple[tuple[str, str], ...]
"""What a count consists of: pairs of label and value."""


class Series(NamedTuple):
    """The key of a series.

    Attributes:
        measure: one of the above, or a user's own.
        labels: pairs of label and value, sorted by label: segment, region, product, brand, topic, service, stage.
    """

    measure: str
    labels: tuple[tuple[str, str], ...] = ()

    @property
    def family(self) -> str:
        """Ledger, voice, health, or the measure itself."""
        return FAMILIES.get(self.measure, self.measure)

    def shown(self) -> dict[str, str]:
        """As JSON: the measure and each label."""
        return {"measure": self.measure, **dict(self.labels)}


def series(measure: str, **labels: str) -> Series:
    """The series of a measure under these labels."""
    return Series(measure, tuple(sorted(labels.items())))


def series_of(shown: Mapping[str, Any]) -> Series:
    """The inverse of `Series.shown`. Raises: KeyError without a measure."""
    return Series(
        str(shown["measure"]),
        tuple(sorted((label, str(value)) for label, value in shown.items() if label != "measure")),
    )
