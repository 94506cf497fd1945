"""Whatever silos say: each one's own count is the reference's over its records alone, and no remainder is left."""

from dataclasses import replace

import msgspec
from hypothesis import given, settings

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.facts.models import RawRecord
from streams.ledger.rules import Lapse
from streams.silos.recount import SiloRecount
from tests.reference import Reference
from tests.reference import histories as generated
from tests.reference.facts import instant

NATIVE = load(NATIVE_DEFINITIONS)


def definitions_of(rules):
    lapse = rules["lapse"] and Lapse(rules["lapse"]["after"], frozenset(rules["lapse"]["restarted_by"]))
    return replace(
        NATIVE, horizon_us=rules["horizon"], grouping_us=rules["grouping"], early_within_us=rules["early_within"],
        same_departure_us=rules["same_departure"], lapse=lapse, precedence=tuple(rules["precedence"]),
    )


def to_itself(record, silo):
    """A record as a silo understands it by itself: departures count at once, all else tells the time alone."""
    if record["silo"] != silo:
        return {"event_id": "other", "at": record["at"], "silo": silo, "fact": "heartbeat"}
    if record["fact"] == "leaving":
        rest = {name: value for name, value in record.items() if name != "effective_at"}
        return rest | {"fact": "left"}
    return record | {"fact": "joined"} if record["fact"] == "staying" else record


def sums_of(reference):
    row = reference.ledger()["total"]
    gained = {name: row["new"][name] + row["returned"][name] for name in ("customers", "value")}
    names = ("opening", "lost", "expansion", "contraction", "closing")
    return {"gained": gained} | {name: row[name] for name in names}


@settings(max_examples=150, deadline=None)
@given(placed=generated.histories(partitions=1), rules=generated.rules())
def test_own_counts_equal_the_references_and_no_remainder_is_left(placed, rules):
    rules = rules | {"trailing": None, "time_zone": "UTC", "until": None}
    recount = SiloRecount(definitions_of(rules))
    recount.add([
        RawRecord(msgspec.json.encode(record), None, "customer-events", 0, line)
        for line, (_, record) in enumerate(placed)
    ])
    found = recount.explained(recount.finish())
    assert found["equal"]
    whole = Reference(placed, rules)
    assert found["company"] == sums_of(whole)
    alone = rules | {"lapse": None, "grouping": 0, "until": max(instant(record["at"]) for _, record in placed)}
    for silo in found["silos"]:
        words = [(place, to_itself(record, silo["silo"])) for place, record in placed]
        assert silo["own"] == sums_of(Reference(words, alone)), silo["silo"]
