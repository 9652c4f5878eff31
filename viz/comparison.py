"""`viz.diff`."""

from __future__ import annotations

import math
import os
from typing import Any

from eagerflow.saving import read_weights
from viz.boundary import boundary
from viz.chosen_steps import ChosenSteps
from viz.compare.difference import TOLERANCE, Difference
from viz.compare.traces import compare_traces
from viz.compare.weights import compare_models, compare_weights
from viz.facts.container import TraceFileError
from viz.facts.selection import known_steps, step_numbers
from viz.frameworks.objects import is_model
from viz.recording import Recording, load
from viz.tracer import trace

__all__ = ["TOLERANCE", "diff"]

_SUFFIXES = (".keras", ".h5", ".hdf5", ".safetensors")


@boundary
def diff(
    a: Any,
    b: Any = None,
    *,
    steps: tuple[int, int] | range | ChosenSteps | None = None,
    inputs: Any = None,
    tolerance: float = TOLERANCE,
) -> Difference:
    """Compares two traces, two steps of one trace, two models, or two files.

    Args:
        a: a recording; a model; or the path of a recording (`.efz`) or of weights (`.keras`, `.weights.h5`, `.h5`,
            `.safetensors`).
        b: what to compare it with: another recording for a recording; for a model or weights, a model or weights.
            None, with `steps`: `a` itself.
        steps: a pair with the number of the step of `a` and that of `b` to compare, as pictures and tables show them;
            or a `range` of numbers, for these steps of both. Default: all steps of both, one by one. Conditions (see
            `Difference.check`) use the same steps.
        inputs: for models, the inputs that both are called with, to record and compare their ops, too.
        tolerance: elements differ when their distance, relative to the largest magnitude in the tensor, is larger.

    Returns:
        A `Difference`, which is true when there is one; print it, or read its attributes.

    Raises:
        TypeError: when the two can't be compared.
        ValueError: for a step that isn't there, or a tolerance that is no number ≥ 0.
        FileNotFoundError: when there is no such file.

    >>> import eagerflow as ef, viz
    >>> with viz.trace(stats="basic") as t:
    ...     y = ef.ops.exp(ef.Tensor([1.0, 2.0]))
    >>> with viz.trace(stats="basic") as other:
    ...     y = ef.ops.exp(ef.Tensor([1.0, 3.0]))
    >>> found = viz.diff(t, other)
    >>> bool(found), found.first.role, found.first.what
    (True, 'input', 'max 2 → 3')
    """
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 0 <= tolerance < math.inf:
        raise ValueError(f"viz.diff(tolerance={tolerance!r:.60}): expected a number ≥ 0 such as 1e-5")
    first, name_a = _opened(a, "first")
    if b is None:
        if steps is None or isinstance(steps, (range, ChosenSteps)):
            raise TypeError("viz.diff: give two things to compare, or one recording and steps=(i, j)")
        second, name_b = first, name_a
    else:
        second, name_b = _opened(b, "second")
    if isinstance(first, Recording) and isinstance(second, Recording):
        if inputs is not None:
            raise TypeError("viz.diff(inputs=...): only for two models; a recording has run already")
        names = (name_a, name_b)
        chosen = None if steps is None else _chosen(first, second, steps)
        if isinstance(steps, (tuple, list)):
            names = f"{name_a}, step {steps[0]}", f"{name_b}, step {steps[1]}"
        return compare_traces(first, second, tolerance, names, chosen)
    if isinstance(first, Recording) or isinstance(second, Recording):
        raise TypeError(
            f"viz.diff: a recording can be compared with a recording only; got {_kind(first)} and {_kind(second)}. "
            "viz.diff(model_a, model_b, inputs=x) records both."
        )
    if steps is not None:
        raise TypeError(f"viz.diff(steps=...): only recordings have steps; got {_kind(first)}")
    return _of_weights(first, second, inputs, tolerance, (name_a, name_b))


def _of_weights(a: Any, b: Any, inputs: Any, tolerance: float, names: tuple[str, str]) -> Difference:
    if not (is_model(a) and is_model(b)):
        if inputs is not None:
            raise TypeError(f"viz.diff(inputs=...): only for two models; got {_kind(a)} and {_kind(b)}")
        before, after = (read_weights(each) if is_model(each) else each for each in (a, b))
        return compare_weights(before, after, tolerance, names)
    found = compare_models(a, b, tolerance, names)
    if inputs is None:
        return found
    ran = compare_traces(_run(a, inputs), _run(b, inputs), tolerance, names)
    ran.kind, ran.settings, ran.weights, ran.notes = found.kind, found.settings, found.weights, found.notes + ran.notes
    return ran


def _run(model: Any, inputs: Any) -> Recording:
    """A recording of the model on the inputs, with every element kept; it is built before."""
    model(inputs)
    with trace(model.name, values="") as recording:
        model(inputs)
    return recording


def _opened(given: Any, which: str) -> tuple[Any, str]:
    """What a path leads to, and what to call it."""
    if isinstance(given, Recording):
        return given, given.name or f"the {which}"
    if is_model(given):
        return given, given.name
    if isinstance(given, (str, os.PathLike)):
        path = os.fspath(given)
        if path.endswith(_SUFFIXES):
            return read_weights(path), path
        try:  # `viz run -o` takes any name
            return load(path), path
        except (TraceFileError, FileNotFoundError) as error:
            if os.path.splitext(path)[1] in ("", ".efz"):
                raise
            raise ValueError(f"viz.diff: expected a file that ends in .efz, {', '.join(_SUFFIXES)}; {error}") from None
    raise TypeError(
        f"viz.diff: the {which} is {type(given).__name__}; expected a recording, a model or the path of a file"
    )


def _kind(thing: Any) -> str:
    return "a recording" if isinstance(thing, Recording) else "weights" if isinstance(thing, dict) else "a model"


def _chosen(a: Recording, b: Recording, steps: Any) -> Any:
    """Several steps as they are, if one of them is in both recordings; of two, one of each, their positions."""
    is_pair = not isinstance(steps, (range, ChosenSteps))
    if is_pair and (not isinstance(steps, (tuple, list)) or [type(n) for n in steps] != [int, int]):
        raise ValueError(f"viz.diff(steps={steps!r:.60}): expected the numbers of two steps, such as (0, 5)")
    known, shown = (step_numbers(a), step_numbers(b)), repr(tuple(steps) if is_pair else steps)
    for side, (recording, which) in enumerate(((a, "first "), (b, "second "))):
        if not any(number == steps[side] if is_pair else number in steps for number in known[side]):
            which = "" if a is b else which
            raise ValueError(f"viz.diff(steps={shown:.60}): the {which}recording has {known_steps(recording)}")
    if is_pair:
        return known[0].index(steps[0]), known[1].index(steps[1])
    if not any(number in steps for number in {*known[0]} & {*known[1]}):
        raise ValueError(f"viz.diff(steps={shown:.60}): none of these steps is in both recordings")
    return steps
