"""A link between customers whose histories are older than the horizon: what was folded away is not folded anew."""

from collections.abc import Iterable
from random import Random

import pytest

from streams.facts.models import Fact, Link
from streams.recount import RecordCounts, accounting
from tests.live_ledger import assert_balanced
from tests.property.counting import differences
from tests.property.linked_counting import LinkedCounted
from tests.reference.facts import DAY, HOUR, instant
from tests.reference.generate import RULES
from tests.reference.placement import partition_of

PARTITIONS = 4
BEGAN = instant("2024-01-08T09:00:00Z")
NOW = BEGAN + 60 * DAY
PLAIN = RULES | {"lapse": None, "precedence": []}
ROOT, ALIAS = "c-1", "crm:17"

_numbers = iter(range(1_000_000))


def said(kind: str, customer_id: str, at: int, silo: str = "shop", **more: object) -> Fact:
    return Fact(kind, at, customer_id, silo, f"e{next(_numbers)}", **more)  # type: ignore[arg-type]


def link(at: int) -> Link:
    return Link(at, "l", "crm", ALIAS, ROOT)


def others() -> list[Fact]:
    """Facts of other customers by which every partition knows what time it is."""
    names = {}
    for number in range(1_000):
        names.setdefault(partition_of(f"o{number}", PARTITIONS), f"o{number}")
    return [said("joined", name, NOW, value=1) for _, name in sorted(names.items())]


def counted(told: Iterable[Fact | Link], rules: dict = PLAIN, seed: int = 0) -> dict:
    made = LinkedCounted(rules, PARTITIONS, Random(seed))
    for one in told:
        made.tell(one)
    made.settle()
    made.advance(NOW + 2 * DAY)
    ledger = made.ledger(NOW + 2 * DAY)
    assert_balanced(ledger)
    ledger["accounting"] = accounting(RecordCounts(), made.counts())
    return ledger


def total(ledger: dict) -> tuple[int, ...]:
    """Customers: opening, new, lost, closing; then the value of closing, without the others."""
    row = ledger["total"]
    return (
        row["opening"]["customers"], row["new"]["customers"] - PARTITIONS, row["lost"]["customers"],
        row["closing"]["customers"] - PARTITIONS, row["closing"]["value"] - PARTITIONS,
    )  # fmt: skip


OWN = [said("joined", ROOT, BEGAN, value=100, segment="A"), said("value_changed", ROOT, BEGAN + DAY, value=130)]
OTHER = [
    said("joined", ALIAS, BEGAN + 5 * DAY, "crm", value=50, segment="B"),
    said("value_changed", ALIAS, BEGAN + 6 * DAY, "crm", value=70),
]
LINK = link(NOW - DAY)


def test_of_two_that_are_active_the_younger_leaves_the_base_and_nobody_is_lost() -> None:
    before, after = counted([*OWN, *OTHER, *others()]), counted([*OWN, *OTHER, *others(), LINK])
    assert total(before) == (0, 2, 0, 2, 200)
    assert total(after) == (-1, 2, 0, 1, 130)
    assert after["total"]["net"] == before["total"]["net"]
    # It is dated at the link: yesterday, not today.
    assert after["windows"]["7d"]["closing"]["customers"] == before["windows"]["7d"]["closing"]["customers"] - 1
    assert after["segments"]["B"]["closing"] == {"customers": 0, "value": 0}
    assert after["segments"]["A"]["closing"] == {"customers": 1, "value": 130}


def test_if_the_company_id_is_the_younger_one_the_older_state_is_kept_under_it() -> None:
    older = [said("joined", ALIAS, BEGAN - DAY, "crm", value=50, segment="B")]
    after = counted([*OWN, *older, *others(), LINK, said("value_changed", ALIAS, NOW, "crm", value=60)])
    assert total(after) == (-1, 2, 0, 1, 60)
    assert after["segments"]["B"]["closing"] == {"customers": 1, "value": 60}
    # The company's own id tells of the same customer.
    gone = counted([*OWN, *older, *others(), LINK, said("left", ROOT, NOW)])
    assert (gone["segments"]["B"]["lost"], total(gone)[3]) == ({"customers": 1, "value": 50}, 0)


@pytest.mark.parametrize("who", ["root", "alias"])
def test_if_one_is_active_its_state_is_the_customers_with_no_movement(who: str) -> None:
    gone = said("left", ROOT, BEGAN + 9 * DAY) if who == "alias" else said("left", ALIAS, BEGAN + 9 * DAY, "crm")
    before, after = counted([*OWN, *OTHER, gone, *others()]), counted([*OWN, *OTHER, gone, *others(), LINK])
    value = 70 if who == "alias" else 130
    assert total(before) == total(after) == (0, 2, 1, 1, value)
    again = counted([*OWN, *OTHER, gone, *others(), LINK, said("left", ROOT, NOW)])
    assert total(again) == (0, 2, 2, 0, 0)


def test_a_company_id_nobody_has_heard_of_takes_the_history_over() -> None:
    after = counted([*OTHER, *others(), LINK, said("value_changed", ALIAS, NOW, "crm", value=10)])
    assert total(after) == (0, 1, 0, 1, 10)


def test_a_lapse_that_fell_due_before_the_link_stays_one() -> None:
    rules = PLAIN | {"lapse": {"after": 20 * DAY, "restarted_by": ["purchased"]}}
    kept = said("purchased", ROOT, NOW - 10 * DAY, value=130)
    after = counted([*OWN, *OTHER, kept, *others(), LINK], rules)
    assert (after["total"]["lost"]["customers"], after["total"]["closing"]["customers"]) == (2, PARTITIONS + 1)
    assert after["total"]["opening"]["customers"] == 0


def test_facts_inside_the_horizon_are_folded_as_one_wherever_the_link_comes_between_them() -> None:
    recent = [
        said("value_changed", ALIAS, NOW - 20 * HOUR, "crm", value=20), said("left", ROOT, NOW - 18 * HOUR),
        said("joined", ALIAS, NOW - 9 * HOUR, "crm", value=40, segment="C"),
        said("value_changed", ROOT, NOW - 5 * HOUR, value=45),
        said("leaving", ALIAS, NOW - 4 * HOUR, "crm", effective_at=NOW + HOUR),
        said("recommended", ROOT, NOW - 3 * HOUR, count=2),
        said("profile_changed", ALIAS, NOW - HOUR, "crm", region="n"),
    ]  # fmt: skip
    expected = None
    for seed in range(60):
        random = Random(seed)
        told: list[Fact | Link] = [*recent, *random.sample(recent, 2)]
        random.shuffle(told)
        if seed:
            told.insert(random.randrange(len(told) + 1), LINK)
        else:
            told.insert(0, LINK)
        found = counted([*OWN, *OTHER, *others(), *told], seed=seed)
        expected = expected or found
        assert differences(found, expected) == [], seed
    assert expected is not None
    # The shop's word of the departure stands; what crm says of it within a week is the same one.
    assert total(expected) == (-1, 2, 1, 1, 45)
    assert expected["accounting"]["ignored"] == {"duplicate": 2, "seen_elsewhere": 1}


WRONG = Link(NOW - HOUR, "w", "crm", ALIAS, "c-2")
"""It came first, and it does not hold: `LINK` is dated earlier."""


def test_what_was_older_when_a_link_is_put_right_stays_and_is_counted() -> None:
    recent = said("profile_changed", ALIAS, NOW - 2 * HOUR, "crm", region="n")
    stays = counted([*OWN, *OTHER, *others(), recent, WRONG, LINK])
    assert stays["accounting"]["links_too_late"] == 1
    # c-2 keeps what was folded under it; only the recent fact went on to c-1, whose profile it changes.
    assert total(stays) == (0, 2, 0, 2, 200)
    assert stays["regions"]["n"]["closing"] == {"customers": 1, "value": 130}
    for right in ([LINK, WRONG], [LINK]):
        assert "links_too_late" not in counted([*OWN, *OTHER, *others(), recent, *right])["accounting"]


def test_inside_the_horizon_no_link_is_too_late() -> None:
    young = [said("joined", ALIAS, NOW - 3 * HOUR, "crm", value=50)]
    found = counted([*OWN, *others(), *young, WRONG, LINK])
    assert "links_too_late" not in found["accounting"]
    assert differences(found, counted([*OWN, *others(), *young, LINK])) == []
    # The facts of a link that held for longer than the horizon are too old by the time it is put right.
    later = [said("joined", name, NOW + 3 * DAY, value=1) for name in ("late-1", "late-2", "late-3", "late-4", ALIAS)]
    assert counted([*OWN, *others(), *young, WRONG, *later, LINK])["accounting"]["links_too_late"] == 1
