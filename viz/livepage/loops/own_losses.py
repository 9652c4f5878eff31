"""The losses of a loop of the user's own: which one belongs to an optimizer, and what their curves are called."""

from __future__ import annotations

import dataclasses
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from viz.facts.formatting import clean
from viz.frameworks.contract import Variable
from viz.frameworks.objects import is_variable
from viz.recorder.names.array_names import ArrayNames

__all__ = ["OwnLosses"]

_UNNAMED = "loss"


class _Loss(NamedTuple):
    """What a backward pass began with: a number, or an array with one; the first variable, and one of the gradients."""

    value: Any
    variable: Callable[[], Any]
    gradient: Callable[[], Any]
    name: str  # in the user's code, or "loss"


class _Follower(NamedTuple):
    """An optimizer that goes on with the curves of another: from which step on, and with which losses."""

    since: int
    before: frozenset[str]  # what losses there were until then
    losses: set[str]


@dataclasses.dataclass(eq=False)
class _Track:
    """What the curves of an optimizer have in common, or of several that followed each other.

    Attributes:
        model: the name of the model that the (first) optimizer trains; "" where it isn't known.
        ending: what tells its curves from those of others.
        curves: the names of the curves of its losses, by those in the user's code.
        follower: the last of those that followed another.
    """

    model: str
    ending: str = ""
    curves: dict[str, str] = dataclasses.field(default_factory=dict)
    follower: _Follower | None = None


class OwnLosses:
    """Hears of backward passes and of optimizers.

    The curve of a single loss is called "loss". Of several, each is called as in the user's code; where several
    optimizers have losses of one name, the name of the model that each of them trains is added. What was drawn before
    gets the name, too.

    Args:
        point: told the name, the step and the value of each point.
        name_of: gives the name of the model that a variable belongs to, "" where it isn't known.
        rename: told that a curve has another name from now on, or a part of it from a step on.
        rename_rate: told the same of the endings of learning rates.
    """

    def __init__(
        self,
        point: Callable[[str, int, Any], None],
        name_of: Callable[[Any], str],
        rename: Callable[[str, str, int | None], None],
        rename_rate: Callable[[str, str, int | None], None],
    ) -> None:
        self._point, self._name_of, self._rename, self._rename_rate = point, name_of, rename, rename_rate
        self._names = ArrayNames()
        self._waiting: list[_Loss] = []  # for their optimizer
        self._tracks: dict[int, _Track] = {}  # by the optimizer's id
        self._models: dict[int, str] = {}  # that optimizers train
        self._last = 0  # the optimizer that ran last
        self._only: tuple[_Track, str] | None = (
            None  # whose loss is the only one so far, and how it is called in the code
        )

    def hear(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over; its target is the loss."""
        data = targets[0].data if targets else None
        variable = _first_variable(sources)
        before, self._waiting = self._waiting, []
        for loss in before:  # of the same variables this one counts; a pass for the data trains nothing
            known = loss.variable()
            if known is not None and known is not variable:
                self._waiting.append(loss)
        if getattr(data, "size", 0) == 1:
            value = float(data) if data.__class__ is numpy.ndarray else data  # another would wait for its device
            reference = _nothing if variable is None else weakref.ref(variable)
            name = clean(self._names.target(targets[0], sys._getframe(1)), 60) or _UNNAMED
            self._waiting.append(_Loss(value, reference, _one_of(results), name))

    def model_of(self, optimizer: int) -> str:
        """The name of the model that an optimizer trains, by its id; "" where it isn't known."""
        return self._models.get(optimizer, "")

    def ending_of(self, optimizer: Any) -> str:
        """What is behind the name of the curve of an optimizer's learning rate."""
        track = self._tracks.get(id(optimizer))
        return "" if track is None else track.ending

    def take(self, optimizer: Any, gradients: Any, step: int, follows: bool = False) -> int | None:
        """An optimizer has run with these gradients, in this step.

        Args:
            optimizer: the optimizer.
            gradients: what it was given.
            step: the number of the step.
            follows: whether it takes the place of the one before, whose curve goes on.

        Returns:
            The step at which another one seemed to follow this one, if they take turns, as turns out now; else None.
        """
        if not self._waiting:
            return None
        arrays = [gradient.data for gradient in gradients or ()]
        matching = [loss for loss in self._waiting if any(loss.gradient() is array for array in arrays)]
        loss = matching[0] if matching else self._waiting[-1]  # gradients may have been clipped on their way, say
        self._waiting = [other for other in self._waiting if matching and other is not loss]
        number, before, parted = id(optimizer), self._last, None
        self._last = number
        if number not in self._models or follows:
            self._models[number] = self._name_of(loss.variable())
        track, former = self._tracks.get(number), self._tracks.get(before)
        if follows and former is not None:
            track, former.follower = former, _Follower(step, frozenset(former.curves), set())
        elif track is None:
            track = self._new_track(number)
        elif number != before and track is former:
            parted = self._part(track, before, number)
        self._tracks[number] = track
        if track.follower is not None:
            track.follower.losses.add(loss.name)
        self._point(self._curve(track, loss.name), step, loss.value)
        return parted

    def take_without(self, step: int) -> None:
        """A step has ended without an optimizer."""
        if self._waiting:
            loss = self._waiting[-1]
            model = self._name_of(loss.variable()) if self._tracks else ""
            known = [track.curves[loss.name] for track in self._others() if loss.name in track.curves]
            own = [track.curves.get(loss.name) for track in self._others() if track.model == model]
            other = loss.name if self._tracks and self._only is None else _UNNAMED
            self._point(next((name for name in [*own, *known] if name), other), step, loss.value)
        self._waiting.clear()

    # ------------------------------------------------------------------ names

    def _others(self, but: _Track | None = None) -> list[_Track]:
        """All tracks, or all but one, in the order in which they began."""
        return [track for track in dict.fromkeys(self._tracks.values()) if track is not but]

    def _new_track(self, number: int) -> _Track:
        """Of an optimizer that runs for the first time, and takes nobody's place."""
        track, others = _Track(self._models[number]), self._others()
        if len(others) == 1 and sum(each is others[0] for each in self._tracks.values()) == 1:
            self._tell_apart(others[0], track)
        track.ending = self._ending(track, others) if others else ""
        return track

    def _tell_apart(self, first: _Track, other: _Track) -> None:
        if not first.ending:
            has_name = first.model and first.model != other.model
            first.ending = f" ({first.model})" if has_name else " 1"
            self._rename_rate("", first.ending, None)

    def _ending(self, track: _Track, others: Sequence[_Track]) -> str:
        is_taken = any(other.model == track.model for other in others)
        return f" {len(others) + 1}" if is_taken or not track.model else f" ({track.model})"

    def _part(self, track: _Track, follower: int, number: int) -> int | None:
        """One of two that followed each other comes back: so they take turns, and what they share is parted."""
        parted, track.follower = track.follower, None
        if parted is None:
            return None
        self._name_only()
        track.model = self._models[number]
        own = _Track(self._models[follower])
        self._tracks[follower] = own
        own.ending = self._ending(own, self._others(but=own))
        self._rename_rate(track.ending, own.ending, parted.since)
        self._tell_apart(track, own)
        for name in parted.losses:
            curve = own.curves[name] = track.curves.pop(name)
            if name in parted.before:
                own.curves[name], track.curves[name] = f"{name}{own.ending}", f"{name}{track.ending}"
                self._rename(curve, own.curves[name], parted.since)
                self._rename(curve, track.curves[name], None)
        return parted.since

    def _name_only(self) -> None:
        """Another loss has come: so the first one is called as in the code, too."""
        only, self._only = self._only, None
        if only is not None:
            track, loss = only
            track.curves[loss] = loss
            self._rename(_UNNAMED, loss, None)

    def _curve(self, track: _Track, loss: str) -> str:
        """What the curve of a loss is called; those of others are told from it, where they are called the same."""
        if loss not in track.curves:
            if not any(other.curves for other in self._others()):
                self._only, track.curves[loss] = (track, loss), _UNNAMED
                return _UNNAMED
            self._name_only()
            others = [other for other in self._others(but=track) if loss in other.curves]
            for other in others:
                if other.curves[loss] == loss and other.ending:
                    other.curves[loss] += other.ending
                    self._rename(loss, other.curves[loss], None)
            track.curves[loss] = f"{loss}{track.ending}" if others else loss
        return track.curves[loss]


def _nothing() -> None:
    return None


def _first_variable(sources: Sequence[Any]) -> Variable | None:
    return next((source for source in sources if is_variable(source)), None)


def _one_of(gradients: Sequence[Any]) -> Callable[[], Any]:
    """A reference to the first gradient that can be watched: NumPy's scalars can't."""
    arrays = (gradient.data for gradient in gradients if gradient is not None)
    return next((weakref.ref(array) for array in arrays if array.__class__ is numpy.ndarray), _nothing)
