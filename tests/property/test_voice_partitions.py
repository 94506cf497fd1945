"""However posts are spread over partitions, and in whatever order they come: the same tables and verdicts."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.voice.mentions import Digest
from streams.voice.merged import MergedVoice
from streams.voice.rules import CopyRules
from streams.voice.sketch import sketch_of
from streams.voice.tables import ALL, VoiceTables, minute, whole

RULES = CopyRules(swarm_from=3, fold_from=4, a_day=4)
_SAID = "they lost my new blue bag in the rain and nobody there will say where it is"
SENTENCE = _SAID.split()
TEXTS = [
    SENTENCE,
    [*SENTENCE, "now"],
    [*SENTENCE[:-1], "was"],
    ["the", "new", "store", "opens", "at", "nine", "on", "saturday", "morning", "for", "all", "members"],
    ["quite", "another", "thing", "that", "has", "nothing", "to", "do", "with", "any", "of", "the", "others", "here"],
    ["thank", "you"],
    [],
]
HOUR = 3_600_000_000


@st.composite
def posts(draw: Any) -> list[Digest]:
    count = draw(st.integers(1, 40))
    found = []
    for number in range(1, count + 1):
        words = draw(st.sampled_from(TEXTS))
        copy_of = draw(st.sampled_from([0, 0, 0, 0, 1, 2, count, 99]))
        found.append(
            Digest(
                at=draw(st.integers(0, 20)) * HOUR // 2,
                mention=number,
                author=draw(st.integers(1, 12)),
                text=1000 + TEXTS.index(words) if words else 0,
                sketch=sketch_of(words),
                source="s",
                brand=draw(st.sampled_from(["a", "b"])),
                channel="social",
                topics=draw(st.sampled_from([(), ("late",), ("late", "rude")])),
                mood=draw(st.integers(0, 3)),
                weight=draw(st.integers(1, 5)),
                known=draw(st.integers(0, 5)) == 0,
                private=not words and draw(st.booleans()),
                copy_of=0 if copy_of == number else copy_of,
                marked=copy_of not in (0, number) or draw(st.integers(0, 4)) == 0,
            )
        )
    return found


def told(voice: MergedVoice) -> tuple[Any, ...]:
    voice.settle()
    cells = [
        (level, start, brand, cell.mentions, cell.happy, cell.unhappy, cell.unread, cell.reach, cell.topics,
         {author: sorted(weights) for author, weights in cell.authors.items()})
        for level in (ALL, "minute") for start, brand, cell in voice.tables.cells(level)
    ]  # fmt: skip
    return cells, voice.apart, voice.verdicts(), voice.duplicates


def fresh() -> MergedVoice:
    return MergedVoice(RULES, VoiceTables({ALL: whole, "minute": minute}), changes=True)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(posts(), st.randoms(use_true_random=False))
def test_order_and_partitions_change_nothing(given_posts: list[Digest], draw: Any) -> None:
    straight, spread = fresh(), fresh()
    straight.add(sorted(given_posts, key=lambda post: (post.at, post.mention)))
    arriving = given_posts + draw.sample(given_posts, len(given_posts) // 3)
    draw.shuffle(arriving)
    partitions: list[list[Digest]] = [[], [], [], []]
    for post in arriving:
        draw.choice(partitions).append(post)
    while any(partitions):
        part = draw.choice([part for part in partitions if part])
        batch = [part.pop(0) for _ in range(min(len(part), draw.randint(1, 5)))]
        spread.add(batch)
        if draw.random() < 0.5:
            spread.settle()
    assert told(spread)[:3] == told(straight)[:3]
    assert spread.duplicates == len(given_posts) // 3


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(posts(), st.randoms(use_true_random=False))
def test_changes_add_up_to_the_tables(given_posts: list[Digest], draw: Any) -> None:
    voice = fresh()
    draw.shuffle(given_posts)
    for post in given_posts:
        voice.add([post])
        if draw.random() < 0.3:
            voice.settle()
    voice.settle()
    assert voice.changes is not None
    counted: dict[tuple[int, str], int] = {}
    for change in voice.changes:
        key = change.minute, change.brand
        counted[key] = counted.get(key, 0) + change.sign
    cells = {(start, brand): cell.mentions for start, brand, cell in voice.tables.cells("minute")}
    assert {key: count for key, count in counted.items() if count} == cells
    assert sum(cells.values()) + sum(voice.apart.values()) == len(given_posts)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(posts())
def test_growing_old_changes_no_count(given_posts: list[Digest]) -> None:
    """Posts let go of stand in the tables as they were last judged, and nothing of them stays in memory."""
    in_order = sorted(given_posts, key=lambda post: (post.at, post.mention))
    voice = fresh()
    voice.add(in_order)
    before = told(voice)[:2]
    for hour in range(13):
        voice.advance(hour * HOUR + RULES.within_us, 0)
        assert told(voice)[:2] == before
    groups = voice._groups
    assert not any((groups._posts, groups._group_of, groups._sketches, groups._bands, groups._of_author, voice._days))
    assert not any((voice._states, voice._hours, voice._busy_days, groups._waiting))
