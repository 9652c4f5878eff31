"""`hidden_softmax`: a softmax that stands between two layers, as if it were any activation."""

from __future__ import annotations

from typing import Any, NamedTuple

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, tensors
from viz.doctor.program import layer_label
from viz.facts.schema import Part

__all__ = ["HiddenSoftmax"]

_SOFTMAX_LEARNT = 0.6  # of a constant answer's loss: networks without a softmax between layers learn more

_PRODUCTS = ("matmul", "conv")
_PASSES: tuple[str, ...] = (
    "add",
    "reshape",
    "transpose",
    "cast",
    "masked_scale",
    "identity_of",
    "copy",
    "squeeze",
    "expand_dims",
)
_PASSES += ("concatenate", "max_pool", "average_pool", "pool", "normalize_batch", "batch_normalization")

_FIXES = {
    "hidden_softmax": (
        "In layers that others follow, use activation='relu' (or gelu, tanh); softmax belongs into the last layer, "
        "whose answers are shares of classes."
    )
}


class _Softmax(NamedTuple):
    layer: Any
    place: Any
    units: int
    open: bool  # is it past the softmax, or what a kernel made before it?


class HiddenSoftmax(Check):
    """Follows what kernels make through a softmax into the next kernel, in the first steps."""

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._from: dict[int, _Softmax] = {}  # by the keys of tensors
        self._between: dict[int, _Softmax] = {}  # by the numbers of what lies within a fused op
        self._whole: Any = None
        self._found: dict[str, _Softmax] = {}

    def on_single_op(self, op: Any, inputs: Any, outputs: Any, whole: Any) -> None:
        if self.watch.step >= limits.LOOK_AT_KERNELS or self.watch.inside("loss", "metric", "optimizer"):
            return
        if whole is not self._whole:
            self._whole, self._between = whole, {}
        numbers = op.inputs if isinstance(op, Part) else ()
        found = [self._source(x, numbers[i] if i < len(numbers) else -1) for i, x in enumerate(inputs or ())]
        made = self._made(op, inputs, found, outputs)
        if made is None:
            return
        for out in tensors(outputs):
            if out.key is not None:
                self._from[out.key] = made
        for number_of in op.outputs if isinstance(op, Part) else ():
            self._between[number_of] = made

    def _source(self, x: Any, number_of: int) -> _Softmax | None:
        if isinstance(x, Tensor):
            return None if x.key is None or isinstance(x, Variable) else self._from.get(x.key)
        return self._between.get(number_of) if x is None else None

    def _made(self, op: Any, inputs: Any, found: list[_Softmax | None], outputs: Any) -> _Softmax | None:
        before = next((each for each in found if each is not None), None)
        if op.name in _PRODUCTS:
            kernel = inputs[1] if len(inputs) > 1 else None
            if not isinstance(kernel, Variable):
                return None  # the scores of an attention, or what it weighs
            if before is not None and before.open:
                self._found.setdefault(_name(before), before)
            return _Softmax(None, None, kernel.data.shape[-1], open=False)
        if before is None:
            return None
        if op.name == "softmax" and not before.open:
            return _Softmax(self.watch.layer(), self.watch.place(), before.units, open=True)
        # What is added to the answers of a kernel is its bias: noise, as a Gumbel softmax takes it, is no variable.
        others = [x for x, source in zip(inputs, found) if source is None and isinstance(x, Tensor)]
        plain = op.name in _PASSES and (before.open or all(isinstance(x, Variable) for x in others))
        return before if plain else None

    def on_step_end(self) -> None:
        self._from.clear()
        self._between.clear()
        self._whole = None

    def finish(self) -> None:
        """A warning where little was learnt: with a good deal of luck, networks learn through it, too."""
        for softmax in list(self._found.values())[:1]:
            names = list(self._found)
            learnt = self.watch.training.learnt
            enough = self.watch.step >= limits.IMBALANCE_STEPS
            little = enough and learnt is not None and learnt < _SOFTMAX_LEARNT
            gain = f"; only {max(learnt, 0):.0%} of what can be learnt was" if little and learnt is not None else ""
            self.watch.report(
                "hidden_softmax",
                "warning" if little else "info",
                f"a softmax stands between layers ({', '.join(names[:3])}): its {softmax.units} numbers sum to 1, so "
                f"the next layer is given about {1 / softmax.units:.2g} from each unit, and hardly any gradient gets "
                f"through{gain}",
                layer=softmax.layer,
                place=None if softmax.layer is not None else softmax.place,
                key=("hidden_softmax", 0),
                evidence={"units": softmax.units, "mean": 1 / softmax.units, "layers": len(names), "learnt": learnt},
            )


def _name(softmax: _Softmax) -> str:
    """The layer's, or the line's that calls the softmax."""
    label = layer_label(softmax.layer)
    return repr(label) if label else f"line {softmax.place.line}" if softmax.place is not None else "ops.softmax"
