"""Which number of a model's outputs is explained."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from eagerflow import Tensor, ops, tree

__all__ = ["Target"]


class Target:
    """Which number of a model's outputs is explained, for each row.

    Args:
        given: the position on the last axis (a class), one for all rows or one for each; a tuple of positions where
            outputs have several axes; a function of the outputs that gives one number per row; None: for each row
            the largest.
        output: which of several outputs, by name or position.
        logits: whether what goes into the last softmax or sigmoid is meant.
        outputs: what the model gave.
        rows: how many samples.
    """

    def __init__(self, given: Any, output: Any, logits: bool, outputs: Any, rows: int) -> None:
        self._output, self._logits = output, logits
        self._function: Callable[[Any], Any] | None = given if callable(given) else None
        self.chosen: list[Any] | None = None
        if self._function is not None:
            self._check_function(self._function(self._picked(outputs)), rows)
            return
        found = self._picked(outputs)
        if not isinstance(found, Tensor) or not found.shape or found.shape[0] != rows:
            raise ValueError(
                f"viz.explain: expected a model that gives one row per sample ({rows}), got "
                f"{getattr(found, 'shape', type(found).__name__)}. Pass target=a function of the outputs that gives "
                "one number per sample."
            )
        axes = found.shape[1:]
        self._flat = _positions(given, numpy.asarray(found.numpy()).reshape(rows, -1), axes)
        places = numpy.unravel_index(self._flat, axes) if axes else ()
        one = [tuple([int(axis[row]) for axis in places]) for row in range(rows)]
        self.chosen = [each[0] if len(each) == 1 else each for each in one]

    def _picked(self, outputs: Any) -> Any:
        found = outputs
        if tree.is_nested(outputs):
            found = _one_of(outputs, self._output, self._function is not None)
        elif self._output not in (None, 0):
            raise ValueError(f"viz.explain(output={self._output!r}): the model has one output; leave it out")
        if not self._logits:
            return found
        kept = getattr(found, "logits", None)
        if kept is None:
            raise ValueError(
                "viz.explain(logits=True): the output doesn't come straight from a softmax or sigmoid; leave it out, "
                "as what the model gives may be logits already"
            )
        return kept[1]

    @staticmethod
    def _check_function(found: Any, rows: int) -> None:
        if not isinstance(found, Tensor) or tuple(found.shape) != (rows,):
            raise ValueError(
                f"viz.explain(target=function): expected a tensor with one number per sample, shape ({rows},); got "
                f"{getattr(found, 'shape', type(found).__name__)}"
            )

    def of(self, outputs: Any, rows: slice, copies: int) -> Tensor:
        """The numbers that are explained, one per row, where some rows stand `copies` times one after the other."""
        found = self._picked(outputs)
        if self._function is not None:
            return self._function(found)
        at = numpy.tile(self._flat[rows], copies)
        flat = found.reshape((len(at), -1))
        picked: Tensor = ops.take_along_axis(flat, Tensor(at[:, None]), axis=1)[:, 0]
        return picked


def _one_of(outputs: Any, output: Any, whole: bool) -> Any:
    if isinstance(outputs, Mapping):
        if output in outputs:
            return outputs[output]
        known = ", ".join(map(repr, outputs))
    else:
        if isinstance(output, int) and not isinstance(output, bool) and -len(outputs) <= output < len(outputs):
            return outputs[output]
        known = f"0 to {len(outputs) - 1}"
    if output is None and whole:
        return outputs
    raise ValueError(f"viz.explain(output={output!r}): the model has several outputs; expected one of {known}")


def _positions(given: Any, flat: numpy.ndarray, axes: tuple[int, ...]) -> numpy.ndarray:
    """For each row a position among the row's numbers."""
    rows, size = flat.shape
    if given is None:
        if len(axes) > 1:
            raise ValueError(
                f"viz.explain(target=None): for each sample the model gives numbers of shape {axes}; say which one, "
                f"such as target={tuple([0] * len(axes))}"
            )
        return numpy.argmax(flat, axis=1)
    several = len(axes) > 1
    asked = numpy.asarray(given)
    if asked.dtype.kind not in "iu":
        raise ValueError(f"viz.explain(target={given!r:.60}): expected whole numbers, or a function of the outputs")
    if not axes:
        raise ValueError("viz.explain(target=...): the model gives one number per sample; leave it out")
    wanted = (len(axes),) if several else ()
    if asked.shape not in (wanted, (rows, *wanted)):
        one = f"a tuple of {len(axes)} positions" if several else "a class"
        raise ValueError(
            f"viz.explain(target=...): expected {one} or {rows} of them, one per sample; got shape {asked.shape}"
        )
    asked = numpy.broadcast_to(asked, (rows, *wanted)).reshape(rows, len(axes))
    if ((asked < 0) | (asked >= numpy.array(axes))).any():
        bounds = ", ".join([f"0 to {length - 1}" for length in axes])
        raise ValueError(f"viz.explain(target={given!r:.60}): expected positions from {bounds}")
    assert math.prod(axes) == size
    return numpy.ravel_multi_index(tuple(asked.T), axes)
