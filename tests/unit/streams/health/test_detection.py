"""Whether we knew of a trouble before customers said so, and before the first of them left."""

import random
from typing import Any

import pytest

from config.definitions_file import parse
from streams.facts.definitions.model import Definitions
from streams.health.parts import ScopeName
from streams.health.recount import HealthRecount
from streams.health.red_spells import RedSpells
from streams.health.shares import ColourName
from streams.recount import Recount
from streams.voice.stage import VoiceStage
from tests.unit.streams.health.signalling import NATIVE, START, definitions, records, signal

MINUTE_MS = 60_000


def mention(number: int, minute: float, **more: Any) -> dict[str, Any]:
    """An unhappy call that tells its topic and no customer, so many minutes after the start."""
    return {
        "mention_id": f"m{number}", "at": START + int(minute * MINUTE_MS), "author_id": f"a{number}",
        "channel": "call", "brand": "shop", "sentiment": -0.8, "topics": ["checkout"], **more,
    }  # fmt: skip


def trouble(first: int = 10, last: int = 20) -> list[dict[str, Any]]:
    """Ten customers by the minute for an hour, all of them disrupted in [first, last)."""
    return [
        signal(minute * 10 + n, minute, f"c{n}", ok=not first <= minute < last)
        for minute in range(60)
        for n in range(10)
    ]


def told_of(
    signals: list[dict[str, Any]], mentions: list[dict[str, Any]] | None = None,
    facts: list[dict[str, Any]] | None = None, partitions: int = 1, under: Definitions | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Health's JSON over these records."""
    agreed = under or definitions()
    recount = HealthRecount(agreed, with_facts=facts is not None, partitions=partitions)
    if facts is not None:
        ledger = Recount(agreed, on_change=recount.on_change)
        ledger.add(records(facts))
        ledger.finish()
        recount.tell_time(ledger.latest)
    if mentions is not None:
        recount.listen()
        batch = VoiceStage(agreed, on_mention=recount.hear).read(records(mentions))
        assert not batch.dead_letters
    recount.add(records(signals))
    return recount.finish()


def test_a_trouble_lasts_from_red_to_green_again_and_is_told_once() -> None:
    health = told_of(trouble())
    (row,) = health["troubles"]
    assert (row["service"], row["stage"], row["segment"]) == ("shop", "checkout", "unknown")
    assert (row["start"], row["end"]) == ("2024-01-01T10:10:00Z", "2024-01-01T10:20:00Z")
    assert row["detected"] == "2024-01-01T10:11:00Z"
    assert health["mentions_feed"] == "unknown"
    assert "first_to_know" not in health
    assert not any(name.startswith(("first_", "seconds_")) for name in row)


@pytest.mark.parametrize(
    ("mentions", "by", "seconds"),
    [
        ([mention(1, 15)], "topic", 240),
        ([mention(1, 9)], "topic", -120),
        # One who was disrupted in it comes before any topic, whatever it is about, once it was disrupted.
        ([mention(1, 9), mention(2, 30, customer_id="c3", topics=[])], "customer", 19 * 60),
        ([mention(n, at, customer_id="c3", topics=[]) for n, at in enumerate((9.5, 10.5))], "customer", -30),
        # Another topic, a stranger, one who is happy, and one too early.
        ([mention(1, 15, topics=["price"]), mention(2, 16, topics=[], customer_id="other"),
          mention(3, 12, sentiment=0.9, customer_id="c1"), mention(4, -51)], None, None),
    ],
)  # fmt: skip
def test_the_first_complaint_is_the_customers_own_else_of_the_topic(
    mentions: list[dict[str, Any]], by: str | None, seconds: float | None
) -> None:
    health = told_of(trouble(), mentions)
    (row,) = health["troubles"]
    assert (row.get("complaint_by"), row.get("seconds_before_complaint")) == (by, seconds)
    first = 0 if seconds is None or seconds < 0 else 1
    told = {"troubles": 1, "complained_of": int(by is not None), "we_were_first": first}
    if by is not None:
        told["share"] = first
    assert health["first_to_know"] == told


def test_a_reason_that_belongs_to_the_stage_is_a_topic_of_it() -> None:
    agreed = parse(
        NATIVE.replace("reasons: open", "reasons: {agreed: {no till: {stage: checkout}, too dear: {stage: using}}}")
        + "journey: [using, checkout]\nhealth: {thresholds: [{satisfied_within: 1s}]}\n"
    )
    mentions = [mention(1, 15, topics=["too dear"]), mention(2, 16, topics=["no till"])]
    (row,) = told_of(trouble(), mentions, under=agreed)["troubles"]
    assert (row["complaint_by"], row["seconds_before_complaint"]) == ("topic", 300)


def test_the_share_is_of_the_troubles_that_were_complained_of() -> None:
    signals = [*trouble(10, 15), *(signal(5_000 + n, 5 * 1440 + 3, f"c{n}", ok=False) for n in range(10))]
    signals += [signal(6_000 + n, 9 * 1440, f"c{n}", ok=False) for n in range(10)]
    health = told_of(signals, [mention(1, 12), mention(2, 5 * 1440 + 3.5)])
    assert [row.get("seconds_before_complaint") for row in health["troubles"]] == [60, -30, None]
    told = {"troubles": 3, "complained_of": 2, "we_were_first": 1, "share": 0.5}
    assert health["first_to_know"] == told


@pytest.mark.parametrize("partitions", [1, 4])
def test_the_lead_before_the_first_loss_is_of_those_who_were_disrupted_in_it(partitions: int) -> None:
    def fact(number: int, customer: str, minute: float, **more: Any) -> dict[str, Any]:
        return {
            "event_id": str(number), "at": START + int(minute * MINUTE_MS), "customer_id": customer, "value": 1,
            **more,
        }  # fmt: skip

    facts = [fact(n, f"c{n}", -1000, fact="joined") for n in range(10)] + [fact(20, "x", -1000, fact="joined")]
    facts += [fact(30, "x", 45, fact="left"), fact(31, "c4", 50, fact="left"), fact(32, "c5", 55, fact="left")]
    # x was well in the trouble, was disrupted alone after it, and left before the others.
    signals = [*trouble(), *(signal(7_000 + n, n, "x", ok=n < 40) for n in range(41))]
    (row,) = told_of(signals, facts=facts, partitions=partitions)["troubles"]
    assert (row["first_loss"], row["seconds_before_loss"]) == ("2024-01-01T10:50:00Z", 39 * 60)


def test_a_stage_as_a_whole_is_a_trouble_where_none_of_its_scopes_is() -> None:
    spread = [
        signal(minute * 10 + n, minute, f"c{n}", ok=minute != 5, attributes={"region": f"r{n % 5}"})
        for minute in range(10)
        for n in range(10)
    ]
    (row,) = told_of(spread)["troubles"]  # two customers each give no colour by their share
    assert "segment" not in row
    assert row["start"] == "2024-01-01T10:05:00Z"


def test_a_whole_is_told_only_while_none_of_its_many_scopes_is_red() -> None:
    chance = random.Random(5)
    spells = RedSpells()
    scopes = [ScopeName("shop", "checkout", "gold", f"r{number}") for number in range(12)]
    whole = ScopeName("shop", "checkout", None, None)
    for scope in (*scopes, whole):
        for minute in range(400):
            if chance.random() < (0.05 if scope is whole else 0.003):
                spells.add(scope, minute, ColourName.RED)
            elif scope is scopes[0] and 50 <= minute < 200:
                spells.add(scope, minute, ColourName.RED)  # one that outlasts those that begin after it
    told = spells.troubles()
    parts = [one for one in told if one.scope is not whole]
    own = RedSpells()
    chance = random.Random(5)
    for scope in (*scopes, whole):
        for minute in range(400):
            if chance.random() < (0.05 if scope is whole else 0.003) and scope is whole:
                own.add(scope, minute, ColourName.RED)
    alone = [one for one in own.troubles() if not any(one.start < p.end and p.start < one.end for p in parts)]
    assert [one for one in told if one.scope is whole] == alone
    assert 0 < len(alone) < len(own.troubles())
