"""What a bank of thousands of series costs: CPU a value, bytes a series in memory and saved.

python -m benchmarks.surges_bank [--series 2000] [--hours 6]

A value is one series in one minute. Series are made-up counts at rates from one event in two minutes to ten a minute,
so that they are watched in slots of five minutes, hours and days; a tenth of them are quiet ones (20 events a day).
Memory is what Python has handed out (tracemalloc) for all of them after two days, CPU is measured after that.
"""

import argparse
import gc
import time
import tracemalloc

import numpy as np

from streams.surges.bank import SurgeBank
from streams.surges.budget import SurgeRules
from streams.surges.series import Series, series

MINUTE = 60_000_000
DAY_MINUTES = 1_440
START = 20_000 * DAY_MINUTES * MINUTE


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=2_000)
    parser.add_argument("--hours", type=int, default=6)
    words = parser.parse_args()
    chance = np.random.default_rng(1)
    keys = [series("lost_customers", segment=f"s{number:05d}") for number in range(words.series)]
    keys[0] = series("lost_customers")
    rates = 10.0 ** chance.uniform(-0.3, 1.0, words.series)
    rates[1 : words.series // 10] = 20.0 / DAY_MINUTES
    # What all series share is there before it is measured.
    _play(SurgeBank(SurgeRules()), keys[:1], rates[:1], chance, range(DAY_MINUTES))
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    bank = SurgeBank(SurgeRules())
    _play(bank, keys, rates, chance, range(2 * DAY_MINUTES + 1))
    bank.changed.clear()
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"memory: {(used - before) / words.series / 1024:.2f} kB a series")
    sizes = [len(bank.snapshot(key)) for key in keys]
    print(f"saved: {max(sizes) / 1024:.2f} kB at most, {sum(sizes) / len(sizes) / 1024:.2f} kB on average")
    minutes = range(2 * DAY_MINUTES + 1, 2 * DAY_MINUTES + 1 + 60 * words.hours)
    spent, opened = _play(bank, keys, rates, chance, minutes)
    values = len(minutes) * words.series
    a_minute = spent / values * 50_000
    print(f"CPU: {spent / values * 1e6:.2f} us a value, {a_minute:.2f} s a minute of 50,000 series; {opened} opened")


def _play(
    bank: SurgeBank, keys: list[Series], rates: np.ndarray, chance: np.random.Generator, minutes: range
) -> tuple[float, int]:
    """CPU seconds of the bank alone, and surges opened."""
    spent, opened = 0.0, 0
    for minute in minutes:
        drawn = chance.poisson(rates)
        counts = {keys[number]: float(drawn[number]) for number in np.flatnonzero(drawn).tolist()}
        started = time.process_time()
        events = bank.observe(START + minute * MINUTE, counts)
        spent += time.process_time() - started
        opened += sum(event.what == "opened" for event in events)
    return spent, opened


if __name__ == "__main__":
    main()
