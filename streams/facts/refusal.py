"""Why a record cannot be admitted, raised where it is found and turned into a dead letter where the batch is read."""

from streams.facts.models import DeadLetter, Position, RawRecord, RejectReason


class Refused(Exception):
    """One record cannot be admitted; never leaves the batch it is in.

    Attributes:
        reason: the class, which becomes a label.
        detail: for people; names the field and never repeats more than a few characters of the record.
    """

    def __init__(self, reason: RejectReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def dead_letter(self, record: RawRecord) -> DeadLetter:
        """The record with the reason, as it is set aside."""
        return DeadLetter(
            position=Position(record.topic, record.partition, record.offset),
            reason=self.reason,
            detail=self.detail,
            payload=record.value,
            key=record.key,
            headers=record.headers,
            timestamp_ms=record.timestamp_ms,
        )


def shown(value: object) -> str:
    """A value of a record, short enough for an error: records may hold anything of any length."""
    if isinstance(value, str):
        text = repr(value[:40])
    elif value is None or (isinstance(value, int) and abs(value) < 1 << 64):
        text = repr(value)
    else:
        text = {dict: "an object", list: "a list", float: "a number"}.get(type(value), f"a {type(value).__name__}")
    return text if len(text) <= 40 else text[:37] + "..."
