"""Ops that move numbers: shapes, slices, joins, look-ups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.graph import Lengths, Value

__all__ = ["CONVERTERS"]


def _reshape(c: Call) -> None:
    x, g, wanted = c.value("x"), c.graph, c.outputs[0].shape
    changing = [axis for axis, lengths in enumerate(wanted) if len(set(lengths)) > 1]
    kept = [axis for axis in changing if axis < x.rank and x.shape[axis] == wanted[axis]]
    rest = [axis for axis in changing if axis not in kept]
    if len(rest) == 1 and len(kept) == len(changing) - 1:
        kept = [axis for axis in kept if axis < rest[0]]
    if len(changing) - len(kept) <= 1:  # 0 copies a length, and one may follow from the others
        lengths = [0 if a in kept else -1 if a in changing else wanted[a][0] for a in range(len(wanted))]
        if 0 not in [each[0] for a, each in enumerate(wanted) if a not in changing]:
            c.give(g.node("Reshape", [c.last(x), g.integers(lengths)]))
            return
    shape = g.shape(wanted)
    if shape is None:
        c.refuse(f"the shape {_shown(wanted)} follows from no shape known here")
    c.give(g.node("Reshape", [c.last(x), shape], allowzero=1 if _has_zero(wanted) else None))


def _has_zero(shape: Sequence[Lengths]) -> bool:
    return any(0 in lengths for lengths in shape)


def _shown(shape: Sequence[Lengths]) -> str:
    return ", ".join(["/".join(map(str, dict.fromkeys(lengths))) for lengths in shape])


def _broadcast_to(c: Call) -> None:
    x, wanted = c.value("x"), c.outputs[0].shape
    ahead = len(wanted) - x.rank
    shape = [(1,) * len(w) if i >= ahead and x.shape[i - ahead] == w else w for i, w in enumerate(wanted)]
    first = x.is_first and not ahead
    lengths = c.graph.shape([shape[0], shape[-1], *shape[1:-1]] if first else shape)
    if lengths is None:
        c.refuse(f"the shape {_shown(wanted)} follows from no shape known here")
    c.give(c.graph.node("Expand", [c.graph.first(x) if first else c.last(x), lengths]), first=first)


def _transpose(c: Call) -> None:
    x, axes = c.value("x"), c.setting("axes")
    order = list(range(x.rank))[::-1] if axes is None else [int(axis) % x.rank for axis in axes]
    to_last = [0, *range(2, x.rank), 1]
    if x.rank > 2 and order == [0, x.rank - 1, *range(1, x.rank - 1)] and x.first:
        c.give(x.first)
    elif x.rank > 2 and order == to_last and x.last:
        c.outputs[0].first = x.last  # the same memory, seen with the channels first
    else:
        c.give(c.graph.node("Transpose", [c.last(x)], perm=order))


def _elements(c: Call, name: str) -> list[Any]:
    found = c.inputs[name]
    if not isinstance(found, list):
        c.refuse("it is given one array instead of a list")
    return found


def _concatenate(c: Call) -> None:
    xs, out = _elements(c, "xs"), c.outputs[0]
    rank = len(out.shape)
    axis = int(c.setting("axis")) % rank
    names, first = c.together(xs, out.dtype)
    if first and not all(isinstance(x, Value) or x.array.ndim == rank for x in xs):
        names, first = [c.last(x, out.dtype) for x in xs], False
    place = axis if not first or axis == 0 else 1 if axis == rank - 1 else axis + 1
    c.give(c.graph.node("Concat", names, axis=place), first=first)


def _stack(c: Call) -> None:
    axis = int(c.setting("axis")) % len(c.outputs[0].shape)
    places = c.graph.integers([axis])
    names = [c.graph.node("Unsqueeze", [c.last(x, c.outputs[0].dtype), places]) for x in _elements(c, "x")]
    c.give(c.graph.node("Concat", names, axis=axis))


def _cut(c: Call) -> None:
    x = c.value("x")
    axis = int(c.setting("axis")) % x.rank
    (name,), first = c.together([x], x.dtype)
    if len(c.outputs) == 1:
        c.give(c.graph.node("Identity", [name]), first=first)
        return
    lengths = [c.graph.length(out.shape[axis]) for out in c.outputs]
    if None in lengths:
        c.refuse("it cuts into lengths that follow from no shape known here")
    known = all(len(set(out.shape[axis])) == 1 for out in c.outputs)
    sizes = (
        c.graph.integers([out.shape[axis][0] for out in c.outputs])
        if known
        else c.graph.node("Concat", [length for length in lengths if length], axis=0)
    )
    c.give(*c.graph.node("Split", [name, sizes], len(c.outputs), axis=x.moved(axis) if first else axis), first=first)


def _pad(c: Call) -> None:
    x, widths = c.value("x"), c.setting("pad_width")
    (name,), first = c.together([x], x.dtype)
    order = [0, x.rank - 1, *range(1, x.rank - 1)] if first else range(x.rank)
    pads = [int(widths[axis][side]) for side in (0, 1) for axis in order]
    value = c.graph.constant(numpy.asarray(c.setting("constant_values"), x.dtype))
    c.give(c.graph.node("Pad", [name, c.graph.integers(pads), value]), first=first)


def _flat(c: Call, name: str) -> str:
    return str(c.graph.node("Reshape", [name, c.graph.integers([-1])]))


def _top_positions(c: Call) -> None:
    k = c.graph.length(tuple([int(k) for k in c.settings("k")]))
    if k is None:
        c.refuse("its k follows from no shape known here")
    found = c.graph.node("TopK", [c.name("x"), k], 2, axis=-1)
    c.give(c.cast(found[1], numpy.int64, c.outputs[0].dtype))


def _argsort(c: Call) -> None:
    x, axis = c.value("x"), c.setting("axis")
    name = c.last(x)
    if axis is None:
        name, axis = _flat(c, name), 0
    place = int(axis) % max(x.rank, 1)
    length = c.graph.node("Shape", [name], start=place, end=place + 1)
    found = c.graph.node("TopK", [name, length], 2, axis=place, largest=0)
    c.give(c.cast(found[1], numpy.int64, c.outputs[0].dtype))


def _searchsorted(c: Call) -> None:
    """How many of the sorted numbers are below (or not above) each value."""
    edges = c.known("sorted_sequence")
    if edges.ndim != 1 or not isinstance(c.inputs["values"], Value):
        c.refuse("ONNX compares with one sorted row of constants")
    g, values = c.graph, c.value("values")
    name = g.node("Unsqueeze", [c.last(values, edges.dtype), g.integers([-1])])
    below = g.node("Greater" if c.setting("side") == "left" else "GreaterOrEqual", [name, g.constant(edges)])
    counted = g.node("ReduceSum", [g.node("Cast", [below], to=numpy.dtype("int64")), g.integers([-1])], keepdims=0)
    c.give(c.cast(counted, numpy.int64, c.outputs[0].dtype))


CONVERTERS: dict[str, Callable[[Call], None]] = {
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "stack": _stack,
    "split": _cut,
    "pad": _pad,
    "top_k": _top_positions,
    "argsort": _argsort,
    "searchsorted": _searchsorted,
}
