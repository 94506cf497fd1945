"""Records that cannot be admitted: raw bytes, each with the reason it must be refused for.

Only reasons that a file of native records can show; key and partition belong to Kafka alone.
"""

import json
from dataclasses import dataclass
from random import Random

from .facts import rfc3339


@dataclass(frozen=True)
class Bad:
    """Bytes and the one reason (a name of the closed list of reasons) they are refused for."""

    raw: bytes
    reason: str


def sound(random: Random, at: int, customer_id: str) -> dict:
    """A record with nothing wrong in it, to be spoilt."""
    return {
        "event_id": f"bad-{random.randrange(10**9)}",
        "at": rfc3339(at),
        "customer_id": customer_id,
        "silo": "crm",
        "fact": "joined",
        "value": 100,
    }


def _with(record: dict, **fields: object) -> bytes:
    return json.dumps(record | fields).encode()


def _without(record: dict, name: str) -> bytes:
    return json.dumps({key: value for key, value in record.items() if key != name}).encode()


def malformed(random: Random, at: int, customer_id: str) -> list[Bad]:
    """One record of every kind of fault."""
    record = sound(random, at, customer_id)
    good = json.dumps(record)
    return [
        Bad(b"", "empty"),
        Bad(good[:-7].encode(), "not_json"),
        Bad(good.encode() + b" {}", "not_json"),
        Bad(good.replace("100", "NaN").encode(), "not_json"),
        Bad(good.replace("100", "Infinity").encode(), "not_json"),
        Bad(good.replace("100", "-Infinity").encode(), "not_json"),
        Bad(good.encode().replace(b"crm", b"cr\xff\xfe"), "not_utf8"),
        Bad(b"[1, 2, 3]", "not_an_object"),
        Bad(b'"joined"', "not_an_object"),
        Bad(good.replace("100", "[" * 1000 + "]" * 1000).encode(), "too_deep"),
        Bad(good.replace('"fact"', '"silo": "shop", "fact"').encode(), "duplicate_key"),
        Bad(_with(record, segment="a\x00b"), "null_byte"),
        Bad(_without(record, "at"), "missing_field"),
        Bad(_without(record, "customer_id"), "missing_field"),
        Bad(_without(record, "event_id"), "missing_field"),
        Bad(_without(record, "fact"), "missing_field"),
        Bad(_with(record, value="100"), "wrong_type"),
        Bad(_with(record, customer_id=17), "wrong_type"),
        Bad(_with(record, segment=["a"]), "wrong_type"),
        Bad(_with(record, fact="vanished"), "unknown_fact"),
        Bad(_with(record, value=-1), "bad_value"),
        Bad(_with(record, value=2**70), "bad_value"),
        Bad(_with(record, at="yesterday"), "bad_time"),
        Bad(_with(record, at="2024-01-01T00:00:00"), "bad_time"),
        Bad(_with(record, at="1969-12-31T23:59:59Z"), "bad_time"),
        Bad(_with(record, at="9998-01-01T00:00:00Z"), "future_time"),
    ]


def too_large(random: Random, at: int, customer_id: str) -> Bad:
    """A text of more than 1 MB; apart, because each costs that much."""
    return Bad(_with(sound(random, at, customer_id), segment="x" * 1_100_000), "too_large")
