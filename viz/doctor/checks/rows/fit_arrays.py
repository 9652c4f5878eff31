"""The arrays that a `fit` was given."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor.check_base import host
from viz.recorder.descriptions import flat

__all__ = ["inputs_of", "labels_of"]


def inputs_of(feed: Any) -> list[numpy.ndarray]:
    """The inputs of a feed of arrays; empty for any other."""
    parts = getattr(feed, "parts", None)
    found = list(flat(parts[0] if isinstance(parts, tuple) else parts))
    if parts is None or not all(hasattr(x, "dtype") and x.dtype.kind in "fiub" and x.ndim for x in found):
        return []
    return [host(x) for x in found if x.size]


def labels_of(feed: Any) -> numpy.ndarray | None:
    """The labels of a feed of arrays, where they are one array; None for any other."""
    parts = getattr(feed, "parts", None)
    found = list(flat(parts[1])) if isinstance(parts, tuple) and len(parts) > 1 else []
    if len(found) != 1 or not hasattr(found[0], "dtype") or found[0].dtype.kind not in "fiub" or not found[0].ndim:
        return None
    return host(found[0].data if isinstance(found[0], Tensor) else found[0])
