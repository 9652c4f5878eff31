"""Rules of optimizers on raw arrays; they change weights and slots, and answer True."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from eagerflow.compiled.loops import optimizers as loops

__all__ = ["_adadelta", "_adam", "_rmsprop"]


Arguments = tuple[Any, tuple[Any, ...], tuple[Any, ...]]  # the loops, their arrays and numbers


def _of_adam(w: Any, g: Any, slots: Any, settings: Any) -> Arguments | None:
    return None if len(slots) != 2 else (loops.adam, (w, g, *slots), settings)


def _of_rmsprop(w: Any, g: Any, slots: Any, settings: Any) -> Arguments | None:
    rate, rho, new, momentum, epsilon, centered = settings
    return None if momentum or centered else (loops.rmsprop, (w, g, *slots), (rate, rho, new, epsilon))


def _of_adadelta(w: Any, g: Any, slots: Any, settings: Any) -> Arguments | None:
    return loops.adadelta, (w, g, *slots), settings


def _rule(arguments: Callable[..., Arguments | None]) -> Callable[..., Any]:
    """A rule of an optimizer; None where the loops don't take its arrays."""

    def bind(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> Callable[[], Any] | None:
        found = arguments(w, g, slots, settings) if xp is numpy else None
        if found is None or not all([a.flags.c_contiguous for a in found[1]]):
            return None
        kernel, arrays, numbers = found
        flat = arrays if w.ndim == 1 else [a.reshape(-1) for a in arrays]
        return kernel.on(*flat, *[float(number) for number in numbers])

    def rule(*given: Any) -> Any:
        work = bind(*given)
        return None if work is None else work() == 0

    rule.bind = bind  # type: ignore[attr-defined]
    return rule


# For arrays of all sizes: whether variables are packed or not, their updates have the same bits.
_adam, _rmsprop, _adadelta = _rule(_of_adam), _rule(_of_rmsprop), _rule(_of_adadelta)
