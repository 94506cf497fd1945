"""The bank of surges as the state of a partition: what survives a crash, and what is told once.

The bank belongs to whoever owns the one partition of `actions`. Its changelog holds each series, the board and the
actions; a flush writes what became of the series that changed (`streams.surges.series_log`), with the board at that
very minute. What happened to a surge is first written there, beside the state that knows of it, and told with the
flush after: so no event is told that the state does not hold, and none that it holds goes untold. A later owner tells
an event again at most, with the same number and bytes.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from streams.facts.models import DeadLetter, RawRecord
from streams.ledger.changelog import ChangelogReader, Ended, Progress, Value, flush_records
from streams.ledger.remembered import NEVER
from streams.ledger.rules import DAY, HOUR
from streams.surges.actions import NO_OWN_SERIES, Action, AdmittedActions, admit_actions, mark
from streams.surges.bank import SurgeBank
from streams.surges.budget import SurgeRules
from streams.surges.contributions import Contributions
from streams.surges.counting import Count
from streams.surges.course import RecentCounts
from streams.surges.event_records import event_record
from streams.surges.flushed import SavedBoard, SurgeFlush
from streams.surges.hourly import HourlyCounts
from streams.surges.series import Series
from streams.surges.series_log import GROUP, WHOLE, SeriesLog
from streams.surges.sums import add_to, not_negative
from streams.surges.surge import Surge, SurgeEvent
from streams.surges.tie import Tie
from streams.surges.watching import EVERY_US, Watching
from streams.tables.silence import FeedWatch
from streams.tables.watermark import ClockRules, PartitionWatermark

BOARD: Final = b"board"
ACTION: Final = b"a"
HOURLY: Final = b"h"
COUNTS_AT_ONCE: Final = 256
"""Counts that are taken in before others may have their turn."""
NO_PROMISES: Final[Mapping[str, int]] = MappingProxyType({})
ACTIONS_KEPT_US: Final = 60 * DAY
"""After its end an action can explain no surge any more, but for a very long one."""


class DurableSurges:
    """State of the one partition of `actions`, and the bank with it.

    Attributes:
        next_offset: the first action that has not been read; None: none has been, and no state was restored.
        epoch: of this owner.
        watermark: of the actions; nothing waits for it.
        bank: the detectors.
        contributions: what their counts consist of, for evidence. It is not saved: it follows from the tables.
        actions: by id.
        hourly: what people say and why they leave, hour by hour.
        recent: the newest minutes, to say whether a surge grows. Not saved, as `contributions`.
        begins_anew: what another version of this program had learnt could not be read; the detectors warm up again.
        ties: topics whose unhappy mentions come before losses for that reason, as of the last hour.
        watching: states of the series, as of the last five minutes; None: not looked at yet.
        watch: how the feeds have come of which something is counted.
    """

    def __init__(
        self, partition: int, definitions: tuple[str, str], rules: SurgeRules, clock_rules: ClockRules,
        examples: Callable[[Surge], Sequence[str]] | None = None, own: Mapping[str, str] = NO_OWN_SERIES,
        promises: Mapping[str, int] = NO_PROMISES,
    ) -> None:
        """Make an empty one.

        Args:
            definitions: name and version.
            examples: texts that may be shown with a surge; None: none may.
            own: series that the definitions name, and what they count.
            promises: feeds that promise a record so often, microseconds, if only a heartbeat.
        """
        self.partition = partition
        self.next_offset: int | None = None
        self.epoch = 0
        self.watermark = PartitionWatermark(clock_rules)
        self.contributions = Contributions()
        self.bank = self._empty_bank(rules)
        self._series = SeriesLog(self.bank)
        self.begins_anew = False
        self.actions: dict[str, Action] = {}
        self.hourly = HourlyCounts()
        self.recent = RecentCounts()
        self.ties: dict[str, Tie] = {}
        self.watching: Watching | None = None
        self.watch = FeedWatch(promises)
        self._looked_at = NEVER
        self._is_watching_told = True
        self._tied_at = NEVER
        self._definitions = definitions
        self._examples = examples
        self._own = own
        self._number = 0
        self._outbox: list[tuple[bytes, bytes]] = []
        self._durable = 0  # events of the outbox that the changelog holds
        self._again: set[bytes] = set()
        self._changed_actions: set[str] = set()
        self._dead_letters: list[DeadLetter] = []
        self._refused: dict[int, int] = {}
        self._written: set[bytes] = set()
        self._buried: list[bytes] = []
        self._anything = False
        self._flushes = 0
        self._ended: Ended | None = None

    @property
    def has_unwritten(self) -> bool:
        """Whether anything waits for the next flush."""
        return self._anything or bool(self._outbox)

    @property
    def has_untold(self) -> bool:
        """Whether an event waits to be told."""
        return bool(self._outbox)

    def apply(self, records: Sequence[RawRecord], next_offset: int) -> AdmittedActions:
        """Read the next actions; of one id the newest holds."""
        batch = admit_actions(records)
        for action in batch.actions:
            self.actions[action.action_id] = action
            self._changed_actions.add(action.action_id)
        self._dead_letters += batch.dead_letters
        self.watermark.read()
        self.next_offset = next_offset
        self._anything = True
        return batch

    def observe(self, minute_us: int, counted: Iterable[Count], unknown: Collection[str] = ()) -> None:
        """Judge the next minute, which is over; see `SurgeBank.observe`."""
        for _ in self.observing(minute_us, counted, unknown):
            pass

    def observing(
        self, minute_us: int, counted: Iterable[Count], unknown: Collection[str] = ()
    ) -> Iterator[None]:
        """The same in pieces, between which nothing else must be done with the state, nor be flushed."""
        counts: dict[Series, float] = {}
        for number, count in enumerate(counted):
            if number % COUNTS_AT_ONCE == 0:
                yield
            add_to(counts, count)
            self.contributions.add(count)
            self.hourly.add(count)
        if minute_us % DAY == 0:
            self.contributions.forget(minute_us)
        known = not_negative(counts)
        self.recent.add(minute_us, known)
        events = yield from self.bank.observing(minute_us, known, unknown)
        self._take(events)
        self._anything = True

    def filling_in(self, minute_us: int, counted: Iterable[Count]) -> Iterator[None]:
        """What the counts of a minute that was judged consist of, which is not saved; in pieces."""
        counts: dict[Series, float] = {}
        yield
        for number, count in enumerate(counted, 1):
            if number % COUNTS_AT_ONCE == 0:
                yield
            add_to(counts, count)
            self.contributions.add(count)
        self.recent.add(minute_us, not_negative(counts))

    def early(self, minute_us: int, counted: Iterable[Count]) -> None:
        """Judge the running minute by what was counted so far."""
        for _ in self.looking(minute_us, counted):
            pass

    def looking(self, minute_us: int, counted: Iterable[Count]) -> Iterator[None]:
        """The same in pieces, as of `observing`."""
        counts: dict[Series, float] = {}
        for number, count in enumerate(counted):
            if number % COUNTS_AT_ONCE == 0:
                yield
            add_to(counts, count)
        known = not_negative(counts)
        self.recent.note_running(minute_us, known)
        events = yield from self.bank.looking(minute_us, known)
        self._take(events)

    def correct(self, count: Count) -> None:
        """A count that came late for a minute that was judged; it holds where the slot still runs."""
        self.contributions.add(count)
        self.hourly.add(count)
        self.bank.correct(count.minute, dict.fromkeys(count.keys, count.amount))
        self._anything = True

    def refuse(self, letters: Iterable[DeadLetter]) -> None:
        """Answers to surveys that could not be read; each is written once, whoever owns the detectors."""
        for letter in letters:
            place = letter.position
            if place.offset >= self._refused.get(place.partition, 0):
                self._refused[place.partition] = place.offset + 1
                self._dead_letters.append(letter)
                self._anything = True

    def forget(self, measures: Collection[str]) -> None:
        """Let the series of these measures begin anew."""
        for key in [key for key in self.bank.series() if key.measure in measures]:
            self.bank.forget(key)
        self._anything = True

    def pack_ahead(self) -> Iterator[None]:
        """Make the next flush ready, in pieces; it does the rest, whatever that is by then."""
        return self._series.pack()

    def flush(self, now: int) -> SurgeFlush | None:
        """What changed since the last flush; None: nothing."""
        events = self._outbox[: self._durable]
        if not (self._anything or events):
            return None
        del self._outbox[: len(events)]
        self._durable = len(self._outbox)
        values = self._values()
        self._flushes += 1
        progress = Progress(
            self.epoch, self._flushes, self.next_offset or 0, NEVER, self.bank.clock or NEVER, 1, self._definitions,
            b"", False,
        )  # fmt: skip
        ended, self._ended = self._ended, None
        buried, self._buried = self._buried, [value.key for value in values if value.payload is None]
        letters, self._dead_letters = self._dead_letters, []
        self._anything = False
        watching = []
        if self.watching is not None and not self._is_watching_told:
            watching.append(self.watching.record(self._looked_at, self.ties, self.watch.limits()))
            self._is_watching_told = True
        return SurgeFlush(flush_records(values, progress, ended, buried), events, letters, watching)

    def restore(self, reader: ChangelogReader, epoch: int) -> None:
        """Take over what the changelog holds, at once; see `restoring`."""
        for _ in self.restoring(reader, epoch):
            pass

    def restoring(self, reader: ChangelogReader, epoch: int) -> Iterator[None]:
        """Take over what the changelog holds, in pieces; for fresh state only, which is of no use before the end.

        What detectors of another version have learnt begins anew (`begins_anew`); all else must be readable.

        Raises: msgspec.MsgspecError: it was written by another version of this program.
        """
        self.epoch = epoch
        self._ended = reader.ended()
        saved = reader.progress
        if saved is None:
            return
        self.next_offset = saved.next_offset
        self._written = {key for key in reader.values if key[:1] not in (WHOLE, GROUP)}
        for key, payload in reader.values.items():
            if key[:1] == HOURLY:
                self.hourly.restore(int(key[1:]), payload)
            elif key[:1] == ACTION:
                action = msgspec.msgpack.decode(payload, type=Action)
                self.actions[action.action_id] = action
        if BOARD in reader.values:
            board = msgspec.msgpack.decode(reader.values[BOARD], type=SavedBoard)
            yield from self._restoring_bank(board, reader)
            self._number, self._outbox, self._refused = board.number, board.outbox, board.refused
            self._durable = len(self._outbox)
            self.watch.restore(board.feeds)
        self.rewrite(reader.rewrite)

    def _restoring_bank(self, board: SavedBoard, reader: ChangelogReader) -> Iterator[None]:
        bank = self.bank
        try:
            yield from self._series.restoring(reader.values)
            bank.restore_board(board.bank)
        except (msgspec.MsgspecError, ValueError, TypeError, KeyError):
            self.bank = self._empty_bank(bank.rules)
            self._series = SeriesLog(self.bank)
            self._series.begin_anew(reader.values)
            self.begins_anew = True

    def _empty_bank(self, rules: SurgeRules) -> SurgeBank:
        return SurgeBank(rules, evidence=self.contributions, on_event=self._mark)

    def rewrite(self, keys: Iterable[bytes]) -> list[bytes]:
        """Write these keys again with the next flush: an owner before has written over them.

        Gives those that have no value, nor had one in the last flush.
        """
        again = set(keys)
        self._again.update(again)
        self._series.rewrite(again)
        self._anything = True
        return sorted(again - self._written - self._series.written)

    def rewrite_parts(self, keys: Iterable[bytes]) -> None:
        """Nothing: there is no topic of parts."""

    def _take(self, events: Sequence[SurgeEvent]) -> None:
        for event in events:
            self._number += 1
            texts = () if self._examples is None else self._examples(event.surge)
            self._outbox.append(event_record(event, self._number, self.actions, texts))
            self._anything = True

    def looking_around(self) -> Iterator[None]:
        """Look every five minutes what state the series are in, and once an hour what comes before which losses."""
        clock = self.bank.clock
        if clock is None:
            return
        if clock - self._looked_at >= EVERY_US:
            self._looked_at = clock
            watching = Watching()
            yield from watching.looking(self.bank)
            self.watching, self._is_watching_told, self._anything = watching, False, True
        if clock - self._tied_at >= HOUR:
            self._tied_at = clock
            found = {}
            for name, tie in self.hourly.ties(clock):
                if tie is not None:
                    found[name] = tie
                yield
            self.ties = found

    def marked(self, surge: Surge) -> Surge:
        """An open surge with the actions that are at work now."""
        found = msgspec.structs.replace(surge)
        mark(found, self.actions.values(), self.bank.clock or surge.detected, self._own)
        return found

    def _mark(self, event: SurgeEvent) -> None:
        mark(event.surge, self.actions.values(), event.at, self._own)

    def _values(self) -> list[Value]:
        bank, values = self.bank, list[Value]()
        written = set(self._series.written)
        values.extend(Value(key, payload, key in written) for key, payload in self._series.take().items())
        self._changed_actions |= {one for one in self.actions if ACTION + one.encode() in self._again}
        self.hourly.changed |= {int(name[1:]) for name in self._again & self._written if name[:1] == HOURLY}
        self._again = set()
        for action_id in sorted(self._changed_actions):
            payload = msgspec.msgpack.encode(self.actions[action_id])
            values.append(self._value(ACTION + action_id.encode(), payload))
        self._changed_actions = set()
        for hour in sorted(self.hourly.changed):
            values.append(self._value(_hour_key(hour), self.hourly.saved(hour)))
        self.hourly.changed.clear()
        clock = bank.clock
        if clock is not None:
            gone_hours = (_hour_key(hour) for hour in self.hourly.forget(clock))
            values.extend(self._value(name, None) for name in gone_hours if name in self._written)
        for action_id, action in list(self.actions.items()):
            if clock is not None and action.end + ACTIONS_KEPT_US < clock:
                del self.actions[action_id]
                values.append(self._value(ACTION + action_id.encode(), None))
        board = SavedBoard(bank.snapshot_board(), self._number, self._outbox, self._refused, self.watch.feeds)
        values.append(self._value(BOARD, msgspec.msgpack.encode(board)))
        return values

    def _value(self, key: bytes, payload: bytes | None) -> Value:
        value = Value(key, payload, key in self._written)
        if payload is None:
            self._written.discard(key)
        else:
            self._written.add(key)
        return value


def _hour_key(hour: int) -> bytes:
    return HOURLY + str(hour).encode()
