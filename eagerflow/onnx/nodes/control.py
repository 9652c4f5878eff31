"""`If`, `Loop` and `Scan`, which hold graphs, given here as functions of their inputs; and optional values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.limits import go_round
from eagerflow.onnx.nodes.values import axes_in, known, numbers

__all__ = ["NODES"]

Body = Callable[..., list[Any]]


def _if(condition: Any, *, then_branch: Body, else_branch: Body) -> Any:
    if condition.size != 1:
        raise ValueError(f"a condition of shape {list(condition.shape)}.")
    return (then_branch if bool(numbers(condition).reshape(-1)[0]) else else_branch)()


def _loop(trips: Any = None, condition: Any = None, *states: Any, body: Body, outputs: int) -> Any:
    limit = None if trips is None else int(numbers(trips).reshape(-1)[0])
    live = condition is None or bool(numbers(condition).reshape(-1)[0])
    carried, collected = list(states), [list[Any]() for _ in range(outputs - len(states))]
    count = 0
    while live and (limit is None or count < limit):
        go_round()
        made = body(known(numpy.int64(count)), known(numpy.bool_(True)), *carried)
        live = bool(numbers(made[0]).reshape(-1)[0])
        carried = made[1 : 1 + len(states)]
        for rows, row in zip(collected, made[1 + len(states) :]):
            rows.append(row)
        count += 1
    if count == 0 and collected:
        raise ValueError("a loop goes round 0 times, and nothing tells the shapes of what it collects.")
    return [*carried, *[ops.stack(rows, axis=0) for rows in collected]]


def _scan(
    *inputs: Any,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: Any = None,
    scan_input_directions: Any = None,
    scan_output_axes: Any = None,
    scan_output_directions: Any = None,
    outputs: int,
    opset: int,
) -> Any:
    if opset < 9:
        raise ValueError("of opset 8 it isn't known here.")
    count = len(inputs) - num_scan_inputs
    if not 0 < num_scan_inputs <= len(inputs) or outputs < count:
        raise ValueError(f"{num_scan_inputs} sequences among {len(inputs)} inputs, with {outputs} outputs.")
    carried, sequences = list(inputs[:count]), list(inputs[count:])
    for i, axis in enumerate(scan_input_axes or ()):
        (place,) = axes_in([axis], sequences[i].ndim)
        sequences[i] = ops.moveaxis(sequences[i], place, 0)
    for i, back in enumerate(scan_input_directions or ()):
        sequences[i] = ops.flip(sequences[i], 0) if back else sequences[i]
    collected = [list[Any]() for _ in range(outputs - count)]
    for t in range(sequences[0].shape[0]):
        go_round()
        made = body(*carried, *[x[t] for x in sequences])
        carried = made[:count]
        for rows, row in zip(collected, made[count:]):
            rows.append(row)
    if any(not rows for rows in collected):
        raise ValueError("a scan of nothing, and nothing tells the shapes of what it collects.")
    results = [ops.stack(rows, axis=0) for rows in collected]
    for i, back in enumerate(scan_output_directions or ()):
        results[i] = ops.flip(results[i], 0) if back else results[i]
    for i, axis in enumerate(scan_output_axes or ()):
        results[i] = ops.moveaxis(results[i], 0, axis)
    return [*carried, *results]


def _get_element(x: Any = None) -> Any:
    if x is None:
        raise ValueError("an optional value that is missing is asked for.")
    return x


NODES: dict[str, Callable[..., Any]] = {
    "If": _if,
    "Loop": _loop,
    "Scan": _scan,
    "Optional": lambda x=None, *, type=None: x,  # a value that may be missing is here the value, or None
    "OptionalHasElement": lambda x=None: known(numpy.bool_(x is not None)),
    "OptionalGetElement": _get_element,
}
