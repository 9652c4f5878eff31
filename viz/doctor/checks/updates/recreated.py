"""`frozen`: optimizers and models that a loop over epochs makes anew each time, so that what they gathered is lost."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from eagerflow import Variable
from viz.doctor.check_base import Check
from viz.doctor.source_calls import loop_over_epochs
from viz.doctor.user_code import Place, made_at

__all__ = ["Recreated"]

_RENEWED = 3  # so many optimizers or models one after the other, made on one line, in a loop over epochs


class _Line:
    """What one line makes again and again, each to make some steps."""

    def __init__(self) -> None:
        self.place: Place | None = None
        self.alike: Any = None  # what they have in common
        self.steps: list[int] = []

    def made(self, place: Place | None, alike: Any) -> None:
        """Another one, which begins its first step."""
        if place is None or place != self.place or alike != self.alike:
            self.place, self.alike, self.steps = place, alike, []
        self.steps.append(0)

    @property
    def loop(self) -> str:
        """The variable of the loop that made many, of several steps each; empty for none."""
        often = self.place is not None and len(self.steps) >= _RENEWED and min(self.steps[:-1]) > 1
        return loop_over_epochs(self.place) if often and self.place is not None else ""


class Recreated(Check):
    """Follows which optimizers and which models make the steps, one after the other."""

    of_script = True
    always = ("on_scope_begin", "on_gradient", "on_update")
    begins = ("optimizer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._optimizers, self._models = _Line(), _Line()
        self._optimizer: Callable[[], Any] = _nothing
        self._name = ""
        self._last = 0  # the training step of the last update
        self._model: Callable[[], Any] = _nothing  # the outermost one that ran last
        self._known: set[int] = set()  # first weights of all models
        self._first = -1  # that of the last backward pass
        self._sources: Any = ()  # of it
        self._set = False  # has somebody given weights other values, since there is this optimizer?

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "optimizer":
            self._update(opened.owner)
        elif sum(each.kind == "model" for each in self.watch.scopes) == 1:
            self._model = weakref.ref(opened.owner)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if name == "assign" and variable.trainable and not self.watch.inside("optimizer"):
            self._set = True

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        first = getattr(sources[0], "identity", 0)
        if first != self._first:
            new = first not in self._known
            shapes = [source.shape for source in sources if isinstance(source, Variable)] if new else None
            self._models.made(made_at(self._model()) if new else None, shapes)
            self._first = first
            self._known.add(first)
        self._models.steps[-1] += 1
        self._sources = sources

    def _update(self, optimizer: Any) -> None:
        made = int(getattr(optimizer, "iterations", self.watch.number))
        if optimizer is not self._optimizer():
            remembers = len(getattr(optimizer, "variables", ())) > 2  # beside the rate and the number of steps
            # Younger than the last update that was watched: steps between may have been made by others, unseen.
            new = remembers and not self._set and made < max(1, self.watch.number - self._last)
            alike = (_settings(optimizer), [getattr(x, "identity", 0) for x in self._sources]) if new else None
            self._optimizers.made(made_at(optimizer) if new else None, alike)
            self._optimizer, self._name, self._set = weakref.ref(optimizer), type(optimizer).__name__, False
        self._optimizers.steps[-1] = max(self._optimizers.steps[-1], made) + 1
        self._last = self.watch.number

    def finish(self) -> None:
        """Judge those of the end; a hint where steps weren't watched: somebody may have set weights in between."""
        if self._models.loop:
            self._tell_models(self._models)
        elif self._optimizers.loop:
            self._tell_optimizers(self._optimizers)

    @property
    def _seen(self) -> str:
        return "in the watched steps" if self.watch.unseen else "so far"

    def _tell_models(self, models: _Line) -> None:
        self.watch.report(
            "frozen.anew",
            "info" if self.watch.unseen else "warning",
            f"each round of the loop over {models.loop!r} trains a new model, {len(models.steps)} {self._seen}, for "
            f"{_each(models.steps)}: what it learns is thrown away with it",
            place=models.place,
            evidence={"unchanged": len(models.alike), "steps": sum(models.steps)},
        )

    def _tell_optimizers(self, optimizers: _Line) -> None:
        self.watch.report(
            "frozen.optimizer",
            "info" if self.watch.unseen else "warning",
            f"each round of the loop over {optimizers.loop!r} trains with a new {self._name}, {len(optimizers.steps)} "
            f"{self._seen}, for {_each(optimizers.steps)}: what it gathers of gradients over the steps, for momentum "
            "and sizes of updates, is thrown away with it",
            place=optimizers.place,
            key=("frozen", "optimizer"),
            evidence={"unchanged": 0, "steps": sum(optimizers.steps)},
        )


def _nothing() -> None:
    return None


def _settings(optimizer: Any) -> str:
    """What tells two optimizers apart. A schedule of the user's own may have no config: then its class does."""
    try:
        return str({**optimizer.get_config(), "name": ""})
    except NotImplementedError:
        kept = {key: value for key, value in vars(optimizer).items() if not key.startswith("_") and key != "name"}
        return str([type(optimizer), type(vars(optimizer).get("_rate")), kept])


def _each(steps: list[int]) -> str:
    least, most = min(steps[:-1]), max(steps)
    return f"{least if least == most else f'{least} to {most}'} steps"
