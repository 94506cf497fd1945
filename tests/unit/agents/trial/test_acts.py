"""The acts of a trial: told once, in words, from an instant on, when the monitor has found them out."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from agents.trial.acts import ALERT, CALM, COMPLAINTS, FALSE_GREEN, LOSSES, ORDINARY, SUBSET, SURVEY, Acts
from agents.trial.pages import Seen

AMOUNT = {"customers": 7, "value": 100}
LEDGER = {"windows": {"7d": {"new": AMOUNT, "returned": AMOUNT, "lost": AMOUNT, "closing": AMOUNT}}}
SUBSET_OF_A = {
    "start": "2024-05-01T10:00:00Z", "end": "2024-05-01T11:00:00Z", "named_at": "2024-05-01T10:05:00Z",
    "service": "shop", "stage": "pay",
    "attributes": {"segment": ["A"]}, "customers": 50, "disrupted": 40,
}  # fmt: skip
GREEN_OF_A = {
    "service": "shop", "stage": "pay", "segment": "A", "region": "N", "start": "2024-05-01T10:01:00Z",
    "end": "2024-05-01T10:30:00Z", "minutes": 12,
}  # fmt: skip


LOOKED = datetime(2024, 5, 2, 10, tzinfo=UTC).timestamp()


def health(*false_green: dict[str, Any]) -> dict[str, Any]:
    return {"subsets": [SUBSET_OF_A], "false_green": list(false_green)}


def surge(measure: str, detected: str, *, story: str = "", **labels: str) -> dict[str, Any]:
    return {
        "story": story or detected,
        "id": f"{measure}{detected}{labels}", "series": {"measure": measure, **labels}, "direction": "up",
        "onset": detected, "detected": detected, "observed": 20.0, "expected": 2.0,
        "evidence": [
            {"label": "reason", "value": "late", "share": 0.8}, {"label": "topic", "value": "t", "share": 1.0},
        ],
    }  # fmt: skip


def surges(*of_now: dict[str, Any]) -> dict[str, Any]:
    return {"at": "2024-05-03T00:00:00Z", "open": list(of_now), "closed": []}


def watching() -> Acts:
    acts = Acts(ZoneInfo("America/New_York"))
    acts.watch_from("2024-05-01T00:00:00Z")
    return acts


def kinds(acts: Acts, seen: Seen) -> list[str]:
    return [act.kind for act in acts.see(seen)]


def test_nothing_is_told_before_what_is_watched_begins() -> None:
    acts = Acts(ZoneInfo("UTC"))
    assert acts.see(Seen(ledger=LEDGER)) == []
    acts.watch_from("2024-05-01T00:00:00Z")
    assert kinds(acts, Seen(ledger=LEDGER)) == [ORDINARY]
    assert kinds(acts, Seen(ledger=LEDGER)) == []


def test_a_subset_is_an_act_when_operations_do_not_see_it() -> None:
    acts = watching()
    assert SUBSET not in kinds(acts, Seen(ledger=LEDGER, health=health()))
    other, short = GREEN_OF_A | {"segment": "B"}, GREEN_OF_A | {"minutes": 9}
    assert kinds(acts, Seen(ledger=LEDGER, health=health(other, short))) == []
    later = GREEN_OF_A | {"start": "2024-05-01T11:00:00Z", "end": "2024-05-01T12:00:00Z"}
    assert kinds(acts, Seen(ledger=LEDGER, health=health(later))) == []
    assert kinds(acts, Seen(ledger=LEDGER, health=health(GREEN_OF_A))) == [FALSE_GREEN, SUBSET]
    assert "40 of 50 customers disrupted in shop, pay, since 1 May 06:00" in acts.told[-1].text
    # Told once, though more is known of it later.
    more = SUBSET_OF_A | {"disrupted": 41, "start": "2024-05-01T09:58:00Z"}
    assert kinds(acts, Seen(ledger=LEDGER, health=health(GREEN_OF_A) | {"subsets": [more]})) == []
    # A week later the first spell of it is not kept any more, and a later one of its spells is the first.
    second = GREEN_OF_A | {"start": "2024-05-01T10:40:00Z", "end": "2024-05-01T11:10:00Z"}
    assert kinds(acts, Seen(ledger=LEDGER, health=health(second))) == []


def test_surges_are_told_with_their_alert_and_the_calm_after_it() -> None:
    acts = watching()
    acts.see(Seen(ledger=LEDGER))
    old = surge("lost_customers", "2024-04-30T00:00:00Z")
    said = surge("unhappy_mentions", "2024-05-01T12:00:00Z", brand="A")
    left = surge("lost_customers", "2024-05-01T13:00:00Z", segment="A")
    late = surge("unhappy_answers", "2024-05-15T12:00:00Z")
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(old))) == []
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(left, said))) == [COMPLAINTS, LOSSES, ALERT]
    assert "customers leave (segment A): 20 customers where 2 were expected; 80% of the excess reason late" in [
        act.text for act in acts.told
    ]
    assert sorted(kinds(acts, Seen(ledger=LEDGER, surges=surges(late), looked_until=LOOKED))) == [CALM, SURVEY]
    assert any("14 days after the complaints" in act.text for act in acts.told)
    assert next(act.at for act in acts.told if act.kind == CALM) == "2024-05-02T10:00:00Z"  # not what tables stand at


def test_one_trouble_is_one_page_and_told_again_where_it_is_much_larger() -> None:
    acts = watching()
    acts.see(Seen(ledger=LEDGER))
    region = surge("lost_customers", "2024-05-01T13:00:00Z", story="s", region="N")
    company = surge("lost_customers", "2024-05-01T14:00:00Z", story="s") | {"observed": 39.0}
    segment = surge("lost_customers", "2024-05-01T15:00:00Z", story="s", segment="A") | {"observed": 40.0}
    other = surge("lost_customers", "2024-05-01T16:00:00Z", story="t", segment="B")
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(region))) == [LOSSES, ALERT]
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(region | {"observed": 45.0}, company))) == []
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(region, company, segment))) == [LOSSES]
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(region, company, segment, other))) == [LOSSES, ALERT]


def test_what_an_action_expected_wakes_nobody() -> None:
    acts = watching()
    acts.see(Seen(ledger=LEDGER))
    expected = surge("lost_customers", "2024-05-01T13:00:00Z") | {"is_expected": True}
    few = surge("lost_customers", "2024-05-01T14:00:00Z") | {"observed": 2.0}
    assert kinds(acts, Seen(ledger=LEDGER, surges=surges(expected, few))) == [LOSSES, LOSSES]
