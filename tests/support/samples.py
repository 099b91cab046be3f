"""Are two sets of measurements told apart? The two-sample Kolmogorov–Smirnov test, and the medians."""

import math
from collections.abc import Sequence
from statistics import median


def ks_p(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the asymptotic probability of a distance as large as this, if both came from one distribution."""
    n, m = len(one), len(other)
    left, right = sorted(one), sorted(other)
    distance, i, j = 0.0, 0, 0
    while i < n and j < m:
        value = min(left[i], right[j])
        while i < n and left[i] == value:
            i += 1
        while j < m and right[j] == value:
            j += 1
        distance = max(distance, abs(i / n - j / m))
    size = math.sqrt(n * m / (n + m))
    scaled = (size + 0.12 + 0.11 / size) * distance
    if scaled < 0.2:  # the series does not converge there, and the answer is 1
        return 1.0
    series = sum((1.0 if k % 2 else -1.0) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * series))


def alike(one: Sequence[float], other: Sequence[float], *, within: float) -> bool:
    """Tell whether medians differ by at most `within` and the test does not reject at p = 0.01."""
    return abs(median(one) - median(other)) <= within and ks_p(one, other) >= 0.01
