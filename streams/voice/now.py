"""Voice as a running worker tells it: windows up to the clock, topics, verdicts, and how fresh each source is."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from typing import Any

from streams.facts.definitions.model import Definitions
from streams.tables.calendar import utc_text
from streams.voice.merged import BOT, COPY, SWARM, MergedVoice
from streams.voice.partition import VoiceProgress
from streams.voice.running import LONGEST_WINDOW, WINDOWS, RunningVoice
from streams.voice.tables import Cell
from streams.voice.voice_json import brands_json, topics_json, verdicts_json

OTHER = "other"
"""Brands, and topics of a brand, beyond the limit of labels."""

STATE_NAMES = {COPY: "copies", SWARM: "swarms", BOT: "bots"}
"""State of a post that was set apart, to its name in JSON and in metrics."""


def voice_now(
    definitions: Definitions, clock: int, voice: MergedVoice, tables: RunningVoice, progress: Iterable[VoiceProgress],
    lost: int,
) -> dict[str, Any]:
    """The JSON of `/api/v1/voice`.

    Args:
        clock: of the mentions, microseconds.
        progress: of all partitions.
        lost: offsets whose digests are gone.
    """
    told = list(progress)
    return {
        "definitions": {"name": definitions.name, "version": definitions.version},
        "at": utc_text(clock),
        "windows": {window: window_json(tables, window) for window in WINDOWS},
        "verdicts": verdicts_json(
            voice, sorted(tables.windows[LONGEST_WINDOW].items()), definitions.voice.copies.swarm_from
        ),
        "sources": sources_json(told, clock),
        "accounting": accounting(told, voice.duplicates, lost),
    }


def window_json(tables: RunningVoice, window: str) -> dict[str, Any]:
    """One window: brands, topics, what was set apart."""
    cells, span = tables.windows[window], tables.span(window)
    return {
        "start": utc_text(span.start),
        "end": utc_text(span.end),
        "brands": brands_json(cells.items()),
        "topics": topics_json(cells.values()),
        "topics_of": {brand: topics_json([cell]) for brand, cell in sorted(cells.items())},
        "set_apart": apart_json(tables.apart[window].values()),
    }


def apart_json(apart: Iterable[Mapping[int, int]]) -> dict[str, int]:
    """Posts set apart, by name."""
    found = Counter[int]()
    for states in apart:
        found.update(states)
    return {name: found[state] for state, name in STATE_NAMES.items()}


def sources_json(progress: Iterable[VoiceProgress], clock: int) -> dict[str, Any]:
    """Sources by name: mentions ever, when the newest was said, and how long before the clock that is."""
    return {
        name: {
            "mentions": mentions,
            "last_at": utc_text(last_at),
            "silent_seconds": max(0, clock - last_at) // 1_000_000,
        }
        for name, (mentions, last_at) in source_states(progress).items()
    }


def source_states(progress: Iterable[VoiceProgress]) -> dict[str, tuple[int, int]]:
    """Source to its mentions ever and the largest event time of one, by name."""
    found: dict[str, tuple[int, int]] = {}
    for of_partition in progress:
        for name, (mentions, last_at) in of_partition.counts.sources.items():
            known, newest = found.get(name, (0, last_at))
            found[name] = known + mentions, max(newest, last_at)
    return dict(sorted(found.items()))


def accounting(progress: Iterable[VoiceProgress], duplicates: int, lost: int) -> dict[str, Any]:
    """records = dead-lettered + unmapped + mentions; mentions that came again are among them.

    `duplicates` are those that this worker has seen since it reads, `lost` offsets whose digests the broker lost.
    """
    letters = Counter[str]()
    records = unmapped = mentions = 0
    for of_partition in progress:
        counts = of_partition.counts
        records, unmapped, mentions = records + counts.records, unmapped + counts.unmapped, mentions + counts.mentions
        letters.update(counts.dead_lettered)
    return {
        "records": records,
        "dead_lettered": dict(sorted(letters.items())),
        "unmapped": unmapped,
        "mentions": mentions,
        "duplicates": duplicates,
        "lost": lost,
    }


def shown_topics(cell: Cell, most: int) -> dict[str, tuple[int, int]]:
    """Topic to mentions and unhappy ones: the commonest by name, the rest as `other`; `unknown`: without a topic."""
    rows = topics_json([cell])
    names = list(rows)
    kept = names if len(names) <= most else names[: most - 1]
    found = {name: (rows[name]["mentions"], rows[name]["unhappy"]) for name in kept}
    for name in names[len(kept) :]:
        mentions, unhappy = found.get(OTHER, (0, 0))
        found[OTHER] = mentions + rows[name]["mentions"], unhappy + rows[name]["unhappy"]
    return found


def shown_brands(cells: Mapping[str, Cell], most: int) -> set[str]:
    """The brands that keep their own names: those with most mentions, at most so many less one for `other`."""
    if len(cells) <= most:
        return set(cells)
    return set(sorted(cells, key=lambda brand: (-cells[brand].mentions, brand))[: most - 1])


def folded_cells(cells: Mapping[str, Cell], shown: Container[str]) -> dict[str, Cell]:
    """Cells of the brands that are shown, all others added up as `other`."""
    found = {brand: cell for brand, cell in cells.items() if brand in shown and brand != OTHER}
    rest = [cell for brand, cell in cells.items() if brand not in found]
    if rest:
        found[OTHER] = Cell()
        for cell in rest:
            found[OTHER].add(cell)
    return found
