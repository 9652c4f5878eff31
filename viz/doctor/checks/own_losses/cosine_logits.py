"""`loss_mismatch.temperature`: a softmax of cosines, which lie between -1 and 1, so that no class can get far ahead."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number
from viz.doctor.user_code import Place

__all__ = ["CosineLogits"]

_OF_LOGITS = ("softmax", "log_softmax", "sparse_softmax_crossentropy", "softmax_crossentropy")
_SCALED = ("divide", "multiply")  # as rows of length 1 are made


class CosineLogits(Check):
    """Follows products of rows of length 1 to the softmax that is taken of them, and that to a crossentropy.

    The softmax of an attention, which only weighs what is looked at, is another matter.
    """

    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._products: dict[int, tuple[Any, Any, Place | None]] = {}  # by the key of what came out
        self._shares: dict[int, tuple[int, Place | None]] = {}  # by the key of a softmax: of how many, and made where
        self._steps: dict[Any, int] = {}  # by the place
        self._found: dict[Any, tuple[int, Place | None]] = {}

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name == "matmul" and getattr(outputs, "key", None) is not None and outputs.data.ndim == 2:
            sides = [self.watch.made_by(x) in _SCALED or not isinstance(x, Variable) for x in inputs[:2]]
            if all(sides) and any(self.watch.made_by(x) in _SCALED for x in inputs[:2]):
                self._products[outputs.key] = (*inputs[:2], self.watch.place())
        elif op.name in _OF_LOGITS and self._products:
            logits = inputs[1] if op.name.endswith("crossentropy") else inputs[0]
            found = self._products.get(getattr(logits, "key", None) or -1)
            if found is not None and logits.data.shape[1] >= limits.COSINE_CLASSES and _are_cosines(*found[:2], logits):
                about = logits.data.shape[1], found[2]
                if op.name == "softmax":
                    self._shares[getattr(outputs, "key", None) or -1] = about
                else:
                    self._found[found[2]] = about
        elif op.name == "log" and self._shares:
            self._compared(inputs[0])

    def on_scope_begin(self, opened: Any) -> None:
        given = opened.scope.inputs
        if self._shares and isinstance(given, tuple) and len(given) == 2:
            self._compared(given[1])

    def _compared(self, x: Any) -> None:
        """A crossentropy is computed of such shares."""
        about = self._shares.get(getattr(x, "key", None) or -1)
        if about is not None:
            self._found[about[1]] = about

    def on_step_end(self) -> None:
        for place, (count, _) in self._found.items():
            self._steps[place] = self._steps.get(place, 0) + 1
            if self._steps[place] == limits.FIRST:
                self._tell(count, place)
        self._products.clear()
        self._shares.clear()
        self._found.clear()

    def _tell(self, count: int, place: Place | None) -> None:
        most = math.e / (math.e + (count - 1) / math.e)
        self.watch.report(
            "loss_mismatch.temperature",
            "warning",
            f"a softmax is taken of cosines, which lie between -1 and 1: with {count} of them the right one gets "
            f"{most:.0%} at most, so the loss never falls below {number(-math.log(most))}, however well they are told "
            "apart",
            place=place,
            key=("loss_mismatch", "temperature", place),
            evidence={"high": 1.0, "most": most, "classes": count},
        )


def _are_cosines(a: Any, b: Any, logits: Tensor) -> bool:
    """Have the rows of the one and the columns of the other a length of 1?"""
    values = host(logits.data)
    if not values.size or float(numpy.abs(values).max()) > 1 + limits.COSINE_LENGTH:
        return False
    rows, columns = (host(x.data if isinstance(x, Tensor) else numpy.asarray(x)) for x in (a, b))
    lengths = (numpy.square(rows).sum(axis=-1), numpy.square(columns).sum(axis=-2))
    return all(bool((abs(each - 1) <= limits.COSINE_LENGTH).mean() >= limits.COSINE_SHARE) for each in lengths)
