"""Runs kept steps again, from their ops: forward, backward and update, with eagerflow's own primitives."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, Variable, no_grad, optimizers
from eagerflow.base.machine.budget import LoadLimitError, loading, room_for, step, take
from eagerflow.core.observe import scope
from eagerflow.ops.replaying import op_named
from viz.replay.kept import Event, Kept, KeptOptimizer, KeptStep

__all__ = ["CannotReplay", "Played", "Player"]

_UNLIMITED = "viz replay --no-limit"


class CannotReplay(ValueError):
    """A step can't be run from the file; says what is missing."""


@dataclasses.dataclass
class Played:
    """What a step gave when it was run again."""

    step: KeptStep  # the step as it was kept
    tensors: dict[int, Any] = dataclasses.field(default_factory=dict)  # all its tensors, by number
    loss: float | None = None  # what was minimized last; None where there was nothing, or more than a number
    error: Exception | None = None  # the exception that it ended with, None when it came to its end
    failed: int | None = None  # the number of the event that raised
    left_out: list[str] = dataclasses.field(default_factory=list)  # what couldn't be run, in words


class Player:
    """Runs the steps of a file one after the other; its variables change as those of the training did.

    Other `arrays` take the place of some of the file's from the step `first` on.
    """

    def __init__(self, kept: Kept, arrays: dict[int, numpy.ndarray] | None = None, first: int = 0) -> None:
        self.kept = kept
        self.running: tuple[KeptStep, int] = kept.steps[0], 0  # the step that runs, and the number of its event
        self._later, self._first = arrays or {}, first
        self.arrays: dict[int, numpy.ndarray] = {}
        self.variables: list[Any] = [self._variable(i) for i in range(len(kept.variables))]
        self.optimizers = [self._optimizer(each) for each in kept.optimizers]

    def _variable(self, number: int) -> Variable:
        kept = self.kept.variables[number]
        array = self.kept.arrays[kept.array]
        made = Variable(array, dtype=array.dtype.name, trainable=kept.trainable, name="variable")
        made.name, made.path = kept.path.rpartition("/")[2], kept.path
        return made

    # ------------------------------------------------------------------ optimizers

    def _optimizer(self, kept: KeptOptimizer) -> Any:
        """The optimizer in its state, whose variables take the places of those of the file; None where it can't be."""
        if kept.config is None:
            return None
        try:
            made = optimizers.deserialize(kept.config)
            made.build([self.variables[n] for n in kept.trained])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CannotReplay(f"the optimizer {kept.name!r:.60} can't be made from its settings: {error}") from None
        own = list(made.variables)
        if [v.shape for v in own] != [self.variables[n].shape for n in kept.state]:
            raise CannotReplay(f"the optimizer {kept.name!r:.60} keeps another state here than in the file")
        for variable, number in zip(own, kept.state):
            variable.assign(self.variables[number].value)
            self.variables[number] = variable
        return made

    # ------------------------------------------------------------------ steps

    def run(self, number: int) -> Played:
        """Run a step of the file: the first, then the second, and so on."""
        if number == self._first:
            self.arrays = self._later
        with loading("the step", 0, self.kept.limit, _UNLIMITED), numpy.errstate(all="ignore"):
            return _Run(self, self.kept.steps[number]).play()

    def run_to(self, number: int) -> list[Played]:
        """Run all steps up to one, that included; gives them from `first` on."""
        played = [self.run(i) for i in range(number + 1)]
        return played[self._first :]


class _Run:
    """One step while it runs."""

    def __init__(self, player: Player, step: KeptStep) -> None:
        self.player, self.step = player, step
        self.played = Played(step)
        self.tensors = self.played.tensors
        self.constants: dict[int, Tensor] = {}
        self.tape = GradientTape(persistent=True)
        self.scopes: list[Any] = []

    def play(self) -> Played:
        """All events, in order."""
        with scope("step", "train_step"), self.tape:
            self._watch()
            try:
                for i, event in enumerate(self.step.events):
                    self.player.running = self.step, i
                    self._event(event)
            except LoadLimitError as error:
                raise CannotReplay(str(error)) from None
            except CannotReplay:
                raise
            except Exception as error:  # noqa: BLE001  (what the op of the step raised: that is the finding)
                self.played.error, self.played.failed = error, i
            finally:
                self._leave(0)
        return self.played

    def _event(self, event: Event) -> None:
        kind = next(kind for kind in ("op", "gradient", "assign", "apply", "begin", "end", "python") if kind in event)
        getattr(self, f"_{kind}")(event)

    def _assign(self, event: Event) -> None:
        variable, value = self.player.variables[event["assign"]], self._value(event["to"])
        variable.assign(value if isinstance(value, Tensor) else Tensor(value))

    # ------------------------------------------------------------------ scopes

    def _begin(self, event: Event) -> None:
        owner = type(event["cls"] or "object", (), {})()
        frame = self.player.kept.place(event["at"])
        if frame is not None:
            owner.created_at = frame.file, frame.line
        opened = scope(event["begin"], event["name"], owner, [self._value(x) for x in event["in"]])
        opened.__enter__()
        self.scopes.append(opened)

    def _end(self, event: Event) -> None:
        self._leave(len(self.scopes) - 1, [self._value(x) for x in event["end"]])

    def _leave(self, left: int, outputs: Any = None) -> None:
        while len(self.scopes) > max(left, 0):
            opened = self.scopes.pop()
            opened.value = outputs[0] if outputs and len(outputs) == 1 else outputs
            opened.__exit__(None, None, None)

    # ------------------------------------------------------------------ ops and gradients

    def _op(self, event: Event) -> None:
        made = op_named(event["op"])
        if made is None:
            raise CannotReplay(f"there is no op {event['op']!r:.60}")
        given = [self._value(x) for x in event["in"]]
        settings = [self._setting(x) for x in event["set"]]
        ran_at = self.player.kept.place(event["at"])  # noqa: F841  (the doctor looks for it: it is the op's own line)
        named = {**dict(zip(made.arrays, given)), **dict(zip(made.settings, settings))}
        step()
        room_for(made.call, (), named)
        with contextlib.nullcontext() if event["tape"] else no_grad():
            found = made.call(**named)
        results = (found,) if isinstance(found, Tensor) else tuple(found)
        take(sum([x.data.nbytes for x in results]), "all of its results")
        if len(results) != len(event["out"]):
            raise CannotReplay(f"{made.name} gives {len(results)} tensors here and gave {len(event['out'])}")
        self.tensors.update(zip(event["out"], results))

    def _watch(self) -> None:
        """Let the tape follow what gradients were asked for and isn't trained."""
        for event in self.step.events:
            for ref in event.get("of", ()):
                if isinstance(ref, dict) and "a" in ref and ref["a"] >= 0:
                    self.tape.watch(self._constant(ref["a"]))
                elif isinstance(ref, dict) and "v" in ref and not self.player.variables[ref["v"]].trainable:
                    self.tape.watch(self.player.variables[ref["v"]])

    def _gradient(self, event: Event) -> None:
        targets, sources = [self._value(x) for x in event["gradient"]], [self._value(x) for x in event["of"]]
        if len(targets) == 1 and targets[0].data.size == 1:
            self.played.loss = float(targets[0].data)
        if all(n is None or n in self.tensors for n in event["out"]):
            return  # an outer tape recorded the rules themselves, which have run as ops
        with self.tape.stop_recording():
            found = self.tape.gradient(targets[0] if len(targets) == 1 else targets, sources)
        lost = False
        for number, gradient in zip(event["out"], found):
            if number is not None:
                self.tensors[number] = gradient
                lost = lost or gradient is None
        if lost:
            self.played.left_out.append("a gradient that passed through code which isn't eagerflow's")

    def _apply(self, event: Event) -> None:
        optimizer = self.player.optimizers[event["apply"]]
        name = self.player.kept.optimizers[event["apply"]].name
        gradients = [self._value(x) for x in event["gradients"]]
        if optimizer is None:
            self.played.left_out.append(f"the update by {name!r}, whose settings aren't plain data")
            return
        variables = [self.player.variables[n] for n in event["variables"]]
        if not variables and optimizer.gradient_accumulation_steps:
            variables = [self.player.variables[n] for n in self.player.kept.optimizers[event["apply"]].trained]
        if len(variables) != len(gradients):
            self.played.left_out.append(f"the update by {name!r}, which had {len(gradients)} gradients")
            return
        if any(g is None for g in gradients):
            self.played.left_out.append(f"the update by {name!r}, which needs that gradient")
            return
        with self.tape.stop_recording():
            optimizer.apply(gradients, variables)

    def _python(self, event: Event) -> None:
        self.played.left_out.append(f"{event['python']}, which isn't eagerflow's code")
        for number, array in event["out"]:
            self.tensors[number] = self._constant(array)

    # ------------------------------------------------------------------ values

    def _value(self, ref: Any) -> Any:
        if isinstance(ref, int):
            if ref not in self.tensors:
                raise CannotReplay("a tensor of the step is missing from the file")
            return self.tensors[ref]
        ((kind, value),) = ref.items()
        if kind == "v":
            return self.player.variables[value]
        if kind == "a":
            return self._constant(value)
        return [self._value(x) for x in value] if kind == "l" else value

    def _constant(self, number: int) -> Tensor:
        if number < 0:
            raise CannotReplay("the step was given what isn't numbers (text, say), so the file doesn't have all of it")
        found = self.constants.get(number)
        if found is None:
            array = self.player.arrays.get(number, self.player.kept.arrays[number])
            found = self.constants[number] = Tensor(array, None, None)
        return found

    def _setting(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        ((kind, inner),) = value.items()
        if kind in ("tuple", "list", "slice", "complex"):
            parts = [self._setting(x) for x in inner]
            return {"tuple": tuple, "list": list}[kind](parts) if kind in ("tuple", "list") else _built(kind, parts)
        if kind == "a":
            return self._constant(inner).data
        if kind == "t":
            return self._value(inner)
        if kind == "dtype":
            return numpy.dtype(inner)
        if kind == "python":
            raise CannotReplay(f"an op was given a {inner}, which isn't data")
        return Ellipsis


def _built(kind: str, parts: list[Any]) -> Any:
    return slice(*parts) if kind == "slice" else complex(*parts)
