from typing import Any

import orjson
from rich.console import Console

from agents.trial.pages import Seen
from agents.trial.summary import Feed, address_lines, short_line, summary
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.models import RawRecord
from streams.recount import Recount

WEB = "http://127.0.0.1:6066"
FEED = Feed("online-retail", 1234, 1_292_155_200_000_000, playing=True)
STATUS: dict[str, Any] = {
    "partitions": {"0": {"idle": False}, "1": {"idle": True}, "2": {"idle": True}},
    "accounting": {
        "records": 7, "no_fact": {"a": 1, "b": 1}, "unmapped": 0, "dead_lettered": {"not_json": 1}, "facts": 4,
        "ignored": {"duplicate": 3},
    },
}  # fmt: skip


def fact(number: int, day: int, kind: str, **fields: Any) -> RawRecord:
    body = {
        "event_id": f"e{number}-{kind}", "at": f"2026-03-{day:02d}T12:00:00Z", "customer_id": f"c{number}",
        "fact": kind, **fields,
    }  # fmt: skip
    return RawRecord(orjson.dumps(body))


def ledger_of(records: list[RawRecord]) -> dict[str, Any]:
    recount = Recount(load(str(NATIVE_DEFINITIONS)))
    recount.add(records)
    return recount.finish()


def two_won_three_lost() -> dict[str, Any]:
    before = [fact(number, 1, "opening", value=100_00, segment="SMB") for number in range(3)]
    won = [fact(number, 20, "joined", value=2_500_00, segment="Large") for number in (7, 8)]
    lost = [fact(0, 21, "left", reason="too dear"), fact(1, 21, "left", reason="too dear"), fact(2, 22, "left")]
    return ledger_of([*before, *won, *lost])


def shown(seen: Seen, feed: Feed = FEED, *, width: int = 110, compact: bool = False) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(summary(seen, feed, WEB, compact=compact))
    return capture.get()


def line_with(text: str, of: str) -> str:
    found = [line for line in of.splitlines() if text in line]
    assert len(found) == 1, found
    return " ".join(found[0].strip("│ ").split())


def test_net_growth_stands_per_window_in_customers_and_value() -> None:
    screen = shown(Seen(True, two_won_three_lost(), STATUS))
    assert "2026-03-22 12:00:00 UTC" in screen
    # Gained, lost, net, its value, the month before, customers now: opening 3, +2, -3.
    assert line_with("this month", screen) == "this month 2 3 -1 +4,700.00 EUR +0 2"
    assert line_with("last month", screen) == "last month 0 0 +0 +0.00 EUR 0"


def test_the_bowls_hold_one_marble_for_each_customer_of_a_few() -> None:
    screen = shown(Seen(True, two_won_three_lost(), STATUS))
    assert "each marble 1 customer" in screen
    assert "gained 2" in screen
    assert "lost 3" in screen
    assert screen.count("●") == 5


def test_what_does_not_fill_a_marble_is_stated_beside_the_bowl() -> None:
    won = [fact(number, 20, "joined", value=1_00) for number in range(123)]
    screen = shown(Seen(True, ledger_of(won), STATUS))
    assert "each marble 5 customers" in screen
    assert screen.count("●") == 24
    assert "and 3 beside" in screen


def test_reasons_have_their_number_and_the_unusable_ones_a_line_of_their_own() -> None:
    screen = shown(Seen(True, two_won_three_lost(), STATUS))
    assert "too dear 2 200.00 EUR" in " ".join(screen.split())
    assert "no usable reason 1 100.00 EUR" in " ".join(screen.split())
    only_won = ledger_of([fact(1, 20, "joined")])
    assert "nobody left" in shown(Seen(True, only_won, STATUS))


def test_segments_stand_with_the_largest_first() -> None:
    screen = " ".join(shown(Seen(True, two_won_three_lost(), STATUS)).split())
    assert "Large 2 0 +2 2" in screen
    assert "SMB 0 3 -3 0" in screen
    assert screen.index("Large 2") < screen.index("SMB 0")


def test_the_state_of_the_feed_and_of_the_records_is_told() -> None:
    screen = shown(Seen(True, two_won_three_lost(), STATUS))
    assert "online-retail playing, 1,234 records sent, at 2010-12-12 12:00" in screen
    assert "1 flowing, 2 idle" in screen
    assert "7 read: 2 no fact, 0 unmapped, 1 dead letter; 4 facts, 3 of them ignored" in screen
    broken = shown(Seen(True, two_won_three_lost(), STATUS), Feed("online-retail", 5, fault="no broker"))
    assert "STOPPED after 5 records: no broker" in broken
    assert "played to its end" in shown(Seen(), Feed("online-retail", 5))


def test_before_the_first_numbers_the_screen_says_what_is_waited_for() -> None:
    assert "The worker is starting" in shown(Seen())
    nothing = {"accounting": {**STATUS["accounting"], "records": 0}, "partitions": {}}
    assert "waits for its first record" in shown(Seen(True, None, nothing), Feed("online-retail"))
    assert "The worker is starting" in short_line(Seen(), FEED)


def test_once_records_are_sent_nobody_waits_for_a_first_one() -> None:
    assert "reads the first records" in shown(Seen(True), Feed("online-retail", 5, playing=True))
    read = {"accounting": {**STATUS["accounting"], "records": 1}, "partitions": {}}
    screen = shown(Seen(True, None, read), Feed("online-retail", 5, playing=True))
    assert "has read 1 record, none with a fact yet: there is nothing to count" in screen
    assert "for its first" not in screen


def test_every_address_is_on_the_screen() -> None:
    screen = shown(Seen())
    for line in address_lines(WEB):
        assert line in screen


def test_the_short_line_has_both_measures() -> None:
    line = short_line(Seen(True, two_won_three_lost(), STATUS), FEED)
    assert line.startswith("2026-03-22 12:00:00 UTC  net growth: this month -1 (+4,700.00 EUR)")
    assert "\n" not in line


def test_the_compact_form_fits_an_old_terminal_and_leaves_no_number_out() -> None:
    screen = shown(Seen(True, two_won_three_lost(), STATUS), width=80, compact=True)
    assert len(screen.splitlines()) <= 24
    assert max(map(len, screen.splitlines())) <= 80
    assert line_with("this month", screen) == "this month 2 3 -1 +4,700.00 EUR +0 2"
    words = " ".join(screen.split())
    assert "gained 2 ●● │" in words
    assert "lost 3 ●●● │" in words
    assert f"{WEB}/health/ready" in screen
