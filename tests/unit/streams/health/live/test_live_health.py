"""Live health equals the same signals counted from a file, whatever the order, the partitions and the crashes."""

import random
from typing import Any

import numpy as np
import pytest

from streams.health.customers import Profile
from streams.health.health_json import scope_rows
from streams.health.live.health_now import health_now
from streams.health.live.known import Held
from streams.health.live.minute_colours import MinuteColours
from streams.health.live.parts import MINUTE_PART, MinutePart, packed, read_part_key
from streams.health.parts import ScopeName
from streams.health.red_spells import spell_row
from streams.health.shares import ColourName, colour
from streams.health.signals import Level, Status
from streams.report.health import colours_words
from tests.unit.streams.health.live.company_of_books import Base, LiveHealth, in_pieces
from tests.unit.streams.health.signalling import START, definitions, health_of, signal

MINUTES = 60


def an_hour(seed: int, *, customers: int = 60, signals: int = 1500) -> list[dict[str, Any]]:
    """Signals of an hour of the clock, from its first minute to its last."""
    chance = random.Random(seed)
    found = []
    for number in range(signals):
        who = chance.randrange(customers)
        found.append(
            signal(
                number, MINUTES * number / signals, f"c{who}", stage=chance.choice(["checkout", "search"]),
                ok=chance.random() > 0.2, latency_ms=round(chance.lognormvariate(6, 1), 1),
                attributes={"device": f"d{who % 3}", "region": f"r{who % 4}"}, synthetic=chance.random() < 0.02,
                customers=1 if chance.random() > 0.02 else 30,
            )
        )  # fmt: skip
    return found


def told(live: LiveHealth, window: str, *, with_facts: bool = False) -> list[dict[str, Any]]:
    """The rows of a window, as JSON."""
    windows = live.company.windows
    rows = {scope: windows.with_latencies(scope, window, health) for scope, health in windows.rows(window).items()}
    return scope_rows(live.definitions, rows, with_facts)


def from_file(signals: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    """The rows of the last hour, as `netgrowth health --by hour` counts them."""
    period = health_of(signals, by="hour", **more)["periods"][-1]
    rows: list[dict[str, Any]] = period["scopes"] + period["services"]
    return rows


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [row.get(name, "") for name in ("service", "stage", "segment", "region")])


@pytest.mark.parametrize("partitions", [1, 4])
def test_an_hour_live_is_the_hour_of_a_file(partitions: int) -> None:
    signals = an_hour(1)
    live = LiveHealth(definitions(), partitions)
    for piece in in_pieces(signals, 1):
        live.send(piece)
        live.tick()
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))


def test_order_repetition_and_crashes_change_nothing() -> None:
    signals = an_hour(2)
    chance = random.Random(2)
    mixed = [*signals, *chance.sample(signals, 300)]
    chance.shuffle(mixed)
    live = LiveHealth(definitions(), 2)
    for place, piece in enumerate(in_pieces(mixed, 3)):
        live.send(piece)
        if place % 3 == 1:
            live.crash(place % 2)
        live.tick()
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))
    assert live.company.accounting["duplicates"] == 300


def test_the_windows_slide_and_what_is_gone_is_gone() -> None:
    live = LiveHealth(definitions())
    live.send([signal(1, 0, "a", ok=False), signal(2, 0, "b"), signal(3, 3, "b")])
    live.settle()
    (row, _) = told(live, "5m")
    assert (row["customers"], row["disrupted"], row["interactions"]["satisfied"]) == (2, 1, 2)
    live.send([signal(4, 5, "c")])
    live.settle()
    (row, _) = told(live, "5m")
    assert (row["customers"], row["disrupted"]) == (2, 0)
    (row, _) = told(live, "1h")
    assert (row["customers"], row["disrupted"], row["customer_minutes"]) == (3, 1, 1)
    live.send([signal(5, 24 * 60 + 10, "c")])
    live.settle()
    (row, _) = told(live, "24h")
    assert (row["customers"], row["disrupted"]) == (1, 0)


def test_a_signal_of_another_minute_under_the_same_id_is_none() -> None:
    live = LiveHealth(definitions())
    live.send([signal(1, 3, "a", ok=False), signal(2, 4, "b")])
    live.settle()
    live.send([signal(1, 2, "a")])  # the first by time is the signal
    live.settle()
    (row, _) = told(live, "1h")
    assert (row["customers"], row["disrupted"], row["interactions"]["satisfied"]) == (2, 0, 2)
    live.send([signal(1, 4, "a", ok=False)])
    live.crash(0)
    live.settle()
    (row, _) = told(live, "1h")
    assert (row["disrupted"], live.company.accounting["duplicates"]) == (0, 2)


def test_one_customer_retrying_is_one_and_a_late_signal_corrects() -> None:
    live = LiveHealth(definitions())
    live.send([signal(n, n / 500, "a", ok=False) for n in range(500)])
    live.send([signal(1000, 30, "b")])
    live.settle()
    (row, _) = told(live, "1h")
    assert (row["customers"], row["disrupted"], row["customer_minutes"]) == (2, 1, 1)
    live.send([signal(1001, 10, "c", ok=False)])
    live.settle()
    (row, _) = told(live, "1h")
    assert (row["customers"], row["disrupted"], row["customer_minutes"]) == (3, 2, 2)


GOLD, PLAIN = Profile("gold", "north"), Profile("plain", "south")


def test_value_at_risk_is_the_sum_over_distinct_customers_as_the_ledger_has_them_now() -> None:
    ledger = Base({"a": Held(GOLD, 1234), "b": Held(PLAIN, 77), "c": Held(GOLD, 500)})
    live = LiveHealth(definitions(), 1, ledger)
    live.send([signal(n, n / 10, who, ok=False) for n, who in enumerate("aabbxc" * 3)])
    live.settle()
    rows = {row.get("segment"): row for row in told(live, "1h", with_facts=True)}
    assert (rows[None]["value_at_risk"], rows[None]["value_unknown"], rows[None]["disrupted"]) == (1811, 1, 4)
    assert (rows["gold"]["value_at_risk"], rows["gold"]["disrupted"]) == (1734, 2)
    assert "value_at_risk" not in rows["unknown"]
    ledger.customers |= {"a": Held(PLAIN, 1300), "x": Held(GOLD, 9)}
    live.books[0].ledger_changed(["a", "x", "nobody"])
    live.settle()
    rows = {row.get("segment"): row for row in told(live, "1h", with_facts=True)}
    assert (rows[None]["value_at_risk"], rows[None]["value_unknown"]) == (1886, 0)
    assert (rows["gold"]["value_at_risk"], rows["gold"]["disrupted"]) == (509, 2)
    assert "unknown" not in rows


def test_another_ledger_is_asked_anew() -> None:
    ledger = Base({})
    live = LiveHealth(definitions(), 1, ledger)
    live.send([signal(1, 0, "a", ok=False)])
    live.settle()
    assert told(live, "1h", with_facts=True)[0]["value_unknown"] == 1
    ledger.customers["a"] = Held(GOLD, 40)
    ledger.version = object()
    live.settle()
    assert told(live, "1h", with_facts=True)[0]["value_at_risk"] == 40


def test_customers_in_trouble_come_and_go() -> None:
    agreed = definitions(more="journey: [{stage: checkout, tier: 1}, search]")
    live = LiveHealth(agreed, 1, Base({"a": Held(GOLD, 7)}))
    live.send([signal(1, 0, "a", stage="search", ok=False), signal(2, 2, "a", ok=False), signal(3, 2, "b")])
    live.settle()
    (one,) = live.in_trouble().values()
    assert (one["customer_id"], one["stage"], one["value"], one["segment"]) == ("a", "checkout", 7, "gold")
    assert one["since"] == "2024-01-01T10:00:00Z"
    live.crash(0)
    live.send([signal(4, 6, "b")])
    live.settle()
    (one,) = live.in_trouble().values()
    assert [place["stage"] for place in one["disrupted"]] == ["checkout"]
    live.send([signal(5, 7, "b")])
    live.settle()
    assert live.in_trouble() == {}
    assert live.troubles == {b"a": None}


def test_false_green_counts_the_minutes_in_which_operations_said_up() -> None:
    live = LiveHealth(definitions(), 2)
    empty_carts = [signal(n, n / 6, f"c{n % 40}", ok=not 60 <= n < 120) for n in range(240)]
    live.send(empty_carts)
    live.settle()
    assert live.company.false_greens() == []
    live.company.statuses.add([Status(START * 1000, "shop", None, None, Level.UP)])
    (whole, scope) = live.company.false_greens()
    assert (whole.scope.segment, scope.scope.segment) == (None, "unknown")
    assert (whole.start - START // 60_000, whole.end - START // 60_000, whole.minutes) == (10, 20, 10)


def a_red_part(green_until: int) -> dict[str, Any]:
    """A stage of 200 customers, of whom the 8 in the north are disrupted from minute 10 to 20, as told at its end."""
    north = {f"c{n}": Held(Profile("gold", "north" if n < 8 else "south"), 100) for n in range(200)}
    live = LiveHealth(definitions(), 2, Base(north))
    live.send([
        signal(minute * 200 + n, minute, f"c{n}", ok=not (n < 8 and 10 <= minute < 20))
        for minute in range(green_until) for n in range(200)
    ])  # fmt: skip
    live.settle()
    told = health_now(live.company, "1h")
    assert told is not None
    (row,) = told["periods"][0]["services"]
    found: dict[str, Any] = row
    return found


def test_a_stage_that_is_green_all_in_all_tells_the_worst_that_a_part_of_its_customers_had() -> None:
    row = a_red_part(green_until=40)
    assert (row["colour"], row["now"]) == ("green", "green")
    assert row["worst"] == {"colour": "red", "minutes": 10, "segment": "gold", "region": "north"}
    assert colours_words(row, "1h") == (
        "green now; worst of the last 1h: red for 10 minutes, customers of gold, north"
    )
    row = a_red_part(green_until=9)
    assert "worst" not in row
    assert colours_words(row, "1h") == "green now; green in every minute of the last 1h"
    row |= {"now": "red"}  # in the minute that runs
    assert colours_words(row, "1h") == "red now; before that green in every minute of the last 1h"


def test_the_worst_is_red_before_yellow_and_the_whole_before_its_parts() -> None:
    colours = MinuteColours(definitions().health)
    whole, part, other = (ScopeName("shop", "checkout", *names) for names in ((None, None), ("a", "x"), ("b", "x")))

    def minute(number: int, **hurt: int) -> None:
        scopes = {"whole": whole, "part": part, "other": other}
        units = np.array([[100, hurt.get(name, 0)] for name in scopes], dtype=np.int64)
        colours.note(number, [MinutePart([], packed(units[:0]), b"", list(scopes.values()), packed(units))])

    kind = whole.service, whole.stage
    rules = definitions().health
    red, yellow = (next(n for n in range(101) if colour(rules, n, 100) is name) for name in (
        ColourName.RED, ColourName.YELLOW,
    ))  # fmt: skip
    minute(1)
    assert colours.worst(0) == {}
    minute(2, whole=yellow, part=yellow)
    assert colours.worst(0) == {kind: (whole, ColourName.YELLOW, 1)}
    minute(3, part=red, other=red)
    minute(4, other=red)
    assert colours.worst(0) == {kind: (other, ColourName.RED, 2)}
    minute(5, whole=red)
    assert colours.worst(0) == {kind: (whole, ColourName.RED, 1)}
    assert colours.worst(6) == {}


def test_what_operations_said_long_ago_is_unknown_and_not_up() -> None:
    agreed = definitions("thresholds: [{satisfied_within: 1s}]\nstatus_stale_after: 25m")
    live = LiveHealth(agreed, 2)
    live.send([signal(minute * 10 + n, minute, f"c{n}", ok=minute < 17) for minute in range(61) for n in range(10)])
    live.company.statuses.add([Status((START + at * 60_000) * 1000, "shop", None, None, Level.UP) for at in (0, 20)])
    live.settle()
    told = health_now(live.company, "1h")
    assert told is not None
    (found,) = told["false_green"]
    assert (found["start"], found["end"], found["lasts"]) == ("2024-01-01T10:17:00Z", "2024-01-01T10:46:00Z", False)
    assert (told["status_feed"], told["status_unknown_minutes"]) == ("unknown", 14)
    word = {"service": "shop", "status": "unknown", "last_status": "up", "since_minute": "2024-01-01T10:20:00Z"}
    assert told["statuses"] == [word]
    live.company.statuses.add([Status((START + 59 * 60_000) * 1000, "shop", None, None, Level.DOWN)])
    told = health_now(live.company, "1h")
    assert told is not None
    assert (told["status_feed"], told["statuses"][0]["status"]) == ("read", "down")


@pytest.mark.parametrize("partitions", [1, 3])
def test_troubles_are_those_of_a_file_and_last_until_they_are_green_again(partitions: int) -> None:
    bad = {*range(10, 14), *range(18, 20), 40, *range(55, 58)}
    signals = [
        signal(
            minute * 20 + n, minute, f"c{n}", ok=minute not in bad or n % 2 == 0, attributes={"region": f"r{n % 3}"}
        )
        for minute in range(58)
        for n in range(20)
    ]
    live = LiveHealth(definitions(), partitions)
    live.send([*signals, signal(5_000, 58, "last")])
    live.settle()
    found = [spell_row(one) for one in live.company.troubles()]
    assert found == health_of([*signals, signal(5_000, 58, "last")])["troubles"]
    assert sorted({row["start"][11:16] for row in found}) == ["10:10", "10:40", "10:55"]
    lasting = [one for one in live.company.troubles() if live.company.lasts(one)]
    assert {spell_row(one)["start"][11:16] for one in lasting} == {"10:55"}
    # Late signals say that most were well at 10:40.
    live.send([signal(9_000 + n, 40, f"d{n}", attributes={"region": f"r{n % 3}"}) for n in range(600)])
    live.settle()
    assert "10:40" not in {spell_row(one)["start"][11:16] for one in live.company.troubles()}


def test_a_short_horizon_keeps_the_counts_of_minutes_whose_signals_are_gone() -> None:
    signals = an_hour(5)
    agreed = definitions("horizon: 5m\nthresholds: [{satisfied_within: 1s}]")
    live = LiveHealth(agreed, 2)
    for place, piece in enumerate(in_pieces(signals, 5)):
        live.send(piece)
        live.tick()
        if place % 4 == 3:
            live.crash(place % 2)
    more = [signal(10_000 + n, 60 + n, f"c{n}") for n in range(90)]
    live.send(more)
    live.settle()
    live.crash(0)
    live.crash(1)
    live.settle()
    day = in_order(health_of([*signals, *more], under=agreed, by="day")["periods"][0]["scopes"])
    assert in_order([row for row in told(live, "24h") if "segment" in row]) == day
    assert live.company.accounting["late"] == 0


def test_needs_are_learnt_from_the_days_before() -> None:
    agreed = definitions("thresholds: []")
    chance = random.Random(6)
    signals = [
        signal(n, n * 6, f"c{n % 50}", latency_ms=chance.uniform(90, 110) * (20 if n >= 360 else 1))
        for n in range(370)
    ]  # a day and a half
    live = LiveHealth(agreed, 2)
    for piece in in_pieces(signals, 6, 60):
        live.send(piece)
        live.tick()
        live.tick()
    live.settle()
    rows = in_order(told(live, "1h"))
    assert rows == in_order(from_file(signals, under=agreed))
    assert rows[0]["disrupted"] == rows[0]["customers"] == 10


def test_what_lies_aside_is_counted_and_corrected_as_what_is_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.held.IN_MEMORY", 3)
    monkeypatch.setattr("streams.health.live.running.IN_MEMORY", 3)
    monkeypatch.setattr("streams.health.live.ids.IN_MEMORY", 100)
    signals = an_hour(7)
    chance = random.Random(7)
    late = [signals.pop(chance.randrange(len(signals))) for _ in range(200)]
    again = chance.sample(signals, 100)
    ledger = Base({})
    live = LiveHealth(definitions(), 2, ledger)
    for piece in in_pieces(signals, 7):
        live.send(piece)
        live.tick()
    live.send([*late, *again])
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file([*signals, *late]))
    assert live.company.accounting["duplicates"] == 100
    ledger.customers |= {f"c{number}": Held(GOLD, number) for number in range(60)}
    for books in live.books:
        books.ledger_changed(ledger.customers)
    live.settle()
    assert {row.get("segment") for row in told(live, "1h", with_facts=True)} == {None, "gold"}


def test_where_no_file_can_be_written_everything_stays_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("streams.health.live.held.IN_MEMORY", 3)
    monkeypatch.setattr("streams.health.live.running.IN_MEMORY", 3)
    monkeypatch.setattr("streams.health.live.ids.IN_MEMORY", 100)
    signals = an_hour(8)
    live = LiveHealth(definitions())
    for piece in in_pieces(signals, 8):
        live.send(piece)
        live.tick()
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))


def test_names_that_nobody_bears_any_more_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.held.MANY_NAMES", 20)
    agreed = definitions("horizon: 10m\nthresholds: [{satisfied_within: 1s}]\nsubsets: {leave_out: [trip]}")
    chance = random.Random(9)

    def of_day(day: int, customers: int) -> list[dict[str, Any]]:
        return [
            signal(
                day * 1000 + n, day * 26 * 60 + n / 4, f"c{day}-{n % customers}", ok=chance.random() > 0.3,
                attributes={"trip": f"t{day}-{n // 4}"},
            )
            for n in range(600)
        ]  # fmt: skip

    days = [of_day(0, 300), of_day(1, 40), of_day(2, 50)]
    ledger = Base({f"c{day}-{n}": Held(GOLD, n) for day in range(3) for n in range(0, 300, 3)})
    live, alone = LiveHealth(agreed, 1, ledger), LiveHealth(agreed, 1, ledger)
    for day in days:
        for start in range(0, len(day), 60):
            live.send(day[start : start + 60])
            live.tick()
    alone.send(days[-1])
    for one in (live, alone):
        one.settle()
    held = live.books[0]._held
    assert len(held.customers.names) < 200  # of 390
    assert len(held.attributes.names) < 200  # of 450
    for window in ("5m", "1h", "24h"):
        assert in_order(told(live, window, with_facts=True)) == in_order(told(alone, window, with_facts=True))


def test_large_flushes_and_many_scopes_are_told_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.held.CHUNK_ROWS", 50)
    monkeypatch.setattr("streams.health.live.telling.PIECE", 2)
    signals = an_hour(11)
    live = LiveHealth(definitions(), 2)
    for piece in in_pieces(signals, 11):
        live.send(piece)
        live.tick()
    live.crash(0)
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))


def test_what_a_late_owner_wrote_over_is_written_again() -> None:
    signals = an_hour(12)
    live = LiveHealth(definitions())
    for piece in in_pieces(signals, 12):
        live.send(piece)
        live.tick()
    chunks = [key for key, value in live.changelogs[0] if key[:1] == b"r" and value is not None]
    lost = set(chunks[::2])
    live.books[0].rewrite([*lost, b"r?", b"c?", *chunks[:1]])
    live.tick()
    live.changelogs[0] = [record for record in live.changelogs[0] if record[0] not in lost]
    live.crash(0)
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))


@pytest.mark.parametrize("lost", ["changelog", "troubles"])
@pytest.mark.parametrize("ticks", range(7))
@pytest.mark.parametrize("ends", ["never", "before the crash", "while nobody reads"])
def test_no_customer_stays_in_trouble_for_a_crash(lost: str, ticks: int, ends: str) -> None:
    live = LiveHealth(definitions())
    live.send([signal(0, 0, "z")])
    live.settle()
    bad, good = [signal(1, 1, "a", ok=False), signal(2, 1, "b", ok=False)], [signal(3, 9, "z")]
    live.send(bad)
    if ends == "before the crash":
        live.settle()
        live.send(good)
    for _ in range(ticks):
        live.tick()
    live.lost = {lost}
    live.tick()
    live.lost = set()
    if ends == "while nobody reads":
        live.put(good)
    live.crash(0)
    live.settle()
    assert set(live.in_trouble()) == ({"a", "b"} if ends == "never" else set())
    live.send(good)
    live.settle()
    assert live.in_trouble() == {}


def test_owners_that_come_before_the_first_signal_hide_none_that_follow() -> None:
    signals = an_hour(3)
    live = LiveHealth(definitions(), 2)
    live.tick()
    for number in (0, 1):
        live.crash(number)
    for piece in in_pieces(signals, 1):
        live.send(piece)
        live.tick()
    live.settle()
    assert in_order(told(live, "1h")) == in_order(from_file(signals))


@pytest.mark.parametrize("partitions", [1, 3])
def test_the_last_minute_before_a_jump_of_more_than_a_day_is_looked_at(partitions: int) -> None:
    live = LiveHealth(definitions(), partitions)
    live.send([signal(n, 0, f"c{n}", ok=False) for n in range(12)])
    live.settle()
    live.send([signal(100 + n, 2 * 1440, f"c{n}") for n in range(12)])
    live.settle()
    whole = ScopeName("shop", "checkout", None, None)
    assert live.company.disrupted[START // 60_000][whole] == 12
    assert [one.start for one in live.company.troubles()] == [START // 60_000]
    live.send([signal(200 + n, 2 * 1440 + 5, f"c{n}") for n in range(12)])
    live.settle()
    kept = {key for parts in live.parts for key, value in dict(parts).items() if value is not None}
    minutes = {read_part_key(key).number for key in kept if read_part_key(key).what == MINUTE_PART}
    assert START // 60_000 not in minutes, "it goes with a later flush"
