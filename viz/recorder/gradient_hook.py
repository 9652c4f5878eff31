"""What backward passes and updates pay for while they are recorded: `Capture.on_rule`, `on_gradient` and `on_updates`.

As in `op_hook`, all they need is closed over, and the usual case (new arrays, made by NumPy) is spelled out.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from numpy import generic, ndarray

from eagerflow.core.observe import clock
from viz.frameworks.contract import Array
from viz.frameworks.objects import PLAIN_TENSORS, TENSORS, VARIABLES, array_of, is_variable
from viz.recorder.descriptions import device_name
from viz.recorder.finite_check import are_finite
from viz.recorder.op_hook import next_serial

__all__ = ["gradient_recorder", "rule_recorder", "updates_recorder"]


def rule_recorder(capture: Any) -> Callable[..., None]:
    """The `on_rule` of a capture that records backward passes."""
    parts, gradient, note_key, meet = capture.parts, capture.gradient, capture.gradient_keys.append, capture.noted
    limit, tick, thread, note = capture.limit, capture.tick, threading.get_ident, capture.journal.log.extend
    keeper, gone = capture.keeper, capture.gone

    def on_rule(
        op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, started: int, ended: int, error: Any = None
    ) -> None:
        if tick() >= limit:
            return
        event = ["rule", op, started, ended, capture.here[0], thread(), (out_keys, in_keys), len(gone), 0, 0, 0]
        for key, given in zip(out_keys, gradients):
            if key is not None and given is not None:
                known = parts.get(key)
                if known is None:
                    known = parts[key] = [gradient(given, key)]  # where the pass begins
                event += known
        event[8] = read = len(event) - 11
        for key, result in zip(in_keys, results):
            if key is not None and result is not None:
                if result.__class__ is ndarray:
                    position = meet(result, None, None, False)
                    note_key((position, key))
                else:
                    position = gradient(result, key)
                known = parts.get(key)
                if known is None:
                    parts[key] = [position]
                else:
                    known.append(position)
                event.append(position)
                if keeper is not None:
                    keeper.keep(position, array_of(result), keeper.of_key(out_keys[0], op.name))
        event[9] = len(event) - 11 - read
        if error is not None:
            capture.journal.note_error(error)
        note(event)

    return on_rule


def gradient_recorder(capture: Any) -> Callable[[Any, Any, Any], None]:
    """The `on_gradient` of a capture: what the pass returns stands for the sum of the parts that rules gave."""
    parts_of, seen, gradients = capture.parts, capture.seen, capture.gradients
    arrays, sums = capture.arrays, capture.sums
    keeper, measure, hold, watch = capture.keeper, capture.measure, capture.hold, weakref.ref
    tensors, note_key = capture.journal.tensors, capture.gradient_keys.append
    note_tensor, note_target, tell = tensors.extend, capture.targets.extend, capture.tell_gradient

    def on_gradient(targets: Any, sources: Any, results: Any) -> None:
        if len(targets) == 1 and sources and is_variable(sources[0]) and _is_number(loss := targets[0].data):
            note_target((clock(), loss.item()))
        tell(sources)
        for source, result in zip(sources, results):
            key = source.identity if isinstance(source, VARIABLES) else source.key
            parts = parts_of.get(key)
            if parts is None or not isinstance(result, TENSORS):
                continue
            data, serial = result.data, getattr(result, "serial", None)
            position = None if serial is None else seen.get(serial)
            if position is None:  # its parts were measured already
                if serial is None:
                    result.serial = serial = next_serial()
                seen[serial] = position = len(tensors) // 7
                note_tensor((data.shape, data.dtype, result.key, hold(data), None, device_name(data), False))
            if not isinstance(data, generic):  # NumPy's scalars can't be watched
                arrays[id(data)] = watch(data), position
            gradients[key] = position
            if keeper is not None:
                known = source.path if is_variable(source) else "input"
                keeper.keep(position, data, keeper.of_key(key, known))
            if position in sums:  # torch adds what each pass gives to one tensor
                sums[position] = sums[position] + parts
            elif len(parts) != 1 or parts[0] != position:
                sums[position] = parts
                note_key((position, key))
                if measure is not None and len(parts) > 1:
                    measure(position, data)
        parts_of.clear()

    return on_gradient


def updates_recorder(capture: Any) -> Callable[[str, Any], None]:
    """The `on_updates` of a capture."""
    seen, arrays, keeper = capture.seen, capture.arrays, capture.keeper
    update_from, walk, getframe = capture.update_from, capture.walk, sys._getframe
    limit, tick, thread, log = capture.limit, capture.tick, threading.get_ident, capture.journal.log
    note, measures, gone, steps = log.extend, capture.measure is not None, capture.gone, capture.steps
    plain_tensors = PLAIN_TENSORS

    def on_updates(name: str, updates: Any) -> None:
        scope, _, until = capture.here
        places = walk(getframe(1), until) if walk is not None else ()
        number, length = thread(), len(places)
        if steps is not None and steps.hears_updates:
            for variable, *_ in updates:
                steps.on_update(variable)
        is_flawed = measures and not are_finite([update[0].data for update in updates])
        for variable, inputs, started, ended in updates:
            if tick() >= limit:
                continue
            try:
                position = seen.get(variable.serial)
            except AttributeError:
                position = None
            if position is None:
                position = capture.changed_argument(variable)
            event = ["update", name, started, ended, scope, number, (), len(gone), 1 + len(inputs), 0, length, position]
            for x in inputs:
                if x.__class__ in plain_tensors:
                    known = arrays.get(id(x.data))
                    if known is not None and known[0]() is x.data:
                        event.append(known[1])
                        continue
                event.append(update_from(variable, x))
            if keeper is not None:
                keeper.update(len(log), variable.data, variable.path)
            if measures:
                capture.note_updated(variable, is_flawed)
            event += places
            note(event)

    return on_updates


def _is_number(data: Any) -> bool:
    """Is it a real number that NumPy holds, or can?"""
    return isinstance(data, (ndarray, generic, Array)) and data.shape == () and data.dtype.kind == "f"
