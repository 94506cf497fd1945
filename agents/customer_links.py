"""Whose alias an id is, for the whole company: a table that every worker reads from `customer-links`.

The ledger of each partition knows the links of the ids that live there, and tells them; intake asks here for ids of
other partitions, such as the customer of a mention, which lies under its author.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from agents.topic_following import follow
from agents.topics import BY_NAME
from config.settings import Settings
from streams.books import PartitionBooks

TOPIC = "customer-links"
POLL_MS = 100
RECORDS_AT_ONCE = 2000


class _Told(msgspec.Struct):
    """The value of a record: the customer whose alias the key is, by the owner of this epoch."""

    customer_id: str
    epoch: int = 0


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Told).decode


def link_records(books: PartitionBooks, ids: Iterable[str]) -> list[tuple[bytes, bytes | None]]:
    """Records that tell what a partition knows of these ids."""
    told = ((alias_id, books.linked_to(alias_id)) for alias_id in ids)
    return [
        (alias_id.encode(), _encode(_Told(customer_id, books.epoch)))
        for alias_id, customer_id in told if customer_id is not None
    ]  # fmt: skip


class CustomerLinks:
    """Every alias and its customer.

    Attributes:
        complete: set once all that lay in the topic when reading began has been read.
    """

    def __init__(self, settings: Settings) -> None:
        self.complete = asyncio.Event()
        self._settings = settings
        self._customers: dict[str, tuple[int, str]] = {}

    async def read(self) -> None:
        """Read until cancelled.

        Raises: aiokafka's errors; the process is to end then.
        """
        topic = self._settings.topic(TOPIC)

        async def take(records: Sequence[Any]) -> None:
            for record in records:
                self.feed(record.key, record.value)

        await follow(
            self._settings, {topic: BY_NAME[TOPIC].partitions(self._settings)}, take, self.complete.set,
            poll_ms=POLL_MS, records_at_once=RECORDS_AT_ONCE,
        )  # fmt: skip

    def feed(self, key: bytes | None, value: bytes | None) -> None:
        """Take one record; of two the one of the newer owner holds, and what cannot be read is passed over."""
        try:
            alias_id, told = (key or b"").decode(), _decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return
        known = self._customers.get(alias_id)
        if known is None or known[0] <= told.epoch:
            self._customers[alias_id] = told.epoch, told.customer_id

    def customer_of(self, customer_id: str) -> str:
        """The customer whose alias an id is, at the end of a chain; else the id. A circle ends where it closes."""
        passed = {customer_id}
        while (told := self._customers.get(customer_id)) is not None and told[1] not in passed:
            customer_id = told[1]
            passed.add(customer_id)
        return customer_id
