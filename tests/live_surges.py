"""Mentions for live tests of surges: a day and more of ordinary complaints, then many at once."""

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.facts.placement import partition_for

START = datetime(2024, 5, 6, tzinfo=UTC)
QUIET_BEFORE = range(26 * 60)
SURGE = range(26 * 60, 26 * 60 + 50)
QUIET_AFTER = range(26 * 60 + 50, 31 * 60)


def at(minute: int) -> str:
    """An instant so many minutes after the start."""
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def mentions(minutes: Iterable[int], rate: int, *, brand: str = "acme", seed: int = 1) -> Iterator[dict[str, Any]]:
    """Unhappy mentions of as many authors, on average so many a minute."""
    for minute in minutes:
        draw = random.Random(f"{seed}-{brand}-{minute}")
        for number in range(sum(draw.random() < rate / 20 for _ in range(20))):
            name = f"{brand}-{minute}-{number}"
            yield {
                "mention_id": name, "at": at(minute), "author_id": f"author-{name}", "channel": "social",
                "brand": brand, "sentiment": -0.8, "topics": ["late parcel"],
            }  # fmt: skip


def answers(minutes: Iterable[int], rate: int) -> Iterator[dict[str, Any]]:
    """Low answers to a survey, as many as there would be mentions."""
    for one in mentions(minutes, rate, seed=2):
        yield {
            "response_id": one["mention_id"], "at": one["at"], "customer_id": one["author_id"], "score": 1,
            "scale": [1, 5], "stage": "delivery",
        }  # fmt: skip


def send(environment: Mapping[str, str], records: Iterable[dict[str, Any]], partitions: int = 4) -> int:
    """Send mentions and answers in order of time, placed by their key as Java's clients would; how many."""
    in_time = sorted(records, key=lambda record: str(record["at"]))
    producer = KafkaProducer(bootstrap_servers=environment["KAFKA_BROKERS"], linger_ms=20)
    count = 0
    for record in in_time:
        is_mention = "author_id" in record
        topic = environment["NETGROWTH_TOPIC_PREFIX"] + ("social-mentions" if is_mention else "survey-responses")
        key = record["author_id" if is_mention else "customer_id"].encode()
        producer.send(topic, orjson.dumps(record), key=key, partition=partition_for(key, partitions))
        count += 1
    producer.flush()
    producer.close()
    return count


def told(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """All that lies in the topic `surges`, in order."""
    topic = TopicPartition(environment["NETGROWTH_TOPIC_PREFIX"] + "surges", 0)
    consumer = KafkaConsumer(bootstrap_servers=environment["KAFKA_BROKERS"], enable_auto_commit=False)
    consumer.assign([topic])
    consumer.seek_to_beginning(topic)
    end, found = consumer.end_offsets([topic])[topic], []
    while consumer.position(topic) < end:
        for records in consumer.poll(timeout_ms=500).values():
            found += [orjson.loads(record.value) for record in records]
    consumer.close()
    return found
