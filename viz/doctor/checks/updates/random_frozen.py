"""`frozen.random`: layers that are kept as they are, though what they hold are the random numbers they began with."""

from __future__ import annotations

import linecache
import math
import re
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_variable, rms
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.user_code import Place
from viz.frameworks.owners import is_chain

__all__ = ["RandomFrozen"]

_SHARE = 0.5  # of the numbers in kernels are frozen and random: fewer may be drawn on purpose
_LEARNT = 0.5  # of a constant answer's loss: who draws features on purpose draws enough to learn more
_NOISE = 2.0  # times 1 / √n by which the size of n random numbers may be off
_SAYS = re.compile(r"\.(?:trainable|requires_grad)(?:\s*=\s*|_\()(True|False)\b")


class RandomFrozen(Check):
    """Looks at frozen layers where nothing is learnt, or little behind those that a script froze after making them."""

    rules = {
        "frozen.random": Rule(
            "warning",
            "{unchanged} of {all} layers with a kernel, {name} the first of them, are frozen (trainable = False) with "
            "the random weights that they began with: what they make of the input was never learnt",
            "Let them learn: set trainable = True. Or give them trained weights before they are frozen: load_weights, "
            "or weights='imagenet' instead of weights=None.",
        )
    }

    always = ("on_fit_step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._fitted: dict[int, Any] = {}

    def on_fit_step(self, opened: Any) -> None:
        self._fitted[id(opened.owner)] = opened.owner

    def finish(self) -> None:
        """Count what is frozen, and random, of what was trained with."""
        model = next(iter(self._fitted.values())) if len(self._fitted) == 1 else None
        fit, learnt = self.watch.training.place, self.watch.training.learnt
        little = learnt is not None and learnt < _LEARNT and self.watch.step >= limits.IMBALANCE_STEPS
        said = [] if fit is None or self.watch.has_tapes else _says(fit.file, "False")
        place = _frozen_before(fit) if fit is not None and little and is_chain(model) else None
        idle = bool(self.watch.raw("not_learning"))
        roots = self.watch.owners.roots() if idle else [model] if place is not None else []
        layers = {id(layer): layer for root in roots for layer in layers_in(root)}
        kernels = [(layer, kernel) for layer in layers.values() if is_variable(kernel := kernel_of(layer))]
        frozen = [not kernel.trainable and _as_drawn(layer, kernel) for layer, kernel in kernels]
        sizes = numpy.array([kernel.data.size for _, kernel in kernels])
        count, learns = sum(frozen), any(kernel.trainable for _, kernel in kernels)
        most = count and learns and sizes[frozen].sum() >= _SHARE * sizes.sum()
        if most and (idle or (count > 1 and all(frozen[:count]))):
            about = {
                "layer": kernels[frozen.index(True)][0],
                "place": Place(fit.file, said[0]) if said and fit is not None else None if idle else place,
            }
            self.tell("frozen.random", unchanged=count, all=len(kernels), steps=self.watch.step, **about)
            self.watch.retract(("too_few_steps", 0))  # more steps would only train what learns from random numbers


def kernel_of(layer: Any) -> Any:
    """The kernel of a layer that has one."""
    return vars(layer).get("kernel", getattr(layer, "kernel", None) if hasattr(layer, "is_as_drawn") else None)


def _as_drawn(layer: Any, kernel: Any) -> bool:
    """Does a kernel look as Glorot's uniform distribution made it, with the bias at 0? Trained ones don't."""
    if hasattr(layer, "is_as_drawn"):  # of another framework
        return bool(layer.is_as_drawn(kernel))
    values, bias = host(kernel.data).astype("float64"), vars(layer).get("bias")
    uniform = type(getattr(layer, "kernel_initializer", None)).__name__ == "GlorotUniform"
    if values.ndim < 2 or not uniform or (is_variable(bias) and host(bias.data).any()):
        return False
    highest = math.sqrt(6.0 / (math.prod(values.shape[:-2]) * sum(values.shape[-2:])))
    size, noise = rms(values) * math.sqrt(3.0), _NOISE / math.sqrt(values.size)
    return bool(numpy.abs(values).max() <= highest * 1.0001 and abs(size / highest - 1) <= noise)


def _frozen_before(fit: Place) -> Place | None:
    """The last line before a `fit` that says `trainable = False`; None for none, or where a later line frees any."""
    before = [number for number in _says(fit.file, "False") if number < fit.line]
    freed = any(number > fit.line for number in _says(fit.file, "True"))
    return Place(fit.file, before[-1]) if before and not freed else None


def _says(file: str, value: str) -> list[int]:
    """The lines that set what is trainable."""
    lines = enumerate(linecache.getlines(file), 1)
    return [number for number, line in lines if (found := _SAYS.search(line)) is not None and found[1] == value]
