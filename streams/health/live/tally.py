"""Counts by key in sorted arrays: a million keys take 16 MB, and a batch is counted at once."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

CUSTOMER_BITS = 32
"""A key is a place (scope, combination) above these bits and a customer's number, or a bin, in them."""

_LOW = (1 << CUSTOMER_BITS) - 1


class Tally:
    """Keys with a count other than zero.

    Attributes:
        keys: in order, each once.
        counts: of each key.
    """

    __slots__ = ("counts", "keys")

    def __init__(self) -> None:
        self.keys: Ints = np.empty(0, dtype=np.int64)
        self.counts: Ints = np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, keys: Ints, counts: Ints) -> None:
        """Add to the counts; keys stand in order and once."""
        if not len(keys):
            return
        places = self.keys.searchsorted(keys)
        known = self.keys.take(places, mode="clip") == keys if len(self.keys) else np.zeros(len(keys), dtype=bool)
        self.counts[places[known]] += counts[known]
        fresh = np.flatnonzero(~known)
        if len(fresh):
            # As np.insert, once for both.
            at = places[fresh] + np.arange(len(fresh))
            is_old = np.ones(len(self.keys) + len(fresh), dtype=bool)
            is_old[at] = False
            both = np.empty((2, len(is_old)), dtype=np.int64)
            both[:, is_old] = self.keys, self.counts
            both[0, at], both[1, at] = keys[fresh], counts[fresh]
            self.keys, self.counts = both
        if not self.counts.all():
            kept = self.counts != 0
            self.keys, self.counts = self.keys[kept], self.counts[kept]

    def distinct(self, size: int) -> Ints:
        """How many keys each place has."""
        return np.bincount(self.keys >> CUSTOMER_BITS, minlength=size)

    def renumber(self, new: Ints) -> None:
        """Customers have other numbers: `new` by the old one."""
        keys = self.keys >> CUSTOMER_BITS << CUSTOMER_BITS | new[self.keys & _LOW]
        order = np.argsort(keys)
        self.keys, self.counts = keys[order], self.counts[order]

    def parts(self) -> tuple[Ints, Ints]:
        """The place and the customer of each key."""
        return self.keys >> CUSTOMER_BITS, self.keys & _LOW


def key_of(places: Ints, customers: Ints) -> Ints:
    """Keys of places and customers."""
    keys: Ints = places.astype(np.int64) << CUSTOMER_BITS | customers
    return keys


def counted(keys: Ints) -> tuple[Ints, Ints]:
    """Keys in order, each once, and how often it came."""
    found, counts = np.unique(keys, return_counts=True)
    return found, counts.astype(np.int64)
