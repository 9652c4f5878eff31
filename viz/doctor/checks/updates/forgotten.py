"""`frozen.forgotten`: weights that the loss depends on, and that no gradient is ever asked of.

Where two losses are differentiated by the same weights, one of them was meant for those that are left out, as in a GAN
whose generator's loss is differentiated by the discriminator's weights. It is told by what else the losses are made
with: the generator's uses the discriminator for what the generator makes only, the other one for real rows, too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place
from viz.doctor.variable_owners import Owners

__all__ = ["Forgotten"]

_DEPENDS_STEPS = (4, 5)  # in which it is followed what the loss was made with; two, for losses that take turns

_FIXES = {
    "frozen.forgotten": (
        "Take all of model.trainable_variables, in tape.gradient and for the optimizer; where layers shall stay as "
        "they are, say so: layer.trainable = False."
    ),
    "frozen.left_out": (
        "Add its weights, in tape.gradient and for the optimizer: variables = first.trainable_variables + "
        "second.trainable_variables; if it should stay as it is, say so: its trainable = False."
    ),
    "frozen.taken": (
        "Give this step the weights of the network that it should train, in tape.gradient and for the optimizer: in a "
        "GAN, tape.gradient(generator_loss, generator.trainable_variables)."
    ),
}


class _Use:
    """How the loss of a step came to depend on weights that it isn't differentiated by."""

    def __init__(self) -> None:
        self.reached: set[int] = set()  # all of them
        self.in_line: set[int] = set()  # those before or behind trained ones; others stand beside them
        self.asked: set[int] = set()  # those that it is differentiated by


class _Made(NamedTuple):
    """An op: the keys of its outputs, its tracked inputs, and whether it puts rows behind untracked ones."""

    outputs: list[int]
    inputs: list[Any]
    mixes: bool


class _Asked(NamedTuple):
    """A loss, and what it is differentiated by.

    Attributes:
        weights: these.
        free: those of them that it uses for what doesn't come from other weights.
        before: the other weights that it uses in front of these.
        behind: the other weights that it uses behind these.
        alone: the other weights that it uses for what doesn't come from these.
    """

    weights: frozenset[int]
    free: frozenset[int]
    before: frozenset[int]
    behind: frozenset[int]
    alone: frozenset[int]


class Forgotten(Check):
    """Follows which weights gradients are asked of, and in two steps which the loss was made with."""

    fixes = _FIXES

    of_script = True
    always = ("on_gradient",)
    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        self._born = Variable(0.0, trainable=False).identity  # what was made later has never been anything but drawn
        self._groups: dict[Any, int] = {}  # sources of gradients, by their number and ends: how often
        self._sources: set[int] = set()  # all variables of which a gradient was ever asked
        self._set: set[int] = set()  # variables that somebody gave values: loaded ones, say
        self._made: list[_Made] = []  # the ops of a step
        self._asked: dict[Place | None, _Asked | None] = {}  # by the line that asks; None where it wasn't followed yet
        self._use = _Use()
        self._frozen: set[int] = set()  # weights that were so while others were trained; they may be set free later
        self._first: dict[int, numpy.ndarray] = {}  # a few elements of each weight, as they were
        self._places: list[tuple[set[int], Any]] = []  # weights of which gradients are asked, and where

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.step < limits.WINDOW:
            self._owners.meet(opened)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        step = self.watch.step
        if step in _DEPENDS_STEPS or (step > _DEPENDS_STEPS[0] and None in self._asked.values()):
            made, given = [x.key for x in tensors(outputs) if x.key is not None], tensors(list(inputs))
            if made:
                tracked = [x for x in given if x.key is not None]
                self._made.append(_Made(made, tracked, len(tracked) < len(given) and _adds_rows(op, settings)))

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if name == "assign" and not self.watch.inside("optimizer"):
            self._set.add(variable.identity)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        ends = [getattr(source, "identity", 0) for source in (sources[0], sources[-1])]
        group = len(sources), *ends
        if group not in self._groups:  # of a later stage of the training, perhaps
            asked = {s.identity for s in sources if isinstance(s, Variable)}
            self._sources |= asked
            self._places.append((asked, self.watch.called_at()))
        self._groups[group] = self._groups.get(group, 0) + 1
        place = self.watch.place() if self.watch.heavy else None
        if place is not None and len(self._asked) < limits.WINDOW:
            self._asked.setdefault(place, None)
        if self._made:
            keys, asked = {t.key for t in tensors(targets)}, {getattr(s, "identity", 0) for s in sources}
            found = self._follow(keys, asked)
            if place in self._asked:
                self._asked[place] = found

    def on_step_end(self) -> None:
        if not self.watch.ended_late:  # else the gradients of a second tape of the same block come next
            self._made.clear()
        if self.watch.step == max(_DEPENDS_STEPS):
            self._first = {v.identity: _some(v) for v in self._owners.variables()}
            self._frozen |= {v.identity for v in self._owners.variables() if not v.trainable}

    def _follow(self, keys: set[int | None], asked: set[int]) -> _Asked:
        """From the loss back to the variables it was made with."""
        self._use.asked = asked
        way = []
        for op in reversed(self._made):
            if not keys.isdisjoint(op.outputs):
                way.append(op)
                keys.update(x.key for x in op.inputs)
        of_trained: set[int | None] = set()  # tensors that depend on weights whose gradient is asked
        of_others: dict[int | None, set[int]] = {}  # the others' weights, by tensors that depend on them
        mixed: set[int | None] = set()  # tensors among whose rows are some that depend on no weights
        free, others_before, behind, alone = set[int](), set[int](), set[int](), set[int]()
        for op in reversed(way):
            own = {x.identity for x in op.inputs if isinstance(x, Variable)}
            rest = [x.key for x in op.inputs if not isinstance(x, Variable)]
            before = set().union(*[of_others[key] for key in rest if key in of_others])
            trained, mixes = not of_trained.isdisjoint(rest), op.mixes or not mixed.isdisjoint(rest)
            if trained:
                behind |= own - asked
            if not own.isdisjoint(asked):
                others_before |= before
            if mixes or not before:
                free |= own & asked
            if mixes or not trained:
                alone |= own - asked
            self._use.reached |= own - asked
            if trained or not own.isdisjoint(asked):
                of_trained.update(op.outputs)
            if mixes:
                mixed.update(op.outputs)
            of_others.update({key: before | (own - asked) for key in op.outputs if before or own - asked})
        self._use.in_line |= behind | others_before
        return _Asked(*map(frozenset, (asked, free, others_before, behind, alone)))

    def finish(self) -> None:
        """Judge what was left out."""
        if max(self._groups.values(), default=0) < limits.UNREACHED_STEPS:
            return
        roots = self._owners.roots()
        part = [root for root in roots if self._trains_a_part_of(root)]
        if part:
            self._tell_part(max(part, key=lambda root: len(root.trainable_variables)))
            return
        whole = [root for root in roots if self._is_used_as_drawn(root)]
        if whole:
            self._tell_whole(max(whole, key=lambda root: len(root.trainable_variables)))

    def _trains_a_part_of(self, root: Any) -> bool:
        given = _trainable(root)
        return any(v.identity in self._sources for v in given) and any(self._is_left_out(v) for v in given)

    def _is_left_out(self, variable: Variable) -> bool:
        """No gradient was asked of it, and nobody gave it values, as loading does, or copying from another network."""
        known = any(variable.identity in each for each in (self._sources, self._set, self._frozen))
        first = self._first.get(variable.identity)
        moved = first is not None and bool((first != _some(variable)).any())
        return not known and not moved and self._owners.met(self._owners.of(variable))

    def _is_used_as_drawn(self, root: Any) -> bool:
        """Is the loss made with weights of this model, all of which are as they were drawn?"""
        given = _trainable(root)
        left = all(self._is_left_out(v) and v.identity > self._born for v in given)
        return left and any(v.identity in self._use.reached for v in given)

    def _tell_part(self, model: Any) -> None:
        """Weights of a model of which others are trained."""
        own = _trainable(model)
        left = [v for v in own if self._is_left_out(v)]
        self.watch.report(
            "frozen.forgotten",
            "warning",
            f"{len(left)} of {len(own)} trainable weights of {layer_label(model)!r} are never given to the optimizer, "
            f"nor is their gradient asked for: {_names(left)} stay{'s' if len(left) == 1 else ''} as first drawn",
            place=self._place_of({v.identity for v in own}),
            key=("frozen", "forgotten"),
            evidence={"unchanged": len(left), "steps": self.watch.step, "variables": [v.path for v in left]},
        )

    def _tell_whole(self, model: Any) -> None:
        """A model or layer of its own, beside the trained ones."""
        own = _trainable(model)
        meant = self._meant_for({v.identity for v in own})
        if meant is not None:
            self._tell_taken(model, *meant)
            return
        in_line = any(v.identity in self._use.in_line for v in own)
        self.watch.report(
            "frozen.left_out",
            "warning" if in_line else "info",  # a random network beside the trained one may be its target
            f"the loss depends on {layer_label(model)!r}, but the gradient of its {len(own)} trainable "
            f"weight{'s' if len(own) > 1 else ''} ({_names(own)}) is never asked for: while others learn, "
            f"{'they stay' if len(own) > 1 else 'it stays'} as first drawn",
            layer=model,
            place=self._place_of(self._use.asked),
            key=("frozen", "forgotten"),
            evidence={"unchanged": len(own), "steps": self.watch.step, "variables": [v.path for v in own]},
        )

    def _meant_for(self, own: set[int]) -> tuple[Place, Place] | None:
        """The line whose loss should be differentiated by these weights, and the one that trains the others rightly.

        Of two losses that are differentiated by the same weights: where these stand before those, the one that uses
        fewer of those for anything else; where they stand behind them, the one that uses more of these for anything
        else. None where that tells no difference.
        """
        known = [(place, asked) for place, asked in self._asked.items() if place is not None and asked is not None]
        for place, here in known:
            for other, there in known:
                if here.weights != there.weights or place == other:
                    continue
                before = not own.isdisjoint(here.before) and here.free < there.free
                follows = all(own.isdisjoint(x.before) and not own.isdisjoint(x.behind) for x in (here, there))
                if before or (follows and here.alone & own > there.alone & own):
                    return place, other
        return None

    def _tell_taken(self, model: Any, place: Place, other: Place) -> None:
        """One of two losses was meant for a model, and is differentiated by the weights of another one."""
        own, name = _trainable(model), layer_label(model)
        asked = self._asked[place]
        weights = asked.weights if asked is not None else frozenset()
        roots = [r for r in self._owners.roots() if {v.identity for v in _trainable(r)} == weights]
        theirs = f"{len(weights)} weights of {layer_label(roots[0])!r}" if roots else f"same {len(weights)} weights"
        self.watch.report(
            "frozen.taken",
            "error",
            f"the gradient of this loss is asked of the {theirs}, which the step on line {other.line} trains already, "
            f"and no gradient is ever asked of the {len(own)} of {name!r} ({_names(own)}), which this loss is made "
            f"with, too: {name!r} stays as first drawn",
            layer=model,
            place=place,
            key=("frozen", "forgotten"),
            evidence={"unchanged": len(own), "steps": self.watch.step, "variables": [v.path for v in own]},
        )

    def _place_of(self, weights: set[int]) -> Any:
        """Where gradients of some of these weights are asked; else the first line where any are."""
        return next((place for asked, place in self._places if asked & weights), self._places[0][1])


def _trainable(root: Any) -> list[Variable]:
    return [v for v in getattr(root, "trainable_variables", ()) if isinstance(v, Variable)]


def _adds_rows(op: Any, settings: Any) -> bool:
    """Does it put rows behind rows, and not columns beside columns?"""
    return op.name == "concatenate" and not settings[0]


def _some(variable: Variable) -> numpy.ndarray:
    return host(variable.data).reshape(-1)[: limits.FROZEN_ELEMENTS].copy()


def _names(variables: list[Variable]) -> str:
    return ", ".join([v.path for v in variables[:4]]) + (", …" if len(variables) > 4 else "")
