"""Movements: what a fact or the clock means for the customer asset, and why a fact meant nothing.

A movement is one addition to the running tables. It is hashable and compares by value, so that the effect
of a late fact is the difference of two lists of movements.
"""

from enum import StrEnum

import msgspec


class MovementKind(StrEnum):
    """Kinds of movement. The first two groups below are bookkeeping and are not counted as movements."""

    OPENING = "opening"  # opening balance: a customer we had
    PENDING = "pending"  # a pending loss begins (+1), is revalued, moves or ends (-1)

    NEW = "new"
    RETURNED = "returned"
    LOST = "lost"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    TRANSFER = "transfer"
    RECOMMENDED = "recommended"


class Ignored(StrEnum):
    """Why a fact changed nothing; in the order in which the reasons are tried."""

    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    RETRACTED = "retracted"
    SUPERSEDED = "superseded"
    SEEN_ELSEWHERE = "seen_elsewhere"
    OUTRANKED = "outranked"
    ALREADY_KNOWN = "already_known"
    ALREADY_ACTIVE = "already_active"
    ALREADY_LOST = "already_lost"
    NOT_ACTIVE = "not_active"
    NOT_A_CUSTOMER = "not_a_customer"
    NO_CHANGE = "no_change"


class Scope(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The segment, region and product a movement is counted under, one value of each."""

    segment: str
    region: str
    product: str


class Membership(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The gain or opening that a loss ends: still here = gains of a window less those lost in it."""

    at: int  # of the gain or opening
    scope: Scope  # where it was counted then
    activity: str


class Stay(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The stays that a loss ends, in every scope; of a transfer, in the scopes that change.

    Each `*_from` is the instant at which the unbroken time in that scope began. The stay in segment x region
    began at the later of the two. `opened_at` is the opening's instant if the membership began with one: a
    stay whose `*_from` equals it began by that opening. `steps` are (at, value held from then on), oldest
    first, going back far enough to tell the value at the start of every window that holds the end and is no
    longer than a quarter; the first step also answers for all instants before it within the stay.
    """

    total_from: int
    segment_from: int
    region_from: int
    product_from: int
    opened_at: int | None
    opened_value: int
    steps: tuple[tuple[int, int], ...]


class Recommendation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A customer's recommendation before this one, for distinct counts."""

    at: int
    scope: Scope


class Movement(msgspec.Struct, frozen=True, gc=False):
    """One addition to the tables.

    `customers` and `value` are never negative except for `pending`, which is a level kept by differences.
    An expansion, contraction or recommendation carries customers 0. A transfer leaves `scope` for `to`; its
    value is the value held. `cause` is (silo, event id, place) of the fact, or None: the clock.
    """

    kind: str
    at: int
    scope: Scope
    customers: int
    value: int
    cause: tuple[str, str, int] | None
    activity: str = ""  # of opening, new, returned
    earned: bool = False  # of new: came by recommendation
    implied: bool = False  # of opening: no source said so, a later fact implied it
    reason: str = ""  # of lost
    loss_kind: str = ""  # of lost
    early: bool = False  # of lost
    to: Scope | None = None  # of transfer
    count: int = 0  # of recommended: customers recommended
    membership: Membership | None = None  # of lost
    stay: Stay | None = None  # of lost and transfer
    previous: Recommendation | None = None  # of recommended
    cohort_at: int | None = None  # of opening, new, returned, lost: instant of `new`, or `since`
    first_loss: bool = False  # of lost: the first of this customer


class Change(msgspec.Struct, frozen=True, gc=False):
    """A movement of one customer that came (+1) or was withdrawn (-1)."""

    customer_id: str
    movement: Movement
    sign: int
