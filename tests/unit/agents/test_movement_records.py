"""Movements of a flush as records that others read."""

from agents.movement_records import VoidMovements, movement_records, read_movements
from streams.ledger.movement_lines import AT_ONCE, MovementLines
from streams.ledger.movements import Change, Movement, Scope

HERE = Scope("SMB", "EMEA", "plan")


def change(number: int, kind: str = "new", sign: int = 1, **more: object) -> Change:
    return Change(f"c{number}", Movement(kind, number, HERE, 1, 10, ("crm", f"e{number}", 0), **more), sign)


def test_a_movement_is_read_back_with_its_cause_and_its_sign() -> None:
    changes = [change(1, activity="spring"), change(2, "lost", -1, reason="price", loss_kind="voluntary", early=True)]
    [(key, value)] = movement_records(3, 77, MovementLines(changes))
    batch = read_movements(value)
    assert key == b"3"
    assert (batch.partition, batch.next_offset) == (3, 77)
    came, withdrawn = batch.movements
    assert (came.customer_id, came.cause, came.activity, came.sign) == ("c1", ("crm", "e1", 0), "spring", 1)
    assert (withdrawn.sign, withdrawn.reason, withdrawn.early) == (-1, "price", True)


def test_pending_losses_are_no_movements() -> None:
    assert list(movement_records(0, 1, MovementLines([change(1, "pending")]))) == []


def test_a_large_flush_is_split() -> None:
    records = list(movement_records(0, 1, MovementLines([change(number) for number in range(AT_ONCE + 1)])))
    assert [len(read_movements(value).movements) for _, value in records] == [AT_ONCE, 1]
    assert all(len(value) < 1_000_000 for _, value in records)


def test_the_first_flush_of_an_epoch_is_told_also_without_movements() -> None:
    [(_, value)] = movement_records(0, 1, MovementLines(), epoch=7, flush=1, ended=(5, 3))
    batch = read_movements(value)
    assert (batch.movements, batch.epoch, batch.flush, batch.ended) == ([], 7, 1, (5, 3))


def test_of_an_epoch_that_ended_only_whole_flushes_count() -> None:
    """Epoch 5 ended with its flush 3; 6 had no whole flush; 7 is the newest. A paused owner of 5 wrote flush 4 late.
    """
    told = [(5, 1, None), (5, 2, None), (6, 1, (5, 3)), (7, 1, (5, 3)), (5, 3, None), (7, 2, None), (5, 4, None)]
    batches = []
    for epoch, flush, ended in told:
        [(_, value)] = movement_records(0, 1, MovementLines([change(flush)]), epoch=epoch, flush=flush, ended=ended)
        batches.append(read_movements(value))
    void = VoidMovements()
    for batch in batches:
        void.note(batch)
    counted = {(batch.epoch, batch.flush) for batch in batches if void.counts(batch)}
    assert counted == {(5, 1), (5, 2), (5, 3), (7, 1), (7, 2)}


def test_records_written_before_flushes_were_named_count() -> None:
    void = VoidMovements()
    first, second = MovementLines([change(1)]), MovementLines([change(2)])
    records = [*movement_records(0, 1, first), *movement_records(0, 2, second, epoch=9, flush=1)]
    batches = [read_movements(value) for _, value in records]
    for batch in batches:
        void.note(batch)
    assert all(void.counts(batch) for batch in batches)
