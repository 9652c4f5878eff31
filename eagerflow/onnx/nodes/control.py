"""`If` and `Loop`, which hold graphs, given here as functions of their inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow import ops
from eagerflow.onnx.nodes.values import known, numbers

__all__ = ["NODES"]

Body = Callable[..., list[Any]]
_MOST = 10_000  # rounds of a loop


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
        if count == _MOST:
            raise ValueError("a loop goes round too often.")
        made = body(known(numpy.int64(count)), known(numpy.bool_(True)), *carried)
        live = bool(numbers(made[0]).reshape(-1)[0])
        carried = made[1 : 1 + len(states)]
        for rows, row in zip(collected, made[1 + len(states) :]):
            rows.append(row)
        count += 1
    if count == 0 and collected:
        raise ValueError("a loop goes round 0 times, and nothing tells the shapes of what it collects.")
    return [*carried, *[ops.stack(rows, axis=0) for rows in collected]]


NODES: dict[str, Callable[..., Any]] = {"If": _if, "Loop": _loop}
