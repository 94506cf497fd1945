"""A draft of a definitions file from a sample of records: what was seen in comments, what is open `unmapped`.

Field names are proposed, what a word means never is: every event and every reason stays `unmapped` until somebody has
said what it is. A file that still holds an `unmapped` has faults (`definitions check`).
"""

import json
import re
from collections.abc import Iterator

from streams.facts.definitions.undecided import UNMAPPED
from streams.facts.labels import is_sound
from streams.facts.money import MINOR_DIGITS
from streams.facts.profiles import FieldPath, Guesses, Profile

MOST_WORDS = 40
"""Words of one field that a draft lists; `definitions try` names the others."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_ ./-]*[A-Za-z0-9_]|[A-Za-z_]")
_RESERVED = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n", "nan", "inf", UNMAPPED})
_CURRENCIES = frozenset(MINOR_DIGITS) | {
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "MXN", "MYR",
    "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "ZAR",
}  # fmt: skip
_MINOR = frozenset({"cents", "pence", "minor", "ore", "centavos"})


def draft(name: str, guesses: Guesses, records: int, source: str) -> str:
    """The text of a definitions file.

    Args:
        name: of the definitions and of their one silo.
        records: how many records the guesses were made from.
        source: where they came from, for the first comment.
    """
    return "\n".join(_lines(name, guesses, records, source)) + "\n"


def _lines(name: str, guesses: Guesses, records: int, source: str) -> Iterator[str]:
    counted = f"{records:,} record" if records == 1 else f"{records:,} records"
    yield f"# A draft from {counted} of {source}. Every `unmapped` is a decision that is yet to be made;"
    yield "# `netgrowth definitions check` holds once none is left. What records become: `netgrowth definitions try`."
    yield ""
    yield f"name: {word(name)}"
    yield 'version: "1"'
    yield ""
    yield from _money_and_time(guesses, records)
    yield ""
    yield from _reasons(guesses)
    yield from _activities(guesses)
    yield ""
    yield "native: false             # records with a field `fact` have no meaning of their own"
    yield ""
    yield "silos:"
    yield f"  {word(name)}:"
    yield from (f"    {line}" if line else "" for line in _silo(guesses, records))


def _money_and_time(guesses: Guesses, records: int) -> Iterator[str]:
    value, at = guesses.value, guesses.at
    currency = None if value is None else _currency_of(value)
    if currency is None:
        yield f"currency: {UNMAPPED}        # of all values; a code of ISO 4217, such as EUR"
    else:
        assert value is not None
        yield f"currency: {currency}             # from the name of {value.name}"
    if at is not None and at.zoned == at.times:
        yield "time_zone: UTC            # in which the company's days begin; its times name their own offset"
    else:
        yield f"time_zone: {UNMAPPED}       # in which the company's days begin, such as Europe/London"
    yield "horizon: 36h              # facts of a customer may come in any order this far back"
    yield "grouping_window: 1h       # leaving and joining within it is one change"
    yield "early_within: 90d         # a loss this soon after the gain is early"
    yield "# lapse: {after: 180d, restarted_by: [purchased]}    # lost by silence; only where silence means something"
    yield ""
    yield "value_model:"
    yield '  version: "1"'
    if value is None:
        yield f"  field: {UNMAPPED}         # the field that holds what a customer is worth; no field looks like it"
        return
    smallest = f"{value.filled:,} of {records:,} records have it, such as {next(iter(value.words))}"
    if _MINOR & set(re.split(r"[^a-z]+", value.name.lower())):
        yield f"  field: {{minor_units: {path(value.path)}}}      # {smallest}"
    else:
        yield f"  field: {path(value.path)}      # {smallest}"


def _reasons(guesses: Guesses) -> Iterator[str]:
    reason = guesses.reason
    if reason is None:
        yield "reasons:                  # no field looks like a reason; name one in the facts that end"
        yield "  open: true"
        return
    yield f"reasons:                  # words of {reason.name}, with their counts; give each its agreed reason"
    yield "  agreed:"
    yield f"    {UNMAPPED}:"
    yield "      # stage: paying     # of the journey; kind: voluntary (the default), payment or beyond_us"
    yield from _words(reason, "      words:", "        ")


def _activities(guesses: Guesses) -> Iterator[str]:
    activity = guesses.labels.get("activity")
    if activity is None:
        yield "activities: open          # no field looks like what brought a customer"
        return
    yield f"activities:               # words of {activity.name}, with their counts; earned: true for recommendations"
    yield "  agreed:"
    yield f"    {UNMAPPED}:"
    yield from _words(activity, "      words:", "        ")


def _words(profile: Profile, head: str, indent: str) -> Iterator[str]:
    yield head
    for text, count in profile.words.most_common(MOST_WORDS):
        if is_sound(text):
            yield f"{indent}- {word(text)}    # {count:,}"
    if profile.different > MOST_WORDS:
        yield f"{indent}# and {profile.different - MOST_WORDS:,} more"


def _silo(guesses: Guesses, records: int) -> Iterator[str]:
    customer, event_id, at = guesses.customer_id, guesses.event_id, guesses.at
    if customer is None:
        yield f"customer_id: {UNMAPPED}     # no field looks like a customer's id"
    else:
        yield f"customer_id: {path(customer.path)}     # {customer.different:,} different ones in {records:,} records"
    if event_id is not None:
        yield f"event_id: {path(event_id.path)}     # another one in every record"
    else:
        parts = [profile for profile in (customer, at, guesses.event, guesses.value) if profile is not None]
        yield "# No field tells one record from another; these do together, if no two records agree in all of them:"
        yield f"event_id: {{hash: [{', '.join(path(profile.path) for profile in parts) or UNMAPPED}]}}"
    if at is not None and at.zoned < at.times:
        yield f"zone: {UNMAPPED}            # of the times in {at.name}, which name no offset"
    yield "every_fact:"
    yield f"  at: {_time(at)}"
    for label in ("segment", "region", "product"):
        profile = guesses.labels.get(label)
        if profile is not None:
            yield f"  {label}: {path(profile.path)}     # {_some(profile)}"
    activity = guesses.labels.get("activity")
    if activity is not None:
        yield f"  activity: {path(activity.path)}     # {_some(activity)}"
    yield "# Of a `fact` write one of: opening, joined, purchased, left, leaving, staying, value_changed,"
    yield "# profile_changed, recommended; or `drop: true` in place of `facts` where a record says nothing of that."
    if guesses.reason is not None:
        yield f"# A `left` or `leaving` also has: reason: {path(guesses.reason.path)}"
    yield "rules:"
    event = guesses.event
    if event is None:
        yield "  - name: every record        # no field looks like what happened; `when:` tells records apart"
        yield f"    facts: [{{fact: {UNMAPPED}, value: model}}]"
        return
    for text, count in event.words.most_common():
        if not is_sound(text):
            yield f"  # {count:,} records have a word that is too long, or holds control characters: left out"
            continue
        yield f"  - name: {word(text)}        # {count:,} of {records:,} records"
        yield f"    when: [{{field: {path(event.path)}, is: {word(text)}}}]"
        yield f"    facts: [{{fact: {UNMAPPED}, value: model}}]"


def _time(at: Profile | None) -> str:
    if at is None:
        return f"{UNMAPPED}            # no field looks like when it happened; or {{constant: 2024-01-01T00:00:00Z}}"
    if at.unit is not None:
        return f"{{time: {path(at.path)}, unit: {at.unit}}}     # such as {next(iter(at.words))}"
    return f"{path(at.path)}     # such as {next(iter(at.words))}"


def _some(profile: Profile) -> str:
    shown = ", ".join(text for text, _ in profile.words.most_common(4))
    return shown if profile.different <= 4 else f"{shown} and {profile.different - 4:,} more"


def _currency_of(value: Profile) -> str | None:
    return next((part for part in re.split(r"[^A-Z]+", value.name.upper()) if part in _CURRENCIES), None)


def word(text: str) -> str:
    """A text as YAML: plain where that is safe, else in quotation marks."""
    if _PLAIN.fullmatch(text) and text.lower() not in _RESERVED and len(text) <= 100:
        return text
    return json.dumps(text, ensure_ascii=False)


def path(names: FieldPath) -> str:
    """A field as definitions write it: a dot between the names, or a list where a name has a dot in it."""
    if any("." in name or not name.strip() for name in names):
        return "[" + ", ".join(word(name) for name in names) + "]"
    return word(".".join(names))
