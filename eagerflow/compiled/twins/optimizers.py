"""Rules of optimizers on raw arrays; they change weights and slots, and answer True."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.compiled.loops import optimizers as loops

__all__ = ["_adadelta", "_adam", "_rmsprop"]

_LEAST = 4096  # numbers: for fewer, looking at arrays takes longer than the passes over them


def _adam(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> Any:
    return None if len(slots) != 2 else _changed(loops.adam, xp, (w, g, *slots), settings)


def _rmsprop(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> Any:
    rate, rho, new, momentum, epsilon, centered = settings
    return None if momentum or centered else _changed(loops.rmsprop, xp, (w, g, *slots), (rate, rho, new, epsilon))


def _adadelta(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> Any:
    return _changed(loops.adadelta, xp, (w, g, *slots), settings)


def _changed(kernel: Any, xp: Any, arrays: tuple[Any, ...], settings: Any) -> Any:
    """Run a kernel on arrays of one shape; None where it doesn't take them, or where it doesn't pay."""
    if arrays[0].size < _LEAST or xp is not numpy or not all([a.flags.c_contiguous for a in arrays]):
        return None
    work = kernel.on(*[a.reshape(-1) for a in arrays], *[float(number) for number in settings])
    return None if work is None else work() == 0
