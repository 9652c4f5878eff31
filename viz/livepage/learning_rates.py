"""The learning rates of a training, each on a curve of its own where several models or optimizers take turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from viz.facts.formatting import clean
from viz.livepage.progress import rate_of, reference

__all__ = ["LearningRates"]


class LearningRates:
    """Hears which model or optimizer made a step.

    Where models or optimizers take turns, each rate has a curve of its own: one through all of them would jump from
    one to the other. So the first rates of models wait, as their losses do, until it is known what they are called.

    Args:
        point: told the name, the step and the value of each point.
        ending_of: gives what is behind the name of the curve of a model or optimizer, None where that isn't known yet.
    """

    def __init__(self, point: Callable[[str, int, Any], None], ending_of: Callable[[Any], str | None]) -> None:
        self._point, self._ending_of = point, ending_of
        self._held: list[tuple[Callable[[], Any], int, float]] = []
        self._heard: set[int] = set()  # whose rates were told since the last round, by id
        self._last: Callable[[], Any] = lambda: None

    def begin_round(self) -> None:
        """Each rate may be told once more."""
        self._heard.clear()

    def hear(self, owner: Any, step: int, ending: str | None = None) -> None:
        """A model or an optimizer made this step; what was heard in this round is let be.

        Args:
            owner: the model, or the optimizer.
            step: the number of the step.
            ending: what is behind the name of its curve, where that is known.
        """
        if owner is None or id(owner) in self._heard:
            return
        self._heard.add(id(owner))
        rate = rate_of(owner)
        if rate is None:
            return
        if ending is not None:
            self._point(f"learning rate{ending}", step, rate)
            return
        self._last = reference(owner)
        self._held.append((self._last, step, rate))
        self._tell()

    def hear_step(self, model: Any, optimizers: Iterable[Any], step: int) -> None:
        """A model's `train_step` ran these optimizers: perhaps others than the one that it was compiled with.

        As a GAN has two of them, which are attributes: "learning rate (g_optimizer)".
        """
        own = getattr(model, "optimizer", None)
        others = {id(each): each for each in optimizers if each is not own}
        # Only then names are looked for, in each step: a model has many attributes.
        names = {id(value): name for name, value in vars(model).items() if id(value) in others} if others else {}
        for number in [number for number in others if number in names]:
            self.hear(others[number], step, f" ({clean(names[number], 60)})")
        if not names:
            self.hear(model, step)

    def repeat(self, step: int) -> None:
        """The rate that was told last may be another by now."""
        self.begin_round()
        self.hear(self._last(), step)

    def flush(self) -> None:
        """Nothing comes for now: what still has no name has none."""
        self._tell(at_once=True)

    def _tell(self, at_once: bool = False) -> None:
        held, self._held = self._held, []
        for owner, step, rate in held:
            ending = self._ending_of(owner())
            if ending is None and not at_once:
                self._held.append((owner, step, rate))
            else:
                self._point(f"learning rate{ending or ''}", step, rate)
