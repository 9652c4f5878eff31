"""Symbolic floats where data must be whole numbers: shapes are inferred, with a warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base import tree
from eagerflow.base.tracebacks import warn

__all__ = ["on_floats"]

# Which argument holds indices, by place and name; None where all must be whole numbers.
_INDICES: dict[str, tuple[int, str] | None] = {
    "take": (1, "indices"),
    "take_along_axis": (1, "indices"),
    "scatter": (0, "indices"),
    "scatter_update": (1, "indices"),
    "in_top_k": (0, "targets"),
    "segment_sum": (1, "segment_ids"),
    "segment_max": (1, "segment_ids"),
    "segment_min": (1, "segment_ids"),
    "segment_prod": (1, "segment_ids"),
    **dict.fromkeys(
        "bitwise_and bitwise_or bitwise_xor bitwise_invert bitwise_not bitwise_left_shift bitwise_right_shift "
        "left_shift right_shift gcd lcm".split()
    ),
}


def on_floats(call: Callable[..., Any], name: str, args: Any, kwargs: Any, spec: Any) -> Any:
    """What `call` gives for the arguments of an op; for floats that data refuse, what it gives for whole numbers.

    That comes with a warning: an `Input` is of floats unless told otherwise, and the model will fail when it runs.
    """
    try:
        return call(args, kwargs)
    except (IndexError, TypeError, ValueError):
        found = _as_whole_numbers(name, args, kwargs, spec) if name in _INDICES else None
        if found is None:
            raise
    result = call(*found[:2])
    what, dtype = found[2:]
    warn(
        f"ops.{name}: {what} must be whole numbers when the model runs; they are {dtype} here. "
        "Input(..., dtype='int32') gives whole numbers, ops.cast makes them."
    )
    return result


def _as_whole_numbers(name: str, args: Any, kwargs: Any, spec: Any) -> tuple[Any, Any, str, str] | None:
    """The arguments with whole numbers for floats, which argument is meant, and its type; None without floats."""
    place = _INDICES[name]
    changed: list[str] = []

    def whole(x: Any) -> Any:
        if not isinstance(x, spec) or getattr(x.dtype, "kind", "") != "f":
            return x
        changed.append(x.dtype.name)
        return spec(x.shape, "int32")

    if place is None:
        args, kwargs = tree.map_structure(whole, (args, kwargs))
    else:
        args = tuple([whole(x) if i == place[0] else x for i, x in enumerate(args)])
        kwargs = {k: whole(x) if k == place[1] else x for k, x in kwargs.items()}
    if not changed:
        return None
    return args, kwargs, "its arguments" if place is None else place[1], changed[0]
