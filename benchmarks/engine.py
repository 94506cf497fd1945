"""Where the processor time of a worker goes, part by part, in one process without Kafka.

python -m benchmarks.engine [--events 100000] [--customers 100000] [--hours 8]

The records of the workload go through the books of the partitions in batches, each partition's in turn; all books
are flushed after every 20,000 records, the flushes taken into the tables of the company, and rows asked for after
every 60,000. Printed are microseconds of processor time for each record, and a digest of the tables that come of it:
two versions that print the same digest count the same. By default there are as many facts in a minute as in
`netgrowth bench`.
"""

import argparse
import gc
import hashlib
import json
import sys
from collections import Counter, deque
from time import process_time
from typing import Any

import orjson

from agents.ledger import SWEPT_AT_ONCE
from benchmarks.memory import empty_books
from benchmarks.workload import Shape, Workload
from streams.books import Flush
from streams.facts.models import RawRecord
from streams.ledger.rules import MINUTE
from streams.recount import add_accounting, table_rules
from streams.tables.ledger_json import ledger_json
from streams.tables.merge import CompanyTables
from streams.tables.part_records import read_key
from streams.tables.running import RunningWindows
from streams.tables.windows import WINDOW_NAMES

BATCH = 1000
FLUSH_EVERY = 20_000
ROWS_EVERY = 60_000
NOW = 1_800_000_000_000_000
"""The wall clock that the flushes are told, microseconds; long after every record."""


class Engine:
    """Books and tables of the company, and the processor time that each part took, seconds."""

    def __init__(self, shape: Shape) -> None:
        self.seconds: Counter[str] = Counter()
        self._shape = shape
        self._books = empty_books(shape.partitions)
        self._definitions = self._books[0].definitions
        self._company = CompanyTables(table_rules(self._definitions))
        self._windows: RunningWindows | None = None

    def count(self) -> None:
        """Put every record of the workload through all parts."""
        waiting: list[deque[RawRecord]] = [deque() for _ in self._books]
        for arrival in Workload(self._shape):
            records = waiting[arrival.partition]
            records.append(RawRecord(arrival.raw, arrival.key, partition=arrival.partition, offset=len(records)))
        applied = 0
        while any(waiting):
            for number, records in enumerate(waiting):
                batch = [records.popleft() for _ in range(min(BATCH, len(records)))]
                if batch:
                    self._apply(number, batch)
                before, applied = applied, applied + len(batch)
                if before // FLUSH_EVERY != applied // FLUSH_EVERY or not any(waiting):
                    self._flush()
                if before // ROWS_EVERY != applied // ROWS_EVERY or not any(waiting):
                    self._rows()

    def digest(self) -> str:
        """A digest of all tables: every window, scope and series, and the accounting."""
        windows = self._windows
        if windows is None:
            raise ValueError("nothing was counted")
        tables = {
            name: sorted((str(scope), row) for scope, row in windows.rows(name).items()) for name in WINDOW_NAMES
        }
        ledger = ledger_json(
            self._company.tables, definitions_name="", definitions_version="", currency="", until_us=windows.clock,
            accounting=add_accounting([books.accounting() for books in self._books]),
        )
        return hashlib.sha256(orjson.dumps([tables, ledger], option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]

    def _apply(self, number: int, batch: list[RawRecord]) -> None:
        books, began = self._books[number], process_time()
        books.apply(batch, batch[-1].offset + 1)
        self._took("apply", began)
        began = process_time()
        books.advance(books.ledger.watermark)
        self._took("dues", began)
        began = process_time()
        books.ledger.sweep(SWEPT_AT_ONCE)
        self._took("rest", began)

    def _flush(self) -> None:
        for books in self._books:
            began = process_time()
            flush = books.flush(NOW)
            self._took("flush", began)
            if flush is not None:
                began = process_time()
                self._take(flush)
                self._took("own flushes", began)

    def _take(self, flush: Flush) -> None:
        for key, value in flush.parts:
            own = flush.decoded.get(key)
            if own is None:
                self._company.apply(key, value)
            else:
                self._company.apply_part(read_key(key), own.part, own.packed)

    def _rows(self) -> None:
        began = process_time()
        clock = min(books.ledger.watermark for books in self._books)
        tables = self._company.tables
        if self._windows is None:
            first = clock if tables.first_at is None else tables.calendar.day_start(tables.first_at) - MINUTE
            self._windows = RunningWindows(tables, first)
        self._windows.advance(clock)
        self._windows.catch_up()
        self._took("windows", began)
        began = process_time()
        for name in WINDOW_NAMES:
            self._windows.rows(name)
        self._took("rows", began)

    def _took(self, part: str, began: float) -> None:
        self.seconds[part] += process_time() - began


def main() -> None:
    """Run the benchmark and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--hours", type=int, default=8, help="event time that the records cover")
    given = parser.parse_args()
    gc.disable()  # in a worker it looks at each object once
    engine = Engine(Shape(events=given.events, customers=given.customers, span_s=given.hours * 3600))
    engine.count()
    parts: dict[str, Any] = {name: round(took * 1e6 / given.events, 2) for name, took in engine.seconds.items()}
    parts["all"] = round(sum(engine.seconds.values()) * 1e6 / given.events, 2)
    json.dump({"us_per_record": parts, "digest": engine.digest()}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
