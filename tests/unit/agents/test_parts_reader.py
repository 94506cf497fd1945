"""Reading parts back: those of others flush by flush, own ones never, whichever of the two ways is the faster."""

import numpy as np

from agents.health_company import FORM
from agents.parts_reader import PartsReader
from config import definitions_file
from config.settings import NATIVE_DEFINITIONS, load
from streams.health.live.company import CompanyHealth
from streams.health.live.parts import (
    MINUTE_PART,
    PROGRESS_PART,
    HealthKey,
    HealthProgress,
    MinutePart,
    key_of_part,
    pack_part,
    packed,
)
from streams.health.parts import ScopeName
from streams.tables.watermark import ClockRules

OWN, LATER = 7_000_000_000_000, 8_000_000_000_000
"""Epochs are milliseconds since 1970."""
SCOPE = ScopeName("shop", "checkout", None, None)

Records = list[tuple[bytes, bytes | None]]


def flush(minutes: range, epoch: int) -> Records:
    """Parts of minutes in each of which one of two customers was disrupted, and the progress that ends it."""
    part = MinutePart([], packed(np.zeros((0, 2), np.int64)), packed(np.zeros((0, 6), np.int64)), [SCOPE],
                      packed(np.array([[2, 1]])))  # fmt: skip
    parts: Records = [
        (key_of_part(HealthKey(0, MINUTE_PART, number=minute)), pack_part(1, part, epoch)) for minute in minutes
    ]
    progress = HealthProgress(1, 0, False, False, minutes.stop, ("native", "1"), {}, 0, None)
    ending = pack_part(1, progress, epoch, is_progress=True)
    return [*parts, (key_of_part(HealthKey(0, PROGRESS_PART)), ending)]


def company() -> CompanyHealth:
    return CompanyHealth(definitions_file.load(NATIVE_DEFINITIONS), 1, ClockRules())


def looked(health: CompanyHealth) -> list[int]:
    while health.look():
        continue
    return sorted(health.disrupted)


def reading(health: CompanyHealth) -> PartsReader:
    return PartsReader(load({"KAFKA_BROKERS": "nowhere:1"}), "health-parts", FORM, health.apply)


def test_own_progress_read_back_before_its_parts_are_taken_in_loses_no_minute() -> None:
    health = company()
    reader = reading(health)
    reader.pass_over(0, OWN)
    for key, value in flush(range(100, 101), OWN):
        health.apply(key, value)
    own = flush(range(101, 400), OWN)
    for key, value in own:
        reader.feed(0, key, value)
    assert looked(health) == [100]
    for key, value in own:
        health.apply(key, value)
    assert looked(health) == list(range(100, 400))


def test_a_flush_of_another_owner_holds_once_its_progress_is_there() -> None:
    health = company()
    reader = reading(health)
    reader.pass_over(0, OWN)
    *parts, progress = flush(range(100, 103), LATER)
    for key, value in parts:
        reader.feed(0, key, value)
    assert looked(health) == []
    reader.feed(0, *progress)
    assert looked(health) == [100, 101, 102]
