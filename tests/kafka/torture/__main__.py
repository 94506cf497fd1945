"""`python -m tests.kafka.torture`: the long form of the crash suite, a schedule after the other."""

import argparse
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from tests.kafka.torture.ground import Ground
from tests.kafka.torture.running import Outcome, run
from tests.kafka.torture.schedules import KINDS, schedule


def main(words: Sequence[str] | None = None) -> int:
    """Run schedules of consecutive seeds; exit status 1 if one of them was not exact."""
    parser = argparse.ArgumentParser(prog="python -m tests.kafka.torture", description="The crash suite, long form")
    parser.add_argument("--schedules", type=int, default=20, help="how many (default 20, five on three brokers)")
    parser.add_argument("--seed", type=int, help="of the first; the others follow (default: drawn)")
    parser.add_argument("--kind", choices=KINDS, help="all of this kind; default: each seed's own")
    parser.add_argument("--kills", type=int, default=11, help="of each, at least (default 11)")
    parser.add_argument("--records", type=int, default=20_000, help="of each (default 20000)")
    parser.add_argument("--folder", type=Path, help="keep the workers' logs here")
    parser.add_argument("--verbose", action="store_true", help="tell every event")
    options = parser.parse_args(words)
    seed = random.SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    # Workers and brokers are sessions of their own: they must be ended whatever ends this.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeRemainingColumn(), console=console, disable=not console.is_terminal,
    )  # fmt: skip
    print(f"SEED={seed} SCHEDULES={options.schedules} replays this", flush=True)
    outcomes: list[Outcome] = []
    grounds: dict[int, Ground] = {}
    with ExitStack() as stack, bar:
        task = bar.add_task("torture", total=options.schedules)
        for number in range(options.schedules):
            planned = schedule(seed + number, kind=options.kind or "", kills=options.kills, records=options.records)
            bar.update(task, description=f"{planned.kind} {planned.seed}")
            if planned.nodes not in grounds:
                grounds[planned.nodes] = stack.enter_context(Ground(planned.nodes))
            folder = None
            if options.folder is not None:
                folder = options.folder / f"{planned.kind}-{planned.seed}"
                folder.mkdir(parents=True, exist_ok=True)
            began = time.monotonic()

            def tell(line: str, began: float = began) -> None:
                if options.verbose:
                    print(f"    {time.monotonic() - began:6.1f} {line}", flush=True)

            outcome = run(planned, grounds[planned.nodes], folder, tell)
            outcomes.append(outcome)
            print(told(outcome), flush=True)
            bar.advance(task)
    return summed_up(outcomes)


def told(outcome: Outcome) -> str:
    """One schedule in a line, and a line for each fault."""
    planned = outcome.schedule
    ended = ", ".join(f"{reason} {count}" for reason, count in sorted(outcome.ended.items())) or "none"
    lines = [
        f"seed {planned.seed:<7} {planned.kind:<11} {planned.nodes} broker(s) {outcome.kills:3} kills"
        f" ({outcome.fates.total()} at points), ended by themselves: {ended}; {outcome.looks[0]} ledgers and"
        f" {outcome.looks[1]} pairs watched, {outcome.seconds:.0f} s: {'exact' if outcome.is_exact else 'NOT EXACT'}"
    ]
    lines += [f"    {fault}" for fault in outcome.faults]
    if outcome.faults:
        lines.append(f"    logs: {outcome.folder}")
    return "\n".join(lines)


def summed_up(outcomes: Sequence[Outcome]) -> int:
    """Print the sums; the exit status."""
    kills = sum(outcome.kills for outcome in outcomes)
    wrong = [outcome for outcome in outcomes if not outcome.is_exact]
    on_three = sum(outcome.schedule.nodes == 3 for outcome in outcomes)
    points = Counter(fate.split(":")[0] for outcome in outcomes for fate in outcome.fates)
    print(f"{len(outcomes)} schedules, {on_three} on three brokers; {kills} kills; {len(wrong)} not exact")
    print("kills at points:", ", ".join(f"{point} {count}" for point, count in sorted(points.items())) or "none")
    for outcome in wrong:
        print(f"replay: make torture SCHEDULES=1 SEED={outcome.schedule.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
