"""How long a worker's state takes to come back from its changelog on Apache Kafka, part by part.

python -m benchmarks.recovery [--broker HOST:PORT] [--customers 1000000] [--partitions 4]

Without a broker it starts Apache Kafka (Java 17 and Maven). The books of `benchmarks.base` are counted and flushed,
and their changelog and parts are written to compacted topics, uncompacted: what a worker finds that is restarted
within the hour. A fresh process then recovers as a worker does: reads the partitions of the changelog to their ends
(`agents.transport.log_reading`), takes whole flushes (`ChangelogReader`), restores the books; reads all parts, finds
what holds of them and merges that into the company's tables (`Company`). Printed are seconds, CPU seconds, and
microseconds of CPU per record of the topic, of each part. The whole worker, until it serves, is measured by
`netgrowth bench`.
"""

import argparse
import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from time import monotonic, process_time
from typing import Any

from aiokafka import AIOKafkaProducer

from agents.company import Company
from agents.transport.log_reading import ReadingProgress, read_to_end
from agents.transport.options import TransportOptions
from benchmarks.base import Base
from benchmarks.memory import BATCH, FLUSH_EVERY, empty_books, resident
from benchmarks.topics import BATCH_BYTES, create_topic
from config.settings import load
from streams.books import Flush, PartitionBooks
from streams.facts.models import RawRecord
from streams.ledger.changelog import ChangelogReader, Record
from streams.recount import table_rules
from streams.tables.watermark import ClockRules
from tests.kafka.broker import KafkaCluster

CHANGELOG, PARTS = "recovery-benchmark-changelog", "recovery-benchmark-parts"
EPOCH = 1_790_000_000_000


def flushes(customers: int, partitions: int) -> Iterator[tuple[int, Flush]]:
    """Partition and flush, one after the other, of books that count the base."""
    books = empty_books(partitions)
    for of_one in books:
        of_one.restore(ChangelogReader(), EPOCH)
    waiting: list[list[RawRecord]] = [[] for _ in books]

    def flushed(number: int) -> Iterator[tuple[int, Flush]]:
        books[number].apply(waiting[number], (books[number].next_offset or 0) + len(waiting[number]))
        waiting[number] = []
        books[number].advance(books[number].ledger.watermark)
        flush = books[number].flush(0)
        if flush is not None:
            yield number, flush

    for offset, arrival in enumerate(Base(customers, partitions)):
        waiting[arrival.partition].append(RawRecord(arrival.raw, offset=offset))
        if len(waiting[arrival.partition]) == BATCH * FLUSH_EVERY:
            yield from flushed(arrival.partition)
    for number in range(partitions):
        yield from flushed(number)


async def write(broker: str, written: Iterable[tuple[int, Flush]]) -> None:
    """Write the records of the flushes in their order."""
    producer = AIOKafkaProducer(
        bootstrap_servers=broker, max_batch_size=BATCH_BYTES, max_request_size=8 << 20, compression_type="lz4"
    )
    await producer.start()

    async def send(topic: str, partition: int, records: list[Record]) -> None:
        batch, sent = producer.create_batch(), []
        for key, value in records:
            if batch.append(key=key, value=value, timestamp=None) is None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        sent.append(await producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)

    try:
        for partition, flush in written:
            await send(PARTS, partition, flush.parts)
            await send(CHANGELOG, partition, flush.changelog)
    finally:
        await producer.stop()


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

    def shown(self, records: int) -> dict[str, Any]:
        """The times in all and of each part."""
        return {
            "records": records,
            "seconds": round(sum(self.seconds.values()), 2),
            "cpu_seconds": round(sum(self.cpu.values()), 2),
            "seconds_of": {part: round(seconds, 2) for part, seconds in self.seconds.items()},
            "cpu_seconds_of": {part: round(seconds, 2) for part, seconds in self.cpu.items()},
            "cpu_us_per_record": {part: round(seconds * 1e6 / records, 2) for part, seconds in self.cpu.items()},
        }


def read(broker: str, topic: str, partitions: int) -> AsyncIterator[tuple[ReadingProgress, Sequence[Any]]]:
    """All of a topic, as a worker reads a changelog."""
    options = TransportOptions()
    return read_to_end(
        {"bootstrap_servers": broker}, topic, range(partitions), expected_partitions=partitions,
        max_records=options.recovery_records, fetch_bytes=options.recovery_fetch_bytes,
        stall=options.recovery_stall, on_progress=lambda progress: None,
    )  # fmt: skip


async def recover_books(broker: str, books: list[PartitionBooks], parts: Parts) -> int:
    """Recover all partitions; how many records that took."""
    readers = [ChangelogReader() for _ in books]
    records = 0
    async for progress, chunk in read(broker, CHANGELOG, len(books)):
        parts.end("read from Kafka")
        if chunk:
            readers[progress.partition].feed([(record.key, record.value) for record in chunk])
            parts.end("take whole flushes")
        elif progress.done:
            records += progress.records
            number = progress.partition
            readers[number].finish()
            books[number].restore(readers[number], EPOCH + 1)
            readers[number] = ChangelogReader()
            parts.end("restore")
    parts.end("read from Kafka")
    return records


async def recover_tables(broker: str, company: Company, parts: Parts) -> int:
    """Recover the tables of the company; how many records that took."""
    records = 0
    async for _, chunk in read(broker, PARTS, company.partitions):
        parts.end("read from Kafka")
        for record in chunk:
            company.parts.feed(record.partition, record.key, record.value)
        records += len(chunk)
        parts.end("find what holds")
    parts.end("read from Kafka")
    await company.parts.finish()
    parts.end("merge")
    return records


async def recover(broker: str, partitions: int) -> dict[str, Any]:
    """Recover all of it; the times of the parts."""
    books = empty_books(partitions)
    settings = load({"NETGROWTH_PARTITIONS": str(partitions)})
    definitions = books[0].definitions
    company = Company(settings, definitions, table_rules(definitions), ClockRules(), lambda: ())
    gc.collect()
    before = resident()
    of_books = Parts()
    changelog = await recover_books(broker, books, of_books)
    of_tables = Parts()
    told = await recover_tables(broker, company, of_tables)
    customers = sum(of_one.ledger.known for of_one in books)
    gc.collect()
    return {
        "customers": customers,
        "changelog": of_books.shown(changelog),
        "tables": of_tables.shown(told),
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
        for topic in (CHANGELOG, PARTS):
            create_topic(given.broker, topic, given.partitions, compacted=True)
        asyncio.run(write(given.broker, flushes(given.customers, given.partitions)))
        command = [sys.executable, "-m", "benchmarks.recovery", "--only", "--broker", given.broker]
        subprocess.run([*command, "--partitions", str(given.partitions)], check=True)


if __name__ == "__main__":
    main()
