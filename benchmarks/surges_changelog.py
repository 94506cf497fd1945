"""What the detectors of a worker write and how long they hold it up, with tens of thousands of busy series.

python -m benchmarks.surges_changelog [--series 50000] [--minutes 65]

Series are made-up counts, one event a minute on average, all in one measure. Minute by minute they are judged and
flushed as the worker does it (`streams/surges/durable.py`): in pieces, between which others have their turn. Told are
the CPU time of a minute, the longest piece (what everything else in the worker waits for), bytes written, and what
restoring takes. The first minute makes all series, which no worker does; it is told apart.
"""

import argparse
import gc
import time
from collections.abc import Iterator

import numpy as np

from streams.ledger.changelog import ChangelogReader, claim
from streams.surges.budget import SurgeRules
from streams.surges.counting import Count
from streams.surges.durable import DurableSurges
from streams.surges.series import Series
from streams.tables.watermark import ClockRules

MINUTE = 60_000_000
START = 20_000 * 1_440 * MINUTE


class Holds:
    """How long pieces take, seconds of CPU; the longest by what was done."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self.spent: dict[str, float] = {}

    def run(self, name: str, pieces: Iterator[None]) -> None:
        """Do all pieces."""
        while True:
            started = time.process_time()
            done = next(pieces, self) is self
            took = time.process_time() - started
            self.spent[name] = self.spent.get(name, 0.0) + took
            self.longest[name] = max(self.longest.get(name, 0.0), took)
            if done:
                return


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--minutes", type=int, default=65)
    words = parser.parse_args()
    gc.disable()  # as the worker does, which looks at each object once
    chance = np.random.default_rng(1)
    keys = [(Series("unhappy_mentions", (("brand", f"brand {number:05d}"),)),) for number in range(words.series)]
    state = DurableSurges(0, ("bench", "1"), SurgeRules(), ClockRules())
    state.epoch = 1
    made = holds = Holds()
    log, sizes, records = [claim(1)], list[int](), list[int]()
    for minute in range(words.minutes):
        drawn = chance.poisson(1.0, words.series)
        at = START + minute * MINUTE
        counted = [Count(at, keys[number], float(drawn[number]), ()) for number in np.flatnonzero(drawn).tolist()]
        gc.collect(0)
        gc.freeze()
        if minute == 1:
            made, holds = holds, Holds()
        holds.run("a minute" if (minute + 1) % 5 else "a minute that ends slots", state.observing(at, counted))
        holds.run("looking at the running minute", state.looking(at + MINUTE, counted))
        holds.run("making a flush ready", state.pack_ahead())
        holds.run("the flush itself", _flush(state, log, sizes, records))
    print(f"the first minute: longest piece {max(made.longest.values()) * 1e3:.0f} ms")
    for name, longest in holds.longest.items():
        spent = holds.spent[name] / words.minutes
        print(f"{name}: {spent:.2f} s of CPU a minute, longest piece {longest * 1e3:.0f} ms")
    steady = sizes[len(sizes) // 2 :]
    print(f"written: {sum(steady) / len(steady) / 60 / 1024:.0f} kB/s, at most {max(steady) / 1e6:.1f} MB a flush, "
          f"{sum(records) / len(records):.0f} records")  # fmt: skip
    reader = ChangelogReader()
    reader.feed(log)
    reader.finish()
    again, holds = DurableSurges(0, ("bench", "1"), SurgeRules(), ClockRules()), Holds()
    holds.run("restored", again.restoring(reader, 2))
    for name, longest in holds.longest.items():
        print(f"{name}: {holds.spent[name]:.1f} s of CPU, longest piece {longest * 1e3:.0f} ms")


def _flush(
    state: DurableSurges, log: list[tuple[bytes, bytes | None]], sizes: list[int], records: list[int]
) -> Iterator[None]:
    flush = state.flush(0)
    if flush is not None:
        log += flush.changelog
        sizes.append(sum(len(key) + len(value or b"") for key, value in flush.changelog))
        records.append(len(flush.changelog))
    yield from ()


if __name__ == "__main__":
    main()
