"""Whose turn it is: which of a script's trainings the next step belongs to."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.facts.fit_arrays import running_fit
from viz.doctor.facts.step_facts import Gradients, group_of
from viz.doctor.program import Program, WatchedScope, layer_label
from viz.doctor.trainings.training import Training, identities
from viz.doctor.user_code import Place, user_frames

__all__ = ["Turns"]

_TRAININGS_OPEN = 4  # trainings that may come back, as those of a GAN do; earlier ones are judged, and let go
# What shows in the first step or two, and needs no end of the training to be sure.
_FROM_THE_START = ("loss_mismatch", "label_range", "loss_sign", "broadcast", "softmax_axis", "channels_first")


class Turns(Program):
    """A program that knows its trainings apart.

    In `fit`, a model with its optimizer is a training: another model, or another `compile`, begins another one. In a
    custom loop, weights or an optimizer that were never used begin one, unless the loop itself is that young:
    the networks of a GAN, say, come one after the other, and are one training. What comes back after a few steps of
    another takes turns with it, and is one training with it, too.
    """

    def __init__(self, *given: Any, **also: Any) -> None:
        super().__init__(*given, **also)
        self._roots: dict[int, weakref.ref[Any]] = {}  # what was called with no layer around it
        self._gradient: Gradients | None = None  # of this step, the last ones

    # ------------------------------------------------------------------ for the watcher

    def set_up(self, training: Training) -> None:
        """Give a training its checks."""

    def judge(self, training: Training) -> None:
        """Let the checks of a training that is over say what only the end tells."""

    def hand_again(self, gradients: Gradients) -> None:
        """Tell the running training of gradients that belong to it."""

    def end_step(self) -> None:
        """A training step is over."""

    # ------------------------------------------------------------------ what tells trainings apart

    def choose_by_step(self, model: Any) -> None:
        """A `train_step` begins."""
        optimizer = getattr(model, "optimizer", None)
        if self.training.made_by(model, optimizer):
            return
        self.end_step()
        known = [each for each in self._open() if each.made_by(model, optimizer)]
        if known:
            self._go_back(known[-1])
            return
        if self.training.step or self.training.sources:
            self._begin()
        self.training.pairs.append((model, optimizer))
        self._name(layer_label(model))

    def choose_by_call(self, opened: WatchedScope) -> None:
        """Something is called outside of all others: a network that was never seen may begin another training."""
        owner = opened.owner
        known = self._roots.get(id(owner))
        if owner is None or (known is not None and known() is owner):
            return
        if len(self._roots) >= 1024:  # of a loop that makes new layers in each step
            self._roots = {key: reference for key, reference in self._roots.items() if reference() is not None}
        self._roots[id(owner)] = weakref.ref(owner)
        if not self._settled() or not hasattr(owner, "trainable_variables"):
            return
        weights = identities(owner.trainable_variables)
        if not (weights or not owner.built) or any(weights & each.sources for each in self.trainings):
            return
        if running_fit() is not None:
            return  # a callback asks it
        self._begin()

    def choose_by_gradient(self, sources: Sequence[Any]) -> None:
        """Gradients were asked for in a custom loop."""
        group = group_of(sources)
        if group in self.training.groups:
            return
        weights = identities(sources)
        if self.training.sources and not weights & self.training.sources:
            known = [each for each in self._open() if weights & each.sources]
            if known:
                self._go_back(known[-1])
            elif self._settled():
                self._begin(late=True)
            else:
                self.training.since = 0
        elif not self.training.sources and not self.training.step:
            known = [each for each in self._open() if weights & each.sources]
            if known:  # what was called for the first time isn't trained
                self._go_back(known[-1])

    def choose_by_optimizer(self, optimizer: Any) -> None:
        """An optimizer is given gradients in a custom loop."""
        if self.training.uses(optimizer):
            return
        known = [each for each in self._open() if each.uses(optimizer)]
        settled = self.training.optimizers and self.training.since >= limits.WINDOW
        if known or settled:
            gradient = self._gradient
            if known:
                self._go_back(known[-1])
            else:
                self._begin(late=True)
            if gradient is not None:
                self.learn(gradient.sources)
                self.hand_again(gradient)
        if not self.training.uses(optimizer):
            self.training.optimizers.append(optimizer)
            self.training.since = 0

    def learn(self, sources: Sequence[Any]) -> None:
        """Note of which weights a step of the running training asks gradients."""
        training, group = self.training, group_of(sources)
        if group in training.groups:
            return
        weights = identities(sources)
        if not training.groups and weights:
            others = [weights & each.sources for each in self.trainings if each is not training]
            training.known = len(frozenset().union(*others)) / len(weights)
        if training.place is None:
            self._name(self._trained(weights))
        training.groups.add(group)
        training.sources |= weights

    # ------------------------------------------------------------------ from one to the other

    def _open(self) -> list[Training]:
        """Those that were set aside, and may come back."""
        return [each for each in self.trainings if each is not self.training and not each.finished]

    def _settled(self) -> bool:
        """Has the running training been what it is for a while? What is new now isn't a part of it, then."""
        return bool(self.training.pairs) or self.training.since >= limits.WINDOW

    def _begin(self, late: bool = False) -> None:
        """Another training begins; `late` within a step, of which nobody has seen the beginning."""
        waiting = self._open()
        if len(waiting) >= _TRAININGS_OPEN:
            self.judge(waiting[0])
        training = Training()
        training.late = training.uncounted = late
        self.set_up(training)
        self.trainings.append(training)
        self.turn_to(training)

    def _go_back(self, known: Training) -> None:
        """An earlier training goes on: those between that had a few steps belong to it."""
        for other in self.trainings[self.trainings.index(known) + 1 :]:
            if other.finished:
                continue
            if other.step < limits.WINDOW:
                self._merge(other, known)
            else:
                known.turns = other.turns = True
        self.turn_to(known)

    def _merge(self, other: Training, known: Training) -> None:
        """What has shown in the first steps of one whose end nobody will see stays true."""
        known.absorb(other)
        for key, finding in other.found.items():
            if not other.step or finding.kind in _FROM_THE_START:
                known.found.setdefault(key, finding)
        self.trainings.remove(other)

    def turn_to(self, training: Training) -> None:
        """What is announced from here on belongs to this one."""
        now = self.training
        if training is now:
            return
        now.heavy, now.unseen = self.heavy, self.unseen
        self.training = training
        self.step, self.heavy, self.unseen = training.step, training.heavy, training.unseen
        self.step_ended = 0

    def leave_empty(self) -> None:
        """Go back from a training that never made a step, at the end."""
        waiting = self._open()
        if not self.step and not self.training.sources and waiting:
            self._go_back(waiting[-1])

    def _name(self, model: str | None) -> None:
        """Note which training it is, for people."""
        frames = user_frames()
        self.training.model = model or ""
        if frames:
            self.training.place, self.training.outer = (
                Place(frame.f_code.co_filename, frame.f_lineno) for frame in (frames[0], frames[-1])
            )

    def _trained(self, weights: frozenset[int]) -> str | None:
        """The name of what has these weights, or most of them, among all that was called."""
        roots = [root for reference in self._roots.values() if (root := reference()) is not None]
        having = [(len(weights & identities(getattr(root, "trainable_variables", ()))), root) for root in roots]
        most = max(having, key=lambda each: each[0], default=(0, None))
        return layer_label(most[1]) if most[0] else None
