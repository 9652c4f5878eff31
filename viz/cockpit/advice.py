"""What the instruments say, in one sentence."""

from __future__ import annotations

import math

__all__ = ["advice"]

_FEW, _MANY = 0.5, 4.0  # the noise scale against the batch size
_SHORT, _LONG = -0.5, 0.5  # the median of alpha


def advice(batch: int, noise: float, alpha: float, curvature: float = math.nan, rate: float = math.nan) -> str:
    """One sentence on the batch size and the learning rate.

    >>> advice(32, 400.0, -0.6)
    'Gradients of 32 rows are mostly noise (noise scale 400): larger batches would make each step better, up to some \
400 rows; steps end 0.4 of the way to the minimum ahead of them on their batch: there is room for a larger rate.'
    """
    return f"{_of_batch(batch, noise)}; {_of_rate(alpha, curvature, rate)}."


def _of_batch(batch: int, noise: float) -> str:
    if math.isnan(noise):
        return f"Nothing is known yet of the noise in gradients of {batch} rows"
    if noise > _MANY * batch:
        much = "beyond measure" if math.isinf(noise) else f"noise scale {noise:.3g}"
        limit = "" if math.isinf(noise) else f", up to some {noise:.3g} rows"
        return f"Gradients of {batch} rows are mostly noise ({much}): larger batches would make each step better{limit}"
    if noise < _FEW * batch:
        enough = max(1, round(noise))
        return (
            f"Batches of {batch} rows are larger than they need be (noise scale {noise:.3g}): some {enough} rows would "
            "give nearly the same steps"
        )
    return f"The batch size of {batch} fits (noise scale {noise:.3g})"


def _of_rate(alpha: float, curvature: float, rate: float) -> str:
    if math.isfinite(rate * curvature) and rate * curvature > 2:
        return (
            f"the rate of {rate:.3g} is too large for the curvature of {curvature:.3g}: plain gradient descent is "
            f"stable below {2 / curvature:.2g}"
        )
    if math.isnan(alpha):
        return "nothing is known yet of the length of steps"
    if alpha < _SHORT:
        return (
            f"steps end {1 + alpha:.2g} of the way to the minimum ahead of them on their batch: there is room for a "
            "larger rate"
        )
    if alpha > _LONG:
        return f"steps go {1 + alpha:.2g} times as far as the minimum ahead of them on their batch: lower the rate"
    return "steps end near the minimum ahead of them on their batch, so the rate fits"
