"""Ops element by element: most are one node; the channels stay where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.onnx.call import Call
from eagerflow.onnx.constants import Constant
from eagerflow.onnx.graph import Value

__all__ = ["CONVERTERS"]

Names = list[str]


def _same(*kinds: str) -> Callable[[Call], None]:
    """One node after the other, on one input, of the output's type."""

    def convert(c: Call) -> None:
        (name,), first = c.together(list(c.inputs.values())[:1], c.outputs[0].dtype)
        for kind in kinds:
            name = c.graph.node(kind, [name])
        c.give(name, first=first)

    return convert


def _of(build: Callable[..., str]) -> Callable[[Call], None]:
    """`build(c, names, const)` on all inputs, of the output's type; `const` gives a number of that type."""

    def convert(c: Call) -> None:
        dtype = c.outputs[0].dtype
        names, first = c.together(list(c.inputs.values()), dtype)
        found = build(c, names, lambda number: c.graph.constant(numpy.asarray(number, dtype)))
        c.give(found, first=first)

    return convert


def _plain(kind: str) -> Callable[[Call], None]:
    return _of(lambda c, x, const: c.graph.node(kind, x))


def _common(c: Call) -> Any:
    """The type in which two inputs are compared."""
    given = list(c.inputs.values())
    kinds = [x.dtype if isinstance(x, Value) else x.array.dtype for x in given if not _is_number(x)]
    kind = numpy.result_type(*kinds) if kinds else numpy.dtype("float32")
    numbers = [x.array for x in given if _is_number(x)]
    if kind.kind in "biu" and any(n.dtype.kind == "f" for n in numbers):
        return numpy.dtype("float32")
    return numpy.dtype("int32") if kind.kind == "b" and numbers else kind


def _is_number(x: Any) -> bool:
    return isinstance(x, Constant) and x.is_number


def _compared(*kinds: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        names, first = c.together(list(c.inputs.values()), _common(c))
        found = c.graph.node(kinds[0], names)
        for kind in kinds[1:]:
            found = c.graph.node(kind, [found])
        c.give(found, first=first)

    return convert


def _logical(kind: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        names, first = c.together(list(c.inputs.values()), numpy.dtype(bool))
        c.give(c.graph.node(kind, names), first=first)

    return convert


def _choose(c: Call) -> None:
    names, first = c.together(list(c.inputs.values()), [numpy.dtype(bool), *[c.outputs[0].dtype] * 2])
    if c.outputs[0].dtype.kind != "b":
        c.give(c.graph.node("Where", names), first=first)
        return
    condition, yes, no = names  # runtimes choose among numbers
    g = c.graph
    parts = [g.node("And", [condition, yes]), g.node("And", [g.node("Not", [condition]), no])]
    c.give(g.node("Or", parts), first=first)


def _isfinite(c: Call) -> None:
    x = c.value("x")
    if x.dtype.kind != "f":
        c.refuse("it is asked of integers only")
    g, name = c.graph, c.last(x)
    c.give(g.node("Not", [g.node("Or", [g.node("IsNaN", [name]), g.node("IsInf", [name])])]))


def _floor_divide(c: Call, x: Names, const: Any) -> str:
    g, kind = c.graph, c.outputs[0].dtype.kind
    found: str = g.node("Div", x)
    if kind == "f":
        return str(g.node("Floor", [found]))
    if kind == "u":
        return found
    rest = g.node("Sub", [x[0], g.node("Mul", [found, x[1]])])  # Div rounds to 0
    other_sign = g.node("Xor", [g.node("Less", [rest, const(0)]), g.node("Less", [x[1], const(0)])])
    has_rest = g.node("Not", [g.node("Equal", [rest, const(0)])])
    below = g.node("And", [other_sign, has_rest])
    return str(g.node("Where", [below, g.node("Sub", [found, const(1)]), found]))


def _mod(c: Call, x: Names, const: Any) -> str:
    g = c.graph
    if c.outputs[0].dtype.kind != "f":
        return str(g.node("Mod", x))
    return str(g.node("Sub", [x[0], g.node("Mul", [g.node("Floor", [g.node("Div", x)]), x[1]])]))


def _erf(c: Call, name: str) -> str:
    """In float32, as runtimes have none for float64."""
    dtype, float32 = c.outputs[0].dtype, numpy.dtype("float32")
    wide = dtype == numpy.float64
    found = c.graph.node("Erf", [c.cast(name, dtype, float32) if wide else name])
    return c.cast(found, float32, dtype) if wide else str(found)


def _gelu_exact(c: Call, x: Names, const: Any) -> str:
    g = c.graph
    bell = g.node("Add", [_erf(c, g.node("Mul", [x[0], const(2**-0.5)])), const(1)])
    return str(g.node("Mul", [g.node("Mul", [x[0], const(0.5)]), bell]))


def _gelu_tanh(c: Call, x: Names, const: Any) -> str:
    g = c.graph
    cubic = g.node("Mul", [g.node("Mul", [g.node("Mul", [x[0], x[0]]), x[0]]), const(0.044715)])
    inner = g.node("Mul", [g.node("Add", [x[0], cubic]), const((2 / numpy.pi) ** 0.5)])
    return str(g.node("Mul", [g.node("Mul", [x[0], const(0.5)]), g.node("Add", [g.node("Tanh", [inner]), const(1)])]))


def _clip(c: Call, x: Names, const: Any) -> str:
    return str(c.graph.node("Min", [c.graph.node("Max", x[:2]), x[2]]))


def _limit(c: Call) -> None:
    low, high = c.setting("low"), c.setting("high")
    (name,), first = c.together([c.inputs["x"]], c.outputs[0].dtype)
    bounds = [c.graph.constant(numpy.asarray(bound, c.outputs[0].dtype)) for bound in (low, high)]
    c.give(c.graph.node("Clip", [name, *bounds]), first=first)


def _with_slope(kind: str, setting: str) -> Callable[[Call], None]:
    def convert(c: Call) -> None:
        (name,), first = c.together([c.inputs["x"]], c.outputs[0].dtype)
        c.give(c.graph.node(kind, [name], alpha=float(c.setting(setting))), first=first)

    return convert


def _cast(c: Call) -> None:
    if c.value("x").dtype == c.outputs[0].dtype:
        _alias(c)
        return
    (name,), first = c.together([c.inputs["x"]], c.outputs[0].dtype)
    c.give(name, first=first)


def _alias(c: Call) -> None:
    x = next(iter(c.inputs.values()))
    if isinstance(x, Value):
        c.outputs[0].last, c.outputs[0].first, c.outputs[0].is_first = x.last, x.first, x.is_first
    else:
        c.give(c.last(x))


def _bitwise(c: Call) -> None:
    kinds = {"bitwise_and": "And", "bitwise_or": "Or", "bitwise_xor": "Xor"}
    kind, dtype = kinds.get(str(c.setting("function"))), c.outputs[0].dtype
    if kind is None or (c.graph.opset < 18 and dtype.kind != "b"):
        c.refuse(f"{c.setting('function')} has no ONNX form in opset {c.graph.opset}")
    names, first = c.together(list(c.inputs.values()), dtype)
    c.give(c.graph.node(kind if dtype.kind == "b" else f"Bitwise{kind}", names), first=first)


def _round(c: Call) -> None:
    if c.setting("decimals"):
        c.refuse("ONNX rounds to whole numbers only")
    _same("Round")(c)


def _masked_scale(c: Call) -> None:
    mask, dtype = c.operand("mask"), c.outputs[0].dtype
    scale = Constant([c.setting("scale")], is_number=True)
    names, first = c.together([c.inputs["x"], mask, scale], dtype)
    c.give(c.graph.node("Mul", [c.graph.node("Mul", names[:2]), names[2]]), first=first)


_UNARY = """
    relu:Relu sigmoid:Sigmoid tanh:Tanh exp:Exp log:Log sqrt:Sqrt softplus:Softplus negative:Neg absolute:Abs
    floor:Floor ceil:Ceil sign_of:Sign sin:Sin cos:Cos tan:Tan arcsin:Asin arccos:Acos arctan:Atan sinh:Sinh cosh:Cosh
    arcsinh:Asinh arccosh:Acosh arctanh:Atanh
"""
_BINARY = "add:Add subtract:Sub multiply:Mul divide:Div power:Pow maximum:Max minimum:Min"
_COMPARISONS = "equal:Equal less:Less less_equal:LessOrEqual greater:Greater greater_equal:GreaterOrEqual"

CONVERTERS: dict[str, Callable[[Call], None]] = {
    **{op: _same(kind) for op, kind in [pair.split(":") for pair in _UNARY.split()]},
    **{op: _plain(kind) for op, kind in [pair.split(":") for pair in _BINARY.split()]},
    **{op: _compared(kind) for op, kind in [pair.split(":") for pair in _COMPARISONS.split()]},
    **dict.fromkeys("identity_of copy stop_gradient to_device".split(), _alias),
    "not_equal": _compared("Equal", "Not"),
    "logical_and": _logical("And"),
    "logical_or": _logical("Or"),
    "where": _choose,
    "isfinite": _isfinite,
    "square": _of(lambda c, x, const: c.graph.node("Mul", [x[0], x[0]])),
    "silu": _of(lambda c, x, const: c.graph.node("Mul", [x[0], c.graph.node("Sigmoid", x)])),
    "expm1": _of(lambda c, x, const: c.graph.node("Sub", [c.graph.node("Exp", x), const(1)])),
    "log1p": _of(lambda c, x, const: c.graph.node("Log", [c.graph.node("Add", [x[0], const(1)])])),
    "log2": _of(lambda c, x, const: c.graph.node("Mul", [c.graph.node("Log", x), const(1 / numpy.log(2))])),
    "log10": _of(lambda c, x, const: c.graph.node("Mul", [c.graph.node("Log", x), const(1 / numpy.log(10))])),
    "erfc": _of(lambda c, x, const: c.graph.node("Sub", [const(1), _erf(c, x[0])])),
    "floor_divide": _of(_floor_divide),
    "mod": _of(_mod),
    "gelu_exact": _of(_gelu_exact),
    "gelu_tanh": _of(_gelu_tanh),
    "clip": _of(_clip),
    "erf": _of(lambda c, x, const: _erf(c, x[0])),
    "sigmoid_crossentropy": _of(
        lambda c, x, const: c.graph.node("Sub", [c.graph.node("Softplus", [x[1]]), c.graph.node("Mul", x)])
    ),
    "limit": _limit,
    "leaky_relu": _with_slope("LeakyRelu", "negative_slope"),
    "elu": _with_slope("Elu", "alpha"),
    "cast": _cast,
    "bitwise": _bitwise,
    "round": _round,
    "masked_scale": _masked_scale,
}
