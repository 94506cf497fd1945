"""What a sample of records has in its fields: how often each is there, what its values look like, what it may be for.

The guesses are by name and by content together, and only guesses: `draft` writes them down for a person to judge.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.facts.money import parse_exact
from streams.facts.refusal import Refused
from streams.facts.times import instant_of

FieldPath = tuple[str, ...]

MOST_WORDS = 10_000
"""Different values of one field that are told apart."""

NESTED = 4
"""Objects inside each other that are looked into."""

_SECONDS = (600_000_000, 7_000_000_000)  # 1989 to 2191
_OFFSET = re.compile(r"(?:[zZ]|[+-]\d\d:?\d\d)$")


@dataclass(slots=True)
class Profile:
    """One field over the sample.

    Attributes:
        path: names from the outside in.
        filled: records in which it is neither absent, null nor an empty text.
        words: its different values as text, with their counts.
        times: values that read as an instant; `zoned`: of these, those that name their offset or count from 1970;
            `whole_days`: those without a time of day; `unit`: s or ms of numbers since 1970.
        numbers: values that write a number; `fractions`: those with a decimal point.
    """

    path: FieldPath
    filled: int = 0
    words: Counter[str] = field(default_factory=Counter)
    times: int = 0
    zoned: int = 0
    whole_days: int = 0
    unit: str | None = None
    numbers: int = 0
    fractions: int = 0

    @property
    def name(self) -> str:
        """The path with dots."""
        return ".".join(self.path)

    @property
    def different(self) -> int:
        """How many different values it has."""
        return len(self.words)

    def take(self, value: Any) -> None:
        """Look at one value; objects and lists are none."""
        if value is None or value == "" or isinstance(value, dict | list):
            return
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        self.filled += 1
        if text in self.words or len(self.words) < MOST_WORDS:
            self.words[text] += 1
        if self._is_time(value, text):
            self.times += 1
        if not isinstance(value, bool) and parse_exact(text) is not None:
            self.numbers += 1
            self.fractions += "." in text

    def _is_time(self, value: Any, text: str) -> bool:
        if isinstance(value, bool):
            return False
        if text.isdecimal():
            for unit, scale in (("s", 1), ("ms", 1000)):
                if _SECONDS[0] * scale <= int(text) <= _SECONDS[1] * scale:
                    self.unit = unit
                    self.zoned += 1
                    return True
            return False
        if not isinstance(value, str) or len(text) < 10:
            return False
        try:
            instant_of(text, None)
        except Refused:
            zoned = False
        else:
            zoned = True
        if not zoned:
            try:
                instant_of(text + ("T00:00:00Z" if len(text) == 10 else "Z"), None)
            except Refused:
                return False
        self.zoned += zoned
        self.whole_days += len(text) == 10 or "T00:00:00" in text or " 00:00:00" in text
        return True


@dataclass(frozen=True, slots=True)
class Guesses:
    """Which fields may be what; None: none looks like it."""

    customer_id: Profile | None
    event_id: Profile | None
    at: Profile | None
    event: Profile | None
    value: Profile | None
    reason: Profile | None
    labels: Mapping[str, Profile]  # segment, region, product, activity


def profiles_of(documents: Iterable[Mapping[str, Any]]) -> list[Profile]:
    """The fields of a sample, in the order in which they first appear."""
    found: dict[FieldPath, Profile] = {}
    for document in documents:
        _look_into(document, (), found)
    return [profile for profile in found.values() if profile.filled]


def guesses_of(profiles: list[Profile], records: int) -> Guesses:
    """What the fields may be for; no field is proposed twice, but for what only labels."""
    free = list(profiles)

    def first(of: Callable[[Profile], float | None]) -> Profile | None:
        best, chosen = 0.0, None
        for profile in free:
            score = of(profile)
            if score is not None and score > best:
                best, chosen = score, profile
        if chosen is not None:
            free.remove(chosen)
        return chosen

    at = first(lambda profile: _as_time(profile, records))
    customer_id = first(lambda profile: _as_customer(profile, records))
    event_id = first(lambda profile: _as_event_id(profile, records))
    event = first(lambda profile: _as_event(profile, records))
    reason = first(_as_reason)
    value = first(lambda profile: _as_value(profile, records))
    labels = {}
    for label, names in _LABELS.items():
        chosen = first(lambda profile, names=names: _as_label(profile, names, records))  # type: ignore[misc]
        if chosen is not None:
            labels[label] = chosen
    return Guesses(customer_id, event_id, at, event, value, reason, labels)


def _look_into(document: Mapping[str, Any], outer: FieldPath, found: dict[FieldPath, Profile]) -> None:
    for name, value in document.items():
        path = (*outer, name)
        if isinstance(value, dict) and len(path) < NESTED:
            _look_into(value, path, found)
            continue
        profile = found.get(path)
        if profile is None:
            profile = found[path] = Profile(path)
        profile.take(value)


# Each rule gives a score above 0, or None where the field cannot be meant.

_TIME_NAMES = re.compile(r"(?:^|_)(?:at|time|timestamp|ts|when|datetime|date|day|on|created|occurred)(?:_|$)")
_CUSTOMERS = (
    "customer", "client", "account", "subscriber", "member", "user", "buyer", "person", "passenger", "author",
    "cust", "contact",
)  # fmt: skip
_IDS = re.compile(r"(?:^|_)(?:id|uuid|guid|key|no|nr|number|ref)$")
_EVENTS = ("event", "kind", "action", "status", "operation", "op", "what", "type", "state")
_REASONS = ("reason", "why", "cause")
_VALUES = (
    "cltv", "clv", "lifetime", "mrr", "arr", "expected", "value", "amount", "revenue", "total", "price", "fee",
    "charge", "cost",
)  # fmt: skip
_LABELS = {
    "region": ("region", "country", "territory", "state", "city"),
    "segment": ("segment", "tier", "size", "class", "contract", "plan"),
    "product": ("product", "plan", "sku", "service", "item"),
    "activity": ("activity", "campaign", "channel", "offer", "origin", "source", "referrer", "utm"),
}
_ANSWERS = {"yes", "no", "true", "false", "y", "n"}
MOST_EVENTS = 40
MOST_LABELS = 200


def _words_of(profile: Profile) -> list[str]:
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", profile.path[-1])
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]


def _rank(profile: Profile, names: tuple[str, ...]) -> float | None:
    """The earlier of the names, the higher; a name that is the whole of the field's before one that is a part."""
    words = _words_of(profile)
    for place, name in enumerate(names):
        if name in words:
            return len(names) - place + (0.5 if words == [name] else 0.0)
    return None


def _as_time(profile: Profile, records: int) -> float | None:
    if profile.times < 0.9 * profile.filled or profile.filled < records / 2:
        return None
    named = _TIME_NAMES.search("_".join(_words_of(profile))) is not None
    if profile.unit is not None and not named:
        return None  # any large number may look like seconds
    # What is always there, tells the time of day and is named so; of equals the first.
    return 1 + 4 * profile.filled / records + 2 * (1 - profile.whole_days / profile.filled) + named


def _as_customer(profile: Profile, records: int) -> float | None:
    if profile.filled < 0.9 * records or profile.fractions:
        return None
    rank, is_id = _rank(profile, _CUSTOMERS), _IDS.search("_".join(_words_of(profile))) is not None
    if rank is None:
        # A name that says nothing: an id that comes again, where no better one is.
        return 0.5 if is_id and profile.different < profile.filled else None
    # One of few words is an attribute of the customer; numbers and codes under a bare name such as `account` are ids.
    few = min(5, records / 4) if len(_words_of(profile)) == 1 and _looks_like_ids(profile) else min(20, records / 4)
    if profile.different < (2 if is_id else few):
        return None
    return 1 + rank + (len(_CUSTOMERS) if is_id else 0)


def _looks_like_ids(profile: Profile) -> bool:
    return all(any(sign.isdigit() for sign in text) for text in profile.words)


def _as_event_id(profile: Profile, records: int) -> float | None:
    if profile.filled < records or profile.different < records or profile.fractions or records < 2:
        return None
    words = _words_of(profile)
    if _IDS.search("_".join(words)) is None and "id" not in words:
        return None
    return 1 + (1 if "event" in words else 0)


def _as_event(profile: Profile, records: int) -> float | None:
    few = profile.different <= MOST_EVENTS and (profile.different <= 12 or profile.different < records / 10)
    if profile.filled < 0.95 * records or not few or profile.numbers > profile.filled / 2:
        return None
    return _rank(profile, _EVENTS)


def _as_reason(profile: Profile) -> float | None:
    return _rank(profile, _REASONS) if profile.different <= MOST_LABELS and not profile.numbers else None


def _as_value(profile: Profile, records: int) -> float | None:
    if profile.numbers < 0.95 * profile.filled or profile.filled < records / 2 or profile.times == profile.filled:
        return None
    return _rank(profile, _VALUES)


def _as_label(profile: Profile, names: tuple[str, ...], records: int) -> float | None:
    if profile.different > MOST_LABELS or profile.numbers > profile.filled / 2 or profile.filled < records / 10:
        return None
    if {word.lower() for word in profile.words} <= _ANSWERS or "file" in _words_of(profile):
        return None
    return _rank(profile, names)
