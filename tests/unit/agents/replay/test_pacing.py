import threading
import time

import pytest

from agents.replay.pacing import Pacer, parse_speed

HOUR_US = 3_600_000_000


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize(("text", "factor"), [("max", None), ("1", 1.0), ("0.5", 0.5), ("86400", 86400.0)])
def test_a_speed_is_a_factor_or_max(text: str, factor: float | None) -> None:
    assert parse_speed(text) == factor


@pytest.mark.parametrize("text", ["0", "-1", "fast", "inf", "nan", ""])
def test_what_is_no_speed_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="number above 0"):
        parse_speed(text)


def test_a_record_is_due_when_event_time_has_passed_at_the_factor() -> None:
    clock = Clock()
    pacer = Pacer(3600.0, threading.Event(), clock)
    assert pacer.delay_s(HOUR_US) == 0.0
    assert pacer.delay_s(3 * HOUR_US) == pytest.approx(2.0)
    clock.seconds += 1.5
    assert pacer.delay_s(3 * HOUR_US) == pytest.approx(0.5)
    clock.seconds += 10
    assert pacer.delay_s(3 * HOUR_US) == 0.0


def test_older_records_and_those_without_a_time_are_due_at_once() -> None:
    pacer = Pacer(1.0, threading.Event(), Clock())
    assert pacer.delay_s(None) == 0.0
    assert pacer.delay_s(5 * HOUR_US) == 0.0
    assert pacer.delay_s(4 * HOUR_US) == 0.0
    assert pacer.delay_s(None) == 0.0


def test_as_fast_as_possible_never_waits() -> None:
    pacer = Pacer(None, threading.Event(), Clock())
    assert [pacer.delay_s(at) for at in (0, HOUR_US, 10**18)] == [0.0, 0.0, 0.0]


def test_a_stop_ends_the_longest_wait() -> None:
    stop = threading.Event()
    pacer = Pacer(1.0, stop)
    assert pacer.wait(0)
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    assert not pacer.wait(HOUR_US)
    assert time.monotonic() - started < 5
