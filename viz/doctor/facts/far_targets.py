"""`unscaled_target`: targets so far from 0, or so widely spread, that predictions haven't come near them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import number

__all__ = ["FarTargets", "far_targets"]

_TARGETS_LARGE = 10.0  # root mean square of targets; scaled ones have 1, and last layers begin around 0
_TARGETS_AWAY = 2.0  # of their standard deviations lie between their mean and that of the answers, in the end
_TARGETS_NARROW = 0.2  # of their standard deviation is that of the answers
_TARGETS_ALIKE = 0.5  # correlation of both: the answers go the right way, and not far enough


class FarTargets(NamedTuple):
    """Labels, and the answers in the end: means, and standard deviations."""

    label: float
    label_spread: float
    answer: float
    answer_spread: float
    wide: bool  # is it the spread that is out of reach, and not the mean?

    @property
    def words(self) -> str:
        """What is wrong, in words."""
        labels = f"the targets are {number(self.label)} on average, give or take {number(self.label_spread)}"
        if self.wide:
            return (
                f"{labels}, and the answers go the same way as they do, but give or take "
                f"{number(self.answer_spread)} only"
            )
        return f"{labels}, and the answers have only come to {number(self.answer)}"


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
    means, spreads = (labels.mean(), answers.mean()), (labels.std(), answers.std())
    about = float(means[0]), float(spreads[0]), float(means[1]), float(spreads[1])
    size = float(numpy.sqrt(numpy.square(labels).mean()))
    if size < _TARGETS_LARGE or not spreads[0]:
        return None
    away = abs(means[0] - means[1]) >= _TARGETS_AWAY * spreads[0]
    if away and abs(means[1]) < abs(means[0]) and abs(means[0]) > _TARGETS_AWAY * spreads[0]:
        return FarTargets(*about, False)
    narrow = 0 < spreads[1] <= _TARGETS_NARROW * spreads[0]
    alike = float(numpy.corrcoef(labels, answers)[0, 1]) if narrow else 0.0
    return FarTargets(*about, True) if alike >= _TARGETS_ALIKE else None
