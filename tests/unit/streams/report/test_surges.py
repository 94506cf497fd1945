"""Surges in sentences."""

from typing import Any

from streams.report.surges import surge_lines, surge_text

SURGE: dict[str, Any] = {
    "series": {"measure": "lost_customers"}, "onset": "2024-05-09T01:00:00Z", "direction": "up", "observed": 40.0,
    "expected": 9.0, "evidence": [],
}  # fmt: skip


def test_of_each_label_the_largest_part_is_told_and_why_before_how() -> None:
    shares = {
        "kind": {"voluntary": 0.99}, "product": {"Blue": 0.6, "Silver": 0.25}, "reason": {"late": 0.9, "price": 0.05},
        "region": {"north": 0.5}, "segment": {"SMB": 0.8},
    }  # fmt: skip
    evidence = [
        {"label": label, "value": value, "share": share}
        for label, parts in shares.items()
        for value, share in parts.items()
    ]
    surge = SURGE | {"evidence": evidence}
    assert surge_text(surge) == (
        "lost customers up from 2024-05-09T01:00:00Z, still open: 40 where 9 were expected; of it reason late 90%, "
        "segment SMB 80%, product Blue 60%"
    )
    assert surge_text(surge | {"evidence": evidence[:3]}).endswith("; of it product Blue 60%, kind voluntary 99%")


def test_one_that_was_made_up_for_by_what_followed_is_not_said_to_be_above_what_was_expected() -> None:
    assert surge_text(SURGE | {"observed": 168.0, "expected": 211.0, "closed": "2024-05-09T09:00:00Z"}) == (
        "lost customers up at first, from 2024-05-09T01:00:00Z until 2024-05-09T09:00:00Z: in all 168 where 211 were "
        "expected"
    )
    fallen = SURGE | {"direction": "down", "observed": 3.0, "expected": 1.2}
    assert surge_text(fallen).startswith("lost customers down at first, from ")
    assert surge_text(fallen).endswith(", still open: in all 3 where 1 was expected")


def test_how_many_are_open() -> None:
    of: dict[str, Any] = {
        "open": [], "closed": [SURGE | {"detected": "", "story": "a", "closed": ""}], "ties": [], "leads": [],
        "false_alarms": {"days": 30, "false": 0, "budget": 2.0, "over_budget": []}, "watched": {},
    }  # fmt: skip
    assert next(surge_lines(of)) == "Surges: none open, 1 closed of late"
    assert next(surge_lines(of | {"open": of["closed"], "closed": []})) == "Surges: 1 open, none closed of late"
