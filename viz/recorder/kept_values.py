"""Keeping chosen tensors' values: `viz.trace(values="...")`.

A tensor is chosen by a regular expression that is searched in its label: `"mlp/dense/matmul"` for what the op
`matmul` made in that layer, `"gradients/mlp/dense/matmul"` for what its backward rule made, a variable's path for
its value, and `"gradients/<path>"` for its gradient.
"""

from __future__ import annotations

import re
from typing import Any

import numpy

from viz.facts.schema import VARIABLES, Record

__all__ = ["Keeper", "nothing_kept"]


class Keeper:
    """Copies of the tensors whose labels match.

    Attributes:
        kept: copies by position.
        labels: for each kept position, its label.
        after: the values of variables after an update, by where the event begins in the journal.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._search = re.compile(pattern).search
        except re.error as error:
            raise ValueError(
                f"viz.trace(values={pattern!r}): not a regular expression: {error}. Put a \\ before signs of a name "
                "that mean something there, such as ( and ["
            ) from None
        self.kept: dict[int, numpy.ndarray] = {}
        self.labels: dict[int, str] = {}
        self.after: dict[int, numpy.ndarray] = {}
        self._of_key: dict[int | None, str] = {}

    def output(self, position: int, data: Any, key: int | None, label: str) -> None:
        """A tensor that an op made."""
        if key is not None:
            self._of_key[key] = label
        self.keep(position, data, label)

    def of_key(self, key: int | None, name: str) -> str:
        """The label of a gradient, by what the forward op's output was labelled."""
        return "gradients/" + self._of_key.get(key, name)

    def keep(self, position: int, data: Any, label: str) -> None:
        """Copy the tensor if its label matches."""
        if position not in self.kept and self._search(label):
            self.kept[position] = as_numpy(data)
            self.labels[position] = label

    def forget(self, position: int) -> None:
        """Let go what was kept of a tensor, if anything."""
        self.kept.pop(position, None)
        self.labels.pop(position, None)

    def update(self, event: int, data: Any, label: str) -> None:
        """A variable that was just changed in place, by the event that begins at `event`."""
        if self._search(label):
            self.after[event] = as_numpy(data)


def nothing_kept(record: Record, pattern: str | None) -> list[str]:
    """A note on a pattern that is in no label, with some labels."""
    if pattern is None or record.values or not record.ops:
        return []
    labels = [tensor.name for tensor in record.tensors if tensor.role in VARIABLES and tensor.producer is None]
    told = " and ".join(map(repr, [*labels, *[f"{record.path(op.scope)}/{op.name}" for op in record.ops[:2]]][:2]))
    return [f"no tensor has a label in which values={pattern!r} (--values) is found; labels are such as {told}"]


def as_numpy(data: Any) -> numpy.ndarray:
    """A copy on the host."""
    return numpy.array(data.get() if hasattr(data, "get") else data)
