"""Perceived health from records, without Kafka: the same admission and counting as the worker's.

Facts and statuses are taken in before the signals, so that each signal meets the customer as it was at its instant.
A block of time is counted once the clock has passed its end by the horizon; what is left, when the records end.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord
from streams.facts.placement import partitions_for
from streams.health.admission import AdmittedSignals, SignalAdmission, StatusAdmission
from streams.health.blocks import Blocks
from streams.health.customers import Histories, NoLedger
from streams.health.detection import Complaint, detection_json
from streams.health.exposure import Loss, exposure, exposure_span
from streams.health.health_json import health_json
from streams.health.partition import PartitionHealth
from streams.health.parts import BlockPart
from streams.health.signals import Signal
from streams.health.tables import HealthTables
from streams.ledger.movements import Change
from streams.ledger.remembered import NEVER
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar
from streams.voice.mentions import HAPPY, UNHAPPY, Digest, Mention

FOREVER = 1 << 62
"""Later than any event time."""


class SignalCounts:
    """What became of records: records = dead-lettered + no_signal + unmapped + signals or statuses."""

    def __init__(self) -> None:
        self.records = 0
        self.taken = 0
        self.no_signal: Counter[str] = Counter()
        self.unmapped = 0
        self.dead_lettered: Counter[str] = Counter()

    def count(self, batch: AdmittedSignals) -> None:
        """Add one batch."""
        self.records += batch.records
        self.taken += len(batch.signals) + len(batch.statuses)
        self.no_signal.update(batch.no_signal)
        self.unmapped += batch.unmapped
        for letter in batch.dead_letters:
            self.dead_lettered[letter.reason.value] += 1

    def restore(self, told: Mapping[str, Any], name: str) -> None:
        """Go on from what `told` gave."""
        self.records, self.unmapped, self.taken = told["records"], told["unmapped"], told[name]
        self.no_signal.update(told["no_signal"])
        self.dead_lettered.update(told["dead_lettered"])

    def told(self, name: str) -> dict[str, Any]:
        """As JSON; `name` is what the records become."""
        return {
            "records": self.records,
            "no_signal": {rule: n for rule, n in sorted(self.no_signal.items()) if n},
            "unmapped": self.unmapped,
            "dead_lettered": {reason: n for reason, n in sorted(self.dead_lettered.items()) if n},
            name: self.taken,
        }


def _under_its_customer(signal: Signal, customer_of: Callable[[str], str]) -> Signal:
    """The signal as the customer's whose alias it names; its id stays apart from those of the customer's own."""
    customer_id = customer_of(signal.customer_id)
    if customer_id == signal.customer_id:
        return signal
    event_id = f"{signal.customer_id}\0{signal.event_id}"
    return msgspec.structs.replace(signal, customer_id=customer_id, event_id=event_id)


class HealthRecount:
    """Perceived health over records in their order of arrival.

    Attributes:
        after_until: signals dated after the end of the clock, which were left out.
        latest: largest event time read; NEVER before the first.
        customer_of: the customer whose alias an id is, else the id; None: nobody is linked.
        complaints: what was said by those who were not happy; None: there are no mentions.
    """

    def __init__(
        self, definitions: Definitions, *, partitions: int = 1, until: int | None = None, by: str | None = None,
        with_facts: bool = False, now_us: Callable[[], int] | None = None,
        on_part: Callable[[BlockPart], None] | None = None,
    ) -> None:  # fmt: skip
        """`by` is `hour` or `day`; `with_facts`: `on_change` will be told of the ledger's movements.

        `on_part` is told of every partition's part of a block that is counted.
        """
        self.definitions = definitions
        self.until = until
        self.after_until = 0
        self.latest = NEVER
        self.customer_of: Callable[[str], str] | None = None
        self.complaints: list[Complaint] | None = None
        self._follows = False
        self._open_until = NEVER
        self._earliest: int | None = None
        self.signals = SignalCounts()
        self.statuses = SignalCounts()
        self.histories = Histories() if with_facts else None
        customers = self.histories or NoLedger()
        calendar = Calendar(definitions.time_zone)
        rules = definitions.health
        self._signal_admission = SignalAdmission(definitions, now_us=now_us)
        self._status_admission = StatusAdmission(definitions, now_us=now_us)
        self._blocks = Blocks(calendar, rules.horizon_us)
        self._partitions = [PartitionHealth(rules, self._blocks.start, customers) for _ in range(partitions)]
        self.tables = HealthTables(rules, calendar, self._partitions, by, on_part)

    def on_change(self, change: Change) -> None:
        """A movement of the ledger."""
        assert self.histories is not None
        self.histories.add(change.customer_id, change.movement, change.sign)

    def tell_time(self, at: int) -> None:
        """An event time of the facts: the clock ends at the largest of all files."""
        self.latest = max(self.latest, at)

    def listen(self) -> None:
        """There are mentions: `hear` will be told of them, before the signals come."""
        self.complaints = []

    def hear(self, mention: Mention, digest: Digest) -> None:
        """A mention or call; whoever is happy does not complain."""
        assert self.complaints is not None
        if digest.mood != HAPPY and (self.until is None or mention.at <= self.until):
            customer_id = mention.customer_id
            if customer_id is not None and self.customer_of is not None:
                customer_id = self.customer_of(customer_id)
            self.complaints.append(Complaint(mention.at, customer_id, digest.topics, digest.mood == UNHAPPY))

    def _follow(self) -> None:
        """Facts and mentions are all read: of whom it is kept when they were disrupted."""
        self._follows = True
        wanted = self.tables.followed.wanted
        wanted.update(one.customer_id for one in self.complaints or () if one.customer_id is not None)
        if self.histories is not None:
            end = FOREVER if self.until is None else self.until
            wanted.update(loss.customer_id for loss in self.histories.losses(NEVER, end))

    def add_statuses(self, records: Sequence[RawRecord]) -> AdmittedSignals:
        """Take in what operations said; what is returned has the dead letters."""
        batch = self._status_admission.admit(records)
        self.statuses.count(batch)
        self.tables.has_status = True
        self.latest = max(self.latest, max((status.at for status in batch.statuses), default=NEVER))
        until = self.until
        self.tables.statuses.add(one for one in batch.statuses if until is None or one.at <= until)
        return batch

    def add(self, records: Sequence[RawRecord]) -> AdmittedSignals:
        """Count the next signals; what is returned has their dead letters."""
        batch = self._signal_admission.admit(records)
        self.signals.count(batch)
        self.take(batch.signals)
        return batch

    def take(self, signals: Sequence[Signal]) -> None:
        """Count signals that were admitted."""
        if not self._follows:
            self._follow()
        if self.customer_of is not None:
            signals = [_under_its_customer(signal, self.customer_of) for signal in signals]
        if signals:
            self.latest = max(self.latest, max(signal.at for signal in signals))
            earliest = min(signal.at for signal in signals)
            self._earliest = earliest if self._earliest is None else min(self._earliest, earliest)
        if self.until is not None:
            until = self.until
            in_time = [signal for signal in signals if signal.at <= until]
            self.after_until += len(signals) - len(in_time)
            signals = in_time
        if len(self._partitions) == 1:
            self._partitions[0].apply(signals)
        elif signals:
            self._spread(signals)
        self._close(min(partition.watermark for partition in self._partitions) - self.definitions.health.horizon_us)

    def clock(self) -> int | None:
        """`until`, or the largest event time read; None before the first signal."""
        if self.until is not None:
            return self.until
        return None if self.latest == NEVER else self.latest

    def finish(self) -> dict[str, Any]:
        """Count what is left; health's JSON."""
        clock = self.clock()
        if clock is not None:
            self._close(None)
            self.tables.finish(clock)
        found = health_json(
            self.definitions, self.tables, clock,
            {
                "signals": self.signals.told("signals"),
                "status": self.statuses.told("statuses"),
                "counted": sum(partition.signals.counted for partition in self._partitions),
                "duplicates": sum(
                    partition.signals.received - partition.signals.counted for partition in self._partitions
                ),
                "late": sum(partition.late for partition in self._partitions),
                "after_until": self.after_until,
            },
            self.histories is not None,
        )  # fmt: skip
        if self.histories is not None and clock is not None:
            told = self._exposure(self.histories, clock)
            if told is not None:
                found["exposure"] = told
        losses: dict[str, Loss] = {}
        if self.histories is not None and clock is not None and self._earliest is not None:
            losses = {loss.customer_id: loss for loss in self.histories.losses(self._earliest, clock)}
        found["mentions_feed"] = "unknown" if self.complaints is None else "read"
        spells = self.tables.red_spells.troubles()
        return found | detection_json(
            spells, self.tables.followed, self.complaints, losses, self.definitions,
            with_losses=self.histories is not None,
        )  # fmt: skip

    def _exposure(self, histories: Histories, end: int) -> dict[str, Any] | None:
        """Disruption before the losses of the whole time that signals cover, in whole minutes."""
        met = {name: minute for partition in self._partitions for name, minute in partition.met.items()}
        hurt = {name: sorted(minutes) for partition in self._partitions for name, minutes in partition.hurt.items()}
        before_us = self.definitions.health.before_leaving_us
        if not met:
            return None
        begin, after = min(met.values()) * MINUTE, (end // MINUTE + 1) * MINUTE
        # Who was only seen once it had left could not have been disrupted before.
        losses = [
            loss for loss in histories.losses(begin, after - 1)
            if loss.customer_id in met and met[loss.customer_id] <= loss.at // MINUTE
        ]  # fmt: skip
        told = exposure(losses, [name for name in histories.stayed(after - 1) if name in met], hurt, before_us)
        return None if told is None else exposure_span(begin, after, before_us) | told

    def _close(self, before: int | None) -> None:
        """Count the blocks that end at or before an instant; None: all."""
        if before is not None and before < self._open_until:
            return
        for start in sorted({block for partition in self._partitions for block in partition.signals.blocks}):
            end = self._blocks.end(start)
            if before is not None and end > before:
                self._open_until = end
                return
            clock = self.clock()
            self.tables.close(start, end, end if clock is None else clock)

    def _spread(self, signals: Sequence[Signal]) -> None:
        shares: list[list[Signal]] = [[] for _ in self._partitions]
        places = partitions_for([signal.customer_id.encode() for signal in signals], len(shares))
        for signal, place in zip(signals, places, strict=True):
            shares[place].append(signal)
        for partition, share in zip(self._partitions, shares, strict=True):
            partition.apply(share)
