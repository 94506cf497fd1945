"""Who is put to rest, when, and what wakes him."""

import pytest

from streams.facts.models import Fact
from streams.ledger import sweep
from streams.ledger.customer import Status
from streams.ledger.packing import CUSTOMER, pack_customer
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import DAY, HOUR, MINUTE, Lapse, LedgerRules

AT = 1_700_000_000_000_000
RULES = LedgerRules(lapse=Lapse(90 * DAY, frozenset({"purchased"})))


def fact(kind: str, at: int, customer: str = "a") -> Fact:
    return Fact(kind, at, customer, "native", f"{kind}-{customer}-{at}", value=100)


def ledger_of(*facts: Fact) -> PartitionLedger:
    ledger = PartitionLedger(RULES)
    ledger.apply(facts)
    return ledger


def save(ledger: PartitionLedger) -> None:
    """As a flush does."""
    for customer_id in ledger.dirty & ledger.customers.keys():
        customer = ledger.customers[customer_id]
        customer.saved, customer.save_whole, customer.appended = True, False, 0
        customer.unsaved.clear()
    ledger.dirty.clear()


def test_one_whom_no_fact_touched_for_the_horizon_rests_once_it_is_saved() -> None:
    ledger = ledger_of(fact("joined", AT), fact("joined", AT + 38 * HOUR, "b"))
    ledger.sweep(100)
    assert set(ledger.customers) == {"a", "b"}
    save(ledger)
    ledger.sweep(100)
    assert "a" not in ledger.customers
    assert ledger.dirty == {"a"}  # it is written once more, in the smallest form
    assert ledger.known == 2


def test_one_whose_facts_lie_in_several_values_is_first_written_whole() -> None:
    ledger = ledger_of(fact("joined", AT), fact("joined", AT + 38 * HOUR, "b"))
    save(ledger)
    ledger.customers["a"].appended = 2
    ledger.sweep(100)
    assert "a" in ledger.customers
    assert ledger.dirty == {"a"}
    assert ledger.customers["a"].save_whole
    save(ledger)
    ledger.sweep(100)
    assert "a" not in ledger.customers


def test_any_fact_wakes_him() -> None:
    ledger = ledger_of(fact("joined", AT), fact("joined", AT + 38 * HOUR, "b"))
    save(ledger)
    ledger.sweep(100)
    ledger.apply([fact("left", AT + 39 * HOUR)])
    assert ledger.customers["a"].state.status == Status.LOST
    assert ledger.counts.movements == {"new": 2, "lost": 1}
    assert ledger.known == 2


def test_what_falls_due_wakes_him_and_is_dated_to_the_microsecond() -> None:
    ledger = ledger_of(fact("purchased", AT + 5), fact("joined", AT + 38 * HOUR, "b"))
    save(ledger)
    ledger.sweep(100)
    ledger.changes.clear()
    due = AT + 5 + 90 * DAY
    ledger.advance(due - 1)
    assert ledger.changes == []
    ledger.advance(due)
    assert [(change.customer_id, change.movement.kind, change.movement.at) for change in ledger.changes] == [
        ("a", "lost", due)
    ]


def test_resting_and_waking_do_not_fill_the_wheel() -> None:
    ledger = ledger_of(fact("purchased", AT))
    for day in range(2, 40, 2):
        ledger.apply([fact("joined", AT + day * DAY - 1, "b"), fact("purchased", AT + day * DAY)])
        save(ledger)
        ledger.apply([fact("joined", AT + day * DAY + 38 * HOUR, "b")])
        ledger.sweep(100)
        assert "a" not in ledger.customers
    entries = [name for names in ledger._wheel._minutes.values() for name in names]
    assert sorted(entries) == ["a", "b"]


def test_when_too_many_are_awake_those_without_a_new_fact_rest_with_their_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "MOST_AWAKE", 2)
    monkeypatch.setattr(sweep, "FEW_AWAKE", 1)
    ledger = ledger_of(*(fact("joined", AT + number, f"c{number}") for number in range(5)))
    save(ledger)
    assert len(ledger.customers) == 5  # they were looked at for the first time
    ledger.apply([fact("purchased", AT + MINUTE, "c0")] * 3)
    assert set(ledger.customers) == {"c0"}
    assert ledger.resting.quiet == 4
    assert ledger.dirty == {"c0"}  # of the others the changelog holds all
    ledger.sweep(1000)
    assert ledger.resting.quiet == 4
    ledger.apply([fact("left", AT + 2 * MINUTE, "c1")])
    assert ledger.customers["c1"].state.status == Status.LOST


def test_while_no_facts_come_the_quiet_rest() -> None:
    ledger = ledger_of(*(fact("joined", AT + number, f"c{number}") for number in range(5)))
    save(ledger)
    for _ in range(3):
        ledger.apply([fact("purchased", AT + MINUTE, "c0")])
        ledger.sweep(100)
    assert len(ledger.customers) == 5
    save(ledger)
    ledger.sweep(100)
    assert not ledger.customers
    assert ledger.resting.quiet == 5


def test_as_many_are_left_awake_as_let_few_facts_find_their_customer_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "FEW_AWAKE", 10)
    monkeypatch.setattr(sweep, "MOST_AWAKE", 1000)
    monkeypatch.setattr(sweep, "JUDGED_AFTER", 100)
    ledger = ledger_of()
    at, seen = AT, []
    for active in (20, 600):  # of so many customers one after the other has a fact
        for number in range(20 * 600):
            at += 1
            ledger.apply([fact("purchased", at, f"{active}-{number % active}")])
            save(ledger)
        seen.append((ledger._sweep.most_awake, len(ledger.customers)))
    assert 10 <= seen[0][0] <= 40
    assert seen[1][0] >= 500


def test_quiet_ones_are_settled_in_their_time() -> None:
    ledger = ledger_of(fact("joined", AT))
    save(ledger)
    ledger.resting.keep_quiet("a", ledger.customers.pop("a"))
    ledger.apply([fact("joined", AT + 37 * HOUR, "b")])
    ledger.sweep(100)
    assert ledger.resting.quiet == 1
    ledger.apply([fact("purchased", AT + 37 * HOUR + 1, "b")])
    ledger.sweep(100)
    assert (ledger.resting.quiet, ledger.known, "a" in ledger.dirty) == (0, 2, True)


def test_who_is_too_large_to_rest_stays_awake() -> None:
    name = "é" * 128
    ledger = ledger_of(fact("joined", AT, name), fact("joined", AT + 38 * HOUR, "b"))
    save(ledger)
    ledger.sweep(100)
    assert name in ledger.customers
    assert not ledger.dirty


@pytest.mark.parametrize("name", ["a", "é" * 128])
def test_who_was_restored_rests_and_is_found_whatever_is_asked(name: str) -> None:
    before, ledger = ledger_of(fact("joined", AT, name)), ledger_of()
    customer = before.customers[name]
    payload = pack_customer(customer)
    ledger.restore(AT, AT, before.counts, {CUSTOMER + name.encode(): payload})
    assert (ledger.known, ledger.resting.quiet, ledger.ids()) == (1, 1, [name])
    assert ledger.resting.payload(name) == payload
    assert ledger.resting.newest_of_quiet(name) == AT
    assert ledger.state_of(name) == customer.state
    looked = ledger.look_at(name, AT)
    assert looked is not None
    assert looked[0] == customer.state
    assert not ledger.customers
    woken = ledger.wake(name)
    assert woken is not None
    assert woken.state == customer.state
    assert (ledger.known, len(ledger.resting), ledger.ids()) == (1, 0, [name])


def test_a_payload_of_nobody_is_an_error() -> None:
    with pytest.raises(KeyError):
        ledger_of().resting.payload("nobody")


def test_no_round_of_the_quiet_begins_before_one_of_them_can_be_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_of(*(fact("joined", AT + number, f"c{number}") for number in range(5)))
    save(ledger)
    for _ in range(3):
        ledger.sweep(100)
    assert ledger.resting.quiet == 5
    asked: list[str] = []
    newest_of_quiet = ledger.resting.newest_of_quiet

    def noted(customer_id: str) -> int | None:
        asked.append(customer_id)
        return newest_of_quiet(customer_id)

    monkeypatch.setattr(ledger.resting, "newest_of_quiet", noted)
    ledger.sweep(100)
    assert asked == []
    settled_after = ledger.rules.horizon_us + ledger.rules.grouping_us
    ledger.apply([fact("joined", AT + 3 + settled_after, "z")])
    save(ledger)
    ledger.sweep(100)
    assert sorted(asked) == ["c0", "c1", "c2", "c3", "c4"]
    assert ledger.resting.quiet == 2
    assert len(ledger.resting) == 5
