"""`frozen`: weights that never change, though they should, or that are thrown away after each step."""

from __future__ import annotations

import ast
import weakref
from typing import Any

import numpy

from eagerflow import Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.rates import rate_of
from viz.doctor.facts.source_calls import tree_of
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at, user_frames

__all__ = ["Frozen"]

_NONE_MOVED = "none of {unchanged} trainable weights has changed in {steps!c}, though they have gradients: {why}"


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
        "frozen": Rule(
            "warning",
            "{whose} {have} in all {steps!c} and never change{s}: the optimizer isn't given {it}, while others learn",
            "Give the optimizer all of model.trainable_variables, or set layer.trainable = False to keep it.",
        ),
        "frozen.rounded": Rule(
            "warning",
            "{whose} {have} in all {steps!c} and never change{s}: updates are too small to show beside the values, "
            "while others learn",
            "See that more of the gradient arrives: relu, he_normal, normalization or shortcuts; Adam makes steps of "
            "the same size from small gradients.",
        ),
        "frozen.all": Rule(
            "error",
            "the model {model!l} has no trainable weights, of {weights} altogether{why}: training changes nothing",
            "Set layer.trainable = True for what should learn. In a GAN, set the discriminator's trainable to True "
            "before its own step, and to False before that of the model of both. (In a script of Keras 2, compile "
            "remembers trainable: compile the discriminator while it is True.)",
        ),
        "frozen.nothing": Rule(
            "error",
            "{optimizer} changes nothing: it is given no weights in any of its first {steps} steps{why}",
            "Take model.trainable_variables behind the model's first call, or in each step, as layers make their "
            "weights when they are called; and leave trainable = False out: in a loop, a step leaves a network still "
            "by itself, as its optimizer is given the other's weights.",
        ),
        "frozen.in_call": Rule(
            "error",
            "each call of {caller!l} makes a new {made}, with new weights: they are thrown away after the step, and "
            "never trained",
            "Make layers once, in __init__ (self.dense = layers.Dense(10)), and only call them in call: then they keep "
            "their weights, and the model knows them.",
        ),
        "frozen.copies": Rule(
            "error",
            _NONE_MOVED,
            "Give the optimizer the model's own variables: optimizer.apply_gradients(zip(gradients, "
            "model.trainable_variables)).",
        ),
        "frozen.update": Rule(
            "error", _NONE_MOVED, "Give the gradients to an optimizer: optimizer.apply(gradients, variables)."
        ),
        "frozen.rate": Rule(
            "error", _NONE_MOVED, "Set a learning rate above 0; good first values: 0.001 for Adam, 0.01 for SGD."
        ),
    }

    always = ("on_optimizer", "on_call_end", "on_gradients", "on_scope_end")
    ends = ("step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._watched: dict[int, _Watched] = {}
        self._asked: dict[int, int] = {}
        self._optimizers: dict[int, Any] = {}
        self._place: Any = None
        self._applied: Any = None  # where an optimizer is given gradients
        self._empty: dict[int, int] = {}  # steps in which an optimizer is given none; -1 where it ever was
        self._without: dict[int, int] = {}  # models without trainable weights: steps
        self._differentiates = False  # has the step that runs asked for gradients?
        self._idle = 0  # steps that asked for none, which nobody else counts
        self._given: set[int] = set()  # weights that an optimizer updated
        self._updated: dict[int, tuple[int, ...]] = {}  # what it changed, with shapes
        self._made_in_call: dict[Any, tuple[Any, dict[int, int]]] = {}  # by the line: the caller, first weights by step

    def on_optimizer(self, opened: Any) -> None:
        self._applied = self._applied or self.watch.place()
        key = id(opened.owner)
        self._optimizers[key] = opened.owner
        if tensors(opened.scope.inputs) or self.watch.inside("step") or self._empty.get(key, 0) < 0:
            self._empty[key] = -1  # it has something to do, now or later
            return
        self._empty[key] = self._empty.get(key, 0) + 1
        if self._empty[key] == limits.FIRST:
            still = _set_still_at(None)
            why = _why(still)
            if still is None and any(getattr(root, "trainable_variables", ()) for root in self.watch.owners.roots()):
                why = ", though the model has some: the list was taken before its first call made them"
            name = getattr(opened.owner, "name", "the optimizer")
            place = still[1] if still is not None else self.watch.called_at()
            about = {"optimizer": name, "why": why, "steps": limits.FIRST, "unchanged": 0}
            self.tell("frozen.nothing", op=name, place=place, key=("frozen", "nothing", key), **about)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.scope.name != "train_step" or error is not None:
            return
        model, differentiates = opened.owner, self._differentiates
        self._differentiates = False
        self._idle += not differentiates
        if differentiates or getattr(model, "trainable_variables", True) or not getattr(model, "weights", ()):
            return
        count = self._without[id(model)] = self._without.get(id(model), 0) + 1
        if count == limits.FIRST:
            still = _set_still_at(model)
            place = still[1] if still is not None else self.watch.called_at()
            about = {"model": model, "weights": len(model.weights), "why": _why(still)}
            self.tell("frozen.all", place=place, trainable=0, steps=count, **about)

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        """Follow whether each step calls another layer, made on the same line, in the call of one that stays."""
        layer = opened.owner
        if not self.watch.heavy or opened.kind != "layer":
            return
        own = [v for v in getattr(layer, "weights", ()) if hasattr(v, "identity")]
        around = [each.owner for each in self.watch.scopes if each.kind in ("layer", "model")][:-1]
        place = made_at(layer) if own and around else None
        if place is None:
            return
        caller, first = self._made_in_call.get((place, id(around[-1])), (None, {}))
        if caller is None or caller() is not around[-1]:  # models that are thrown away may get the same number again
            self._made_in_call[place, id(around[-1])] = weakref.ref(around[-1]), (first := {})
        first.setdefault(self.watch.step + self._idle, own[0].identity)
        if len(set(first.values())) == len(first) == limits.FIRST:
            about = {"unchanged": len(own), "steps": len(first), "caller": around[-1]}
            self.tell("frozen.in_call", place=place, key=("frozen", place), made=type(layer).__name__, **about)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if self.watch.inside("optimizer"):
            self._given.add(variable.identity)
            if name.endswith("_update"):
                self._updated[variable.identity] = variable.shape

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
        many = [w for w in self._watched.values() if self._asked[w.variable.identity] >= limits.UNREACHED_STEPS]
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
        optimizer, shapes = next(iter(self._optimizers.values()), None), list(self._updated.values())
        given = any(w.variable.identity in self._given for w in still)
        if optimizer is None:
            way, place, why = "update", self._place, "no optimizer is given the gradients, and nothing is assigned"
        elif rate_of(optimizer) == 0.0:
            way, place, why = "rate", made_at(optimizer), "the learning rate is 0"
        elif not given and shapes and all(w.variable.shape in shapes for w in still):
            why = f"the optimizer is given {len(still)} other variables of the same shapes, and updates those"
            way, place = "copies", self._applied
        else:
            return  # updates too small to show: `lr_too_low` knows more
        steps = max(self._asked.values())
        self.tell(f"frozen.{way}", place=place, unchanged=len(still), steps=steps, why=why)

    def _some(self, watched: _Watched, others: list[_Watched]) -> None:
        """A weight that stays, and others of which the same is to be said: one cause is one finding."""
        variable = watched.variable
        layer = self.watch.owners.of(variable)
        whose = f"{variable.path!r} ({layer_label(layer) or variable.path})"
        if others:
            whose += f" and {len(others)} more weights ({', '.join([w.variable.path for w in others])})"
        self.tell(
            "frozen.rounded" if variable.identity in self._given else "frozen",
            layer=layer if layer is not None else variable.path,
            place=None if layer is not None else self._place,
            key=("frozen", id(layer) if layer is not None else variable.identity),
            whose=whose,
            have="have gradients" if others else "has a gradient",
            s="" if others else "s",
            it="them" if others else "it",
            unchanged=1 + len(others),
            steps=self._asked[variable.identity],
        )


def _why(still: tuple[str, Place] | None) -> str:
    return "" if still is None else f", as {still[0]}.trainable = False stands on line {still[1].line}"


def _set_still_at(owner: Any) -> tuple[str, Place] | None:
    """The name and the line of the one `name.trainable = False` in the running code, for a layer or model (or any)."""
    frames = user_frames()
    scopes = [scope for frame in frames for scope in (frame.f_locals, frame.f_globals)]
    names = {
        name
        for scope in scopes
        for name, value in scope.items()
        if (value is owner if owner is not None else hasattr(type(value), "trainable") and value.trainable is False)
    }
    every: dict[tuple[str, int], Place] = {}
    for file in dict.fromkeys(frame.f_code.co_filename for frame in frames):
        tree = tree_of(file)
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is False:
                for target in node.targets:
                    if isinstance(target, ast.Attribute) and target.attr == "trainable":
                        every[ast.unparse(target.value), node.lineno] = Place(file, node.lineno)
    chosen = {key: place for key, place in every.items() if key[0] in names} or every
    return (next(iter(chosen))[0], next(iter(chosen.values()))) if len(chosen) == 1 else None
