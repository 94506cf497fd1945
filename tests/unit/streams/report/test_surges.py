"""Surges in sentences."""

from streams.report.surges import surge_text


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
    surge = {
        "series": {"measure": "lost_customers"}, "onset": "2024-05-09T01:00:00Z", "direction": "up",
        "observed": 40.0, "expected": 9.0, "evidence": evidence,
    }  # fmt: skip
    assert surge_text(surge) == (
        "lost customers up from 2024-05-09T01:00:00Z, still open: 40 where 9 were expected; of it reason late 90%, "
        "segment SMB 80%, product Blue 60%"
    )
    assert surge_text(surge | {"evidence": evidence[:3]}).endswith("; of it product Blue 60%, kind voluntary 99%")
