"""What is sent while workers die: every kind of fact, disordered, copied, contradicted, retracted and malformed.

What the company's tables must say in the end comes from the independent reference, which reads the same records.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import orjson

from tests.property.test_stream_against_reference import DEFINITIONS, with_every_kind_of_loss
from tests.reference import Reference, partition_of
from tests.reference.generate import RULES, Stream, facts
from tests.reference.malformed import sound

TOPIC = "customer-events"
MISPLACED = 6
"""Records of each kind that only Kafka can spoil: by their key, or by where they lie."""

Movement = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of the input topic."""

    partition: int
    key: bytes | None
    value: bytes


@dataclass
class HostileStream:
    """A seed's records in the order of sending, and what they must come to."""

    seed: int
    records: int
    partitions: int
    sent: list[Sent] = field(init=False)
    rejects: Counter[str] = field(init=False)

    def __post_init__(self) -> None:
        stream = self._stream
        random = Random(self.seed)
        self.rejects = Counter(stream.rejects)
        self.sent = []
        for arrived in stream.arrivals:
            customer_id = (arrived.record or {}).get("customer_id")
            key = customer_id.encode() if customer_id else None
            self.sent.append(Sent(arrived.partition, key, arrived.raw))
        for spoilt, reason in self._misplaced(random):
            self.rejects[reason] += 1
            self.sent.insert(random.randrange(len(self.sent)), spoilt)

    @cached_property
    def _stream(self) -> Stream:
        customers = max(self.records // 25, 8)
        return facts(self.seed, customers, self.records, partitions=self.partitions)

    @cached_property
    def reference(self) -> Reference:
        """The records as the reference folds them."""
        return Reference(self._stream.records(), RULES)

    @cached_property
    def ledger(self) -> dict[str, Any]:
        """What a worker's `/api/v1/ledger` must say in the end."""
        ledger: dict[str, Any] = with_every_kind_of_loss(self.reference.ledger(dict(self.rejects)))
        return ledger

    def movements(self) -> set[Movement]:
        """Every movement that stands in the end, as `movement_of` tells one of the topic."""
        found: set[Movement] = set()
        for customer_id, history in self.reference.histories.items():
            for movement in history.movements:
                cause = movement.cause
                named = None if cause is None else (cause.silo, cause.event_id, cause.place)
                scopes = (tuple(movement.scope), movement.to and tuple(movement.to))
                told = (movement.value, movement.activity, movement.reason, movement.loss_kind, movement.count)
                found.add((customer_id, movement.kind, movement.at, *scopes, named, *told))
        return found

    def _misplaced(self, random: Random) -> list[tuple[Sent, str]]:
        spoilt = []
        at = self.reference.clock
        for _ in range(MISPLACED):
            customer_id = f"customer-{random.randrange(1000):05}"
            value = orjson.dumps(sound(random, at, customer_id))
            own = partition_of(customer_id, self.partitions)
            elsewhere = (own + 1) % self.partitions
            spoilt += [
                (Sent(own, None, value), "missing_key"),
                (Sent(own, b"somebody-else", value), "key_mismatch"),
                (Sent(elsewhere, customer_id.encode(), value), "wrong_partition"),
            ]
        return spoilt


def movement_of(line: Mapping[str, Any]) -> Movement:
    """A line of the topic `movements`, without its sign."""
    scope = (line["segment"], line["region"], line["product"])
    to, cause = line.get("to"), line.get("cause")
    scopes = (scope, to and tuple(to))
    words = (line.get(name, "") for name in ("activity", "reason", "loss_kind"))
    told = (line["value"], *words, line.get("count", 0))
    return (line["customer_id"], line["kind"], line["at_us"], *scopes, cause and tuple(cause), *told)


__all__ = ["DEFINITIONS", "TOPIC", "HostileStream", "Movement", "Sent", "movement_of"]
