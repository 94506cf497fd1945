"""Stories: surges of one trouble, over totals, segments, value, voice and health, told as one.

Two surges belong together when they lie at one time, go the same way, and their labels agree: of one family of
measures, no label has two values (a total holds its segments); of different families, they share a value of a label
or of their leading evidence, so that unhappy mentions of a topic meet losses for that reason. A story has one brand
at most: two brands in trouble at once stay two stories.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from streams.surges.surge import Surge

SECOND: Final = 1_000_000
APART_S: Final = 3 * 3_600
APART_SLOTS: Final = 3
"""How long after a story's last surge has closed another still belongs to it: three hours, or slots of days."""
LEADING: Final = 0.25
"""Share of the excess from which a contribution counts as what a surge is about."""
SAME_WORDS: Final = {"reason": "topic"}
"""What people say and why they leave share one vocabulary."""
OWN: Final = ("brand",)


class Member(msgspec.Struct, array_like=True, gc=False):
    """A surge, as a story remembers it."""

    surge_id: str
    family: str
    labels: dict[str, str]
    about: list[tuple[str, str]]
    onset: int
    until: int | None  # when it closed, with what may still follow it


class Story(msgspec.Struct, array_like=True):
    """One trouble.

    Attributes:
        story: the surge_id of the first surge that was told.
        members: its surges, in the order in which they were told.
    """

    story: str
    direction: str
    members: list[Member]


class Stories:
    """Stories that may still grow."""

    def __init__(self) -> None:
        self.stories: list[Story] = []

    def place(self, surge: Surge, now: int) -> str:
        """The story that a surge which was just detected belongs to; a new one if none."""
        self._forget(now)
        member = _member(surge)
        for story in self.stories:
            if _belongs(member, surge.direction, story):
                story.members.append(member)
                return story.story
        self.stories.append(Story(surge.surge_id, surge.direction, [member]))
        return surge.surge_id

    def close(self, surge: Surge, now: int) -> None:
        """A surge is over; for a while another may still belong to its story."""
        for story in self.stories:
            for member in story.members:
                if member.surge_id == surge.surge_id:
                    member.until = now + _lasting_s(surge) * SECOND

    def saved(self) -> bytes:
        """For `restore`."""
        return msgspec.msgpack.encode(self.stories)

    @classmethod
    def restore(cls, data: bytes) -> "Stories":
        """Raises: msgspec.ValidationError."""
        stories = cls()
        stories.stories = msgspec.msgpack.decode(data, type=list[Story])
        return stories

    def _forget(self, now: int) -> None:
        self.stories = [
            story for story in self.stories if any(one.until is None or one.until >= now for one in story.members)
        ]


def _member(surge: Surge) -> Member:
    labels = dict(surge.series.labels)
    about = {(SAME_WORDS.get(label, label), value) for label, value in labels.items()}
    about |= {(SAME_WORDS.get(one.label, one.label), one.value) for one in surge.evidence if one.share >= LEADING}
    return Member(surge.surge_id, surge.series.family, labels, sorted(about), surge.onset, None)


def _lasting_s(surge: Surge) -> int:
    return max(APART_S, APART_SLOTS * surge.step_s) if surge.step_s > 3_600 else APART_S


def _belongs(member: Member, direction: str, story: Story) -> bool:
    if any(_differ(member.labels, one.labels, OWN) for one in story.members):
        return False
    return direction == story.direction and any(_linked(member, one) for one in story.members)


def _linked(member: Member, other: Member) -> bool:
    if other.until is not None and other.until < member.onset:
        return False
    if member.family == other.family:
        return not _differ(member.labels, other.labels, set(member.labels) | set(other.labels))
    return not set(member.about).isdisjoint(other.about)


def _differ(labels: dict[str, str], others: dict[str, str], names: Iterable[str]) -> bool:
    return any(name in labels and name in others and labels[name] != others[name] for name in names)
