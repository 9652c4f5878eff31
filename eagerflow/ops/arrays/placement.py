"""The primitives behind scatter and segment ops: writing into a copy of a tensor."""

from __future__ import annotations

from typing import Any

from eagerflow.base.typing import Array, Numpy
from eagerflow.core.op import apply, op
from eagerflow.ops.arrays.collisions import extreme_at, last_at, written_at
from eagerflow.ops.arrays.indexing import repeats, scatter_index

__all__ = ["overwrite", "scatter_extreme", "written_last"]


@op()
def written_last(xp: Numpy, updates: Array, index: Any = None, shape: Any = None) -> Array:
    """A mask of the updates that stay when all are written in turn."""
    last = last_at(xp, updates.shape, index, shape)
    return xp.equal(last[index], xp.arange(updates.size, dtype=last.dtype).reshape(updates.shape))


def _kept_rule(xp: Numpy, g: Array, updates: Array, index: Any) -> Array:
    return apply(overwrite, xp, g, xp.zeros_like(updates), index)


def _written_rule(xp: Numpy, g: Array, updates: Array, index: Any) -> Array:
    taken = g[index]
    if not repeats(index):
        return taken
    return xp.where(apply(written_last, xp, updates, index, g.shape), taken, 0)


@op(_kept_rule, _written_rule)
def overwrite(xp: Numpy, x: Array, updates: Array, index: Any = None) -> Array:
    """`x` with `x[index]` replaced by `updates`; the last one counts where an index names a place twice."""
    if repeats(index):
        return written_at(xp, x, index, updates)
    out = x.copy()
    out[index] = updates
    return out


def _share(xp: Numpy, x: Array, updates: Array, out: Array, index: Any) -> tuple[Any, Any, Any]:
    """Which elements are the extreme of their place, and how many share it."""
    of_x = xp.equal(x, out).astype(out.dtype)
    of_updates = xp.equal(updates, out[index]).astype(out.dtype)
    count = of_x + apply(scatter_index, xp, of_updates, index, out.shape)
    return of_x, of_updates, count


def _extreme_rule(xp: Numpy, g: Array, x: Array, updates: Array, out: Array, index: Any) -> tuple[Any, Any]:
    """Elements that tie share the gradient equally."""
    of_x, of_updates, count = _share(xp, x, updates, out, index)
    share = g / count
    return of_x * share, of_updates * share[index]


@op(_extreme_rule, joint=True)
def scatter_extreme(xp: Numpy, x: Array, updates: Array, index: Any = None, function: str = "maximum") -> Array:
    """`x` where each element became the maximum (or minimum) of itself and all updates at its place."""
    return extreme_at(xp, function, x, index, updates)
