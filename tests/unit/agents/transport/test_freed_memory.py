import subprocess
import sys

import pytest

from agents.transport.freed_memory import GivingBack, give_back

HELD_BELOW_ONE_IN_USE = """
from agents.transport.freed_memory import give_back


def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


blocks = [bytes(5000) for _ in range(20_000)]
in_use = blocks[::100]
del blocks
held = resident()
assert give_back()
print(held - resident())
"""


@pytest.mark.skipif(not give_back(), reason="this C library has no malloc_trim")
def test_what_was_freed_below_something_in_use_is_given_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELD_BELOW_ONE_IN_USE], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(done.stdout) > 50_000, "KiB of 100,000 that were freed"


def test_it_is_given_back_when_much_less_is_held_than_the_most_since() -> None:
    given: list[int] = []
    giving = GivingBack(100, lambda: given.append(1))
    for count in (0, 50, 250, 151, 200):
        giving.holds(count)
    assert given == []
    giving.holds(150)
    assert given == [1]
    for count in (60, 149, 51):
        giving.holds(count)
    assert given == [1]
    giving.holds(50)
    assert given == [1, 1]
