"""The intake agents: own topics, in the words of their silos, into the topics that the stages read.

A batch is turned into records by the definitions, and these are sent at once, each to the partition of its key; the
batch's offset is committed once all of them are delivered. A worker that takes over reads from the committed offset
and writes some of them again, in the same order and with the same origin, by which their readers pass over them
(`streams.intake.origins`). So there is no state of its own that could be lost.
"""

import asyncio
from typing import Any

import faust
import msgspec
from faust.types import TP

from agents.avro_records import AvroRecords
from agents.customer_links import CustomerLinks
from agents.dead_letters import encode_dead_letter
from agents.partition_state import Watcher
from agents.transport import BatchTransport, RecordBatch, batch_topic
from agents.wall_clock import wall_clock_us
from config.settings import Settings
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.placement import partitions_for
from streams.intake.intake import Intake, Taken
from streams.intake.origins import agreement_of, origin_header
from streams.intake.rules import CUSTOMER_EVENTS

MOST_UNDELIVERED = 50_000
"""Records sent and not yet known to be delivered at which reading waits for them."""


class IntakeAgent:
    """Reads one own topic, whatever number of partitions it has; Avro, too, where a registry is set.

    Attributes:
        topic: its full name; `feed`: the same, as metrics name it.
    """

    def __init__(
        self, app: faust.App, settings: Settings, definitions: Definitions, topic: str, watchers: list[Watcher],
        links: CustomerLinks | None = None,
    ) -> None:
        """`links`: asked for the customers of answers and mentions; it is waited for until it is complete."""
        self.topic = self.feed = topic
        self._settings = settings
        self._watchers = watchers
        self._links = links
        self._intake = Intake(
            definitions, topic, now_us=wall_clock_us, max_bytes=settings.max_record_bytes,
            customer_of=None if links is None else links.customer_of,
        )
        self._target = settings.topic(self._intake.feed)
        self._has_origins = self._intake.feed == CUSTOMER_EVENTS
        self._agreement = agreement_of(definitions.name, definitions.version)
        self._avro = None if settings.schema_registry is None else AvroRecords(settings)
        self._sent: list[Any] = []
        self._undelivered = 0
        self._flushing = asyncio.Lock()
        self._transport: BatchTransport = app.transport
        self._transport.on_quiesce(self.flush)
        app.agent(batch_topic(app, topic), name=f"intake of {topic}")(self._read)

    async def _read(self, stream: Any) -> None:
        async for event in stream.noack().events():
            if self._links is not None:
                await self._links.complete.wait()
            if self._avro is not None:
                missing = self._avro.missing(event.value.records)
                if missing:
                    await asyncio.to_thread(self._avro.fetch, missing)
            self.apply(event)
            if self._undelivered >= MOST_UNDELIVERED:
                await self.flush()

    def apply(self, event: Any) -> None:
        """Send what the records of one batch become."""
        batch: RecordBatch = event.value
        records = [
            RawRecord(
                record.value, record.key, record.topic, record.partition, record.offset, record.timestamp,
                tuple(record.headers),
            )
            for record in batch.records
        ]
        taken = self._intake.take(records if self._avro is None else self._avro.read(records))
        if self._avro is not None and taken.dead_letters:
            as_it_lies = {record.offset: record.value for record in records}
            taken.dead_letters = [
                msgspec.structs.replace(letter, payload=as_it_lies[letter.position.offset])
                for letter in taken.dead_letters
            ]
        self._send(TP(batch.topic, batch.partition), taken)
        now = wall_clock_us()
        for watcher in self._watchers:
            watcher.batch_read(self.feed, batch, taken, now)
        batch.release()
        self._sent.append(event)

    async def wait_for_flush(self, seconds: float) -> None:
        """Wait so long: what is sent goes out in the meantime."""
        await asyncio.sleep(seconds)

    async def flush(self) -> None:
        """Wait until all that was sent is delivered, then acknowledge the batches that it came from."""
        async with self._flushing:
            events, self._sent = self._sent, []
            self._undelivered = 0
            if not events:
                return
            await self._transport.barrier.delivered(*{TP(self.topic, event.value.partition) for event in events})
            for event in events:
                event.ack()
            self._transport.request_commit()

    def _send(self, source: TP, taken: Taken) -> None:
        barrier, partitions = self._transport.barrier, self._settings.partitions
        letters = [encode_dead_letter(letter) for letter in taken.dead_letters]
        barrier.send_many(source, self._settings.topic("dead-letters"), source.partition % partitions, letters)
        places = iter(partitions_for([sent.key for sent in taken.outgoing if sent.key is not None], partitions))
        name = f"{source.topic}-{source.partition}"
        for sent in taken.outgoing:
            headers = None
            if self._has_origins:
                headers = [origin_header(self._agreement, name, sent.offset, sent.number)]
            targets = range(partitions) if sent.key is None else (next(places),)
            for target in targets:
                barrier.send(source, self._target, target, sent.key, sent.value, headers)
        self._undelivered += len(taken.outgoing) + len(letters)
