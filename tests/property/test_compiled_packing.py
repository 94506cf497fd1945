"""Customers packed in C are, unpacked, what those packed in Python are, and are noted as saved alike."""

from copy import deepcopy
from random import Random

import msgspec
import pytest

from streams.ledger import packing, saving
from streams.ledger.changelog import Value
from streams.ledger.packing import CUSTOMER, More, customer_of, pack_quiet, unpack_customer, unpack_quiet
from streams.ledger.partition import PartitionLedger
from streams.ledger.remembered import Customer
from streams.ledger.rules import DAY, HOUR
from streams.ledger.saving import UnsavedCustomers
from tests.property.compiled import without_compiled_pieces
from tests.property.customer_lives import facts_of, ledger_rules, lives, reference_rules

pytestmark = without_compiled_pieces(packing.compiled is None)


def told(values: dict[bytes, Value]) -> dict[bytes, tuple[bool, object]]:
    """Of each key `had_one` and what the payload says; among different keys the order means nothing."""
    found: dict[bytes, tuple[bool, object]] = {}
    for key, value in values.items():
        payload = value.payload
        what: object = None
        if payload is not None:
            what = unpack_customer(payload) if key[:1] == CUSTOMER else msgspec.msgpack.decode(payload, type=More)
        found[key] = (value.had_one, what)
    return found


def both(ledger: PartitionLedger, patch: pytest.MonkeyPatch, names: list[str], values: dict[bytes, Value]) -> None:
    """Pack these customers both ways and compare; `values` gets what was packed before, and then all."""
    plainly, other = deepcopy(ledger.customers), dict(values)
    compiled_way = UnsavedCustomers(ledger)
    compiled_way._values = values
    compiled_way._pack(names)
    done, ledger.customers = ledger.customers, plainly
    with patch.context() as without:
        without.setattr(saving, "compiled", None)
        python_way = UnsavedCustomers(ledger)
        python_way._values = other
        python_way._pack(names)
    ledger.customers = done
    assert told(values) == told(other)
    assert done == plainly


def quiet_both(customer: Customer, patch: pytest.MonkeyPatch) -> None:
    quickly = pack_quiet(customer)
    with patch.context() as without:
        without.setattr(packing, "compiled", None)
        assert unpack_quiet(pack_quiet(customer)) == unpack_quiet(quickly)


@pytest.mark.parametrize("seed", range(40))
def test_random_customers_are_packed_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    lapse = bool(seed % 2)
    ledger = PartitionLedger(ledger_rules(lapse))
    facts = facts_of(lives(random, most=80), reference_rules("UTC", lapse))
    values: dict[bytes, Value] = {}
    place = 0
    while place < len(facts):
        count = random.choice((1, 5, 40))
        ledger.apply(facts[place : place + count])
        place += count
        if random.random() < 0.3:
            ledger.advance(ledger.watermark - random.choice((0, HOUR, 2 * DAY)))
        if random.random() < 0.3:
            both(ledger, monkeypatch, sorted(ledger.dirty), values)
        if random.random() < 0.2:
            values = {}
    both(ledger, monkeypatch, sorted(ledger.customers), values)
    for customer in ledger.customers.values():
        quiet_both(customer, monkeypatch)


def test_what_is_not_usual_is_left_to_python() -> None:
    compiled = packing.compiled
    assert compiled is not None
    ledger = PartitionLedger(ledger_rules(lapse=False))
    names, values = ["nobody"], {}
    assert compiled.pack(names, ledger.customers, values) == ["nobody"]
    facts = facts_of(lives(Random(1), most=5), reference_rules("UTC", lapse=False))
    ledger.apply(facts[:3])
    name, customer = next(iter(ledger.customers.items()))
    customer.facts[0].value = 1 << 70
    before = deepcopy(customer)
    assert compiled.pack([name], ledger.customers, values) == [name]
    assert (values, customer) == ({}, before)
    assert compiled.pack_quiet(customer) is None
    with pytest.raises(TypeError):
        compiled.pack((name,), ledger.customers, values)


def test_keys_of_more_facts_name_their_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = PartitionLedger(ledger_rules(lapse=False))
    facts = facts_of(lives(Random(3), most=80), reference_rules("UTC", lapse=False))
    values: dict[bytes, Value] = {}
    for fact in facts:
        ledger.apply([fact])
        both(ledger, monkeypatch, sorted(ledger.dirty), values)
    more = [key for key in values if key[:1] == packing.MORE]
    assert more
    assert {customer_of(key) for key in more} <= set(ledger.customers)
