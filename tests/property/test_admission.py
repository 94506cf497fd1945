"""Whatever bytes come in: nothing raises, nothing vanishes, and the quick way has the exact way's verdict."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.definitions_file import load
from streams.facts import admission as admission_module
from streams.facts.admission import Admission, AdmittedBatch
from streams.facts.models import FactKind, RawRecord
from streams.facts.native import native_of, read_native_quickly
from streams.facts.refusal import Refused
from streams.facts.strict_json import read_exactly, read_quickly

DEFINITIONS = {
    name: load(Path(__file__).parents[2] / "config" / "definitions" / f"{name}.yaml")
    for name in ("native", "telco-churn", "online-retail", "olist")
}
NOW = 1_709_294_400_000_000

TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "c1", '"', "\\", "\\u0000", "a\x00", "\n", "é", "\U0001f600", "x" * 300, '","fact":"left']
    ),
    st.text(max_size=8),
)
TIMES = st.one_of(
    st.sampled_from(
        ["2024-03-01T11:00:00Z", "2024-03-01T11:00:00", "2024-03-01T11:00:00.5+01:00", "1960-01-01T00:00:00Z", "x"]
    ),
    st.integers(-10, 2_000_000_000_000),
    st.just(2**70),
)
NUMBERS = st.one_of(st.integers(-5, 5), st.integers(-(2**70), 2**70), st.just(100.0), st.just("7"), st.booleans())
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "fact": st.sampled_from([*FactKind, "nothing", ""]),
    "at": TIMES,
    "event_id": TEXTS,
    "customer_id": TEXTS,
    "silo": TEXTS,
    "value": NUMBERS,
    "amount": NUMBERS,
    "count": NUMBERS,
    "sequence": NUMBERS,
    "segment": TEXTS,
    "activity": TEXTS,
    "by_recommendation": st.one_of(st.booleans(), st.integers(0, 1)),
    "reason": TEXTS,
    "kind": st.one_of(st.sampled_from(["voluntary", "payment"]), TEXTS),
    "effective_at": TIMES,
    "since": TIMES,
    "last_fact_at": TIMES,
    "retracts": TEXTS,
    "other": st.recursive(
        st.one_of(NUMBERS, TEXTS, st.none()),
        lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
        max_leaves=4,
    ),
}
SOUND = {"fact": "joined", "at": "2024-03-01T11:00:00Z", "event_id": "e", "customer_id": "c"}


@st.composite
def native_bytes(draw: st.DrawFn) -> bytes:
    """A record that is nearly sound: drawn fields, some null, now and then a key twice, an escape or a cut."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=6))
    pairs: list[tuple[str, Any]] = [*SOUND.items()]
    if draw(st.booleans()):
        pairs = [(name, value) for name, value in pairs if name not in names]
    pairs += [
        (name, draw(st.one_of(FIELDS[name], st.none()))) for name in (names if draw(st.booleans()) else set(names))
    ]
    ascii_only = draw(st.booleans())
    blank = draw(st.sampled_from(["", " ", "\n"]))
    text = "{" + ",".join(f"{json.dumps(n)}:{blank}{json.dumps(v, ensure_ascii=ascii_only)}" for n, v in pairs) + "}"
    raw = text.encode("utf-8", "surrogatepass")
    spoil = draw(st.sampled_from(["none", "none", "none", "cut", "byte", "escape"]))
    place = draw(st.integers(0, max(0, len(raw) - 1)))
    if spoil == "cut":
        return raw[:place]
    if spoil == "byte":
        return raw[:place] + draw(st.binary(min_size=1, max_size=2)) + raw[place + 1 :]
    if spoil == "escape":
        return raw.replace(b'"event_id"', b'"event_\\u0069d"')
    return raw


JSON = st.recursive(
    st.one_of(NUMBERS, TEXTS, st.none(), st.sampled_from([1e300, 0.1])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=10,
)


def balanced(batch: AdmittedBatch) -> bool:
    counted = len(batch.dead_letters) + sum(batch.no_fact.values()) + batch.unmapped + batch.records_with_facts
    return batch.records == counted


def exactly(value: bytes) -> Any:
    """What the exact readers alone make of a native record."""
    try:
        return native_of(read_exactly(value))
    except Refused as refused:
        return refused.reason


@settings(max_examples=400, deadline=None)
@given(native_bytes())
@example(b'{"fact":"joined","at":1,"event_id":"e","customer_id":"c","customer_id":"c"}')
@example(b'{"fact":"joined","at":1,"event_id":"e","customer_id":"c","segment":null,"segment":""}')
@example(b'{"fact":"joined","at":1,"event_id":"\\u0022","customer_id":"c","value":1,"value":2}')
def test_the_quick_way_reads_what_the_exact_way_reads(value: bytes) -> None:
    quick = read_native_quickly(value)
    if quick is not None:
        assert quick == exactly(value)


@settings(max_examples=300, deadline=None)
@given(st.lists(native_bytes(), max_size=4), st.sampled_from(sorted(DEFINITIONS)))
def test_both_ways_admit_alike(values: list[bytes], name: str) -> None:
    records = [RawRecord(value, b"c", "t", 0, place) for place, value in enumerate(values)]
    both = Admission(DEFINITIONS[name], now_us=lambda: NOW, check_keys=True).admit(records)
    never = {"read_native_quickly": lambda value: None, "read_quickly": lambda value: None}
    with patch.multiple(admission_module, **never):
        by_name = Admission(DEFINITIONS[name], now_us=lambda: NOW, check_keys=True)
        by_name._quick = None
        slow = by_name.admit(records)
    assert both == slow
    assert balanced(both)


@settings(max_examples=300, deadline=None)
@given(JSON, st.booleans())
def test_the_quick_document_equals_the_exact_one(value: Any, ascii_only: bool) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    quick = read_quickly(raw)
    if quick is not None:
        assert quick == read_exactly(raw)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=60), st.none()), max_size=3), st.sampled_from(sorted(DEFINITIONS)))
def test_no_bytes_raise(values: list[bytes | None], name: str) -> None:
    records = [RawRecord(value, None, "t", 0, place) for place, value in enumerate(values)]
    assert balanced(Admission(DEFINITIONS[name], partitions=3).admit(records))


CELLS = st.one_of(
    TEXTS, st.sampled_from(["0", "-1", "12.50", "1e9", "2010-03-28T01:30:00", "Q3", "Joined", "purchase"])
)
COLUMNS = {
    "telco-churn": [
        "customer_id",
        "quarter",
        "customer_status",
        "number_of_referrals",
        "cltv_usd",
        "offer",
        "contract",
    ],
    "online-retail": ["customer_id", "at", "kind", "country", "value_gbp"],
    "olist": [
        "order_id",
        "lead_id",
        "customer_id",
        "seller_id",
        "purchased_at",
        "won_at",
        "order_status",
        "value_brl",
    ],
}


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(COLUMNS)))
def test_no_row_raises(data: st.DataObject, name: str) -> None:
    values = st.one_of(CELLS, NUMBERS, st.none(), st.lists(CELLS, max_size=1), st.just(float("1e300")))
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS[name], values)), max_size=3))
    records = [RawRecord(json.dumps(row).encode("utf-8", "surrogatepass"), b"k", "t", 0, 7) for row in rows]
    batch = Admission(DEFINITIONS[name]).admit(records)
    assert balanced(batch)
    for fact in batch.facts:
        assert fact.customer_id
        assert fact.at >= 0
        assert fact.value is None or 0 <= fact.value <= 10**15


def test_money_is_read_from_the_digits_never_through_a_float() -> None:
    assert read_quickly(b'{"a": 0.1, "b": 505.30, "c": 9007199254740993.5}') == {
        "a": Decimal("0.1"),
        "b": Decimal("505.30"),
        "c": Decimal("9007199254740993.5"),
    }
