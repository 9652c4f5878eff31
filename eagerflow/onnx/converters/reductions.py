"""Sums, means, maxima and what else makes fewer numbers of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.graph import Value

__all__ = ["CONVERTERS", "axes_of"]


def axes_of(axis: Any, rank: int) -> list[int]:
    """The axes that a setting names, from 0; None names all."""
    if axis is None:
        return list(range(rank))
    return [int(each) % rank for each in (axis if isinstance(axis, (tuple, list)) else [axis])]


def _layout(c: Call, x: Value, axes: list[int], keepdims: bool) -> tuple[str, list[int], bool]:
    """Name, axes, and whether the channels stay first: nothing is moved where the result has no image or keeps it."""
    inner = set(range(1, x.rank - 1))
    if x.is_first and x.rank > 2 and (keepdims or inner <= set(axes)):
        return c.graph.first(x), [x.moved(a) for a in axes], keepdims
    return c.last(x), axes, False


def reduced(c: Call, kind: str, name: str, axes: list[int], keepdims: bool) -> str:
    """A node of this kind; before opset 18 most take their axes as an attribute."""
    if kind == "ReduceSum" or c.graph.opset >= 18:
        return str(c.graph.node(kind, [name, c.graph.integers(axes)], keepdims=int(keepdims)))
    return str(c.graph.node(kind, [name], axes=axes, keepdims=int(keepdims)))


_WITH = {"ReduceSum": "Add", "ReduceProd": "Mul", "ReduceMax": "Max", "ReduceMin": "Min"}


def _reduce(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        x, keepdims = c.value("x"), bool(c.setting("keepdims"))
        axes = axes_of(c.setting("axis"), x.rank)
        name, axes, first = _layout(c, x, axes, keepdims)
        name = c.cast(name, x.dtype, c.outputs[0].dtype)
        if not axes:
            name = c.graph.node("Identity", [name])
        found = reduced(c, kind, name, axes, keepdims) if axes else name
        if "initial" in c.op.settings and c.setting("initial") is not None:
            start = c.graph.constant(numpy.asarray(c.setting("initial"), c.outputs[0].dtype))
            found = c.graph.node(_WITH[kind], [found, start])
        c.give(found, first=first)

    return convert


def _truth(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        x, keepdims = c.value("x"), bool(c.setting("keepdims"))
        bools = c.cast(c.last(x), x.dtype, numpy.dtype(bool))
        numbers = c.graph.node("Cast", [bools], to=numpy.dtype("int32"))
        found = reduced(c, kind, numbers, axes_of(c.setting("axis"), x.rank), keepdims)
        c.give(c.graph.node("Cast", [found], to=numpy.dtype(bool)))

    return convert


def _place(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        x, axis = c.value("x"), c.setting("axis")
        name = c.last(x)
        if axis is None:
            name, axis = c.graph.node("Reshape", [name, c.graph.integers([-1])]), 0
        found = c.graph.node(kind, [name], axis=int(axis), keepdims=int(bool(c.setting("keepdims"))))
        c.give(c.cast(found, numpy.int64, c.outputs[0].dtype))

    return convert


def _cumsum(c: Call) -> None:
    axis = c.setting("axis")
    name = c.name("x", c.outputs[0].dtype)
    if axis is None:
        name, axis = c.graph.node("Reshape", [name, c.graph.integers([-1])]), 0
    c.give(c.graph.node("CumSum", [name, c.graph.constant(numpy.int64(axis))]))


def _softmax(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        x = c.value("x")
        axes = axes_of(c.setting("axis"), x.rank)
        if len(axes) == 1:
            (name,), first = c.together([x], c.outputs[0].dtype)
            c.give(c.graph.node(kind, [name], axis=x.moved(axes[0]) if first else axes[0]), first=first)
            return
        g, name = c.graph, c.last(x, c.outputs[0].dtype)
        apart = g.node("Sub", [name, reduced(c, "ReduceMax", name, axes, True)])
        sums = reduced(c, "ReduceSum", g.node("Exp", [apart]), axes, True)
        if kind == "LogSoftmax":
            c.give(g.node("Sub", [apart, g.node("Log", [sums])]))
        else:
            c.give(g.node("Div", [g.node("Exp", [apart]), sums]))

    return convert


def _occurrences(c: Call) -> None:
    """Ones added at the places that the integers name; those outside of the range go to one more place."""
    g, x, depth = c.graph, c.value("indices"), int(c.setting("depth"))
    if x.rank > 2:
        c.refuse("it counts along one axis of two at most")
    name = c.last(x, numpy.int64)
    within = [g.node("Less", [name, g.constant(numpy.int64(depth))])]
    within.append(g.node("GreaterOrEqual", [name, g.constant(numpy.int64(0))]))
    places = g.node("Where", [g.node("And", within), name, g.constant(numpy.int64(depth))])
    lengths = g.shape([*x.shape[:-1], (depth + 1,) * len(x.shape[0])])
    if lengths is None:
        c.refuse("its shape follows from no shape known here")
    zeros = g.node("Expand", [g.constant(numpy.float32(0)), lengths])
    ones = g.node("Expand", [g.constant(numpy.float32(1)), g.node("Shape", [places])])
    counted = g.node("ScatterElements", [zeros, places, ones], axis=x.rank - 1, reduction="add")
    ends = [g.integers([0]), g.integers([depth]), g.integers([x.rank - 1])]
    c.give(c.cast(g.node("Slice", [counted, *ends]), numpy.float32, c.outputs[0].dtype))


CONVERTERS: dict[str, Callable[[Call], None]] = {
    "sum": _reduce("ReduceSum"),
    "mean": _reduce("ReduceMean"),
    "max": _reduce("ReduceMax"),
    "min": _reduce("ReduceMin"),
    "prod": _reduce("ReduceProd"),
    "all": _truth("ReduceMin"),
    "any": _truth("ReduceMax"),
    "argmax": _place("ArgMax"),
    "argmin": _place("ArgMin"),
    "cumsum": _cumsum,
    "occurrences": _occurrences,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
}
