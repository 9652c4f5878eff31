"""The same programs run by PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as nn

from tools.differential.ops_numpy import index_of
from tools.differential.programs import Program

__all__ = ["OPS", "run"]


def _axis(x: Any, axis: Any) -> Any:
    return tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, list) else axis


def _prod(x: Any, axis: Any, keepdims: bool) -> Any:
    x = torch.tanh(x)
    axes = _axis(x, axis)
    for a in sorted([a % x.ndim for a in (axes if isinstance(axes, tuple) else (axes,))], reverse=True):
        x = x.prod(a, keepdim=keepdims)
    return x


def _flip_steps(x: Any, spec: list[Any]) -> Any:
    """Indexing, of which torch knows no negative steps: each axis by itself where there are some."""
    index = index_of(spec)
    lead: list[Any] = []
    axis = 0
    for part in index:
        if part is None:
            lead.append(part)
            continue
        if part is Ellipsis:
            lead.append(part)
            break
        if isinstance(part, slice) and (part.step or 1) < 0:
            places = torch.arange(x.shape[axis])[torch.tensor(range(x.shape[axis])[part], dtype=torch.int64)]
            x = torch.index_select(x, axis, places)
            part = slice(None)
        lead.append(torch.tensor(part) if isinstance(part, np.ndarray) else part)
        axis += 1
    return x[tuple(lead)]


def _broadcast(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis, keepdims: (
        f(x, dim=_axis(x, axis), keepdim=keepdims) if x.ndim else f(x, dim=(), keepdim=False)
    )


def _extreme(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis, keepdims: f(x, dim=_axis(x, axis), keepdim=keepdims)


def _median(x: Any, axis: int) -> Any:
    x = torch.sort(x, dim=axis)[0]
    n = x.shape[axis]
    return (x.select(axis, (n - 1) // 2) + x.select(axis, n // 2)) / 2


OPS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (abs(b) + 0.5),
    "maximum": torch.maximum,
    "minimum": torch.minimum,
    "power": lambda a, b: (torch.abs(a) + 0.5) ** torch.tanh(b),
    "arctan2": lambda a, b: torch.arctan2(a, torch.abs(b) + 0.1),
    "logaddexp": torch.logaddexp,
    "matmul": lambda a, b: a @ b,
    "where": lambda a, b, mask: torch.where(torch.tensor(np.resize(mask, np.broadcast_shapes(a.shape, b.shape))), a, b),
    "exp": lambda x: torch.exp(torch.clamp(x, max=3.0)),
    "log": lambda x: torch.log(torch.abs(x) + 0.1),
    "sqrt": lambda x: torch.sqrt(torch.abs(x) + 0.1),
    "reciprocal": lambda x: 1 / (x * x + 0.5),
    "expm1": lambda x: torch.expm1(torch.tanh(x)),
    "log1p": lambda x: torch.log1p(x * x),
    "leaky_relu": lambda x: nn.leaky_relu(x, 0.2),
    "softplus": lambda x: nn.softplus(x, threshold=100),
    "relu": torch.relu,
    "elu": nn.elu,
    "silu": nn.silu,
    "gelu": nn.gelu,
    "clip": lambda x: torch.clamp(x, -1.0, 1.0),
    "stop_gradient": lambda x: x.detach(),
    "sum": lambda x, axis, keepdims: x.sum(dim=_axis(x, axis), keepdim=keepdims),
    "mean": lambda x, axis, keepdims: x.mean(dim=_axis(x, axis), keepdim=keepdims),
    "prod": _prod,
    "max": _extreme(torch.amax),
    "min": _extreme(torch.amin),
    "var": lambda x, axis, keepdims: x.var(dim=_axis(x, axis), unbiased=False, keepdim=keepdims),
    "std": lambda x, axis, keepdims: x.std(dim=_axis(x, axis), unbiased=False, keepdim=keepdims),
    "logsumexp": lambda x, axis, keepdims: torch.logsumexp(x, dim=_axis(x, axis), keepdim=keepdims),
    "norm": lambda x, axis: torch.linalg.vector_norm(x, dim=axis),
    "cumsum": lambda x, axis: torch.cumsum(x, axis),
    "cumprod": lambda x, axis: torch.cumprod(torch.tanh(x), axis),
    "softmax": lambda x, axis: torch.softmax(x, axis),
    "log_softmax": lambda x, axis: torch.log_softmax(x, axis),
    "sort": lambda x, axis: torch.sort(x, dim=axis)[0],
    "median": _median,
    "top_k": lambda x, k: torch.topk(x, k)[0],
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.permute(axes),
    "swapaxes": lambda x, a, b: x.swapaxes(a, b),
    "moveaxis": lambda x, a, b: torch.moveaxis(x, a, b),
    "expand_dims": lambda x, axis: x.unsqueeze(axis),
    "squeeze": lambda x, axis: x.squeeze(axis),
    "broadcast_to": lambda x, shape: torch.broadcast_to(x, shape),
    "flip": lambda x, axis: torch.flip(x, (axis,)),
    "roll": lambda x, shift, axis: torch.roll(x, shift, axis),
    "pad": lambda x, widths: nn.pad(x, [n for pair in widths[::-1] for n in pair]),
    "repeat": lambda x, count, axis: torch.repeat_interleave(x, count, axis),
    "tile": lambda x, counts: torch.tile(x, counts),
    "concatenate": lambda *xs, axis: torch.cat(xs, axis),
    "stack": lambda *xs, axis: torch.stack(xs, axis),
    "split": lambda x, parts, axis, take: torch.tensor_split(x, parts, axis)[take],
    "index": _flip_steps,
    "take": lambda x, places, axis: torch.index_select(
        x, axis, torch.tensor(places, dtype=torch.int64) % max(1, x.shape[axis])
    ),
    "take_along_axis": lambda x, places, axis: torch.take_along_dim(
        x, torch.tensor(places, dtype=torch.int64).reshape(x.shape), axis
    ),
    "diagonal": lambda x: torch.diagonal(x, dim1=-2, dim2=-1),
    "einsum": lambda a, b, form: torch.einsum(form, a, b),
    "outer": lambda a, b: torch.outer(a.reshape(-1), b.reshape(-1)),
    "diff": lambda x, axis: torch.diff(x, dim=axis),
}


def run(program: Program) -> list[np.ndarray]:
    """As `with_eagerflow.run`."""
    values = [torch.tensor(np.array(i["values"], "float64").reshape(i["shape"])) for i in program["inputs"]]
    leaves = {i: [v.requires_grad_()] for i, v in enumerate(values) if program["inputs"][i]["variable"]}
    for name, arguments, settings in program["steps"]:
        if name == "assign":
            fresh = values[arguments[1]].detach().clone().requires_grad_()
            values.append(values[arguments[1]])
            values[arguments[0]] = fresh
            leaves[arguments[0]].append(fresh)
            continue
        function = OPS[name] if name in OPS else getattr(torch, name)
        values.append(function(*[values[i] for i in arguments], **settings))
    outputs = [values[i] for i in program["outputs"]]
    losses = [_weighed(o) for o in outputs]
    if program["mode"] == "persistent":
        found = [_gradients(loss, leaves, False) for loss in losses]
    else:
        found = [_gradients(sum(losses), leaves, program["mode"] == "second")]
    if program["mode"] == "second":
        found.append(_gradients(sum([_weighed(g) for g in found[0]]), leaves, False))
    return [o.detach().numpy() for o in outputs] + [g.detach().numpy() for some in found for g in some]


def _weighed(x: Any) -> Any:
    weights = torch.tensor(np.cos(np.arange(x.numel()) + 1.0).reshape(tuple(x.shape)))
    return (x * weights).sum()


def _gradients(loss: Any, leaves: dict[int, list[Any]], more: bool) -> list[Any]:
    """Of each variable: those of all the values that it had, added up."""
    flat = [leaf for own in leaves.values() for leaf in own]
    if not loss.requires_grad:
        return [torch.zeros_like(own[0]) for own in leaves.values()]
    found = iter(torch.autograd.grad(loss, flat, retain_graph=True, create_graph=more, allow_unused=True))
    total = []
    for own in leaves.values():
        parts = [next(found) for _ in own]
        total.append(sum([torch.zeros_like(own[0]) if p is None else p for p in parts]))
    return total
