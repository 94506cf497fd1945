"""What links between ids change in the company's count is a cause of its own, and leaves no remainder."""

from typing import Any

import orjson

from config.definitions_file import load
from streams.facts.models import RawRecord
from streams.silos.recount import SiloRecount

NATIVE = load("native")


def record(number: int, customer_id: str, silo: str, fact: str, **more: Any) -> dict[str, Any]:
    at = f"2025-03-03T{10 + number:02}:00:00Z"
    return {"event_id": str(number), "at": at, "customer_id": customer_id, "silo": silo, "fact": fact, **more}


TOLD = [
    record(0, "crm-17", "crm", "joined", value=100),
    record(1, "a9", "shop", "joined", value=50),
    record(2, "b3", "shop", "joined", value=20),
    record(4, "a9", "shop", "left", reason="x"),
    {"event_id": "l", "at": "2025-03-03T20:00:00Z", "fact": "same_customer", "silo": "shop", "silo_id": "a9",
     "customer_id": "crm-17"},
]  # fmt: skip


def explained(partitions: int) -> dict[str, Any]:
    recount = SiloRecount(NATIVE, partitions=partitions)
    recount.add([RawRecord(orjson.dumps(one)) for one in TOLD])
    return recount.explained(recount.finish())


def test_the_difference_that_a_link_makes_is_told_for_every_silo() -> None:
    for partitions in (1, 4):
        found = explained(partitions)
        assert found["equal"]
        # crm-17 joined at crm and, as a9, left the shop: one customer, gained once and lost once.
        assert found["company"]["gained"]["customers"] == 2
        assert found["company"]["lost"]["customers"] == 1
        for silo in found["silos"]:
            linked = [cause for cause in silo["causes"] if cause["cause"] == "linked"]
            assert len(linked) == 1, silo["silo"]
            assert linked[0]["gained"]["customers"] == -1
            assert linked[0]["lost"]["customers"] == 0


def test_without_links_there_is_no_such_cause() -> None:
    recount = SiloRecount(NATIVE)
    recount.add([RawRecord(orjson.dumps(one)) for one in TOLD[:-1]])
    found = recount.explained(recount.finish())
    assert found["equal"]
    assert not [cause for silo in found["silos"] for cause in silo["causes"] if cause["cause"] == "linked"]
