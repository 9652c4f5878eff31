"""`frozen`: weights that never change, though they should; or that are kept as they were drawn."""

from __future__ import annotations

import linecache
import math
import re
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_variable, rms
from viz.doctor.facts.rates import rate_of
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at
from viz.frameworks.contract import Variable
from viz.frameworks.owners import is_chain

__all__ = ["Frozen", "RandomFrozen"]

_NONE_MOVED = "none of {unchanged} trainable weights has changed in {steps!c}, though they have gradients: {why}"


_NOISE = 2.0  # times 1 / √n by which the size of n random numbers may be off
_SAYS = re.compile(r"\.(?:trainable|requires_grad)(?:\s*=\s*|_\()(True|False)\b")


class _Watched:
    """Elements of a variable with the largest gradients, as they were before the first update."""

    def __init__(self, variable: Variable, gradient: numpy.ndarray) -> None:
        self.variable = variable
        flat = numpy.abs(gradient.reshape(-1)[: limits.FROZEN_LOOKED])
        self.at = numpy.argsort(flat)[-limits.FROZEN_ELEMENTS :]
        self.at = self.at[flat[self.at] > 0]
        self.values = self._now()

    def _now(self) -> numpy.ndarray:
        return host(self.variable.data).reshape(-1)[self.at].copy()

    @property
    def unchanged(self) -> bool:
        return bool(self.at.size) and bool((self._now() == self.values).all())


class Frozen(Check):
    """Compares weights whose gradients aren't zero with what they were in the first step."""

    rules = {
        "frozen": Rule.warning(
            "{whose} {have} in all {steps!c} and never change{s}: the optimizer isn't given {it}, while others learn",
            "Give the optimizer all of model.trainable_variables, or set layer.trainable = False to keep it.",
        ),
        "frozen.rounded": Rule.warning(
            "{whose} {have} in all {steps!c} and never change{s}: updates are too small to show beside the values, "
            "while others learn",
            "See that more of the gradient arrives: relu, he_normal, normalization or shortcuts; Adam makes steps of "
            "the same size from small gradients.",
        ),
        "frozen.all": Rule.error(
            "the model {model!l} has no trainable weights, of {weights} altogether: training changes nothing",
            "Set layer.trainable = True for what should learn. In a GAN, set the discriminator's trainable to True "
            "before its own step, and to False before that of the model of both. (In a script of Keras 2, compile "
            "remembers trainable: compile the discriminator while it is True.)",
        ),
        "frozen.update": Rule.error(
            _NONE_MOVED, "Give the gradients to an optimizer: optimizer.apply(gradients, variables)."
        ),
        "frozen.rate": Rule.error(
            _NONE_MOVED, "Set a learning rate above 0; good first values: 0.001 for Adam, 0.01 for SGD."
        ),
    }

    always = ("on_optimizer", "on_gradients", "on_scope_end")
    ends = ("step",)

    def begin(self) -> None:
        self._watched: dict[int, _Watched] = {}
        self._asked: dict[int, int] = {}
        self._optimizers: dict[int, Any] = {}
        self._place: Any = None
        self._without: dict[int, int] = {}  # models without trainable weights: steps
        self._differentiates = False  # has the step that runs asked for gradients?
        self._given: set[int] = set()  # weights that an optimizer updated

    def on_optimizer(self, opened: Any) -> None:
        self._optimizers[id(opened.owner)] = opened.owner

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.scope.name != "train_step" or error is not None:
            return
        model, differentiates = opened.owner, self._differentiates
        self._differentiates = False
        if differentiates or getattr(model, "trainable_variables", True) or not getattr(model, "weights", ()):
            return
        count = self._without[id(model)] = self._without.get(id(model), 0) + 1
        if count == limits.FIRST:
            about = {"model": model, "weights": len(model.weights), "steps": count}
            self.tell("frozen.all", place=self.watch.called_at(), trainable=0, **about)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if self.watch.inside("optimizer"):
            self._given.add(variable.identity)

    def on_gradients(self, gradients: Gradients) -> None:
        self._differentiates = True
        if not self.watch.heavy:
            return
        self._place = self._place or self.watch.called_at()
        for source, values in gradients.pairs:
            if source.trainable:
                self._asked[source.identity] = self._asked.get(source.identity, 0) + 1
                early = source.identity not in self._watched and self.watch.step < limits.FIRST
                if early and numpy.isfinite(values).all() and values.any():
                    self._watched[source.identity] = _Watched(source, values)

    def finish(self) -> None:
        """Judge what has not changed."""
        many = [w for w in self._watched.values() if self._asked[w.variable.identity] >= limits.WINDOW]
        still = [w for w in many if w.unchanged]
        accumulates = any((getattr(o, "gradient_accumulation_steps", 0) or 1) > 1 for o in self._optimizers.values())
        if not still or accumulates:
            return
        if len(still) == len(many):
            self._all(still)
        elif not self.watch.has("lr_too_low"):
            rounded = [w for w in still if w.variable.identity in self._given]
            for watched in [w for w in still if w not in rounded[1:]]:
                self._some(watched, rounded[1:] if watched in rounded else [])

    def _all(self, still: list[_Watched]) -> None:
        optimizer = next(iter(self._optimizers.values()), None)
        if optimizer is None:
            way, place, why = "update", self._place, "no optimizer is given the gradients, and nothing is assigned"
        elif rate_of(optimizer) == 0.0:
            way, place, why = "rate", made_at(optimizer), "the learning rate is 0"
        else:
            return  # updates too small to show: `lr_too_low` knows more
        steps = max(self._asked.values())
        self.tell(f"frozen.{way}", place=place, unchanged=len(still), steps=steps, why=why)

    def _given_at(self, layer: Any) -> Any:
        """The line that made the optimizer, which wasn't given a weight; where tapes are asked, the layer's."""
        made = [made_at(each) for each in self._optimizers.values()]
        if not self.watch.has_tapes and len(made) == 1 and made[0] is not None:
            return made[0]
        return None if layer is not None else self._place

    def _some(self, watched: _Watched, others: list[_Watched]) -> None:
        """A weight that stays, and others of which the same is to be said: one cause is one finding."""
        variable = watched.variable
        layer = self.watch.owners.of(variable)
        whose = f"{variable.path!r} ({layer_label(layer) or variable.path})"
        if others:
            whose += f" and {len(others)} more weights ({', '.join([w.variable.path for w in others])})"
        words = (
            {"have": "have gradients", "s": "", "it": "them"}
            if others
            else {"have": "has a gradient", "s": "s", "it": "it"}
        )
        at = {"layer": layer if layer is not None else variable.path, "place": self._given_at(layer)}
        key = "frozen", id(layer) if layer is not None else variable.identity
        about = {"unchanged": 1 + len(others), "steps": self._asked[variable.identity]}
        rule = "frozen.rounded" if variable.identity in self._given else "frozen"
        self.tell(rule, key=key, whose=whose, **at, **words, **about)


class RandomFrozen(Check):
    """Looks at frozen layers where nothing is learnt, or little behind those that a script froze after making them."""

    rules = {
        "frozen.random": Rule.warning(
            "{unchanged} of {all} layers with a kernel, {name} the first of them, are frozen (trainable = False) with "
            "the random weights that they began with: what they make of the input was never learnt",
            "Let them learn: set trainable = True. Or give them trained weights before they are frozen: load_weights, "
            "or weights='imagenet' instead of weights=None.",
        )
    }

    always = ("on_fit_step",)

    def begin(self) -> None:
        self._fitted: dict[int, Any] = {}

    def on_fit_step(self, opened: Any) -> None:
        self._fitted[id(opened.owner)] = opened.owner

    def finish(self) -> None:
        """Count what is frozen, and random, of what was trained with."""
        model = next(iter(self._fitted.values())) if len(self._fitted) == 1 else None
        fit, learnt = self.watch.training.place, self.watch.training.learnt
        little = learnt is not None and learnt < limits.MOST and self.watch.step >= limits.IMBALANCE_STEPS
        said = [] if fit is None or self.watch.has_tapes else _says(fit.file, "False")
        place = _frozen_before(fit) if fit is not None and little and is_chain(model) else None
        idle = bool(self.watch.raw("not_learning"))
        roots = self.watch.owners.roots() if idle else [model] if place is not None else []
        layers = {id(layer): layer for root in roots for layer in layers_in(root)}
        kernels = [(layer, kernel) for layer in layers.values() if is_variable(kernel := kernel_of(layer))]
        frozen = [not kernel.trainable and _as_drawn(layer, kernel) for layer, kernel in kernels]
        sizes = numpy.array([kernel.data.size for _, kernel in kernels])
        count, learns = sum(frozen), any(kernel.trainable for _, kernel in kernels)
        most = count and learns and sizes[frozen].sum() >= limits.MOST * sizes.sum()
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
