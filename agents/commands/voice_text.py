"""The voice's JSON as lines for a terminal."""

from collections.abc import Iterator
from typing import Any, Final

TOPICS_SHOWN: Final = 12

_VERDICTS: Final = {
    "people": "people in words of their own: counted",
    "copies": "one text passed on by people: counted once",
    "swarm": "one text from accounts that say nothing else: a swarm, set apart",
    "one_author": "one account: counted once",
}
_ALIKE: Final = "people who say one thing alike: counted"


def voice_lines(voice: dict[str, Any]) -> Iterator[str]:
    """Brands first, then periods, topics, what was judged of texts and accounts, and what became of the records."""
    definitions = voice["definitions"]
    until = "no record with an event time" if voice["until"] is None else f"until {voice['until']}"
    yield f"Voice {until}, definitions {definitions['name']} {definitions['version']}"
    yield ""
    yield _head("brand")
    yield from (_row(brand, row) for brand, row in voice["total"].items())
    if len(voice["periods"]) > 1:
        for period in voice["periods"]:
            yield ""
            yield _head(f"from {period['start']}")
            yield from (_row(brand, row) for brand, row in period["brands"].items())
    yield ""
    yield f"{'topic':<36}{'mentions':>10}{'unhappy':>10}"
    topics = list(voice["topics"].items())
    for topic, row in topics[:TOPICS_SHOWN]:
        yield f"{topic[:35]:<36}{row['mentions']:>10,}{row['unhappy']:>10,}"
    if len(topics) > TOPICS_SHOWN:
        yield f"... and {len(topics) - TOPICS_SHOWN} more"
    yield ""
    apart = voice["set_apart"]
    yield f"set apart: {apart['copies']:,} copies, {apart['swarms']:,} of swarms, {apart['bots']:,} of machines"
    for verdict in voice["verdicts"]:
        told = _ALIKE if verdict["kind"] == "people" and "first_at" in verdict else _VERDICTS[verdict["kind"]]
        yield (
            f"  {verdict['mentions']:>7,} mentions by {verdict['authors']:>6,} accounts "
            f"({', '.join(verdict['brands'][:3])}): {told}"
        )
    yield ""
    for name, source in voice["sources"].items():
        yield f"source {name}: {source['mentions']:,} mentions, the last at {source['last_at']}"
    counted = voice["accounting"]
    letters = ", ".join(f"{reason} {count:,}" for reason, count in counted["dead_lettered"].items()) or "none"
    yield (
        f"records {counted['records']:,}: dead letters {letters}; unmapped {counted['unmapped']:,}; "
        f"mentions {counted['mentions']:,} (unread {counted['unread']:,}); duplicates {counted['duplicates']:,}"
    )


def _head(name: str) -> str:
    return f"{name:<28}{'mentions':>10}{'authors':>9}{'happy':>8}{'unhappy':>9}{'net':>9}{'share':>8}{'reach':>11}"


def _row(brand: str, row: dict[str, Any]) -> str:
    net = f"{row['net_sentiment']:+.1%}" if "net_sentiment" in row else "-"
    return (
        f"{brand[:27]:<28}{row['mentions']:>10,}{row['authors']:>9,}{row['happy']:>8,}{row['unhappy']:>9,}"
        f"{net:>9}{row['share_of_voice']:>8.1%}{row['reach']:>11,}"
    )
