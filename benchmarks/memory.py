"""Resident memory per customer: many customers, few of them with facts inside the horizon.

python -m benchmarks.memory [--customers 1000000] [--partitions 4]

The records of `benchmarks.base` go through the books of the partitions as in a worker: batches, flushes that forget
what they have written, and sweeps as a worker's clock makes them. Printed is the resident memory of the process
(VmRSS) less that before the first record, divided by the customers: when all records are counted; after so many
ticks of the clock that nobody is put to rest any more; and of a fresh process that takes over the changelog. Tables,
indexes and what the allocator holds back are in it, Kafka clients are not: `netgrowth bench` measures a whole worker.
"""

import argparse
import gc
import json
import multiprocessing
import sys
from time import process_time
from typing import Any

from agents.ledger import SWEPT_AT_ONCE
from benchmarks.base import Base
from config.definitions_file import load
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader
from streams.recount import table_rules
from streams.tables.watermark import ClockRules

BATCH = 1000
FLUSH_EVERY = 8
"""Batches of a partition."""

TICKS = 100
"""Between two looks whether anybody was put to rest."""


def resident() -> int:
    """Bytes of this process that are in memory now."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def empty_books(partitions: int) -> list[PartitionBooks]:
    """Books under the native definitions."""
    definitions = load("native")
    admission, rules = Admission(definitions), table_rules(definitions)
    return [
        PartitionBooks(number, partitions, definitions, admission, rules, ClockRules())
        for number in range(partitions)
    ]


class Filling:
    """The books of all partitions while they are filled, their changelog, compacted, and what that takes."""

    def __init__(self, partitions: int, changelog: "multiprocessing.Queue[Any]") -> None:
        self.books = empty_books(partitions)
        self.written = self.peak = 0
        self.flushing = self.sweeping = self.applying = 0.0
        self._changelog = changelog

    def apply(self, number: int, records: list[RawRecord]) -> None:
        """One batch, and a tick."""
        books = self.books[number]
        began = process_time()
        books.apply(records, (books.next_offset or 0) + len(records))
        self.applying += process_time() - began
        books.advance(books.ledger.watermark)
        self.sweep(number)
        self.peak = max(self.peak, resident())

    def flush(self, number: int) -> None:
        """Write, and forget what was written."""
        began = process_time()
        flush = self.books[number].flush(0)
        self.flushing += process_time() - began
        if flush is not None:
            self.written += sum(len(key) + len(value or b"") for key, value in flush.changelog)
            self._changelog.put((number, flush.changelog))

    def sweep(self, number: int) -> None:
        """One tick's worth."""
        began = process_time()
        self.books[number].ledger.sweep(SWEPT_AT_ONCE)
        self.sweeping += process_time() - began

    def awake(self) -> int:
        """How many customers are."""
        return sum(len(books.ledger.customers) for books in self.books)

    def quiet(self) -> int:
        """How many rest and are not settled."""
        return sum(books.ledger.resting.quiet for books in self.books)


def fill(customers: int, partitions: int, changelog: "multiprocessing.Queue[Any]") -> dict[str, Any]:
    """Count the base, let rest who can, and tell what that occupies."""
    filling = Filling(partitions, changelog)
    gc.collect()
    before = resident()
    waiting: list[list[RawRecord]] = [[] for _ in range(partitions)]
    batches = [0] * partitions
    records = 0
    for arrival in Base(customers, partitions):
        waiting[arrival.partition].append(RawRecord(arrival.raw, offset=records))
        records += 1
        if len(waiting[arrival.partition]) == BATCH:
            filling.apply(arrival.partition, waiting[arrival.partition])
            waiting[arrival.partition] = []
            batches[arrival.partition] += 1
            if not batches[arrival.partition] % FLUSH_EVERY:
                filling.flush(arrival.partition)
    for number, rest in enumerate(waiting):
        filling.apply(number, rest)
        filling.flush(number)
    counted, awake_then, ticks = resident(), filling.awake(), 0
    was, now = (-1, -1), (awake_then, filling.quiet())
    while was != now:
        was, ticks = now, ticks + TICKS
        for _ in range(TICKS):
            for number in range(partitions):
                filling.sweep(number)
        for number in range(partitions):
            filling.flush(number)
        now = filling.awake(), filling.quiet()
    after = resident()
    changelog.put(None)
    return {
        "customers": sum(books.ledger.known for books in filling.books),
        "records": records,
        "bytes_per_customer": {
            "counted": _each(counted - before, customers),
            "at_rest": _each(after - before, customers),
            "peak": _each(filling.peak - before, customers),
        },
        "resident_before": before,
        "awake_when_counted": awake_then,
        "awake": now[0],
        "resting_with_facts_in_the_horizon": now[1],
        "ticks_until_all_rest": ticks,
        "changelog_bytes_per_record": round(filling.written / records, 1),
        "us_per_record": {
            "apply": round(filling.applying * 1e6 / records, 2),
            "flush": round(filling.flushing * 1e6 / records, 2),
            "sweep": round(filling.sweeping * 1e6 / records, 2),
        },
    }


def take_over(partitions: int, changelog: "multiprocessing.Queue[Any]", told: "multiprocessing.Queue[Any]") -> None:
    """A fresh process: read the changelog, restore the books, tell what they occupy and took."""
    books = empty_books(partitions)
    gc.collect()
    before = resident()
    readers = [ChangelogReader() for _ in books]
    reading = 0.0
    for number, records in iter(changelog.get, None):
        began = process_time()
        readers[number].feed(records)
        reading += process_time() - began
    began = process_time()
    for number in range(partitions):
        readers[number].finish()
        books[number].restore(readers[number], 2)
    restoring = process_time() - began
    peak = resident()
    del records, readers
    gc.collect()
    customers = sum(book.ledger.known for book in books)
    told.put({
        "customers": customers,
        "bytes_per_customer": _each(resident() - before, customers),
        "peak_bytes_per_customer": _each(peak - before, customers),
        "us_per_customer": {
            "read": round(reading * 1e6 / customers, 2), "restore": round(restoring * 1e6 / customers, 2),
        },
    })  # fmt: skip


def _each(size: int, customers: int) -> float:
    return round(size / customers, 1)


def main() -> None:
    """Run the benchmark and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    changelog: multiprocessing.Queue[Any] = context.Queue(maxsize=1)
    told: multiprocessing.Queue[Any] = context.Queue()
    taker = context.Process(target=take_over, args=(given.partitions, changelog, told))
    taker.start()
    filled = fill(given.customers, given.partitions, changelog)
    restored = told.get()
    taker.join()
    json.dump({"filled": filled, "taken_over": restored}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
