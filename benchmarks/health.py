"""Perceived health: how fast, in how much memory, and whether a fault is named.

python -m benchmarks.health speed [--records 300000]     signals a second beside the ledger's facts, in one process
python -m benchmarks.health memory [--scopes 10000] [--hours 2]
                                                         resident memory, twelve times over so many hours of events
python -m benchmarks.health naming [--runs 20] [--quiet 50] [--first 0] [--partitions 1]
                                                         runs with a fault of 2 %, and runs without any

Speeds are records per second of CPU time, each after the other in turns, from the bytes to the tables. `speed` counts
the ledger and health as `netgrowth ledger` and `netgrowth health` do, without Kafka, and health as a worker does:
books of one partition with their parts and changelog, and the company that reads them; `memory` and `naming` do so
with --live.
"""

import argparse
import gc
import json
from collections.abc import Iterator
from datetime import datetime
from random import Random
from time import process_time
from typing import Any

import orjson

from benchmarks.memory import resident
from benchmarks.workload import Shape, Workload
from config.definitions_file import load, parse
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.health.admission import SignalAdmission
from streams.health.health_json import subset_row
from streams.health.live.books import HealthBooks
from streams.health.live.company import CompanyHealth
from streams.health.live.known import NoView
from streams.health.recount import HealthRecount
from streams.health.signals import Signal
from streams.ledger.changelog import ChangelogReader
from streams.recount import Recount
from streams.tables.watermark import ClockRules
from tests.unit.streams.health.faults import hit_by, named_in, shop, stream
from tests.unit.streams.health.signalling import NATIVE, START

BATCH = 2000
LIVE_BATCH = 20_000
"""Signals of a second, at the engine's speed."""

FAULT_AT = 25.3
"""Minute; between two looks."""

WITHIN_MINUTES = 5.0


def facts(records: int) -> list[RawRecord]:
    """Native facts of the workload that the ledger is measured with."""
    arrivals = Workload(Shape(events=records, partitions=1))
    return [RawRecord(arrival.raw, arrival.key, "t", 0, number) for number, arrival in enumerate(arrivals)]


def signals(records: int, *, customers: int = 10_000, scopes: int = 50, seconds: int = 3600) -> Iterator[RawRecord]:
    """Native signals evenly over event time: half of the scopes' customers come by, 1 % of interactions are bad."""
    random = Random(7)
    for number in range(records):
        scope = random.randrange(scopes)
        customer = scope + scopes * random.randrange(max(1, customers // scopes))
        document = {
            "event_id": f"e{number:09d}", "at": START + number * seconds * 1000 // records,
            "customer_id": f"customer-{customer:07d}", "service": f"service-{scope % 20}", "stage": "checkout",
            "ok": random.random() > 0.01, "latency_ms": round(random.lognormvariate(5, 0.5), 1),
            "attributes": {"region": f"region-{scope // 20}", "device": f"device-{customer % 5}", "version": "v7"},
        }  # fmt: skip
        yield RawRecord(orjson.dumps(document), document["customer_id"].encode(), "t", 0, number)


class Live:
    """Books of one partition and the company over them, as a worker runs them; what is written goes nowhere."""

    def __init__(self, definitions: Definitions) -> None:
        clock_rules = ClockRules()
        self.company = CompanyHealth(definitions, 1, clock_rules)
        self.books = HealthBooks(
            0, 1, definitions, SignalAdmission(definitions, partitions=1, check_keys=True), clock_rules, NoView(),
            self.company.needs,
        )
        self.books.restore(ChangelogReader(), 1)
        self.written = 0
        self._now = 0

    def add(self, records: list[RawRecord]) -> None:
        """Apply a batch, then do what a worker does in a second."""
        self.books.apply(records, records[-1].offset + 1)
        self.tick()

    def tick(self) -> None:
        """Count to the clock, write, and look at what is over."""
        self._now += 1_000_000
        clock = self.company.advance(self._now)
        self.books.follow(self.company.troubles(), self.company.complaints, self.company.subsets_asked)
        while self.books.advance(clock):
            pass
        flush = self.books.flush(self._now)
        if flush is not None:
            self.written += sum(len(value or b"") for _, value in (*flush.changelog, *flush.parts))
            for key, value in flush.parts:
                self.company.apply(key, value)
        while self.company.look():
            pass


def speed(records: int) -> None:
    """CPU seconds of the ledger and of health over as many records, three turns of each."""
    of_ledger, of_health = facts(records), list(signals(records))
    gc.collect()
    gc.freeze()
    for turn in range(3):
        begun = process_time()
        ledger = Recount(load("native"))
        for start in range(0, records, BATCH):
            ledger.add(of_ledger[start : start + BATCH])
        ledger.finish()
        of_facts = process_time()
        health = HealthRecount(shop(), by="hour")
        for start in range(0, records, BATCH):
            health.add(of_health[start : start + BATCH])
        found = health.finish()
        of_file = process_time()
        assert found["accounting"]["signals"]["signals"] == records
        live = Live(shop())
        for start in range(0, records, LIVE_BATCH):
            live.add(of_health[start : start + LIVE_BATCH])
        live.tick()
        ended = process_time()
        assert live.company.accounting["signals"] == records
        print(
            json.dumps(
                {
                    "turn": turn, "ledger_events_per_cpu_second": round(records / (of_facts - begun)),
                    "health_signals_per_cpu_second": round(records / (of_file - of_facts)),
                    "live_signals_per_cpu_second": round(records / (ended - of_file)),
                    "health_of_ledger": round((of_facts - begun) / (of_file - of_facts), 2),
                    "live_of_ledger": round((of_facts - begun) / (ended - of_file), 2),
                    "live_bytes_written_per_signal": round(live.written / records),
                }
            ),
            flush=True,
        )  # fmt: skip


def memory(scopes: int, records: int, horizon: str, live: bool, hours: int) -> None:
    """Resident memory while hours pass, at twelve instants of them, signals being held for a horizon."""
    agreed = parse(f"{NATIVE}health: {{horizon: {horizon}, thresholds: [{{satisfied_within: 1s}}]}}\n")
    recount = Live(agreed) if live else HealthRecount(agreed)
    before = resident()
    waiting: list[RawRecord] = []
    told = 0
    for number, record in enumerate(signals(records, customers=scopes * 3, scopes=scopes, seconds=hours * 3600)):
        waiting.append(record)
        if len(waiting) == BATCH:
            recount.add(waiting)
            waiting = []
        if number * 12 // records > told:
            told = number * 12 // records
            print(json.dumps({"minutes": told * 5 * hours, "mb": round((resident() - before) / 1e6)}), flush=True)
    if waiting:
        recount.add(waiting)
    if isinstance(recount, Live):
        shown = len(recount.company.windows.rows("24h"))
    else:
        shown = len(recount.finish()["periods"][0]["scopes"])
    print(json.dumps({"scopes": shown, "mb": round((resident() - before) / 1e6)}))


def named(signals: Iterator[Signal], partitions: int, live: bool) -> list[dict[str, Any]]:
    """The subsets that are named in a stream of a made-up shop."""
    if not live:
        found: list[dict[str, Any]] = named_in(signals, partitions)["subsets"]
        return found
    worker, waiting = Live(shop()), []
    for number, one in enumerate(signals):
        document = {
            "event_id": one.event_id, "at": one.at // 1000, "customer_id": one.customer_id, "service": one.service,
            "stage": one.stage, "ok": one.ok, "latency_ms": (one.latency_us or 0) / 1000,
            "attributes": one.attributes,
        }  # fmt: skip
        waiting.append(RawRecord(orjson.dumps(document), one.customer_id.encode(), "t", 0, number))
        if len(waiting) == BATCH:
            worker.add(waiting)
            waiting = []
    if waiting:
        worker.add(waiting)
    for _ in range(3):
        worker.tick()
    return [subset_row(one) for one in worker.company.named]


def naming(runs: int, quiet: int, partitions: int, live: bool, first: int = 0) -> None:
    """How many faults were named rightly and in time, and runs without one that had a name; seeds from `first`."""
    right = 0
    delays = []
    for seed in range(first, first + runs):
        subsets = named(stream(seed, fault_at=FAULT_AT, by_customer=seed % 2 == 0), partitions, live)
        for one in subsets:
            delay = datetime.fromisoformat(one["named_at"]).timestamp() / 60 - START / 60_000 - FAULT_AT
            if one["attributes"] == hit_by(seed) and len(subsets) == 1:
                delays.append(round(delay, 1))
                right += 0 < delay <= WITHIN_MINUTES
    false = sum(
        bool(named(stream(1000 + seed, fault_at=None, by_customer=seed % 2 == 0), partitions, live))
        for seed in range(first, first + quiet)
    )
    told = {"runs": runs, "named_rightly": right, "minutes": sorted(delays), "quiet": quiet, "false": false}
    print(json.dumps(told))


def main() -> None:
    """Measure one thing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "memory", "naming"])
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--scopes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--quiet", type=int, default=50)
    parser.add_argument("--first", type=int, default=0, help="seed of the first run of `naming`")
    parser.add_argument("--hours", type=int, default=2, help="of event time, of `memory`")
    parser.add_argument("--horizon", default="10m", help="of `memory`")
    parser.add_argument("--live", action="store_true", help="as a worker does; of `memory` and `naming`")
    parser.add_argument("--partitions", type=int, default=1)
    words = parser.parse_args()
    if words.what == "speed":
        speed(words.records)
    elif words.what == "memory":
        memory(words.scopes, words.records, words.horizon, words.live, words.hours)
    else:
        naming(words.runs, words.quiet, words.partitions, words.live, words.first)


if __name__ == "__main__":
    main()
