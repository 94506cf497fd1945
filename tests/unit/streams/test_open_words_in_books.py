"""A hundred thousand made-up reasons and campaigns: the tables stay small and the sums stay whole."""

import time

import orjson

from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.books import PartitionBooks
from streams.facts.admission import Admission
from streams.facts.models import RawRecord
from streams.facts.open_words import MOST_WORDS, UNLISTED
from streams.ledger.changelog import ChangelogReader
from streams.recount import table_rules
from streams.tables.merge import CompanyTables
from streams.tables.running import RunningWindows
from streams.tables.scopes import THE_TOTAL
from streams.tables.watermark import ClockRules
from streams.tables.windows import WINDOW_NAMES

START_MS = 1_760_000_000_000
FACTS = 100_000
AT_ONCE = 2_000


def record(number: int) -> RawRecord:
    fact = {
        "event_id": f"e{number}", "at": START_MS + number * 100, "customer_id": f"c{number // 2}", "value": 5,
        "fact": "left" if number % 2 else "joined", "activity": f"campaign {number}", "reason": f"reason {number}",
    }  # fmt: skip
    return RawRecord(orjson.dumps(fact), offset=number)


def test_made_up_words_neither_fill_the_tables_nor_fall_out_of_the_sums() -> None:
    definitions = load(NATIVE_DEFINITIONS)
    rules = table_rules(definitions)
    books = PartitionBooks(0, 1, definitions, Admission(definitions), rules, ClockRules())
    books.restore(ChangelogReader(), 1)
    company = CompanyTables(rules)
    for first in range(0, FACTS, AT_ONCE):
        books.apply([record(number) for number in range(first, first + AT_ONCE)], first + AT_ONCE)
        flush = books.flush(0)
        assert flush is not None
        for key, value in flush.parts:
            company.apply(key, value)
    started = time.monotonic()
    windows = RunningWindows(company.tables, (START_MS + FACTS * 100) * 1000)
    rows = [windows.rows(name) for name in WINDOW_NAMES]
    assert time.monotonic() - started < 5, "a tick of the clock must stay far below a session timeout"
    total = rows[-1][THE_TOTAL]
    assert len(total["reasons"]) == MOST_WORDS + 1
    assert total["reasons"][0] == {"reason": UNLISTED, "customers": 49_000, "value": 245_000}
    assert sum(line["customers"] for line in total["reasons"]) == total["lost"]["customers"] == 50_000
    assert sum(line["customers"] for line in total["activities"]) == total["new"]["customers"] == 50_000
