"""`softmax_axis.attention`: weights of an attention written by hand, which don't sum to 1 over what they weigh."""

from __future__ import annotations

from typing import Any

from eagerflow import Tensor
from viz.doctor.check_base import Check
from viz.doctor.user_code import Place

__all__ = ["AttentionAxis"]

_KEEPS = ("cast", "dropout", "masked_scale")  # ops behind which they are the same weights, but for some that are 0


class _Weights:
    """What a softmax gave, and over which axis it went."""

    def __init__(self, place: Place, axis: int, shape: tuple[int, ...]) -> None:
        self.place, self.axis, self.shape = place, axis, shape


class AttentionAxis(Check):
    """Compares the axis of a softmax with that over which a product sums its weights times values."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._weights: dict[int, _Weights] = {}  # by the key of the tensor

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if op.name == "softmax":
            self._noted(outputs, settings)
        elif self._weights and op.name == "matmul":
            for x, summed in zip(inputs, (-1, -2)):
                found = self._of(x)
                if found is not None:
                    self._judge(found, len(found.shape) + summed)
        elif self._weights and op.name in _KEEPS:
            found = self._of(inputs[0])
            if found is not None and isinstance(outputs, Tensor) and outputs.key is not None:
                self._weights[outputs.key] = found

    def _noted(self, outputs: Any, settings: Any) -> None:
        place = self.watch.own_line()
        axis = settings[0] if settings else -1
        if place is None or not isinstance(outputs, Tensor) or outputs.key is None or not isinstance(axis, int):
            return
        shape = outputs.data.shape
        if len(shape) > 2:
            self._weights[outputs.key] = _Weights(place, axis % len(shape), shape)

    def _of(self, x: Any) -> _Weights | None:
        return None if getattr(x, "key", None) is None else self._weights.get(x.key)

    def _judge(self, weights: _Weights, summed: int) -> None:
        if weights.axis == summed or weights.shape[summed] == 1:
            return
        self.watch.report(
            "softmax_axis.attention",
            "warning",
            f"the softmax goes over axis {weights.axis} of {weights.shape}, and the product with the values sums over "
            f"axis {summed}: the weights of what is summed don't add up to 1",
            op="softmax",
            place=weights.place,
            key=("softmax_axis", weights.place),
            evidence={"axis": weights.axis, "shape": list(weights.shape)},
        )

    def on_step_end(self) -> None:
        self._weights.clear()
