"""Counting mentions from files, without Kafka: the stages of the live path, over a file that is read to its end."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.ledger.rules import HOUR, MINUTE
from streams.sentiment.scorer import Scorer
from streams.tables.calendar import Calendar, utc_text
from streams.voice.mentions import Digest, Mention
from streams.voice.merged import Change, MergedVoice
from streams.voice.stage import DigestedBatch, VoiceStage
from streams.voice.tables import ALL, VoiceTables, minute, whole
from streams.voice.voice_json import brands_json, periods_json, voice_json


class VoiceRecount:
    """Mentions of files, in any order: what is compared with what depends on event time, not on the order of lines.

    Args:
        definitions: what the records mean.
        by: `hour` or `day` of the company's time zone; None: one period over all.
        now_us, scorer, on_mention: see `VoiceStage`.
        on_change: by `finish`, told of each post that was counted or taken out again.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        by: str | None = None,
        now_us: Callable[[], int] | None = None,
        scorer: Scorer | None = None,
        on_mention: Callable[[Mention, Digest], None] | None = None,
        on_change: Callable[[Change], None] | None = None,
    ) -> None:
        self.records = 0
        self.unmapped = 0
        self.dead_lettered: Counter[str] = Counter()
        self._definitions = definitions
        self._by = by
        self._stage = VoiceStage(definitions, now_us=now_us, scorer=scorer, on_mention=on_mention)
        self._digests: list[Digest] = []
        self._on_change = on_change

    def add(self, records: Sequence[RawRecord]) -> DigestedBatch:
        """Read the next records; what is returned has their dead letters."""
        batch = self._stage.read(records)
        self.records += batch.records
        self.unmapped += batch.unmapped
        for letter in batch.dead_letters:
            self.dead_lettered[letter.reason.value] += 1
        self._digests += batch.digests
        return batch

    def finish(self) -> dict[str, Any]:
        """The JSON of `netgrowth voice`."""
        definitions = self._definitions
        rules = definitions.voice
        calendar = Calendar(definitions.time_zone)
        levels: dict[str, Callable[[int], int]] = {ALL: whole}
        if self._by == "hour":
            levels[self._by] = calendar.hour_start
        elif self._by == "day":
            levels[self._by] = calendar.day_start
        voice = MergedVoice(rules.copies, VoiceTables(levels), changes=self._on_change is not None)
        digests = sorted(self._digests, key=lambda post: (post.at, post.mention))
        # By the hour, as posts grow old: what is compared with what is then a matter of their times alone.
        for hour, posts in groupby(digests, key=lambda post: post.at // HOUR):
            voice.advance(hour * HOUR, definitions.horizon_us)
            voice.add(posts)
        voice.settle()
        if self._on_change is not None:
            for change in voice.changes or ():
                self._on_change(change)
        if self._by is None:
            periods = _one_period(voice, digests)
        else:
            following = calendar.next_hour if self._by == "hour" else calendar.next_day
            periods = periods_json(voice.tables.cells(self._by), following)
        return {
            "definitions": {"name": definitions.name, "version": definitions.version},
            "until": utc_text(digests[-1].at) if digests else None,
            **voice_json(voice, periods, rules.copies.swarm_from, self._accounting(voice)),
        }

    def _accounting(self, voice: MergedVoice) -> dict[str, Any]:
        """records = dead-lettered + unmapped + mentions + duplicates."""
        return {
            "records": self.records,
            "dead_lettered": dict(sorted(self.dead_lettered.items())),
            "unmapped": self.unmapped,
            "mentions": len(self._digests) - voice.duplicates,
            "duplicates": voice.duplicates,
            "unread": sum(cell.unread for _, _, cell in voice.tables.cells(ALL)),
        }


def _one_period(voice: MergedVoice, digests: Sequence[Digest]) -> list[dict[str, Any]]:
    if not digests:
        return []
    brands = brands_json((brand, cell) for _, brand, cell in voice.tables.cells(ALL))
    end = minute(digests[-1].at) + MINUTE
    return [{"start": utc_text(minute(digests[0].at)), "end": utc_text(end), "brands": brands}]
