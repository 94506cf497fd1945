"""The section `voice` of the report card: what customers say of each brand, and what about."""

from collections.abc import Iterator, Mapping
from typing import Any

from streams.report.wording import plural

DEFAULT_WINDOW = "24h"
"""For windows of the card that mentions are not kept for."""

MOST_BRANDS, MOST_TOPICS = 10, 5


def voice_section(voice: Mapping[str, Any], window: str) -> dict[str, Any]:
    """The section, of the JSON of `/api/v1/voice`; `window` in it is the one that was used."""
    used = window if window in voice["windows"] else DEFAULT_WINDOW
    of = voice["windows"][used]
    topics = {brand: dict(list(lines.items())[:MOST_TOPICS]) for brand, lines in of["topics_of"].items()}
    return {
        "window": used,
        "at": voice["at"],
        "brands": [
            {"brand": brand, **row, "topics": topics[brand]}
            for brand, row in list(of["brands"].items())[:MOST_BRANDS]
        ],
        "set_apart": of["set_apart"],
        "sources": voice["sources"],
    }


def voice_lines(of: Mapping[str, Any]) -> Iterator[str]:
    """The section as lines of plain text."""
    yield f"What people say, window {of['window']} at {of['at']}:"
    for row in of["brands"]:
        net = f", net sentiment {row['net_sentiment']:+.1%}" if "net_sentiment" in row else ""
        said = f"{plural(row['mentions'], 'mention')} by {plural(row['authors'], 'author')}"
        yield (
            f"  {row['brand']}: {said}, happy {row['happy']:,}, unhappy {row['unhappy']:,}{net}, "
            f"share of voice {row['share_of_voice']:.1%}"
        )
        for topic, line in row["topics"].items():
            yield f"    {topic}: {line['mentions']:,}, unhappy {line['unhappy']:,}"
    if not of["brands"]:
        yield "  nobody said anything"
    apart = of["set_apart"]
    if any(apart.values()):
        counts = ", ".join(f"{name} {count:,}" for name, count in apart.items())
        yield f"  set apart: {counts}"
    for name, source in of["sources"].items():
        yield f"  source {name}: last heard {source['last_at']}"
