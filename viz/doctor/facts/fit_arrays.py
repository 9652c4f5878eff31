"""The `fit` that runs, the arrays that it was given, and what its callbacks watch."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from eagerflow.callbacks import EarlyStopping
from viz.doctor.facts.host_arrays import host
from viz.frameworks.objects import array_of
from viz.recorder.descriptions import flat

__all__ = ["better_by_name", "inputs_of", "labels_of", "named_arrays", "running_fit", "weighs_epochs"]


def running_fit() -> Any:
    """The `Fit` of the innermost `fit` on the stack, or None: it knows the data, the epochs and the callbacks."""
    frame = sys._getframe(1)
    while frame is not None:
        own = frame.f_locals.get("self") if frame.f_code.co_name == "go" else None
        if type(own).__name__ == "Fit":
            return own
        frame = frame.f_back  # type: ignore[assignment]
    return None


def inputs_of(feed: Any) -> list[numpy.ndarray]:
    """The inputs of a feed of arrays; empty for any other."""
    parts = getattr(feed, "parts", None)
    found = list(flat(parts[0] if isinstance(parts, tuple) else parts))
    if parts is None or not all(hasattr(x, "dtype") and x.dtype.kind in "fiub" and x.ndim for x in found):
        return []
    return [host(x) for x in found if x.size]


def named_arrays(feed: Any) -> list[tuple[str, Any]]:
    """All arrays of a feed of arrays, in the order in which a step is given their rows, with what `fit` calls them.

    Empty for any other feed.
    """
    parts = getattr(feed, "parts", None)
    found: list[tuple[str, Any]] = []
    for name, part in zip(("x", "y", "sample_weight"), parts if isinstance(parts, tuple) else (parts,)):
        leaves = [] if part is None else list(flat(part))
        keys: list[Any] = (
            list(part) if isinstance(part, dict) and len(part) == len(leaves) else list(range(len(leaves)))
        )
        alone = len(leaves) == 1 and leaves[0] is part
        found += [(name if alone else f"{name}[{key!r}]", leaf) for key, leaf in zip(keys, leaves)]
    return found


def labels_of(feed: Any) -> numpy.ndarray | None:
    """The labels of a feed of arrays, where they are one array; None for any other."""
    parts = getattr(feed, "parts", None)
    found = list(flat(parts[1])) if isinstance(parts, tuple) and len(parts) > 1 else []
    if len(found) != 1 or not hasattr(found[0], "dtype") or found[0].dtype.kind not in "fiub" or not found[0].ndim:
        return None
    return host(array_of(found[0]))


def weighs_epochs(callback: Any) -> bool:
    """Does a callback compare a number of this epoch with those of others, to act by it?"""
    if not isinstance(getattr(callback, "monitor", None), str) or not hasattr(callback, "mode"):
        return False
    return bool(getattr(callback, "save_best_only", True))


def better_by_name(monitor: str, model: Any) -> str | None:
    """`"max"` or `"min"`, where the name of a number, or the metric of that name, tells which is better."""
    asked = EarlyStopping(monitor=monitor)
    asked.set_model(model)
    try:
        return str(asked.direction())
    except ValueError:
        return None
