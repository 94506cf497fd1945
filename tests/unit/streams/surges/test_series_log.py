"""Series in a changelog: rarely whole, else what became of them; restored they are what they were."""

import random
from collections.abc import Mapping

from streams.ledger.rules import DAY, MINUTE
from streams.surges.bank import SurgeBank
from streams.surges.budget import SurgeRules
from streams.surges.series import Series, series
from streams.surges.series_log import GROUP, WHOLE, SeriesLog
from streams.surges.watch import watch_of

START = 20_000 * DAY
KEYS = [series("unhappy_mentions", brand=f"b{number}") for number in range(6)]


def play(bank: SurgeBank, minutes: range, rate: float, seed: int = 1) -> None:
    for minute in minutes:
        draw = random.Random(f"{seed}-{minute}")
        counts = {key: float(draw.randrange(8)) for key in KEYS if draw.random() < rate}
        unknown = ("unhappy_mentions",) if draw.random() < 0.02 else ()
        bank.observe(START + minute * MINUTE, {key: n for key, n in counts.items() if n}, unknown)


def restored(written: Mapping[bytes, bytes]) -> SurgeBank:
    bank = SurgeBank(SurgeRules())
    for _ in SeriesLog(bank).restoring(written):
        pass
    return bank


def known(bank: SurgeBank, key: Series) -> bytes:
    """All that is known of a series; what is worked out when it is needed first is worked out."""
    watch, clock = watch_of(bank.snapshot(key))
    for step in watch.steps:
        step.detector.early(1.0)
    return watch.saved(clock)


def write(log: SeriesLog, written: dict[bytes, bytes]) -> int:
    size = 0
    for key, payload in log.take().items():
        size += len(key) + len(payload or b"")
        if payload is None:
            del written[key]
        else:
            written[key] = payload
    return size


def test_what_became_of_a_series_makes_the_series_again() -> None:
    bank, written = SurgeBank(SurgeRules()), dict[bytes, bytes]()
    log = SeriesLog(bank)
    draw, minute = random.Random(3), 0
    while minute < 2 * 1440:
        upto = minute + draw.choice([1, 1, 2, 7, 30])
        if draw.random() < 0.05:
            minute, upto = minute + 45, upto + 45  # minutes that nobody handed in
        play(bank, range(minute, upto), 0.9 if minute % 500 < 460 else 0.05)
        minute = upto
        write(log, written)
        if draw.random() < 0.2:
            again = restored(written)
            again.clock = bank.clock
            for key in bank.series():
                assert again.state(key) == bank.state(key)
                assert known(again, key) == known(bank, key)
        if draw.random() < 0.05:
            bank.forget(KEYS[draw.randrange(6)])
    assert {key[:1] for key in written} == {WHOLE, GROUP}


def test_an_open_surge_is_not_written_whole_each_minute() -> None:
    bank, written = SurgeBank(SurgeRules()), dict[bytes, bytes]()
    log = SeriesLog(bank)
    play(bank, range(1500), 0.5)
    write(log, written)
    bank.observe(START + 1500 * MINUTE, dict.fromkeys(KEYS, 500.0))
    write(log, written)
    assert bank.open_surges()
    bank.observe(START + 1501 * MINUTE, dict.fromkeys(KEYS, 500.0))
    assert write(log, written) < 1000 * len(KEYS)
    again = restored(written)
    assert again.open_surges() == bank.open_surges()
    assert again.surging() == bank.surging() == set(KEYS)


def test_a_series_that_is_gone_is_deleted() -> None:
    bank, written = SurgeBank(SurgeRules()), dict[bytes, bytes]()
    log = SeriesLog(bank)
    play(bank, range(60), 0.9)
    write(log, written)
    for key in KEYS[:5]:
        bank.forget(key)
    write(log, written)
    assert list(restored(written).series()) == KEYS[5:]
    assert sum(key[:1] == WHOLE for key in written) == 1


def test_what_changes_while_it_is_made_ready_is_written_as_it_is_then() -> None:
    bank, written = SurgeBank(SurgeRules()), dict[bytes, bytes]()
    log = SeriesLog(bank)
    play(bank, range(600), 0.9)
    pieces = log.pack()
    next(pieces)
    next(pieces)
    play(bank, range(600, 603), 0.9)
    write(log, written)
    again = restored(written)
    again.clock = bank.clock
    assert all(known(again, key) == known(bank, key) for key in KEYS)


def test_a_key_that_was_written_over_is_written_again() -> None:
    bank, written = SurgeBank(SurgeRules()), dict[bytes, bytes]()
    log = SeriesLog(bank)
    play(bank, range(600), 0.9)
    write(log, written)
    whole: list[Series] = list(bank.series())
    log.rewrite(list(written))
    again = log.take()
    assert again.keys() == written.keys()
    assert len(whole) == len(KEYS)
