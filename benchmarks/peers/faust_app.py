"""The peer `faust`: stock Faust as its documentation teaches: a Record, an agent, two Tables.

Two things are not as taught. Values are read raw and decoded in the agent, since a Record that cannot be decoded
makes stock Faust restart the agent and lose events, so that it would never come to the right answer. And
`validation=True` is off: it takes the text "100" for the number 100; the rule that all peers share checks fields.
"""

import asyncio
import os
import sys
import time
from typing import Any

import faust
from aiokafka.admin import AIOKafkaAdminClient
from faust.exceptions import FaustError

from benchmarks.peers.protocol import asked, tell, write_answer
from benchmarks.peers.rule import BadFact, apply, checked, new_state
from benchmarks.peers.serving import Progress

words = asked()
counts = {"records": 0, "malformed": 0, "duplicates": 0}
times = {"first": 0.0, "last": 0.0}
places: dict[int, int] = {}

app = faust.App(
    words.group, broker=f"kafka://{words.broker}", store="memory://", topic_partitions=words.partitions,
    topic_replication_factor=1, web_enabled=False, datadir=str(words.folder / "data"),
    worker_redirect_stdouts=False, table_standby_replicas=0,
)  # fmt: skip


class Fact(faust.Record, serializer="json"):
    """A native fact."""

    event_id: str
    at: str
    customer_id: str
    fact: str
    value: int = None  # type: ignore[assignment]
    segment: str = None  # type: ignore[assignment]
    region: str = None  # type: ignore[assignment]
    product: str = None  # type: ignore[assignment]
    activity: str = None  # type: ignore[assignment]
    reason: str = None  # type: ignore[assignment]
    kind: str = None  # type: ignore[assignment]


events = app.topic(words.topic, value_serializer="raw", key_serializer="raw")
customers = app.Table("customers", default=new_state, partitions=words.partitions)
cells = app.Table("cells", default=lambda: [0, 0], partitions=words.partitions)


@app.agent(events)
async def ledger(stream: Any) -> None:
    """Count each fact."""
    async for event in stream.events():
        if not times["first"]:
            times["first"] = time.time()
        take(event.value)
        places[event.message.partition] = event.message.offset + 1
        counts["records"] += 1
        if counts["records"] == words.expected:
            times["last"] = time.time()


def take(raw: bytes) -> None:
    """Apply one record to the two tables."""
    try:
        record = Fact.loads(raw)
        fact = {name: held for name, held in record.asdict().items() if held is not None}
        fact, minute = checked(fact)
    # Whatever stock Faust raises for a bad record: decoding, validation, missing and odd fields.
    except (ValueError, TypeError, KeyError, AttributeError, BadFact, FaustError):
        counts["malformed"] += 1
        return
    state = customers[record.customer_id]
    changes = apply(state, fact)
    if changes is None:
        counts["duplicates"] += 1
        return
    customers[record.customer_id] = state
    for kind, segment, region, reason, number, value in changes:
        name = f"{minute}|{kind}|{segment}|{region}|{reason}"
        held = cells[name]
        cells[name] = [held[0] + number, held[1] + value]


@app.task
async def end_when_durable() -> None:
    """Wait for the commit of the last record, tell, write the answer, end."""
    if words.serves:
        await Progress(places).start()
        return
    admin = AIOKafkaAdminClient(bootstrap_servers=words.broker)
    while not times["last"]:
        await asyncio.sleep(0.05)
    await admin.start()
    while True:
        committed = await admin.list_consumer_group_offsets(words.group)
        if sum(place.offset for place in committed.values()) >= words.expected:
            break
        await asyncio.sleep(0.05)
    tell(counts["records"], times["first"], times["last"], time.time())
    write_answer(words, {name: list(sums) for name, sums in cells.items()}, counts)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    faust.Worker(app, loglevel="ERROR").execute_from_commandline()
