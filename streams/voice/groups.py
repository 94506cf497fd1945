"""Posts that say one thing in one wording: copies, near-copies, and those that say which mention they copy.

A group is a connected component: two texts are joined when they are alike, a copy is joined to the mention it names.
Components do not depend on the order in which posts come.
"""

from typing import Final

from streams.ledger.rules import HOUR
from streams.voice.mentions import Digest
from streams.voice.sketch import bands_of, likeness

MOST_IN_BAND: Final = 64
"""Texts that a new one is compared with at most in one band: where there are more, they are alike anyway."""

CLOSE: Final = 0.6
"""Likeness of near-copies that were each changed in another place: less than that of either to the original."""

MOST_MIDDLES: Final = 3
"""Texts tried as the one amid a group."""

_HASH: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


class Group:
    """Posts of one wording.

    Attributes:
        posts: by the key of the mention.
        authors: author to how many of the posts are its own.
        peak, peak_posts: most authors and posts that it had; posts that grow old take none of it away.
        members: texts, or mentions without one, to how many posts they have.
        short: its text is so short that people say it alike.
        told: the post that stood for all of them has grown old; no other takes its place.
        kind: what it was last judged to be; empty: not yet.
        around: share of its authors around one text; below zero: not worked out since something came.
        example: key of the mention that stood for it when posts first grew old; 0: none has.
    """

    __slots__ = ("around", "authors", "example", "kind", "members", "peak", "peak_posts", "posts", "short", "told")

    def __init__(self, short: bool) -> None:
        self.posts: dict[int, Digest] = {}
        self.authors: dict[int, int] = {}
        self.members: dict[int, int] = {}
        self.peak = self.peak_posts = 0
        self.short = short
        self.told = False
        self.kind = ""
        self.around = -1.0
        self.example = 0

    def first(self) -> Digest:
        """The post that stands for all of them: the oldest, if possible one that names no other as its original."""
        return min(self.posts.values(), key=_standing)


class Groups:
    """All groups of the posts that are kept.

    Args: likeness: Jaccard similarity from which on two texts are near-copies.
    """

    def __init__(self, least_likeness: float) -> None:
        self._least = least_likeness
        self._posts: dict[int, Digest] = {}
        self._group_of: dict[int, Group] = {}  # by member: a text, or a mention that is copied
        self._sketches: dict[int, bytes] = {}
        self._bands: dict[int, tuple[int, ...]] = {}
        self._of_author: dict[int, dict[int, int]] = {}  # author to its members, with how many posts
        self._waiting: dict[int, int] = {}  # mention that is copied and has not come, to a member that copies it
        self._changed: set[Group] = set()

    def add(self, post: Digest) -> bool:
        """Put a post into its group; False: a mention of this id came before."""
        if post.mention in self._posts:
            return False
        self._posts[post.mention] = post
        member = _member_of(post)
        group = self._group_of.get(member)
        if group is None:
            group = self._group_of[member] = Group(not post.sketch)
            group.members[member] = 0
            if post.sketch:
                self._sketches[member] = post.sketch
                group = self._join_alike(member, post.sketch, group)
        waiting = self._waiting.pop(post.mention, None)
        if waiting is not None and waiting in self._group_of:
            group = self._join(group, self._group_of[waiting])
        if post.copy_of:
            group = self._join_copied(member, post.copy_of, group)
        group.posts[post.mention] = post
        group.members[member] += 1
        group.authors[post.author] = group.authors.get(post.author, 0) + 1
        group.peak = max(group.peak, len(group.authors))
        group.peak_posts = max(group.peak_posts, len(group.posts))
        members = self._of_author.setdefault(post.author, {})
        members[member] = members.get(member, 0) + 1
        if len(group.posts) > 1:
            self._changed.add(group)
        return True

    def post(self, mention: int) -> Digest:
        """The post of a key."""
        return self._posts[mention]

    def group(self, post: Digest) -> Group:
        """The group of a post."""
        return self._group_of[_member_of(post)]

    def take_changed(self) -> set[Group]:
        """Groups of more than one post to which something came since they were last taken."""
        changed, self._changed = self._changed, set()
        return changed

    def has_own_words(self, author: int, many: int) -> bool:
        """Whether an author said anything that is not one wording of so many."""
        return any(self._group_of[member].peak < many for member in self._of_author[author])

    def share_around_one_text(self, group: Group) -> float:
        """The share of a group's authors whose texts are close to one of its commonest.

        Texts from one template form chains, each like the next, and a copied one lies amid its near-copies.
        """
        authors: dict[int, set[int]] = {}
        for post in group.posts.values():
            authors.setdefault(_member_of(post), set()).add(post.author)
        sketches = self._sketches
        texts = sorted(
            (member for member in authors if member in sketches), key=lambda one: (-len(authors[one]), one)
        )
        wordless = set().union(*(who for member, who in authors.items() if member not in sketches))
        most = 0 if texts else len(wordless)
        for middle in texts[:MOST_MIDDLES]:
            close = [authors[one] for one in texts if likeness(sketches[middle], sketches[one]) >= CLOSE]
            most = max(most, len(wordless.union(*close)))
        return most / max(1, len(group.authors))

    def remove(self, post: Digest) -> None:
        """Let go of a post that none is compared with; whether it stood for its group is the caller's care."""
        member = _member_of(post)
        group = self._group_of[member]
        del self._posts[post.mention]
        del group.posts[post.mention]
        _take(group.authors, post.author)
        members = self._of_author[post.author]
        if _take(members, member) and not members:
            del self._of_author[post.author]
        if _take(group.members, member):
            del self._group_of[member]
            sketch = self._sketches.pop(member, None)
            if sketch is not None:
                self._remove_bands(member, sketch)
        if self._waiting.get(post.copy_of) == member:
            del self._waiting[post.copy_of]
        if not group.posts:
            self._changed.discard(group)

    def _join_alike(self, member: int, sketch: bytes, group: Group) -> Group:
        bands, compared = self._bands, {member}
        for band in bands_of(sketch):
            others = bands.get(band)
            if others is None:
                bands[band] = (member,)
                continue
            for other in others:
                if other not in compared:
                    compared.add(other)
                    found = self._group_of[other]
                    if found is not group and likeness(sketch, self._sketches[other]) >= self._least:
                        group = self._join(group, found)
            if len(others) < MOST_IN_BAND:
                bands[band] = (*others, member)
        return group

    def _join_copied(self, member: int, copied: int, group: Group) -> Group:
        original = self._posts.get(copied)
        if original is not None:
            return self._join(group, self._group_of[_member_of(original)])
        waiting = self._waiting.get(copied)
        if waiting is not None and waiting in self._group_of:
            return self._join(group, self._group_of[waiting])
        self._waiting[copied] = member
        return group

    def _join(self, one: Group, other: Group) -> Group:
        if one is other:
            return one
        if len(one.posts) < len(other.posts):
            one, other = other, one
        for member in other.members:
            self._group_of[member] = one
        one.members |= other.members
        one.posts |= other.posts
        for author, posts in other.authors.items():
            one.authors[author] = one.authors.get(author, 0) + posts
        one.peak = max(one.peak, other.peak, len(one.authors))
        one.peak_posts = max(one.peak_posts, other.peak_posts, len(one.posts))
        one.short = one.short and other.short
        one.told = one.told or other.told
        other.posts, other.members, other.authors = {}, {}, {}
        self._changed.discard(other)
        if len(one.posts) > 1:
            self._changed.add(one)
        return one

    def _remove_bands(self, member: int, sketch: bytes) -> None:
        for band in bands_of(sketch):
            left = tuple(other for other in self._bands.get(band, ()) if other != member)
            if left:
                self._bands[band] = left
            else:
                self._bands.pop(band, None)


def _member_of(post: Digest) -> int:
    """What a post is grouped by: its text; a short text only within an hour, no text not at all."""
    if post.sketch:
        return post.text
    if post.text:
        return (post.text ^ (post.at // HOUR * _HASH)) & _MASK
    return post.mention


def _standing(post: Digest) -> tuple[bool, int, int]:
    return post.copy_of != 0, post.at, post.mention


def _take(counts: dict[int, int], key: int) -> bool:
    """Count one less; True: none is left."""
    counts[key] -= 1
    if counts[key]:
        return False
    del counts[key]
    return True
