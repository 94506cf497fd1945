"""A native record as a fact, read by an own, slow reader.

Instants are whole microseconds since 1970 UTC. The reader does what the native definitions do: a `leaving`
without a later `effective_at` is a `left`, a reason that is not on the agreed list is `unknown`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UNKNOWN = "unknown"
DEFAULT_SILO = "native"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


NATIVE_ORDER = (
    *("activity", "earned", "count", "effective_at", "kind", "loss_kind", "last_fact_at", "product"),
    *("reason", "region", "retracts", "segment", "sequence", "since", "value"),
)
"""Fields in the alphabetical order of their names in a native record (by_recommendation, fact, kind)."""


@dataclass(frozen=True)
class Fact:
    """One fact; the field names are those of the customer math, None means the source was silent."""

    kind: str
    at: int
    customer_id: str
    silo: str
    event_id: str
    sequence: int = 0
    place: int = 0
    value: int | None = None
    amount: int | None = None
    segment: str | None = None
    region: str | None = None
    product: str | None = None
    activity: str | None = None
    earned: bool = False
    reason: str | None = None
    loss_kind: str | None = None
    effective_at: int | None = None
    since: int | None = None
    last_fact_at: int | None = None
    count: int = 1
    retracts: str | None = None

    @property
    def order(self) -> tuple[int, str, int, str, int]:
        """Where the fact stands among all facts of its customer."""
        return (self.at, self.silo, self.sequence, self.event_id, self.place)

    @property
    def identity(self) -> tuple[str, str, int]:
        """What two copies of one fact have in common."""
        return (self.silo, self.event_id, self.place)

    @property
    def precedence_among_copies(self) -> tuple[object, ...]:
        """Of two facts under one id the smaller one is the fact: by `at`, then field by field by name."""
        names = (*NATIVE_ORDER, "amount")
        values = [getattr(self, name) for name in names]
        return (self.at, *((value is not None, 0 if value is None else value) for value in values))


def instant(value: int | str | None) -> int | None:
    """Microseconds of an RFC 3339 text or of milliseconds since 1970."""
    if value is None:
        return None
    if isinstance(value, int):
        return value * 1000
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no zone")
    return (moment - EPOCH) // timedelta(microseconds=1)


def rfc3339(at: int) -> str:
    """The instant as text, in UTC, ending in Z."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def fact_of(record: dict, rules: dict) -> Fact:
    """The fact of one valid native record.

    Under a trailing-spend model only an opening brings a value; the model adds up the record's `amount`, or
    its `value` where it has no `amount`.
    """
    kind = record["fact"]
    at = instant(record["at"])
    effective_at = instant(record.get("effective_at")) if kind == "leaving" else None
    if kind == "leaving" and (effective_at is None or effective_at <= at):
        kind, effective_at = "left", None
    ends = kind in ("left", "leaving")
    amount = None
    if rules.get("trailing") and kind in rules["trailing"]["facts"]:
        amount = record.get("amount", record.get("value"))
    return Fact(
        kind=kind,
        at=at,
        customer_id=record.get("customer_id", ""),
        silo=record.get("silo", DEFAULT_SILO),
        event_id=record.get("event_id", ""),
        sequence=record.get("sequence", 0),
        value=record.get("value") if not rules.get("trailing") or kind == "opening" else None,
        amount=amount,
        segment=record.get("segment"),
        region=record.get("region"),
        product=record.get("product"),
        activity=_activity(record, rules),
        earned=_earned(record, rules),
        reason=_reason(record, rules) if ends else None,
        loss_kind=_loss_kind(record, rules) if ends else None,
        effective_at=effective_at,
        since=instant(record.get("since")) if kind == "opening" else None,
        last_fact_at=instant(record.get("last_fact_at")) if kind == "opening" else None,
        count=record.get("count", 1) if kind == "recommended" else 1,
        retracts=record.get("retracts") if kind == "retracted" else None,
    )


def _earned(record: dict, rules: dict) -> bool:
    return bool(record.get("by_recommendation")) or record.get("activity") in rules.get(
        "earned_activities", ()
    )


def _activity(record: dict, rules: dict) -> str | None:
    stated, agreed = record.get("activity"), rules.get("activities")
    return stated if stated is None or agreed is None or stated in agreed else UNKNOWN


def _reason(record: dict, rules: dict) -> str | None:
    """`rules["reasons"]` maps the agreed reasons to their kinds; without it every reason is agreed."""
    stated, agreed = record.get("reason"), rules.get("reasons")
    if stated is None or agreed is None or stated in agreed:
        return stated
    return UNKNOWN


def _loss_kind(record: dict, rules: dict) -> str | None:
    by_reason = (rules.get("reasons") or {}).get(record.get("reason"))
    if by_reason == "beyond_us":
        return by_reason
    return record.get("kind") or by_reason
