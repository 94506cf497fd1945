"""A worker that counts and sums the numbers of a topic, exactly: what the transport's tests run and kill.

python -m tests.kafka.counting_worker BROKER APP_ID TOPIC CHANGELOG PARTITIONS [--fault NAME]
"""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import faust
from faust.types import TP

from agents.transport import Changelog, RecordBatch, TransportOptions, batch_topic, create_app, run_worker


@dataclass(slots=True)
class Count:
    """State of one source partition: `o` is the next offset to apply."""

    o: int = 0
    records: int = 0
    total: int = 0


class HoleError(Exception):
    """Records are missing between the state and a batch."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("broker")
    parser.add_argument("app_id")
    parser.add_argument("topic")
    parser.add_argument("changelog")
    parser.add_argument("partitions", type=int)
    parser.add_argument("--fault", default="")
    parser.add_argument("--loop", default="uvloop")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds to wait in each batch")
    parser.add_argument("--user")
    parser.add_argument("--password")
    words = parser.parse_args()

    credentials = faust.SASLCredentials(username=words.user, password=words.password) if words.user else None
    app = create_app(
        words.app_id, f"kafka://{words.broker}", web_enabled=False, broker_credentials=credentials,
        broker_session_timeout=6.0, broker_heartbeat_interval=1.0, options=TransportOptions(slice_records=200),
    )
    source = batch_topic(app, words.topic, words.partitions)
    counts: dict[int, Count] = {}
    applied: list[Any] = []
    dirty: set[int] = set()
    flushing = asyncio.Lock()

    def restore(partition: int, records: Sequence[tuple[bytes, bytes | None]]) -> None:
        for _, value in records:
            assert value is not None
            found = Count(**json.loads(value))
            if found.o >= counts[partition].o:
                counts[partition] = found

    def reset(partition: int) -> None:
        counts[partition] = Count()
        dirty.discard(partition)

    changelog = Changelog(app, words.changelog, words.partitions, restore, reset)

    @app.agent(source)
    async def count(stream: Any) -> None:
        async for event in stream.noack().events():
            batch: RecordBatch = event.value
            state = counts[batch.partition]
            if state.o < batch.follows:
                raise HoleError(f"{batch!r} follows {batch.follows}, state is at {state.o}")
            for record in batch.records:
                if record.offset >= state.o:
                    state.records += 1
                    state.total += int(record.value)
                    if words.fault == "raise" and state.records == 700:
                        # The batch is half in the state, and a flush comes before anyone hears of the exception.
                        dirty.add(batch.partition)
                        app.loop.call_soon(lambda: asyncio.ensure_future(flush()))
                        raise RuntimeError("as the test wants")
            state.o = max(state.o, batch.last_offset + 1)
            dirty.add(batch.partition)
            batch.release()
            applied.append(event)
            if words.pause:
                await asyncio.sleep(words.pause)

    @app.transport.on_quiesce
    async def flush() -> None:
        async with flushing:
            events = applied[:]
            applied.clear()
            for partition in sorted(dirty):
                value = json.dumps(asdict(counts[partition])).encode()
                app.transport.barrier.send(TP(words.topic, partition), changelog.topic, partition, b"count", value)
            dirty.clear()
            if events:
                await app.transport.barrier.delivered()
                for event in events:
                    event.ack()
                app.transport.request_commit()

    @app.task
    async def flush_often() -> None:
        while not app.should_stop:
            await asyncio.sleep(0.1)
            await flush()

    run_worker(app, uvloop=words.loop == "uvloop", loglevel="INFO")


if __name__ == "__main__":
    main()
