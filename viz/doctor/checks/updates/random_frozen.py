"""`frozen.random`: layers that are kept as they are, though what they hold are the random numbers they began with."""

from __future__ import annotations

import math
from typing import Any

import numpy

from eagerflow import Variable, initializers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, rms
from viz.doctor.program import layer_label
from viz.doctor.variable_owners import Owners, layers_in

__all__ = ["RandomFrozen"]


class RandomFrozen(Check):
    """Looks at frozen layers where a network learns nothing, or next to nothing. Asked after `Answers`.

    Kernels of trained layers go beyond the limits of the uniform distribution that they began with, have another
    size, and a bias beside them that isn't 0.
    """

    always = ("on_scope_begin",)
    begins = ("model", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.step < 2:
            self._owners.meet(opened)

    def finish(self) -> None:
        """Count what is frozen, and random, of what was trained with."""
        if not self.watch.raw("not_learning"):
            return
        layers = {id(layer): layer for root in self._owners.roots() for layer in layers_in(root)}
        kernels = [(layer, k) for layer in layers.values() if (k := _kernel(layer)) is not None]
        frozen = [(layer, k) for layer, k in kernels if not k.trainable]
        random = [(layer, k) for layer, k in frozen if _untouched(layer, k)]
        learning = [layer for layer, k in kernels if k.trainable]
        size = sum(k.data.size for _, k in kernels)
        if not learning or sum(k.data.size for _, k in random) < limits.RANDOM_SHARE * size:
            return
        first = random[0][0]
        who = repr(layer_label(learning[-1])) if len(learning) == 1 else "what isn't frozen"
        self.watch.report(
            "frozen.random",
            "warning",
            f"{len(random)} of {len(kernels)} layers with a kernel, {layer_label(first)!r} the first of them, are "
            "frozen (trainable = False) with the random weights that they began with: what they make of the input was "
            f"never learnt, and {who} learns from that alone",
            layer=first,
            key=("frozen", "random"),
            evidence={"unchanged": len(random), "steps": self.watch.step},
        )


def _kernel(layer: Any) -> Any:
    """The layer's own kernel; None where it has none."""
    found = vars(layer).get("kernel")
    return found if isinstance(found, Variable) and found.data.ndim > 1 else None


def _untouched(layer: Any, kernel: Variable) -> bool:
    """Does a kernel look as its initializer made it, with the bias at 0?"""
    bias = vars(layer).get("bias")
    if not isinstance(getattr(layer, "kernel_initializer", None), initializers.GlorotUniform):
        return False
    if isinstance(bias, Variable) and host(bias.data).any():
        return False
    values = host(kernel.data).astype("float64")
    fields = math.prod(values.shape[:-2])
    highest = math.sqrt(6.0 / (fields * sum(values.shape[-2:])))
    size = rms(values) * math.sqrt(3.0)
    noise = limits.RANDOM_NOISE / math.sqrt(values.size)
    return bool(numpy.abs(values).max() <= highest * 1.0001 and abs(size / highest - 1) <= noise)
