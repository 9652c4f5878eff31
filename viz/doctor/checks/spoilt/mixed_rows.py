"""`shuffled_apart.mixed`: a model that puts numbers of several rows of its batch into one row, by `reshape`."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, tensors
from viz.doctor.program import layer_label

__all__ = ["MixedRows", "axis_after", "is_mixed"]


_PRODUCTS = ("matmul", "einsum", "tensordot", "dot", "dense", "take", "take_index")


class MixedRows(Check):
    """Follows on which axis the rows of a batch lie, through what a model computes of its input.

    `reshape` moves no axes: where the rows don't come first, or another number of them is to come first, it cuts their
    numbers anew, one after the other.
    """

    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._rows = 0  # of the batch that the outermost model was given
        self._shapes: set[tuple[int, ...]] = set()  # of what it was given, which may be cast on its way in
        self._axes: dict[int, tuple[Tensor, int]] = {}  # by the number of a tensor: on which axis it has these rows

    def on_scope_begin(self, opened: Any) -> None:
        if not self.watch.outermost():
            return
        self._axes.clear()
        given = first_tensor(opened.scope.inputs)
        self._rows = given.data.shape[0] if given is not None and given.data.ndim else 0
        shapes = [tuple(x.data.shape) for x in tensors(opened.scope.inputs)]
        self._shapes = {shape for shape in shapes if self._rows > 1 and shape[:1] == (self._rows,)}

    def on_step_end(self) -> None:
        self._axes.clear()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if not self._shapes or error is not None or not isinstance(outputs, Tensor):
            return
        source = next((x for x in inputs if self._axis(x) is not None), None)
        known = None if source is None else self._axis(source)
        if source is None or known is None or not self.watch.inside("layer", "model"):
            return
        shape, given = tuple(outputs.data.shape), tuple(source.data.shape)
        if op.name == "transpose":
            order = settings[0] if settings and settings[0] is not None else range(len(shape))[::-1]
            axis: int | None = [each % len(shape) for each in order].index(known)
        elif op.name == "reshape":
            axis = axis_after(given, shape, known)
            if axis is None and is_mixed(given, shape, known):
                self._tell(given, shape, known)
        else:
            # Elsewhere than in front, as many may be something else: features, or steps.
            same = shape == given and op.name not in _PRODUCTS if known else shape[:1] == (self._rows,)
            axis = known if same else None
        if axis is not None:
            self._axes[id(outputs)] = outputs, axis

    def _axis(self, x: Any) -> int | None:
        """On which axis a tensor has the rows of the batch; None where that isn't known."""
        known = self._axes.get(id(x))
        if known is not None:
            return known[1]
        of_input = isinstance(x, Tensor) and not isinstance(x, Variable) and tuple(x.data.shape) in self._shapes
        return 0 if of_input else None

    def _tell(self, given: tuple[int, ...], shape: tuple[int, ...], axis: int) -> None:
        owner = self.watch.scopes[-1].owner
        name = layer_label(owner) or type(owner).__name__
        self.watch.report(
            "shuffled_apart.mixed",
            "warning",
            f"{name!r} reshapes {given} to {shape}, where axis {axis} holds the {self._rows} rows of the batch: "
            "reshape moves no axis, it cuts the numbers anew in the order in which they lie, so those of different "
            "rows come together, and answers no longer belong to the labels of their rows",
            layer=owner,
            place=self.watch.place(),
            key=("shuffled_apart", "mixed", id(owner)),
            evidence={"given": list(given), "made": list(shape), "axis": axis, "rows": self._rows},
        )


def axis_after(given: tuple[int, ...], shape: tuple[int, ...], axis: int) -> int | None:
    """On which axis the rows lie after a reshape, all the numbers of a row together; None where they don't.

    >>> axis_after((32, 8, 8), (32, 64), 0), axis_after((8, 32, 3), (256, 3), 1), axis_after((8, 8, 32), (32, 64), 2)
    (0, None, None)
    """
    before, rows = math.prod(given[:axis]), given[axis]
    for each, count in enumerate(shape):
        if count == rows and math.prod(shape[:each]) == before:
            return each
    return None


def is_mixed(given: tuple[int, ...], shape: tuple[int, ...], axis: int) -> bool:
    """Does a reshape make rows that have numbers of several rows, where it was to move the axis of the rows?

    That is if they lay on another axis, and as many rows come first now; or if it makes of the shape the same one in
    another order. Groups of rows, and rows that are laid out one after the other, may be meant.

    >>> is_mixed((8, 8, 32), (32, 64), 2), is_mixed((32, 10, 4), (10, 32, 4), 0), is_mixed((10, 32, 4), (320, 4), 1)
    (True, True, False)
    """
    rows = given[axis]
    to_the_front = axis > 0 and shape[:1] == (rows,)
    exchanged = len(given) == len(shape) > 2 and given != shape and sorted(given) == sorted(shape)
    size = math.prod(given)
    if not (to_the_front or exchanged) or size > limits.MIXED_NUMBERS or not size:
        return False
    numbers = numpy.arange(rows).reshape([rows if i == axis else 1 for i in range(len(given))])
    made = numpy.broadcast_to(numbers, given).reshape(shape)
    return not any(count == rows and _counts(made, i) for i, count in enumerate(shape))


def _counts(numbers: numpy.ndarray, axis: int) -> bool:
    """Are they the places along this axis?"""
    flat = numpy.moveaxis(numbers, axis, 0).reshape(numbers.shape[axis], -1)
    return bool((flat == numpy.arange(len(flat))[:, None]).all())
