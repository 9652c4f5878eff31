"""What backward passes and updates pay for while they are recorded: `Capture.on_rule`, `on_gradient` and `on_update`.

As in `op_hook`, all they need is closed over, and the usual case (new arrays, made by NumPy) is spelled out.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, Protocol

from numpy import generic, ndarray

from eagerflow import Tensor, Variable
from viz.recorder import op_hook
from viz.recorder.descriptions import device_name
from viz.recorder.op_hook import next_serial

__all__ = ["gradient_recorder", "rule_recorder", "update_recorder"]


class Listener(op_hook.Listener, Protocol):
    """What the hooks of this file use of a `Capture` beside."""

    parts: dict[int, list[int]]
    sums: dict[int, list[int]]
    arrays: dict[int, tuple[Any, int]]
    gradients: dict[int, int]
    gradient_keys: list[tuple[int, int]]
    keeper: Any

    def note_spoiled(self, data: Any) -> None: ...

    def update_from(self, variable: Any, x: Any) -> Any: ...

    def meet(self, data: Any, key: int | None, variable: tuple[str, str] | None, outside: bool) -> int: ...

    def gradient(self, x: Any, key: int) -> int: ...

    def keep_gradient(self, op: Any, out_key: int | None, position: int, x: Any) -> None: ...


def rule_recorder(capture: Listener) -> Callable[..., None]:
    """The `on_rule` of a capture that records backward passes."""
    parts, gradient, note_key, hold = capture.parts, capture.gradient, capture.gradient_keys.append, capture.hold
    limit, tick, thread, note = capture.limit, capture.tick, threading.get_ident, capture.journal.log.extend
    keep = None if capture.keeper is None else capture.keep_gradient
    tensors, measure = capture.journal.tensors, capture.measure
    note_tensor, alive, add_memory = tensors.extend, _alive(capture), _add_memory(capture)

    def on_rule(
        op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if tick() >= limit:
            return
        read: list[int] = []
        for key, given in zip(out_keys, gradients):
            if key is not None and given is not None:
                known = parts.get(key)
                if known is None:
                    known = parts[key] = [gradient(given, key)]  # where the pass begins
                read += known
        made = []
        for key, result in zip(in_keys, results):
            if key is not None and result is not None:
                if result.__class__ is ndarray:
                    position = len(tensors) // 7
                    if result.base is None:
                        lifetime = alive.get(id(result))
                        if lifetime is not None and lifetime() is result:
                            storage = lifetime.number
                        else:
                            storage = None if add_memory is None else add_memory(result, ended)
                    else:
                        storage = hold(result)
                    note_tensor((result.shape, result.dtype, None, storage, None, "cpu", False))
                    if measure is not None:
                        measure(position, result)
                    note_key((position, key))
                else:
                    position = gradient(result, key)
                if key in parts:
                    parts[key].append(position)
                else:
                    parts[key] = [position]
                made.append(position)
                if keep is not None:
                    keep(op, out_keys[0], position, result)
        if error is not None:
            capture.journal.note_error(error)
        lengths = len(read), len(made), 0
        note(("rule", op, started, ended, capture.here[0], thread(), (out_keys, in_keys), *lengths, *read, *made))

    return on_rule


def gradient_recorder(capture: Listener) -> Callable[[Any, Any, Any], None]:
    """The `on_gradient` of a capture: what the pass returns stands for the sum of the parts that rules gave."""
    parts_of, seen, gradients, arrays, sums = (
        capture.parts,
        capture.seen,
        capture.gradients,
        capture.arrays,
        capture.sums,
    )
    keeper, measure, hold, alive, watch = capture.keeper, capture.measure, capture.hold, _alive(capture), weakref.ref
    tensors, note_key = capture.journal.tensors, capture.gradient_keys.append
    note_tensor = tensors.extend

    def on_gradient(targets: Any, sources: Any, results: Any) -> None:
        for source, result in zip(sources, results):
            key = source.identity if isinstance(source, Variable) else source.key
            parts = parts_of.get(key)
            if parts is None or not isinstance(result, Tensor):
                continue
            data = result.data
            serial = getattr(result, "serial", None)
            position = seen.get(serial)
            if position is None:  # its parts were measured already
                if serial is None:
                    result.serial = serial = next_serial()
                seen[serial] = position = len(tensors) // 7
                if data.__class__ is ndarray:
                    lifetime = alive.get(id(data)) if data.base is None else None
                    if lifetime is not None and lifetime() is data:
                        storage = lifetime.number
                        arrays[id(data)] = lifetime, position
                    else:
                        storage = hold(data)
                        arrays[id(data)] = watch(data), position
                    note_tensor((data.shape, data.dtype, result.key, storage, None, "cpu", False))
                else:
                    note_tensor((data.shape, data.dtype, result.key, hold(data), None, device_name(data), False))
                    if not isinstance(data, generic):  # NumPy's scalars can't be watched
                        arrays[id(data)] = watch(data), position
            elif not isinstance(data, generic):
                arrays[id(data)] = watch(data), position
            gradients[key] = position
            if keeper is not None:
                known = source.path if isinstance(source, Variable) else "input"
                keeper.keep(position, data, keeper.of_key(key, known))
            if len(parts) != 1 or parts[0] != position:
                sums[position] = parts
                if measure is not None and len(parts) > 1:
                    measure(position, data)
                note_key((position, key))
        parts_of.clear()

    return on_gradient


def update_recorder(capture: Listener) -> Callable[..., None]:
    """The `on_update` of a capture."""
    seen, arrays, keeper = capture.seen, capture.arrays, capture.keeper
    argument, update_from, walk, getframe = capture.argument, capture.update_from, capture.walk, sys._getframe
    limit, tick, thread, log = capture.limit, capture.tick, threading.get_ident, capture.journal.log
    note, look = log.extend, None if capture.measure is None else capture.note_spoiled

    def on_update(name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        if tick() >= limit:
            return
        try:
            read = [seen[variable.serial]]
        except (AttributeError, KeyError):
            read = [argument(variable)]
        for x in inputs:
            if x.__class__ is Tensor:
                known = arrays.get(id(x.data))
                if known is not None and known[0]() is x.data:
                    read.append(known[1])
                    continue
            read.append(update_from(variable, x))
        scope, _, until = capture.here
        places = walk(getframe(1), until) if walk is not None else ()
        if keeper is not None:
            keeper.update(len(log), variable.data, variable.path)
        if look is not None:
            look(variable.data)
        note(("update", name, started, ended, scope, thread(), (), len(read), 0, len(places), *read, *places))

    return on_update


def _alive(capture: Listener) -> dict[int, Any]:
    return {} if capture.memory is None else capture.memory.alive


def _add_memory(capture: Listener) -> Callable[[Any, int], int] | None:
    return None if capture.memory is None else capture.memory.add
