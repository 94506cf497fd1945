"""A long stream of every kind of fact, disordered, copied and spoilt: tables and accounting equal the reference's."""

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import orjson
import pytest

from config.definitions_file import parse
from streams.facts.models import RawRecord
from streams.recount import Recount
from tests.property.counting import differences
from tests.reference import Reference
from tests.reference.generate import RULES, Arrived, Stream, facts

DEFINITIONS = """
name: reference
version: "1"
agreed: {by: a test, at: 2026-01-01}
currency: EUR
time_zone: Europe/Berlin
horizon: 36h
grouping_window: 1h
same_departure: 2d
early_within: 10d
precedence: [billing, crm]
lapse: {after: 5d, restarted_by: [purchased]}
native: {silo: native}
value_model: {version: "1", field: {minor_units: value}}
reasons: open
activities: open
"""
PARTITIONS = 4
KINDS = {
    "opening", "joined", "purchased", "left", "leaving", "staying", "value_changed", "profile_changed", "recommended",
    "retracted", "heartbeat",
}  # fmt: skip
REASONS = {
    "duplicate", "conflict", "retracted", "superseded", "seen_elsewhere", "outranked", "already_known",
    "already_active", "already_lost", "not_active", "not_a_customer", "no_change",
}  # fmt: skip


def recounted(stream: Stream, batch: int) -> dict:
    """The ledger's JSON of the raw bytes, as a file gives them."""
    recount = Recount(parse(DEFINITIONS), partitions=PARTITIONS)
    records = [RawRecord(arrived.raw, offset=place) for place, arrived in enumerate(stream.arrivals)]
    for start in range(0, len(records), batch):
        recount.add(records[start : start + batch])
    return recount.finish()


def without_beats(stream: Stream) -> list[tuple[int, dict]]:
    """What the reference reads: a heartbeat's partition is not in a file, so it moves no partition's watermark."""
    return [(place, record) for place, record in stream.records() if record["fact"] != "heartbeat"]


def with_second_openings(stream: Stream) -> None:
    """Snapshots often name customers that are known: some purchases are told as openings."""
    bought = [place for place, arrived in enumerate(stream.arrivals) if told(arrived) == "purchased"]
    for place in bought[::40]:
        arrived = stream.arrivals[place]
        record = (arrived.record or {}) | {"fact": "opening"}
        stream.arrivals[place] = replace(arrived, raw=orjson.dumps(record), record=record)


def told(arrived: Arrived) -> str:
    return arrived.record["fact"] if arrived.record else ""


def with_every_kind_of_loss(ledger: Any) -> Any:
    """Under these definitions customers may lapse: none did is a zero, where the reference is silent."""
    if isinstance(ledger, dict):
        if "lost_by_kind" in ledger:
            ledger["lost_by_kind"].setdefault("lapsed", {"customers": 0, "value": 0})
        for part in ledger.values():
            with_every_kind_of_loss(part)
    return ledger


def check(stream: Stream, batch: int) -> None:
    with_second_openings(stream)
    kinds = Counter(arrived.record["fact"] for arrived in stream.arrivals if arrived.record is not None)
    assert kinds.keys() == KINDS
    assert stream.out_of_order >= 0.2
    expected = Reference(without_beats(stream), RULES).ledger(dict(stream.rejects))
    beats = kinds["heartbeat"]
    expected["accounting"]["records"] += beats
    expected["accounting"]["no_fact"] = {"heartbeat": beats}
    found = recounted(stream, batch)
    assert found["accounting"]["dead_lettered"] == dict(sorted(stream.rejects.items()))
    assert found["accounting"]["ignored"].keys() == REASONS
    assert found["accounting"]["by_clock"] > 0
    assert differences(found, with_every_kind_of_loss(expected)) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_ten_thousand_facts_of_two_hundred_customers(seed: int) -> None:
    check(facts(seed, 200, 10_000, partitions=PARTITIONS), batch=700)


@pytest.mark.skipif(os.environ.get("CI") != "true", reason="takes minutes; CI=true runs it")
@pytest.mark.timeout(600)
def test_a_hundred_thousand_facts_of_two_thousand_customers() -> None:
    stream = facts(3, 2_000, 104_000, partitions=PARTITIONS)
    assert len(stream.arrivals) >= 100_000
    assert stream.copies >= 0.04 * len(stream.arrivals)
    assert sum(stream.rejects.values()) >= 900
    check(stream, batch=2_000)
