import threading
from collections.abc import Callable
from typing import Any

from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from kafka.partitioner.default import murmur2

from agents.replay.pacing import Pacer
from agents.replay.records import Outgoing
from agents.replay.sending import Sent, send_records
from config.settings import load

SETTINGS = load({"NETGROWTH_TOPIC_PREFIX": "p."})


class Future:
    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def add_errback(self, told: Callable[[BaseException], Any]) -> "Future":
        if self.error is not None:
            told(self.error)
        return self


class FakeProducer:
    """Takes records, refuses those whose value is `bad` (later) or `huge` (at once)."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes | None, bytes]] = []
        self.flushed: list[float | None] = []

    def send(self, topic: str, key: bytes | None, value: bytes) -> Future:
        if value == b"huge":
            raise MessageSizeTooLargeError("too large")
        if value == b"bad":
            return Future(KafkaTimeoutError("late"))
        self.taken.append((topic, key, value))
        return Future(None)

    def flush(self, timeout: float | None = None) -> None:
        self.flushed.append(timeout)


def records(*values: bytes) -> list[Outgoing]:
    return [Outgoing("customer-events", b"k", value, n * 1_000_000) for n, value in enumerate(values)]


def test_records_go_to_the_prefixed_topic_in_order_and_all_are_awaited() -> None:
    producer, sent = FakeProducer(), Sent()
    assert send_records(records(b"a", b"b"), producer, SETTINGS, Pacer(None, threading.Event()), sent)
    assert producer.taken == [("p.customer-events", b"k", b"a"), ("p.customer-events", b"k", b"b")]
    assert producer.flushed == [None]
    assert (sent.records, sent.failed, sent.at_us) == (2, 0, 1_000_000)


def test_what_the_broker_does_not_take_is_counted_and_the_first_is_kept() -> None:
    producer, sent = FakeProducer(), Sent()
    send_records(records(b"bad", b"a", b"huge"), producer, SETTINGS, Pacer(None, threading.Event()), sent)
    assert (sent.records, sent.failed) == (3, 2)
    assert sent.first_failure.startswith("KafkaTimeoutError")
    assert len(producer.taken) == 1


def test_a_stop_ends_the_sending_and_waits_for_what_was_sent() -> None:
    producer, sent, stop = FakeProducer(), Sent(), threading.Event()

    def stop_after_one(_: Sent) -> None:
        stop.set()

    assert not send_records(records(b"a", b"b"), producer, SETTINGS, Pacer(None, stop), sent, stop_after_one)
    assert len(producer.taken) == 1
    assert producer.flushed[0] is not None


def test_the_producers_partitioner_is_murmur2_as_in_java() -> None:
    # Cases of Kafka's own UtilsTest.testMurmur2.
    expected = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    assert {key: murmur2(key) for key in expected} == {key: code & 0xFFFFFFFF for key, code in expected.items()}
