"""The clock of the mentions: when it waits for a partition, and when it does not."""

import asyncio
from collections.abc import Sequence

from agents.voice_company import VoiceCompany
from config.settings import load
from streams.facts.models import RawRecord
from streams.ledger.rules import MINUTE
from streams.tables.watermark import ClockRules
from streams.voice.partition import PartitionVoice
from streams.voice.stage import VoiceStage
from tests.unit.agents.made_up_voice import ends_at
from tests.unit.streams.voice.posts import START_MS, definitions, mention, record

RULES = ClockRules()
LATER = 2_000_000
START = START_MS * 1000


class Owned:
    """A partition with its owner, who tells the others what it has read."""

    def __init__(self, company: VoiceCompany, number: int) -> None:
        self._company, self._number = company, number
        self._partition = PartitionVoice(number, 2, ("voices", "1"), VoiceStage(definitions()), RULES)
        self._now = 0

    def read(self, records: Sequence[RawRecord]) -> None:
        self._partition.apply(records, records[-1].offset + 1)
        self._tell()

    def rest_at(self, end: int) -> None:
        self._partition.watermark.reach_end(self._now, end)
        self._now += LATER
        self._tell()

    def _tell(self) -> None:
        flush = self._partition.flush(self._now)
        assert flush is not None
        for digests in flush.digests:
            self._company.take(self._number, digests)


def at_minutes(*minutes: int, first: int = 0) -> list[RawRecord]:
    return [
        record(first + place, mention(f"m{minute}", f"a{minute}", at_s=60 * minute))
        for place, minute in enumerate(minutes)
    ]


def test_a_dead_owner_that_was_idle_is_waited_for_once_its_partition_fills() -> None:
    ends = {0: 1, 1: 1}
    company = VoiceCompany(load({"NETGROWTH_PARTITIONS": "2"}), definitions(), RULES, lambda: (0,), ends_at(ends))
    company.complete = True
    left, killed = Owned(company, 0), Owned(company, 1)
    for number, owned in enumerate((left, killed)):
        owned.read(at_minutes(number))
        owned.rest_at(1)

    def clock() -> int | None:
        return asyncio.run(company.advance(LATER))

    assert clock() == START + MINUTE
    ends[0] = 2
    left.read(at_minutes(30, first=1))
    assert clock() == START + 30 * MINUTE  # nothing lies in the other
    ends.update({0: 3, 1: 2})
    left.read(at_minutes(60, first=2))
    assert clock() == START + 30 * MINUTE
    killed.read(at_minutes(50, first=1))
    assert clock() == START + 50 * MINUTE
    killed.rest_at(2)
    assert clock() == START + 60 * MINUTE


def test_where_no_broker_tells_the_end_nobody_is_taken_for_idle() -> None:
    company = VoiceCompany(load({"NETGROWTH_PARTITIONS": "2"}), definitions(), RULES, lambda: (0,), ends_at({}))
    company.complete = True
    for number in range(2):
        owned = Owned(company, number)
        owned.read(at_minutes(number))
        owned.rest_at(1)
    assert asyncio.run(company.advance(LATER)) == START
