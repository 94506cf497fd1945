"""Movements written in C are byte for byte those that the library writes, and of the same customers."""

from random import Random

import pytest

from streams.ledger import movement_lines
from streams.ledger.movement_lines import write_in_python
from streams.ledger.movements import Change, Movement, Scope
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import HOUR
from tests.property.compiled import without_compiled_pieces
from tests.property.customer_lives import facts_of, ledger_rules, lives, reference_rules

write_in_c = movement_lines._write

pytestmark = without_compiled_pieces(write_in_c is write_in_python)

WORDS = ("", "a", 'with "quotes"', "back\\slash", "Köln", "\n", "日本", "🎈", "\x7f", "x" * 300)


def alike(changes: list[Change], start: int, most: int) -> None:
    told_in_c: set[str] = set()
    told_in_python: set[str] = set()
    assert write_in_c(changes, start, most, told_in_c) == write_in_python(changes, start, most, told_in_python)
    assert told_in_c == told_in_python


def movements_of_lives(random: Random, lapse: bool) -> list[Change]:
    ledger = PartitionLedger(ledger_rules(lapse))
    for fact in facts_of(lives(random, most=80), reference_rules("UTC", lapse)):
        ledger.apply([fact])
    ledger.advance(ledger.watermark + HOUR)
    return ledger.changes


@pytest.mark.parametrize("seed", range(30))
def test_those_of_random_lives(seed: int) -> None:
    random = Random(seed)
    changes = movements_of_lives(random, lapse=bool(seed % 2))
    for _ in range(5 if changes else 0):
        alike(changes, random.randrange(len(changes)), random.randrange(1, len(changes) + 2))


@pytest.mark.parametrize("seed", range(30))
def test_those_of_strange_words_and_numbers(seed: int) -> None:
    random = Random(seed)

    def word() -> str:
        return random.choice(WORDS)

    def scope() -> Scope:
        return Scope(word(), word(), word())

    def number() -> int:
        return random.choice((0, 1, -1, 7, 10**15, -(1 << 63), 1 << 63, 1 << 64))

    changes = [
        Change(
            word(),
            Movement(
                random.choice(("new", "lost", "pending", "transfer", word())), number(), scope(), number(), number(),
                random.choice((None, (word(), word(), number()))), word(), random.random() < 0.5,
                random.random() < 0.5, word(), word(), random.random() < 0.5,
                random.choice((None, scope())), number(),
            ),
            random.choice((1, -1)),
        )
        for _ in range(40)
    ]  # fmt: skip
    changes = [change for change in changes if can_be_written(change)]
    alike(changes, 0, len(changes) + 1)
    alike(changes, 3, 5)


def can_be_written(change: Change) -> bool:
    try:
        write_in_python([change], 0, 1, set())
    except OverflowError:
        return False
    return True


def test_nothing_else_is_written() -> None:
    with pytest.raises(TypeError):
        write_in_c(["no change"], 0, 1, set())  # type: ignore[list-item]
