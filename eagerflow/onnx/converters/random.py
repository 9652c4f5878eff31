"""Random numbers: drawn by whoever runs the file, from the same distribution.

A comparison needs the same numbers on both sides, so the graph tells what the nodes that draw are to give for what the
model drew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.onnx.call import Call

__all__ = ["CONVERTERS"]


def _like(c: Call, dtype: Any) -> str:
    """Something of the shape and type that is drawn."""
    lengths = c.graph.shape(c.outputs[0].shape)
    if lengths is None:
        c.refuse("random numbers are drawn in a shape that follows from no shape known here")
    return str(c.graph.node("Expand", [c.graph.constant(numpy.zeros((), dtype)), lengths]))


def _number(c: Call, name: str) -> float:
    found = c.setting(name)
    if numpy.ndim(found):
        c.refuse(f"random numbers are drawn with an array as {name}; draw with numbers, multiply and add")
    return float(found)


def _uniform(c: Call, dtype: Any, low: float, high: float, from_drawn: Callable[[Any], Any]) -> str:
    name = c.graph.node("RandomUniformLike", [_like(c, dtype)], low=low, high=high)
    c.graph.draws.append((name, from_drawn))
    return str(name)


def _same(drawn: Any) -> Any:
    return drawn


def _normal(c: Call) -> None:
    name = c.graph.node(
        "RandomNormalLike", [_like(c, c.outputs[0].dtype)], mean=_number(c, "mean"), scale=_number(c, "stddev")
    )
    c.graph.draws.append((name, _same))
    c.give(name)


def _between(c: Call) -> None:
    c.give(_uniform(c, c.outputs[0].dtype, _number(c, "low"), _number(c, "high"), _same))


def _integers(c: Call) -> None:
    low, high, kind = _number(c, "low"), _number(c, "high"), numpy.dtype("float32")
    if high - low > 2**20:
        c.refuse("ONNX draws floats, which don't reach all integers of so wide a range")
    drawn = _uniform(c, kind, 0.0, 1.0, lambda x: ((x - low + 0.5) / (high - low)).astype(kind))
    g = c.graph
    whole = g.node("Floor", [g.node("Mul", [drawn, g.constant(kind.type(high - low))])])
    last = g.node("Min", [whole, g.constant(kind.type(high - low - 1))])  # a product may round up
    c.give(c.cast(g.node("Add", [last, g.constant(kind.type(low))]), kind, c.outputs[0].dtype))


def _bernoulli(c: Call) -> None:
    share, kind = _number(c, "probability"), numpy.dtype("float32")
    drawn = _uniform(c, kind, 0.0, 1.0, lambda x: numpy.where(x, share / 2, (1 + share) / 2).astype(kind))
    c.give(c.graph.node("Less", [drawn, c.graph.constant(kind.type(share))]))


def _permutation(c: Call) -> None:
    """The order of random numbers."""
    drawn = _uniform(c, numpy.dtype("float32"), 0.0, 1.0, lambda x: (numpy.argsort(x) / len(x)).astype("float32"))
    length = c.graph.length(c.outputs[0].shape[0])
    assert length is not None  # or the shape would not have been known
    found = c.graph.node("TopK", [drawn, length], 2, axis=0, largest=0)[1]
    c.give(c.cast(found, numpy.int64, c.outputs[0].dtype))


def _refused(c: Call) -> None:
    c.refuse(
        "ONNX draws no numbers of this kind. ef.random.normal, uniform, randint, dropout and shuffle can be exported, "
        "and anything with an integer as its seed, which is a constant"
    )


_WITHOUT = "truncated normal,categorical,gamma,beta,binomial".split(",")

CONVERTERS: dict[str, Callable[[Call], None]] = {
    "random normal": _normal,
    "random uniform": _between,
    "random integers": _integers,
    "random bernoulli": _bernoulli,
    "random permutation": _permutation,
    **{f"random {kind}": _refused for kind in _WITHOUT},
}
