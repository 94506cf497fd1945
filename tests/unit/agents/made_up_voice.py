"""Mentions as a worker has merged them, without Kafka."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from agents.voice_company import VoiceCompany
from config.settings import load
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.tables.watermark import ClockRules
from streams.voice.partition import PartitionVoice
from streams.voice.stage import VoiceStage
from tests.unit.streams.voice.posts import bots, definitions, mention, people, spread

TOPICS = """
reasons: {agreed: {late parcel: {words: [LATE]}}}
voice: {topics: {late parcel: [parcel never came]}}
"""


def made_up_voice(
    mentions: Sequence[dict[str, Any]] | None = None, *, of: Definitions | None = None,
    owned: Sequence[int] = range(4),
) -> VoiceCompany:
    """What a worker that owns these of four partitions has merged of the mentions, all of them read to their end."""
    if mentions is None:
        mentions = [*people(60), *bots(50), mention("h", "happy", "I love acme, wonderful", brand="other"),
                    mention("f", "someone", "guten tag wie geht es ihnen denn heute", language="de")]  # fmt: skip
    return merged(spread(mentions, 4), of or definitions(TOPICS), owned)


def ends_at(ends: Mapping[int, int]) -> Callable[[Collection[int]], Awaitable[Mapping[int, int]]]:
    """A topic whose partitions end there, also when that is changed later; no broker answers for others."""

    async def input_ends(partitions: Collection[int]) -> Mapping[int, int]:
        return {number: ends[number] for number in partitions if number in ends}

    return input_ends


def merged(lanes: Sequence[Sequence[RawRecord]], of: Definitions, owned: Sequence[int] = range(4)) -> VoiceCompany:
    """The same of records by partition."""
    ends = {number: records[-1].offset + 1 if records else 0 for number, records in enumerate(lanes)}
    made = VoiceCompany(load({}), of, ClockRules(), lambda: owned, ends_at(ends))
    stage = VoiceStage(of)
    for number, records in enumerate(lanes):
        partition = PartitionVoice(number, 4, (of.name, of.version), stage, ClockRules())
        if records:
            partition.apply(records, records[-1].offset + 1)
        partition.watermark.reach_end(0, partition.next_offset or 0)
        flush = partition.flush(2_000_000)
        assert flush is not None
        for record in flush.digests:
            made.take(number, record)
    made.complete = True
    asyncio.run(made.advance(2_000_000))
    return made
