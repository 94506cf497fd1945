"""Memory that was freed, given back to the operating system.

glibc keeps freed memory that lies below what is still in use: after much was read and most of it let go, that is a
good part of a process. Other C libraries have no such call, or need none.
"""

import ctypes
from collections.abc import Callable


def give_back() -> bool:
    """Give back what is free: about a millisecond, and one for every few MiB. False: there is nothing to ask."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return False
    trim(ctypes.c_size_t(0))
    return True


class GivingBack:
    """Gives memory back whenever much less is held than there was."""

    def __init__(self, fall: int, give: Callable[[], object] = give_back) -> None:
        """`fall`: so many less than the most held since memory was given back last."""
        self._fall = fall
        self._give = give
        self._most = 0

    def holds(self, count: int) -> None:
        """So many are held now."""
        self._most = max(self._most, count)
        if self._most - count >= self._fall:
            self._most = count
            self._give()
