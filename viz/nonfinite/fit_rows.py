"""Which rows of the arrays that `fit` was given hold NaN or infinity: a batch tells its own rows alone."""

from __future__ import annotations

from typing import Any, NamedTuple

from viz.facts.schema import Record, Scope
from viz.shell.commands import part

__all__ = ["GivenToFit", "given_to_fit", "note_rows"]

_KEPT = "nonfinite_arrays"


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
    found = part("broken_arrays")()
    if found:
        record.meta[_KEPT] = found


def given_to_fit(record: Record, step: Scope, tensor: int) -> GivenToFit | None:
    """The array that the rows of a batch come from; None where it isn't known."""
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
