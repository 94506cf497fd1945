import threading

import pytest

from agents.trial.pace import Pace, TrialPacer

HOUR = 3_600_000_000
PACE = Pace(base_us=10 * HOUR, base_speed=36_000.0, speed=3600.0)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pacer(pace: Pace, clock: Clock) -> TrialPacer:
    return TrialPacer(pace, threading.Event(), clock)


def test_the_base_is_played_at_its_own_speed_and_the_rest_at_the_other() -> None:
    paced = pacer(PACE, Clock())
    assert paced.delay_s(5 * HOUR) == 0.0
    assert paced.delay_s(10 * HOUR) == pytest.approx(0.5)
    assert paced.delay_s(15 * HOUR) == pytest.approx(1.0)
    assert paced.delay_s(18 * HOUR) == pytest.approx(1.0 + 3.0)


def test_time_that_has_passed_is_not_waited_for_again() -> None:
    clock = Clock()
    paced = pacer(PACE, clock)
    paced.delay_s(0)
    clock.now += 0.75
    assert paced.delay_s(10 * HOUR) == pytest.approx(0.25)
    clock.now += 10
    assert paced.delay_s(10 * HOUR) == 0.0


def test_records_of_a_quarter_of_a_second_are_due_together() -> None:
    clock = Clock()
    paced = pacer(Pace(0, None, 3600.0), clock)
    paced.delay_s(0)
    due = [paced.delay_s(tenth * HOUR // 10) for tenth in range(1, 11)]
    assert due == pytest.approx([0.0, 0.0, 0.25, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75, 1.0])


def test_records_without_a_time_are_due_at_once() -> None:
    assert pacer(PACE, Clock()).delay_s(None) == 0.0


def test_no_speed_holds_nothing_back() -> None:
    paced = pacer(Pace(PACE.base_us, PACE.base_speed, None), Clock())
    assert paced.delay_s(0) == 0.0
    assert paced.delay_s(1000 * HOUR) == 0.0


def test_records_of_an_earlier_run_take_no_time_and_count_for_the_base() -> None:
    paced = pacer(PACE, Clock())
    paced.pass_over(0)
    paced.pass_over(12 * HOUR)
    assert paced.delay_s(13 * HOUR) == 0.0
    # Behind the base: one hour of event time in a second, not ten.
    assert paced.delay_s(14 * HOUR) == pytest.approx(1.0)


def test_a_past_that_is_sent_at_once_is_counted_before_the_legs_begin() -> None:
    clock, asked = Clock(), []

    def is_counted() -> bool:
        asked.append(clock.now)
        clock.now += 30
        return len(asked) == 3

    pace = Pace(10 * HOUR, None, 7200.0, legs=((4 * HOUR, 3600.0), (2 * HOUR, 1800.0)))
    paced = TrialPacer(pace, Hurried(), clock, is_counted)
    assert paced.delay_s(0) == paced.delay_s(10 * HOUR) == 0.0
    assert asked == []
    assert paced.delay_s(11 * HOUR) == 0.0
    assert len(asked) == 3
    # Three more hours of the first leg, two of the second at half its speed, two of what follows at twice.
    assert paced.delay_s(18 * HOUR) == pytest.approx(3.0 + 4.0 + 1.0)
    assert [pace.speed_at(hours * HOUR) for hours in (12, 15, 17)] == [3600.0, 1800.0, 7200.0]


def test_the_story_waits_for_a_worker_that_is_behind() -> None:
    clock, behind = Clock(), [0, 90 * 60_000_000, 90 * 60_000_000, 0]

    def behind_us() -> int:
        clock.now += 5
        return behind.pop(0)

    paced = TrialPacer(Pace(0, None, 60.0), Hurried(), clock, behind_us=behind_us)
    assert paced.delay_s(0) == 0.0
    assert paced.delay_s(HOUR) == 0.0
    # Five seconds are for asking; the next time it takes three times as long, and the story does not hurry after it.
    assert paced.delay_s(2 * HOUR) == pytest.approx(60.0)
    assert paced.delay_s(2 * HOUR) == pytest.approx(60.0)
    assert behind == []


class Hurried(threading.Event):
    """Not set, and never waited for."""

    def wait(self, timeout: float | None = None) -> bool:
        return False
