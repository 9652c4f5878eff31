"""`frozen.forgotten`: weights that the loss depends on, and that no gradient is ever asked of."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_variable, tensors
from viz.doctor.facts.step_facts import Gradients, group_of
from viz.frameworks.contract import Tensor, Variable
from viz.frameworks.owners import newest_identity

__all__ = ["Forgotten"]

_DEPENDS_STEPS = (4, 5, 6, 7)  # in which it is followed what the loss was made with; losses take turns


class Forgotten(Check):
    """Follows which weights gradients are asked of, and in two steps which the loss was made with."""

    rules = {
        "frozen.forgotten": Rule.warning(
            "{unchanged} of {all} trainable weights of {model!l} are never given to the optimizer, nor is their "
            "gradient asked for: {names} stay as first drawn",
            "Take all of model.trainable_variables, in tape.gradient and for the optimizer; where layers shall stay as "
            "they are, say so: layer.trainable = False.",
        ),
        "frozen.left_out": Rule.warning(
            "the loss depends on {model!l}, but the gradient of its trainable weights ({names}) is never asked for: "
            "while others learn, they stay as first drawn",
            "Add its weights in tape.gradient and for the optimizer: first.trainable_weights + second.trainable_weights"
            " (in a GAN, give a step those of its network alone); if it should stay as it is, set trainable = False.",
        ),
    }

    of_script = True
    always = ("on_gradients",)

    def begin(self) -> None:
        self._born = newest_identity()  # what was made later has never been anything but drawn
        self._groups: dict[Any, int] = {}  # sources of gradients, by their number and ends: how often
        self._sources: set[int] = set()  # all variables of which a gradient was ever asked
        self._set: set[int] = set()  # variables that somebody gave values: loaded ones, say
        self._ops: list[tuple[set[int], list[Tensor]]] = []  # of a step: the keys of outputs, and tracked inputs
        self._in_line: set[int] = set()  # weights before or behind trained ones; others beside them may be targets
        self._frozen: set[int] = set()  # weights that were so while others were trained; they may be set free later
        self._first: dict[int, numpy.ndarray] = {}  # a few elements of each weight, as they were
        self._places: list[tuple[set[int], Any]] = []  # weights of which gradients are asked, and where

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self.watch.step in _DEPENDS_STEPS:
            made = {x.key for x in tensors(outputs) if x.key is not None}
            if made:
                self._ops.append((made, [x for x in tensors(list(inputs)) if x.key is not None]))

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if name == "assign" and not self.watch.inside("optimizer"):
            self._set.add(variable.identity)

    def on_gradients(self, gradients: Gradients) -> None:
        group = group_of(gradients.sources)
        if group not in self._groups:  # of a later stage of the training, perhaps
            self._sources |= gradients.asked
            self._places.append((gradients.asked, self.watch.called_at()))
        self._groups[group] = self._groups.get(group, 0) + 1
        if self._ops:
            self._follow({t.key for t in tensors(gradients.targets)}, gradients.asked)

    def on_step_end(self) -> None:
        if not self.watch.ended_late:  # else the gradients of a second tape of the same block come next
            self._ops.clear()
        if self.watch.step == max(_DEPENDS_STEPS):
            known = self.watch.owners.variables()
            self._first = {v.identity: _some(v) for v in known}
            self._frozen |= {v.identity for v in known if not v.trainable}

    def _follow(self, keys: set[Any], asked: set[int]) -> None:
        """From the loss back to the variables it was made with."""
        way = []
        for op in reversed(self._ops):
            if not keys.isdisjoint(op[0]):
                way.append(op)
                keys.update(x.key for x in op[1])
        of_trained: set[Any] = set()  # tensors that depend on weights whose gradient is asked
        of_others: dict[Any, set[int]] = {}  # the others' weights, by tensors that depend on them
        for made, given in reversed(way):
            own = {x.identity for x in given if is_variable(x)}
            rest = [x.key for x in given if not is_variable(x)]
            before = set().union(*[of_others[key] for key in rest if key in of_others])
            trained = not of_trained.isdisjoint(rest)
            self._in_line |= ((own - asked) if trained else set()) | (before if own & asked else set())
            if trained or own & asked:
                of_trained |= made
            of_others.update({key: before | (own - asked) for key in made if before or own - asked})

    def finish(self) -> None:
        """Judge what was left out."""
        if max(self._groups.values(), default=0) < limits.WINDOW:
            return
        if any(found.rule == "frozen.made" for found in self.watch.raw("frozen")):
            return  # layers that are thrown away after each step are left out by that
        part: list[Any] = []
        whole: list[Any] = []
        for root in self.watch.owners.roots():
            own = [v for v in getattr(root, "trainable_variables", ()) if hasattr(v, "identity")]
            left = [v for v in own if self._is_left_out(v)]
            as_drawn = len(left) == len(own) and all(v.identity > self._born for v in own)
            if left and any(v.identity in self._sources for v in own):
                part.append((root, own, left))
            elif as_drawn and any(v.identity in self._in_line for v in own):
                whole.append((root, own, left))
        if not part and not whole:
            return
        model, own, left = max(part or whole, key=lambda each: len(each[1]))
        theirs = {v.identity for v in own} if part else self._sources
        place = next((place for asked, place in self._places if asked & theirs), self._places[0][1])
        at = {"layer": None if part else model, "place": place, "key": ("frozen", "forgotten")}
        names = [v.path for v in left]
        about = {"all": len(own), "unchanged": len(left), "steps": self.watch.step, "variables": names}
        named = ", ".join(names[: limits.NAMED]) + (", …" if len(left) > limits.NAMED else "")
        self.tell("frozen.forgotten" if part else "frozen.left_out", model=model, names=named, **at, **about)

    def _is_left_out(self, variable: Variable) -> bool:
        """No gradient was asked of it, and nobody gave it values, as loading does, or copying from another network."""
        known = any(variable.identity in each for each in (self._sources, self._set, self._frozen))
        first = self._first.get(variable.identity)
        moved = first is not None and bool((first != _some(variable)).any())
        return not known and not moved and self.watch.owners.met(self.watch.owners.of(variable))


def _some(variable: Variable) -> numpy.ndarray:
    return host(variable.data).reshape(-1)[: limits.FROZEN_ELEMENTS].copy()
