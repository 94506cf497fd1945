"""What stands beside the ledger on the board: nothing where nothing is read, surges that wake somebody first."""

from types import SimpleNamespace
from typing import Any

from agents.wall_clock import wall_clock_us
from agents.web.beside import MOST_SURGES, Beside
from config.definitions_file import load
from config.settings import NATIVE_DEFINITIONS


def surge(onset: str, **more: str) -> dict[str, Any]:
    return {
        "series": {"measure": "unhappy_mentions", "brand": "acme"}, "onset": onset, "direction": "up",
        "observed": 612.0, "expected": 119.4, "evidence": [], **more,
    }  # fmt: skip


def beside(surges: dict[str, Any] | None, clock: int = 0) -> Beside:
    leads = None if surges is None else SimpleNamespace(now=lambda: surges)
    worker: Any = SimpleNamespace(
        health_company=None, voice_company=None, status=None, survey_leads=leads, answers=None,
        definitions=load(NATIVE_DEFINITIONS), latest_clock=lambda: clock,
    )
    return Beside(worker)


def test_nothing_is_invented_where_nothing_is_read() -> None:
    found = beside(None)
    assert found.sections("1h", {"reasons": []}) == {}
    assert found.feeds(0) == []


def test_open_surges_come_first_and_the_newest_of_the_others() -> None:
    closed = [surge(f"2024-05-0{day}T00:00:00Z", closed=f"2024-05-0{day}T05:00:00Z") for day in range(1, 9)]
    told = beside({"open": [surge("2024-05-09T02:00:00Z")], "closed": closed}).sections("1h", {"reasons": []})
    assert [one["open"] for one in told["surges"]] == [True] + [False] * (MOST_SURGES - 1)
    assert told["surges"][0]["text"] == (
        "Unhappy mentions, brand acme up from 9 May 02:00, still open: 612 where 119 were expected"
    )
    assert "8 May 00:00 until 8 May 05:00" in told["surges"][1]["text"]


def test_an_open_surge_says_which_alert_it_fires_where_it_is_of_now() -> None:
    left = surge("2024-05-09T02:00:00Z") | {"series": {"measure": "lost_customers"}, "is_expected": False}
    few, awaited, down = left | {"observed": 2.0}, left | {"is_expected": True}, left | {"direction": "down"}
    over = left | {"closed": "2024-05-09T03:00:00Z"}
    now = wall_clock_us()
    told = beside({"open": [left, few, awaited, down], "closed": [over]}, now).sections("1h", {"reasons": []})
    assert [(one["open"], one.get("alert")) for one in told["surges"]] == [
        (True, "NetgrowthLossSurge"), (True, None), (True, None), (True, None), (False, None),
    ]  # fmt: skip
    many = beside({"open": [left, *[few] * 9], "closed": []}, now).sections("1h", {"reasons": []})["surges"]
    assert [one.get("alert") for one in many] == ["NetgrowthLossSurge"] + [None] * (MOST_SURGES - 1)
    history = beside({"open": [left], "closed": []}).sections("1h", {"reasons": []})
    assert "alert" not in history["surges"][0]
