"""How good scores are: area under the curve, F1 of classes, and the thresholds that serve all classes best."""

from collections.abc import Sequence
from typing import Final

import numpy as np

_STEPS: Final = 40


def area_under_curve(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Chance that a positive one has a higher score than another, ties as half (Mann and Whitney 1947).

    NaN where there are no positive ones, or no others.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    ones, others = int(truth.sum()), int((~truth).sum())
    if not ones or not others:
        return float("nan")
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[truth].sum() - ones * (ones + 1) / 2) / (ones * others))


def macro_f1(predicted: Sequence[int], truth: Sequence[int], classes: int = 3) -> float:
    """Mean over classes of the harmonic mean of precision and recall; a class that nothing has counts 0."""
    found, given = np.asarray(predicted), np.asarray(truth)
    total = 0.0
    for one in range(classes):
        right = int(((found == one) & (given == one)).sum())
        wrong = int(((found == one) ^ (given == one)).sum())
        total += 2 * right / (2 * right + wrong) if right else 0.0
    return total / classes


def best_thresholds(differences: Sequence[float], labels: Sequence[int]) -> tuple[float, float]:
    """Below the first a text is unhappy (0), above the second happy (2), else neutral (1): the best macro-F1.

    -0.2 and 0.2 where there are too few texts to tell.
    """
    if len(labels) < _STEPS or len(set(labels)) < 2:
        return -0.2, 0.2
    values = np.asarray(differences)
    best, found = -1.0, (-0.2, 0.2)
    lows = np.linspace(-0.9, 0.1, _STEPS)
    highs = np.linspace(-0.1, 0.9, _STEPS)
    for low in lows:
        for high in highs:
            if low >= high:
                continue
            predicted = np.where(values <= low, 0, np.where(values >= high, 2, 1))
            score = macro_f1(predicted.tolist(), labels)
            if score > best:
                best, found = score, (float(low), float(high))
    return found
