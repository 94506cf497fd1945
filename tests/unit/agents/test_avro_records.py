"""Avro records by a schema registry, which is a small HTTP server of the tests: `tests/schema_registry.py`."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from agents import avro_records
from agents.avro_records import AvroRecords, RegistryUnreachable
from config.definitions_file import parse
from config.settings import Settings, load
from streams.facts.models import RawRecord
from streams.intake.intake import Intake
from tests.schema_registry import INVOICE, LATER, PAID, Registry, in_wire_format, running


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setattr(avro_records, "PAUSE_S", 0.01)
    with running() as server:
        yield server


def settings(registry: Registry, **more: str) -> Settings:
    return load({"NETGROWTH_SCHEMA_REGISTRY": f"http://127.0.0.1:{registry.server_port}/", **more})


def wire(number: int, schema: Any, document: dict[str, Any], more: bytes = b"") -> RawRecord:
    return RawRecord(in_wire_format(number, schema, document, more), b"k", "invoices", 1, 5)


def read(avro: AvroRecords, *records: RawRecord) -> list[RawRecord]:
    avro.fetch(avro.missing(records))
    return avro.read(records)


def test_a_record_becomes_the_json_that_definitions_know(registry: Registry) -> None:
    avro = AvroRecords(settings(registry))
    plain = RawRecord(b'{"id": "json"}')
    later = wire(8, LATER, PAID | {"plan": "pro", "note": "é"})
    first, second, third, untouched = read(avro, wire(7, INVOICE, PAID), later, wire(7, INVOICE, PAID), plain)
    assert orjson.loads(first.value or b"") == {
        "id": "i1", "account": {"no": 17}, "paid": "12.50", "at": "2024-05-01T10:00:00+00:00", "note": None,
    }  # fmt: skip
    assert orjson.loads(second.value or b"")["plan"] == "pro"
    assert (first.key, first.topic, first.partition, first.offset) == (b"k", "invoices", 1, 5)
    assert third.value == first.value
    assert untouched is plain
    assert sorted(registry.asked) == ["/schemas/ids/7", "/schemas/ids/8"], "each schema is asked for once"


def test_it_goes_through_the_definitions(registry: Registry) -> None:
    definitions = parse("""
name: avro
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: UTC
value_model: {version: "1", field: paid}
silos:
  billing:
    own_topics: [invoices]
    customer_id: account.no
    event_id: id
    rules: [{name: paid, facts: [{fact: purchased, at: at, value: model}]}]
""")
    taken = Intake(definitions, "invoices").take(read(AvroRecords(settings(registry)), wire(7, INVOICE, PAID)))
    (sent,) = taken.outgoing
    told = orjson.loads(sent.value)
    assert (sent.key, told["value"], told["at"]) == (b"17", 1250, "2024-05-01T10:00:00Z")


def test_what_cannot_be_read_stays_as_it_is_and_is_named(registry: Registry) -> None:
    torn = wire(7, INVOICE, PAID)
    torn.value = (torn.value or b"")[:-3]
    unreadable = [
        wire(4, INVOICE, PAID),  # the registry does not know it
        wire(9, INVOICE, PAID),  # it is no Avro
        wire(7, INVOICE, PAID, more=b"!"),  # more bytes than the schema
        torn,
    ]
    found = read(AvroRecords(settings(registry)), *unreadable, wire(7, INVOICE, PAID))
    assert [record.value for record in found[:-1]] == [record.value for record in unreadable]
    definitions = parse(
        'name: n\nversion: "1"\ncurrency: EUR\ntime_zone: UTC\nvalue_model: {version: "1", field: v}\n'
        "native: {own_topics: [invoices]}\n"
    )
    letters = Intake(definitions, "invoices").take(found[:-1]).dead_letters
    assert [letter.reason for letter in letters] == ["null_byte"] * 4
    assert "wire format (schema id 4)" in letters[0].detail


def test_a_registry_that_is_busy_is_asked_again_with_the_login(registry: Registry) -> None:
    registry.busy = 2
    avro = AvroRecords(settings(registry, NETGROWTH_SCHEMA_REGISTRY_LOGIN="growth:secret"))
    (found,) = read(avro, wire(7, INVOICE, PAID))
    assert orjson.loads(found.value or b"")["id"] == "i1"
    assert registry.logins == ["Basic Z3Jvd3RoOnNlY3JldA=="] * 3


def test_a_registry_that_never_answers_is_an_error_and_no_record_is_blamed(registry: Registry) -> None:
    registry.busy = 100
    with pytest.raises(RegistryUnreachable, match=r"schema 7 .* answers 503 .* NETGROWTH_SCHEMA_REGISTRY"):
        read(AvroRecords(settings(registry)), wire(7, INVOICE, PAID))
