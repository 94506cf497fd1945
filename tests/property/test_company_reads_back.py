"""A worker that starts late reads the company's tables back whole, however coarse the buckets have become."""

import asyncio
from random import Random

import msgspec
import pytest

from agents.company import Company
from config.settings import load
from streams.ledger.rules import DAY, HOUR
from streams.recount import table_rules
from streams.tables.buckets import Retention
from streams.tables.watermark import ClockRules
from tests.property.counting import differences
from tests.property.crashing import CrashingOwner
from tests.property.test_books_survive_crashes import LONG, facts_in, topic_of, undisturbed

KEPT = Retention(minutes_us=50 * HOUR, hours_us=63 * DAY, days_us=200 * DAY)


@pytest.mark.parametrize("silence", [0, 30, 150])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_read_back_at_once_equals_a_count_of_the_records(seed: int, silence: int) -> None:
    topic, random = topic_of(seed), Random(seed)
    rules = table_rules(LONG, KEPT)
    owner = CrashingOwner(topic, LONG, rules)
    while owner.books.next_offset != len(topic):
        owner.read(random.choice((5, 20, 40)))
        owner.clock = owner.books.ledger.watermark
        owner.advance(0)
        owner.flush(commit=True)
        if random.random() < 0.1:
            owner.take_over()
    clock = max(fact.at for fact in facts_in(topic)) + silence * DAY
    owner.end(clock)
    settings = load({"NETGROWTH_PARTITIONS": "1"})
    company = Company(settings, LONG, rules, ClockRules(settings.idle_after_us, settings.fresh_us), lambda: [0])
    records = owner.parts.records
    began = random.randrange(len(records) // 2, len(records) + 1)  # so much lay in the log by then
    for key, value in records[:began]:
        company.parts.feed(0, key, value)
    asyncio.run(company.parts.finish())
    for key, value in records[began:]:
        company.parts.feed(0, key, value)
    for number, progress in company._tables.progress.items():
        # No record stands for the silence: the clock goes on as if another partition had told of it.
        company._tables.progress[number] = msgspec.structs.replace(progress, watermark=clock)
    company.advance(clock)
    asyncio.run(company.follow())
    ledger = company.ledger()
    assert ledger is not None
    assert differences(ledger, undisturbed(topic, clock, LONG)) == []
