"""Reading a whole topic once, for commands: every partition from its beginning to its end at that moment."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka.errors import KafkaConnectionError, KafkaError

from agents.connection_faults import no_broker_answers
from agents.kafka_clients import aiokafka_options
from agents.topics import BY_NAME, BrokerUnreachable
from agents.transport.failure import RecoveryFailed
from agents.transport.log_reading import read_to_end
from config.settings import Settings

RECORDS_AT_ONCE = 5000
FETCH_BYTES = 4 << 20
STALL_S = 30.0

Take = Callable[[int, Sequence[Any]], None]
"""Told of each chunk of a partition's records, in the order of their offsets."""


def read_topic(
    settings: Settings, name: str, take: Take, on_records: Callable[[int, int], None] = lambda _, __: None
) -> None:
    """Hand every record of a topic to `take`; `name` is without prefix.

    Args:
        on_records: told of each chunk's number of records and of those still to come, for progress.
    Raises: BrokerUnreachable, also when the topic is not there as it must be.
    """
    try:
        asyncio.run(_read(settings, name, take, on_records))
    except KafkaConnectionError as error:
        raise BrokerUnreachable(no_broker_answers(settings)) from error
    except (KafkaError, RecoveryFailed, OSError) as error:
        brokers = ", ".join(settings.kafka_brokers)
        raise BrokerUnreachable(
            f"topic {settings.topic(name)} cannot be read at {brokers}: {error or type(error).__name__}; "
            "check KAFKA_BROKERS and NETGROWTH_TOPIC_PREFIX, and see `netgrowth topics create`"
        ) from error


async def _read(settings: Settings, name: str, take: Take, on_records: Callable[[int, int], None]) -> None:
    partitions = BY_NAME[name].partitions(settings)
    chunks = read_to_end(
        aiokafka_options(settings), settings.topic(name), range(partitions), expected_partitions=partitions,
        max_records=RECORDS_AT_ONCE, fetch_bytes=FETCH_BYTES, stall=STALL_S, on_progress=lambda _: None,
    )  # fmt: skip
    async for progress, records in chunks:
        if records:
            take(progress.partition, records)
            on_records(len(records), max(0, progress.end - progress.position))
