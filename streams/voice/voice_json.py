"""The JSON of `netgrowth voice`: mentions, people and net sentiment per brand and period, and what was set apart."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final

from streams.facts.models import UNKNOWN
from streams.tables.calendar import utc_text
from streams.voice.merged import BOT, COPY, SWARM, MergedVoice
from streams.voice.tables import ALL, Cell
from streams.voice.verdicts import PEOPLE, Verdict

_DIGITS: Final = 6


def brand_json(cell: Cell, of_all: int) -> dict[str, Any]:
    """The row of a brand; `of_all`: mentions of all brands in the period, for its share of voice."""
    row: dict[str, Any] = {
        "mentions": cell.mentions,
        "authors": len(cell.authors),
        "happy": cell.happy,
        "unhappy": cell.unhappy,
        "unread": cell.unread,
        "reach": cell.reach,
        "share_of_voice": round(cell.mentions / of_all, _DIGITS),
    }
    net = cell.net_sentiment
    if net is not None:
        row["net_sentiment"] = round(net, _DIGITS)
    return row


def brands_json(cells: Iterable[tuple[str, Cell]]) -> dict[str, Any]:
    """Rows by brand, most mentions first."""
    found = sorted(cells, key=lambda one: (-one[1].mentions, one[0]))
    of_all = sum(cell.mentions for _, cell in found)
    return {brand: brand_json(cell, of_all) for brand, cell in found}


def topics_json(cells: Iterable[Cell]) -> dict[str, Any]:
    """Mentions by topic, most first; `unknown`: no topic was stated or found."""
    counts: dict[str, Counter[str]] = {}
    untold: Counter[str] = Counter()
    for cell in cells:
        for topic, (mentions, happy, unhappy) in cell.topics.items():
            counts.setdefault(topic, Counter()).update(mentions=mentions, happy=happy, unhappy=unhappy)
        untold.update(mentions=cell.untold, unhappy=cell.untold_unhappy)
    if untold["mentions"]:
        counts.setdefault(UNKNOWN, Counter()).update(untold)
    ordered = sorted(counts, key=lambda topic: (-counts[topic]["mentions"], topic))
    return {topic: {"mentions": counts[topic]["mentions"], "unhappy": counts[topic]["unhappy"]} for topic in ordered}


def verdicts_json(voice: MergedVoice, cells: Iterable[tuple[str, Cell]], many_from: int) -> list[dict[str, Any]]:
    """What was judged of texts and accounts, and the brands of which many people spoke in words of their own.

    Args:
        cells: brand and cell.
        many_from: people from whom on a brand has a verdict of its own.
    """
    found = [_verdict_json(verdict) for verdict in voice.verdicts()]
    for brand, cell in cells:
        if len(cell.authors) >= many_from:
            people = {"kind": PEOPLE, "brands": [brand], "mentions": cell.mentions, "authors": len(cell.authors)}
            found.append(people | {"counted": cell.mentions})
    return found


def voice_json(
    voice: MergedVoice, periods: list[dict[str, Any]], many_from: int, accounting: dict[str, Any]
) -> dict[str, Any]:
    """The whole answer, but for definitions and clock.

    Args:
        voice: settled, with a level `ALL` in its tables.
        periods: with start, end and brands.
        many_from: people from whom on a brand has a verdict of its own.
        accounting: what became of the records.
    """
    cells = [(brand, cell) for _, brand, cell in voice.tables.cells(ALL)]
    return {
        "accounting": accounting,
        "total": brands_json(cells),
        "periods": periods,
        "topics": topics_json(cell for _, cell in cells),
        "set_apart": {"copies": voice.apart[COPY], "swarms": voice.apart[SWARM], "bots": voice.apart[BOT]},
        "verdicts": verdicts_json(voice, cells, many_from),
        "sources": {
            name: {"mentions": source.mentions, "last_at": utc_text(source.last_at)}
            for name, source in sorted(voice.sources.items())
        },
    }


def periods_json(cells: Iterable[tuple[int, str, Cell]], following: Callable[[int], int]) -> list[dict[str, Any]]:
    """Periods from the first to the last with a mention, without gaps.

    Args:
        cells: start, brand and cell, by start.
        following: the start of the period after the one that begins there.
    """
    by_start: dict[int, list[tuple[str, Cell]]] = {}
    for start, brand, cell in cells:
        by_start.setdefault(start, []).append((brand, cell))
    periods: list[dict[str, Any]] = []
    if not by_start:
        return periods
    start, last = min(by_start), max(by_start)
    while start <= last:
        end = following(start)
        brands = brands_json(by_start.get(start, ()))
        periods.append({"start": utc_text(start), "end": utc_text(end), "brands": brands})
        start = end
    return periods


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "kind": verdict.kind,
        "brands": list(verdict.brands),
        "mentions": verdict.mentions,
        "authors": verdict.authors,
        "counted": verdict.counted,
        "first_at": utc_text(verdict.first_at),
        "last_at": utc_text(verdict.last_at),
    }
