"""Handovers as records: what one partition tells is what the other reads, and what only looks like one is no harm."""

import msgspec

from streams.facts.models import Fact, Link, RawRecord
from streams.intake.origins import origin_of
from streams.ledger.customer import CustomerState
from streams.ledger.fold import Fold
from streams.ledger.handover_records import HANDOVER, handover_records, handovers_among, is_handover
from streams.ledger.joining import OlderHistory
from streams.ledger.linked import HANDED_OVER, LINKED, MOST_FACTS, Handover, pieces_of
from streams.ledger.rules import DAY, HOUR, Lapse, LedgerRules, TrailingSpend

RULES = LedgerRules(
    lapse=Lapse(90 * DAY, frozenset({"purchased"})), trailing=TrailingSpend(365 * DAY, frozenset({"purchased"}))
)
FACTS = [
    Fact("left", DAY, "crm:é", "crm", "e0", reason="price", loss_kind="payment"),
    Fact("purchased", 2 * DAY, "crm:é", "crm", "e1", amount=500, segment="A", activity="spring", earned=True),
    Fact("purchased", 3 * DAY, "crm:é", "shop", "e2", 4, 1, amount=-20),
    Fact("recommended", 4 * DAY, "crm:é", "crm", "e3", count=3),
    Fact("joined", 5 * DAY, "crm:é", "crm", "e4"),
    Fact("leaving", 5 * DAY + HOUR, "crm:é", "crm", "e5", effective_at=40 * DAY, reason="price"),
]


def a_full_state() -> CustomerState:
    state = Fold(RULES, CustomerState(), FACTS).run(6 * DAY).state
    assert state.pending is not None
    assert state.implied is not None
    assert state.implied.loss is not None
    assert state.recommended is not None
    assert state.purchases
    return state


def as_read(records: list[RawRecord]) -> list[tuple[int, Handover]]:
    told, found = handovers_among(records)
    assert told == []
    return found


def test_what_is_written_is_read() -> None:
    told = [
        (7, Handover(HANDED_OVER, "c-1", ["crm:é"], FACTS, OlderHistory(a_full_state(), (DAY, "crm", 0, "e", 0)), 9)),
        (7, Handover(LINKED, "crm:é", link=Link(1, "l", "crm", "crm:é", "c-1"))),
        (12, Handover(HANDED_OVER, "c-2", ["x"], FACTS[:1])),
    ]
    written = handover_records(told, "ours 1 ledger ", 3)
    records = [
        RawRecord(record.value, record.key, "customer-events", 0, place, headers=tuple(record.headers))
        for place, record in enumerate(written)
    ]
    assert [handover for _, handover in as_read(records)] == [handover for _, handover in told]
    assert [record.key for record in written] == [b"c-1", "crm:é".encode(), b"c-2"]
    assert [origin_of(record) for record in records] == [
        ("ours 1 ledger ", "ledger-3", *place) for place in ((7, 0), (7, 1), (12, 0))
    ]
    assert all(is_handover(record.headers) for record in records)


def test_a_long_history_goes_inpieces_of_with_what_is_older_in_the_first() -> None:
    many = [msgspec.structs.replace(FACTS[1], event_id=f"e{number}") for number in range(2 * MOST_FACTS + 1)]
    older = OlderHistory(a_full_state(), (DAY, "crm", 0, "e", 0))
    pieces = list(pieces_of(Handover(HANDED_OVER, "c-1", ["a"], many, older)))
    assert [len(piece.facts) for piece in pieces] == [MOST_FACTS, MOST_FACTS, 1]
    assert [fact for piece in pieces for fact in piece.facts] == many
    assert [piece.older is not None for piece in pieces] == [True, False, False]


def test_what_only_looks_like_one_is_a_record_like_any() -> None:
    header = ((HANDOVER, b""),)
    records = [RawRecord(value, b"k", headers=header) for value in (b"no JSON", b"{}", b"", None)]
    told, found = handovers_among(records)
    assert (list(told), found) == (records, [])
