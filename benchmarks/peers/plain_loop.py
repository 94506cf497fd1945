"""The peer `loop`: a hand-written loop on aiokafka, as fast as it can be made by hand.

Typed decoding with msgspec, the rule inline, no cyclic garbage collection, uvloop; what changed is written to a
compacted topic once a second, each customer and cell once, and offsets are committed after that was delivered. It has
no recovery, no rebalancing, no late facts, no tables and no pages: it is the price of the work alone.
"""

import asyncio
import gc
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from kafka.admin import KafkaAdminClient, NewTopic

from benchmarks.peers.protocol import Asked, asked, tell, write_answer
from benchmarks.peers.rule import ACTIVE, LOST, REMEMBERED, UNKNOWN, new_state
from benchmarks.peers.serving import Progress

FLUSH_S = 1.0
BATCH_BYTES = 256 * 1024
Text = Annotated[str, msgspec.Meta(max_length=256)]


class Fact(msgspec.Struct, gc=False):
    """A native fact, checked while it is decoded."""

    event_id: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    customer_id: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    fact: Literal["opening", "joined", "purchased", "value_changed", "profile_changed", "left"]
    value: Annotated[int, msgspec.Meta(ge=0)] | None = None
    segment: Text | None = None
    region: Text | None = None
    product: Text | None = None
    activity: Text | None = None
    reason: Text | None = None
    kind: Text | None = None


class Loop:
    """State in memory, by partition: customers, cells, and what of them is not yet written."""

    def __init__(self, words: Asked) -> None:
        self.words = words
        self.customers: list[dict[str, list[Any]]] = [{} for _ in range(words.partitions)]
        self.cells: list[dict[tuple[Any, ...], list[int]]] = [{} for _ in range(words.partitions)]
        self.changed: list[set[str]] = [set() for _ in range(words.partitions)]
        self.changed_cells: list[set[tuple[Any, ...]]] = [set() for _ in range(words.partitions)]
        self.offsets: dict[int, int] = {}
        self.places: dict[int, int] = {}
        self.counts = {"records": 0, "malformed": 0, "duplicates": 0}

    def take(self, partition: int, records: Iterable[Any]) -> None:
        """Apply what was fetched of a partition."""
        decode = msgspec.json.Decoder(Fact).decode
        customers, cells = self.customers[partition], self.cells[partition]
        changed, changed_cells = self.changed[partition], self.changed_cells[partition]
        malformed = duplicates = count = 0
        for record in records:
            count += 1
            try:
                fact = decode(record.value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                malformed += 1
                continue
            customer_id = fact.customer_id
            state = customers.get(customer_id)
            if state is None:
                state = customers[customer_id] = new_state()
            ids, event_id = state[4], fact.event_id
            if event_id in ids:
                duplicates += 1
                continue
            ids.append(event_id)
            if len(ids) > REMEMBERED:
                del ids[0]
            changed.add(customer_id)
            kind, status = fact.fact, state[0]
            minute = int(fact.at.timestamp()) // 60
            if kind == "left":
                if status != ACTIVE:
                    continue
                state[0] = LOST
                added: tuple[tuple[Any, int, int], ...] = (
                    ((minute, "lost", state[2], state[3], fact.reason or "unknown"), 1, state[1]),
                )
            elif status != ACTIVE:
                if kind in ("value_changed", "profile_changed") or (kind == "opening" and status == LOST):
                    continue
                state[0], state[1] = ACTIVE, fact.value or 0
                state[2], state[3] = fact.segment or "unknown", fact.region or "unknown"
                what = "opening" if kind == "opening" else "new" if status == UNKNOWN else "returned"
                added = (((minute, what, state[2], state[3], ""), 1, state[1]),)
            elif kind in ("joined", "opening"):
                continue
            else:
                segment, region, value = fact.segment or state[2], fact.region or state[3], fact.value
                held = state[1]
                added = ()
                if segment != state[2] or region != state[3]:
                    added = (
                        ((minute, "transferred_out", state[2], state[3], ""), 1, held),
                        ((minute, "transferred_in", segment, region, ""), 1, held),
                    )
                    state[2], state[3] = segment, region
                if value is not None and value != held:
                    state[1] = value
                    grown = value - held
                    what = "expansion" if grown > 0 else "contraction"
                    added += (((minute, what, segment, region, ""), 0, grown if grown > 0 else -grown),)
            for name, number, worth in added:
                sums = cells.get(name)
                if sums is None:
                    cells[name] = [number, worth]
                else:
                    sums[0] += number
                    sums[1] += worth
                changed_cells.add(name)
        self.offsets[partition] = self.places[partition] = record.offset + 1
        self.counts["records"] += count
        self.counts["malformed"] += malformed
        self.counts["duplicates"] += duplicates

    async def flush(self, producer: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        """Write what changed, wait until it is delivered, commit."""
        topic, pack, waiting = f"{self.words.group}-changelog", msgspec.msgpack.encode, []
        offsets, self.offsets = self.offsets, {}
        for partition, offset in offsets.items():
            batch = producer.create_batch()
            customers, cells = self.customers[partition], self.cells[partition]
            lines = [(name.encode(), pack(customers[name])) for name in self.changed[partition]]
            lines += [(pack(name), pack(cells[name])) for name in self.changed_cells[partition]]
            lines.append((b"offset", pack(offset)))
            self.changed[partition].clear()
            self.changed_cells[partition].clear()
            for key, value in lines:
                if batch.append(key=key, value=value, timestamp=None) is None:
                    waiting.append(await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            waiting.append(await producer.send_batch(batch, topic, partition=partition))
        if waiting:
            await asyncio.gather(*waiting)
            await consumer.commit(
                {
                    TopicPartition(self.words.topic, partition): OffsetAndMetadata(offset, "")
                    for partition, offset in offsets.items()
                }
            )

    async def run(self) -> None:
        """Read until every record is handled and durable."""
        words, counts = self.words, self.counts
        consumer = AIOKafkaConsumer(
            words.topic, bootstrap_servers=words.broker, group_id=words.group, enable_auto_commit=False,
            auto_offset_reset="earliest", fetch_max_wait_ms=10 if words.serves else 100,
            max_partition_fetch_bytes=1 << 20,
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=words.broker, acks="all", enable_idempotence=True, compression_type="lz4",
            max_batch_size=BATCH_BYTES, max_request_size=8 << 20,
        )
        await producer.start()
        await consumer.start()
        progress = await Progress(self.places).start() if words.serves else None
        t_first = t_last = 0.0
        flushed = time.monotonic()
        while counts["records"] < words.expected or words.serves:
            fetched = await consumer.getmany(timeout_ms=50, max_records=4000)
            if fetched and not t_first:
                t_first = time.time()
            for source, records in fetched.items():
                self.take(source.partition, records)
            if time.monotonic() - flushed >= FLUSH_S:
                await self.flush(producer, consumer)
                flushed = time.monotonic()
            if progress is not None and progress.stopped:
                break
        t_last = time.time()
        await self.flush(producer, consumer)
        if progress is None:
            tell(counts["records"], t_first, t_last, time.time())
        await consumer.stop()
        await producer.stop()

    def answer(self) -> dict[str, list[int]]:
        """The cells of all partitions."""
        total: dict[str, list[int]] = {}
        for cells in self.cells:
            for (minute, kind, segment, region, reason), sums in cells.items():
                held = total.setdefault(f"{minute}|{kind}|{segment}|{region}|{reason}", [0, 0])
                held[0] += sums[0]
                held[1] += sums[1]
        return total


def main() -> None:
    """Be the measured process."""
    import uvloop

    words = asked()
    admin = KafkaAdminClient(bootstrap_servers=words.broker)
    admin.create_topics(
        [NewTopic(f"{words.group}-changelog", words.partitions, 1, topic_configs={"cleanup.policy": "compact"})]
    )
    admin.close()
    gc.collect()
    gc.freeze()
    gc.disable()
    loop = Loop(words)
    uvloop.run(loop.run())
    write_answer(words, loop.answer(), loop.counts)


if __name__ == "__main__":
    main()
