"""Labelled anomalies found on hourly operational counts, beside simple rules, at equal budgets of false alarms.

python -m benchmarks.surges_cloud [--data ../shared/data/cloud-monitoring]

Every series is read value by value, in order. An anomaly is a run of labelled rows (rows at most three hours apart
are one run); it is found by the first alarm in it, or in the hour after. An alarm outside is false; it covers the six
hours after it. For each detector one line for all series is set so that the pooled false alarms are the budget, then
the anomalies found at that line are counted. A series' first day is not scored.
"""

import argparse
import csv
import gzip
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.simple_rules import RULES
from streams.surges.lines import LineDetector

BUDGETS = (0.25, 0.5, 1.0)
COVERED_HOURS = 6


class Series(NamedTuple):
    """One series: lines as `netgrowth detect` reads them, values, labels, hours from one to the next."""

    name: str
    lines: list[bytes]
    values: np.ndarray
    labels: np.ndarray
    step_h: float


def load(folder: Path) -> list[Series]:
    """All series of the data set."""
    rows: dict[str, list[tuple[str, float, bool]]] = defaultdict(list)
    with gzip.open(folder / "points.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            if not row["value"]:
                continue
            rows[row["series_id"]].append((row["at"], float(row["value"]), row["anomaly"] == "1"))
    loaded = []
    for name, points in rows.items():
        lines = [f"{at},{value!r}\n".encode() for at, value, _ in points]
        step_h = 1 / 60 if name.startswith("unavail") else 1.0
        values, labels = np.array([value for _, value, _ in points]), np.array([label for *_, label in points])
        loaded.append(Series(name, lines, values, labels, step_h))
    return loaded


def detector_scores(series: Series) -> np.ndarray:
    """Of the product, as `netgrowth detect --interval` answers."""
    detector = LineDetector(series.step_h * 3_600)
    found = (detector.judge(line).verdict for line in series.lines)
    return np.array([0.0 if verdict is None else verdict.score for verdict in found])


def runs(series: Series) -> list[tuple[int, int]]:
    """First and last row of each labelled anomaly."""
    near = max(1, round(3 / series.step_h))
    found: list[tuple[int, int]] = []
    for row in np.flatnonzero(series.labels).tolist():
        if found and row - found[-1][1] <= near:
            found[-1] = (found[-1][0], row)
        else:
            found.append((row, row))
    return found


def judged(series: list[Series], scores: list[np.ndarray], line: float) -> tuple[float, int, int]:
    """False alarms a week and series, anomalies found, and all of them."""
    false, weeks, found, anomalies = 0, 0.0, 0, 0
    for one, score in zip(series, scores, strict=True):
        day, after = round(24 / one.step_h), max(1, round(1 / one.step_h))
        scored = np.ones(len(score), bool)
        scored[:day] = False
        quiet = scored.copy()
        for first, last in runs(one):
            quiet[max(0, first - after) : last + after + 1] = False
            if last >= day:
                anomalies += 1
                found += bool((score[max(first, day) : last + after + 1] >= line).any())
        covered = -1
        for row in np.flatnonzero(quiet & (score >= line)).tolist():
            if row > covered:
                false += 1
                covered = row + round(COVERED_HOURS / one.step_h)
        weeks += quiet.sum() * one.step_h / 168
    return false / weeks, found, anomalies


def at_budget(series: list[Series], scores: list[np.ndarray], budget: float) -> tuple[float, int, int]:
    """The lowest line within the budget, and what is found at it."""
    levels = np.unique(np.concatenate(scores))
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        if judged(series, scores, levels[middle])[0] <= budget:
            high = middle
        else:
            low = middle + 1
    _, found, anomalies = judged(series, scores, levels[low])
    return float(levels[low]), found, anomalies


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/cloud-monitoring"))
    series = load(parser.parse_args().data)
    detectors: dict[str, Callable[[Series], np.ndarray]] = {"netgrowth detect": detector_scores}
    for name, rule in RULES.items():
        detectors[name] = lambda one, rule=rule: rule(one.values, max(1, round(1 / one.step_h)))
    print(f"{'anomalies found at false alarms a week and series of':52}" + "".join(f"{b:>12g}" for b in BUDGETS))
    for name, scores_of in detectors.items():
        scores = [scores_of(one) for one in series]
        cells = [at_budget(series, scores, budget) for budget in BUDGETS]
        print(f"{name:52}" + "".join(f"{f'{found}/{all_}':>12}" for _, found, all_ in cells), flush=True)
        if name == "netgrowth detect":
            rate, found, all_ = judged(series, scores, 0.5)
            print(f"{'  at its own line of 0.5':52}{found}/{all_} at {rate:.2f} a week and series")


if __name__ == "__main__":
    main()
