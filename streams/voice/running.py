"""Voice of the whole company, now: tables of minutes, and of windows that run with the clock.

A window is a cell per brand to which minutes are added at its end and taken from at its start, so that distinct
authors are exact at any time without summing a day anew.
"""

from typing import Final, NamedTuple

from streams.ledger.rules import HOUR, MINUTE
from streams.tables.windows import BEGINNING, Span
from streams.voice.mentions import Digest
from streams.voice.tables import MINUTES, Cell, VoiceTables, minute

WINDOWS: Final = {"5m": 5 * MINUTE, "1h": HOUR, "24h": 24 * HOUR}
"""Windows of mentions by name; they end with the minute that holds the clock, as those of the ledger do."""

LONGEST_WINDOW: Final = "24h"
MINUTES_KEPT: Final = WINDOWS[LONGEST_WINDOW] + HOUR


class _Entry(NamedTuple):
    """How a post stands in the windows: counted with this weight, or set apart as `state`."""

    post: Digest
    weight: int
    state: int


class RunningVoice(VoiceTables):
    """Tables by minute of the last day, and of the running windows.

    Attributes:
        windows: window to brand to cell.
        apart: window to brand to state to posts set apart.
    """

    def __init__(self) -> None:
        super().__init__({MINUTES: minute})
        self.windows: dict[str, dict[str, Cell]] = {name: {} for name in WINDOWS}
        self.apart: dict[str, dict[str, dict[int, int]]] = {name: {} for name in WINDOWS}
        self._end = BEGINNING  # of all windows
        self._entries: dict[int, dict[tuple[int, int], _Entry]] = {}  # minute to mention and state

    def book(self, post: Digest, weight: int, sign: int) -> None:
        """Count a post, or with sign -1 take it out again."""
        start = minute(post.at)
        if start < self._end - MINUTES_KEPT or (sign > 0 and (post.mention, 0) in self._entries.get(start, ())):
            return  # Too old, or sent twice so far apart that the groups have forgotten it.
        super().book(post, weight, sign)
        self._enter(start, _Entry(post, weight, 0), sign)

    def set_apart(self, post: Digest, state: int, sign: int) -> None:
        """A post was set apart, or with sign -1 is no longer."""
        start = minute(post.at)
        if start >= self._end - MINUTES_KEPT:
            self._enter(start, _Entry(post, 0, state), sign)

    def advance(self, clock: int) -> None:
        """Move the windows to the clock, microseconds."""
        end = minute(clock) + MINUTE
        before = self._end
        if end <= before:
            return
        self._end = end
        entries = self._entries
        reached = [start for start in entries if before <= start < end]
        for name, span in WINDOWS.items():
            first, old_first = end - span, before - span
            for start in reached:
                if start >= first:
                    self._move(name, start, 1)
            for start in [start for start in entries if old_first <= start < min(first, before)]:
                self._move(name, start, -1)
        oldest = end - MINUTES_KEPT
        for start in [start for start in entries if start < oldest]:
            del entries[start]
        self.forget(MINUTES, oldest)

    def span(self, window: str) -> Span:
        """[start, end) of a window, microseconds."""
        return Span(self._end - WINDOWS[window], self._end)

    def posts(self, start: int, end: int) -> list[Digest]:
        """Posts that are counted in [start, end), as far as minutes are kept; the oldest first."""
        return [
            entry.post
            for of_minute in sorted(one for one in self._entries if start <= one < end)
            for entry in self._entries[of_minute].values()
            if not entry.state
        ]

    def _enter(self, start: int, entry: _Entry, sign: int) -> None:
        key = entry.post.mention, entry.state
        if sign > 0:
            self._entries.setdefault(start, {})[key] = entry
        else:
            self._entries[start].pop(key)
        if start < self._end:
            for name, span in WINDOWS.items():
                if start >= self._end - span:
                    self._count(name, entry, sign)

    def _move(self, name: str, start: int, sign: int) -> None:
        for entry in self._entries[start].values():
            self._count(name, entry, sign)

    def _count(self, name: str, entry: _Entry, sign: int) -> None:
        post, brand = entry.post, entry.post.brand
        if entry.state:
            states = self.apart[name].setdefault(brand, {})
            states[entry.state] = states.get(entry.state, 0) + sign
            return
        cells = self.windows[name]
        cell = cells.get(brand)
        if cell is None:
            cell = cells[brand] = Cell()
        cell.book(post, entry.weight, sign)
        if cell.mentions == 0:
            del cells[brand]
