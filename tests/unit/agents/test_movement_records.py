"""Movements of a flush as records that others read."""

from agents.movement_records import AT_ONCE, movement_records, read_movements
from streams.ledger.movements import Change, Movement, Scope

HERE = Scope("SMB", "EMEA", "plan")


def change(number: int, kind: str = "new", sign: int = 1, **more: object) -> Change:
    return Change(f"c{number}", Movement(kind, number, HERE, 1, 10, ("crm", f"e{number}", 0), **more), sign)


def test_a_movement_is_read_back_with_its_cause_and_its_sign() -> None:
    changes = [change(1, activity="spring"), change(2, "lost", -1, reason="price", loss_kind="voluntary", early=True)]
    [(key, value)] = movement_records(3, 77, changes)
    batch = read_movements(value)
    assert key == b"3"
    assert (batch.partition, batch.next_offset) == (3, 77)
    came, withdrawn = batch.movements
    assert (came.customer_id, came.cause, came.activity, came.sign) == ("c1", ("crm", "e1", 0), "spring", 1)
    assert (withdrawn.sign, withdrawn.reason, withdrawn.early) == (-1, "price", True)


def test_pending_losses_are_no_movements() -> None:
    assert list(movement_records(0, 1, [change(1, "pending")])) == []


def test_a_large_flush_is_split() -> None:
    records = list(movement_records(0, 1, [change(number) for number in range(AT_ONCE + 1)]))
    assert [len(read_movements(value).movements) for _, value in records] == [AT_ONCE, 1]
    assert all(len(value) < 1_000_000 for _, value in records)
