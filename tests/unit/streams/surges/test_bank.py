"""The bank: many series minute by minute, opened once and closed once."""

import gc
import random
import tracemalloc

import pytest

from streams.surges.bank import SurgeBank
from streams.surges.budget import SurgeRules
from streams.surges.series import series
from streams.surges.steps import Step
from streams.surges.surge import SurgeEvent, What
from streams.surges.verdict import State

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000
START = 20_000 * DAY
ACME = series("unhappy_mentions", brand="acme")


def play(bank: SurgeBank, minutes: range, rates: dict[object, float], seed: int = 1) -> list[SurgeEvent]:
    """Counts drawn at a rate a minute for each series."""
    rng = random.Random(f"{seed}-{minutes.start}")
    events = []
    for minute in minutes:
        counts = {}
        for key, rate in rates.items():
            n = sum(rng.random() < rate / 20 for _ in range(20))
            if n:
                counts[key] = float(n)
        events += bank.observe(START + minute * MINUTE, counts)
    return events


def test_a_surge_opens_once_and_closes_once() -> None:
    bank = SurgeBank(SurgeRules())
    assert play(bank, range(2 * 1440), {ACME: 2.0}) == []
    assert bank.state(ACME) == (State.NORMAL, 0)
    told = play(bank, range(2880, 2880 + 90), {ACME: 10.0})
    assert [event.what for event in told if event.what is not What.UPDATED] == [What.OPENED]
    opened = told[0].surge
    assert opened.direction == "up"
    assert opened.detected - (START + 2880 * MINUTE) <= 30 * MINUTE
    assert abs(opened.onset - (START + 2880 * MINUTE)) <= 30 * MINUTE
    assert opened.observed > 2 * opened.expected
    assert bank.open_surges()[0].surge_id == opened.surge_id
    after = play(bank, range(2970, 2970 + 600), {ACME: 2.0})
    assert [event.what for event in after if event.what is not What.UPDATED] == [What.CLOSED]
    closed = after[-1].surge
    assert closed.surge_id == opened.surge_id
    assert closed.closed is not None
    assert bank.open_surges() == []


def test_an_overwhelming_surge_does_not_wait_for_the_slot_nor_for_the_minute() -> None:
    bank = SurgeBank(SurgeRules())
    play(bank, range(2881), {ACME: 2.0})
    told = bank.early(START + 2881 * MINUTE, {ACME: 150.0})
    assert [event.what for event in told] == [What.OPENED]
    assert bank.early(START + 2881 * MINUTE, {ACME: 160.0}) == []
    other = SurgeBank(SurgeRules())
    play(other, range(2881), {ACME: 2.0})
    told = other.observe(START + 2881 * MINUTE, {ACME: 150.0})
    assert [(event.what, event.at) for event in told] == [(What.OPENED, START + 2882 * MINUTE)]


def test_unknown_minutes_are_not_zero() -> None:
    steady = {ACME: 20.0}
    for unknown, directions in (((), ["down"]), (("unhappy_mentions",), [])):
        bank = SurgeBank(SurgeRules())
        told = play(bank, range(3 * 1440), steady)
        for minute in range(3 * 1440, 3 * 1440 + 240):
            told += bank.observe(START + minute * MINUTE, {}, unknown)
        assert [event.surge.direction for event in told if event.what is What.OPENED] == directions


def test_a_collection_that_begins_is_no_surge() -> None:
    bank = SurgeBank(SurgeRules())
    other = series("unhappy_mentions", brand="other")
    told = play(bank, range(2 * 1440), {ACME: 1.0, other: 0.002})
    told += play(bank, range(2 * 1440, 2 * 1440 + 600), {ACME: 1.0, other: 1.3})
    assert told == []
    assert bank.state(other)[0] is State.NORMAL


@pytest.mark.parametrize("minutes", [2880, 2930])
def test_a_restored_bank_goes_on_as_if_nothing_had_happened(minutes: int) -> None:
    whole, first = SurgeBank(SurgeRules()), SurgeBank(SurgeRules())
    second = SurgeBank(SurgeRules())
    rare = series("lost_customers", segment="A")
    for bank in (whole, first):
        play(bank, range(2880), {ACME: 2.0, rare: 0.003})
        play(bank, range(2880, minutes), {ACME: 10.0, rare: 0.003})
    second.restore_board(first.snapshot_board())
    for key in first.series():
        data = first.snapshot(key)
        assert len(data) < 10_000
        assert second.restore(data) == key
    later = range(minutes, minutes + 700)
    assert play(second, later, {ACME: 8.0, rare: 0.003}) == play(whole, later, {ACME: 8.0, rare: 0.003})
    assert whole.open_surges() == second.open_surges()


def test_a_minute_that_comes_again_changes_nothing() -> None:
    bank = SurgeBank(SurgeRules())
    play(bank, range(2880), {ACME: 2.0})
    before = bank.snapshot(ACME)
    assert bank.observe(START + 2879 * MINUTE, {ACME: 900.0}) == []
    assert bank.snapshot(ACME) == before


def test_series_restored_from_older_snapshots_take_in_the_minutes_they_do_not_know() -> None:
    """As a worker does it: series are saved when their slots end, the board and the newest minutes always."""
    whole, first, second = SurgeBank(SurgeRules()), SurgeBank(SurgeRules()), SurgeBank(SurgeRules())
    fresh = series("lost_customers", segment="fresh")
    for bank in (whole, first):
        play(bank, range(2880), {ACME: 2.0})
    saved = [first.snapshot(key) for key in first.series()]
    newest = [(START + (2880 + minute) * MINUTE, {ACME: 4.0 + minute, fresh: 1.0}) for minute in range(3)]
    for bank in (whole, first):
        for minute_us, counts in newest:
            bank.observe(minute_us, counts)
    board = first.snapshot_board()
    for data in saved:
        second.restore(data)
    second.restore_board(board)
    for minute_us, counts in newest:
        assert second.observe(minute_us, counts) == []
    later = range(2883, 2900)
    told = play(second, later, {ACME: 20.0, fresh: 1.0})
    assert told == play(whole, later, {ACME: 20.0, fresh: 1.0})
    assert told[0].what is What.OPENED
    assert second.snapshot(fresh) == whole.snapshot(fresh)


def test_a_tenfold_step_is_found_three_hours_after_the_first_count() -> None:
    bank = SurgeBank(SurgeRules())
    told = play(bank, range(180), {ACME: 2.0})
    assert told == []
    told = play(bank, range(180, 210), {ACME: 20.0})
    assert [event.what for event in told if event.what is not What.UPDATED] == [What.OPENED]


def test_one_large_customer_who_leaves_is_no_surge_of_value_and_many_are() -> None:
    bank = SurgeBank(SurgeRules())
    people, value = series("lost_customers"), series("lost_value")
    rng = random.Random(5)

    def leave(minutes: range, rate: float, worth: float) -> list[SurgeEvent]:
        events = []
        for minute in minutes:
            if rng.random() < rate:
                events += bank.observe(START + minute * MINUTE, {people: 1.0, value: worth * rng.expovariate(1.0)})
            else:
                events += bank.observe(START + minute * MINUTE, {})
        return events

    assert leave(range(4 * 1440), 0.2, 10_000.0) == []
    at = START + 4 * 1440 * MINUTE
    assert bank.early(at, {people: 1.0, value: 5_000_000.0}) == []
    assert bank.observe(at, {people: 1.0, value: 5_000_000.0}) == []
    told = leave(range(4 * 1440 + 1, 4 * 1440 + 120), 0.3, 200_000.0)
    assert {event.surge.series for event in told} == {value}


def test_parts_are_told_with_their_whole() -> None:
    bank = SurgeBank(SurgeRules())
    whole = series("lost_customers")
    parts = [series("lost_customers", segment=f"s{number}") for number in range(20)]
    rng = random.Random(6)
    told = []
    for minute in range(4 * 1440 + 120):
        counts: dict[object, float] = {}
        for number, part in enumerate(parts):
            rate = 0.9 if number == 3 and minute >= 4 * 1440 else 0.05
            if rng.random() < rate:
                counts[part] = 1.0
        counts[whole] = float(len(counts))
        told += bank.observe(START + minute * MINUTE, counts)
    opened = [event.surge for event in told if event.what is What.OPENED]
    assert {surge.series for surge in opened} == {whole, parts[3]}
    assert len({surge.story for surge in opened}) == 1


def test_late_counts_hold_where_their_slot_still_runs() -> None:
    bank, other = SurgeBank(SurgeRules()), SurgeBank(SurgeRules())
    for one in (bank, other):
        play(one, range(4 * 1440 + 2), {ACME: 2.0})
    newest = START + (4 * 1440 + 1) * MINUTE
    bank.correct(newest, {ACME: 80.0})
    told = bank.observe(newest + MINUTE, {ACME: 12.0})
    assert [event.what for event in told] == [What.OPENED]
    assert other.observe(newest + MINUTE, {ACME: 12.0}) == []
    assert bank.late == 0
    bank.correct(newest - DAY, {ACME: 80.0})
    assert bank.late == 1


@pytest.mark.parametrize("days", [{"budget_days": 0.0}, {"board_budget_days": -1.0}])
def test_a_budget_that_makes_no_sense_is_refused(days: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="budgets above 0"):
        SurgeBank(SurgeRules(**days))


def test_a_strict_board_moves_the_line_out_for_all() -> None:
    """What is told under the usual budget of the board is not under one of a false alarm in a thousand years."""
    told = []
    for board_days in (7.0, 365_000.0):
        bank = SurgeBank(SurgeRules(board_budget_days=board_days))
        keys = [series("unhappy_mentions", brand=f"b{number}") for number in range(20)]
        play(bank, range(4 * 1440), dict.fromkeys(keys, 0.2))
        events = play(bank, range(4 * 1440, 4 * 1440 + 20), dict.fromkeys(keys[1:], 0.2) | {keys[0]: 1.6})
        told.append([event.surge.series for event in events if event.what is What.OPENED])
    assert told == [[keys[0]], []]


def test_a_busy_part_leaves_the_slow_growth_to_its_whole_and_a_quiet_one_the_quick_slots() -> None:
    bank = SurgeBank(SurgeRules())
    whole, busy, quiet = series("lost_customers"), *(series("lost_customers", segment=name) for name in "bq")
    play(bank, range(3 * 1440), {whole: 1.0, busy: 1.0, quiet: 0.01})
    sizes = {key: len(bank.snapshot(key)) for key in (whole, busy, quiet)}
    assert sizes[quiet] < sizes[busy] < sizes[whole] < 10_000


def test_what_an_hour_told_is_not_told_again_by_the_day_that_held_it() -> None:
    draw, bank, key, told = random.Random(8), SurgeBank(SurgeRules()), series("lost_customers"), []
    for minute in range(54 * 1440):
        day, of_day = divmod(minute, 1440)
        rate = 80 / 30 if day == 47 and 720 <= of_day < 750 else 30 / 1440
        counts = {key: float(n)} if (n := sum(draw.random() < rate / 8 for _ in range(8))) else {}
        told += bank.observe(START + minute * MINUTE, counts)
    opened = [event.surge for event in told if event.what == "opened"]
    assert [(surge.onset - START) // (1440 * MINUTE) for surge in opened] == [47]
    assert opened[0].step_s < 86_400


def test_series_that_rest_are_judged_as_if_they_did_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed or not, the same minutes give the same surges and the same state; values have a unit that moves."""
    draw = random.Random(8)
    value = series("lost_value")
    busier = [12 if minute % 3_000 > 2_900 else 1 for minute in range(6 * 1440)]
    minutes = [{ACME: float(draw.randrange(1, 4) * much), value: draw.expovariate(1e-4)} for much in busier]
    told, kept = [], []
    for rests in (True, False):
        if not rests:
            monkeypatch.setattr(Step, "rest", lambda self: None)
        bank = SurgeBank(SurgeRules())
        given = enumerate(minutes)
        told.append([one for minute, amounts in given for one in bank.observe(START + minute * MINUTE, amounts)])
        kept.append([bank.snapshot(key) for key in bank.series()])
    assert told[0] == told[1]
    assert {event.what for event in told[0]} == set(What)
    assert kept[0] == kept[1]


@pytest.mark.parametrize("largest", [4, 60])
def test_a_busy_whole_takes_less_than_ten_kilobytes(largest: int) -> None:
    draw = random.Random(largest)
    bank = SurgeBank(SurgeRules())
    for minute in range(9 * 1440):
        bank.observe(START + minute * MINUTE, {ACME: float(draw.randrange(1, largest))})
    kept = bank.snapshot(ACME)
    others = SurgeBank(SurgeRules())
    for number in range(31):
        if number == 1:  # What all series share is there now.
            gc.collect()
            tracemalloc.start()
        others.restore(kept.replace(b"acme", f"a{number:03}".encode()))
    for minute in range(9 * 1440, 9 * 1440 + 130):
        amounts = {key: float(draw.randrange(1, largest)) for key in others.series()}
        others.observe(START + minute * MINUTE, amounts)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(amounts) == 31
    assert used / 30 < 10 * 1024
