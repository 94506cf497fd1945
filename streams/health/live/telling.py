"""What a partition tells the company, out of its windows: parts that changed since they were last told."""

import msgspec
import numpy as np

from streams.health.live.counting import LOWEST_BIN, Places
from streams.health.live.exposures import Exposures
from streams.health.live.known import KnownCustomers
from streams.health.live.learning import HourlyLatencies
from streams.health.live.parts import (
    EXPOSURE_PART,
    HOUR_PART,
    MINUTE_PART,
    NAMED_PART,
    PROGRESS_PART,
    TROUBLES_PART,
    WINDOWS,
    ExposurePart,
    HealthKey,
    HealthProgress,
    LatencyColumns,
    MinutePart,
    NamedCount,
    NamedPart,
    Record,
    TroubleFound,
    TroublesPart,
    WindowsPart,
    key_of_part,
    pack_latencies,
    pack_part,
    packed,
    read_part_key,
)
from streams.health.live.running import LONGEST, Running, window_matrix
from streams.health.live.tally import Ints
from streams.health.naming import RECENT
from streams.ledger.rules import SECOND
from streams.state_log import PartsLog

PIECE = 1_000
"""Scopes of a service and stage in one record: some 2 MB at most, well below the largest record."""

KEPT_MINUTES = 30
"""Back from the running minute, in which it is known of which combinations each minute told."""

WINDOWS_EVERY_US = SECOND
"""Of the wall clock between two tellings of the windows, which may all change with every signal."""


EXPOSURE_EVERY_US, PER_CUSTOMERS = 5 * SECOND, 50_000
"""Of the wall clock between two tellings of exposure, longer by as much for each so many customers."""


class Telling:
    """Parts of one partition.

    Attributes:
        changed: whether the windows changed since they were told.
    """

    def __init__(self, partition: int, places: Places, running: Running) -> None:
        self.changed = False
        self._partition = partition
        self._places = places
        self._running = running
        self._log = PartsLog()
        self._over: dict[int, None] = {}
        self._told_minutes: dict[int, None] = {}
        self._told_groups: dict[int, Ints] = {}
        self._pieces: set[tuple[str, str, int]] = set()
        self._groups: Ints = np.zeros((0, 2 * len(RECENT)), dtype=np.int64)
        self._minutes: list[tuple[int, MinutePart]] = []
        self._told_at = 0
        self._troubles: TroublesPart | None = None
        self._named: list[NamedCount] = []
        self._named_anew = False
        self._exposure: ExposurePart | None = None
        self._exposure_at = self._exposure_of = 0

    def troubles(self, found: list[TroubleFound]) -> None:
        """What is known of troubles changed."""
        self._troubles = TroublesPart(found)

    def named(self, counts: list[NamedCount]) -> None:
        """How many customers the subsets are that the company named."""
        if counts != self._named:
            self._named, self._named_anew = counts, True

    def exposure(self, exposures: Exposures, now: int) -> None:
        """Disruption before losses, if it is time to tell of it; `now`: the wall clock."""
        minute = self._running.minute
        if not exposures.asked or (not exposures.changed and (minute == self._exposure_of or not len(exposures))):
            return
        if now - self._exposure_at >= EXPOSURE_EVERY_US * (1 + len(exposures) // PER_CUSTOMERS):
            self._exposure_at, self._exposure_of, exposures.changed = now, minute, False
            self._exposure = exposures.part(minute)

    def minute_is_over(self, minute: int) -> None:
        """The minute is over, or was corrected afterwards; its part is what it holds now.

        Spans that a correction changed are told with the running minute: where the corrected one was looked at
        already they would be lost.
        """
        size = len(self._places.combinations)
        groups = np.concatenate([span.distinct(size) for span in self._running.spans.values()], axis=1)
        before = np.zeros_like(groups)
        before[: len(self._groups)] = self._groups
        if minute == self._running.minute:
            changed = np.flatnonzero((groups != before).any(axis=1))
            self._groups = groups
            self._told_groups[minute] = changed.astype(np.int32)
        else:
            told = self._told_groups.get(minute)
            changed = np.flatnonzero(groups.any(axis=1)) if told is None else told.astype(np.int64)
        found, seen, hurt = self._running.units(minute)
        numbers = np.union1d(found, changed)
        if not len(numbers) and minute not in self._told_minutes:
            return
        units = np.zeros((len(numbers), 2), dtype=np.int64)
        units[np.searchsorted(numbers, found)] = np.stack((seen, hurt), axis=-1)
        scopes, scope_seen, scope_hurt = self._running.scope_minute(minute)
        part = MinutePart(
            [self._places.combinations[one] for one in numbers.tolist()], packed(units), packed(groups[numbers]),
            [self._places.scopes[one] for one in scopes.tolist()],
            packed(np.stack((scope_seen, scope_hurt), axis=-1)),
        )  # fmt: skip
        self._told_minutes[minute] = None
        self._minutes.append((minute, part))

    def records(
        self, progress: HealthProgress, epoch: int, known: KnownCustomers, hours: HourlyLatencies, now: int
    ) -> list[Record]:
        """Everything that changed, progress not among it; `now`: the wall clock, microseconds."""
        stamp = progress.next_offset
        just_told = {minute for minute, _ in self._minutes}
        for minute, part in self._minutes:
            self._log.put(self._key(MINUTE_PART, number=minute), pack_part(stamp, part, epoch))
        self._minutes = []
        for minute in [one for one in self._told_groups if one <= self._running.minute - KEPT_MINUTES]:
            del self._told_groups[minute]
        # After a jump of the clock a minute is told when it is old already: it goes with a later flush.
        for minute in [one for one in self._told_minutes if one <= self._running.minute - LONGEST]:
            if minute in just_told:
                continue
            del self._told_minutes[minute]
            self._log.delete(self._key(MINUTE_PART, number=minute))
        for hour in sorted(hours.untold):
            self._log.put(self._key(HOUR_PART, number=hour), pack_part(stamp, hours.part(hour), epoch))
        hours.untold = set()
        if self._troubles is not None:
            # Told alike as long as nothing in it changed: the offset is no part of it.
            self._log.put(self._key(TROUBLES_PART), pack_part(0, self._troubles, epoch))
            self._troubles = None
        if self._named_anew:
            self._log.put(self._key(NAMED_PART), pack_part(0, NamedPart(self._named), epoch))
            self._named_anew = False
        if self._exposure is not None:
            self._log.put(self._key(EXPOSURE_PART), pack_part(0, self._exposure, epoch))
            self._exposure = None
        if self.changed and now - self._told_at >= WINDOWS_EVERY_US:
            self.changed, self._told_at = False, now
            self._put_windows(epoch, known)
        return self._log.records()

    def forget_hours(self, hours: list[int]) -> None:
        """Nothing is learnt from these any more."""
        for hour in hours:
            self._log.delete(self._key(HOUR_PART, number=hour))

    def _put_windows(self, epoch: int, known: KnownCustomers) -> None:
        running, places = self._running, self._places
        size = len(places.scopes)
        hurt = [window.hurt.parts()[1] for window in running.windows.values()]
        values = known.values(np.unique(np.concatenate(hurt)))
        matrices = {name: window_matrix(window, size, values) for name, window in running.windows.items()}
        alive = np.zeros(size, dtype=bool)
        for matrix in matrices.values():
            alive |= matrix.any(axis=1)
        of_kind: dict[int, list[int]] = {}
        for scope in np.flatnonzero(alive).tolist():
            of_kind.setdefault(places.whole_of[scope], []).append(scope)
        pieces = set()
        for whole, scopes in of_kind.items():
            name = places.scopes[whole]
            for number, start in enumerate(range(0, len(scopes), PIECE)):
                piece = name.service, name.stage, number
                pieces.add(piece)
                numbers = np.array(scopes[start : start + PIECE], dtype=np.int64)
                part = WindowsPart(
                    [places.scopes[one][2:] for one in numbers.tolist()],
                    {window: packed(matrix[numbers]) for window, matrix in matrices.items()},
                    {window: self._latencies(window, numbers) for window in matrices},
                )
                # What is told is alike as long as nothing in it changed: the offset is no part of it.
                self._log.put(self._key(WINDOWS, *piece), pack_part(0, part, epoch))
        for piece in self._pieces - pieces:
            self._log.put(self._key(WINDOWS, *piece), pack_part(0, WindowsPart([], {}, {}), epoch))
        self._pieces |= pieces

    def _latencies(self, window: str, scopes: Ints) -> LatencyColumns:
        tally = self._running.windows[window].latencies
        own, bins = tally.parts()
        chosen = np.isin(own, scopes)
        return pack_latencies(
            np.searchsorted(scopes, own[chosen]), bins[chosen] - LOWEST_BIN, tally.counts[chosen]
        )

    def progress(self, progress: HealthProgress, epoch: int) -> Record:
        """The record that ends a flush."""
        return self._key(PROGRESS_PART), pack_part(progress.next_offset, progress, epoch, is_progress=True)

    def again(self, keys: list[bytes], hours: HourlyLatencies) -> None:
        """Write these again: a late owner has written over them."""
        for key in keys:
            try:
                where = read_part_key(key)
            except msgspec.MsgspecError:
                continue
            if not self._log.forget(key):
                continue
            if where.what == WINDOWS:
                self.changed = True
            elif where.what == HOUR_PART:
                hours.untold.add(where.number)
            elif where.what == MINUTE_PART:
                self.minute_is_over(where.number)
            elif where.what == NAMED_PART:
                self._named_anew = True
            elif where.what == EXPOSURE_PART:
                self._exposure_of = 0

    def _key(self, what: str, of: str = "", stage: str = "", number: int = 0) -> bytes:
        return key_of_part(HealthKey(self._partition, what, of, stage, number))
