"""The smallest form of a customer: how small, and that nothing is lost in it."""

import msgspec
import pytest

from streams.facts.models import Fact
from streams.ledger import compact
from streams.ledger.customer import (
    CustomerState,
    ImpliedOpening,
    JoinedWhileActive,
    PendingLoss,
    ReportedLoss,
    Scope,
    Status,
)
from streams.ledger.movements import Membership, Movement, Recommendation, Stay
from streams.ledger.rules import DAY

AT = 1_700_000_000_123_000
ID = "0b4fd7f6-8b6e-4d53-9d5e-6a1d0cf3f6b1"
SCOPE = Scope("enterprise", "EMEA", "suite")
ORDER = (AT, "native", 0, ID, 0)
JOINED = Fact("joined", AT, "customer-1", "native", ID, value=4900, segment="enterprise", region="EMEA")
LOSS = Movement(
    "lost", AT, SCOPE, 1, 4900, None, membership=Membership(AT, SCOPE, "x"), stay=Stay(1, 2, 3, 4, None, 0, ((1, 2),))
)
CHANGED = CustomerState(
    Status.ACTIVE, 5900, SCOPE, AT - 9 * DAY, SCOPE, "fair", AT - 9 * DAY, segment_from=AT - 9 * DAY,
    region_from=AT - 9 * DAY, product_from=AT - 9 * DAY, steps=((AT - 9 * DAY, 4900), (AT, 5900)),
    cohort_at=AT - 9 * DAY,
)  # fmt: skip
UNUSUAL = CustomerState(
    Status.LOST, -5, SCOPE, AT + 1, Scope("unknown", "EMEA", "unknown"), "fair", None, AT - 7, 12, AT - 3, AT - 2,
    AT - 1, ((AT - 7, 1), (AT + 5, 2)), None, True, True, AT + 9, PendingLoss(AT + 9, "crm", None, "payment"),
    JoinedWhileActive(JOINED, True), ReportedLoss(AT, "crm", 2), True, True, Recommendation(AT, SCOPE),
    (0, 1, 2, 1 << 30), ((AT - 4, -20), (AT, 30)), ImpliedOpening(ORDER, LOSS, None, LOSS, LOSS),
)  # fmt: skip


def packed(base: CustomerState, *facts: Fact, **more: object) -> bytes:
    given = {"newest": ORDER, "folded_to": AT, "tangled": False, "due": None} | more
    return compact.pack("customer-1", base, facts, **given)


def test_every_field_is_unusual_in_the_unusual_customer() -> None:
    blank = msgspec.structs.astuple(CustomerState())
    same = [
        name for name, one, other in zip(CustomerState.__struct_fields__, msgspec.structs.astuple(UNUSUAL), blank,
        strict=True) if one == other
    ]  # fmt: skip
    assert same == ["early_from", "cohort_at"]  # None is unusual in one who is known


@pytest.mark.parametrize(
    ("base", "facts", "most"),
    [(CustomerState(), (JOINED,), 80), (CHANGED, (), 100), (UNUSUAL, (JOINED,), 1300), (CustomerState(), (), 40)],
)
def test_nothing_is_lost_and_the_usual_is_small(base: CustomerState, facts: tuple[Fact, ...], most: int) -> None:
    data = packed(base, *facts)
    assert compact.unpack("customer-1", data) == (base, list(facts), ORDER, AT, False)
    assert len(data) <= most


def test_facts_of_every_kind_come_back() -> None:
    facts = [
        Fact("opening", AT - 5, "customer-1", "crm", "a", since=AT - 9, last_fact_at=AT - 8, value=0, amount=-3),
        Fact("leaving", AT - 4, "customer-1", "crm", "b", 7, 1, loss_kind="payment", effective_at=AT + DAY),
        Fact("recommended", AT - 3, "customer-1", "native", ID, count=3, earned=True),
        Fact("retracted", AT, "customer-1", "native", ID, retracts="b", mark="stands*"),
    ]
    data = packed(CHANGED, *facts, newest=(AT, "native", 4, "e", 2), folded_to=AT - 3, tangled=True)
    assert compact.unpack("customer-1", data) == (CHANGED, facts, (AT, "native", 4, "e", 2), AT - 3, True)


@pytest.mark.parametrize("event_id", [ID.upper(), ID.replace("-", "+"), ID[:-1] + "g", "x" * 36, "é", "0" * 32])
def test_ids_that_only_look_like_a_uuid_are_kept_as_they_are(event_id: str) -> None:
    newest = (AT, "native", 0, event_id, 0)
    assert compact.unpack("customer-1", packed(CustomerState(), newest=newest))[2] == newest
    assert len(packed(CustomerState())) < len(packed(CustomerState(), newest=(AT, "native", 0, "x" * 36, 0))) - 15


def test_when_something_falls_due_is_read_without_the_rest() -> None:
    assert compact.due_of(packed(CHANGED)) is None
    assert compact.due_of(packed(CHANGED, due=29_000_000)) == 29_000_000
    assert compact.unpack("customer-1", packed(CHANGED, due=29_000_000)) == (CHANGED, [], ORDER, AT, False)


def test_another_version_is_refused() -> None:
    data = bytes((2 << 1,)) + packed(CHANGED)[1:]
    with pytest.raises(ValueError, match="compact form 2, this program reads 1"):
        compact.unpack("customer-1", data)


def test_words_that_customers_have_in_common_are_short_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    words = compact.Words()
    for base, facts in ((CHANGED, (JOINED,)), (UNUSUAL, (JOINED,)), (CustomerState(), (JOINED,))):
        plain, short = packed(base, *facts), packed(base, *facts, words=words)
        assert compact.unpack("customer-1", short, words) == compact.unpack("customer-1", plain)
        assert compact.unpack("customer-1", plain, words) == compact.unpack("customer-1", plain)
        assert len(short) <= len(plain) - 15
    monkeypatch.setattr(compact, "MOST_WORDS", 1)
    few = compact.Words()
    assert compact.unpack("customer-1", packed(UNUSUAL, JOINED, words=few), few)[0] == UNUSUAL
