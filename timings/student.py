"""Student's t distribution, for whole degrees of freedom."""

from __future__ import annotations

import math
from functools import cache

_BISECTIONS = 100
_FAR = 1e9


def cumulative(t: float, freedom: int) -> float:
    """The probability of a value up to `t`: Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4."""
    angle = math.atan2(t, math.sqrt(freedom))
    cosine = math.cos(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    share = (angle + math.sin(angle) * total) / (math.pi / 2) if odd else math.sin(angle) * total
    return (1 + share) / 2


@cache
def quantile(probability: float, freedom: int) -> float:
    """The value that `probability` (over a half, under 1) of the distribution lies below."""
    low, high = 0.0, _FAR
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if cumulative(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high
