"""Windows that run with the clock equal a count over their span at any time."""

import random

import pytest

from streams.ledger.rules import HOUR, MINUTE
from streams.voice.merged import MergedVoice
from streams.voice.running import WINDOWS, RunningVoice
from streams.voice.stage import VoiceStage
from streams.voice.tables import Cell
from tests.unit.streams.voice.posts import bots, definitions, mention, one_author, people, records

DEFINITIONS = definitions()
STAGE = VoiceStage(DEFINITIONS)
START = 1_700_000_000_000_000


def numbers(cell: Cell) -> tuple[object, ...]:
    return (cell.mentions, len(cell.authors), cell.happy, cell.unhappy, cell.unread, cell.reach, cell.topics)


def counted(posts, start: int, end: int) -> dict[str, tuple[object, ...]]:
    """Cells of the posts that stand in a span, booked anew."""
    cells: dict[str, Cell] = {}
    for post, weight in posts:
        if start <= post.at - post.at % MINUTE < end:
            cells.setdefault(post.brand, Cell()).book(post, weight, 1)
    return {brand: numbers(cell) for brand, cell in cells.items()}


@pytest.mark.parametrize("seed", range(4))
def test_windows_equal_a_count_of_their_span(seed):
    draw = random.Random(seed)
    told = [*people(150, hours=30, seed=seed), *bots(60, at_s=9 * 3600), *one_author(40, at_s=20 * 3600)]
    for one in told:
        one["brand"] = draw.choice(["acme", "other"]) if one["mention_id"][0] == "p" else "acme"
    posts = STAGE.read(records(told)).digests
    draw.shuffle(posts)
    tables = RunningVoice()
    voice = MergedVoice(DEFINITIONS.voice.copies, tables)
    clock = START
    for first in range(0, len(posts), 25):
        voice.add(posts[first : first + 25])
        voice.settle()
        clock += draw.randrange(0, 6 * HOUR)
        tables.advance(clock)
        standing = [
            (entry.post, entry.weight)
            for of_minute in tables._entries.values() for entry in of_minute.values() if not entry.state
        ]
        for window in WINDOWS:
            span = tables.span(window)
            assert span.end == clock - clock % MINUTE + MINUTE
            found = {brand: numbers(cell) for brand, cell in tables.windows[window].items()}
            assert found == counted(standing, span.start, span.end), window


def voice_of(mentions, clock: int):
    tables = RunningVoice()
    voice = MergedVoice(DEFINITIONS.voice.copies, tables)
    voice.add(STAGE.read(records(mentions)).digests)
    voice.settle()
    tables.advance(clock)
    return tables


def test_a_swarm_changes_the_clean_figures_by_less_than_a_hundredth():
    day = START + 20 * HOUR
    clean = people(400, hours=12)
    without, beside = voice_of(clean, day), voice_of([*clean, *bots(1000)], day)
    before, after = (tables.windows["24h"]["acme"] for tables in (without, beside))
    assert abs(after.mentions - before.mentions) <= before.mentions * 0.01
    assert abs(len(after.authors) - len(before.authors)) <= len(before.authors) * 0.01
    assert abs(after.unhappy - before.unhappy) <= before.unhappy * 0.01
    assert sum(beside.apart["24h"]["acme"].values()) == 1000


def test_an_account_with_a_million_followers_is_one_author_more():
    day = START + 20 * HOUR
    clean = people(50)
    words = "my own words number"
    famous = [mention(f"f{n}", "famous", f"{words} {n} of acme", at_s=n * 700, reach=10**6) for n in range(3)]
    before, after = (voice_of(one, day).windows["24h"]["acme"] for one in (clean, [*clean, *famous]))
    assert len(after.authors) == len(before.authors) + 1
    assert after.reach == before.reach + 1000
