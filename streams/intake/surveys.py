"""Answers to surveys: a source's own words, or native records, checked and written in the native format."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from streams.facts.comparisons import Condition, Document, compile_when
from streams.facts.definitions.model import Definitions
from streams.facts.labels import Labels, check_id
from streams.facts.models import DeadLetter, RawRecord, RejectReason
from streams.facts.money import exact_of
from streams.facts.refusal import Refused, shown
from streams.facts.sources import compile_text, compile_time
from streams.facts.strict_json import MAX_BYTES, read_exactly, read_quickly
from streams.facts.times import LATEST_EVENT_US, check_event_time, check_range, instant_of
from streams.intake.native_records import rfc3339
from streams.intake.rules import SurveySource

SURE_FIELDS = ("response_id", "score", "scale")
"""A record that has these is in the native format, beside sources that have words of their own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one customer; `low` and `high` are the ends of the scale. Instants are microseconds."""

    at: int
    response_id: str
    customer_id: str
    score: float
    low: float
    high: float
    sent_at: int | None = None
    stage: str | None = None

    @property
    def share(self) -> float:
        """How far up the scale the score lies, 0 to 1."""
        return (self.score - self.low) / (self.high - self.low)

    def record(self) -> bytes:
        """The answer in the native format."""
        told: dict[str, Any] = {
            "response_id": self.response_id, "at": rfc3339(self.at), "customer_id": self.customer_id,
            "score": self.score, "scale": [self.low, self.high],
        }  # fmt: skip
        if self.sent_at is not None:
            told["sent_at"] = rfc3339(self.sent_at)
        if self.stage is not None:
            told["stage"] = self.stage
        return orjson.dumps(told)


@dataclass(slots=True)
class AdmittedAnswers:
    """What became of the records of one batch: records = dead letters + no_answer + unmapped + answers."""

    records: int = 0
    answers: list[Answer] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_answer: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    takes: Condition
    make: Callable[[Document, int], Answer] | None


class AnswerAdmission:
    """Admits answers under one definitions file; arguments as of `streams.facts.admission.Admission`."""

    def __init__(
        self, definitions: Definitions, *, now_us: Callable[[], int] | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        self._now_us = now_us
        self._max_bytes = max_bytes
        self._future_skew_us = definitions.future_skew_us
        self._labels = Labels(definitions)
        self._sources = [
            _Source(source.name, compile_when(source.when), None if source.drop else _maker(source))
            for source in definitions.surveys.sources
        ]

    def admit(self, records: Sequence[RawRecord]) -> AdmittedAnswers:
        """The answers of these records. Never raises for what a record holds."""
        batch = AdmittedAnswers(records=len(records))
        latest = LATEST_EVENT_US
        if self._now_us is not None:
            latest = min(latest, self._now_us() + self._future_skew_us)
        for record in records:
            try:
                self._admit_one(record, latest, batch)
            except Refused as refused:
                batch.dead_letters.append(refused.dead_letter(record))
        return batch

    def _admit_one(self, record: RawRecord, latest: int, batch: AdmittedAnswers) -> None:
        value = record.value
        document = read_quickly(value) if value and len(value) <= self._max_bytes else None
        if document is None:
            document = read_exactly(value, self._max_bytes)
        if not self._sources or all(document.get(name) is not None for name in SURE_FIELDS):
            batch.answers.append(self._checked(_native(document), latest))
            return
        source = next((source for source in self._sources if source.takes(document)), None)
        if source is None:
            batch.unmapped += 1
        elif source.make is None:
            batch.no_answer[source.name] = batch.no_answer.get(source.name, 0) + 1
        else:
            batch.answers.append(self._checked(source.make(document, latest), latest))

    def _checked(self, answer: Answer, latest: int) -> Answer:
        check_event_time(answer.at, latest)
        check_id(answer.response_id, "response_id")
        check_id(answer.customer_id, "customer_id")
        check_range(answer.sent_at, "sent_at")
        self._labels.label(answer.stage, "stage")
        if not answer.low < answer.high or not answer.low <= answer.score <= answer.high:
            message = f"score {answer.score:g} is not on the scale from {answer.low:g} to {answer.high:g}"
            raise Refused(RejectReason.BAD_VALUE, message)
        return answer


def _native(document: Document) -> Answer:
    for name in ("response_id", "at", "customer_id", "score", "scale"):
        if document.get(name) is None:
            raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
    texts = {}
    for name in ("response_id", "customer_id", "stage"):
        value = document.get(name)
        if value is not None and not isinstance(value, str):
            raise Refused(RejectReason.WRONG_TYPE, f"{name} is {shown(value)} where a text is needed")
        texts[name] = value
    scale = document["scale"]
    if not isinstance(scale, list) or len(scale) != 2:
        raise Refused(RejectReason.WRONG_TYPE, f"scale is {shown(scale)} where two numbers are needed")
    return Answer(
        _moment(document["at"], "at"), texts["response_id"] or "", texts["customer_id"] or "",
        _number(document["score"], "score"), _number(scale[0], "scale"), _number(scale[1], "scale"),
        None if document.get("sent_at") is None else _moment(document["sent_at"], "sent_at"), texts["stage"],
    )  # fmt: skip


def _maker(source: SurveySource) -> Callable[[Document, int], Answer]:
    fields = source.fields
    read_at = compile_time(fields["at"], source.zone)
    read_sent = compile_time(fields["sent_at"], source.zone) if "sent_at" in fields else None
    texts = {name: compile_text(field) for name, field in fields.items() if name not in ("at", "sent_at")}

    def make(document: Document, latest: int) -> Answer:
        at = read_at(document)
        if at is None:
            raise Refused(RejectReason.MISSING_FIELD, "at is missing: when it was answered")
        found = {name: read(document) for name, read in texts.items()}
        for name in ("score", "low", "high"):
            if found[name] is None:
                raise Refused(RejectReason.MISSING_FIELD, f"{name} is missing")
        return Answer(
            at, found["response_id"] or "", found["customer_id"] or "", _number(found["score"], "score"),
            _number(found["low"], "low"), _number(found["high"], "high"),
            None if read_sent is None else read_sent(document), found.get("stage"),
        )  # fmt: skip

    return make


def _number(value: Any, name: str) -> float:
    mantissa, scale = exact_of(value, name)
    return float(mantissa / 10**scale)


def _moment(value: Any, name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value * 1000
    if not isinstance(value, str):
        message = f"{name} is {shown(value)} where an RFC 3339 time or whole milliseconds is needed"
        raise Refused(RejectReason.WRONG_TYPE, message)
    return instant_of(value, None, name)
