"""The bank as durable state: crashes between any two writes neither lose a surge nor tell it twice."""

import random
from itertools import pairwise
from typing import Any

import orjson
import pytest

from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, claim
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.report.surges import surge_lines, surges_section
from streams.surges.board import SurgeLog
from streams.surges.budget import SurgeRules
from streams.surges.counting import Count
from streams.surges.durable import DurableSurges
from streams.surges.series import series
from streams.surges.tie import Tie
from streams.tables.calendar import utc_text
from streams.tables.watermark import ClockRules

START = 20_000 * DAY
ACME = series("unhappy_mentions", brand="acme")
LATE = series("unhappy_mentions", brand="acme", topic="late parcel")
NAMED = ("t", "1")
MINUTES = 26 * 60
SURGE = range(24 * 60 + 10, 24 * 60 + 55)


def counted(minute: int) -> list[Count]:
    rng = random.Random(minute)
    rate = 12 if minute in SURGE else 2
    number = sum(rng.random() < rate / 30 for _ in range(30))
    parts = (("channel", "call" if minute in SURGE else "social"), ("topic", "late parcel"))
    return [Count(START + minute * MINUTE, (ACME, LATE), number, parts)] if number else []


class Worker:
    """Owns the bank, from where the changelog stands."""

    def __init__(self, changelog: list[Any], topic: list[bytes], epoch: int) -> None:
        changelog.append(claim(epoch))
        reader = ChangelogReader()
        reader.feed(changelog)
        reader.finish()
        self.state = DurableSurges(0, NAMED, SurgeRules(), ClockRules())
        self.state.restore(reader, epoch)
        self.changelog, self.topic = changelog, topic

    def judge(self, upto: int) -> None:
        clock = self.state.bank.clock
        first = 0 if clock is None else (clock - START) // MINUTE
        for minute in range(first, upto):
            self.state.observe(START + minute * MINUTE, counted(minute))
        if first < upto:
            self.state.early(START + upto * MINUTE, [])

    def flush(self, dies: str = "") -> None:
        flush = self.state.flush(0)
        if flush is None or dies == "before":
            return
        self.topic += [value for _, value in flush.events]
        if dies != "told":
            self.changelog += flush.changelog[: -1 if dies == "torn" else None]


def events(topic: list[bytes]) -> list[dict[str, Any]]:
    """Each event once: one that is told again is the same to the byte."""
    found: dict[int, bytes] = {}
    for value in topic:
        number = orjson.loads(value)["number"]
        assert found.setdefault(number, value) == value
    assert list(found) == sorted(found)
    return [orjson.loads(value) for value in found.values()]


def undisturbed() -> list[dict[str, Any]]:
    changelog, topic = [], []
    worker = Worker(changelog, topic, 1)
    worker.judge(MINUTES + 240)
    worker.flush()
    worker.flush()
    return events(topic)


def test_a_surge_is_opened_once_and_closed_once_with_what_it_consists_of():
    told = undisturbed()
    of_acme = [event for event in told if event["series"] == ACME.shown()]
    assert [event["what"] for event in of_acme if event["what"] != "updated"] == ["opened", "closed"]
    assert [event["number"] for event in told] == list(range(1, len(told) + 1))
    assert {"label": "channel", "value": "call", "share": 1.0} in of_acme[-1]["evidence"]
    assert len({event["story"] for event in told}) == 1


@pytest.mark.parametrize("seed", range(5))
def test_crashes_change_nothing_that_is_told(seed: int) -> None:
    draw = random.Random(seed)
    changelog, topic = [], []
    epoch, minute = 1, 23 * 60
    worker = Worker(changelog, topic, epoch)
    worker.judge(minute)
    worker.flush()
    while minute < MINUTES + 240:
        minute = min(minute + draw.choice([1, 1, 2, 3, 17]), MINUTES + 240)
        worker.judge(minute)
        dies = draw.choice(["", "", "before", "told", "torn", "after"])
        worker.flush(dies)
        if dies:
            epoch += 1
            worker = Worker(changelog, topic, epoch)
            minute = (worker.state.bank.clock - START) // MINUTE
    worker.flush()
    worker.flush()
    shown = [(event["what"], event["id"], event["at"], event["observed"]) for event in events(topic)]
    assert shown == [(event["what"], event["id"], event["at"], event["observed"]) for event in undisturbed()]


def test_what_is_told_is_in_the_state_first():
    worker = Worker([], [], 1)
    worker.judge(SURGE.start + 30)
    worker.flush()
    assert worker.topic == []
    assert worker.state.has_untold
    worker.flush()
    assert [event["what"] for event in events(worker.topic)][:1] == ["opened"]


def action(**fields: Any) -> RawRecord:
    known = {"action_id": "a1", "at": "2024-10-05T00:00:00Z", "kind": "price_change", "text": "dearer"}
    return RawRecord(orjson.dumps(known | fields), None, "actions", 0, 0)


@pytest.mark.parametrize(
    ("fields", "actions", "is_expected"),
    [
        ({"scope": {"brand": "acme"}, "expected": {"unhappy": 100_000}}, ["a1"], True),
        ({"expected": {"unhappy": 100_000}}, ["a1"], True),
        ({"expected": {"unhappy": 1}}, ["a1"], False),
        ({"expected": {"lost": 100_000}}, ["a1"], False),
        ({"scope": {"brand": "other"}, "expected": {"unhappy": 100_000}}, None, None),
        ({"until": "2024-10-05T00:01:00Z", "expected": {"unhappy": 100_000}}, None, None),
    ],
)
def test_a_surge_inside_an_action_that_expected_it_is_marked(fields, actions, is_expected):
    changelog, topic = [], []
    worker = Worker(changelog, topic, 1)
    admitted = worker.state.apply([action(**fields), action(kind="nonsense")], 2)
    assert admitted.outcomes == {"actions": 1, "dead_lettered": 1}
    worker.judge(SURGE.start)
    worker.flush()
    worker = Worker(changelog, topic, 2)
    worker.judge(SURGE.stop)
    worker.flush()
    worker.flush()
    opened = next(event for event in events(topic) if event["what"] == "opened")
    shown = opened.get("actions")
    assert (shown if shown is None else [one["action_id"] for one in shown]) == actions
    assert opened.get("is_expected") is is_expected


def test_what_a_late_owner_wrote_over_is_written_again():
    worker = Worker([], [], 1)
    worker.judge(100)
    worker.flush()
    assert worker.state.flush(0) is None
    keys = [key for key, _ in worker.changelog if key is not None]
    worker.state.rewrite(keys)
    flush = worker.state.flush(0)
    assert flush is not None
    assert {key for key, _ in flush.changelog} >= {key for key in keys if key[:1] in (b"s", b"g", b"b")}


def test_a_log_of_surges_keeps_the_newest_of_each_and_counts_verdicts():
    told = [orjson.dumps(event) for event in undisturbed()]
    log = SurgeLog()
    for value in [*told, *told[:1], told[-1]]:
        log.take_event(value)
    clock = START + (MINUTES + 300) * MINUTE
    now = log.now(clock)
    assert now["open"] == []
    assert {surge["id"] for surge in now["closed"]} == {orjson.loads(value)["id"] for value in told}
    surge_id = now["closed"][0]["id"]
    verdict = {"surge_id": surge_id, "verdict": "false", "note": "sent twice", "at": "2024-10-05T00:00:00Z"}
    log.take_verdict(surge_id.encode(), orjson.dumps(verdict))
    assert log.now(clock)["false_alarms"]["false"] == 1
    assert log.now(clock)["closed"][0]["verdict"]["note"] == "sent twice"
    log.take_verdict(surge_id.encode(), orjson.dumps(verdict | {"verdict": "real"}))
    assert log.now(clock)["false_alarms"]["judged"]["real"] == 1
    assert log.now(clock)["false_alarms"]["false"] == 0
    log.take_verdict(surge_id.encode(), None)
    assert log.now(clock)["false_alarms"]["judged"]["none"] == len(now["closed"])


def test_false_alarms_of_a_series_are_held_against_what_is_accepted_of_each():
    log, clock = SurgeLog(), START + DAY
    for number in range(3):
        at = utc_text(START + number * HOUR)
        of = ACME if number < 2 else LATE
        event = {"what": "closed", "id": f"s{number}", "number": number, "detected": at, "closed": at, "story": "s0"}
        log.take_event(orjson.dumps(event | {"series": of.shown()}))
        verdict = {"surge_id": f"s{number}", "verdict": "false", "note": "", "at": at}
        log.take_verdict(f"s{number}".encode(), orjson.dumps(verdict))
    alarms = log.now(clock)["false_alarms"]
    assert alarms["over_budget"] == [{"series": ACME.shown(), "false": 2}]
    assert alarms["budget_a_series"] == 1.0
    assert log.now(clock + 31 * DAY)["false_alarms"]["over_budget"] == []


def test_what_the_detectors_are_at_is_told_every_five_minutes_and_in_the_report_card():
    worker = Worker([], [], 1)
    worker.judge(30)
    told: list[tuple[bytes, bytes]] = []
    for upto in (30, 31, 36):
        worker.judge(upto)
        for _ in worker.state.looking_around():
            pass
        worker.state.ties = {"price": Tie(9, 8, 10, 0.6, 0.5, 0.7)}
        flush = worker.state.flush(0)
        told += [] if flush is None else flush.watching
    assert [(key, orjson.loads(value)["at"][11:16]) for key, value in told] == [
        (b"detectors", "00:30"), (b"detectors", "00:36")
    ]  # fmt: skip
    log = SurgeLog()
    log.take_watching(told[-1][1])
    at = "2024-05-06T00:10:00Z"
    lead = {"series": {"measure": "lost_value"}, "detected": at, "state": "shown", "lead_hours": 7.0,
            "by": {"surge": {"at": "2024-05-06T07:10:00Z"}}}  # fmt: skip
    section = surges_section(log.now(START + 36 * MINUTE, [lead]))
    assert section["watched"]["series"] == {"warming": 2, "normal": 0, "surge": 0}
    assert 0 < section["watched"]["warming_seconds"] <= 3600
    lines = "\n".join(surge_lines(section))
    assert "mentions of price come 9 h (8 to 10) before losses for it: correlation 0.60 (0.50 to 0.70)" in lines
    assert f"lost value, told {at}: 7.0 h before surveys showed it (unhappy answers surged 2024-05-06T07" in lines
    left = section["watched"]["warming_seconds"] // 60
    assert f"2 series warming up, which raise nothing yet, the last for {left} minutes more" in lines


def test_what_another_version_has_learnt_begins_anew_and_numbers_go_on():
    changelog: list[Any] = []
    topic: list[bytes] = []
    worker = Worker(changelog, topic, 1)
    worker.judge(SURGE.start + 30)
    worker.flush()
    worker.flush()
    told = len(events(topic))
    worker.state.bank.keep = lambda key: b"\xa1x"  # type: ignore[method-assign]
    worker.state.rewrite([key for key, _ in changelog])
    worker.flush()
    again = Worker(changelog, topic, 2)
    assert again.state.begins_anew
    assert list(again.state.bank.series()) == []
    again.judge(SURGE.start + 30)
    again.flush()
    again.flush()
    assert len(events(topic)) > told


def test_many_series_are_restored_in_pieces_and_whole() -> None:
    changelog: list[Any] = []
    first = Worker(changelog, [], 1)
    many = [series("unhappy_mentions", brand=f"brand {number}") for number in range(200)]
    for upto in (70, 140):
        for minute in range(upto - 70, upto):
            at = START + minute * MINUTE
            first.state.observe(at, [Count(at, (one,), 1 + minute % 3, ()) for one in many])
        first.flush()
    changelog.append(claim(2))
    reader = ChangelogReader()
    reader.feed(changelog)
    reader.finish()
    again = DurableSurges(0, NAMED, SurgeRules(), ClockRules())
    restored = [len(list(again.bank.series())) for _ in again.restoring(reader, 2)]
    steps = [after - before for before, after in pairwise([0, *restored])]
    assert max(steps) <= 16
    assert restored.count(200) > 100  # each goes on by itself from what was saved whole
    assert {one: again.bank.keep(one) for one in many} == {one: first.state.bank.keep(one) for one in many}
    assert again.bank.clock == first.state.bank.clock


def test_how_the_feeds_have_come_survives_with_the_bank() -> None:
    worker = Worker([], [], 1)
    for number, now in enumerate(range(START, START + 26 * HOUR, MINUTE)):
        worker.state.watch.note("customer-events", number, now, now)
    worker.judge(60)
    worker.flush()
    other = Worker(worker.changelog, [], 2)
    assert other.state.watch.feeds == worker.state.watch.feeds
    assert other.state.watch.silent_after("customer-events") == 5 * MINUTE
