"""`frozen`: weights that never change, though they should, or that are thrown away after each step."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy

from eagerflow import Tensor, Variable, layers
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.checks.updates.empty_update import set_still_at
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.doctor.variable_owners import Owners

__all__ = ["Frozen"]

_PRODUCTS = ("matmul", "dense", "conv", "einsum", "tensordot", "dot")

_FIXES = {
    "frozen": "Give the optimizer all of model.trainable_variables, or set layer.trainable = False to keep it.",
    "frozen.all": (
        "Set layer.trainable = True for what should learn. In a GAN, set the discriminator's trainable to True before "
        "its own step, and to False before that of the model of both. (In a script of Keras 2, compile remembers "
        "trainable: compile the discriminator while it is True.)"
    ),
    "frozen.in_call": (
        "Make layers once, in __init__ (self.dense = layers.Dense(10)), and only call them in call: then they keep "
        "their weights, and the model knows them."
    ),
    "frozen.in_call.variable": (
        "Make it once, in build: self.w = self.add_weight(shape=..., initializer=...), and only compute with self.w in "
        "call."
    ),
    "frozen.constant": (
        "Make weights with self.add_weight(shape=..., initializer=...), or as a Variable; an array that is meant to "
        "stay is fine as it is."
    ),
    "frozen.rounded": (
        "See that more of the gradient arrives: relu, he_normal, normalization or shortcuts; Adam makes steps of the "
        "same size from small gradients."
    ),
    "frozen.copies": (
        "Give the optimizer the model's own variables: "
        "optimizer.apply_gradients(zip(gradients, model.trainable_variables))."
    ),
    "frozen.zeros": (
        "Look at what is done with the gradients between the tape and the optimizer: a mask of zeros, a factor of 0, "
        "or limits such as clip(gradient, 0, 0), where clip(gradient, -1, 1) is meant."
    ),
    "frozen.update": "Give the gradients to an optimizer: optimizer.apply(gradients, variables).",
    "frozen.rate": "Set a learning rate above 0; good first values: 0.001 for Adam, 0.01 for SGD.",
}


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


class _MadeInCall:
    """Layers that were made on one line while another one was called."""

    def __init__(self, caller: Any) -> None:
        self.caller = caller  # a weak reference: models that are thrown away may get the same number again
        self.kinds: set[str] = set()
        self.first: dict[int, int] = {}  # the first weight, by step


class _Constants:
    """Arrays among the attributes of a layer, which it computes with."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.factors: dict[str, Any] = {}
        self.zeros: dict[str, Any] = {}  # that are added


class Frozen(Check):
    """Compares weights whose gradients aren't zero with what they were in the first step."""

    fixes = _FIXES

    always = ("on_scope_begin", "on_scope_end", "on_gradient")
    begins = ("optimizer", "layer", "model")
    ends = ("step", "layer")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._watched: dict[int, _Watched] = {}
        self._asked: dict[int, int] = {}
        self._optimizers: dict[int, Any] = {}
        self._place: Any = None
        self._without: dict[int, int] = {}  # models without trainable weights: steps
        self._gradients = 0
        self._differentiates = False  # has the step that runs asked for gradients?
        self._idle = 0  # steps of `fit` that asked for none: the program doesn't count them
        self._set: set[int] = set()  # variables that somebody gave values: loaded ones, say
        self._given: set[int] = set()  # those that an optimizer updated
        self._updated: dict[int, tuple[int, ...]] = {}  # what it changed, with shapes
        self._applied: Any = None  # where it is given gradients
        self._only_zeros = True  # are the gradients that optimizers are given all 0?
        self._only_new = True  # has each step trained weights that were not there before?
        self._met: set[int] = set()  # all weights of which gradients were asked
        self._there: list[Any] = []  # all layers, as weak references, once several steps have trained other weights
        self._shapes: list[Any] = []
        self._first_source = 0
        self._renewed: list[Any] = []  # optimizers in a row that had made no step before: the first, and the last
        self._renewals = 0
        self._made_in_call: dict[Any, _MadeInCall] = {}  # by the line, and what was called
        self._constants: dict[int, _Constants] = {}  # by the layer

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._applied = self._applied or self.watch.place()
            self._optimizers[id(opened.owner)] = opened.owner
            given = tensors(opened.scope.inputs) if self._only_zeros and self.watch.heavy else []
            self._only_zeros = self._only_zeros and not any(host(x.data).any() for x in given)
            self._count_new(opened.owner)
        elif self.watch.step < 2:
            self._owners.meet(opened)

    def _count_new(self, optimizer: Any) -> None:
        """Follow whether each step is made by an optimizer that was never used, and that has something to remember."""
        remembers = len(getattr(optimizer, "variables", ())) > 2  # beside the rate and the number of steps
        new = remembers and not int(getattr(optimizer, "iterations", 1))
        if new and self._renewed and optimizer is not self._renewed[-1]:
            self._renewals += 1
            self._renewed = [self._renewed[0], optimizer]
        else:
            self._renewals, self._renewed = int(new), [optimizer] if new else []

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind == "layer":
            if self.watch.heavy and error is None:
                self._called(opened.owner)
            return
        if opened.kind != "step" or opened.scope.name != "train_step" or error is not None:
            return
        model, differentiates = opened.owner, self._differentiates
        self._differentiates = False
        self._idle += not differentiates
        if differentiates or getattr(model, "trainable_variables", True) or not getattr(model, "weights", ()):
            return
        count = self._without[id(model)] = self._without.get(id(model), 0) + 1
        if count == limits.FIRST:
            still = set_still_at(model)
            why = f", as {still[0]}.trainable = False stands on line {still[1].line}" if still is not None else ""
            self.watch.report(
                "frozen.all",
                "error",
                f"the model {layer_label(model)!r} has no trainable weights, of {len(model.weights)} altogether{why}: "
                "training changes nothing",
                place=still[1] if still is not None else self.watch.called_at(),
                evidence={"trainable": 0, "weights": len(model.weights)},
            )

    def _called(self, layer: Any) -> None:
        """Follow whether each step calls another layer, made on the same line, in the call of one that stays."""
        own = [v for v in getattr(layer, "weights", ()) if isinstance(v, Variable)]
        around = [each.owner for each in self.watch.scopes if each.kind in ("layer", "model")][:-1]
        place = made_at(layer) if own and around else None
        if place is None:
            return
        key = place, id(around[-1])
        found = self._made_in_call.get(key)
        if found is None or found.caller() is not around[-1]:
            found = self._made_in_call[key] = _MadeInCall(weakref.ref(around[-1]))
        found.kinds.add(type(layer).__name__)
        found.first.setdefault(self.watch.step + self._idle, own[0].identity)
        if len(set(found.first.values())) == len(found.first) == limits.FIRST:
            self.watch.report(
                "frozen.in_call",
                "error",
                f"each call of {layer_label(around[-1])!r} makes a new {type(layer).__name__}, with new weights: they "
                "are thrown away after the step, and never trained",
                place=place,
                key=("frozen", place),
                evidence={"unchanged": len(own), "steps": len(found.first)},
            )

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        layer = self.watch.layer() if op.name in _PRODUCTS or op.name == "add" else None
        if layer is None or type(layer).__module__.startswith("eagerflow."):
            return
        self._computed_with(layer, inputs)
        for x in inputs:
            if isinstance(x, Variable) or getattr(x, "key", None) is not None or not getattr(x, "shape", ()):
                continue
            name = next((name for name, value in vars(layer).items() if value is x), None)
            data = x.data if isinstance(x, Tensor) else x
            if name is None or getattr(getattr(data, "dtype", None), "kind", "") != "f":
                continue
            found = self._constants.setdefault(id(layer), _Constants(layer))
            if op.name == "add" and not host(data).any():
                found.zeros[name] = x.shape
            elif op.name != "add" and len(x.shape) > 1:
                found.factors[name] = x.shape

    def _computed_with(self, layer: Any, inputs: Any) -> None:
        """Follow whether each step computes, on the same line, with another variable that belongs to no layer."""
        for x in inputs:
            place = self.watch.own_line() if isinstance(x, Variable) and x.identity not in self._asked else None
            if place is None:
                continue
            found = self._made_in_call.setdefault((place, id(layer)), _MadeInCall(weakref.ref(layer)))
            found.first.setdefault(self.watch.step + self._idle, x.identity)
            new = len(set(found.first.values())) == len(found.first) == limits.FIRST
            if new and self._owners.of(x) is None:
                self.watch.report(
                    "frozen.in_call.variable",
                    "error",
                    f"each call of {layer_label(layer)!r} makes a new Variable {tuple(x.shape)}: its values are thrown "
                    "away after the step, and never trained",
                    place=place,
                    key=("frozen", place),
                    evidence={"unchanged": 1, "steps": len(found.first)},
                )

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if self.watch.inside("optimizer"):
            self._given.add(variable.identity)
            if name.endswith("_update"):
                self._updated[variable.identity] = variable.shape
        elif name == "assign":
            self._set.add(variable.identity)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        self._differentiates = True
        first = getattr(sources[0], "identity", 0)
        if first != self._first_source:
            self._first_source, self._renewals, self._renewed = first, 0, []
        if not self.watch.heavy:
            return
        self._gradients += 1
        self._only_new = self._only_new and self._are_new(sources)
        if self._place is None:
            self._place = self.watch.called_at()
        for source, result in zip(sources, results):
            if not isinstance(source, Variable) or not source.trainable or not isinstance(result, Tensor):
                continue
            self._asked[source.identity] = self._asked.get(source.identity, 0) + 1
            if source.identity not in self._watched and self.watch.step < limits.FIRST:
                values = host(result.data)
                if numpy.isfinite(values).all() and values.any():
                    self._watched[source.identity] = _Watched(source, values)

    def _are_new(self, sources: Any) -> bool:
        """Are these other weights than those of all steps before, of a model that looks the same?"""
        variables = [source for source in sources if isinstance(source, Variable)]
        shapes = [v.data.shape for v in variables]
        if not self._shapes:
            self._shapes = shapes
        met = {v.identity for v in variables}  # with those that got no gradient: they are no newer for that
        known = bool(met & self._met) or _hold(self._there, met)
        self._met |= met
        if not known and self._gradients == limits.FIRST:
            self._there = _all_layers()
        # A loop over pictures that are changed by their gradients has new variables, too, but those of no layer.
        ours = self.watch.step > 1 or all(self._owners.of(v) is not None for v in variables)
        return len(variables) > 1 and not known and ours and shapes == self._shapes

    def _tell_constants(self) -> None:
        """Arrays that a layer of the user's computes with as if they were its weights."""
        for found in self._constants.values():
            if not found.factors:
                continue
            names = ", ".join([f"self.{name} {tuple(shape)}" for name, shape in found.factors.items()])
            zeros = ", ".join([f"self.{name}" for name in found.zeros])
            but = f", and adds {zeros}, which is all zeros" if zeros else ""
            self.watch.report(
                "frozen.constant",
                "warning" if zeros else "info",  # nobody adds zeros that stay; a fixed product may well be meant
                f"layer {layer_label(found.layer)!r} multiplies by {names}{but}: arrays, not weights, so training "
                "never changes them",
                layer=found.layer,
                key=("frozen", id(found)),
                evidence={"unchanged": len(found.factors) + len(found.zeros), "steps": self.watch.step},
            )

    def finish(self) -> None:
        """Judge what has not changed."""
        if self._gradients:
            self._tell_constants()
        if self._only_new and self._gradients >= limits.FEW_STEPS:
            self._anew()
            return
        if self._renewals >= limits.FEW_STEPS and not self._set:
            self._forgets()
        many = [w for w in self._watched.values() if self._asked[w.variable.identity] >= limits.UNREACHED_STEPS]
        still = [w for w in many if w.unchanged]
        if not still or any(_accumulates(o) for o in self._optimizers.values()):
            return
        if len(still) == len(many):
            self._all(still)
        elif not self.watch.has("lr_too_low"):
            rounded = [w for w in still if w.variable.identity in self._given]
            for watched in still:
                if watched not in rounded[1:]:
                    self._one(watched, rounded[1:] if watched in rounded else [])

    def _anew(self) -> None:
        layer = next((layer for layer in self._owners.roots() if made_at(layer) is not None), None)
        self.watch.report(
            "frozen.anew",
            "error",
            f"each of {self.watch.counted(self.watch.step)} trains other weights, which were made just before: what a "
            "step learns is thrown away with its model",
            place=made_at(layer) or self._place,
            evidence={"unchanged": len(self._shapes), "steps": self.watch.step},
        )

    def _forgets(self) -> None:
        """Each step had an optimizer of its own."""
        name = type(self._renewed[-1]).__name__
        self.watch.report(
            "frozen.optimizer",
            "warning",
            f"each of the last {self.watch.counted(self._renewals)} is the first one of a new {name}: what it "
            "gathers of gradients over the steps, for momentum and sizes of updates, is thrown away each time",
            place=made_at(self._renewed[-1]) or self._place,
            key=("frozen", "optimizer"),
            evidence={"unchanged": 0, "steps": self._renewals},
        )

    def _all(self, still: list[_Watched]) -> None:
        optimizer, copies = next(iter(self._optimizers.values()), None), self._copies(still)
        if optimizer is None:
            why, way, place = (
                "no optimizer is given the gradients, and nothing is assigned",
                "frozen.update",
                self._place,
            )
        elif _rate(optimizer) == 0.0:
            why, way, place = "the learning rate is 0", "frozen.rate", made_at(optimizer)
        elif copies:
            why = f"the optimizer is given {copies} other variables of the same shapes, and updates those"
            way, place = "frozen.copies", self._applied
        elif self._only_zeros:
            why, way, place = "the optimizer is given zeros in place of them", "frozen.zeros", self._applied
        else:
            return  # updates too small to show: `lr_too_low` knows more
        steps = max(self._asked.values())
        self.watch.report(
            way,
            "error",
            f"none of {len(still)} trainable weights has changed in {self.watch.counted(steps)}, though they have "
            f"gradients: {why}",
            place=place,
            evidence={"unchanged": len(still), "steps": steps},
        )

    def _copies(self, still: list[_Watched]) -> int:
        """How many variables of the same shapes are updated in place of these, such as copies of them; 0 for none."""
        shapes = list(self._updated.values())
        if any(w.variable.identity in self._given for w in still) or not shapes:
            return 0
        return len(still) if all(w.variable.shape in shapes for w in still) else 0

    def _one(self, watched: _Watched, others: list[_Watched]) -> None:
        """A weight that stays, and others of which the same is to be said: one cause is one finding."""
        variable = watched.variable
        layer, steps = self._owners.of(variable), self._asked[variable.identity]
        name = layer_label(layer) or variable.path
        given = variable.identity in self._given
        why = (
            "updates are too small to show beside the values, while others learn"
            if given
            else "the optimizer isn't given it, while others learn"
        )
        names = f"{variable.path!r} ({name})"
        if others:
            names += f" and {len(others)} more weights ({', '.join([w.variable.path for w in others])})"
        does = "have gradients in all {} and never change" if others else "has a gradient in all {} and never changes"
        self.watch.report(
            "frozen.rounded" if given else "frozen",
            "warning",
            f"{names} {does.format(self.watch.counted(steps))}: {why}",
            layer=layer if layer is not None else variable.path,
            place=None if layer is not None else self._place,
            key=("frozen", id(layer) if layer is not None else variable.identity),
            evidence={"unchanged": 1 + len(others), "steps": steps, "variable": variable.path},
        )


def _all_layers() -> list[Any]:
    """Weak references to all layers that there are, called or not, as those of an ensemble whose turn is yet to come.

    Nothing announces that a layer is made, and its weights may only be made as it is called. To look at all objects
    takes a while; it is done once, and only for loops that go from network to network.
    """
    return [weakref.ref(each) for each in gc.get_objects() if issubclass(type(each), layers.Layer)]


def _hold(there: list[Any], weights: set[int]) -> bool:
    """Does one of these layers have one of these weights?"""
    alive = [layer for reference in there if (layer := reference()) is not None]
    return any(getattr(v, "identity", None) in weights for layer in alive for v in layer.weights)


def _accumulates(optimizer: Any) -> bool:
    return (getattr(optimizer, "gradient_accumulation_steps", None) or 1) > 1


def _rate(optimizer: Any) -> float | None:
    try:
        return float(optimizer.learning_rate)
    except (TypeError, ValueError, AttributeError):
        return None
