"""The compiled booking fills the cells that the Python code fills."""

from dataclasses import replace
from random import Random

import msgspec
import pytest

from streams.facts.models import Fact
from streams.ledger.movement_lines import AT_ONCE, MovementLines
from streams.ledger.movements import Change, Movement, MovementKind, Recommendation, Scope, Stay
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import DAY, HOUR
from streams.tables.booking import booking
from streams.tables.buckets import Retention
from streams.tables.parts import PartitionTables
from streams.tables.tables import TableRules
from tests.property.compiled import without_compiled_pieces
from tests.property.customer_lives import PAUSES, ZONES, facts_of, ledger_rules, lives, reference_rules

RULES = TableRules(retention=Retention(minutes_us=50 * HOUR, hours_us=63 * DAY, days_us=200 * DAY))

pytestmark = without_compiled_pieces(booking(PartitionTables(0, RULES)) is None)


def both(zone: str) -> tuple[PartitionTables, PartitionTables]:
    rules = replace(RULES, zone=zone)
    compiled, plainly = PartitionTables(0, rules), PartitionTables(0, rules)
    assert compiled.booking is not None
    plainly.booking = None
    return compiled, plainly


def assert_alike(compiled: PartitionTables, plainly: PartitionTables) -> None:
    assert compiled._cells == plainly._cells
    assert compiled._dirty == plainly._dirty


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("seed", range(12))
def test_lives_are_booked_alike(seed: int, zone: str) -> None:
    random = Random(seed)
    compiled, plainly = both(zone)
    ledger = PartitionLedger(ledger_rules(bool(seed % 2)))
    facts = facts_of(lives(random, most=200, pauses=PAUSES[: 3 + seed % 6]), reference_rules(zone, bool(seed % 2)))
    place = 0
    while place < len(facts):
        count = random.choice((1, 3, 20))
        ledger.apply(facts[place : place + count])
        place += count
        for tables in (compiled, plainly):
            tables.book(list(ledger.changes))
        ledger.changes.clear()
        assert_alike(compiled, plainly)
        if random.random() < 0.2:
            records = [tables.changed(place, ledger.watermark) for tables in (compiled, plainly)]
            assert dict(records[0]) == dict(records[1])
        if random.random() < 0.1:
            for tables in (compiled, plainly):
                tables.roll_up(ledger.watermark)


def movement(kind: MovementKind, **more: object) -> Movement:
    here = Scope("A", "n", "p")
    return msgspec.structs.replace(Movement(kind.value, 7 * DAY, here, 1, 10, None), **more)


def test_what_came_to_nothing_is_not_kept() -> None:
    compiled, plainly = both("UTC")
    changes = [Change("c", movement(MovementKind.EXPANSION), sign) for sign in (1, 1, -1, -1)]
    for tables in (compiled, plainly):
        tables.book(changes)
    assert_alike(compiled, plainly)
    assert [*compiled._cells.values()] == [{}]


def test_sums_beyond_64_bits_are_exact() -> None:
    compiled, plainly = both("UTC")
    changes = [Change("c", movement(MovementKind.EXPANSION, value=10**15), 1)] * 20_000
    for tables in (compiled, plainly):
        tables.book(changes)
        tables.book([Change("c", movement(MovementKind.EXPANSION, value=10**15), -1)] * 3)
    assert_alike(compiled, plainly)
    ((_, value),) = next(iter(compiled._cells.values())).values()
    assert value == 19_997 * 10**15


def test_every_field_of_a_movement_is_booked() -> None:
    random = Random(5)
    compiled, plainly = both("Asia/Kathmandu")
    words = ("", "A", "B", "unknown", "ü")

    def scope() -> Scope:
        return Scope(*(random.choice(words[1:]) for _ in range(3)))

    def instant() -> int:
        return random.randrange(-40 * 365 * DAY, 400 * DAY)

    changes = []
    for _ in range(20_000):
        steps = tuple((instant() if random.random() < 0.5 else 3 * HOUR, random.randrange(9)) for _ in range(3))
        stay = Stay(
            7 * DAY, random.choice((7 * DAY, instant())), random.choice((7 * DAY, instant())), instant(),
            random.choice((None, 7 * DAY)), random.randrange(3), steps[: random.randrange(4)] * (1 + 29 * (_ % 2)),
        )  # fmt: skip
        kind = random.choice([*MovementKind])
        made = movement(
            kind, at=random.randrange(400 * DAY), scope=scope(), customers=random.choice((0, 1, -1)),
            value=random.randrange(-5, 100), activity=random.choice(words), earned=random.random() < 0.5,
            reason=random.choice(words), loss_kind=random.choice(words), early=random.random() < 0.5,
            to=scope() if kind is MovementKind.TRANSFER else None, count=random.randrange(3),
            membership=None, stay=random.choice((None, stay)),
            previous=random.choice((None, Recommendation(instant(), scope()))),
            cohort_at=random.choice((None, instant())), first_loss=random.random() < 0.5,
        )  # fmt: skip
        changes.append(Change("c", made, random.choice((1, -1))))
    for tables in (compiled, plainly):
        tables.roll_up(200 * DAY)
        tables.book(changes)
    assert_alike(compiled, plainly)


@pytest.mark.parametrize("seed", range(30))
def test_what_is_told_at_once_is_what_changes_tell(seed: int) -> None:
    """Movements booked and written without an object of theirs: the same cells, lines, customers, ledger."""
    random = Random(seed)
    lapse = bool(seed % 2)
    compiled, plainly = both("UTC")
    at_once, by_changes = PartitionLedger(ledger_rules(lapse)), PartitionLedger(ledger_rules(lapse))
    lines, expected = MovementLines(), MovementLines()

    def book() -> int:
        compiled.book(at_once.changes)
        lines.add(at_once.changes)
        at_once.changes.clear()
        return lines.room

    facts = facts_of(lives(random, most=200), reference_rules("UTC", lapse))
    if seed % 3 == 0:
        for fact in facts[:: random.choice((2, 5))]:
            fact.customer_id += random.choice(('"', "é"))
    place = 0
    while place < len(facts):
        batch = facts[place : place + random.choice((1, 3, 40))]
        place += len(batch)
        teller = (compiled.booking, compiled.booked_from, lines.take, lines.customers, lines.room, book)
        at_once.apply([msgspec.structs.replace(fact) for fact in batch], teller)
        by_changes.apply(batch)
        if random.random() < 0.3:
            for ledger in (at_once, by_changes):
                ledger.advance(by_changes.watermark - random.choice((0, HOUR)))
        book()
        plainly.book(by_changes.changes)
        expected.add(by_changes.changes)
        by_changes.changes.clear()
        assert_alike(compiled, plainly)
        if random.random() < 0.1:
            for tables in (compiled, plainly):
                tables.roll_up(by_changes.watermark)
    assert lines.in_records() == expected.in_records()
    assert lines.customers == expected.customers
    assert at_once.customers == by_changes.customers
    assert at_once.counts.movements == by_changes.counts.movements


def test_lines_told_at_once_are_split_into_records() -> None:
    compiled, _ = both("UTC")
    ledger, lines = PartitionLedger(ledger_rules(lapse=False)), MovementLines()
    facts = [Fact("joined", HOUR + number, f"c{number}", "crm", f"e{number}") for number in range(2 * AT_ONCE + 1)]
    ledger.apply(facts, (compiled.booking, 0, lines.take, lines.customers, lines.room, lambda: lines.room))
    records = lines.in_records()
    assert [record.count(b'"customer_id"') for record in records] == [AT_ONCE, AT_ONCE, 1]
    assert records[1].startswith(b'{"customer_id":"c2000"')
    assert not ledger.changes
