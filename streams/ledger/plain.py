"""The compiled plain step (`_plain.c`), prepared for the ledger's types and rules.

A newest fact that only moves its customer's state is folded in C; every other fact goes to
`PartitionLedger.apply_slowly`, in its place. The Python code of the ledger defines what both do.
"""

from collections.abc import Callable
from typing import Any

from streams.compiled import piece
from streams.facts.models import Fact
from streams.ledger.customer import CustomerState, JoinedWhileActive, ReportedLoss, Status
from streams.ledger.movements import Change, Membership, Movement, Recommendation, Scope, Stay
from streams.ledger.remembered import NEVER, Customer, settle
from streams.ledger.rules import LedgerRules

_piece = piece("streams.ledger._plain")
if _piece is not None:
    try:
        _piece.prepare(
            Fact, Customer, CustomerState, Movement, Scope, ReportedLoss, JoinedWhileActive, Change, Membership, Stay,
            Recommendation, Status.ACTIVE, Status.LOST, settle, (NEVER, "", 0, "", 0),
        )  # fmt: skip
    except TypeError:  # another msgspec that lays its fields out otherwise
        _piece = None

Teller = tuple[Any, int, Callable[[bytes, int], int], set[str], int, Callable[[], int]]
"""Where movements of plain facts are told at once, without an object of theirs.

That is: the compiled booking; the first minute that it books; what takes lines of JSON and how many they are; the set
for those whom they tell of; how many lines it takes; and what books and writes `ledger.changes`. The two that are
called return how many lines are taken next.
"""

PlainStep = Callable[[Any, list[Fact], Teller | None], None]
"""Takes a ledger and facts, applies them in their order."""


def plain_step(rules: LedgerRules) -> PlainStep | None:
    """The compiled way to apply facts under these rules; None where there is none."""
    if _piece is None or rules.precedence or rules.trailing is not None:
        return None
    lapse = rules.lapse
    if lapse is not None and lapse.after_us <= 0:
        return None
    apply = _piece.apply
    lapse_after = -1 if lapse is None else lapse.after_us
    restarted = frozenset() if lapse is None else lapse.restarted_by

    def step(ledger: Any, facts: list[Fact], teller: Teller | None) -> None:
        (
            ledger.watermark, applied, no_change, already_active, already_lost, not_active, not_a_customer,
            *movements, plain,
        ) = apply(
            ledger, facts, ledger.watermark, ledger.clock, rules.horizon_us, rules.grouping_us, rules.early_within_us,
            lapse_after, restarted, teller,
        )  # fmt: skip
        counts = ledger.counts
        counts.facts += plain
        counts.applied += applied
        for name, count in zip(
            _IGNORED, (no_change, already_active, already_lost, not_active, not_a_customer), strict=True
        ):
            if count:
                counts.ignored[name] += count
        for name, count in zip(_MOVEMENTS, movements, strict=True):
            if count:
                counts.movements[name] += count

    return step


_IGNORED = ("no_change", "already_active", "already_lost", "not_active", "not_a_customer")
_MOVEMENTS = ("new", "returned", "lost", "expansion", "contraction", "transfer", "recommended")
