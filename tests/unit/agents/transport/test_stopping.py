"""A consumer stops to its end."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.errors import KafkaConnectionError

from agents.transport.stopping import stop_consumer


class _GoneBroker(AIOKafkaClient):
    """A client whose connections are closed."""

    closed = False

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        raise KafkaConnectionError("closed")

    async def close(self) -> None:
        self.closed = True


async def _consumer_that_tries_again() -> tuple[AIOKafkaConsumer, _GoneBroker]:
    """Two of its fetches failed, and wait for a while."""
    consumer, client = AIOKafkaConsumer(), _GoneBroker()
    fetcher = Fetcher(client, SubscriptionState(), retry_backoff_ms=60_000)
    consumer._client, consumer._fetcher = client, fetcher
    # Its own routine forgets the fetches of an assignment that ended, and then waits for one.
    await asyncio.sleep(0.01)
    for _ in range(2):
        fetch = fetcher._proc_fetch_request(SimpleNamespace(active=True), 1, SimpleNamespace(topics=[]))
        fetcher._pending_tasks.add(asyncio.create_task(fetch))
    await asyncio.sleep(0.01)
    return consumer, client


def test_a_fetch_that_waits_to_try_again_does_not_end_the_thread() -> None:
    async def stop() -> bool:
        consumer, client = await _consumer_that_tries_again()
        await stop_consumer(consumer)
        return client.closed

    assert asyncio.run(stop())


def test_who_is_told_to_give_up_while_it_stops_gives_up() -> None:
    async def stop() -> None:
        consumer, client = await _consumer_that_tries_again()
        client.close = asyncio.Event().wait  # type: ignore[method-assign, assignment]
        consumer._fetcher = None
        stopping = asyncio.create_task(stop_consumer(consumer))
        await asyncio.sleep(0.01)
        stopping.cancel()
        await stopping

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stop())
