"""The learning rates of a training, each on a curve of its own where several models or optimizers take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from viz.facts.formatting import clean
from viz.livepage.progress import reference
from viz.recorder.descriptions import learning_rate_of

__all__ = ["LearningRates"]


class LearningRates:
    """Hears which model or optimizer made a step; each is told once in a round."""

    def __init__(self, point: Callable[[str, int, Any], None]) -> None:
        self._point = point
        self._heard: set[int] = set()  # whose rates were told since the last round, by id
        self._last: tuple[Callable[[], Any], str] = (lambda: None), ""

    def begin_round(self) -> None:
        """Each rate may be told once more."""
        self._heard.clear()

    def hear(self, owner: Any, step: int, name: str) -> None:
        """A model or an optimizer made this step; what was heard in this round is skipped."""
        if owner is None or id(owner) in self._heard:
            return
        self._heard.add(id(owner))
        rate = learning_rate_of(getattr(owner, "optimizer", None) or owner)
        if rate is not None:
            self._last = reference(owner), name
            self._point(name, step, rate)

    def hear_step(self, model: Any, optimizers: Iterable[Any], step: int, name: str) -> None:
        """A model's `train_step` ran these optimizers: perhaps others than the one that it was compiled with.

        As a GAN has two of them, which are attributes: "g_optimizer" is then the owner's name.
        """
        own = getattr(model, "optimizer", None)
        others = {id(each): each for each in optimizers if each is not own}
        # Only then names are looked for, in each step: a model has many attributes.
        names = {id(value): name for name, value in vars(model).items() if id(value) in others} if others else {}
        for number in [number for number in others if number in names]:
            self.hear(others[number], step, clean(names[number], 60))
        if not names:
            self.hear(model, step, name)

    def repeat(self, step: int) -> None:
        """The rate that was told last may be another by now."""
        self.begin_round()
        owner, name = self._last
        self.hear(owner(), step, name)
