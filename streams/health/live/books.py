"""Health of one source partition, live: signals in, windows, parts and customers in trouble out.

The signals of the horizon are the state; everything else follows from them, so that whoever restores them goes on
alike. A minute is counted when the clock of the company reaches it, and again when a late signal, or another word of
the ledger, changes what it holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from streams.facts.definitions.model import Definitions
from streams.facts.models import DeadLetter, RawRecord
from streams.health.admission import AdmittedSignals, SignalAdmission
from streams.health.columns import Kind
from streams.health.live.complaints import Complaints
from streams.health.live.counting import Places, count_minute
from streams.health.live.exposures import Exposures
from streams.health.live.followed import FollowedTroubles
from streams.health.live.handing_over import HandedRecord, HandingOver
from streams.health.live.held import HeldSignals
from streams.health.live.hurt_list import Disruption, HealthNumber, HurtList, disruptions
from streams.health.live.known import KnownCustomers, LedgerView
from streams.health.live.learning import HourlyLatencies
from streams.health.live.named_counts import NamedCounts
from streams.health.live.parts import HealthProgress, NamedSpan, Record
from streams.health.live.running import LONGEST, Running
from streams.health.live.saved import SavedHealth
from streams.health.live.telling import Telling
from streams.health.live.troubles import Troubles
from streams.health.needs import Needs
from streams.health.recount import SignalCounts
from streams.health.red_spells import RedSpell
from streams.intake.origins import ledger_agreement_of
from streams.ledger.changelog import ChangelogReader
from streams.ledger.remembered import NEVER
from streams.ledger.rules import HOUR, MINUTE
from streams.tables.calendar import Calendar
from streams.tables.watermark import ClockRules, PartitionWatermark

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode

MINUTES_AT_ONCE = 20


@dataclass(slots=True)
class HealthFlush:
    """What one flush writes; `troubles` are records of `customers-in-trouble`."""

    changelog: list[Record]
    parts: list[Record]
    dead_letters: list[DeadLetter]
    troubles: list[Record]
    epoch: int
    handovers: list[HandedRecord] = field(default_factory=list)


@dataclass(slots=True)
class _Unwritten:
    dead_letters: list[DeadLetter] = field(default_factory=list)
    anything: bool = False


class HealthBooks:
    """State of one partition of `qos-signals` (`agents.partition_state.PartitionState`).

    Attributes:
        next_offset: the first record that has not been applied; None: nothing has been, and no state was restored.
        watermark: what the partition's reading tells of time.
        late: signals older than the horizon when they came, which are not counted.
        clock: of the company, as far as this partition has counted to it; None before the first.
    """

    def __init__(
        self, partition: int, partitions: int, definitions: Definitions, admission: SignalAdmission,
        clock_rules: ClockRules, ledger: LedgerView, needs: Needs, edition: str = "",
    ) -> None:  # fmt: skip
        """`needs` is shared with the company's health, which lets it learn."""
        self.partition = partition
        self.definitions = definitions
        self.next_offset: int | None = None
        self.epoch = 0
        self.watermark = PartitionWatermark(clock_rules)
        self.records = SignalCounts()
        self.late = 0
        self.clock: int | None = None
        rules = definitions.health
        self._partitions = partitions
        self._rules = rules
        self._admission = admission
        self._clock_rules = clock_rules
        self._needs = needs
        self._calendar = Calendar(definitions.time_zone)
        self._largest = NEVER
        self._held = HeldSignals()
        self._places = Places()
        self._running = Running(self._places, self._held)
        self._handing = HandingOver(
            self._held, self._running, ledger, partition, partitions,
            ledger_agreement_of(definitions.name, definitions.version, edition),
        )
        self._known = KnownCustomers(ledger, self._held.customers.names)
        self._hours = HourlyLatencies(needs.is_stated, rules.disruption.tolerating_is_bad, rules.learning.days)
        self._troubles = Troubles(definitions)
        self._telling = Telling(partition, self._places, self._running)
        self._followed = FollowedTroubles(definitions, self._running, self._places, self._held, self._known)
        self._named_counts = NamedCounts(self._running, self._places)
        self._exposures = Exposures(rules.before_leaving_us, self._held.customers.names, self._known)
        self._saved = SavedHealth(
            self._held, self._places, self._running, self._hours, self._troubles, self._followed, self._exposures
        )
        self._log = self._saved.log
        self._unwritten = _Unwritten()
        self._forgotten = 0  # signals of minutes before it are let go
        self._began = self._restored = False
        self._troubles_changed = False
        self._to_tell: set[str] = set()  # in trouble, by the changelog, and not told of
        self._over: set[str] = set()  # told to be over, and still in the changelog
        self._told: HealthProgress | None = None

    @property
    def has_unwritten(self) -> bool:
        """Whether records wait for the next flush."""
        return self._unwritten.anything or bool(self._held.dirty) or bool(self._handing.outgoing)

    def apply(self, records: Sequence[RawRecord], next_offset: int) -> AdmittedSignals:
        """Apply the next records of the partition; `next_offset` is the offset after the last of them."""
        horizon, largest = self._rules.horizon_us, self._largest
        told, handed = self._handing.among(records)
        for signals in handed:
            self.late += self._handing.receive(signals, largest - horizon)
        batch = self._admission.admit(told)
        self.records.count(batch)
        self._unwritten.dead_letters.extend(batch.dead_letters)
        in_time = []
        for signal in batch.signals:
            at = signal.at
            if at > largest:
                largest = at
            elif at < largest - horizon:
                self.late += 1
                continue
            in_time.append(signal)
        self._held.add(in_time)
        if largest > self._largest:
            self._largest = largest
            appended = records[-1].timestamp_ms
            self.watermark.admit(largest, None if appended is None else appended * 1000)
        self.watermark.read()
        self.next_offset = next_offset
        self._unwritten.anything = True
        return batch

    def ledger_changed(self, customers: Iterable[str]) -> None:
        """The ledger has another word of these customers: they count elsewhere, or are worth more or less."""
        customers = list(customers)
        self._followed.ledger_changed(customers)
        self._exposures.ledger_changed(customers)
        numbers = self._held.customers.numbers
        self._ask_anew([numbers[name] for name in customers if name in numbers])

    def linked(self, ids: Iterable[str]) -> None:
        """These ids are aliases now: what is held of them belongs to others."""
        self._handing.linked(ids)

    def _ask_anew(self, numbers: Sequence[int]) -> None:
        if not numbers:
            return
        moved, is_worth_other = self._known.changed(numbers)
        if len(moved):
            self._held.dirty.update(one for one in self._running.minutes_of(moved) if one >= self._forgotten)
        self._telling.changed |= is_worth_other or len(moved) > 0

    # The clock

    def follow(
        self, troubles: Sequence[RedSpell], complaints: Complaints | None, subsets: Sequence[NamedSpan]
    ) -> None:
        """The troubles of the company, by their start, what customers complain of, and the subsets that are named.

        Without `complaints` nobody listens.
        """
        self._followed.follow(troubles, complaints)
        self._named_counts.follow(subsets)

    def advance(self, clock: int | None, most: int = MINUTES_AT_ONCE) -> bool:
        """Count up to the clock of the company, at most so many minutes; says whether there are more."""
        self._held.settle()
        if self._known.is_other_ledger():
            self._ask_anew(range(len(self._held.customers.names)))
            self._handing.linked_anew()
            self._followed.ask_all_anew()
            self._exposures.ask_all_anew()
        self._handing.hand_over()
        if clock is None:
            return False
        target = clock // MINUTE
        running = self._running
        if not self._began:
            self._begin(target)
        self._recount()
        while running.minute < target:
            if most <= 0:
                return True
            most -= 1
            self._telling.minute_is_over(running.minute)
            following = self._next_minute(target)
            self._telling.changed |= running.slide(following)
            self._troubles_changed = True
            self._recount()
        self.clock = clock if self.clock is None else max(clock, self.clock)
        is_more = self._exposures.ask()
        return self._followed.work(most) or is_more

    def _begin(self, target: int) -> None:
        """The windows begin a day back, with a whole hour, since hours are learnt from, or where spells end."""
        self._began = True
        first = self._calendar.hour_start((target - LONGEST) * MINUTE) // MINUTE
        first = min(first, self._exposures.settled)
        self._held.dirty = {minute for minute in (*self._held.minutes, *self._saved.closed) if minute >= first}
        self._running.minute = min([*self._held.dirty, target])
        self._running.since = first
        self._hours.reset(max(first, self._forgotten) * MINUTE)

    def _next_minute(self, target: int) -> int:
        """The next minute that holds anything, at most the target."""
        now = self._running.minute
        return min((minute for minute in self._held.dirty if now < minute < target), default=target)

    def _recount(self) -> None:
        """Count again the minutes that changed, up to the running one."""
        running, now = self._running, self._running.minute
        ripe = sorted(minute for minute in self._held.dirty if minute <= now)
        self._held.dirty.difference_update(ripe)
        for minute in ripe:
            if minute <= now - LONGEST:
                continue
            if minute < self._forgotten:
                self._exposures.count(minute, self._saved.take_closed(minute))
                continue
            hour = self._calendar.hour_start(minute * MINUTE)
            self._needs.begin(hour)
            before = running.minutes.get(minute)
            if before is not None:
                self._hours.add(hour, before, self._places, running.whole_of, -1)
            counts = count_minute(
                self._held, self._held.rows(minute), self._known.profiles, self._places, self._needs,
                self._rules.disruption,
            )
            running.put(minute, counts)
            self._exposures.count(minute, counts)
            self._followed.touched(minute)
            if counts is not None:
                self._hours.add(hour, counts, self._places, running.whole_of, 1)
            if minute < now:
                self._telling.minute_is_over(minute)
        if ripe:
            self._telling.changed = self._troubles_changed = True

    # Who is behind a number

    def hurt_list(self, number: HealthNumber) -> HurtList:
        """A list to be filled with the customers of this partition."""
        return HurtList(number, self._running, self._places, self._held, self._known.find)

    def disruptions(self, customer_id: str) -> Iterator[Disruption | None]:
        """The disruptions of a customer that the windows hold; None between two pieces of work."""
        return disruptions(self._running, self._places, self._held, customer_id)

    # What is written

    def flush(self, now: int) -> HealthFlush | None:
        """What changed since the last flush; None when there is nothing to write. `now`: wall clock."""
        self._held.settle()
        self._handing.hand_over()
        moved = self._save_troubles()
        parts = self._part_records(now)
        if not (
            self._unwritten.anything or parts or moved or self._to_tell or self._log.has_unwritten
            or self._handing.outgoing
        ):  # fmt: skip
            return None
        unwritten, self._unwritten = self._unwritten, _Unwritten()
        handovers, self._handing.outgoing = self._handing.outgoing, []
        self._saved.save()
        self._forget()
        self._held.lay_aside()
        state = self.watermark.state(now)
        changelog = self._log.records(
            next_offset=self.next_offset or 0, watermark=self._largest, clock=NEVER, partitions=self._partitions,
            definitions=self._named, counts=_encode(self._counts()), fresh=state.fresh,
        )
        return HealthFlush(changelog, parts, unwritten.dead_letters, moved, self.epoch, handovers)

    @property
    def _named(self) -> tuple[str, str]:
        return self.definitions.name, self.definitions.version

    def _part_records(self, now: int) -> list[Record]:
        """Nothing before the windows have come to the clock: with its progress what an owner before told is void."""
        state = self.watermark.state(now)
        progress = HealthProgress(
            self.next_offset or 0, state.largest, state.idle, state.fresh, self._running.minute, self._named,
            self.accounting(), len(self._troubles), state.end,
        )  # fmt: skip
        parts: list[Record] = []
        if self.clock is None and self._restored:
            return parts
        if self.clock is not None:
            self._telling.exposure(self._exposures, now)
            if self._followed.changed:
                self._followed.changed = False
                self._telling.troubles(self._followed.found())
            self._telling.named(self._named_counts.found())
            parts = self._telling.records(progress, self.epoch, self._known, self._hours, now)
        if parts or progress != self._told:
            self._told = progress
            parts.append(self._telling.progress(progress, self.epoch))
        return parts

    def _save_troubles(self) -> list[Record]:
        """Who is in trouble is told once the changelog knows it, and known until it was told that it is over.

        So whoever goes on after a crash knows of everybody who was told of.
        """
        if self.clock is None:
            return []
        over: set[str] = set()
        known, told = self._over, self._to_tell
        if self._troubles_changed:
            self._troubles_changed = False
            moved = self._troubles.turn_to(self._disrupted_now())
            over = {customer_id for customer_id in moved if self._troubles.payload(customer_id) is None}
            self._to_tell = moved - over
            known = known | self._to_tell
        else:
            self._to_tell = set()
        self._over = over
        self._saved.save_troubles(known)
        return self._troubles.records(told | over, self._known.find)

    def _disrupted_now(self) -> dict[str, dict[Kind, int]]:
        names = self._held.customers.names
        now: dict[str, dict[Kind, int]] = {}
        for whole, customer, minute in self._running.disrupted_now():
            scope = self._places.scopes[whole]
            now.setdefault(names[customer], {})[scope.service, scope.stage] = minute
        return now

    def _forget(self) -> None:
        """Let go of signals beyond the horizon; of minutes within the windows their counts are kept."""
        if self._largest == NEVER:
            return
        before = (self._largest - self._rules.horizon_us) // HOUR * (HOUR // MINUTE)
        # A minute that is yet to be counted keeps its signals.
        before = min(before, self._running.minute // 60 * 60) if self._began else self._forgotten
        left, settled = self._running.minute - LONGEST + 1, self._exposures.settled
        # By the hour, and before what the spells are made of goes.
        if self._began and (left // 60 * 60 > settled or before > max(self._forgotten, settled)):
            self._saved.settle(left)
        if before > self._forgotten:
            self._saved.outlive(self._forgotten, before)
            self._forgotten = before
            self._held.forget(before)
            new = self._held.renumber(self._running.customers())
            if new is not None:
                self._running.renumber(new)
                self._known.renumber(self._held.customers.names)
                self._exposures.renumbered(self._held.customers.names)
                self._handing.renumbered()
        old = self._hours.forget(self._largest)
        self._saved.forget(old)
        self._telling.forget_hours(old)

    def accounting(self) -> dict[str, Any]:
        """What became of this partition's records."""
        return self.records.told("signals") | {"duplicates": self._held.duplicates, "late": self.late}

    def _counts(self) -> dict[str, Any]:
        return self.accounting() | {"forgotten": self._forgotten}

    # Recovery

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Take over what the changelog holds; for fresh books only.

        Raises:
            msgspec.MsgspecError, ValueError: a value was written by another version of this program.
        """
        self.epoch = epoch
        self._log.restore(reader, epoch)
        saved = reader.progress
        if saved is None:
            return
        # Where nothing was counted there are no windows that must come to the clock, and no clock to come to.
        self._restored = saved.watermark > NEVER
        counts = _decode(saved.counts)
        self.records.restore(counts, "signals")
        self.late, self._forgotten = counts["late"], counts["forgotten"]
        self._largest = saved.watermark
        for key, payload in sorted(reader.values.items()):
            self._saved.restore(key, payload)
        self._to_tell = self._troubles.customers
        self._held.duplicates = counts["duplicates"]
        self.next_offset = saved.next_offset
        if saved.watermark > NEVER:
            self.watermark = PartitionWatermark(self._clock_rules, saved.watermark, saved.fresh)

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys of the changelog again with the next flush; gives those that have no value."""
        return self._saved.rewrite(keys)

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        """Write these records of `health-parts` again with the next flush."""
        self._telling.again(list(keys), self._hours)
        self._followed.changed = True
