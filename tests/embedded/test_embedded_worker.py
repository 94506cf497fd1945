"""What the trial's worker does beside the embedded broker: it asks again for what was not there after a pause."""

import asyncio
import time
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher

from agents.trial.broker import EmbeddedBroker
from agents.trial.embedded_worker import PAUSE_S, pause_after_nothing

pytestmark = pytest.mark.embedded

WATCHED_S = 1.0


async def fetches_of_nothing(address: str, counted: list[float]) -> int:
    """How often a consumer asks in a second in which nothing comes; a record that comes then is read all the same."""
    producer = AIOKafkaProducer(bootstrap_servers=address)
    consumer = AIOKafkaConsumer(bootstrap_servers=address, fetch_max_wait_ms=500, auto_offset_reset="earliest")
    await producer.start()
    await consumer.start()
    try:
        await producer.send_and_wait("told", b"one")
        consumer.assign([TopicPartition("told", 0)])
        assert [record.value for record in (await consumer.getmany(timeout_ms=20_000))[TopicPartition("told", 0)]]
        counted.clear()
        assert not await consumer.getmany(timeout_ms=round(WATCHED_S * 1000))
        found = len(counted)
        await producer.send_and_wait("told", b"two")
        (records,) = (await consumer.getmany(timeout_ms=20_000)).values()
        assert [record.value for record in records] == [b"two"]
        return found
    finally:
        await consumer.stop()
        await producer.stop()


def test_a_consumer_pauses_where_the_broker_has_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch, counted = Fetcher._proc_fetch_request, list[float]()

    async def counting(self: Any, *about: Any) -> Any:
        counted.append(time.monotonic())
        return await fetch(self, *about)

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", counting)
    with EmbeddedBroker() as broker:
        without = asyncio.run(fetches_of_nothing(broker.address, counted))
        pause_after_nothing()
        paused = asyncio.run(fetches_of_nothing(broker.address, counted))
    assert 0 < paused <= WATCHED_S / PAUSE_S + 1
    # The day this fails the broker holds its answers as Kafka does, and the pause is to go.
    assert without > 2 * WATCHED_S / PAUSE_S
