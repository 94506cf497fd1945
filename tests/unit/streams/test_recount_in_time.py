"""What a recount leaves out: facts of a future that cannot be known, and what is dated after `--until`."""

import orjson

from config.definitions_file import parse
from streams.facts.models import RawRecord
from streams.recount import Recount

TWO_FACTS = """
name: two
version: "1"
currency: EUR
time_zone: UTC
value_model: {version: "1", field: {minor_units: value}}
silos:
  crm:
    event_id: id
    customer_id: customer
    zone: UTC
    rules:
      - name: contract
        when: [{field: customer, empty: false}]
        facts:
          - {fact: left, at: end, when: [{field: ended, is: "1"}]}
          - {fact: joined, at: start, value: model}
"""
NOON = 1_714_996_800_000_000  # 2024-05-06T12:00:00Z


def counted(*contracts: dict[str, str], until: int | None = None) -> dict:
    recount = Recount(parse(TWO_FACTS), until=until)
    recount.add([RawRecord(orjson.dumps({"value": 5} | contract), offset=n) for n, contract in enumerate(contracts)])
    accounting: dict = recount.finish()["accounting"] | {
        "left_out": recount.after_until, "facts_left_out": recount.facts_after_until
    }  # fmt: skip
    return accounting


def test_a_record_whose_facts_are_all_later_is_left_out_whole() -> None:
    later = {"id": "1", "customer": "a", "start": "2024-05-07T00:00:00", "end": "", "ended": "0"}
    found = counted(later, until=NOON)
    assert (found["records"], found["facts"], found["left_out"]) == (0, 0, 1)


def test_a_record_with_one_fact_in_time_is_counted_with_that_fact() -> None:
    partly = {"id": "1", "customer": "a", "start": "2024-05-01T00:00:00", "end": "2024-05-07T00:00:00", "ended": "1"}
    found = counted(partly, until=NOON)
    assert (found["records"], found["facts"], found["left_out"]) == (1, 1, 0)
    assert found["movements"] == {"new": 1}
    assert found["facts_left_out"] == 1


def test_a_batch_counts_records_left_out_and_facts_left_out_apart() -> None:
    later = {"id": "1", "customer": "a", "start": "2024-05-07T00:00:00", "end": "2024-05-08T00:00:00", "ended": "1"}
    partly = {"id": "2", "customer": "b", "start": "2024-05-08T00:00:00", "end": "2024-05-01T00:00:00", "ended": "1"}
    found = counted(later, partly, {"id": "3", "customer": ""}, until=NOON)
    assert (found["records"], found["facts"], found["unmapped"]) == (2, 1, 1)
    assert (found["left_out"], found["facts_left_out"]) == (1, 1)


def test_without_any_time_the_ledger_has_no_clock_and_no_windows() -> None:
    recount = Recount(parse(TWO_FACTS), by="day")
    recount.add([RawRecord(b"{}")])
    found = recount.finish()
    assert (found["until"], found["windows"], found["periods"]) == (None, {}, [])
    assert found["accounting"]["unmapped"] == 1


def test_a_fact_from_far_in_the_future_is_a_dead_letter_as_it_is_live() -> None:
    ahead = {"id": "1", "customer": "a", "start": "2099-01-01T00:00:00", "end": "", "ended": "0"}
    recount = Recount(parse(TWO_FACTS), now_us=lambda: NOON)
    recount.add([RawRecord(orjson.dumps({"value": 5} | ahead))])
    assert recount.finish()["accounting"]["dead_lettered"] == {"future_time": 1}


def test_a_heartbeat_beside_a_customers_fact_is_not_taken_from_the_heartbeats() -> None:
    recount = Recount(parse(TWO_FACTS.replace("{fact: left, at: end,", "{fact: heartbeat, at: end,")), until=NOON)
    record = {"id": "1", "customer": "a", "start": "2024-05-07T00:00:00", "end": "2024-05-08T00:00:00", "ended": "1"}
    recount.add([RawRecord(orjson.dumps({"value": 5} | record))])
    assert (recount.after_until, recount.records.records, dict(recount.records.no_fact)) == (1, 0, {})
