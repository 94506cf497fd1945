"""Customers who are disrupted now: in the running minute or the four before it, by service and stage."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import orjson

from streams.facts.definitions.model import Definitions
from streams.health.columns import Kind
from streams.health.live.known import Held
from streams.health.rules import SHOWN
from streams.ledger.rules import MINUTE
from streams.tables.calendar import utc_text

Record = tuple[bytes, bytes | None]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, int]]).decode


class Troubles:
    """Who is in trouble, where, and since when."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._since: dict[str, dict[Kind, int]] = {}  # minutes since 1970

    def __len__(self) -> int:
        return len(self._since)

    @property
    def customers(self) -> set[str]:
        """Who is in trouble."""
        return set(self._since)

    def turn_to(self, now: Mapping[str, Mapping[Kind, int]]) -> set[str]:
        """Who is disrupted now, with the first minute in sight; gives those of whom anything changed.

        A trouble lasts as long as it stays in sight, and began when it first was.
        """
        changed = set(self._since) - set(now)
        for customer_id in changed:
            del self._since[customer_id]
        for customer_id, kinds in now.items():
            before = self._since.get(customer_id, {})
            since = {kind: min(minute, before.get(kind, minute)) for kind, minute in kinds.items()}
            if since != before:
                self._since[customer_id] = since
                changed.add(customer_id)
        return changed

    def payload(self, customer_id: str) -> bytes | None:
        """What the changelog holds of a customer; None: it is not in trouble."""
        since = self._since.get(customer_id)
        return None if since is None else _encode([(*kind, minute) for kind, minute in sorted(since.items())])

    def restore(self, customer_id: str, payload: bytes) -> None:
        """Take over a customer. Raises: msgspec.MsgspecError."""
        self._since[customer_id] = {(service, stage): minute for service, stage, minute in _decode(payload)}

    def records(self, customers: Iterable[str], find: Callable[[str], Held | None]) -> list[Record]:
        """Records of `customers-in-trouble`: key customer; a tombstone when the trouble is over."""
        found: list[Record] = []
        for customer_id in sorted(customers):
            since = self._since.get(customer_id)
            name = customer_id.encode()
            found.append((name, None if since is None else self._told_of(customer_id, since, find(customer_id))))
        return found

    def _told_of(self, customer_id: str, since: Mapping[Kind, int], held: Held | None) -> bytes:
        tiers = self._definitions.tiers
        # First the stage that weighs most, then what has lasted longest.
        ordered = sorted(since.items(), key=lambda one: (tiers.get(one[0][1], SHOWN), one[1], one[0]))
        places = [
            {"service": kind[0], "stage": kind[1], "tier": tiers.get(kind[1], SHOWN), "since": utc_text(at * MINUTE)}
            for kind, at in ordered
        ]
        told: dict[str, Any] = {
            "customer_id": customer_id,
            "stage": places[0]["stage"],
            "since": utc_text(min(since.values()) * MINUTE),
            "disrupted": places,
            "definitions": {"name": self._definitions.name, "version": self._definitions.version},
        }
        if held is not None:
            told |= {"segment": held.profile.segment, "region": held.profile.region, "value": held.value}
            told["currency"] = self._definitions.currency
        return orjson.dumps(told)
