"""The voice agent: batches of mentions into the digests that every worker merges."""

from collections.abc import Sequence

import faust

from agents.dead_letters import encode_dead_letter
from agents.partition_stage import PartitionStage
from agents.partition_state import Output, Watcher
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.sentiment.scorer import Scorer
from streams.tables.watermark import ClockRules
from streams.voice.partition import PartitionVoice, VoiceFlush
from streams.voice.stage import VoiceStage


class VoiceAgent(PartitionStage[PartitionVoice, VoiceFlush]):
    """The partitions of `social-mentions` that this worker reads."""

    feed = "social-mentions"
    changelog = "voice-changelog"

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, clock_rules: ClockRules,
        watchers: Sequence[Watcher], scorer: Scorer | None = None,
    ) -> None:
        """Make an agent that owns nothing yet; `scorer`: one fitted to own labels, in place of the shipped one."""
        self._clock_rules = clock_rules
        self._stage = VoiceStage(
            definitions, now_us=wall_clock_us, scorer=scorer, max_bytes=settings.max_record_bytes
        )
        super().__init__(app, settings, (definitions.name, definitions.version), watchers)

    def new_state(self, partition: int) -> PartitionVoice:
        """Nothing read yet."""
        return PartitionVoice(partition, self._settings.partitions, self._named, self._stage, self._clock_rules)

    def output(self, state: PartitionVoice, flush: VoiceFlush) -> Output:
        """Dead letters and digests, once."""
        letters = [encode_dead_letter(letter) for letter in flush.dead_letters]
        digests = [(b"", record) for record in flush.digests]
        return Output(flush.changelog, once=[("dead-letters", letters), ("voice-digests", digests)])

    def note_ends(self) -> None:
        """Note which partitions are read to their end: the clock does not wait for those that have nothing to say."""
        now = wall_clock_us()
        for number, end in self.at_end().items():
            state = self.partitions.get(number)
            if state is not None:
                state.watermark.reach_end(now, end)
