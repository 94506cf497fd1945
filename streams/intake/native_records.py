"""Facts, links, signals, mentions and answers as records in the native format: what intake writes.

Read again under the same definitions, each gives what it was made from: an agreed reason is one of its own words.
"""

from datetime import timedelta
from typing import Any

import orjson

from streams.facts.models import Fact, Link
from streams.facts.native import SAME_CUSTOMER
from streams.facts.times import EPOCH
from streams.health.signals import Signal
from streams.voice.mentions import Mention

_STATED_KINDS = ("voluntary", "payment")
_SAME_NAMES = ("value", "amount", "segment", "region", "product", "activity", "reason", "retracts")
_TIMES = ("effective_at", "since", "last_fact_at")
_OF_MENTIONS = (
    "mention_id", "author_id", "channel", "brand", "text", "language", "reach", "sentiment", "customer_id", "copy_of",
)  # fmt: skip


def rfc3339(at: int) -> str:
    """An instant in microseconds as text, in UTC, to the microsecond."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def fact_record(fact: Fact) -> bytes:
    """The record of a fact; a heartbeat's has no customer."""
    record: dict[str, Any] = {"fact": fact.kind, "at": rfc3339(fact.at), "silo": fact.silo}
    if fact.event_id:
        record["event_id"] = fact.event_id
    if fact.customer_id:
        record["customer_id"] = fact.customer_id
    for name in _SAME_NAMES:
        value = getattr(fact, name)
        if value is not None:
            record[name] = value
    for name in _TIMES:
        at = getattr(fact, name)
        if at is not None:
            record[name] = rfc3339(at)
    if fact.sequence:
        record["sequence"] = fact.sequence
    if fact.place:
        record["place"] = fact.place
    if fact.earned:
        record["by_recommendation"] = True
    if fact.loss_kind in _STATED_KINDS:
        record["kind"] = fact.loss_kind
    if fact.count != 1:
        record["count"] = fact.count
    return orjson.dumps(record)


def link_record(link: Link, silo_id: str) -> bytes:
    """The record of a link; `silo_id` as the silo writes it, without the silo's name before it."""
    return orjson.dumps({
        "fact": SAME_CUSTOMER, "at": rfc3339(link.at), "event_id": link.event_id, "silo": link.silo,
        "silo_id": silo_id, "customer_id": link.customer_id,
    })  # fmt: skip


def signal_record(signal: Signal) -> bytes:
    """The record of a signal."""
    record: dict[str, Any] = {
        "event_id": signal.event_id, "at": rfc3339(signal.at), "customer_id": signal.customer_id,
        "service": signal.service, "stage": signal.stage, "ok": signal.ok,
    }  # fmt: skip
    if signal.latency_us is not None:
        record["latency_ms"] = signal.latency_us / 1000
    if signal.attributes:
        record["attributes"] = signal.attributes
    if signal.customers != 1:
        record["customers"] = signal.customers
    if signal.synthetic:
        record["synthetic"] = True
    return orjson.dumps(record)


def mention_record(mention: Mention) -> bytes:
    """The record of a mention; where it names a customer, in its body."""
    record: dict[str, Any] = {"at": rfc3339(mention.at)}
    for name in _OF_MENTIONS:
        value = getattr(mention, name)
        if value is not None:
            record[name] = value
    if mention.topics:
        record["topics"] = list(mention.topics)
    return orjson.dumps(record)
