"""Customers in trouble now, of the whole company: every worker reads `customers-in-trouble` back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from agents.topic_following import follow
from agents.topics import BY_NAME
from config.settings import Settings
from streams.facts.models import UNKNOWN
from streams.facts.times import instant_of

TOPIC = "customers-in-trouble"
POLL_MS = 100
RECORDS_AT_ONCE = 2000

FILTERS = ("service", "stage", "segment", "region")
"""By what customers in trouble can be chosen; several of them hold together."""


class Place(msgspec.Struct, frozen=True):
    """Where a customer is disrupted, and since when (RFC 3339)."""

    service: str
    stage: str
    since: str


class Trouble(msgspec.Struct, frozen=True):
    """What a record says; `value`: minor units, None for a customer whom the ledger does not know."""

    customer_id: str
    since: str
    disrupted: list[Place]
    segment: str = UNKNOWN
    region: str = UNKNOWN
    value: int | None = None

    def is_of(self, chosen: Mapping[str, str]) -> bool:
        """Whether it is among those chosen by `FILTERS`."""
        if any(name in chosen and getattr(self, name) != chosen[name] for name in ("segment", "region")):
            return False
        return any(
            all(chosen.get(name, getattr(place, name)) == getattr(place, name) for name in ("service", "stage"))
            for place in self.disrupted
        )


_decode = msgspec.json.Decoder(Trouble).decode


class TroubledCustomers:
    """The newest record of each customer who is in trouble.

    Attributes:
        complete: all that lay in the topic when reading began has been read.
    """

    def __init__(self, settings: Settings) -> None:
        self.complete = False
        self._settings = settings
        self._troubles: dict[bytes, Trouble] = {}

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        topic = self._settings.topic(TOPIC)

        async def take(records: Sequence[Any]) -> None:
            for record in records:
                self.feed(record.key, record.value)

        def complete() -> None:
            self.complete = True

        await follow(
            self._settings, {topic: BY_NAME[TOPIC].partitions(self._settings)}, take, complete, poll_ms=POLL_MS,
            records_at_once=RECORDS_AT_ONCE,
        )  # fmt: skip

    def feed(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record; what cannot be read is passed over."""
        if key is None:
            return
        self._troubles.pop(key, None)
        if value is not None:
            try:
                self._troubles[key] = _decode(value)
            except msgspec.MsgspecError:
                return

    def of(self, chosen: Mapping[str, str]) -> list[Trouble]:
        """Those chosen by `FILTERS`, the longest in trouble first."""
        found = [trouble for trouble in self._troubles.values() if trouble.is_of(chosen)]
        return sorted(found, key=lambda trouble: (trouble.since, trouble.customer_id))

    def of_customer(self, customer_id: str) -> Trouble | None:
        """One customer's, if it is in trouble."""
        return self._troubles.get(customer_id.encode())

    def __iter__(self) -> Iterator[Trouble]:
        return iter(self._troubles.values())


def with_trouble(disruptions: Sequence[Mapping[str, Any]], trouble: Trouble) -> list[dict[str, Any]]:
    """The disruptions of a customer in trouble, oldest first, those that last marked.

    One that has just begun is not among those counted, since its minute is not over: it has no length yet.
    """
    found = [dict(one) for one in disruptions]
    for place in trouble.disrupted:
        same = [one for one in found if (one["service"], one["stage"]) == (place.service, place.stage)]
        if same and instant_of(same[-1]["until"], None) >= instant_of(place.since, None):
            same[-1]["lasts"] = True
        else:
            found.append({"service": place.service, "stage": place.stage, "at": place.since, "lasts": True})
    return sorted(found, key=lambda one: instant_of(one["at"], None))
