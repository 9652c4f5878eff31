"""`memory_growth`: tapes or tensors of past steps that somebody keeps alive."""

from __future__ import annotations

import ast
import gc
import sys
import types
import weakref
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first_tensor, is_tensor, key_of, tracked
from viz.doctor.facts.source_calls import tree_of
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, user_frames
from viz.recorder.source_lines import is_internal

__all__ = ["Memory"]

_HELD_AGE = 2  # steps that are over so long ago; the last one's tensors are still in use
_HELD_SMALL = 64  # bytes for each step: a number as a tensor, say; that is no more than a hint

_Seen = dict[str, tuple["weakref.ref[Any]", int]]

_ALIVE = "{what} of each of the {steps!c} so far {verb} still alive, {cost}{by}"


_DEPTH = 4  # containers inside of containers
_CONTAINERS = (list, tuple, dict, set, deque)
_ADDS = ("append", "extend", "insert", "add", "appendleft", "setdefault", "update", "put")


class Memory(Check):
    """Follows some objects of each step by weak references; they should be gone a few steps later."""

    rules = {
        "memory_growth": Rule.warning(
            _ALIVE,
            "Keep numbers instead of tensors: losses.append(float(loss)); or clear the container from time to time.",
        ),
        "memory_growth.tape": Rule.warning(
            _ALIVE, "Don't keep tapes after asking for their gradient, nor make them persistent without need."
        ),
        "memory_growth.sum": Rule.warning(
            "this sum of losses goes on from step to step, {steps} so far, with all that led to each of them: nobody "
            "asks for its gradient",
            "Add numbers: total += float(loss).",
        ),
    }

    always = ("on_gradients", "on_scope_end", "on_step_end")
    ends = ("backward", "layer", "model", "loss")

    def begin(self) -> None:
        self._now: _Seen = {}
        self._first: list[_Seen] = []
        self._recent: deque[_Seen] = deque(maxlen=limits.FEW_ROWS + _HELD_AGE)
        self._sums: dict[Any, tuple[int, int]] = {}  # by the keys: steps that a sum is made of, and the last of them
        self._next = self._pause = 4  # the step from which on the collector may be asked again, and steps between

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        key = getattr(outputs, "key", None)
        if op.means != "add" or key is None or outputs.data.size != 1 or self.watch.inside("layer", "model", "loss"):
            return
        steps, last = max([self._sums.get(key_of(x), (0, -1)) for x in inputs], default=(0, -1))
        steps += last != self.watch.step
        self._sums[key] = steps, self.watch.step
        if steps == limits.FEW_ROWS:
            about = {"steps": steps, "evidence": {"what": "a sum", "bytes_per_step": outputs.data.nbytes}}
            self.tell("memory_growth.sum", place=self.watch.place(), key=("memory_growth", "the sum"), **about)

    def on_gradients(self, gradients: Gradients) -> None:
        if self._sums.pop(gradients.key, (0, 0))[0] > 1:
            self._sums.clear()  # it is asked for after all
        for name, things in (("the loss", gradients.targets), ("gradients", gradients.results)):
            for thing in things:
                if is_tensor(thing):
                    self._now[name] = weakref.ref(thing), thing.data.nbytes
                    break

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if opened.kind == "backward":
            self._now["the tape"] = weakref.ref(opened.owner), -1
        elif len(self._now) < 64:
            x = outputs if is_tensor(outputs) else first_tensor(outputs)
            if x is not None:
                label = "the loss" if opened.kind == "loss" else f"outputs of {layer_label(opened.owner)!r}"
                if label not in self._now:
                    self._now[label] = weakref.ref(x), x.data.nbytes

    def on_step_end(self) -> None:
        if len(self._first) < limits.FEW_ROWS:
            self._first.append(self._now)
        self._recent.append(self._now)
        self._now = {}
        done = self.watch.step + 1
        if done >= limits.FEW_ROWS + _HELD_AGE and done % 4 == 0:
            self._judge(done)

    def _judge(self, done: int) -> None:
        held, told = self._held(), [key for key in self.watch.keys("memory_growth") if key != "the sum"]
        if not held:
            for key in told:
                self.watch.retract(("memory_growth", key))
        elif not told and done >= self._next:
            gc.collect()  # what only waits for the collector isn't kept by anybody
            held = self._held()
            if held:
                self._tell(*held[0], done)
            else:  # garbage with cycles; collecting takes long in large programs
                self._pause *= 2
                self._next = done + self._pause

    def _held(self) -> list[tuple[str, Any, int]]:
        """What is alive of most steps, old ones and recent ones: name, an example, bytes per step; tapes first."""
        recent = list(self._recent)[:-_HELD_AGE]
        found = []
        for name in recent[-1] if recent else ():
            shares = [_alive(steps, name) for steps in (self._first, recent)]
            example, size = recent[-1][name][0](), recent[-1][name][1]
            if min(shares) >= limits.MOSTLY and example is not None:
                found.append((name, example, size))
        return sorted(found, key=lambda entry: (entry[0] != "the tape", -entry[2]))

    def _tell(self, name: str, example: Any, size: int, done: int) -> None:
        holder = holder_of(self.watch.held(example))
        small = 0 <= size <= _HELD_SMALL and (self.watch.has_tapes or not tracked(example))  # else with its graph
        named = (holder.name, holder.kind, holder.size) if holder is not None else (None, None, None)
        words = {"what": name, "verb": "are" if name.startswith(("outputs", "gradients")) else "is"}
        words |= {"cost": "with all it recorded" if size < 0 else f"{size} bytes each, without end"}
        words |= {"by": f"; {named[1]} {named[0]!r} holds them ({named[2]} by now)" if holder is not None else ""}
        evidence = {"what": name, "bytes_per_step": None if size < 0 else size}
        evidence |= dict(zip(("holder", "holder_type", "length"), named))
        rule, severity = "memory_growth.tape" if name == "the tape" else "memory_growth", "info" if small else "warning"
        at = {"place": holder.place if holder is not None else None, "key": ("memory_growth", name)}
        self.tell(rule, severity, steps=done, evidence=evidence, **at, **words)


def _alive(steps: list[_Seen], name: str) -> float:
    known = [step[name][0]() is not None for step in steps if name in step]
    return sum(known) / len(steps) if steps else 0.0


class Holder(NamedTuple):
    """What holds an object."""

    name: str  # as the program calls it, such as "losses" or "Trainer.history"
    kind: str  # the type of the container
    size: int  # how many elements it has
    place: Place | None  # the line that adds to it, where one was found


def holder_of(thing: Any) -> Holder | None:
    """The container of the user's that keeps `thing` alive, as far as can be told from the user's variables."""
    frames = user_frames()
    around = [pair for frame in frames for scope in (frame.f_locals, frame.f_globals) for pair in scope.items()]
    seen: set[int] = set()
    for _ in range(_DEPTH + 1):
        inner: list[tuple[str, Any]] = []
        for name, value in around:
            if name.startswith("__") or id(value) in seen or isinstance(value, types.ModuleType):
                continue
            seen.add(id(value))
            held = list(_held(name, value))
            if isinstance(value, _CONTAINERS) and any(each is thing for _, each in held):
                files = dict.fromkeys(frame.f_code.co_filename for frame in frames)
                lines = (_adding_line(file, name.split(".")[-1]) for file in files)
                return Holder(name, type(value).__name__, len(value), next((p for p in lines if p is not None), None))
            inner += held
        around = inner
    return None


def _held(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What a container holds, under its name, or an object or class of the user's, as `Class.attribute`."""
    if isinstance(value, dict):
        yield from ((name, each) for each in list(value.values())[: limits.LOOKED])
    elif isinstance(value, _CONTAINERS):
        yield from ((name, each) for each in list(value)[: limits.LOOKED])
    else:
        kind = value if isinstance(value, type) else type(value)
        yield from ((name, layer) for layer in (() if value is kind else layers_in(value)[1:]))
        if _is_users(kind) and hasattr(value, "__dict__"):
            yield from ((f"{kind.__name__}.{each}", held) for each, held in list(vars(value).items()))


def _is_users(kind: type) -> bool:
    """Did the user write this class?"""
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return kind.__module__ == "__main__" or (file is not None and not is_internal(file))


def _adding_line(file: str, name: str) -> Place | None:
    """The first line of a file that adds to what is called `name`."""
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        if any(_is_called(target, name) for target in _added_to(node)):
            return Place(file, node.lineno)  # type: ignore[attr-defined]
    return None


def _added_to(node: ast.AST) -> list[ast.expr]:
    """What a call or assignment adds something to."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDS:
        return [node.func.value]
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Assign):
        return [target.value for target in node.targets if isinstance(target, ast.Subscript)]
    return []


def _is_called(node: ast.expr, name: str) -> bool:
    if isinstance(node, ast.Subscript):  # kept["losses"].append(...)
        return _is_called(node.value, name)
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
