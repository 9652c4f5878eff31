"""Programs run by eagerflow: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import eagerflow as ef
from eagerflow import ops
from tools.differential.ops_numpy import index_of
from tools.differential.programs import Program

__all__ = ["OPS", "run"]


def _axis(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


OPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (abs(b) + 0.5),
    "maximum": ops.maximum,
    "minimum": ops.minimum,
    "power": lambda a, b: (ops.abs(a) + 0.5) ** ops.tanh(b),
    "arctan2": lambda a, b: ops.arctan2(a, ops.abs(b) + 0.1),
    "logaddexp": ops.logaddexp,
    "matmul": lambda a, b: a @ b,
    "where": lambda a, b, mask: ops.where(np.resize(mask, np.broadcast_shapes(a.shape, b.shape)), a, b),
    "exp": lambda x: ops.exp(ops.minimum(x, 3.0)),
    "log": lambda x: ops.log(ops.abs(x) + 0.1),
    "sqrt": lambda x: ops.sqrt(ops.abs(x) + 0.1),
    "reciprocal": lambda x: ops.reciprocal(ops.square(x) + 0.5),
    "expm1": lambda x: ops.expm1(ops.tanh(x)),
    "log1p": lambda x: ops.log1p(ops.square(x)),
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "clip": lambda x: ops.clip(x, -1.0, 1.0),
    "stop_gradient": ef.stop_gradient,
    "prod": lambda x, axis, keepdims: ops.prod(ops.tanh(x), axis=_axis(axis), keepdims=keepdims),
    "norm": lambda x, axis: ops.norm(x, axis=axis),
    "cumprod": lambda x, axis: ops.cumprod(ops.tanh(x), axis=axis),
    "top_k": lambda x, k: ops.top_k(x, k)[0],
    "reshape": lambda x, shape: ops.reshape(x, tuple(shape) if isinstance(shape, list) else shape),
    "swapaxes": lambda x, a, b: ops.swapaxes(x, a, b),
    "moveaxis": lambda x, a, b: ops.moveaxis(x, a, b),
    "pad": lambda x, widths: ops.pad(x, widths),
    "repeat": lambda x, count, axis: ops.repeat(x, count, axis),
    "tile": lambda x, counts: ops.tile(x, counts),
    "concatenate": lambda *xs, axis: ops.concatenate(xs, axis),
    "stack": lambda *xs, axis: ops.stack(xs, axis),
    "split": lambda x, parts, axis, take: ops.split(x, parts, axis)[take],
    "index": lambda x, spec: x[index_of(spec)],
    "take": lambda x, places, axis: ops.take(x, np.array(places, "int64"), axis),
    "take_along_axis": lambda x, places, axis: ops.take_along_axis(x, np.array(places, "int64"), axis),
    "diagonal": lambda x: ops.diagonal(x, axis1=-2, axis2=-1),
    "einsum": lambda a, b, form: ops.einsum(form, a, b),
    "outer": ops.outer,
    "diff": lambda x, axis: ops.diff(x, axis=axis),
}


def _reducing(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis, keepdims: function(x, axis=_axis(axis), keepdims=keepdims)


OPS |= {name: _reducing(getattr(ops, name)) for name in "sum mean max min var std logsumexp".split()}


def run(program: Program) -> list[np.ndarray]:
    """The outputs, then the gradients of the variables, in the order that the mode gives them."""
    values = [
        (ef.Variable if i["variable"] else ef.Tensor)(
            np.array(i["values"], "float64").reshape(i["shape"]), dtype="float64"
        )
        for i in program["inputs"]
    ]
    variables = [v for v in values if isinstance(v, ef.Variable)]
    if program["mode"] == "second":
        with ef.GradientTape() as outer:
            outputs, found = _once(program, values, variables, persistent=False)
            total = sum([_weighed(g) for g in found[0] if g is not None], ef.Tensor(0.0, "float64"))
        second = outer.gradient(total, variables)
        return [o.numpy() for o in outputs] + _arrays(variables, [found[0], second])
    outputs, found = _once(program, values, variables, persistent=program["mode"] == "persistent")
    return [o.numpy() for o in outputs] + _arrays(variables, found)


def _once(program: Program, values: list[Any], variables: list[Any], persistent: bool) -> tuple[list[Any], list[Any]]:
    with ef.GradientTape(persistent=persistent) as tape:
        for name, arguments, settings in program["steps"]:
            if name == "assign":
                values[arguments[0]].assign(values[arguments[1]])
                values.append(values[arguments[1]])
                continue
            function = OPS[name] if name in OPS else getattr(ops, name)
            values.append(function(*[values[i] for i in arguments], **settings))
        # A variable as an output would be read after the program, when another value may be in it.
        outputs = [ops.multiply(values[i], 1.0) for i in program["outputs"]]
        losses = [_weighed(o) for o in outputs]
        total = sum(losses[1:], losses[0])
    if persistent:
        return outputs, [tape.gradient(loss, variables) for loss in losses]
    return outputs, [tape.gradient(total, variables)]


def _weighed(x: Any) -> Any:
    weights = np.cos(np.arange(x.size) + 1.0).reshape(x.shape)
    return ops.sum(x * weights)


def _arrays(variables: list[Any], found: list[Any]) -> list[np.ndarray]:
    return [
        np.zeros(v.shape) if g is None else g.numpy()
        for gradients in found
        for v, g in zip(variables, gradients, strict=True)
    ]
