"""What the batch transport costs: a batch agent that does nothing, beside a bare aiokafka loop, on the same records.

python -m benchmarks.transport [--broker HOST:PORT] [--records 300000] [--partitions 4] [--runs 3]

Without a broker it starts Apache Kafka (Java 17 and Maven). Each run is a process of its own: events per second from
the first record to the last, CPU seconds per million events of the process in that time, and its peak memory.
"""

import argparse
import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

from agents.transport import RecordBatch, batch_topic, create_app, run_worker
from tests.kafka.broker import KafkaCluster

TOPIC = "transport-benchmark"
RECORD_BYTES = 200


class Clock:
    """Counts records and, at the last one, prints what they cost."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._seen = 0
        self._began: float | None = None
        self._cpu = 0.0

    def count(self, records: int) -> bool:
        """Count records; True when all were seen, and the result is printed."""
        if self._began is None:
            self._began = time.monotonic()
            self._cpu = time.process_time()
        self._seen += records
        if self._seen < self._wanted:
            return False
        seconds = time.monotonic() - self._began
        result = {
            "events_per_second": round(self._seen / seconds),
            "cpu_seconds_per_million": round((time.process_time() - self._cpu) * 1e6 / self._seen, 2),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        print(json.dumps(result), flush=True)
        return True


async def bare_loop(broker: str, clock: Clock, group: str) -> None:
    """aiokafka's getmany with the settings that the transport uses, committing once a second."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=broker, group_id=group, enable_auto_commit=True, auto_commit_interval_ms=1000,
        auto_offset_reset="earliest", max_poll_records=4000, fetch_max_wait_ms=100,
    )
    await consumer.start()
    done = False
    while not done:
        fetched = await consumer.getmany(timeout_ms=200)
        done = bool(fetched) and clock.count(sum(len(records) for records in fetched.values()))
    await consumer.stop()


def batch_agent(broker: str, clock: Clock, group: str, partitions: int) -> None:
    """A worker whose agent looks at nothing and acknowledges each batch."""
    app = create_app(group, f"kafka://{broker}", web_enabled=False)
    topic = batch_topic(app, TOPIC, partitions)

    @app.agent(topic)
    async def nothing(stream: Any) -> None:
        async for event in stream.noack().events():
            batch: RecordBatch = event.value
            done = clock.count(len(batch))
            batch.release()
            event.ack()
            if done:
                await app.transport.commit_acked()
                os._exit(0)

    run_worker(app, loglevel="ERROR")


async def fill(broker: str, records: int, partitions: int) -> None:
    """Write the records, with aiokafka's batches."""
    admin = KafkaAdminClient(bootstrap_servers=broker)
    admin.create_topics([NewTopic(TOPIC, partitions, 1)])
    admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=broker, max_batch_size=512 * 1024, compression_type="lz4")
    await producer.start()
    batch = producer.create_batch()
    for number in range(records):
        value = json.dumps({"event_id": f"e{number:09d}", "customer_id": f"c{number * 7919 % 100_000:06d}"})
        value = value[:-1] + ', "text": "' + "x" * (RECORD_BYTES - len(value) - 12) + '"}'
        if batch.append(key=b"c", value=value.encode(), timestamp=None) is None:
            await producer.send_batch(batch, TOPIC, partition=number % partitions)
            batch = producer.create_batch()
            batch.append(key=b"c", value=value.encode(), timestamp=None)
    await producer.send_batch(batch, TOPIC, partition=0)
    await producer.stop()


def main() -> None:
    """Measure, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", choices=["bare", "agent"], help=argparse.SUPPRESS)
    parser.add_argument("--group", help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.only == "bare":
        asyncio.run(bare_loop(words.broker, Clock(words.records), words.group))
        return
    if words.only == "agent":
        batch_agent(words.broker, Clock(words.records), words.group, words.partitions)
    with ExitStack() as stack:
        broker = words.broker or stack.enter_context(KafkaCluster()).address
        asyncio.run(fill(broker, words.records, words.partitions))
        for run in range(words.runs):
            for what in ("bare", "agent"):
                command = [
                    sys.executable, "-m", "benchmarks.transport", "--broker", broker, "--records", str(words.records),
                    "--partitions", str(words.partitions), "--only", what, "--group", f"{what}-{run}-{os.getpid()}",
                ]
                done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
                print(f"{what:6} {done.stdout.strip() or done.stderr[-2000:]}", flush=True)


if __name__ == "__main__":
    main()
