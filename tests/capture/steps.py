"""Steps that are run eagerly and captured, on the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import eagerflow as ef

ROWS = 12


def bits(value: Any) -> Any:
    """Arrays as bytes, in any structure."""
    return ef.tree.map_structure(lambda x: np.asarray(x).tobytes() if hasattr(x, "shape") else x, value)


def batches(count: int, *shapes: tuple[int, ...]) -> list[list[ef.Tensor]]:
    """So many batches of normal numbers."""
    rng = np.random.default_rng(5)
    return [[ef.Tensor(rng.normal(size=shape).astype("float32")) for shape in shapes] for _ in range(count)]


def twice(make: Any, given: list[Any], calls: int = 6) -> tuple[Any, Any, ef.capture.function.Captured]:
    """What a step gives, eagerly and captured, and what it leaves in its variables.

    Args:
        make: gives `(step, variables)`, made again.
        given: argument lists, used in turn.
        calls: how often the step is called.
    """
    results = []
    for captures in (False, True):
        ef.utils.set_random_seed(11)
        step, variables = make()
        run = ef.function(step, verify_every=0) if captures else step
        found = [bits(run(*given[i % len(given)])) for i in range(calls)]
        results.append((found, bits([v.numpy() for v in variables()])))
    return results[0], results[1], run


def many(step: Any, *given: Any, calls: int = 6) -> Any:
    """Calls a step again and again; gives what the last call gave."""
    for _ in range(calls):
        found = step(*given)
    return found


def while_it_changes(make: Any, x: Any, calls: int = 14) -> tuple[Any, Any, ef.capture.function.Captured]:
    """What a step gives while something around it changes, eagerly and captured, and the captured step.

    Args:
        make: gives `(step, change)`, made again; `change(i)` is called before the calls 5, 8, 11 and so on.
        x: the step's argument.
        calls: how often the step is called.
    """
    results = []
    for captures in (False, True):
        ef.utils.set_random_seed(11)
        step, change = make()
        run = ef.function(step) if captures else step
        found = []
        for i in range(calls):
            if i > 2 and i % 3 == 2:
                change(i)
            found.append(bits(run(x)))
        results.append(found)
    assert len(set(results[0])) > 1, "the case changes nothing"
    return results[0], results[1], run
