"""Rules that monitoring is often built of, for comparison: each gives a score a value, strictly online."""

from collections import deque
from collections.abc import Callable

import numpy as np

Values = np.ndarray


def static_threshold(values: Values, per_hour: int) -> Values:
    """The value, in means of the series' first day (else scales would not compare): an alarm above a fixed number."""
    day = values[: 24 * per_hour]
    return values / max(float(day.mean()), 1e-9)


def mean_and_sd(values: Values, per_hour: int) -> Values:
    """How many standard deviations above the mean of the last seven days."""
    window: deque[float] = deque(maxlen=168 * per_hour)
    total = squares = 0.0
    scores = np.zeros(len(values))
    for number, value in enumerate(values.tolist()):
        count = len(window)
        if count >= per_hour * 12:
            mean = total / count
            scores[number] = max(0.0, (value - mean) / max((squares / count - mean * mean), 1e-12) ** 0.5)
        if count == window.maxlen:
            total, squares = total - window[0], squares - window[0] ** 2
        window.append(value)
        total, squares = total + value, squares + value * value
    return scores


def hour_over_average(values: Values, per_hour: int) -> Values:
    """The last hour over the average hour of the last seven days; an alarm is usually three."""
    padded = np.concatenate([[0.0], np.cumsum(values)])
    scores = np.zeros(len(values))
    for number in range(per_hour * 12, len(values)):
        hour = padded[number + 1] - padded[max(0, number + 1 - per_hour)]
        first = max(0, number + 1 - per_hour - 168 * per_hour)
        usual = (padded[number + 1 - per_hour] - padded[first]) / max(1, number + 1 - per_hour - first) * per_hour
        scores[number] = hour / max(usual, 1e-9)
    return scores


def ewma_z(values: Values, per_hour: int, alpha: float = 0.05) -> Values:
    """Deviation from an exponentially weighted mean, in exponentially weighted standard deviations, either way."""
    mean, variance = float(values[0]), 0.0
    scores = np.zeros(len(values))
    for number, value in enumerate(values.tolist()):
        away = value - mean
        if number >= 12:
            scores[number] = abs(away) / max(variance, 1e-12) ** 0.5
        mean += alpha * away
        variance = (1.0 - alpha) * (variance + alpha * away * away)
    return scores


RULES: dict[str, Callable[[Values, int], Values]] = {
    "static threshold, times the first day's mean": static_threshold,
    "mean + k sd of seven days": mean_and_sd,
    "last hour > k x average hour": hour_over_average,
    "EWMA z-score, alpha 0.05": ewma_z,
    "EWMA z-score, alpha 0.1": lambda values, per_hour: ewma_z(values, per_hour, 0.1),
    "EWMA z-score, alpha 0.2": lambda values, per_hour: ewma_z(values, per_hour, 0.2),
}
"""Name to the scores of a series: values, values an hour."""
