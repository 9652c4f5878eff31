"""`label_range` in a loss that the user wrote out: labels beyond what the last activation gives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.program import Origin

__all__ = ["RANGES", "OutOfReach", "reach_of"]

RANGES = {"sigmoid": (0.0, 1.0), "softmax": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, numpy.inf)}

_SIZES = ("square", "absolute", "power", "multiply")  # how far answers are from labels, whichever way


def reach_of(activation: str) -> str:
    """What an activation gives, in words.

    >>> reach_of("tanh"), reach_of("relu")
    ('only gives -1 to 1', 'gives nothing below 0')
    """
    low, high = RANGES[activation]
    return (
        f"only gives {number(low)} to {number(high)}" if numpy.isfinite(high) else f"gives nothing below {number(low)}"
    )


class _Compared(NamedTuple):
    labels: numpy.ndarray
    origin: Origin  # of the answers


class OutOfReach(Check):
    """Follows labels minus answers to their squares, or their sizes, and to the mean of those.

    A loss that leaves rows out, or weighs them, does so between: then labels beyond the range may be none. Losses that
    are announced as such are asked instead (see `Labels`).

    A last sigmoid, tanh or relu is often kept from a classifier when the targets become amounts.
    """

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._differences: dict[int, _Compared] = {}
        self._sizes: dict[int, _Compared] = {}

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        made = outputs.key if isinstance(outputs, Tensor) else None
        if made is None or self.watch.inside("metric", "loss", "layer", "model"):
            return
        given = getattr(inputs[0], "key", None) if inputs else None
        if op.name in ("subtract", "squared_difference") and len(inputs) == 2:
            found = self._compared(*inputs) or self._compared(*inputs[::-1])
            if found is not None:
                (self._differences if op.name == "subtract" else self._sizes)[made] = found
        elif given in self._differences and op.name in _SIZES and _of_itself(op.name, inputs):
            self._sizes[made] = self._differences[given]
        elif given in self._sizes and op.name in ("mean", "sum"):
            self._tell(self._sizes[given])

    def on_step_end(self) -> None:
        self._differences.clear()
        self._sizes.clear()

    def _compared(self, answers: Any, labels: Any) -> _Compared | None:
        """Are these answers of a limited range, and a label for each of them?"""
        if not isinstance(answers, Tensor) or isinstance(labels, Variable) or getattr(labels, "key", None) is not None:
            return None
        origin = self.watch.origin(answers)
        if origin is None or origin.layer is None or origin.made_by not in RANGES or origin.made_by == "softmax":
            return None
        values = host(labels.data if isinstance(labels, Tensor) else numpy.asarray(labels))
        one_each = values.ndim and values.size == answers.data.size and len(values) == len(answers.data)
        counted = values.dtype.kind in "fiu" and values.size >= limits.LIKELIHOOD_ROWS
        return _Compared(values, origin) if one_each and counted else None

    def _tell(self, found: _Compared) -> None:
        labels, origin = found
        low, high = RANGES[origin.made_by]
        outside = (labels < low - limits.OUT_OF_RANGE) | (labels > high + limits.OUT_OF_RANGE)
        if float(outside.mean()) < limits.OUT_OF_REACH:
            return
        least, most = float(labels.min()), float(labels.max())
        self.watch.report(
            "label_range",
            "error",
            f"labels go from {number(least)} to {number(most)}, but the outputs come from {origin.made_by}, which "
            f"{reach_of(origin.made_by)}: {outside.mean():.0%} of the labels are out of reach",
            layer=origin.layer,
            op=origin.made_by,
            place=origin.place,
            evidence={"lowest": least, "highest": most},
        )


def _of_itself(name: str, inputs: Any) -> bool:
    """Is it the size of a single tensor, not its product with another one?"""
    if name in ("square", "absolute"):
        return True
    first, second = inputs[0], inputs[1] if len(inputs) > 1 else None
    return first is second if name == "multiply" else not isinstance(second, Tensor) or second.data.ndim == 0
