"""Series that the definitions name: what they mean, what counts in them, and the faults that are named."""

import numpy as np
import pytest

from streams.facts.definitions.tree import DefinitionsError
from streams.health.parts import BlockPart, ScopeName
from streams.intake.surveys import Answer
from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import DAY, MINUTE
from streams.surges.actions import Action, mark
from streams.surges.counting import Count, of_answer, of_disrupted, of_health, of_mention, of_movement
from streams.surges.hourly import HourlyCounts
from streams.surges.own_series import OwnCounting, OwnSeries, losses, measures_of
from streams.surges.series import LEDGER, VOICE, Series, series
from streams.surges.sums import summed
from streams.surges.surge import Surge
from streams.surges.tables_counts import AnswerCounts, ledger_counts
from streams.tables.tables import TableRules, Tables
from streams.voice.mentions import HAPPY, NEUTRAL, UNHAPPY
from streams.voice.merged import Change
from tests.unit.streams.voice.posts import definitions

START = 20_000 * DAY
OWN = """
series:
  price in SMB:
    counts: lost_customers
    where: {reason: [price, fees], segment: SMB}
    by: [region]
  all calls: {counts: mentions, where: {channel: call}, by: topic}
  angry calls: {counts: unhappy_mentions, where: {channel: call}}
  joined: {counts: new_customers, by: [segment]}
  hurt SMB: {counts: disrupted_customers, where: {segment: SMB}}
  hurt at checkout: {counts: disrupted_customers, where: {stage: checkout}}
  answered: {counts: answers, by: [stage]}
"""
COUNTING = OwnCounting(definitions(OWN).series)


def named(counts: list[Count], own: str) -> dict[Series, float]:
    return {key: amount for key, amount in summed(counts).items() if key.measure == own}


def loss(reason: str, segment: str, kind: MovementKind = MovementKind.LOST) -> Movement:
    is_loss = kind == MovementKind.LOST
    return Movement(
        kind, START, Scope(segment, "EMEA", "unknown"), 1, 500, None, reason=reason if is_loss else "",
        activity="" if is_loss else "shop", loss_kind="voluntary" if is_loss else "",
    )  # fmt: skip


def test_the_definitions_say_what_counts() -> None:
    first = definitions(OWN).series[0]
    where = (("reason", frozenset({"price", "fees"})), ("segment", frozenset({"SMB"})))
    assert first == OwnSeries("price in SMB", "lost_customers", where, ("region",))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("series: {a: {where: {brand: x}}}", "series.a.counts: `counts` is missing"),
        ("series: {a: {counts: lost_customer}}", "series.a.counts: `lost_customer` is not known here"),
        ("series: {a: {counts: mentions, where: {segment: x}}}", "series.a.where.segment: `segment` is not"),
        ("series: {a: {counts: mentions, by: [channel]}}", "series.a.by[0]: `channel` is not known here"),
        ("series: {mentions: {counts: mentions, by: topic}}", "series.mentions: `mentions` is counted already"),
        ("series: {a: {counts: mentions, wher: {brand: x}}}", "series.a.wher"),
    ],
)
def test_faults_name_the_place(said: str, told: str) -> None:
    with pytest.raises(DefinitionsError) as caught:
        definitions(said)
    assert any(f"{fault.path}: {fault.message}".startswith(told) for fault in caught.value.faults), [
        f"{fault.path}: {fault.message}" for fault in caught.value.faults
    ]


def test_a_series_that_is_all_of_another_is_warned_of() -> None:
    assert any(warning.path == "series.a" for warning in definitions("series: {a: {counts: mentions}}").warnings)


def test_losses_count_where_every_label_agrees() -> None:
    counts = [*of_movement(loss("price", "SMB"), 1, COUNTING), *of_movement(loss("fees", "SMB"), 1, COUNTING)]
    for other in (loss("price", "Large"), loss("moved", "SMB"), loss("price", "SMB", MovementKind.NEW)):
        counts += of_movement(other, 1, COUNTING)
    region = Series("price in SMB", (("region", "EMEA"),))
    assert named(counts, "price in SMB") == {Series("price in SMB"): 2, region: 2}
    assert summed(counts)[series("lost_customers")] == 4
    assert named(counts, "joined") == {Series("joined"): 1, Series("joined", (("segment", "SMB"),)): 1}


def test_the_tables_of_a_worker_give_what_its_movements_give() -> None:
    tables = Tables(TableRules())
    told = [loss("price", "SMB"), loss("fees", "SMB"), loss("", "SMB", MovementKind.NEW)]
    for movement in told:
        tables.add_movement(movement)
    wanted = [count for movement in told for count in of_movement(movement, 1, COUNTING)]
    assert summed(ledger_counts(tables, START, COUNTING)) == summed(wanted)


def test_mentions_count_whatever_their_mood_if_the_series_asks_for_all() -> None:
    said = Change(START, "acme", "call", ("price", "fees"), UNHAPPY, 1, 7)
    counts = [
        count
        for change in (said, said._replace(mood=NEUTRAL), said._replace(mood=HAPPY), said._replace(channel="social"))
        for count in of_mention(change, COUNTING)
    ]
    assert named(counts, "all calls") == {
        Series("all calls"): 3, Series("all calls", (("topic", "price"),)): 3,
        Series("all calls", (("topic", "fees"),)): 3,
    }  # fmt: skip
    assert named(counts, "angry calls") == {Series("angry calls"): 1}


def test_disrupted_customers_count_once_in_a_service_and_by_what_only_customers_have() -> None:
    minute = START // MINUTE
    scopes = {
        ScopeName("app", "checkout", None, None): 5, ScopeName("app", "checkout", "SMB", "EMEA"): 3,
        ScopeName("app", "checkout", "unknown", "unknown"): 2, ScopeName("app", "search", "SMB", "EMEA"): 4,
    }  # fmt: skip
    counts = [count for scope, hurt in scopes.items() for count in of_disrupted(scope, minute, hurt, COUNTING)]
    assert named(counts, "hurt at checkout") == {Series("hurt at checkout"): 5}
    assert named(counts, "hurt SMB") == {Series("hurt SMB"): 7}
    part = BlockPart(0)
    for scope, hurt in scopes.items():
        part.minutes[scope] = np.array([minute]), np.array([hurt]), np.array([hurt])
    assert summed(of_health(part, COUNTING)) == summed(counts)


def test_customers_of_whom_nothing_is_known_stop_nothing() -> None:
    hourly = HourlyCounts()
    for count in of_disrupted(ScopeName("app", "checkout", "unknown", "unknown"), START // MINUTE, 2):
        hourly.add(count)


def test_an_answer_counts_once() -> None:
    low, high = (Answer(START, name, "c", score, 1, 5, stage="delivery") for name, score in (("a", 1), ("b", 5)))
    assert named(list(of_answer(START, low.share, "delivery", COUNTING)), "answered")[Series("answered")] == 1
    counts = AnswerCounts(COUNTING)
    counts.take([low, high, low])
    found = summed(counts.minute(START))
    assert found[series("unhappy_answers", stage="delivery")] == 1
    assert found[Series("answered", (("stage", "delivery"),))] == 2
    assert counts.span == (START, START)
    counts.forget(START + 15 * DAY)
    assert not counts.minute(START)
    counts.take([low])
    assert summed(counts.minute(START))[series("unhappy_answers")] == 1


@pytest.mark.parametrize(("measure", "is_expected"), [("angry calls", True), ("all calls", False)])
def test_an_action_expects_a_series_as_it_expects_what_that_counts(measure: str, is_expected: bool) -> None:
    action = Action("a1", START, "release", "new app", START, START + DAY, expected={"unhappy": 100})
    surge = Surge("s1", Series(measure), START, START + MINUTE, "up", 80, 5, 300)
    mark(surge, [action], START + MINUTE, {"angry calls": "unhappy_mentions", "all calls": "mentions"})
    assert surge.actions == ("a1",)
    assert surge.is_expected is is_expected


def test_a_feed_that_is_silent_makes_the_series_of_it_unknown() -> None:
    assert {"all calls", "angry calls", "mentions"} <= set(measures_of(VOICE, COUNTING))
    assert {"joined", "price in SMB"} <= set(measures_of(LEDGER, COUNTING))
    assert losses(COUNTING) == ("lost_customers", "lost_value", "price in SMB")
