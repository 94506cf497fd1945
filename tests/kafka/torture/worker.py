"""`netgrowth worker` with a fate, and perhaps a seeded bug: what the crash suite starts, and nobody else.

TORTURE_FATE and TORTURE_MUTANT in the environment say which (`fault_points.py`, `mutants.py`).
"""

import os
import sys

from tests.kafka.torture import fault_points, mutants


def main() -> None:
    """Patch what is asked for, then be an ordinary worker."""
    if mutant := os.environ.get("TORTURE_MUTANT"):
        mutants.seed(mutant)
    if fate := os.environ.get("TORTURE_FATE"):
        fault_points.prepare(fate)
    from agents.commands.main import main as netgrowth

    sys.argv = ["netgrowth", "worker"]
    netgrowth()


if __name__ == "__main__":
    main()
