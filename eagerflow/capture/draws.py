"""Whether a step draws from the global random numbers of Python or NumPy, which a replay would leave out."""

from __future__ import annotations

import random
import threading
from typing import Any

import numpy.random.mtrand

from eagerflow.kernels.machine.threads import WORKERS

__all__ = ["drawn_since", "states_now"]

_generator: Any = numpy.random.mtrand._rand  # whose methods the functions of `numpy.random` are


def states_now() -> tuple[Any, ...]:
    """The states of both generators."""
    kind, words, *rest = _generator.get_state()
    return random.getstate(), (kind, words.tobytes(), *rest)


def drawn_since(before: tuple[Any, ...]) -> str | None:
    """Whose numbers were drawn since then, in words; None for nobody's, or where other threads may have drawn them."""
    here = threading.current_thread()
    if any(each is not here and not each.name.startswith(WORKERS) for each in threading.enumerate()):
        return None
    names = ("Python's random", "numpy.random")
    return next((name for name, now, then in zip(names, states_now(), before) if now != then), None)
