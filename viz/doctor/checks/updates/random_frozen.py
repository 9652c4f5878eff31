"""`frozen.random`: layers that are kept as they are, though what they hold are the random numbers they began with."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from typing import Any

import numpy

from eagerflow import Model, Sequential, Variable, initializers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, rms
from viz.doctor.facts.source_calls import tree_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place
from viz.recorder.descriptions import flat

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
        if self.watch.raw("not_learning"):
            layers = {id(layer): layer for root in self.watch.owners.roots() for layer in layers_in(root)}
            self._judge(_kernels(layers.values()), "warning", by_layers=False)
            return
        model = next(iter(self._fitted.values())) if len(self._fitted) == 1 else None
        fit = self.watch.training.place
        if fit is None or not _is_chain(model) or _set_free_behind(fit):
            return
        kernels, learnt = _kernels(layers_in(model)), self.watch.training.learnt
        first = [i for i, (_, kernel) in enumerate(kernels) if kernel.trainable]
        before = kernels[: first[0]] if first else []
        if not before or any(not _untouched(*each) for each in before):
            return
        place = _switched_at(fit, to=False)
        enough = self.watch.step >= limits.IMBALANCE_STEPS and len(before) > 1
        little = place is not None and enough and learnt is not None and learnt < _RANDOM_LEARNT
        if self._judge(kernels, "warning" if little else "info", place) == "warning":
            self.watch.retract(("too_few_steps", 0))  # more steps would only train what learns from random numbers

    def _judge(
        self, kernels: list[tuple[Any, Variable]], severity: str, place: Place | None = None, by_layers: bool = True
    ) -> str:
        """Tell of the frozen and random ones, if they are most of all; returns how severe that is, empty for not told.

        Where they are most of the layers, but not of the numbers, that is a hint, or nothing unless `by_layers`.
        """
        random = [(layer, k) for layer, k in kernels if not k.trainable and _untouched(layer, k)]
        learning = [layer for layer, k in kernels if k.trainable]
        least = _RANDOM_SHARE * sum(k.data.size for _, k in kernels)
        if not learning or not random:
            return ""
        if sum(k.data.size for _, k in random) < least:  # as before a large last layer
            if not by_layers or len(random) <= max(1, _RANDOM_SHARE * len(kernels)):
                return ""
            severity = "info"
        first, single = random[0][0], len(random) == 1
        who = repr(layer_label(learning[-1])) if len(learning) == 1 else "what isn't frozen"
        which = (
            f"layer {layer_label(first)!r} is"
            if single
            else (
                f"{len(random)} of {len(kernels)} layers with a kernel, {layer_label(first)!r} the first of them, are"
            )
        )
        words = {"which": which, "it": "it" if single else "they", "made": "it makes" if single else "they make"}
        numbers = {"unchanged": len(random), "steps": self.watch.step}
        about = {"layer": first, "place": place, "key": ("frozen", "random"), "who": who}
        self.tell("frozen.random", severity, **about, **words, **numbers)
        return severity


def _set_free_behind(fit: Place) -> bool:
    """Does the script set anything free behind a `fit`, so that this one may be no more than a first stage?"""
    freed = _switched_at(Place(fit.file, 1 << 30), to=True)
    return freed is not None and freed.line > fit.line


def _is_chain(model: Any) -> bool:
    """Does each layer of a model get what the one before it made, so that all that stands first is learnt from?"""
    if not isinstance(model, Model) or type(model).train_step is not Model.train_step:
        return False
    if isinstance(model, Sequential):
        return True
    graph = model._ef_state.graph
    if not type(model).__module__.startswith("eagerflow.") or graph is None:
        return False
    ends = (graph.inputs, graph.outputs, *[node.inputs for node in graph.nodes])
    return all(len(list(flat(each))) <= 1 for each in ends)


def _kernels(layers: Iterable[Any]) -> list[tuple[Any, Variable]]:
    return [(layer, kernel) for layer in layers if (kernel := _kernel(layer)) is not None]


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
    noise = _RANDOM_NOISE / math.sqrt(values.size)
    return bool(numpy.abs(values).max() <= highest * 1.0001 and abs(size / highest - 1) <= noise)


def _switched_at(fit: Place, to: bool) -> Place | None:
    """The last line before a call of `fit` that sets `trainable` to this value; None for none."""
    tree = tree_of(fit.file)
    lines = [
        node.lineno
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is to
        if any(isinstance(target, ast.Attribute) and target.attr == "trainable" for target in node.targets)
    ]
    before = [line for line in lines if line < fit.line]
    return Place(fit.file, max(before)) if before else None
