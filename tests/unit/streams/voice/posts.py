"""Records of social-mentions for tests: ordinary people, one loud author, bots, customers with one trouble."""

import random
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from config.definitions_file import parse
from streams.facts.definitions.model import Definitions
from streams.facts.models import RawRecord

START_MS = 1_700_000_000_000  # 2023-11-14T22:13:20Z
HEAD = """
name: t
version: "1"
agreed: {by: tests, at: 2026-01-01}
currency: EUR
time_zone: UTC
value_model: {version: "1", field: {minor_units: value}}
"""

_OPENINGS = ("Honestly", "For the third time", "Since Monday", "I called twice", "Look", "My mother says",
             "As a member", "At the counter", "In your app", "After lunch", "On the train",
             "With two kids")  # fmt: skip
_TROUBLES = ("my parcel never came", "the invoice shows a fee nobody explained", "the router blinks red all night",
             "they cut our heating without a word", "your courier threw the box over the fence",
             "the refund you promised is still missing", "the seat I paid for was given away",
             "the chat closes whenever I ask about delivery")  # fmt: skip
_CLOSINGS = ("and nobody answers.", "so what now?", "please do something about it today!", "I am done here.",
             "and the agent hung up on me twice.", "my neighbour has the very same trouble.", "never again!",
             "while your website says all is well.", "can a real person look at this?")  # fmt: skip


def definitions(voice: str = "") -> Definitions:
    """Definitions with this section `voice`."""
    return parse(HEAD + voice)


def record(number: int, fields: dict[str, Any], partition: int = 0) -> RawRecord:
    return RawRecord(orjson.dumps(fields), None, "social-mentions", partition, number)


def records(mentions: Iterable[dict[str, Any]]) -> list[RawRecord]:
    return [record(number, fields) for number, fields in enumerate(mentions)]


def mention(name: str, author: str, text: str | None = "thanks", *, at_s: float = 0, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "mention_id": name, "at": START_MS + int(at_s * 1000), "author_id": author, "channel": "social",
        "brand": "acme",
    }  # fmt: skip
    if text is not None:
        fields["text"] = text
    return fields | more


def people(count: int, name: str = "p", *, hours: float = 12, seed: int = 1) -> list[dict[str, Any]]:
    """Customers, each with a trouble in words of its own."""
    draw = random.Random(seed)
    texts = [f"{one}, {two} {three}" for one in _OPENINGS for two in _TROUBLES for three in _CLOSINGS]
    draw.shuffle(texts)
    return [
        mention(f"{name}{n}", f"{name}-author-{n}", texts[n % len(texts)], at_s=draw.random() * hours * 3600)
        for n in range(count)
    ]


def bots(count: int, name: str = "bot", *, at_s: float = 3600, seed: int = 2) -> list[dict[str, Any]]:
    """Accounts with one text: some change a word, add a name, an address, emoji or a number."""
    draw = random.Random(seed)
    text = "acme is the worst company ever they steal your money and lie about everything boycott them today"
    found = []
    for n in range(count):
        words = text.split()
        if n % 3 == 1:
            words[draw.randrange(len(words))] = draw.choice(["now", "really", "folks", "everyone"])
        end = draw.choice(["", " 😡", f" @friend{n}", f" http://t.co/{n}", f" {n}", "!!!"])
        found.append(mention(f"{name}{n}", f"{name}-account-{n}", " ".join(words) + end, at_s=at_s + n))
    return found


def one_author(count: int, name: str = "loud", *, at_s: float = 7200) -> list[dict[str, Any]]:
    """One account that posts all the time."""
    return [
        mention(f"{name}{n}", f"{name}-author", f"acme you {n} are awful, post number {n}", at_s=at_s + n)
        for n in range(count)
    ]


def spread(mentions: Sequence[dict[str, Any]], partitions: int, seed: int = 3) -> list[list[RawRecord]]:
    """The records on partitions, by chance."""
    draw = random.Random(seed)
    found: list[list[RawRecord]] = [[] for _ in range(partitions)]
    for number, fields in enumerate(mentions):
        place = draw.randrange(partitions)
        found[place].append(record(number, fields, place))
    return found
