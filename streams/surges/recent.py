"""The newest slots of a series and their running sums over several lengths."""

from array import array


class Recent:
    """A ring of the newest slots, and for each window the sum of what is known in it.

    Attributes:
        windows: lengths in slots, shortest first; the ring is as long as the last.
        sums: what was counted in the newest slots of each window.
        known: how many of these slots are known; right wherever `unknown` is not 0.
        unknown: slots of the ring that nothing is known of.
    """

    __slots__ = ("_at", "_is_known", "_values", "known", "sums", "unknown", "windows")

    def __init__(self, windows: tuple[int, ...]) -> None:
        self.windows = windows
        longest = windows[-1]
        self.sums = [0.0] * len(windows)
        self.known = [0] * len(windows)
        self.unknown = longest
        self._values = array("d", bytes(8 * longest))
        self._is_known = bytearray(longest)
        self._at = 0

    def enter(self, value: float | None) -> None:
        """Add the next slot; None: unknown."""
        at, values, is_known, sums = self._at, self._values, self._is_known, self.sums
        entered = 0.0 if value is None else value
        number = 0
        if value is None or self.unknown:
            known, is_one = self.known, int(value is not None)
            self.unknown += is_known[at] - is_one
            for slots in self.windows:
                gone = at - slots
                sums[number] += entered - values[gone]
                known[number] += is_one - is_known[gone]
                number += 1
            is_known[at] = is_one
        else:
            for slots in self.windows:
                sums[number] += entered - values[at - slots]
                number += 1
        values[at] = entered
        self._at = at + 1 if at + 1 < len(values) else 0

    def newest(self) -> float:
        """What the newest slot holds; 0 where it is unknown."""
        return self._values[self._at - 1]

    def settle(self) -> None:
        """Take the sums anew: running sums of fractions drift."""
        ordered = self._values[self._at :] + self._values[: self._at]
        self.sums = [sum(ordered[-slots:]) for slots in self.windows]

    def copy(self) -> "Recent":
        """An independent one in the same state."""
        other = Recent(self.windows)
        other.restore(*self.state())
        return other

    def state(self) -> tuple[int, bytes, bytes]:
        """Place in the ring, values and what is known, for `restore`."""
        return self._at, self._values.tobytes(), bytes(self._is_known)

    def restore(self, at: int, values: bytes, is_known: bytes) -> None:
        """Take over a state that `state` gave. The sums are the same to the last digit only of whole numbers."""
        self._at, self._values, self._is_known = at, array("d", values), bytearray(is_known)
        ordered = is_known[at:] + is_known[:at]
        self.known = [sum(ordered[-slots:]) for slots in self.windows]
        self.unknown = len(is_known) - sum(is_known)
        self.settle()
