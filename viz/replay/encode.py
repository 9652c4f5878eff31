"""What a ring holds, as the plain data of a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy

from eagerflow import Tensor, optimizers
from viz.doctor.facts.host_arrays import host
from viz.recorder.descriptions import described, flat
from viz.recorder.source_lines import Sources
from viz.replay.kept import Kept, KeptOptimizer, KeptStep, KeptVariable
from viz.replay.machine import machine
from viz.replay.ring import Held, Ring

__all__ = ["digest", "encoded"]

_PLAIN = (bool, int, float, str)


def encoded(ring: Ring, cause: str, meta: dict[str, Any]) -> Kept:
    """The last steps of a ring, and the state before them."""
    return _Encoder(ring).kept(cause, meta)


def digest(array: numpy.ndarray) -> str:
    """A checksum of an array's type, shape and bits."""
    found = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    found.update(numpy.ascontiguousarray(array).reshape(-1).view("uint8").data)
    return found.hexdigest()


class _Encoder:
    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self.arrays: list[numpy.ndarray] = []
        self._numbers: dict[int, int] = {}  # of arrays, by their identity
        self._held: list[Any] = []
        self._tensors: dict[int, int] = {}  # of the running step, by serial
        self._sources = Sources(ring.codes)
        self._places: dict[Any, int] = {}  # the numbers of lines of code, in order
        self._before: dict[int, Any] = {}
        self._states: dict[int, list[tuple[int, Any]]] = {}
        for segment in reversed(ring.segments):
            self._before |= segment.variables
            self._states |= segment.optimizers
        for state in self._states.values():
            self._before |= dict(state)
        # The places in the file of variables and optimizers.
        self._wanted = {number: i for i, number in enumerate(sorted(self._before))}
        self._updaters = {number: i for i, number in enumerate(sorted(self._states))}

    def kept(self, cause: str, meta: dict[str, Any]) -> Kept:
        steps = [self._step(step) for segment in self.ring.segments for step in segment.steps]
        variables = [self._variable(n, self._before[n]) for n in self._wanted]
        made = [self._optimizer(n, self._states[n]) for n in self._updaters]
        after, digests = self._after()
        facts = {"cause": cause, "keep": self.ring.keep, "machine": machine(), **meta}
        return Kept(facts, variables, made, steps, self.arrays, after, digests, list(self._places))

    def _after(self) -> tuple[dict[int, int], dict[int, str]]:
        """Weights as they are now, and a checksum of everything."""
        if not self.ring.segments[-1].steps[-1].ended:
            return {}, {}
        moved, wanted = self.ring.changed_since, self._wanted
        now = {i: host(self.ring.variables[n].data) for n, i in wanted.items() if n not in moved}
        state = {n for optimizer in self.ring.optimizers for n in (self.ring._number(v) for v in optimizer.variables)}
        weights = [(n, i) for n, i in wanted.items() if i in now and n not in state and now[i].dtype.kind in "fc"]
        return {i: self.array(now[i]) for _, i in weights}, {i: digest(a) for i, a in now.items()}

    def _variable(self, number: int, array: Any) -> KeptVariable:
        variable = self.ring.variables[number]
        return KeptVariable(variable.path[:500], self.array(array), bool(variable.trainable))

    def _optimizer(self, number: int, state: list[tuple[int, Any]]) -> KeptOptimizer:
        optimizer, wanted = self.ring.optimizers[number], self._wanted
        try:
            config: Any = optimizers.serialize(optimizer)
            json.dumps(config)
        except (ValueError, TypeError, NotImplementedError):  # a learning rate that is a function, say
            config = None
        trained = [wanted[n] for n in (self.ring._number(v) for v in optimizer._trained()) if n in wanted]
        return KeptOptimizer(optimizer.name, config, [wanted[n] for n, _ in state], trained)

    # ------------------------------------------------------------------ steps

    def _step(self, step: Held) -> KeptStep:
        self._tensors = {}
        batch = [(name, self._constant(x.data)["a"]) for name, x in _named(step.data)]
        batch = [(name, number) for name, number in batch if number >= 0]
        # What was changed but never read isn't in the file.
        events = [self._event(e) for e in step.events if e[0] != "assign" or e[1] in self._wanted]
        rows = None if step.rows is None else [int(r) for r in step.rows]
        return KeptStep(step.number, events, step.loss, described(step.error) or "", batch, rows)

    def _event(self, event: tuple[Any, ...]) -> dict[str, Any]:
        kind = event[0]
        if kind == "op":
            _, name, given, settings, made, tape, place = event
            refs, values = [self.ref(x) for x in given], [self.setting(x) for x in settings]
            found = {"op": name, "in": refs, "set": values, "out": [self._number(s) for s in made], "tape": tape}
            return {**found, "at": self._place(place)}
        if kind == "begin":
            _, what, name, cls, given, created = event
            place = None if created is None else self._frame(self._sources.at(str(created[0]), int(created[1])))
            refs = [self.ref(x) for x in given]
            return {"begin": what, "name": str(name)[:200], "cls": cls[:200], "in": refs, "at": place}
        if kind == "end":
            return {"end": [self.ref(x) for x in event[1]]}
        if kind == "gradient":
            _, wanted, by, made = event
            given_to: list[int | None] = [None if s is None else self._number(s) for s in made]
            return {"gradient": [self.ref(x) for x in wanted], "of": [self.ref(x) for x in by], "out": given_to}
        if kind == "assign":
            return {"assign": self._wanted[event[1]], "to": self.ref(event[2])}
        if kind == "apply":
            _, number, given, changed, rate = event
            refs = [self.ref(x) for x in given]
            variables = [self._wanted[n] for n in changed if n in self._wanted]
            return {"apply": self._updaters[number], "gradients": refs, "variables": variables, "rate": rate}
        _, name, made, arrays, place = event
        numbers = [[self._number(s), self._constant(a)["a"]] for s, a in zip(made, arrays)]
        return {"python": str(name)[:200], "out": numbers, "at": self._place(place)}

    def _number(self, serial: int) -> int:
        return self._tensors.setdefault(serial, len(self._tensors))

    def ref(self, x: Any) -> Any:
        if isinstance(x, int):
            return self._number(x)
        kind, value = x
        if kind == "v":
            return {"v": self._wanted[value]}
        if kind == "a":
            return self._constant(value)
        if kind == "l":
            return {"l": [self.ref(each) for each in value]}
        if value is None or isinstance(value, _PLAIN):
            return {"n": value}
        return {"n": value.item() if isinstance(value, numpy.generic) else str(value)[:100]}

    def _constant(self, array: Any) -> dict[str, Any]:
        """An array; -1 for one that isn't of numbers."""
        return {"a": -1 if getattr(array.dtype, "kind", "") in "OUSMm" else self.array(array)}

    def setting(self, value: Any) -> Any:
        """A setting of an op; `{"python": text}` for what is no data."""
        if value is None or isinstance(value, _PLAIN):
            return value
        if isinstance(value, (tuple, list)):
            return {type(value).__name__ if type(value) is list else "tuple": [self.setting(x) for x in value]}
        if isinstance(value, slice):
            return {"slice": [self.setting(x) for x in (value.start, value.stop, value.step)]}
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        if isinstance(value, Tensor):
            serial = getattr(value, "serial", None)
            return {"t": self._tensors[serial]} if serial in self._tensors else self._array_setting(value.data)
        if isinstance(value, numpy.dtype):
            return {"dtype": value.name}
        if isinstance(value, numpy.generic) or hasattr(value, "nbytes"):
            return self._array_setting(value)
        if isinstance(value, range):
            return {"list": list(value)}
        return {"python": type(value).__name__[:100]}

    def _array_setting(self, array: Any) -> Any:
        found = self._constant(array)
        return found if found["a"] >= 0 else {"python": "array of text"}

    # ------------------------------------------------------------------ tables

    def array(self, array: Any) -> int:
        """The number of an array."""
        number = self._numbers.setdefault(id(array), len(self.arrays))
        if number == len(self.arrays):
            self._held.append(array)
            self.arrays.append(host(array))
        return number

    def _place(self, place: tuple[int, int] | None) -> int | None:
        return None if place is None else self._frame(self._sources.frames(list(place))[0])

    def _frame(self, frame: Any) -> int:
        return self._places.setdefault(frame, len(self._places))


def _named(data: Any) -> Iterator[tuple[str, Any]]:
    """The tensors of a batch, with names."""
    parts: Sequence[Any] = data if isinstance(data, (tuple, list)) else () if data is None else (data,)
    for name, part in zip(("x", "y", "sample_weight"), parts):
        leaves = [x for x in flat(part) if isinstance(x, Tensor)]
        for i, leaf in enumerate(leaves):
            yield (name if len(leaves) == 1 else f"{name}/{i}"), leaf
