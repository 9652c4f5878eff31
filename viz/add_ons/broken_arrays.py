"""Which rows of the arrays that the running `fit` was given hold NaN or infinity, as the doctor names them.

Only where something is wrong is this loaded, with what it needs of the doctor.
"""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor.facts.broken_rows import broken_columns, broken_rows, where_broken
from viz.doctor.facts.fit_arrays import named_arrays, running_fit
from viz.doctor.facts.host_arrays import host
from viz.nonfinite.examples import EXAMPLES

__all__ = ["broken_arrays"]


def broken_arrays() -> list[dict[str, Any]]:
    """Of each array of the `fit` that runs here what in it isn't finite, in the order of a step's inputs."""
    fit = running_fit()
    found = []
    for name, array in named_arrays(fit.feed) if fit is not None else ():
        known = hasattr(array, "dtype") and array.dtype.kind == "f" and array.ndim
        found.append({"name": name, **(_broken(host(array), name) if known else {})})
    return found


def _broken(array: Any, name: str) -> dict[str, Any]:
    broken = broken_rows(array)
    if broken is None:
        return {}
    rows, _ = broken
    at = numpy.argwhere(~numpy.isfinite(array[rows[:1]]))[:EXAMPLES]
    examples = [[[rows[0], *map(int, index[1:])], str(array[(rows[0], *index[1:])])] for index in at]
    where = broken_columns(array) or where_broken(array, name)
    return {"where": where, "rows": rows[:10], "examples": examples}
