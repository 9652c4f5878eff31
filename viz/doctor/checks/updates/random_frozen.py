"""`frozen.random`: layers that are kept as they are, though what they hold are the random numbers they began with."""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_variable, rms
from viz.doctor.facts.layer_kinds import glorot_kernel, is_chain
from viz.doctor.facts.source_calls import tree_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place

__all__ = ["RandomFrozen"]

_RANDOM_SHARE = 0.5  # of the kernels, or their numbers, are frozen and random: fewer may be drawn on purpose
_RANDOM_LEARNT = 0.5  # of a constant answer's loss: who draws features on purpose draws enough to learn more
_RANDOM_NOISE = 2.0  # times 1 / √n by which the size of n random numbers may be off


class RandomFrozen(Check):
    """Looks at frozen layers. Asked after `Answers`.

    Where a network learns nothing, or next to nothing, all of its layers count. Where it learns something, those do
    that stand before what is trained, in a model that `fit` trains; that is a hint, unless the script froze them after
    it had made them, and little was learnt: who wants random features says so where the layer is made.

    Kernels of trained layers go beyond the limits of the uniform distribution that they began with, have another
    size, and a bias beside them that isn't 0.
    """

    rules = {
        "frozen.random": Rule(
            "warning",
            "{which} frozen (trainable = False) with the random weights that {it} began with: what {made} of the input "
            "was never learnt, and {who} learns from that alone",
            "Let them learn: set trainable = True. Or give them trained weights before they are frozen: load_weights, "
            "or weights='imagenet' instead of weights=None. If random features are meant, leave them as they are.",
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
        idle, fit, severity, place = bool(self.watch.raw("not_learning")), self.watch.training.place, "warning", None
        layers = [layer for root in self.watch.owners.roots() for layer in layers_in(root)]
        if not idle:
            model = next(iter(self._fitted.values())) if len(self._fitted) == 1 else None
            if fit is None or not is_chain(model) or _switched(fit, True, behind=True):
                return  # set free behind this `fit`, it may be no more than a first stage
            layers, place = layers_in(model), _switched(fit, False)
        kernels = [(x, k) for x in {id(x): x for x in layers}.values() if (k := glorot_kernel(x)) is not None]
        random = [(x, k) for x, k in kernels if not k.trainable and _untouched(x, k)]
        learning = [x for x, k in kernels if k.trainable]
        if not learning or not random or (not idle and kernels[: len(random)] != random):
            return
        large = sum(k.data.size for _, k in random) >= _RANDOM_SHARE * sum(k.data.size for _, k in kernels)
        if not large and (idle or len(random) <= max(1, _RANDOM_SHARE * len(kernels))):
            return
        if not idle:
            learnt = self.watch.training.learnt
            enough = self.watch.step >= limits.IMBALANCE_STEPS and len(random) > 1 and large
            little = place is not None and enough and learnt is not None and learnt < _RANDOM_LEARNT
            severity = "warning" if little else "info"
        if severity == "warning":
            self.watch.retract(("too_few_steps", 0))  # more steps would only train what learns from random numbers
        first, single = random[0][0], len(random) == 1
        many = f"{len(random)} of {len(kernels)} layers with a kernel, {layer_label(first)!r} the first of them, are"
        self.tell(
            "frozen.random",
            severity,
            layer=first,
            place=place,
            key=("frozen", "random"),
            who=repr(layer_label(learning[-1])) if len(learning) == 1 else "what isn't frozen",
            which=f"layer {layer_label(first)!r} is" if single else many,
            it="it" if single else "they",
            made="it makes" if single else "they make",
            unchanged=len(random),
            steps=self.watch.step,
        )


def _untouched(layer: Any, kernel: Any) -> bool:
    """Does a kernel look as its initializer made it, with the bias at 0?"""
    bias = vars(layer).get("bias")
    if kernel.data.ndim < 2 or (is_variable(bias) and host(bias.data).any()):
        return False
    values = host(kernel.data).astype("float64")
    highest = math.sqrt(6.0 / (math.prod(values.shape[:-2]) * sum(values.shape[-2:])))
    noise = _RANDOM_NOISE / math.sqrt(values.size)
    size = rms(values) * math.sqrt(3.0)
    return bool(numpy.abs(values).max() <= highest * 1.0001 and abs(size / highest - 1) <= noise)


def _switched(fit: Place, to: bool, behind: bool = False) -> Place | None:
    """The last line before a call of `fit`, or behind it, that sets `trainable` to this value; None for none."""
    tree = tree_of(fit.file)
    lines = [
        node.lineno
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is to
        if any(isinstance(target, ast.Attribute) and target.attr == "trainable" for target in node.targets)
    ]
    found = [line for line in lines if (line > fit.line if behind else line < fit.line)]
    return Place(fit.file, max(found)) if found else None
