"""What a worker counted, read back from `scope-parts` as any other worker would."""

from typing import Any

from kafka import KafkaConsumer, TopicPartition

from benchmarks.answer import Cells
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS
from streams.recount import table_rules
from streams.tables.buckets import Bucket, Retention
from streams.tables.cells import CONTRACTION, EXPANSION, LOST, NEW, OPENING, RETURNED, TRANSFER
from streams.tables.merge import CompanyTables

KINDS = {
    OPENING: "opening", NEW: "new", RETURNED: "returned", EXPANSION: "expansion", CONTRACTION: "contraction",
}  # fmt: skip


def worker_cells(broker: str, topic: str) -> Cells:
    """The cells of a `scope-parts` topic that nobody writes to any more."""
    tables = CompanyTables(table_rules(load(NATIVE_DEFINITIONS), Retention()))
    consumer = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for records in consumer.poll(timeout_ms=500, max_records=5000).values():
                for record in records:
                    tables.apply(record.key, record.value)
    finally:
        consumer.close()
    cells: Cells = {}
    for start, bucket in tables.tables.buckets.minutes.items():
        minute = start // 60_000_000
        for cell, (customers, value) in Bucket.of(bucket).plain.items():
            for name, number, worth in _named(cell, customers, value):
                held = cells.get(f"{minute}|{name}", (0, 0))
                cells[f"{minute}|{name}"] = (held[0] + number, held[1] + worth)
    return {name: sums for name, sums in cells.items() if sums != (0, 0)}


def _named(cell: Any, customers: int, value: int) -> list[tuple[str, int, int]]:
    code, segment, region, _, a, b, _, _ = cell
    if code == LOST:
        return [(f"lost|{segment}|{region}|{a}", customers, value)]
    if code == TRANSFER:
        return [
            (f"transferred_out|{segment}|{region}|", customers, value),
            (f"transferred_in|{a}|{b}|", customers, value),
        ]
    if code in KINDS:
        return [(f"{KINDS[code]}|{segment}|{region}|", customers, value)]
    return []
