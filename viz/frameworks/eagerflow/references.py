"""Runs the reference of a fused op of eagerflow's, which calls the ops that it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Tensor, no_grad
from eagerflow.core.observe import Observer, observing, unobserved

__all__ = ["ones", "run_reference"]

Call = tuple[Any, tuple[Any, ...], tuple[Any, ...], Any]
"""An op with its inputs, its settings and what it made."""


def ones(shape: Sequence[int], dtype: Any) -> Tensor:
    """Ones that take no memory."""
    return Tensor(numpy.broadcast_to(numpy.ones((), dtype), shape))


def run_reference(op: Any, arrays: Sequence[Any], settings: Sequence[Any]) -> tuple[list[Call], Any]:
    """The ops that the reference of a fused op calls, and what it returns."""
    given = [x if x is None or isinstance(x, Tensor) else Tensor(x) for x in arrays]
    calls: list[Call] = []
    hearer = Observer()
    hearer.on_op = lambda op, inputs, settings, outputs, *about: calls.append((op, inputs, settings, outputs))  # type: ignore[method-assign]
    with unobserved(), observing(hearer), no_grad(), numpy.errstate(all="ignore"):
        results = op.reference(*given, **dict(zip(op.settings, settings)))
    return calls, results
