"""Tables: one row at a time, by looping over every customer and every movement.

A scope is a function that says whether (segment, region, product) belongs to it. What a customer held at an
instant is found by replaying all its movements before that instant.
"""

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction

from .facts import DAY, UNKNOWN
from .movements import History, Movement
from .windows import Calendar

Scope = tuple[str, str, str]
InScope = Callable[[Scope], bool]
GAINS = ("new", "returned")


def held_before(history: History, at: int) -> tuple[Scope, int] | None:
    """Scope and value of a customer active just before an instant, else None."""
    held = None
    for m in history.movements:
        if m.at < at:
            held = after(held, m)
    return held


def after(held: tuple[Scope, int] | None, m: Movement) -> tuple[Scope, int] | None:
    """What is held after a movement."""
    if m.kind in ("opening", *GAINS):
        return m.scope, m.value
    if m.kind == "lost":
        return None
    if m.kind == "recommended" or held is None:
        return held
    if m.kind == "transfer":
        return m.to, held[1]
    return held[0], held[1] + (m.value if m.kind == "expansion" else -m.value)


def amount(pairs: list[tuple[int, int]]) -> dict[str, int]:
    """Sum of (customers, value)."""
    return {"customers": sum(c for c, _ in pairs), "value": sum(v for _, v in pairs)}


def counted(movements: list[Movement]) -> dict[str, int]:
    """Sum of movements."""
    return amount([(m.customers, m.value) for m in movements])


def ordered(rows: list[dict], name: str) -> list[dict]:
    """Most customers first, then most value, then by name."""
    return sorted(rows, key=lambda row: (-row["customers"], -row["value"], row[name]))


def stays(history: History, start: int, end: int, inside: InScope) -> list[tuple[str, int]]:
    """Stays there at the start or opened in the window, as (how it ended, value at the start).

    A stay ends as `lasted`, by a `lost`, or by having `moved` out of the scope.
    """
    found = []
    held = held_before(history, start)
    if held is not None and inside(held[0]):
        found.append((how_ended([m for m in history.movements if start <= m.at < end], inside), held[1]))
    for index, m in enumerate(history.movements):
        if m.kind == "opening" and start <= m.at < end and inside(m.scope):
            rest = [later for later in history.movements[index + 1 :] if later.at < end]
            found.append((how_ended(rest, inside), m.value))
    return found


def how_ended(movements: list[Movement], inside: InScope) -> str:
    """How a stay in a scope ends over the following movements."""
    for m in movements:
        if m.kind == "lost":
            return "lost"
        if m.kind == "transfer" and not inside(m.to):
            return "moved"
    return "lasted"


def still_here(history: History, index: int, end: int) -> bool:
    """Whether the membership that began with this movement was not lost by `end`."""
    later = history.movements[index + 1 :]
    return not any(m.kind == "lost" and m.at < end for m in later)


def pending_at(history: History, end: int, inside: InScope) -> tuple[int, int] | None:
    """The pending loss in force just before an instant, counted where the customer is then."""
    in_force = any(set_at < end and (ended is None or ended >= end) for set_at, ended, _ in history.pendings)
    held = held_before(history, end)
    if in_force and held is not None and inside(held[0]):
        return 1, held[1]
    return None


def marbles(gained: int, lost: int, fixed: int | None) -> dict[str, int]:
    """Customers per marble as fixed, else the smallest of 1, 2, 5 x 10^n with at most 60 in each bowl."""
    per_marble, power = fixed or 0, 1
    while not per_marble:
        for step in (1, 2, 5):
            if gained // (step * power) <= 60 and lost // (step * power) <= 60:
                per_marble = step * power
                break
        power *= 10
    return {
        "customers_per_marble": per_marble,
        "gained": gained // per_marble,
        "lost": lost // per_marble,
        "remainder_gained": gained % per_marble,
        "remainder_lost": lost % per_marble,
    }


def row(histories: list[History], start: int, end: int, inside: InScope, per_marble: int | None) -> dict:
    """One Row of the ledger over [start, end) in one scope."""
    inside_window = [m for h in histories for m in h.movements if start <= m.at < end]
    here = [m for m in inside_window if inside(m.scope)]
    of = {kind: [m for m in here if m.kind == kind] for kind in ("opening", "lost", *GAINS)}
    transfers = [m for m in inside_window if m.kind == "transfer"]
    moved_in = [m for m in transfers if inside(m.to) and not inside(m.scope)]
    moved_out = [m for m in transfers if inside(m.scope) and not inside(m.to)]
    expansion = sum(m.value for m in here if m.kind == "expansion")
    contraction = sum(m.value for m in here if m.kind == "contraction")
    before = [held_before(h, start) for h in histories]
    at_end = [held_before(h, end) for h in histories]
    opening = amount(
        [(1, held[1]) for held in before if held and inside(held[0])] + [(1, m.value) for m in of["opening"]]
    )
    all_stays = [stay for h in histories for stay in stays(h, start, end, inside)]
    gained = counted(of["new"] + of["returned"])
    lost = counted(of["lost"])
    earned = counted([m for m in of["new"] if m.earned])
    result = {
        "opening": opening,
        "stayed": amount([(1, value) for ended, value in all_stays if ended == "lasted"]),
        "stayed_of": amount([(1, value) for ended, value in all_stays if ended != "moved"]),
        "new": counted(of["new"]),
        "returned": counted(of["returned"]),
        "lost": lost,
        "net": {name: gained[name] - lost[name] for name in ("customers", "value")},
        "closing": amount([(1, held[1]) for held in at_end if held and inside(held[0])]),
        "expansion": expansion,
        "contraction": contraction,
        "transferred_in": counted(moved_in),
        "transferred_out": counted(moved_out),
        "lost_by_kind": {
            kind: counted([m for m in of["lost"] if m.loss_kind == kind])
            for kind in sorted({"voluntary", "payment", "beyond_us"} | {m.loss_kind for m in of["lost"]})
        },
        "early_loss": counted([m for m in of["lost"] if m.early]),
        "pending_loss": amount([p for h in histories if (p := pending_at(h, end, inside))]),
        "reasons": ordered(
            [
                {"reason": reason} | counted([m for m in of["lost"] if m.reason == reason])
                for reason in {m.reason for m in of["lost"]}
            ],
            "reason",
        ),
        "reasons_unusable": counted([m for m in of["lost"] if m.reason == UNKNOWN]),
        "activities": activities(histories, start, end, inside),
        "earned": earned,
        "marbles": marbles(gained["customers"], lost["customers"], per_marble),
    } | recommendations(histories, start, end, inside)
    if opening["value"]:
        kept = opening["value"] - lost["value"] + expansion - contraction
        growth = Fraction(kept, opening["value"]) + Fraction(earned["value"], opening["value"]) - 1
        result["earned_growth"] = float(growth)
    if result["stayed_of"]["customers"]:
        result["retention"] = result["stayed"]["customers"] / result["stayed_of"]["customers"]
    return result


def activities(histories: list[History], start: int, end: int, inside: InScope) -> list[dict]:
    """Gains and openings in the window by what brought the customer in."""
    lines: dict[str, dict] = {}
    for h in histories:
        for index, m in enumerate(h.movements):
            if m.kind in ("opening", *GAINS) and start <= m.at < end and inside(m.scope):
                empty = {"activity": m.activity, "customers": 0, "value": 0, "still_here": 0}
                line = lines.setdefault(m.activity, empty)
                line["customers"] += 1
                line["value"] += m.value
                line["still_here"] += still_here(h, index, end)
    return ordered(list(lines.values()), "activity")


def recommendations(histories: list[History], start: int, end: int, inside: InScope) -> dict[str, int]:
    """Referrals where they were made; recommenders where they last recommended in the window."""
    referrals = recommenders = 0
    for h in histories:
        made = [m for m in h.movements if m.kind == "recommended" and start <= m.at < end]
        referrals += sum(m.count for m in made if inside(m.scope))
        recommenders += bool(made) and inside(made[-1].scope)
    return {"referrals": referrals, "recommenders": recommenders}


def cohorts(histories: list[History], calendar: Calendar, clock: int) -> list[dict]:
    """Customers by month of `new` or of an opening's `since`, and how long they stayed at first."""
    lines: dict[str, dict[str, int]] = defaultdict(
        lambda: {"joined": 0, "lost_30d": 0, "lost_90d": 0, "lost_365d": 0, "still_here": 0}
    )
    for h in histories:
        began = [m.cohort_at for m in h.movements if m.cohort_at is not None]
        if not began:
            continue
        line = lines[calendar.month(began[0])]
        line["joined"] += 1
        losses = [m.at for m in h.movements if m.kind == "lost"]
        for days in (30, 90, 365):
            line[f"lost_{days}d"] += bool(losses) and losses[0] - began[0] <= days * DAY
        line["still_here"] += held_before(h, clock + 1) is not None
    return [{"month": month} | lines[month] for month in sorted(lines)]
