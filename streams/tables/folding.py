"""Several rows as one: what is shown of scopes that are folded into `other`.

Amounts add up. Who moved between two of the scopes is in `transferred_in` and `transferred_out` of the sum, and has
not stayed in it; the sum balances as every row does.
"""

from collections.abc import Sequence
from typing import Any

from streams.tables.rows import Row, marbles

_AMOUNTS = (
    "opening", "stayed", "stayed_of", "new", "returned", "lost", "net", "closing", "transferred_in",
    "transferred_out", "early_loss", "pending_loss", "reasons_unusable", "earned",
)
_NUMBERS = ("expansion", "contraction", "referrals", "recommenders")


def folded(rows: Sequence[Row], customers_per_marble: int | None) -> Row:
    """The sum of at least one row; ratios and marbles are those of the sums."""
    if len(rows) == 1:
        return rows[0]
    made: Row = {name: _summed([row[name] for row in rows]) for name in _AMOUNTS}
    for name in _NUMBERS:
        made[name] = sum(row[name] for row in rows)
    kinds = sorted({kind for row in rows for kind in row["lost_by_kind"]})
    made["lost_by_kind"] = {
        kind: _summed([row["lost_by_kind"][kind] for row in rows if kind in row["lost_by_kind"]]) for kind in kinds
    }
    made["reasons"] = _lines(rows, "reasons", "reason")
    made["activities"] = _lines(rows, "activities", "activity")
    gained = made["new"]["customers"] + made["returned"]["customers"]
    made["marbles"] = marbles(gained, made["lost"]["customers"], customers_per_marble)
    held = made["opening"]["value"]
    if held > 0:
        made["earned_growth"] = (
            made["expansion"] - made["contraction"] - made["lost"]["value"] + made["earned"]["value"]
        ) / held
    if made["stayed_of"]["customers"] > 0:
        made["retention"] = made["stayed"]["customers"] / made["stayed_of"]["customers"]
    return made


def _summed(amounts: Sequence[dict[str, int]]) -> dict[str, int]:
    return {
        "customers": sum(amount["customers"] for amount in amounts),
        "value": sum(amount["value"] for amount in amounts),
    }


def _lines(rows: Sequence[Row], key: str, name: str) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for line in row[key]:
            held = found.get(line[name])
            if held is None:
                found[line[name]] = dict(line)
            else:
                for number, n in line.items():
                    if number != name:
                        held[number] += n
    return sorted(found.values(), key=lambda line: (-line["customers"], -line["value"], line[name]))
