"""What the detectors are given is what the tables hold."""

import random

from streams.ledger.movements import Movement, MovementKind, Scope
from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.surges.counting import of_movement
from streams.surges.series import series
from streams.surges.sums import summed
from streams.surges.tables_counts import MentionCounts, ledger_counts
from streams.tables.tables import TableRules, Tables
from streams.voice.mentions import UNHAPPY
from streams.voice.merged import Change

START = 20_000 * DAY


def movements(seed: int = 1) -> list[Movement]:
    draw = random.Random(seed)
    return [
        Movement(
            draw.choice([MovementKind.LOST, MovementKind.LOST, MovementKind.NEW]), START + draw.randrange(DAY),
            Scope(draw.choice(["SMB", "Large"]), draw.choice(["EMEA", "unknown"]), "unknown"), 1,
            draw.randrange(100), None, reason=draw.choice(["price", "unknown"]), loss_kind="voluntary",
        )
        for _ in range(300)
    ]  # fmt: skip


def test_losses_of_a_minute_are_those_of_its_movements():
    tables = Tables(TableRules())
    told = movements()
    for movement in told:
        tables.add_movement(movement)
    for minute in range(START, START + DAY, MINUTE):
        wanted = [count for one in told if minute <= one.at < minute + MINUTE for count in of_movement(one, 1)]
        assert summed(ledger_counts(tables, minute)) == summed(wanted)


def test_hours_stand_for_minutes_that_are_no_longer_kept():
    tables = Tables(TableRules())
    told = movements()
    for movement in told:
        tables.add_movement(movement)
    tables.forget(START + 30 * DAY)
    total = series("lost_customers")
    minutes = range(START, START + DAY, MINUTE)
    counted = {minute: summed(ledger_counts(tables, minute)).get(total, 0) for minute in minutes}
    lost = [one.at for one in told if one.kind == MovementKind.LOST]
    assert sum(counted.values()) == len(lost)
    for hour in range(START, START + DAY, HOUR):
        assert counted[hour] == sum(hour <= at < hour + HOUR for at in lost)


def test_a_mention_that_is_taken_out_again_is_told_as_late():
    counts = MentionCounts()
    said = Change(START, "acme", "social", ("price",), UNHAPPY, 1, 7)
    counts.take([said, said._replace(mention=8)])
    assert summed(counts.minute(START))[series("unhappy_mentions", brand="acme", topic="price")] == 2
    counts.late.clear()
    counts.take([said._replace(sign=-1)])
    assert [(count.minute, count.amount) for count in counts.late] == [(START, -1)]
    assert summed(counts.minute(START))[series("unhappy_mentions", brand="acme")] == 1
    counts.take([said._replace(sign=-1, mention=8)])
    assert counts.minute(START) == []
    counts.forget(START + 15 * DAY)
    assert counts.first == START + DAY  # what is forgotten is not known
