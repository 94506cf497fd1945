"""The compiled plain step does to the ledger what its Python code does, fact by fact."""

import os
import sys
from collections.abc import Iterator
from random import Random

import msgspec
import pytest

from streams.facts.models import Fact
from streams.ledger import plain
from streams.ledger.packing import pack_customer
from streams.ledger.partition import PartitionLedger
from streams.ledger.rules import DAY, HOUR, MINUTE, SECOND, LedgerRules
from tests.property.compiled import without_compiled_pieces
from tests.property.customer_lives import facts_of, ledger_rules, lives, reference_rules

pytestmark = without_compiled_pieces(plain.plain_step(LedgerRules()) is None)

DENSE = (0, SECOND, 7 * SECOND, MINUTE, 20 * MINUTE, HOUR, 2 * HOUR)


def test_it_is_built_where_ci_runs() -> None:
    assert plain.plain_step(LedgerRules()) is not None


def both(rules: LedgerRules) -> tuple[PartitionLedger, PartitionLedger]:
    compiled, plainly = PartitionLedger(rules), PartitionLedger(rules)
    plainly._plain_step = None
    return compiled, plainly


def told(ledger: PartitionLedger) -> tuple[object, ...]:
    """Everything that a ledger holds and has emitted."""
    kept = {}
    for name, customer in ledger.customers.items():
        held = msgspec.structs.asdict(customer)
        kept[name] = {**held, "ids": held["ids"] and {key: list(facts) for key, facts in held["ids"].items()}}
    return (
        ledger.watermark, ledger.clock, vars_of(ledger.counts), kept, sorted(ledger.dirty), ledger.changes,
        {minute: sorted(names) for minute, names in ledger._wheel._minutes.items()},
        {name: pack_customer(customer) for name, customer in ledger.customers.items()},
    )  # fmt: skip


def vars_of(counts: object) -> dict[str, object]:
    found = {name: getattr(counts, name) for name in type(counts).__slots__}  # type: ignore[attr-defined]
    return {name: +value if hasattr(value, "most_common") else value for name, value in found.items()}


def compare(rules: LedgerRules, facts: list[Fact], random: Random) -> None:
    compiled, plainly = both(rules)
    place = 0
    while place < len(facts):
        count = random.choice((1, 2, 5, 50))
        batch = facts[place : place + count]
        place += count
        compiled.apply(msgspec.convert(msgspec.to_builtins(batch), list[Fact]) if random.random() < 0.1 else batch)
        plainly.apply([msgspec.structs.replace(fact) for fact in batch])
        if random.random() < 0.3:
            clock = compiled.watermark - random.choice((0, HOUR, 2 * DAY))
            compiled.advance(clock)
            plainly.advance(clock)
        if random.random() < 0.2:
            for ledger in (compiled, plainly):
                for customer in ledger.customers.values():
                    customer.saved, customer.unsaved = True, []
                ledger.dirty.clear()
                ledger.changes.clear()
        assert told(compiled) == told(plainly)


@pytest.mark.parametrize("seed", range(60))
def test_random_lives_end_alike(seed: int) -> None:
    random = Random(seed)
    lapse = bool(seed % 2)
    records = lives(random, most=80)
    compare(ledger_rules(lapse), facts_of(records, reference_rules("UTC", lapse)), random)


@pytest.mark.parametrize("seed", range(40))
def test_dense_lives_in_order_end_alike(seed: int) -> None:
    random = Random(1000 + seed)
    lapse = bool(seed % 2)
    records = sorted(lives(random, most=400, pauses=DENSE), key=lambda record: record["at"])
    facts = facts_of(records, reference_rules("UTC", lapse))
    for fact in random.sample(facts, len(facts) // 20):
        facts.insert(random.randrange(len(facts)), msgspec.structs.replace(fact))
    compare(ledger_rules(lapse), facts, random)


@pytest.fixture
def slow_facts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Fact]]:
    seen: list[Fact] = []
    slowly = PartitionLedger.apply_slowly

    def counted(ledger: PartitionLedger, fact: Fact) -> None:
        seen.append(fact)
        slowly(ledger, fact)

    monkeypatch.setattr(PartitionLedger, "apply_slowly", counted)
    return seen


def test_most_facts_of_an_ordinary_stream_are_plain(slow_facts: list[Fact]) -> None:
    random, facts = Random(7), []
    for number in range(5000):
        name = f"c{int(random.paretovariate(1.0))}"
        kind = "joined" if number < 50 else random.choice(("value_changed", "purchased", "joined", "left"))
        facts.append(
            Fact(kind, number * 600 * SECOND, name, "crm", f"e{number}", value=random.randrange(9), segment="A")
        )
    PartitionLedger(LedgerRules()).apply(facts)
    assert len(slow_facts) < len(facts) / 5


def test_references_are_neither_lost_nor_kept() -> None:
    ledger = PartitionLedger(LedgerRules())
    kinds = ("joined", "value_changed", "profile_changed", "recommended", "left", "left", "value_changed", "joined")
    shared = ("segment-of-its-own", "reason-of-its-own", "silo-of-its-own")
    counts = [sys.getrefcount(text) for text in shared]
    facts = [
        Fact(kinds[n % 8], n * 3 * HOUR, "c", shared[2], f"e{n}", value=n, segment=shared[0], region=f"r{n % 3}",
             reason=shared[1])
        for n in range(800)
    ]  # fmt: skip
    ledger.apply(facts)
    assert ledger.counts.movements["lost"] == 100
    del facts, ledger
    assert [sys.getrefcount(text) for text in shared] == counts


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="half a minute; CI=true runs it")
def test_no_memory_is_lost() -> None:
    import resource

    kinds = ("joined", "value_changed", "profile_changed", "recommended", "left")

    def run(seed: int) -> None:
        ledger, here = PartitionLedger(LedgerRules()), f"r{seed}"
        for start in range(0, 20_000, 1000):
            ledger.apply(
                [
                    Fact(kinds[n % 5], n * HOUR, f"c{n % 97}", "crm", f"e{n}", value=n, segment="s", region=here)
                    for n in range(start, start + 1000)
                ]
            )
            ledger.changes.clear()

    for seed in range(5):
        run(seed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for seed in range(20):
        run(seed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096  # kilobytes
