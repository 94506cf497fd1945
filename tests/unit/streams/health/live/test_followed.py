"""Who knew of a trouble first, and who left after it, live: the same as over files."""

import random
from typing import Any

import pytest

from streams.health.exposure import Loss
from streams.health.live.company import CompanyHealth
from streams.health.live.complaints import Complaints
from streams.health.live.health_now import detection
from streams.health.live.known import Held
from streams.voice.mentions import key_of
from streams.voice.stage import VoiceStage
from tests.unit.streams.health.live.company_of_books import CLOCK, Base, LiveHealth
from tests.unit.streams.health.live.test_live_health import GOLD, in_pieces
from tests.unit.streams.health.signalling import START, definitions, records, signal
from tests.unit.streams.health.test_detection import mention, told_of, trouble

DAY = 1440
END = signal(99_000, 90, "z")


def fact(number: int, customer: str, minute: float, **more: Any) -> dict[str, Any]:
    """A fact so many minutes after the start."""
    return {
        "event_id": str(number), "at": START + int(minute * 60_000), "customer_id": customer, "value": 1,
        "segment": "gold", "region": "north", **more,
    }  # fmt: skip


def ledger_of(*names: str) -> Base:
    """A ledger that knows these customers."""
    return Base({name: Held(GOLD, 1) for name in names})


def leaves(live: LiveHealth, ledger: Base, name: str, minute: float) -> None:
    """A customer leaves, and the ledger says so."""
    ledger.customers[name] = Held(GOLD, 0)
    ledger.losses[name] = Loss(name, (START + int(minute * 60_000)) * 1000, "price")
    for books in live.books:
        books.ledger_changed([name])


def listening(live: LiveHealth, mentions: list[dict[str, Any]]) -> Complaints:
    """The company hears these mentions."""
    complaints = live.company.complaints = live.company.complaints or Complaints()
    complaints.hear(VoiceStage(live.definitions).read(records(mentions)).digests)
    return complaints


def told(live: LiveHealth) -> dict[str, Any]:
    """What the API tells, without what only a running worker knows."""
    found = detection(live.company)
    for row in found["troubles"]:
        del row["lasts"]
    return found


OFFLINE = ("troubles", "mentions_feed", "first_to_know", "before_loss")
SAID = [
    [mention(1, 15)],
    [mention(1, 9)],
    [mention(1, 9), mention(2, 30, customer_id="c3", topics=[])],
    [mention(n, at, customer_id="c3", topics=[]) for n, at in enumerate((9.5, 10.5, 12))],
    [mention(1, 15, topics=["price"]), mention(2, 16, topics=[], customer_id="other"),
     mention(3, 12, sentiment=0.9, customer_id="c1"), mention(4, -51)],
]  # fmt: skip


@pytest.mark.parametrize("mentions", SAID)
@pytest.mark.parametrize(("order", "partitions"), [("said first", 1), ("said last", 3), ("said between", 2)])
def test_what_is_told_live_is_what_is_told_over_files(
    partitions: int, mentions: list[dict[str, Any]], order: str
) -> None:
    facts = [fact(n, f"c{n}", -1000, fact="joined") for n in range(10)] + [fact(20, "z", -1000, fact="joined")]
    left = [("z", 45), ("c4", 50), ("c5", 55)]
    facts += [fact(30 + n, name, minute, fact="left") for n, (name, minute) in enumerate(left)]
    signals = [*trouble(), END]
    ledger = ledger_of("z", *(f"c{n}" for n in range(10)))
    live = LiveHealth(definitions(), partitions, ledger)
    listening(live, mentions if order == "said first" else mentions[:-1] if order == "said between" else [])
    for place, piece in enumerate(in_pieces(signals, 5)):
        live.send(piece)
        live.tick()
        if place == 1:
            live.crash(0)
            listening(live, mentions[-1:] if order == "said between" else [])
    for name, minute in left:
        leaves(live, ledger, name, minute)
    listening(live, mentions if order == "said last" else [])
    live.settle()
    offline = told_of(signals, mentions, facts)
    assert told(live) == {name: offline[name] for name in OFFLINE}
    assert offline["before_loss"] == {
        "troubles": 1, "left_after": 1, "median_seconds": 39 * 60, "least_seconds": 39 * 60,
    }  # fmt: skip


def test_without_mentions_it_is_unknown_who_was_first() -> None:
    live = LiveHealth(definitions())
    live.send([*trouble(), END])
    live.settle()
    found = told(live)
    assert found["mentions_feed"] == "unknown"
    assert "first_to_know" not in found
    assert not any(name.startswith("first_") for name in found["troubles"][0])


@pytest.mark.parametrize("crashes", [False, True])
def test_a_loss_days_later_is_tied_to_the_trouble_and_one_that_is_taken_back_is_not(crashes: bool) -> None:
    ledger = ledger_of("z", *(f"c{n}" for n in range(10)))
    live = LiveHealth(definitions(), 2, ledger)
    live.send([*trouble(), END])
    live.settle()
    for day in (1, 2, 3):
        live.send([signal(100_000 + day, day * DAY + 90, "z")])
        live.settle()
    if crashes:
        for number in (0, 1):
            live.crash(number)
    leaves(live, ledger, "c7", 3 * DAY)
    live.settle()
    (row,) = told(live)["troubles"]
    assert row["seconds_before_loss"] == (3 * DAY - 11) * 60
    del ledger.losses["c7"]
    for books in live.books:
        books.ledger_changed(["c7"])
    live.settle()
    assert "first_loss" not in told(live)["troubles"][0]


def test_a_worker_that_begins_knows_the_troubles_of_days_ago() -> None:
    ledger = ledger_of("z", *(f"c{n}" for n in range(10)))
    live = LiveHealth(definitions(), 2, ledger)
    listening(live, [mention(1, 15, customer_id="c3")])
    leaves(live, ledger, "c4", 50)
    live.send([*trouble(), END])
    live.settle()
    live.send([signal(100_001, 3 * DAY, "z")])
    live.settle()
    expected = told(live)
    assert expected["first_to_know"] == {"troubles": 1, "complained_of": 1, "we_were_first": 1, "share": 1}
    fresh = CompanyHealth(live.definitions, 2, CLOCK)
    fresh.complaints = Complaints()
    for parts in live.parts:
        for key, value in dict(parts).items():  # as compaction leaves them
            fresh.apply(key, value)
    live.company = fresh
    while fresh.look():
        assert fresh.troubles()
    assert told(live) == expected
    # Its partitions do not forget what the trouble was because the company was read anew.
    live.crash(0)
    live.settle()
    assert told(live) == expected


def test_late_signals_take_back_a_trouble_and_whom_it_hit() -> None:
    chance = random.Random(3)
    live = LiveHealth(definitions(), 2)
    complaints = [mention(1, 45, customer_id="c3", topics=[]), mention(2, 47)]
    listening(live, complaints)
    signals = [*trouble(40, 50), signal(99_000, 62, "z")]
    live.send(signals)
    live.settle()
    assert told(live)["troubles"][0]["complaint_by"] == "customer"
    # One more was disrupted in it, as a late signal says, and had complained first.
    late = [signal(40_000, 41, "late", ok=False)]
    first = mention(3, 42, customer_id="late", topics=[])
    listening(live, [first])
    live.send(late)
    live.settle()
    assert told(live)["troubles"] == told_of([*signals, *late], [*complaints, first])["troubles"]
    assert told(live)["troubles"][0]["seconds_before_complaint"] == 60
    # It was not: most of its interactions came later still.
    late += [signal(41_000 + n, 41, "late") for n in range(3)]
    live.send(late[1:])
    live.settle()
    complaints.append(first)
    # c3 had been well: most of its interactions came late.
    late += [signal(50_000 + minute * 10 + n, minute, "c3") for minute in range(40, 50) for n in range(3)]
    more = late[4:]
    chance.shuffle(more)
    live.send(more)
    live.settle()
    offline = told_of([*signals, *late], complaints)
    assert offline["troubles"][0]["complaint_by"] == "topic"
    assert told(live)["troubles"] == offline["troubles"]
    # All were: there was no trouble.
    late += [signal(60_000 + n, 40 + n / 300, f"d{n}") for n in range(3_000)]
    live.send(late[-3_000:])
    live.settle()
    assert told(live)["troubles"] == []


def test_many_troubles_are_listed_up_to_a_bound_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.followed.MOST_TROUBLES", 3)
    monkeypatch.setattr("streams.health.live.health_now.MOST_TROUBLES", 3)
    live = LiveHealth(definitions())
    bad = range(5, 85, 10)
    live.send([signal(at * 10 + n, at, f"c{n}", ok=at not in bad) for at in range(91) for n in range(10)])
    listening(live, [mention(1, 76.5, customer_id="c1")])
    live.settle()
    found = told(live)
    assert [row["start"][11:16] for row in found["troubles"]] == ["10:55", "11:05", "11:15"]
    assert found["troubles"][-1]["seconds_before_complaint"] == 30
    assert found["before_loss"]["troubles"] == 8
    assert len(live.books[0]._followed.found()) == 3


def test_complaints_are_forgotten_when_no_trouble_asks_for_them() -> None:
    live = LiveHealth(definitions())
    complaints = listening(live, [mention(1, 15, customer_id="c3"), mention(2, 4 * DAY, customer_id="c4")])
    complaints.forget()
    place = complaints.after(0)
    assert [at for _, at in place[0]] == [(START + 4 * DAY * 60_000) * 1000]
    begin = START * 1000
    assert complaints.first_of(["checkout"], begin, begin + 3_600_000_000) is None
    assert complaints.first_of(["checkout"], begin, begin + 5 * DAY * 60_000_000) == place[0][0][1]


def test_a_trouble_is_told_for_a_week() -> None:
    live = LiveHealth(definitions())
    live.send([*trouble(), END])
    live.settle()
    for day, expected in ((6, 1), (7, 1), (8, 0)):
        live.send([signal(100_000 + day, day * DAY, "z")])
        live.settle()
        assert len(told(live)["troubles"]) == expected, day


def test_the_oldest_complaints_go_when_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.complaints.MOST_OF_CUSTOMERS", 10)
    live = LiveHealth(definitions())
    complaints = listening(live, [mention(n, n, customer_id=f"c{n}") for n in range(11)])
    news, place = complaints.after(0)
    assert [(key, complaints.of_customer(key)) for key, _ in news] == [(key, [at]) for key, at in news]
    assert (len(news), place) == (5, 11)
    assert complaints.of_customer(key_of("c5")) == []
    listening(live, [mention(12, 3, customer_id="c5")])
    assert [at for _, at in complaints.after(place)[0]] == [(START + 3 * 60_000) * 1000]


def test_customers_beyond_the_bound_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.health.live.followed.MOST_CUSTOMERS", 4)
    live = LiveHealth(definitions())
    listening(live, [mention(n, 15, customer_id=f"c{n}", topics=[]) for n in range(4, 10)])
    live.send([*trouble(), END])
    live.settle()
    assert "first_complaint" not in told(live)["troubles"][0]
    listening(live, [mention(1, 17, customer_id="c1", topics=[])])
    live.settle()
    assert told(live)["troubles"][0]["seconds_before_complaint"] == 360
