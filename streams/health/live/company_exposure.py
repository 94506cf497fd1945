"""Whether the disrupted leave more, for the whole company: the counts of all partitions added up."""

from typing import Any

import numpy as np

from streams.health.exposure import exposure_json, exposure_span, mean_hurt
from streams.health.live.exposures import LOSSES_WITHIN
from streams.health.live.parts import ExposurePart, unpack_by_minute
from streams.health.live.tally import Ints
from streams.ledger.rules import MINUTE


class CompanyExposure:
    """What every partition last told of those who left and those who stayed."""

    def __init__(self, before_us: int) -> None:
        """`before_us`: how far back from a loss is looked."""
        self._before_us = before_us
        self._parts: dict[int, ExposurePart] = {}
        self._made: dict[str, Any] | None = None
        self._is_made = False

    def put(self, partition: int, part: ExposurePart) -> None:
        """What a partition tells, in place of what it told."""
        self._parts[partition] = part
        self._is_made = False

    def told(self) -> dict[str, Any] | None:
        """As JSON, as `streams.health.exposure.exposure` gives it, with the time it is of; None: nobody left."""
        if not self._is_made:
            self._made, self._is_made = self._make(), True
        return self._made

    def _make(self) -> dict[str, Any] | None:
        parts = self._parts.values()
        reasons: dict[str, tuple[int, int]] = {}
        for part in parts:
            for reason, customers, of_them in part.reasons:
                before = reasons.get(reason, (0, 0))
                reasons[reason] = before[0] + customers, before[1] + of_them
        if not reasons:
            return None
        end = max(part.end for part in parts)
        losses, hurt = np.zeros(LOSSES_WITHIN, dtype=np.int64), np.zeros(LOSSES_WITHIN, dtype=np.int64)
        for part in parts:
            of_steps = np.cumsum(unpack_by_minute(part.steps))
            # A partition that tells a little later than another has lost nobody since, as far as is known.
            losses += _until(end - part.end, unpack_by_minute(part.losses), 0)
            hurt += _until(end - part.end, of_steps, int(of_steps[-1]))
        begin = max(end + 1 - LOSSES_WITHIN, min(part.since for part in parts))
        counted = exposure_json(reasons, sum(part.stayed for part in parts), mean_hurt(hurt, losses))
        assert counted is not None
        return exposure_span(begin * MINUTE, (end + 1) * MINUTE, self._before_us) | counted


def _until(behind: int, numbers: Ints, rest: int) -> Ints:
    """Numbers of as many minutes that end `behind` minutes later, with `rest` in those."""
    behind = min(behind, len(numbers))
    return np.concatenate((numbers[behind:], np.full(behind, rest, dtype=np.int64)))
