"""Running a kept step by the user's own script: its model, its layers, its loss, with the numbers of the file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy

from eagerflow import Tensor, tree
from eagerflow.core.observe import observing, unobserved
from eagerflow.ops.replaying import set_random_state
from viz.dry_run.first_step import FirstStep
from viz.recorder.listening import Listening
from viz.replay.kept import Kept, KeptStep
from viz.replay.player import CannotReplay, Played

__all__ = ["ScriptPlayer"]


def _without_numbers(path: str) -> str:
    """A path without the numbers that names get where there are several: `model_1/dense_2/kernel`."""
    return re.sub(r"_\d+(?=/|_|$)", "", path)


class ScriptPlayer:
    """Runs the steps of a file by the model of a script; it can be asked what a `Player` can."""

    def __init__(self, kept: Kept, first: FirstStep | None) -> None:
        self.kept = kept
        if first is None or first.kind == "loop":
            raise CannotReplay(
                "the script ended before a training step of a compiled model; a loop of its own can't be taken over. "
                "Without --script its steps run from the file alone"
            )
        self.model, self.feed = first.model, getattr(first.fit, "feed", None)
        with unobserved():
            self.variables = self._matched()
        set_random_state(kept.meta["random"])

    def _matched(self) -> list[Any]:
        """The variables of the script in the places of those of the file, with the numbers of the file."""
        model = self.model
        self._build()
        if model.optimizer is not None and not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        every = [*model.variables, *(() if model.optimizer is None else model.optimizer.variables)]
        known = {variable.path for variable in every}
        named = str if all(kept.path in known for kept in self.kept.variables) else _without_numbers
        own: dict[str, list[Any]] = {}
        for variable in every:
            own.setdefault(named(variable.path), []).append(variable)
        found = []
        for kept in self.kept.variables:
            array = self.kept.arrays[kept.array]
            variable = next(iter(own.get(named(kept.path), ())), None)
            if variable is None or tuple(variable.shape) != array.shape:
                other = "none of that name" if variable is None else f"one of shape {tuple(variable.shape)}"
                raise CannotReplay(
                    f"the script's model isn't that of the file: {kept.path!r:.100} has shape {array.shape} there, and "
                    f"the script has {other}. Name the script that was run, with its arguments."
                )
            own[named(kept.path)].pop(0)
            variable.assign(Tensor(array, variable.dtype))
            found.append(variable)
        return found

    def _build(self) -> None:
        """Let a model make its weights that makes them when it sees its first batch, as most `Sequential` ones do."""
        made = {_without_numbers(variable.path) for variable in self.model.variables}
        names = {_without_numbers(kept.path) for kept in self.kept.variables if kept.trainable}
        if names <= made:
            return
        x = self._batch(self.kept.steps[0])[0]
        # What it raises, its step raises, too; which weights are missing is said.
        with numpy.errstate(all="ignore"), contextlib.suppress(Exception):
            self.model(tree.map_structure(Tensor, x))

    def run_to(
        self, number: int, around: Callable[[], AbstractContextManager[Any]] = nullcontext, first: int = 0
    ) -> list[Played]:
        """Run all steps up to one; those from `first` on inside of `around()`."""
        played = []
        for i in range(number + 1):
            with around() if i >= first else nullcontext():
                played.append(self._run(self.kept.steps[i]))
        return played

    def _run(self, step: KeptStep) -> Played:
        """One step, by the model's own `train_step`."""
        played = Played(step)
        data = self._batch(step)
        try:
            with numpy.errstate(all="ignore"), observing(Listening(on_gradient=played.hear_gradient)):
                self.model.train_on_batch(*data)
        except Exception as error:  # noqa: BLE001  (the script's, whatever it is: that is the finding)
            played.error = error
        return played

    def _batch(self, step: KeptStep) -> list[Any]:
        """`x`, `y` and `sample_weight` of a step, from the file or from the script's own data."""
        if step.batch:
            parts: dict[str, list[Any]] = {}
            for name, number in step.batch:
                parts.setdefault(name.partition("/")[0], []).append(self.kept.arrays[number])
            found = [parts.get(name, [None]) for name in ("x", "y", "sample_weight")]
            return [arrays if len(arrays) > 1 else arrays[0] for arrays in found]
        rows = step.rows
        data = getattr(self.feed, "parts", None)
        if rows is None or data is None:
            raise CannotReplay(
                f"step {step.number}: the file has neither a batch nor the numbers of its rows in arrays"
            )
        parts_ = data if isinstance(data, tuple) else (data,)
        chosen = [tree.map_structure(lambda a: numpy.asarray(a)[rows], part) for part in parts_]
        return [*chosen, None, None][:3]
