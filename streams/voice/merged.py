"""Stage two: digests of all partitions together; copies, swarms and machines told from people.

Posts with one text, with near-copies of it, or that say which mention they copy are one group. What a group means is
a function of the posts in it, not of their order, so it is the same however they were spread over partitions and
workers. A post counts as soon as it comes; when its group turns out to be no people's, it is taken out again.
"""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

import msgspec

from streams.ledger.rules import DAY, HOUR, MINUTE
from streams.voice.groups import Group, Groups
from streams.voice.mentions import Digest
from streams.voice.rules import CopyRules
from streams.voice.tables import VoiceTables
from streams.voice.verdicts import (
    COPIES,
    MOST_KEPT,
    ONE_AUTHOR,
    PEOPLE,
    SWARM_OF_ACCOUNTS,
    Verdict,
    by_size,
    summed,
    verdict_of,
)

COUNTED, FOLDED, COPY, SWARM, BOT = range(5)
"""What became of a post: counted; counted, without reach of its own; set apart as a copy, a swarm's, a machine's."""

MOST_POSTS: Final = 100_000
"""Posts kept to compare others with, some 3 kB each; beyond it the oldest keep the verdict they have."""

_SHORT_FACTOR: Final = 15
_AROUND_ONE: Final = 0.5
"""Share of a group's accounts whose texts are close to one of them, below which the others only talk alike."""

_REPEATS: Final = 3
"""Times that people post one text, at most and on average."""


class Change(NamedTuple):
    """A post that was counted (sign 1) or taken out again (-1): what series of counts are made from."""

    minute: int
    brand: str
    channel: str
    topics: tuple[str, ...]
    mood: int
    sign: int
    mention: int


class _Day(msgspec.Struct):
    """Posts of one author on one day (UTC); `told`: the first of them has grown old, `example`: which it was."""

    posts: dict[int, Digest]
    told: bool = False
    example: int = 0


class SourceState(msgspec.Struct):
    """What came from a source: how much, and until when."""

    mentions: int = 0
    last_at: int = 0


class MergedVoice:
    """The tables of all partitions.

    Attributes:
        tables: without what was set apart.
        duplicates: mentions that came again under the same id, ignored.
        beyond_memory: mentions older than what is kept for comparison, counted as they are.
        apart: COPY, SWARM and BOT to the posts set apart as such.
        sources: by name.
        changes: since the caller last cleared them; None: not wanted.
    """

    def __init__(self, rules: CopyRules, tables: VoiceTables, *, changes: bool = False) -> None:
        self.tables = tables
        self.duplicates = 0
        self.beyond_memory = 0
        self.apart = {COPY: 0, SWARM: 0, BOT: 0}
        self.sources: dict[str, SourceState] = {}
        self.changes: list[Change] | None = [] if changes else None
        self._rules = rules
        self._groups = Groups(rules.likeness)
        self._states: dict[int, int] = {}  # of posts that are not simply counted, by mention
        self._days: dict[tuple[int, int], _Day] = {}
        self._busy_days: set[tuple[int, int]] = set()
        self._many: set[Group] = set()  # groups of many accounts: judged anew each time, as their accounts are
        self._past: dict[int, Verdict] = {}  # on posts that have grown old, by the example
        self._hours: dict[int, list[Digest]] = {}
        self._posts = 0
        self._kept_from = 0
        self._aged = False

    def add(self, digests: Iterable[Digest]) -> None:
        """Count posts, in any order."""
        for post in digests:
            source = self.sources.setdefault(post.source, SourceState())
            if post.at < self._kept_from:
                # Whether it came before, or copies another, is no longer known.
                source.mentions += 1
                self.beyond_memory += 1
                self._book(post, COUNTED, 1)
                continue
            if not self._groups.add(post):
                self.duplicates += 1
                continue
            source.mentions += 1
            source.last_at = max(source.last_at, post.at)
            self._book(post, COUNTED, 1)
            self._hours.setdefault(post.at // HOUR, []).append(post)
            self._posts += 1
            if post.private:
                continue
            day = post.author, post.at // DAY
            of_day = self._days.get(day)
            if of_day is None:
                of_day = self._days[day] = _Day({})
            of_day.posts[post.mention] = post
            if len(of_day.posts) > self._rules.a_day:
                self._busy_days.add(day)
        if self._posts > MOST_POSTS:
            self.settle()
            self._shrink()

    def settle(self) -> None:
        """Judge anew what may have changed, and correct the tables."""
        groups = self._groups
        changed = groups.take_changed()
        for group in changed:
            group.kind, group.around = "", -1.0
        self._many.update(group for group in changed if group.peak_posts >= self._rules.swarm_from)
        self._many = {group for group in self._many if group.posts}
        busy = [self._days[day] for day in self._busy_days]
        changed |= self._many
        changed.update(groups.group(post) for day in busy for post in day.posts.values())
        wanted: dict[int, int] = {}
        for group in changed:
            self._judge(group, wanted)
        for day in busy:
            first = None if day.told else min(day.posts.values(), key=_age)
            for mention, post in day.posts.items():
                if wanted[mention] <= FOLDED and post is not first:
                    wanted[mention] = BOT
        for mention, state in wanted.items():
            before = self._states.get(mention, COUNTED)
            if state != before:
                self._move(groups.post(mention), before, state)

    def advance(self, clock: int, horizon_us: int) -> None:
        """Judge, then let go of posts that no later one is compared with.

        Args:
            clock: of the tables, microseconds.
            horizon_us: how far back posts may still arrive.
        """
        self.settle()
        self._let_go(clock - horizon_us - self._rules.within_us)

    def verdicts(self) -> list[Verdict]:
        """Every text that many accounts posted and every author that posted too much, as last settled."""
        found = dict(self._past)
        for group in self._many:
            self._add_to(found, self._of_group(group, group.posts.values()))
        for key in self._busy_days:
            day = self._days[key]
            if not self._is_of_one_wording(day.posts.values()):
                self._add_to(found, self._of_day(day, day.posts.values()))
        return sorted(found.values(), key=by_size)

    def _of_group(self, group: Group, posts: Collection[Digest]) -> Verdict:
        example = group.example or group.first().mention
        return verdict_of(group.kind, posts, example, group.peak, self._counted(posts))

    def _of_day(self, day: _Day, posts: Collection[Digest]) -> Verdict:
        example = day.example or min(day.posts.values(), key=_age).mention
        return verdict_of(ONE_AUTHOR, posts, example, 1, self._counted(posts))

    def _counted(self, posts: Collection[Digest]) -> int:
        return sum(self._states.get(post.mention, COUNTED) <= FOLDED for post in posts)

    def _is_of_one_wording(self, posts: Collection[Digest]) -> bool:
        """Whether an author's posts have the verdict of their wording, so that the author needs none."""
        return all(self._groups.group(post).kind in (ONE_AUTHOR, SWARM_OF_ACCOUNTS) for post in posts)

    @staticmethod
    def _add_to(found: dict[int, Verdict], verdict: Verdict) -> None:
        earlier = found.get(verdict.example)
        found[verdict.example] = verdict if earlier is None else summed(earlier, verdict)

    def _kind_of(self, group: Group) -> str:
        """What a group's accounts are: people, people who pass one text on, a swarm, or one that repeats itself."""
        rules, authors, posts = self._rules, group.authors, group.posts.values()
        factor = _SHORT_FACTOR if group.short else 1
        if group.peak_posts >= max(rules.swarm_from * factor, _REPEATS * group.peak + 1):
            return ONE_AUTHOR if group.peak == 1 else SWARM_OF_ACCOUNTS
        if group.peak < rules.swarm_from * factor:
            return PEOPLE
        if 2 * len({post.author for post in posts if post.known}) >= len(authors):
            return PEOPLE
        if group.around < 0:
            group.around = self._groups.share_around_one_text(group)
        if group.around < _AROUND_ONE:
            return PEOPLE
        passed_on = 2 * sum(post.marked for post in posts) >= len(posts)
        if not passed_on:
            elsewhere = sum(self._groups.has_own_words(author, rules.swarm_from) for author in authors)
            passed_on = 2 * elsewhere >= len(authors)
        if not passed_on:
            return SWARM_OF_ACCOUNTS
        return COPIES if group.peak >= rules.fold_from * factor else PEOPLE

    def _judge(self, group: Group, wanted: dict[int, int]) -> None:
        """What becomes of each post of a group, as far as the group goes."""
        # Where posts have grown old, what they said of their authors is gone: it would not be judged alike any more.
        if not (group.kind and self._aged and (group.example or group.kind != SWARM_OF_ACCOUNTS)):
            group.kind = self._kind_of(group)
        kind = group.kind
        first = None if group.told else group.first()
        for mention, post in group.posts.items():
            if kind == SWARM_OF_ACCOUNTS:
                wanted[mention] = SWARM
            elif post is first:
                wanted[mention] = COUNTED
            elif kind == ONE_AUTHOR:
                wanted[mention] = BOT
            elif post.copy_of or kind == COPIES:
                wanted[mention] = COPY
            else:
                # People who say one thing alike are heard, each of them; their readers are much the same people.
                wanted[mention] = COUNTED if group.short or (kind == PEOPLE and post.known) else FOLDED

    def _move(self, post: Digest, before: int, state: int) -> None:
        self._book(post, before, -1)
        self._book(post, state, 1)
        if state == COUNTED:
            del self._states[post.mention]
        else:
            self._states[post.mention] = state

    def _book(self, post: Digest, state: int, sign: int) -> None:
        if state > FOLDED:
            self.apart[state] += sign
            self.tables.set_apart(post, state, sign)
            return
        self.tables.book(post, post.weight if state == COUNTED else 0, sign)
        if self.changes is not None:
            start = post.at - post.at % MINUTE
            self.changes.append(Change(start, post.brand, post.channel, post.topics, post.mood, sign, post.mention))

    def _shrink(self) -> None:
        """The oldest hours go until half of the most is left."""
        kept = self._posts
        for hour in sorted(self._hours):
            if kept <= MOST_POSTS // 2:
                self._let_go(hour * HOUR)
                return
            kept -= len(self._hours[hour])

    def _let_go(self, before: int) -> None:
        self._kept_from = max(self._kept_from, before - before % HOUR)
        hours = [hour for hour in self._hours if (hour + 1) * HOUR <= self._kept_from]
        gone = {post.mention: post for hour in hours for post in self._hours.pop(hour)}
        self._aged = self._aged or bool(gone)
        # Before any of them goes: who stood for a group or a day is the oldest, and nobody takes that one's place.
        for key in {(post.author, post.at // DAY) for post in gone.values() if not post.private}:
            day = self._days[key]
            if key in self._busy_days and not self._is_of_one_wording(day.posts.values()):
                verdict = self._of_day(day, [post for post in day.posts.values() if post.mention in gone])
                day.example = verdict.example
                self._add_to(self._past, verdict)
            day.told = day.told or min(day.posts.values(), key=_age).mention in gone
        for group in {self._groups.group(post) for post in gone.values()}:
            if group in self._many:
                verdict = self._of_group(group, [post for post in group.posts.values() if post.mention in gone])
                group.example = verdict.example
                self._add_to(self._past, verdict)
            group.told = group.told or group.first().mention in gone
        for old_example in list(self._past)[: max(0, len(self._past) - MOST_KEPT)]:
            del self._past[old_example]
        for mention, post in gone.items():
            self._posts -= 1
            self._groups.remove(post)
            self._states.pop(mention, None)
            if post.private:
                continue
            key = post.author, post.at // DAY
            posts = self._days[key].posts
            del posts[mention]
            if not posts:
                del self._days[key]
                self._busy_days.discard(key)


def _age(post: Digest) -> tuple[int, int]:
    """Orders posts by time; the key of the mention decides between two of one instant, alike everywhere."""
    return post.at, post.mention
