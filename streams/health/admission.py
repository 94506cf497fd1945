"""Records in, signals and statuses out: every record becomes one, a counted nothing, or a dead letter.

Nothing a record holds can raise out of here, and a bad record does not touch its neighbours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord, RejectReason
from streams.facts.placement import check_place, partitions_for
from streams.facts.refusal import Refused, shown
from streams.facts.strict_json import MAX_BYTES, read_exactly, read_quickly
from streams.facts.times import LATEST_EVENT_US
from streams.health.mapping import SourceMapping
from streams.health.native import (
    SURE_FIELDS,
    SURE_STATUS_FIELDS,
    Checks,
    native_signal_of,
    native_status_of,
    read_signal_quickly,
)
from streams.health.signals import Signal, Status


@dataclass(slots=True)
class AdmittedSignals:
    """What became of the records of one batch: records = dead letters + no_signal + unmapped + signals or statuses.

    Attributes:
        no_signal: rule name to the records that it dropped.
        unmapped: records that no rule took.
    """

    records: int = 0
    signals: list[Signal] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_signal: dict[str, int] = field(default_factory=dict)
    unmapped: int = 0

    @property
    def outcomes(self) -> dict[str, int]:
        """What became of the records; sums to all of them."""
        found = {"signals": len(self.signals), "statuses": len(self.statuses)}
        found |= {"no_signal": sum(self.no_signal.values()), "unmapped": self.unmapped}
        return {name: count for name, count in found.items() if count} | {"dead_lettered": len(self.dead_letters)}

    @property
    def gave(self) -> int:
        """Signals or statuses that the records gave."""
        return len(self.signals) + len(self.statuses)

    @property
    def event_times(self) -> list[int]:
        """Of these, microseconds."""
        return [*(one.at for one in self.signals), *(one.at for one in self.statuses)]


class _Reading:
    def __init__(self, definitions: Definitions, now_us: Callable[[], int] | None, max_bytes: int) -> None:
        self._now_us = now_us
        self._max_bytes = max_bytes
        self._future_skew_us = definitions.future_skew_us
        self._checks = Checks(definitions.stages)

    def _latest(self) -> int:
        if self._now_us is None:
            return LATEST_EVENT_US
        return min(LATEST_EVENT_US, self._now_us() + self._future_skew_us)


class SignalAdmission(_Reading):
    """Admits records of `qos-signals` under one definitions file.

    Args:
        definitions: what the records mean.
        now_us: the wall clock, microseconds, asked once a batch; event times may be ahead of it by `future_skew`.
            None: only the year 2200 and later is the future.
        partitions: of the topic; a record whose key belongs to another one is a dead letter. None: no check.
        check_keys: native records need their customer id as key.
        max_bytes: of one record.
    """

    def __init__(
        self, definitions: Definitions, *, now_us: Callable[[], int] | None = None, partitions: int | None = None,
        check_keys: bool = False, max_bytes: int = MAX_BYTES,
    ) -> None:  # fmt: skip
        super().__init__(definitions, now_us, max_bytes)
        rules = definitions.health
        self._native = rules.native
        self._only_native = rules.native and not rules.signals
        self._mapping = SourceMapping(rules.signals, self._checks)
        self._partitions = partitions
        self._check_keys = check_keys

    def admit(self, records: Sequence[RawRecord]) -> AdmittedSignals:
        """The signals of these records. Never raises for what a record holds."""
        batch = AdmittedSignals(records=len(records))
        latest = self._latest()
        places = None
        if self._partitions is not None and records:
            places = partitions_for([record.key or b"" for record in records], self._partitions)
        native, max_bytes, signal_of, signals = self._native, self._max_bytes, self._checks.signal, batch.signals
        for place, record in enumerate(records):
            value = record.value
            try:
                typed = None
                if native and value and len(value) <= max_bytes:
                    typed = read_signal_quickly(value)
                if typed is not None:
                    signal: Signal | None = signal_of(typed, latest)
                    is_native = True
                else:
                    signal, is_native = self._read_exactly(record, latest, batch)
                if signal is not None:
                    if self._check_keys and is_native:
                        _check_key(record, signal.customer_id)
                    if places is not None:
                        check_place(record, signal.customer_id, places[place], self._partitions)
                    signals.append(signal)
            except Refused as refused:
                batch.dead_letters.append(refused.dead_letter(record))
        return batch

    def _read_exactly(self, record: RawRecord, latest: int, batch: AdmittedSignals) -> tuple[Signal | None, bool]:
        value = record.value
        document = read_quickly(value) if value and len(value) <= self._max_bytes else None
        if document is None:
            document = read_exactly(value, self._max_bytes)
        if self._only_native or (self._native and all(name in document for name in SURE_FIELDS)):
            return self._checks.signal(native_signal_of(document), latest), True
        mapped = self._mapping.mapped(document, record, latest)
        if mapped is None:
            batch.unmapped += 1
            return None, False
        if mapped.signal is None:
            batch.no_signal[mapped.rule] = batch.no_signal.get(mapped.rule, 0) + 1
        return mapped.signal, False


class StatusAdmission(_Reading):
    """Admits records of `service-status` under one definitions file; arguments as of `SignalAdmission`."""

    def __init__(
        self, definitions: Definitions, *, now_us: Callable[[], int] | None = None, max_bytes: int = MAX_BYTES
    ) -> None:
        super().__init__(definitions, now_us, max_bytes)
        rules = definitions.health
        self._native = rules.native
        self._only_native = not rules.statuses
        self._mapping = SourceMapping(rules.statuses, self._checks)

    def admit(self, records: Sequence[RawRecord]) -> AdmittedSignals:
        """The statuses of these records. Never raises for what a record holds."""
        batch = AdmittedSignals(records=len(records))
        latest = self._latest()
        for record in records:
            try:
                value = record.value
                document = read_quickly(value) if value and len(value) <= self._max_bytes else None
                if document is None:
                    document = read_exactly(value, self._max_bytes)
                sure = self._native and all(name in document for name in SURE_STATUS_FIELDS)
                if self._only_native or sure:
                    batch.statuses.append(native_status_of(document, self._checks, latest))
                    continue
                mapped = self._mapping.mapped(document, record, latest)
                if mapped is None:
                    batch.unmapped += 1
                elif mapped.status is None:
                    batch.no_signal[mapped.rule] = batch.no_signal.get(mapped.rule, 0) + 1
                else:
                    batch.statuses.append(mapped.status)
            except Refused as refused:
                batch.dead_letters.append(refused.dead_letter(record))
        return batch


def _check_key(record: RawRecord, customer_id: str) -> None:
    if not record.key:
        raise Refused(RejectReason.MISSING_KEY, "the record has no key; it must be the customer id")
    if record.key != customer_id.encode():
        name = shown(record.key.decode("utf-8", "replace"))
        raise Refused(RejectReason.KEY_MISMATCH, f"the key is {name}, customer_id is {shown(customer_id)}")
