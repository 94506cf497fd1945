"""Hypothesis strategies: short hostile histories of one to three customers, in arrival order.

There are few instants, 20 minutes apart, few ids and few words, and the spans of the rules are hours, so that
dues, one change, other silos' reports, contradictions, retractions and the horizon meet all the time.
"""

from hypothesis import strategies as st

from .facts import HOUR, MINUTE, instant, rfc3339
from .placement import partition_of

START = instant("2024-03-04T08:00:00Z")
STEP = 20 * MINUTE
INSTANTS = 36
HORIZON = 5 * HOUR
SHORT_RULES = {
    "horizon": HORIZON,
    "grouping": HOUR,
    "same_departure": 2 * HOUR,
    "early_within": 4 * HOUR,
    "lapse": {"after": 3 * HOUR, "restarted_by": ["purchased", "value_changed"]},
    "trailing": None,
    "precedence": ["a", "b"],
    "time_zone": "Europe/Berlin",
    "until": None,
}
TRAILING = {"span": 2 * HOUR, "facts": ["purchased", "recommended"]}
SILOS = ("a", "b", "c", "d")
KINDS = (
    "opening",
    "joined",
    "joined",
    "purchased",
    "left",
    "left",
    "leaving",
    "staying",
    "value_changed",
    "profile_changed",
    "recommended",
    "retracted",
)


def steps(low: int = 0, high: int = INSTANTS) -> st.SearchStrategy[str]:
    """One of the few instants."""
    return st.integers(low, high).map(lambda step: rfc3339(START + step * STEP))


def ids(count: int) -> st.SearchStrategy[str]:
    """One of the few event ids."""
    return st.integers(0, count - 1).map(lambda number: f"e{number}")


@st.composite
def rules(draw: st.DrawFn) -> dict:
    """The short rules, with and without lapse, trailing spend and precedence."""
    lapse = {
        "after": draw(st.sampled_from((2 * HOUR, 3 * HOUR))),
        "restarted_by": draw(
            st.sampled_from((["purchased"], ["purchased", "value_changed"], ["recommended", "staying"]))
        ),
    }
    return SHORT_RULES | {
        "lapse": draw(st.sampled_from((lapse, None))),
        "trailing": draw(st.sampled_from((None, TRAILING))),
        "precedence": draw(st.sampled_from((["a", "b"], ["c", "b", "a"], []))),
    }


@st.composite
def records(
    draw: st.DrawFn,
    customer_id: str = "x",
    kinds: tuple[str, ...] = KINDS,
    event_ids: st.SearchStrategy[str] | None = None,
) -> dict:
    """One native record with few words to choose from."""
    kind = draw(st.sampled_from(kinds))
    event_ids = event_ids or ids(12)
    record = {
        "event_id": draw(event_ids),
        "at": draw(steps()),
        "customer_id": customer_id,
        "silo": draw(st.sampled_from(SILOS[:2] if draw(st.booleans()) else SILOS)),
        "fact": kind,
        "sequence": draw(st.sampled_from((None, None, 0, 1))),
    }
    if kind not in ("retracted", "left", "staying"):
        record["segment"] = draw(st.sampled_from((None, None, "A", "B")))
        record["region"] = draw(st.sampled_from((None, None, None, "n", "s")))
        record["product"] = draw(st.sampled_from((None, None, None, None, "p")))
        record["value"] = draw(st.sampled_from((None, None, 0, 10, 20)))
    if kind == "left":
        record["value"] = draw(st.sampled_from((None, None, 10)))
    if kind in ("opening", "joined", "purchased"):
        record["activity"] = draw(st.sampled_from((None, "spring", "event")))
        record["by_recommendation"] = draw(st.sampled_from((None, True, False)))
    if kind in ("left", "leaving"):
        record["reason"] = draw(st.sampled_from((None, "price", "moved")))
        record["kind"] = draw(st.sampled_from((None, "voluntary", "payment")))
    if kind == "leaving":
        record["effective_at"] = draw(st.one_of(st.none(), steps(high=INSTANTS + 12)))
    if kind == "opening":
        record["since"] = draw(st.one_of(st.none(), steps(low=-200, high=10)))
        record["last_fact_at"] = draw(st.one_of(st.none(), steps(low=-12, high=10)))
    if kind in ("purchased", "recommended"):
        record["amount"] = draw(st.sampled_from((None, 5, -3)))
    if kind == "recommended":
        record["count"] = draw(st.sampled_from((None, 1, 3)))
    if kind == "retracted":
        record["retracts"] = draw(event_ids)
    return {name: value for name, value in record.items() if value is not None}


@st.composite
def histories(draw: st.DrawFn, most: int = 14, partitions: int = 2) -> list[tuple[int, dict]]:
    """(partition, record) in arrival order: anything goes, copies, late facts and heartbeats included."""
    customers = draw(st.sampled_from((("x",), ("x",), ("x", "y"), ("x", "y", "z"))))
    some = draw(st.lists(st.sampled_from(customers).flatmap(records), min_size=1, max_size=most))
    if draw(st.booleans()):
        some.sort(key=lambda record: instant(record["at"]))
    for copied in draw(st.lists(st.sampled_from(some), max_size=2)):
        some.insert(draw(st.integers(0, len(some))), copied)
    placed = [(partition_of(record["customer_id"], partitions), record) for record in some]
    for _ in range(draw(st.integers(0, 2))):
        beat = {"event_id": "beat", "at": draw(steps()), "silo": "a", "fact": "heartbeat"}
        placed.insert(draw(st.integers(0, len(placed))), (draw(st.integers(0, partitions - 1)), beat))
    return placed


def on_time(arrived: list[dict], horizon: int = HORIZON) -> bool:
    """Whether every record of one partition comes inside the horizon."""
    largest = 0
    for record in arrived:
        largest = max(largest, instant(record["at"]))
        if instant(record["at"]) < largest - horizon:
            return False
    return True


@st.composite
def disordered(draw: st.DrawFn, most: int = 12) -> tuple[list[dict], list[dict]]:
    """The same facts of one customer twice: sorted, and as they arrive inside the horizon, some copied.

    Every record has an id of its own. A copy or a retraction arrives while what it repeats or names is still
    inside the horizon, in both orders, as the ids are remembered no longer than that.
    """
    kinds = tuple(kind for kind in KINDS if kind != "retracted")
    some = draw(st.lists(records(kinds=kinds), min_size=1, max_size=most))
    for number, record in enumerate(some):
        record["event_id"] = f"e{number}"
    lag = st.integers(0, HORIZON // STEP // 2).map(lambda number: number * STEP)
    arriving = [(instant(record["at"]) + draw(lag), record) for record in some]
    for when, record in draw(st.lists(st.sampled_from(arriving), max_size=2)):
        arriving.append((when + draw(lag), record))
    for number, target in enumerate(draw(st.lists(st.sampled_from(some), max_size=2))):
        at = instant(target["at"]) + draw(lag)
        retraction = {
            "event_id": f"r{number}",
            "at": rfc3339(at),
            "customer_id": "x",
            "silo": target["silo"],
            "fact": "retracted",
            "retracts": target["event_id"],
        }
        some.append(retraction)
        arriving.append((max(at, instant(target["at"]) + draw(lag)), retraction))
    shuffled = [record for _, record in draw(st.permutations(arriving).map(_by_time))]
    ordered = sorted(some, key=lambda record: (instant(record["at"]), record["event_id"]))
    return ordered, shuffled


def _by_time(arriving: list[tuple[int, dict]]) -> list[tuple[int, dict]]:
    return sorted(arriving, key=lambda pair: pair[0])
