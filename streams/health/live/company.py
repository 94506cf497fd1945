"""Health of the whole company, out of the parts of all partitions (`streams.health.live.parts`).

Every worker adds them up, so that each answers for the company and all of them name the same subsets: a minute is
looked at when every partition has told of it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from streams.facts.definitions.model import Definitions
from streams.health.columns import Kind
from streams.health.detection import Known
from streams.health.latencies import Bins
from streams.health.live.company_exposure import CompanyExposure
from streams.health.live.company_named import CompanyNamed
from streams.health.live.company_windows import CompanyWindows
from streams.health.live.complaints import Complaints
from streams.health.live.kept_minutes import KeptMinutes, count_alike
from streams.health.live.minute_colours import MinuteColours
from streams.health.live.outcomes import TroubleOutcomes
from streams.health.live.parts import (
    EXPOSURE_PART,
    HOUR_PART,
    MEMORY_PART,
    MINUTE_PART,
    NAMED_PART,
    PROGRESS_PART,
    STATUS_PART,
    TROUBLES_PART,
    WINDOWS,
    ExposurePart,
    HealthProgress,
    HourPart,
    NamedPart,
    NamedSpan,
    StatusPart,
    TroublesPart,
    WindowsPart,
    read_part_key,
    unpack_part,
)
from streams.health.live.running import LONGEST
from streams.health.live.running import WINDOWS as WINDOW_MINUTES
from streams.health.live.search import MinuteSearch
from streams.health.naming import Named, WatchMemory
from streams.health.needs import Needs
from streams.health.parts import ScopeName
from streams.health.red_spells import RedSpell
from streams.health.status import FORGIVEN_MINUTES, FalseGreen, FalseGreens, StatusBook
from streams.health.tables import learn
from streams.ledger.rules import MINUTE
from streams.tables.calendar import Calendar
from streams.tables.watermark import ClockRules, PartitionState, TablesClock

MINUTES_AT_ONCE = 50

_progress = msgspec.msgpack.Decoder(HealthProgress).decode
_windows = msgspec.msgpack.Decoder(WindowsPart).decode
_named = msgspec.msgpack.Decoder(NamedPart).decode
_hour = msgspec.msgpack.Decoder(HourPart).decode
_memory = msgspec.msgpack.Decoder(WatchMemory).decode
_exposure = msgspec.msgpack.Decoder(ExposurePart).decode
_troubles = msgspec.msgpack.Decoder(TroublesPart).decode
_status = msgspec.msgpack.Decoder(StatusPart).decode


class CompanyHealth:
    """The parts of all partitions put together.

    Attributes:
        progress, status_progress: of each partition of signals and of statuses, as last told.
        needs: what customers need, learnt as hours end where nothing is stated.
        windows: every scope over the windows.
        statuses: what operations said.
        colours: scopes that were red or yellow, and customers disrupted, by minute.
        exposure: whether the disrupted leave more.
        complaints: what customers complain of lately; None: nobody listens, so that who knew first is unknown.
    """

    def __init__(
        self, definitions: Definitions, partitions: int, clock_rules: ClockRules
    ) -> None:
        self.definitions = definitions
        self.progress: dict[int, HealthProgress] = {}
        self.status_progress: dict[int, HealthProgress] = {}
        self.needs = Needs(definitions.health)
        self.windows = CompanyWindows()
        self.statuses = StatusBook(definitions.health.status_stale_us // MINUTE)
        self._partitions = partitions
        self._calendar = Calendar(definitions.time_zone)
        self._clock = TablesClock(clock_rules, partitions)
        self._epochs: dict[int, int] = {}
        self._status_epochs: dict[int, int] = {}
        self._minutes = KeptMinutes()
        self._hours: dict[int, dict[int, HourPart]] = {}
        self._learnt_to = 0
        self._passed = 0  # minutes before it were looked at
        self._search = MinuteSearch(definitions.health.subsets, self._calendar)
        self._named = CompanyNamed(partitions, definitions.health.subsets.least)
        self.colours = MinuteColours(definitions.health)
        self._judged: tuple[tuple[int, int, int], FalseGreens] | None = None
        self._outcomes = TroubleOutcomes(self.colours)
        self.exposure = CompanyExposure(definitions.health.before_leaving_us)
        self.complaints: Complaints | None = None

    @property
    def clock(self) -> int | None:
        """The smallest watermark of all partitions, microseconds; None before there is one."""
        return self._clock.clock

    @property
    def passed(self) -> int:
        """Minutes since 1970 that are over and were looked at."""
        return self._passed

    @property
    def disrupted(self) -> dict[int, dict[ScopeName, int]]:
        """Minute since 1970 to the customers disrupted in it, by scope; two weeks back, and none of 0."""
        return self.colours.disrupted

    @property
    def named(self) -> list[Named]:
        """Every subset that was named, by when it began."""
        return self._named.shown(self._search.named)

    @property
    def subsets_asked(self) -> Sequence[NamedSpan]:
        """Subsets whose customers the partitions are to count."""
        return self._named.asked(self._search.named, self._search.now)

    def apply(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `health-parts`.

        Raises: msgspec.MsgspecError for a record that no worker wrote.
        """
        where = read_part_key(key)
        number = where.partition
        if value is None:
            if where.what == HOUR_PART:
                self._hours.pop(where.number, None)
            return
        epoch, payload = unpack_part(value)
        if where.what == MEMORY_PART:
            self._search.recall((where.of, where.stage), _memory(payload))
            return
        if epoch < self._epochs.get(number, 0):
            return
        if where.what == WINDOWS:
            self.windows.put((where.of, where.stage), number, where.number, epoch, _windows(payload))
        elif where.what == MINUTE_PART:
            self._take_minute(where.number, number, epoch, bytes(payload))
        elif where.what == HOUR_PART:
            self._hours.setdefault(where.number, {})[number] = _hour(payload)
        elif where.what == TROUBLES_PART:
            self._outcomes.put(number, _troubles(payload).found)
        elif where.what == NAMED_PART:
            self._named.put(number, _named(payload).counts)
            self._named.settle(self._search.named)
        elif where.what == EXPOSURE_PART:
            self.exposure.put(number, _exposure(payload))
        elif where.what == PROGRESS_PART:
            self.progress[number] = _progress(payload)
            if epoch > self._epochs.get(number, 0):
                self._epochs[number] = epoch
                self._drop(number, epoch)

    def apply_status(self, key: bytes, value: bytes | None) -> None:
        """Take one record of `status-parts`.

        Raises: msgspec.MsgspecError for a record that no worker wrote.
        """
        where = read_part_key(key)
        if value is None:
            return
        epoch, payload = unpack_part(value)
        if epoch < self._status_epochs.get(where.partition, 0):
            return
        self._status_epochs[where.partition] = epoch
        if where.what == STATUS_PART:
            part = _status(payload)
            self.statuses.replace(part.feed, part.steps)
        elif where.what == PROGRESS_PART:
            self.status_progress[where.partition] = _progress(payload)

    def _drop(self, partition: int, epoch: int) -> None:
        """What older owners of the partition told is void; minutes that were looked at, and troubles, stand."""
        self.windows.drop(partition, epoch)
        self._minutes.void(partition, epoch, self._passed)

    def _take_minute(self, minute: int, partition: int, epoch: int, part: bytes) -> None:
        if minute < self._passed - LONGEST:
            return
        before = self._minutes.put(minute, partition, epoch, part)
        if minute < self._passed and (before is None or not count_alike(before, part)):
            parts = self._minutes.parts(minute)
            self._search.correct(minute, parts)
            self.colours.note(minute, parts.values())

    # The clock

    def states(self) -> dict[int, PartitionState]:
        """What each partition last told of its time."""
        return {
            number: PartitionState(one.watermark, one.idle, one.fresh, one.end)
            for number, one in self.progress.items()
        }

    @property
    def tables_clock(self) -> TablesClock:
        """What keeps the clock."""
        return self._clock

    def advance(self, now: int, unread: Collection[int] = ()) -> int | None:
        """Move the clock on by what all partitions told; `now` is the wall clock, microseconds.

        `unread`: partitions that hold more than was read of them, whatever was told.
        """
        return self._clock.advance(self.states(), now, unread)

    def look(self, most: int = MINUTES_AT_ONCE) -> bool:
        """Look at the next minutes of which every partition has told; says whether there are more."""
        if len(self.progress) < self._partitions:
            return False
        before, done = self._passed, min(one.done for one in self.progress.values())
        ripe = self._minutes.ripe(self._passed, done)
        for minute in ripe[:most]:
            self._learn(self._calendar.hour_start(minute * MINUTE))
            parts = self._minutes.parts(minute)
            self._search.look(minute, parts)
            self._passed = minute + 1
            self.colours.note(minute, parts.values())
        if ripe:
            self._named.settle(self._search.named)
        if len(ripe) <= most:
            self._passed = max(self._passed, done)
            self._learn(self._calendar.hour_start(done * MINUTE))
        if self._passed != before:
            self._minutes.pass_to(self._passed)
            self.colours.forget(self._passed)
        return len(ripe) > most

    def _learn(self, before: int) -> None:
        """Hours that ended before this instant teach what customers need."""
        if before <= self._learnt_to:
            return
        rules = self.definitions.health
        for hour in sorted(one for one in self._hours if self._learnt_to <= one < before):
            kinds: dict[Kind, tuple[Bins, list[int]]] = {}
            for part in self._hours[hour].values():
                for service, stage, bad, count, bins in part.kinds:
                    latencies, counts = kinds.setdefault((service, stage), (Bins(), [0, 0]))
                    counts[0] += bad
                    counts[1] += count
                    for place, times in bins.items():
                        latencies.count(place, times)
            for kind, (latencies, counts) in sorted(kinds.items(), key=lambda one: one[0]):
                learn(rules, self.needs, kind, hour, latencies, *counts)
        self._learnt_to = before

    def memories(self) -> list[tuple[Kind, WatchMemory]]:
        """What the search has learnt so far, for workers that begin."""
        return list(self._search.memories(self._passed - 1))

    # Answers

    @property
    def accounting(self) -> dict[str, Any]:
        """What became of all records of signals."""
        return _added(self.progress)

    @property
    def status_accounting(self) -> dict[str, Any]:
        """What became of all records of statuses."""
        return _added(self.status_progress)

    def false_greens(self) -> list[FalseGreen]:
        """Spells in which customers were red and operations said up."""
        return self._judged_now().all()

    @property
    def status_unknown_minutes(self) -> int:
        """Red minutes of which nobody knows what operations said (`FalseGreens.unknown_minutes`)."""
        return self._judged_now().unknown_minutes

    def _judged_now(self) -> FalseGreens:
        """Asked for several times by every page and scrape."""
        of = self._passed, self.colours.changes, self.statuses.changes
        if self._judged is None or self._judged[0] != of:
            self._judged = of, self.colours.false_greens(self.statuses)
        return self._judged[1]

    @property
    def status_is_known(self) -> bool:
        """Whether any word of operations holds now."""
        return self.statuses.is_known(self._passed)

    def troubles(self) -> Sequence[RedSpell]:
        """Troubles of the last week by their start; the same object as long as they are the same."""
        return self._outcomes.troubles(self._passed)

    def troubles_known(self) -> list[tuple[RedSpell, Known]]:
        """The same, with what came of them."""
        return self._outcomes.known(self._passed)

    @property
    def in_trouble(self) -> int:
        """Customers disrupted now, each once."""
        return sum(one.in_trouble for one in self.progress.values())

    def span(self, window: str) -> tuple[int, int] | None:
        """[start, end) of a window at the clock, microseconds; None before there is a clock."""
        if self.clock is None:
            return None
        end = (self.clock // MINUTE + 1) * MINUTE
        return end - WINDOW_MINUTES[window] * MINUTE, end

    def lasting(self) -> list[FalseGreen]:
        """Of these, those that go on."""
        return [one for one in self.false_greens() if self.lasts(one)]

    def lasts(self, spell: FalseGreen | RedSpell) -> bool:
        """Whether a spell may still go on."""
        return spell.end + FORGIVEN_MINUTES >= self._passed


def _added(progress: Mapping[int, HealthProgress]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in progress.values():
        for name, told in one.accounting.items():
            if isinstance(told, dict):
                of_name = found.setdefault(name, {})
                for reason, count in told.items():
                    of_name[reason] = of_name.get(reason, 0) + count
            else:
                found[name] = found.get(name, 0) + told
    return found
