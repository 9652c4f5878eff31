"""Reads in a script what it computes of bytes (uint8) before they are converted: there, numbers wrap around at 256."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from viz.doctor.source_calls import last_name, tree_of

__all__ = ["Wrapped", "wrapped_bytes"]

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
# Data sets whose pictures are bytes; do they use all of them?
_BYTES = {"mnist": True, "fashion_mnist": True, "cifar10": True, "cifar100": True, "digits": False}
_TYPES = ("uint8", "float16", "float32", "float64", "int16", "int32", "int64")
_SAME = ("reshape", "copy", "squeeze", "expand_dims", "array", "asarray", "transpose", "ascontiguousarray")


class Wrapped(NamedTuple):
    """What becomes of each byte.

    Attributes:
        line: where a number first wrapped around.
        code: what wrapped, as it stands there.
        made: what each of the 256 bytes becomes.
        meant: what it would become in numbers that don't wrap.
        full: do these pictures use all bytes, as those of well-known data sets?
    """

    line: int
    code: str
    made: numpy.ndarray
    meant: numpy.ndarray
    full: bool


class _Bytes(NamedTuple):
    made: numpy.ndarray
    meant: numpy.ndarray
    full: bool
    line: int = 0
    code: str = ""


def wrapped_bytes(file: str) -> list[Wrapped]:
    """What a file computes of bytes so that it wraps, each name as it stood last.

    Only what is sure to be of bytes is followed: pictures of well-known data sets, and what `astype("uint8")` made.
    """
    tree = tree_of(file)
    bodies = (
        [tree.body, *[n.body for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]] if tree is not None else []
    )
    found = []
    for body in bodies:
        names: dict[str, _Bytes] = {}
        _follow(body, names)
        found += [Wrapped(b.line, b.code, b.made, b.meant, b.full) for b in names.values() if b.line]
    return found


def _follow(body: list[ast.stmt], names: dict[str, _Bytes]) -> None:
    for node in body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _bind(target, node.value, names)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            _bind(node.target, ast.BinOp(node.target, node.op, node.value, lineno=node.lineno, col_offset=0), names)
        elif isinstance(node, (ast.If, ast.With)):
            _follow(node.body, names)
            _follow(getattr(node, "orelse", []), names)


def _bind(target: ast.expr, value: ast.expr, names: dict[str, _Bytes]) -> None:
    if isinstance(target, ast.Tuple):
        called = value.func if isinstance(value, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr == "load_data" and last_name(called.value) in _BYTES:
            pictures = [each.elts[0] for each in target.elts if isinstance(each, ast.Tuple) and each.elts]
            full = _BYTES[last_name(called.value)]
            names.update({each.id: _fresh(full) for each in pictures if isinstance(each, ast.Name)})
        elif isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts):
            made = [_value(each, names) for each in value.elts]
            for each, one in zip(target.elts, made):
                _put(each, one, names)
        else:
            for each in target.elts:
                _put(each, None, names)
    else:
        _put(target, _value(value, names), names)


def _put(target: ast.expr, made: Any, names: dict[str, _Bytes]) -> None:
    if isinstance(target, ast.Name):
        names.pop(target.id, None)
        if isinstance(made, _Bytes):
            names[target.id] = made


def _fresh(full: bool) -> _Bytes:
    return _Bytes(numpy.arange(256, dtype="uint8"), numpy.arange(256), full)


def _value(node: ast.expr, names: dict[str, _Bytes]) -> _Bytes | float | int | None:
    """What an expression makes of bytes, or a number; None for what isn't known."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Constant):
        number = node.value
        return number if isinstance(number, (int, float)) and not isinstance(number, bool) else None
    if isinstance(node, ast.Subscript):  # some of them
        return _value(node.value, names)
    if isinstance(node, ast.BinOp):
        return _computed(node, _value(node.left, names), _value(node.right, names))
    return _called(node, names) if isinstance(node, ast.Call) else None


def _called(node: ast.Call, names: dict[str, _Bytes]) -> _Bytes | float | int | None:
    called = last_name(node.func)
    of = node.func.value if isinstance(node.func, ast.Attribute) else None
    inner = None if of is None else _value(of, names)
    if called == "astype" and node.args:
        return _cast(inner, _type(node.args[0]))
    first = _value(node.args[0], names) if node.args else None
    types = [_type(each.value) for each in node.keywords if each.arg == "dtype"]
    if types:
        return _cast(first, types[0])
    if called in _TYPES:  # numpy.float32(x)
        return _cast(first, called)
    return (inner if isinstance(inner, _Bytes) else first) if called in _SAME else None


def _type(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else last_name(node)


def _cast(given: _Bytes | float | int | None, name: str) -> _Bytes | None:
    if name == "uint8" and (not isinstance(given, _Bytes) or given.made.dtype.kind == "f"):
        return _fresh(False)
    if not isinstance(given, _Bytes) or name not in _TYPES:
        return None
    made = given.made.astype(name)
    return given._replace(made=made, meant=made if name == "uint8" else given.meant)  # who asks for bytes wraps them


def _computed(node: ast.BinOp, left: Any, right: Any) -> _Bytes | float | int | None:
    apply = _OPERATORS.get(type(node.op))
    if apply is None or left is None or right is None:
        return None
    known = next((each for each in (left, right) if isinstance(each, _Bytes)), None)
    if isinstance(left, _Bytes) and isinstance(right, _Bytes) and left is not right:
        return None
    pairs = [tuple(getattr(x, which, x) for x in (left, right)) for which in ("made", "meant")]
    try:
        with numpy.errstate(all="ignore"):
            made, meant = (apply(a, b) for a, b in pairs)
    except (ArithmeticError, TypeError, ValueError):  # a number that is no byte
        return None
    if known is None:
        return made
    wraps = known.made.dtype == "uint8" == made.dtype and not known.line and bool((made != meant).any())
    at = (node.lineno, ast.unparse(node)) if wraps else (known.line, known.code)
    return _Bytes(made, meant, known.full, *at)
