"""What the next flush writes of customers, packed ahead of it or in it."""

from streams.ledger.changelog import Value
from streams.ledger.packing import MANY_FACTS
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import LedgerRules
from streams.ledger.saving import UnsavedCustomers
from tests.unit.streams.ledger.telling import fact, facts_of


def ledger_and_unsaved() -> tuple[PartitionLedger, UnsavedCustomers]:
    ledger = PartitionLedger(LedgerRules())
    return ledger, UnsavedCustomers(ledger)


def tell(ledger: PartitionLedger, first: int, last: int, customer: str = "c") -> None:
    """A fact a minute, from one minute of an hour to another."""
    facts = [
        fact(f"2026-01-01T00:{minute:02}:00Z", "joined" if not minute else "purchased", customer, value=minute)
        for minute in range(first, last)
    ]
    ledger.apply(facts_of(facts))


def ahead(unsaved: UnsavedCustomers) -> int:
    """Pack all ahead, one by one; how many."""
    return sum(1 for _ in unsaved.pack_ahead(1))


def written(values: list[Value]) -> dict[bytes, tuple[bool, bool]]:
    """By key: whether it has a payload, and whether it says that there was one before."""
    return {value.key: (value.payload is not None, value.had_one) for value in values}


def test_a_customer_packed_ahead_and_touched_again_is_written_once_as_he_is_at_last() -> None:
    ledger, unsaved = ledger_and_unsaved()
    tell(ledger, 0, 1)
    tell(ledger, 0, 1, "other")
    assert ahead(unsaved) == 2
    tell(ledger, 1, 2)
    values, deleted = unsaved.take()
    assert written(values) == {b"cc": (True, False), b"cother": (True, False)}
    assert deleted == []

    at_once, all_of_it = ledger_and_unsaved()
    tell(at_once, 0, 2)
    assert all_of_it.take()[0][0].payload == {value.key: value.payload for value in values}[b"cc"]


def test_what_is_packed_ahead_says_of_the_changelog_what_it_holds_before_the_flush() -> None:
    ledger, unsaved = ledger_and_unsaved()
    tell(ledger, 0, 1)
    unsaved.take()
    for minutes in ((1, 2), (2, 3)):
        tell(ledger, *minutes)
        ahead(unsaved)
    assert written(unsaved.take()[0]) == {b"cc": (True, True)}
    assert not unsaved


def test_facts_packed_ahead_and_then_written_with_the_whole_customer_are_not_deleted() -> None:
    ledger, unsaved = ledger_and_unsaved()
    tell(ledger, 0, MANY_FACTS)
    unsaved.take()
    tell(ledger, MANY_FACTS, MANY_FACTS + 1)
    ahead(unsaved)
    unsaved.write_again([b"cc"])
    values, deleted = unsaved.take()
    assert written(values) == {b"cc": (True, True)}
    assert deleted == []


def test_facts_of_an_earlier_flush_are_deleted_and_not_buried_if_their_key_is_taken_again() -> None:
    ledger, unsaved = ledger_and_unsaved()
    tell(ledger, 0, MANY_FACTS)
    unsaved.take()
    tell(ledger, MANY_FACTS, MANY_FACTS + 1)
    assert written(unsaved.take()[0]) == {b"m0/c": (True, False)}
    unsaved.write_again([b"m0/c"])
    ahead(unsaved)
    values, deleted = unsaved.take()
    assert written(values) == {b"cc": (True, True), b"m0/c": (False, True)}
    assert deleted == [b"m0/c"]

    tell(ledger, MANY_FACTS + 1, MANY_FACTS + 2)
    unsaved.take()
    unsaved.write_again([b"cc"])
    ahead(unsaved)
    tell(ledger, MANY_FACTS + 2, MANY_FACTS + 3)
    values, deleted = unsaved.take()
    assert written(values) == {b"cc": (True, True), b"m0/c": (True, True)}
    assert deleted == []
