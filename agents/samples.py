"""A sample of records to look at definitions by: of a file, or the last of a topic under its own name."""

import asyncio
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from kafka.errors import KafkaError as PythonKafkaError

from agents.avro_records import AvroRecords, NoAvro, RegistryUnreachable
from agents.connection_faults import no_broker_answers
from agents.kafka_clients import aiokafka_options
from agents.opening_file import DELIMITERS
from agents.record_files import UnreadableFile, read_records
from agents.topics import BrokerUnreachable, connect_admin
from agents.transport.stopping import stop_consumer
from config.settings import Settings
from streams.facts.models import RawRecord

LONGEST_CELL = 128 << 10
READ_TIMEOUT_S = 30.0

SPREAD = 100
"""How many times as many records a sample is drawn from."""


def of_file(
    name: str, most: int, on_fault: Callable[[int, str], None] = lambda *_: None, *, spread: bool = False
) -> list[RawRecord]:
    """Records of a file: JSON lines, or rows of a `.csv` with a header (plain, gzip or zstd).

    Args:
        most: so many, the first.
        on_fault: told of each row of a CSV that is none, by its line, and why.
        spread: not the first, but drawn from the first `SPREAD` times as many, the same ones every time; a file is
            often sorted by what the sample is to show.
    Raises: UnreadableFile.
    """
    lines = (record for batch in read_records(name, Path(name).name, batch=min(most, 2000)) for record in batch)
    records = _rows(name, lines, on_fault) if ".csv" in Path(name).suffixes else lines
    found = [record for record, _ in zip(records, range(most), strict=False)]
    if spread:
        chance = Random(most)
        for place, record in zip(range(most, SPREAD * most), records, strict=False):
            drawn = chance.randrange(place + 1)
            if drawn < most:
                found[drawn] = record
        found.sort(key=lambda record: record.offset)
    return found


def _rows(name: str, lines: Iterator[RawRecord], on_fault: Callable[[int, str], None]) -> Iterator[RawRecord]:
    """Rows as JSON objects by the header's names; commas, semicolons or tabs stand between the cells."""
    first = next(lines, None)
    header = [] if first is None else _header(name, first.value or b"")
    if first is None or not header:
        raise UnreadableFile(f"{name}: the file is empty; the first line of a .csv names its columns")
    texts = ((line.value or b"").decode("utf-8", "surrogateescape") + "\n" for line in lines)
    csv.field_size_limit(LONGEST_CELL)  # it is one for the whole process
    rows = csv.reader(texts, delimiter=_delimiter(first.value or b""))
    try:
        for place, row in enumerate(rows):
            if len(row) != len(header):
                if row:
                    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                    on_fault(rows.line_num + 1, f"it has {cells} where the header has {len(header)}")
                continue
            try:
                yield RawRecord(orjson.dumps(dict(zip(header, row, strict=True))), None, Path(name).name, 0, place)
            except orjson.JSONEncodeError:
                on_fault(rows.line_num + 1, "it is no UTF-8; convert the file: iconv -f LATIN1 -t UTF-8")
    except csv.Error as error:
        raise UnreadableFile(f"{name}: line {rows.line_num + 1}: {error}; close every quotation mark") from error


def _header(name: str, line: bytes) -> list[str]:
    try:
        header = next(csv.reader([line.decode()], delimiter=_delimiter(line)), [])
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"{name}: its first line is no UTF-8; convert the file: iconv -f LATIN1 -t UTF-8, or -f UTF-16"
        ) from error
    except csv.Error as error:
        raise UnreadableFile(f"{name}: its first line is no header of a CSV: {error}") from error
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice:
        raise UnreadableFile(f"{name}: the header names a column twice: {', '.join(twice)}; rename one of them")
    return header


def _delimiter(header: bytes) -> str:
    """What parts the cells: that of which the header has most."""
    return max(DELIMITERS, key=lambda delimiter: header.count(delimiter.encode()))


def of_topic(settings: Settings, topic: str, most: int) -> list[RawRecord]:
    """The last records of a topic (its full name), in the order of their append times. Writes and commits nothing.

    Raises: BrokerUnreachable: no broker answers, there is no such topic, or it may not be read.
    """
    try:
        numbers = _partitions(settings, topic)
        records = asyncio.run(asyncio.wait_for(_last(settings, topic, numbers, most), READ_TIMEOUT_S))
    except TimeoutError:
        raise BrokerUnreachable(f"topic {topic} was not read within {READ_TIMEOUT_S:.0f} s") from None
    except KafkaError as error:
        if type(error).__name__ == "KafkaConnectionError":
            raise BrokerUnreachable(no_broker_answers(settings)) from error
        raise BrokerUnreachable(
            f"topic {topic} cannot be read: {error or type(error).__name__}; check its name (it is the full one, no "
            "prefix is put before it) and that this user may read it"
        ) from error
    if settings.schema_registry is None:
        return records
    try:
        avro = AvroRecords(settings)
        avro.fetch(avro.missing(records))
    except (NoAvro, RegistryUnreachable) as error:
        raise BrokerUnreachable(str(error)) from error
    return avro.read(records)


def _partitions(settings: Settings, topic: str) -> list[int]:
    """The partitions of a topic. Raises: BrokerUnreachable."""
    admin = connect_admin(settings)
    try:
        described = next((found for found in admin.describe_topics() if found["name"] == topic), None)
    except PythonKafkaError as error:
        raise BrokerUnreachable(f"the broker did not answer: {type(error).__name__}: {error}") from error
    finally:
        admin.close()
    if described is None or described["error_code"]:
        raise BrokerUnreachable(
            f"there is no topic {topic}, or this user may not see it; check its name (no prefix is put before it)"
        )
    return sorted(partition["partition_index"] for partition in described["partitions"])


async def _last(settings: Settings, topic: str, numbers: Sequence[int], most: int) -> list[RawRecord]:
    consumer = AIOKafkaConsumer(**aiokafka_options(settings), enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(starts[partition], ends[partition] - most))
        records: list[RawRecord] = []
        left = [partition for partition in partitions if ends[partition] > starts[partition]]
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=500)
            for found in fetched.values():
                records += (
                    RawRecord(
                        record.value, record.key, topic, record.partition, record.offset, record.timestamp,
                        tuple(record.headers),
                    )
                    for record in found
                )  # fmt: skip
            left = [partition for partition in left if await consumer.position(partition) < ends[partition]]
    finally:
        await stop_consumer(consumer)
    records.sort(key=lambda record: (record.timestamp_ms or 0, record.partition, record.offset))
    return records[-most:]

