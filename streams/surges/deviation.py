"""How unlikely a count is, told as the deviate of a normal variable that is as unlikely.

Counts of customers and mentions come in bursts: their variance is `spread` times their mean. A negative binomial with
that mean and variance is the simplest distribution that says so; with a spread of 1 it is Poisson's.
"""

from math import log, sinh, sqrt

LEAST_SPREAD = 1.01
"""Below it the negative binomial is Poisson's to all the figures that matter here."""
NEAR = 0.2
"""Deviates this small are told to the first order: the second would divide by zero."""


def deviate_above(count: float, mean: float, spread: float) -> float:
    """The normal deviate that is exceeded as rarely as `count` is reached or exceeded.

    Args:
        count: what was counted, >= 0.
        mean: what was expected, > 0.
        spread: variance / mean, >= 1.
    Source: saddle point of the tail (Barndorff-Nielsen, Biometrika 73, 1986), half a count off for continuity.
    """
    return _signed_root(max(count - 0.5, 0.02), mean, spread)


def deviate_below(count: float, mean: float, spread: float) -> float:
    """The normal deviate, negative for few, below which one falls as rarely as to `count` or fewer."""
    return _signed_root(count + 0.5, mean, spread)


def _signed_root(x: float, mean: float, spread: float) -> float:
    size = mean / (max(spread, LEAST_SPREAD) - 1.0)
    ratio = log(x / mean)
    tilt = ratio - log((x + size) / (mean + size))
    divergence = x * tilt - size * (ratio - tilt)
    root = sqrt(2.0 * divergence) if divergence > 0.0 else 0.0
    if x < mean:
        root = -root
    if -NEAR < root < NEAR:
        return root
    slope = 2.0 * sinh(0.5 * tilt) * sqrt(x * (x + size) / size)
    return root + log(slope / root) / root
