"""The learning rates of optimizers, and how they compare with usual ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["faded_steps", "rate_is_high", "rate_of", "usual_scale"]

_UNUSUAL = 0.999e-2  # ten times what Adam begins with; other optimizers in proportion
_FADED = 1e-6  # of the highest: usual updates, 1e-3 of the weights, become smaller than what float32 tells apart


def rate_of(optimizer: Any) -> float | None:
    """An optimizer's learning rate now; None where it has none that is a number."""
    try:
        return float(optimizer.learning_rate)
    except (TypeError, ValueError, AttributeError):
        return None


def usual_scale(optimizer: Any) -> float:
    """How much larger the rates of an optimizer are than Adam's: Adadelta is made for 1.0, SGD begins with 0.01."""
    return {"Adadelta": 1000.0, "SGD": 10.0, "Adagrad": 10.0, "Ftrl": 10.0}.get(type(optimizer).__name__, 1.0)


def rate_is_high(optimizer: Any, rate: float | None = None) -> bool:
    """Is an optimizer's learning rate (or this one) ten times above what such ones begin with, or more?"""
    rate = rate_of(optimizer) if rate is None else rate
    return rate is not None and rate >= _UNUSUAL * usual_scale(optimizer)


def faded_steps(rates: Sequence[float], highest: float) -> int:
    """How many rates at the end are so low, beside the highest, that updates of that size change no weight any more.

    >>> faded_steps([0.1, 0.01, 1e-9, 0.0], 0.1), faded_steps([0.1, 0.0, 0.1], 0.1)
    (2, 0)
    """
    backwards = enumerate(reversed(rates))
    return next((i for i, rate in backwards if rate >= _FADED * highest), len(rates))
