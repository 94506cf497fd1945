"""What the ledger holds of one customer: plain data, fit for a changelog.

`CustomerState` is the outcome of folding facts in order. Instants are microseconds since 1970, money minor units.
"""

from enum import IntEnum

import msgspec

from streams.facts.models import UNKNOWN, Fact
from streams.ledger.movements import Movement, Recommendation, Scope

UNKNOWN_SCOPE = Scope(UNKNOWN, UNKNOWN, UNKNOWN)

NO_WORD = 1 << 30
"""Rank of a field about which no silo has spoken: every silo outranks it."""


Order = tuple[int, str, int, str, int]
"""Event time, silo, sequence, event id, place in the rule: how facts of one customer are ordered."""


class Status(IntEnum):
    """State of a customer in the table of the customer math."""

    UNKNOWN = 0
    ACTIVE = 1
    LOST = 2


class PendingLoss(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A `leaving` in force: the loss that falls due at `effective_at`."""

    effective_at: int
    silo: str
    reason: str | None
    loss_kind: str | None


class JoinedWhileActive(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The last `joined` of an active customer: with a `left` of its silo soon after it is one change."""

    fact: Fact
    taken: bool  # it ended a pending loss, and its fields were taken then


class ReportedLoss(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The last loss that a silo reported: other silos that report the same departure change nothing."""

    at: int
    silo: str
    rank: int  # of the silo that gave the reason


class ImpliedOpening(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An opening that no source stated: an opening dated before it takes its place.

    No month of joining is known until then, so no cohort counts the first loss and what came of it: these are kept.
    """

    order: Order  # of the fact that implied it
    opening: Movement
    loss: Movement | None  # at that same instant
    first_loss: Movement | None = None  # if it came later
    returned: Movement | None = None  # the newest return, if it lasts


class CustomerState(msgspec.Struct, gc=False, array_like=True, omit_defaults=True):
    """One customer after its facts so far."""

    status: int = Status.UNKNOWN
    value: int = 0
    scope: Scope = UNKNOWN_SCOPE
    gained_at: int = 0  # of the gain or opening that began the membership
    gained_scope: Scope = UNKNOWN_SCOPE
    activity: str = UNKNOWN
    early_from: int | None = None  # None: a loss is never early
    opened_at: int | None = None  # the membership began with this opening
    opened_value: int = 0
    segment_from: int = 0
    region_from: int = 0
    product_from: int = 0
    steps: tuple[tuple[int, int], ...] = ()  # (at, value held from then on), see movements.Stay
    cohort_at: int | None = None
    ever_lost: bool = False
    lapsed: bool = False  # lost, and by silence
    lapse_due: int | None = None
    pending: PendingLoss | None = None
    joined: JoinedWhileActive | None = None
    reported: ReportedLoss | None = None
    half: bool = False  # the last `left` or `joined` was a loss: with a `joined` soon after it is one change
    changing: bool = False  # between the two facts of one change
    recommended: Recommendation | None = None
    ranks: tuple[int, int, int, int] = (NO_WORD, NO_WORD, NO_WORD, NO_WORD)  # value, segment, region, product
    purchases: tuple[tuple[int, int], ...] = ()  # (at, amount) within the trailing span
    implied: ImpliedOpening | None = None


def order_of(fact: Fact) -> Order:
    """Where a fact stands among the facts of its customer."""
    return (fact.at, fact.silo, fact.sequence, fact.event_id, fact.place)
