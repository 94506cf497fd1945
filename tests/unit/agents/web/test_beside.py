"""What stands beside the ledger on the board: nothing where nothing is read, surges that wake somebody first."""

from types import SimpleNamespace
from typing import Any

from agents.silent_feeds import SilentFeeds
from agents.wall_clock import wall_clock_us
from agents.web.beside import MOST_SURGES, MOST_TROUBLES, Beside
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS


def surge(onset: str, **more: str) -> dict[str, Any]:
    return {
        "story": onset, "series": {"measure": "unhappy_mentions", "brand": "acme"}, "onset": onset, "detected": onset,
        "direction": "up", "observed": 612.0, "expected": 119.4, "evidence": [], **more,
    }  # fmt: skip


def beside(surges: dict[str, Any] | None, clock: int = 0) -> Beside:
    leads = None if surges is None else SimpleNamespace(now=lambda: surges)
    worker: Any = SimpleNamespace(
        health_company=None, voice_company=None, status=None, survey_leads=leads, answers=None,
        definitions=load(NATIVE_DEFINITIONS), latest_clock=lambda: clock, silent_feeds=SilentFeeds({}, {}, None),
    )
    return Beside(worker)


def test_nothing_is_invented_where_nothing_is_read() -> None:
    found = beside(None)
    assert found.sections("1h", {"reasons": []}) == {}
    assert found.feeds(0) == []


def troubles(surges: dict[str, Any], clock: int = 0) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = beside(surges, clock).sections("1h", {"reasons": []})["troubles"]
    return told


def test_open_surges_come_first_and_the_newest_of_the_others() -> None:
    closed = [surge(f"2024-05-0{day}T00:00:00Z", closed=f"2024-05-0{day}T05:00:00Z") for day in range(1, 9)]
    told = troubles({"open": [surge("2024-05-09T02:00:00Z")], "closed": closed})
    assert [one["surges"][0]["open"] for one in told] == [True] + [False] * (MOST_TROUBLES - 1)
    assert told[0]["surges"][0]["text"] == (
        "Unhappy mentions, brand acme up from 9 May 02:00, still open: 612 where 119 were expected"
    )
    assert "8 May 00:00 until 8 May 05:00" in told[1]["surges"][0]["text"]


def test_an_open_surge_says_which_alert_it_fires_where_it_is_of_now() -> None:
    left = surge("2024-05-09T02:00:00Z") | {"series": {"measure": "lost_customers"}, "is_expected": False}
    few, awaited, down = left | {"observed": 2.0}, left | {"is_expected": True}, left | {"direction": "down"}
    over = left | {"closed": "2024-05-09T03:00:00Z"}
    now = wall_clock_us()
    told = troubles({"open": [down, awaited, few, left], "closed": [over]}, now)
    assert [(one["open"], one.get("alert")) for one in told[0]["surges"]] == [
        (True, "NetgrowthLossSurge"), (True, None), (True, None), (True, None), (False, None),
    ]  # fmt: skip
    history = troubles({"open": [left], "closed": []})
    assert "alert" not in history[0]["surges"][0]


def test_surges_of_one_trouble_stand_together_and_those_with_an_alert_before_other_troubles() -> None:
    complained = surge("2024-05-09T01:00:00Z", story="a")
    left = surge("2024-05-09T02:00:00Z", story="a") | {"series": {"measure": "lost_customers"}}
    praised = surge("2024-05-09T03:00:00Z", story="b")
    over = complained | {"closed": "2024-05-09T01:30:00Z"}
    told = troubles({"open": [complained, left, *[complained] * 5, praised], "closed": [over]}, wall_clock_us())
    assert [(one["story"], one["since"], len(one["surges"]), one["more"]) for one in told] == [
        ("a", "9 May 01:00", MOST_SURGES, 3), ("b", "9 May 03:00", 1, 0),
    ]  # fmt: skip
    assert [one.get("alert") for one in told[0]["surges"]] == ["NetgrowthLossSurge"] + [None] * (MOST_SURGES - 1)
    assert all(one["open"] for one in told[0]["surges"])


def test_of_a_trouble_that_comes_first_which_told_of_it_first() -> None:
    earlier, later = (surge(f"2024-05-09T0{hour}:00:00Z", story="a") for hour in (1, 2))
    told = troubles({"open": [earlier, later], "closed": []})
    assert [one["text"].split(" up from ")[1][:11] for one in told[0]["surges"]] == ["9 May 01:00", "9 May 02:00"]
