"""The peer `quix`: Quix Streams with keyed state, RocksDB and changelog topics.

Customers are state under the message's key. The minute's cells lie in the same store under a prefix of their own:
`group_by` would send every movement through a topic once more, at about half the speed.
"""

import os
import threading
import time
from typing import Any

import orjson
from quixstreams import Application, message_context

from benchmarks.peers.protocol import asked, tell, write_answer
from benchmarks.peers.rule import BadFact, apply, checked, new_state
from benchmarks.peers.serving import serve_in_thread


def main() -> None:
    """Be the measured process."""
    words = asked()
    counts = {"records": 0, "malformed": 0, "duplicates": 0}
    cells: dict[str, list[int]] = {}
    times = {"first": 0.0, "last": 0.0}
    places: dict[int, int] = {}
    app = Application(
        broker_address=words.broker, consumer_group=words.group, auto_offset_reset="earliest", commit_interval=1.0,
        state_dir=words.folder / "state", loglevel="WARNING", consumer_poll_timeout=0.1,
        consumer_extra_config={"fetch.wait.max.ms": 10} if words.serves else None,
        producer_extra_config={"compression.type": "lz4", "linger.ms": 5},
    )
    topic = app.topic(words.topic, key_deserializer="bytes", value_deserializer="bytes")
    frame = app.dataframe(topic)

    def count(raw: bytes, state: Any) -> None:
        if not times["first"]:
            times["first"] = time.time()
        counts["records"] += 1
        try:
            fact, minute = checked(orjson.loads(raw))
        except (orjson.JSONDecodeError, BadFact):
            counts["malformed"] += 1
            return
        customer = state.get("customer") or new_state()
        changes = apply(customer, fact)
        if changes is None:
            counts["duplicates"] += 1
            return
        state.set("customer", customer)
        if not changes:
            return
        sums = frame.processing_context.checkpoint.get_store_transaction(
            stream_id=frame.stream_id, partition=message_context().partition
        ).as_state(prefix=b"cells", timestamp=0)
        for kind, segment, region, reason, customers, value in changes:
            name = f"{minute}|{kind}|{segment}|{region}|{reason}"
            held = sums.get(name) or [0, 0]
            held[0] += customers
            held[1] += value
            sums.set(name, held)
            mine = cells.setdefault(name, [0, 0])
            mine[0] += customers
            mine[1] += value

    frame = frame.update(count, stateful=True)

    def handled(topic_name: str, partition: int, offset: int) -> None:
        places[partition] = offset + 1
        if counts["records"] >= words.expected and not times["last"] and not words.serves:
            times["last"] = time.time()
            app.stop()

    app._on_message_processed = handled
    if words.serves:
        threading.Thread(target=serve_in_thread, args=(places, lambda: os._exit(0)), daemon=True).start()
    app.run(frame)
    tell(counts["records"], times["first"], times["last"], time.time())
    write_answer(words, cells, counts)


if __name__ == "__main__":
    main()
