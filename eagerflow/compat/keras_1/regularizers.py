"""Keras 1's names of penalties."""

from __future__ import annotations

from eagerflow.regularizers import L1L2

__all__ = ["ActivityRegularizer", "WeightRegularizer", "activity_l1", "activity_l1l2", "activity_l2", "l1l2"]


def WeightRegularizer(l1: float = 0.0, l2: float = 0.0) -> L1L2:
    """`regularizers.L1L2`: sums of absolute values and of squares."""
    return L1L2(l1, l2)


def ActivityRegularizer(l1: float = 0.0, l2: float = 0.0) -> L1L2:
    """`regularizers.L1L2`, as a layer's `activity_regularizer`; divided by the batch size, as Keras 3 does."""
    return L1L2(l1, l2)


def l1l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Both penalties."""
    return L1L2(l1, l2)


def activity_l1(l: float = 0.01) -> L1L2:  # noqa: E741 - Keras' name
    """A sum of absolute values."""
    return L1L2(l, 0.0)


def activity_l2(l: float = 0.01) -> L1L2:  # noqa: E741 - Keras' name
    """A sum of squares."""
    return L1L2(0.0, l)


def activity_l1l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """Both penalties."""
    return L1L2(l1, l2)
