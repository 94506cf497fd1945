"""A consumer that its group has expelled must not commit, also when nobody else is in the group."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError
from kafka.admin import KafkaAdminClient, NewTopic

from agents.transport.consumer_thread import commit_as_member_only
from tests.kafka.broker import KafkaCluster

pytestmark = pytest.mark.kafka

TRIES = 5
"""On a busy machine it may be a member again before it commits; then the commit is good."""


def test_a_commit_without_a_generation_is_refused_here_since_kafka_takes_it(
    kafka: KafkaCluster, prefix: str
) -> None:
    topic = f"{prefix}numbers"
    admin = KafkaAdminClient(bootstrap_servers=kafka.address)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()
    tp = TopicPartition(topic, 0)

    async def commits() -> None:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=kafka.address, group_id=f"{prefix}group", enable_auto_commit=False,
        )
        await consumer.start()
        try:
            await consumer.commit({tp: 3})
            coordinator = consumer._coordinator

            async def be_expelled() -> None:
                """As aiokafka is when it learns of it, before it has the partitions revoked."""
                await coordinator._maybe_leave_group()
                coordinator.generation, coordinator.member_id = -1, ""

            await be_expelled()
            await consumer.commit({tp: 7})
            assert await consumer.committed(tp) == 7, "Kafka refuses it by itself: the guard is not needed any more"
            commit_as_member_only(coordinator)
            commit_as_member_only(coordinator)
            for _ in range(TRIES):
                await be_expelled()
                try:
                    await consumer.commit({tp: 9})
                except CommitFailedError:
                    return
            pytest.fail("a commit of somebody who is no member was taken")
        finally:
            await consumer.stop()

    asyncio.run(commits())
