"""`frozen`: optimizers, models and layers that are made again each time, so that what they gathered is lost."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, tracked
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import Place, loop_counters, made_at

__all__ = ["MadeInCalls", "Recreated"]


class _Line:
    """What one line makes again and again, each to make some steps."""

    def __init__(self) -> None:
        self.place: Place | None = None
        self.alike: Any = None  # what they have in common
        self.steps: list[int] = []
        self.counters: list[dict[str, int]] = []  # of loops, as each began

    def made(self, place: Place | None, alike: Any) -> None:
        """Another one, which begins its first step."""
        if place is None or place != self.place or alike != self.alike:
            self.place, self.alike, self.steps, self.counters = place, alike, [], []
        self.steps.append(0)
        self.counters.append(loop_counters())

    @property
    def rounds(self) -> str:
        """The loop that made many, in words: one over epochs, of several steps each, or over steps; empty for none."""
        if self.place is None or len(self.steps) < limits.AGAIN:
            return ""
        if max(self.steps[:-1]) == 1:
            return "each step" if len(self.steps) >= limits.FEW_STEPS else ""
        names = [n for n in self.counters[0] if len({each.get(n) for each in self.counters}) == len(self.counters)]
        return f"each round of the loop over {names[0]!r}" if names and min(self.steps[:-1]) > 1 else ""

    @property
    def each(self) -> str:
        """How many steps each makes, in words."""
        least, most = min(self.steps[:-1]), max(self.steps)
        return f"{least if least == most else f'{least} to {most}'} step{'s' if most > 1 else ''}"


class Recreated(Check):
    """Follows which optimizers and which models make the steps, one after the other.

    What is told is a hint where steps weren't watched: somebody may have set weights in between.
    """

    rules = {
        "frozen.anew": Rule.warning(
            "{rounds} trains a new model, {count} so far, for {each}: what it learns is thrown away with it",
            "Make the model and its optimizer once, before the loop.",
        ),
        "frozen.optimizer": Rule.warning(
            "{rounds} trains with a new {kind}, {count} so far, for {each}: what it gathers of gradients over the "
            "steps, for momentum and sizes of updates, is thrown away with it",
            "Make the optimizer, or call compile, once, before the loop.",
        ),
    }

    of_script = True
    always = ("on_optimizer", "on_answer", "on_gradients", "on_update")

    def begin(self) -> None:
        self._optimizers, self._models = _Line(), _Line()
        self._optimizer: Callable[[], Any] = lambda: None
        self._kind = ""
        self._last = 0  # the training step of the last update
        self._model: Callable[[], Any] = lambda: None  # the outermost one that ran last
        self._before: Callable[[], Any] = lambda: None  # the one whose weights were trained before
        self._known: set[int] = set()  # first weights of all models
        self._first = -1  # that of the last backward pass
        self._sources: Any = ()  # of it
        self._set = False  # has somebody given weights other values, since there is this optimizer?

    def on_answer(self, opened: Any, outputs: Any) -> None:
        self._model = weakref.ref(opened.owner)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        if name == "assign" and variable.trainable and not self.watch.inside("optimizer"):
            self._set = True

    def on_gradients(self, gradients: Gradients) -> None:
        first = getattr(gradients.sources[0], "identity", 0)
        if first != self._first:
            before, self._before = self._before(), self._model
            new = not self._known & gradients.asked and self._model() is not before
            if new and self._models.steps[-1:] == [1]:  # one step each: perhaps of a list of models
                lists = [each for each in gc.get_referrers(before) if isinstance(each, list)]
                new = not any(each is self._model() for known in lists for each in known)
            shapes = [source.shape for source in gradients.variables] if new else None
            self._models.made(made_at(self._model()) if new else None, shapes)
            self._first = first
            self._known |= gradients.asked
        self._models.steps[-1] += 1
        self._sources = gradients.sources

    def on_optimizer(self, opened: Any) -> None:
        optimizer = opened.owner
        made = int(getattr(optimizer, "iterations", self.watch.number))
        if optimizer is not self._optimizer():
            remembers = len(getattr(optimizer, "variables", ())) > 2  # beside the rate and the number of steps
            # Younger than the last update that was watched: steps between may have been made by others, unseen.
            new = remembers and not self._set and made < max(1, self.watch.number - self._last)
            alike = (_settings(optimizer), [getattr(x, "identity", 0) for x in self._sources]) if new else None
            self._optimizers.made(made_at(optimizer) if new else None, alike)
            self._optimizer, self._kind, self._set = weakref.ref(optimizer), type(optimizer).__name__, False
        self._optimizers.steps[-1] = max(self._optimizers.steps[-1], made) + 1
        self._last = self.watch.number

    def finish(self) -> None:
        rule, line = ("frozen.anew", self._models) if self._models.rounds else ("frozen.optimizer", self._optimizers)
        if line.rounds:
            about = {"rounds": line.rounds, "kind": self._kind, "each": line.each, "count": len(line.steps)}
            severity, steps = "info" if self.watch.unseen else "warning", sum(line.steps)
            self.tell(rule, severity, place=line.place, key=("frozen", rule), steps=steps, unchanged=0, **about)


def _settings(optimizer: Any) -> str:
    """What tells two optimizers apart. A schedule of the user's own may have no config: then its class does."""
    try:
        return str({**optimizer.get_config(), "name": ""})
    except NotImplementedError:
        kept = {key: value for key, value in vars(optimizer).items() if not key.startswith("_") and key != "name"}
        return str([type(optimizer), type(vars(optimizer).get("_rate")), kept])


class MadeInCalls(Check):
    """Counts the layers with weights that one line makes, each of which is called within another one, in one step."""

    rules = {
        "frozen.made": Rule.error(
            "a new layer is made on this line whenever {outer!l} is called, {count} so far: its weights are thrown "
            "away after each step, so they stay as first drawn",
            "Make the layer once, in __init__, and call it where it is needed.",
        )
    }

    def begin(self) -> None:
        self._steps: dict[Place, dict[int, int]] = {}  # by the line: the layers, and the last step of each
        self._met: list[Any] = []  # so that no id comes again

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        place = made_at(opened.owner) if not self.watch.outermost() and tracked(first_tensor(outputs)) else None
        if place is None or not getattr(opened.owner, "trainable_variables", ()):
            return
        known = self._steps.setdefault(place, {})
        if id(opened.owner) not in known:
            self._met.append(opened.owner)
        known[id(opened.owner)] = self.watch.step
        last = list(known.values())[-limits.WINDOW :]
        if len(known) == limits.WINDOW and last == sorted(set(last)):
            about = {"outer": self.watch.scopes[0].owner, "count": len(known), "steps": len(known), "unchanged": 0}
            self.tell("frozen.made", layer=opened.owner, place=place, key=("frozen", place), **about)
