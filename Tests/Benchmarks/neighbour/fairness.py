"""What is fair, and what is told of many waits: pure arithmetic."""
import math


def max_min(capacity, demands, weights=None):
    """The weighted max-min share of each tenant: nobody gets more than it asks for, and what is left is shared by weight."""
    weights = weights or dict.fromkeys(demands, 1)
    shares, left, open_ = {}, capacity, set(demands)
    while open_:
        part = left / sum(weights[t] for t in open_)
        content = {t for t in open_ if demands[t] <= part * weights[t]}
        if not content:
            shares.update({t: part * weights[t] for t in open_})
            break
        for t in content:
            shares[t] = demands[t]
            left -= demands[t]
        open_ -= content
    return shares


def jain(values):
    """Jain's index: 1 if all are alike, 1 ÷ count if one has all."""
    values = list(values)
    squares = sum(v * v for v in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


def percentile(values, share):
    """The least value that is not exceeded by this share of them."""
    values = sorted(values)
    return values[max(0, math.ceil(len(values) * share - 1e-9) - 1)] if values else None
