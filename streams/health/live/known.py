"""What the ledger knows of the customers of one partition, asked once and again when it has changed."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import numpy as np

from streams.health.customers import Profile
from streams.health.exposure import Loss
from streams.health.live.tally import Ints

NOT_KNOWN = -1
NOT_ASKED = -2


class Held(NamedTuple):
    """A customer as the ledger has it now; `value`: minor units, 0 once it has left."""

    profile: Profile
    value: int


class LedgerView(Protocol):
    """The ledger of the same partition in the same worker."""

    @property
    def version(self) -> object:
        """Another object when there is another ledger, or none: then all that was asked is void."""

    @property
    def has_links(self) -> bool:
        """Whether any id is linked to another."""

    def find(self, customer_id: str) -> Held | None:
        """The customer now; None: the ledger does not know it, or there is none."""

    def loss(self, customer_id: str) -> Loss | None:
        """The customer's loss, if it has left; its `at` is NEVER where the ledger does not know any more when."""

    def linked_to(self, customer_id: str) -> str | None:
        """The customer whose alias this id is; None: it is none's, as far as the ledger knows."""


class NoView:
    """There is no ledger."""

    version = None
    has_links = False

    def find(self, customer_id: str) -> Held | None:
        """Nobody is known."""
        return None

    def loss(self, customer_id: str) -> Loss | None:
        """Nobody has left."""
        return None

    def linked_to(self, customer_id: str) -> str | None:
        """Nobody is linked."""
        return None


class KnownCustomers:
    """Profiles and values by customer's number."""

    def __init__(self, view: LedgerView, names: list[str]) -> None:
        self._view = view
        self._names = names
        self._version = view.version
        self._profiles: list[Profile] = []
        self._numbers: dict[Profile, int] = {}
        self._profile: Ints = np.full(0, NOT_ASKED, dtype=np.int64)
        self._value: Ints = np.full(0, NOT_ASKED, dtype=np.int64)

    def _grow(self) -> None:
        missing = len(self._names) - len(self._profile)
        if missing > 0:
            more = np.full(missing + len(self._profile), NOT_ASKED, dtype=np.int64)
            self._profile = np.concatenate((self._profile, more))
            self._value = np.concatenate((self._value, more))

    def _ask(self, numbers: Ints) -> None:
        self._grow()
        for number in numbers[self._profile[numbers] == NOT_ASKED].tolist():
            found = self._view.find(self._names[number])
            if found is None:
                self._profile[number] = self._value[number] = NOT_KNOWN
                continue
            place = self._numbers.get(found.profile)
            if place is None:
                place = self._numbers[found.profile] = len(self._profiles)
                self._profiles.append(found.profile)
            self._profile[number], self._value[number] = place, found.value

    def profiles(self, numbers: Ints) -> list[Profile | None]:
        """Where customers count; None: the ledger does not know them."""
        self._ask(numbers)
        places = self._profile[numbers].tolist()
        return [None if place < 0 else self._profiles[place] for place in places]

    def values(self, numbers: Ints) -> Ints:
        """By customer's number the expected value; right for these numbers, below zero where it is not known."""
        self._ask(numbers)
        return self._value

    def changed(self, numbers: Iterable[int]) -> tuple[Ints, bool]:
        """Ask anew for these; gives those who count elsewhere now, and whether any value is another."""
        self._grow()
        asked = np.array([one for one in numbers if self._profile[one] != NOT_ASKED], dtype=np.int64)
        profile, value = self._profile[asked], self._value[asked]
        self._profile[asked] = NOT_ASKED
        self._ask(asked)
        return asked[self._profile[asked] != profile], bool((self._value[asked] != value).any())

    def find(self, customer_id: str) -> Held | None:
        """One customer as the ledger has it now."""
        return self._view.find(customer_id)

    @property
    def has_ledger(self) -> bool:
        """Whether there is a ledger to be asked now."""
        return self._view.version is not None

    def loss(self, customer_id: str) -> Loss | None:
        """The loss of a customer who has left, as the ledger has it now."""
        return self._view.loss(customer_id)

    def is_other_ledger(self) -> bool:
        """Whether there is another ledger than when this was last asked."""
        version = self._view.version
        is_other = version is not self._version
        self._version = version
        return is_other

    def renumber(self, names: list[str]) -> None:
        """Customers have other numbers."""
        self._names = names
        self._profile = np.full(0, NOT_ASKED, dtype=np.int64)
        self._value = np.full(0, NOT_ASKED, dtype=np.int64)
