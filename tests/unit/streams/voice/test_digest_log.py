"""Digests between the stages: each offset once, whatever owners do."""

from typing import Any

from streams.ledger.changelog import ChangelogReader, claim
from streams.tables.watermark import ClockRules
from streams.voice.digest_log import DigestLog
from streams.voice.mentions import Digest
from streams.voice.partition import DIGESTS_AT_ONCE, TOLD_AGAIN_US, PartitionVoice, VoiceFlush
from streams.voice.stage import VoiceStage
from tests.unit.streams.voice.posts import definitions, mention, record, records

DEFINITIONS = definitions()
STAGE = VoiceStage(DEFINITIONS)
NAMED = (DEFINITIONS.name, DEFINITIONS.version)
MENTIONS = [mention(f"m{n}", f"a{n}", f"word{n} is here", at_s=n) for n in range(40)]
RECORDS = records(MENTIONS)


class Owner:
    """Reads one partition from where its changelog stands, and writes to logs that outlive it."""

    def __init__(self, changelog: list[Any], digests: list[bytes], epoch: int) -> None:
        changelog.append(claim(epoch))
        reader = ChangelogReader()
        reader.feed(changelog)
        reader.finish()
        self.state = PartitionVoice(0, 1, NAMED, STAGE, ClockRules())
        self.state.restore(reader, epoch)
        self.changelog, self.digests = changelog, digests

    def read(self, upto: int) -> "Owner":
        first = self.state.next_offset or 0
        self.state.apply(RECORDS[first:upto], upto)
        return self

    def flush(self, *, digests: int | None = None, changelog: bool = True) -> VoiceFlush:
        """Flush; of the digests so many records arrive (None: all), of the changelog all or nothing."""
        flush = self.state.flush(0)
        assert flush is not None
        self.digests += flush.digests[:digests]
        if changelog:
            self.changelog += flush.changelog
        return flush


def read_back(digests: list[bytes]) -> tuple[DigestLog, list[Digest]]:
    log = DigestLog()
    return log, [digest for value in digests for digest in log.take(0, value)]


def keys(digests: list[Digest]) -> list[int]:
    return [digest.mention for digest in digests]


WANTED = keys(STAGE.read(RECORDS).digests)


def test_a_crash_between_digests_and_changelog_counts_nothing_twice():
    changelog, digests = [], []
    Owner(changelog, digests, 1).read(10).flush()
    Owner(changelog, digests, 2).read(25).flush(changelog=False)
    Owner(changelog, digests, 3).read(18).flush()
    Owner(changelog, digests, 4).read(40).flush()
    log, found = read_back(digests)
    assert keys(found) == WANTED
    assert log.upto() == {0: 40}
    assert log.progress[0].counts.mentions == 40
    assert log.lost == 0


def test_a_crash_before_the_digests_loses_nothing():
    changelog, digests = [], []
    Owner(changelog, digests, 1).read(10).flush()
    Owner(changelog, digests, 2).read(25).flush(digests=0, changelog=False)
    Owner(changelog, digests, 3).read(40).flush()
    assert keys(read_back(digests)[1]) == WANTED


def test_what_a_late_owner_writes_is_void_or_the_same():
    changelog, digests = [], []
    late = Owner(changelog, digests, 1).read(10)
    late.flush()
    Owner(changelog, digests, 2).read(20).flush()
    late.read(30).flush(changelog=False)
    Owner(changelog, digests, 3).read(40).flush()
    log, found = read_back(digests)
    assert keys(found) == WANTED
    assert log.progress[0].counts.records == 40


def test_what_follows_an_undelivered_flush_waits_for_the_next_owner():
    changelog, digests = [], []
    first = Owner(changelog, digests, 1).read(10)
    first.flush()
    first.read(20).flush(digests=0, changelog=False)
    first.read(30).flush(changelog=False)
    assert keys(read_back(digests)[1]) == WANTED[:10]
    Owner(changelog, digests, 2).read(40).flush()
    log, found = read_back(digests)
    assert keys(found) == WANTED
    assert log.lost == 0


def test_digests_that_the_broker_lost_are_told_and_hold_up_nothing():
    changelog, digests = [], []
    Owner(changelog, digests, 1).read(10).flush()
    Owner(changelog, [], 2).read(20).flush()
    Owner(changelog, digests, 3).read(40).flush()
    log, found = read_back(digests)
    assert keys(found) == WANTED[:10] + WANTED[20:]
    assert log.lost == 10


def test_a_large_flush_is_several_records_and_told_with_the_last():
    many = [record(n, mention(f"m{n}", f"a{n}", None, at_s=n, sentiment=0.5)) for n in range(2 * DIGESTS_AT_ONCE + 1)]
    state = PartitionVoice(0, 1, NAMED, STAGE, ClockRules())
    state.apply(many, len(many))
    flush = state.flush(0)
    assert flush is not None
    assert len(flush.digests) == 3
    log = DigestLog()
    assert len(log.take(0, flush.digests[0])) == DIGESTS_AT_ONCE
    assert log.progress == {}
    assert sum(len(log.take(0, value)) for value in flush.digests) == DIGESTS_AT_ONCE + 1
    assert log.progress[0].counts.mentions == len(many)


def test_counts_sources_and_time_survive_a_restart_and_are_told_again_in_time():
    changelog, digests = [], []
    first = Owner(changelog, digests, 1)
    first.state.apply([*RECORDS[:3], record(3, {"mention_id": "x"}), record(4, {"nonsense": 1})], 5)
    first.flush()
    second = Owner(changelog, digests, 2)
    assert second.state.counts == first.state.counts
    assert second.state.watermark.largest == first.state.watermark.largest
    assert second.state.counts.dead_lettered == {"missing_field": 2}
    assert second.state.counts.sources == {"native": (3, 1_700_000_002_000_000)}
    assert second.state.flush(0) is not None
    assert second.state.flush(0) is None
    assert second.state.flush(TOLD_AGAIN_US) is not None
    second.state.rewrite([b"progress"])
    assert second.state.flush(TOLD_AGAIN_US + 1) is not None
