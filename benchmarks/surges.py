"""How many surges are found, and how many alarms are false, on series drawn with known surges, beside simple rules.

python -m benchmarks.surges [--days 40] [--draws 4]

Made-up counts of five minutes (negative binomial, with a daily season) of several means and spreads. Every two days
a surge of four hours is added: steps of 2, 3, 5 and 10 times the level in turn. False alarms are counted on the same
series without surges, after the first week, at the fixed line: 0.5 for the detector; for a rule the number usual for
it. An alarm covers the hour after it. A surge is found by an alarm in its four hours where the series without it has
none; minutes are medians over all surges, a miss counting as infinite.
"""

import argparse
import time

import numpy as np

from benchmarks.simple_rules import RULES
from streams.surges.detector import SurgeDetector

DAY, WEEK, SURGE = 288, 7 * 288, 48
SIZES = (2.0, 3.0, 5.0, 10.0)
LEVELS = ((0.5, 2.0), (2.0, 3.0), (5.0, 2.0), (20.0, 4.0), (100.0, 4.0))
USUAL_LINES = {"static threshold, times the first day's mean": 4.0, "mean + k sd of seven days": 4.0,
               "last hour > k x average hour": 3.0}  # fmt: skip


def drawn(means: np.ndarray, spread: float, chance: np.random.Generator) -> np.ndarray:
    """Counts with variance `spread` times the mean."""
    return chance.poisson(chance.gamma(means / (spread - 1.0), spread - 1.0)).astype(float)


def detector_alarms(values: np.ndarray) -> np.ndarray:
    """Of the product at 0.5."""
    detector = SurgeDetector(300)
    given = (detector.observe(slot * 300_000_000, value) for slot, value in enumerate(values.tolist()))
    return np.array([verdict is not None and verdict.score >= 0.5 for verdict in given])


def pages(alarms: np.ndarray) -> int:
    """Alarms, where one covers the hour after it."""
    count, covered = 0, -1
    for slot in np.flatnonzero(alarms).tolist():
        if slot > covered:
            count, covered = count + 1, slot + 12
    return count


def main() -> None:
    """Print a line for each level and rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--draws", type=int, default=4)
    words = parser.parse_args()
    ways = {"netgrowth detect": detector_alarms}
    for name, line in USUAL_LINES.items():
        ways[f"{name.split(',')[0]}, {line:g}"] = lambda values, name=name, line=line: RULES[name](values, 12) > line
    slots = np.arange(words.days * DAY)
    started, judged = time.process_time(), 0
    print(f"{'mean, variance/mean':22}{'':32}{'false/30 d':>12}" + "".join(f"{f'x{size:g}':>16}" for size in SIZES))
    for level, spread in LEVELS:
        means = level * (1.0 + 0.5 * np.sin(2.0 * np.pi * slots / DAY))
        false = dict.fromkeys(ways, 0)
        delays: dict[str, dict[float, list[float]]] = {name: {size: [] for size in SIZES} for name in ways}
        for draw in range(words.draws):
            chance = np.random.default_rng([7, draw, round(10 * level)])
            clean = drawn(means, spread, chance)
            raised = clean.copy()
            onsets = [day * DAY + int(chance.integers(0, DAY)) for day in range(8, words.days - 1, 2)]
            for number, onset in enumerate(onsets):
                more = (SIZES[number % len(SIZES)] - 1.0) * means[onset : onset + SURGE]
                raised[onset : onset + SURGE] += drawn(more, spread, chance)
            for name, alarms_of in ways.items():
                quiet, alarms = alarms_of(clean), alarms_of(raised)
                false[name] += pages(quiet[WEEK:])
                for number, onset in enumerate(onsets):
                    hit = np.flatnonzero(alarms[onset : onset + SURGE] & ~quiet[onset : onset + SURGE])
                    delays[name][SIZES[number % len(SIZES)]].append(5.0 * hit[0] if len(hit) else np.inf)
            judged += 2 * len(slots)
        days = words.draws * (words.days - 7)
        for name in ways:
            shown = [f"{np.isfinite(found).mean():.2f}, {np.median(found):g} min" for found in delays[name].values()]
            cells = "".join(f"{cell:>16}" for cell in shown)
            print(f"{f'{level:g}, {spread:g}':22}{name:32}{30.0 * false[name] / days:12.2f}{cells}", flush=True)
    print(f"all of it took {1e6 * (time.process_time() - started) / judged:.1f} us of CPU a value, rules included")


if __name__ == "__main__":
    main()
