"""Stopping an aiokafka consumer to its end."""

import asyncio

from aiokafka import AIOKafkaConsumer


async def stop_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, whatever its fetches are about.

    aiokafka (0.14) cancels its fetches when it stops, and one that just then waits to try again, as its connection
    was closed, hands the cancellation on: whoever stops the consumer would end as if cancelled, without a word.

    Raises: CancelledError only if the caller is cancelled.
    """
    try:
        await consumer.stop()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        await consumer._client.close()
