"""Which rows of the arrays that `fit` was given hold NaN or infinity: a batch tells its own rows alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from viz.doctor.check_base import host
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.broken_rows import broken_columns, broken_rows, where_broken
from viz.doctor.checks.rows.fit_arrays import named_arrays
from viz.facts.schema import Record, Scope

__all__ = ["GivenToFit", "given_to_fit", "note_rows"]

_KEPT = "nonfinite_arrays"
_ROWS, _EXAMPLES = 10, 3


class GivenToFit(NamedTuple):
    """An array that `fit` was given.

    Attributes:
        name: what `fit` calls it: `"x"`, `"y"`, `"x[1]"`, `"x['age']"`.
        where: which of its rows or columns aren't finite, in words; empty for none.
        rows: the numbers of the first such rows.
        examples: the positions in the array of some elements that aren't finite, with their values.
    """

    name: str
    where: str
    rows: tuple[int, ...]
    examples: list[tuple[tuple[int, ...], float]]


def note_rows(record: Record) -> None:
    """Note of each array of the `fit` that runs here what in it isn't finite, in the order of a step's inputs."""
    fit = running_fit()
    found = []
    for name, array in named_arrays(fit.feed) if fit is not None else ():
        known = hasattr(array, "dtype") and array.dtype.kind == "f" and array.ndim
        found.append({"name": name, **(_broken(host(array), name) if known else {})})
    if found:
        record.meta[_KEPT] = found


def _broken(array: Any, name: str) -> dict[str, Any]:
    broken = broken_rows(array)
    if broken is None:
        return {}
    rows, _ = broken
    at = numpy.argwhere(~numpy.isfinite(array[rows[:1]]))[:_EXAMPLES]
    examples = [[[rows[0], *map(int, index[1:])], str(array[(rows[0], *index[1:])])] for index in at]
    where = broken_columns(array) or where_broken(array, name)
    return {"where": where, "rows": rows[:_ROWS], "examples": examples}


def given_to_fit(record: Record, step: Scope, tensor: int) -> GivenToFit | None:
    """The array that the rows of a batch come from; None where it isn't known.

    Args:
        record: the recording.
        step: the scope of the training step.
        tensor: what that was given.
    """
    noted = record.meta.get(_KEPT)
    at = step.inputs.index(tensor)
    if step.name != "train_step" or not isinstance(noted, list) or len(noted) != len(step.inputs):
        return None
    facts: Any = noted[at]
    try:
        examples = [(tuple([int(i) for i in index]), float(value)) for index, value in facts.get("examples", [])]
        rows = tuple([int(row) for row in facts.get("rows", [])])
        return GivenToFit(str(facts["name"]), str(facts.get("where", "")), rows, examples)
    except (AttributeError, KeyError, TypeError, ValueError):  # a file that something else has written
        return None
