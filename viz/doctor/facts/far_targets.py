"""`unscaled_target`: targets so far from 0 that predictions haven't come near them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import number, rms

__all__ = ["FarTargets", "far_targets"]

_TARGETS_LARGE = 10.0  # root mean square of targets; scaled ones have 1, and last layers begin around 0
_TARGETS_AWAY = 2.0  # of their standard deviations lie between their mean and that of the answers, in the end


class FarTargets(NamedTuple):
    """Labels, with their standard deviation, and the answers in the end."""

    label: float
    label_spread: float
    answer: float

    @property
    def words(self) -> str:
        """What is wrong, in words."""
        spread = f"{number(self.label)} on average, give or take {number(self.label_spread)}"
        return f"the targets are {spread}, and the answers have only come to {number(self.answer)}"


def far_targets(pairs: Sequence[tuple[numpy.ndarray, numpy.ndarray]]) -> FarTargets | None:
    """Are these answers, which began at around 0, still on their way to where the labels are?

    Args:
        pairs: labels and answers of the last batches.

    Returns:
        None where they have arrived, where labels are of a usual size, or where nothing shows what keeps them away.

    >>> rows = numpy.linspace(0.0, 1.0, 64)[:, None]
    >>> far_targets([(2000 + rows, 3 + rows)]).words
    'the targets are 2000 on average, give or take 0.29, and the answers have only come to 3.5'
    >>> far_targets([(2000 + rows, 2000 + rows)]) is None
    True
    """
    shapes = {labels.shape[1:] for labels, _ in pairs} | {answers.shape[1:] for _, answers in pairs}
    if any(labels.size != answers.size for labels, answers in pairs) or len(shapes - {(), (1,)}) > 0:
        return None
    labels, answers = (numpy.concatenate([each.reshape(-1) for each in part]).astype("float64") for part in zip(*pairs))
    if len(labels) < limits.ROWS_TOLD or not numpy.isfinite(labels).all():
        return None
    mean, spread, answer = float(labels.mean()), float(labels.std()), float(answers.mean())
    far = rms(labels) >= _TARGETS_LARGE and abs(mean) > _TARGETS_AWAY * spread > 0 and abs(answer) < abs(mean)
    return FarTargets(mean, spread, answer) if far and abs(mean - answer) >= _TARGETS_AWAY * spread else None
