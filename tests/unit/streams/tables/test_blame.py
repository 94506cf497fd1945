"""Which records are named at which difference."""

from streams.facts.models import Fact
from streams.ledger.movements import Scope
from streams.tables.blame import MOST_NAMED, Suspect, attach, touched


def difference(scope):
    return {"scope": scope, "field": "lost.customers", "running": 1, "recounted": 0, "records": []}


def test_a_fact_touches_where_its_customer_was_and_what_it_names():
    fact = Fact("profile_changed", 0, "c", "crm", "e", segment="B")
    names = touched([fact], [Scope("A", "north", "basic")])
    assert {"segment:A", "segment:B", "region:north", "segment_region:B/north", "product:basic"} <= names
    assert "segment:unknown" in touched([Fact("joined", 0, "c", "crm", "e")], [])
    assert "segment:C" not in names


def test_records_stand_at_the_differences_of_their_scopes_and_all_at_the_others():
    a = Suspect({"offset": 1}, frozenset({"segment:A"}))
    b = Suspect({"offset": 2}, frozenset({"segment:B"}))
    anything = Suspect({"offset": 3}, None)
    found = [difference(scope) for scope in ("total", "segment:A", "segment:C", "window:1h", "accounting")]
    attach(found, [a, b, anything])
    assert [[record["offset"] for record in line["records"]] for line in found] == [
        [1, 2, 3], [1, 3], [3], [1, 2, 3], [1, 2, 3],
    ]  # fmt: skip
    lonely = [difference("segment:C")]
    attach(lonely, [a, b])
    assert [record["offset"] for record in lonely[0]["records"]] == [1, 2]


def test_a_flood_of_records_is_cut_and_counted():
    found = [difference("total")]
    attach(found, [Suspect({"offset": n}, None) for n in range(MOST_NAMED + 5)])
    assert (len(found[0]["records"]), found[0]["records_left_out"]) == (MOST_NAMED, 5)
