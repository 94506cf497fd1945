"""How long a worker's state takes to come back from its changelog on Apache Kafka, part by part.

python -m benchmarks.recovery [--broker HOST:PORT] [--customers 1000000] [--partitions 4]

Without a broker it starts Apache Kafka (Java 17 and Maven). The books of `benchmarks.base` are counted and flushed,
and their changelog is written to a compacted topic, uncompacted: what a worker finds that is restarted within the
hour. A fresh process then recovers as a worker does: reads the partitions to their ends
(`agents.transport.log_reading`), takes whole flushes (`ChangelogReader`), restores the books. Printed are seconds,
CPU seconds, and microseconds of CPU per record, of each part. The whole worker, until it serves, is measured by
`netgrowth bench`.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from time import monotonic, process_time
from typing import Any

from aiokafka import AIOKafkaProducer

from agents.transport.log_reading import read_to_end
from agents.transport.options import TransportOptions
from benchmarks.base import Base
from benchmarks.memory import BATCH, FLUSH_EVERY, empty_books, resident
from benchmarks.topics import BATCH_BYTES, create_topic
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, Record
from tests.kafka.broker import KafkaCluster

TOPIC = "recovery-benchmark"


def changelog(customers: int, partitions: int) -> Iterator[tuple[int, list[Record]]]:
    """Partition and changelog records of each flush of books that count the base."""
    books = empty_books(partitions)
    waiting: list[list[RawRecord]] = [[] for _ in books]

    def flushed(number: int) -> list[Record]:
        books[number].apply(waiting[number], (books[number].next_offset or 0) + len(waiting[number]))
        waiting[number] = []
        books[number].advance(books[number].ledger.watermark)
        flush = books[number].flush(0)
        return [] if flush is None else flush.changelog

    for offset, arrival in enumerate(Base(customers, partitions)):
        waiting[arrival.partition].append(RawRecord(arrival.raw, offset=offset))
        if len(waiting[arrival.partition]) == BATCH * FLUSH_EVERY:
            yield arrival.partition, flushed(arrival.partition)
    for number in range(partitions):
        yield number, flushed(number)


async def write(broker: str, flushes: Iterable[tuple[int, list[Record]]]) -> int:
    """Write the records of the flushes in their order; how many there are."""
    producer = AIOKafkaProducer(
        bootstrap_servers=broker, max_batch_size=BATCH_BYTES, max_request_size=8 << 20, compression_type="lz4"
    )
    await producer.start()
    count = 0
    try:
        for partition, records in flushes:
            batch, sent = producer.create_batch(), []
            for key, value in records:
                count += 1
                if batch.append(key=key, value=value, timestamp=None) is None:
                    sent.append(await producer.send_batch(batch, TOPIC, partition=partition))
                    batch = producer.create_batch()
                    batch.append(key=key, value=value, timestamp=None)
            sent.append(await producer.send_batch(batch, TOPIC, partition=partition))
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    return count


class Parts:
    """Seconds and CPU seconds of each part; what is not between two calls belongs to the part named last."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._mark = monotonic(), process_time()

    def end(self, part: str) -> None:
        """What happened since the last call was this part."""
        now = monotonic(), process_time()
        self.seconds[part] = self.seconds.get(part, 0.0) + now[0] - self._mark[0]
        self.cpu[part] = self.cpu.get(part, 0.0) + now[1] - self._mark[1]
        self._mark = now


async def recover(broker: str, partitions: int) -> dict[str, Any]:
    """Recover all partitions; the times of the parts."""
    options = TransportOptions()
    books = empty_books(partitions)
    readers = [ChangelogReader() for _ in books]
    gc.collect()
    before = resident()
    parts = Parts()
    records = size = 0
    reading = read_to_end(
        {"bootstrap_servers": broker}, TOPIC, range(partitions), expected_partitions=partitions,
        max_records=options.recovery_records, fetch_bytes=options.recovery_fetch_bytes,
        stall=options.recovery_stall, on_progress=lambda progress: None,
    )  # fmt: skip
    async for progress, chunk in reading:
        parts.end("read from Kafka")
        if chunk:
            readers[progress.partition].feed([(record.key, record.value) for record in chunk])
            parts.end("take whole flushes")
        elif progress.done:
            records, size = records + progress.records, size + progress.bytes
            number = progress.partition
            readers[number].finish()
            books[number].restore(readers[number], 2)
            readers[number] = ChangelogReader()
            parts.end("restore")
    parts.end("read from Kafka")
    customers = sum(of_one.ledger.known for of_one in books)
    gc.collect()
    return {
        "customers": customers,
        "records": records,
        "mb": round(size / 1e6, 1),
        "seconds": round(sum(parts.seconds.values()), 2),
        "seconds_of": {part: round(seconds, 2) for part, seconds in parts.seconds.items()},
        "cpu_seconds_of": {part: round(seconds, 2) for part, seconds in parts.cpu.items()},
        "cpu_us_per_record": {part: round(seconds * 1e6 / records, 2) for part, seconds in parts.cpu.items()},
        "bytes_per_customer": round((resident() - before) / customers, 1),
    }


def main() -> None:
    """Run the benchmark and print one JSON object, or be the measured process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker")
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        json.dump(asyncio.run(recover(given.broker, given.partitions)), sys.stdout, indent=1)
        print()
        return
    with ExitStack() as stack:
        if given.broker is None:
            given.broker = stack.enter_context(KafkaCluster()).address
        create_topic(given.broker, TOPIC, given.partitions, compacted=True)
        asyncio.run(write(given.broker, changelog(given.customers, given.partitions)))
        command = [sys.executable, "-m", "benchmarks.recovery", "--only", "--broker", given.broker]
        subprocess.run([*command, "--partitions", str(given.partitions)], check=True)


if __name__ == "__main__":
    main()
