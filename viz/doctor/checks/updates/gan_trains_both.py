"""`opposed_updates.deceived`: a GAN whose generator's step trains the discriminator, too, or both steps train all."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place
from viz.doctor.variable_owners import Owners, layers_in

__all__ = ["GanTrainsBoth", "towards_one"]

_DECEIVED_BOTH = 0.1  # of what its own updates want goes the other way, at least

_FIXES = {
    "opposed_updates.deceived": (
        "Train the generator's weights alone in its step: give generator.trainable_variables to tape.gradient and to "
        "the optimizer. Where a compiled model trains the generator through the discriminator, set "
        "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
        "discriminator.train_on_batch."
    )
}


class _Asked:
    """One gradient, and which way the loss wants the judge's answers to go."""

    def __init__(self) -> None:
        self.sources: frozenset[int] = frozenset()
        self.wanted = numpy.zeros(2)  # how much lower and how much higher, all in all
        self.of_made = numpy.zeros(2)  # the same, for what is computed from other weights
        self.alike = True  # are all of these to become one and the same?
        self.pull: numpy.ndarray | None = None  # the gradient of some of the judge's weights

    def ways(self) -> tuple[int, int]:
        """Where what is made, and all else, should go: 1 for higher, -1 for lower, 0 for neither or nothing."""
        return _way(self.of_made), _way(self.wanted - self.of_made)


class GanTrainsBoth(Check):
    """Looks for a network with one answer, all of whose weights two kinds of updates train in turn.

    One of these trains it alone, to give some rows high and others low answers. The other one trains weights, too,
    that what it is given is made with, and wants one answer for all of it: it trains the judge to be deceived. Ordinary
    training wants different answers for different rows; so do several tasks of shared layers.

    Where both kinds of updates train all weights, the network is one that is given what others make, and other rows
    too. One loss wants what is made to go one way, and the other rows the other way; the next update undoes it.
    """

    fixes = _FIXES

    of_script = True
    begins = ("layer", "model")
    ends = ("optimizer", "layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._owners = Owners()
        # Which weights updates change, where, and by which optimizer.
        self._kinds: dict[frozenset[int], tuple[Place | None, int]] = {}
        self._judge: Any = None
        self._alone: frozenset[int] = frozenset()
        self._updated: set[int] = set()
        self._answers: dict[int, tuple[int, bool, Tensor]] = {}  # by key: call, is it made with other weights? Values
        self._older: set[int] = set()  # keys of answers of the step before
        self._call, self._made = 0, False
        self._seen: set[int] = set()  # calls whose answers' gradient was there
        self._now = _Asked()
        self._asked: list[_Asked] = []  # of which no update is known yet
        self._sides = numpy.zeros(2)  # of the judge's own updates
        self._rounds: dict[
            frozenset[int], list[tuple[float, bool]]
        ] = {}  # of the others: the part that should be higher
        self._given: dict[int, set[bool]] = {}  # by network: made rows, others?
        self._given_to: Any = None  # one of its weights, whose gradients are compared with what an update is given
        self._pulled: numpy.ndarray | None = None
        self._turns: list[tuple[tuple[int, int], Place | None]] = []  # of updates of all weights: what they want, where

    # ------------------------------------------------------------------ which network it is

    def on_scope_begin(self, opened: Any) -> None:
        if self.watch.step < limits.HEAVY_STEPS:
            self._owners.meet(opened)
        judged = opened.owner is self._judge and self._judge is not None
        if judged or self._judge is None:
            made = any(x.key is not None for x in tensors(opened.scope.inputs))
            if judged:
                self._call, self._made = self._call + 1, made
            elif self.watch.step < limits.HEAVY_STEPS:
                self._given.setdefault(id(opened.owner), set()).add(made)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if self.watch.inside("optimizer"):
            self._updated.add(variable.identity)
            if variable is self._given_to and inputs and isinstance(inputs[0], Tensor):
                self._pulled = _flat(inputs[0])

    def _meet(self, kind: frozenset[int], optimizer: Any) -> None:
        """Updates of other weights than those known."""
        if len(self._kinds) >= limits.WINDOW:
            return
        self._kinds[kind] = self.watch.place(), id(optimizer)
        if self._alone:
            return
        for fewer in self._kinds:
            if any(fewer < more for more in self._kinds):
                own = [r for r in self._owners.roots() if {v.identity for v in _trainable(r)} == fewer]
                if own:
                    self._judge, self._alone = own[0], fewer

    def _meet_again(self, updated: frozenset[int]) -> None:
        """These weights are updated again, and no others: is there one network that is given what others make?"""
        both = [root for root in self._owners.roots() if self._given.get(id(root)) == {True, False}]
        own = [r for r in both if (inside := {v.identity for v in _trainable(r)}) and inside < updated]
        outer = [r for r in own if not any(r in layers_in(o) for o in own if o is not r)]
        if len(outer) == 1:
            self._judge = outer[0]
            self._given_to = max(_trainable(self._judge), key=lambda v: v.data.size)

    # ------------------------------------------------------------------ what is wanted of its answers

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self._judge is None or error is not None:
            return
        if all(s.owner is not self._judge or s.kind not in self.begins for s in self.watch.scopes):
            return
        for x in tensors(outputs):
            if x.key is not None and x.shape and x.shape[-1] == 1:
                self._answers[x.key] = self._call, self._made, x

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        """The first gradient within a call of the judge is that of its answers: there is none of what a loss skips."""
        if not self._answers:
            return
        for key, gradient in zip(out_keys, gradients):
            if key not in self._answers or gradient is None:
                continue
            call, made, answers = self._answers[key]
            if call not in self._seen:
                self._seen.add(call)
                values = host(getattr(gradient, "data", gradient)).astype("float64").reshape(-1)
                wanted = numpy.array([values.clip(0).sum(), (-values).clip(0).sum()])
                self._now.wanted = self._now.wanted + wanted
                if made:
                    self._now.of_made = self._now.of_made + wanted
                    self._now.alike = self._now.alike and towards_one(host(answers.data).reshape(-1), values)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if self._judge is None:
            return
        self._seen.clear()
        now, self._now = self._now, _Asked()
        if now.wanted.any():
            pairs = zip(sources, results)
            now.sources = frozenset(s.identity for s, r in pairs if isinstance(s, Variable) and r is not None)
            pull = [r for s, r in zip(sources, results) if s is self._given_to and isinstance(r, Tensor)]
            now.pull = _flat(pull[0]) if pull else None
            self._asked = [*self._asked[-3:], now]

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind != "optimizer":
            return
        updated, self._updated = frozenset(self._updated), set()
        pulled, self._pulled = self._pulled, None
        if not updated or error is not None:
            return
        if updated not in self._kinds:
            self._meet(updated, opened.owner)
        elif self._judge is None and len(self._kinds) == 1 and self.watch.step < limits.HEAVY_STEPS:
            self._meet_again(updated)
        fitting = [asked for asked in reversed(self._asked) if updated <= asked.sources]
        if not fitting:
            return
        asked = min(fitting, key=lambda each: (len(each.sources), -_along(pulled, each.pull)))
        self._asked.remove(asked)
        if not self._alone:
            if len(self._kinds) == 1 and _along(pulled, asked.pull) > 0:  # else the judge is left as it is
                self._turns.append((asked.ways(), self.watch.place()))
        elif updated == self._alone:
            self._sides = self._sides + asked.wanted / asked.wanted.sum()
        elif updated > self._alone and asked.of_made.any():
            high = float(asked.of_made[1] / asked.of_made.sum())
            alike = asked.alike or max(high, 1 - high) >= limits.DECEIVED_ONE
            self._rounds.setdefault(updated, []).append((high, alike))

    def on_step_end(self) -> None:
        # A persistent tape is asked once for each optimizer, and each of their updates may count as a step.
        self._answers = {key: each for key, each in self._answers.items() if key not in self._older}
        self._older = set(self._answers)

    # ------------------------------------------------------------------ judging

    def finish(self) -> None:
        """They may have begun with something else."""
        if self._turns and not self._alone and len(self._kinds) == 1:
            self._judge_turns()
            return
        if self._judge is None or self._sides.min() <= _DECEIVED_BOTH * self._sides.sum():
            return
        for updated, rounds in self._rounds.items():
            highs, alike = zip(*rounds)
            if len(rounds) >= limits.DECEIVED_ROUNDS and sum(alike) >= limits.DECEIVED_ONE * len(rounds):
                self._tell(updated, "higher" if sum(highs) > len(highs) / 2 else "lower", len(rounds))

    def _judge_turns(self) -> None:
        """Updates of all weights: does each that teaches the judge stand beside one that undoes it?"""
        teaching = [(made, place) for (made, other), place in self._turns if made and other == -made]
        undoing = [(made, place) for (made, other), place in self._turns if made and not other]
        way = undoing[0][0] if undoing else 0
        opposed = all(made == way for made, _ in undoing) and all(made == -way for made, _ in teaching)
        rounds, places = min(len(teaching), len(undoing)), {place for _, place in undoing}
        known = len(teaching) + len(undoing)
        if rounds < limits.DECEIVED_ROUNDS or known < limits.DECEIVED_ONE * len(self._turns):
            return
        if opposed and len(places) == 1 and not places & {place for _, place in teaching}:
            self._tell_turns(way, rounds, undoing[0][1], teaching[0][1])

    def _tell_turns(self, way: int, rounds: int, own: Place | None, other: Place | None) -> None:
        name, (updated,) = layer_label(self._judge), self._kinds
        inside = len(_trainable(self._judge))
        where = "" if other is None else f" on line {other.line}"
        there, here = ("lower", "higher") if way > 0 else ("higher", "lower")
        self.watch.report(
            "opposed_updates.deceived",
            "error",
            f"this step and the one{where}, which take turns, both update all {len(updated)} weights, among them the "
            f"{inside} of {name!r}: there {name!r} learns to give {there} answers for what the other weights make than "
            f"for the rest, here ({rounds} rounds) {here} ones, so it learns to be deceived, and the other weights "
            "learn to be found out",
            place=own,
            key=("opposed_updates", "deceived"),
            evidence={"rounds": rounds, "weights": len(updated), "shared": inside},
        )

    def _tell(self, updated: frozenset[int], way: str, rounds: int) -> None:
        name, (place, alone), (own, both) = layer_label(self._judge), self._kinds[self._alone], self._kinds[updated]
        self.watch.retract(("opposed_updates", both, alone))  # says less of the same
        where = "" if place is None else f" on line {place.line}"
        self.watch.report(
            "opposed_updates.deceived",
            "error",
            f"this step updates {len(updated)} weights, among them all {len(self._alone)} of {name!r}, which the "
            f"step{where} trains in turn with it: there {name!r} learns to tell rows apart, here ({rounds} rounds) it "
            f"learns to give {way} answers for whatever the other weights make, so it learns to be deceived",
            place=own,
            key=("opposed_updates", "deceived"),
            evidence={"rounds": rounds, "weights": len(updated), "shared": len(self._alone)},
        )


def towards_one(answers: numpy.ndarray, gradient: numpy.ndarray) -> bool:
    """Does a loss want the same of all answers? Then the gradient of a higher one is no smaller than that of a lower.

    >>> answers = numpy.linspace(-1, 1, 9)
    >>> towards_one(answers, answers - 0.3), towards_one(answers, answers - numpy.resize([0, 1], 9))
    (True, False)
    """
    if answers.size != gradient.size or answers.size < limits.WINDOW:
        return False
    steps = numpy.diff(gradient[numpy.argsort(answers, kind="stable")])
    return bool(steps.min() >= -1e-5 * numpy.abs(gradient).max())


def _way(wanted: numpy.ndarray) -> int:
    """Which way the answers should go, given how much lower and how much higher all in all."""
    whole = float(wanted.sum())
    if whole <= 0:
        return 0
    return int(wanted[1] >= limits.DECEIVED_ONE * whole) - int(wanted[0] >= limits.DECEIVED_ONE * whole)


def _along(given: numpy.ndarray | None, found: numpy.ndarray | None) -> float:
    """The cosine between what an update is given and what the tape found; 0 where one isn't known."""
    if given is None or found is None or given.shape != found.shape:
        return 0.0
    return float(given @ found) / (float(numpy.linalg.norm(given) * numpy.linalg.norm(found)) or 1.0)


def _flat(gradient: Tensor) -> numpy.ndarray:
    return host(gradient.data).reshape(-1)[: limits.FROZEN_LOOKED].astype("float64")


def _trainable(root: Any) -> list[Variable]:
    return [v for v in getattr(root, "trainable_variables", ()) if isinstance(v, Variable)]
