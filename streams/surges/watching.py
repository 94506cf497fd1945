"""What the detectors are at, for every worker to show: how many series they watch, what comes before losses, and how
long feeds pause."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from streams.ledger.rules import MINUTE, SECOND
from streams.surges.bank import SurgeBank
from streams.surges.tie import Tie
from streams.surges.verdict import State
from streams.tables.calendar import utc_text

KEY: Final = b"detectors"
EVERY_US: Final = 5 * MINUTE
AT_ONCE: Final = 1_000
"""Series that are looked at before others may have their turn."""
HOUR_S: Final = 3_600


class Watching:
    """States of all series.

    Attributes:
        series: how many are in which state.
        warming_s: seconds until the last of those that warm up may raise an alarm, as far as it is known.
    """

    def __init__(self) -> None:
        self.series = Counter[State]()
        self.warming_s = 0

    def looking(self, bank: SurgeBank) -> Iterator[None]:
        """Look at every series; in pieces."""
        for number, key in enumerate(bank.series()):
            if number % AT_ONCE == 0:
                yield
            state, left = bank.state(key)
            self.series[state] += 1
            self.warming_s = max(self.warming_s, left)

    def record(self, clock: int, ties: Mapping[str, Tie], silent_after: Mapping[str, int]) -> tuple[bytes, bytes]:
        """Key and value of the record that tells it; `silent_after`: as of `FeedWatch.limits`."""
        value: dict[str, Any] = {
            "at": utc_text(clock),
            "series": {state.value: self.series[state] for state in State},
            "warming_seconds": self.warming_s,
            "ties": [tie_shown(topic, tie) for topic, tie in ties.items()],
            "silent_after_seconds": {topic: after / SECOND for topic, after in silent_after.items()},
        }
        return KEY, orjson.dumps(value)


def tie_shown(topic: str, tie: Tie) -> dict[str, Any]:
    """A tie as JSON: seconds by which unhappy mentions come first, and the correlation, each with its interval."""
    hours = {"best": tie.lead_h, "low": tie.lead_low_h, "high": tie.lead_high_h}
    strength = {"best": tie.strength, "low": tie.strength_low, "high": tie.strength_high}
    return {
        "topic": topic,
        "lead_seconds": {bound: one * HOUR_S for bound, one in hours.items()},
        "correlation": {bound: round(one, 4) for bound, one in strength.items()},
    }
