"""`sorted_rows.repeated`: a loop whose steps are all given the same few rows, cut out of many more."""

from __future__ import annotations

import ast
import zlib
from types import FrameType
from typing import Any

import numpy

from eagerflow import Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["RepeatedRows"]


class RepeatedRows(Check):
    """Compares the rows and the labels of the steps that are looked at.

    To see whether a network can learn one batch by heart, people do this on purpose: it is no more than a hint. Where
    it can't be told that there are more rows, nothing is said: all of the data may be one batch.
    """

    ends = ("layer", "model", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._rows: list[int] = []  # of the running step: what tells its rows from others
        self._labels: list[int] = []
        self._first: tuple[list[int], list[int]] | None = None  # those of the first step
        self._over = False  # has a step been given other rows, or none that can be compared?
        self._cut: tuple[Place, str, int, int] | None = None  # where rows are cut, of what, how many, and of how many

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if self._over or error is not None or self.watch.inside("optimizer"):
            return
        if self.watch.inside("step"):
            self._over = True  # `SameBatch` looks at `fit`
        elif opened.kind == "loss":
            given = opened.scope.inputs
            labels = given[0] if isinstance(given, tuple) and len(given) == 2 else None
            self._note(self._labels, labels.data if isinstance(labels, Tensor) else labels)
        elif self.watch.outermost() and any(x.key is not None for x in tensors(outputs)):
            rows = [x.data for x in tensors(opened.scope.inputs) if x.key is None and x.data.ndim]
            for each in rows:
                self._note(self._rows, each)
            if self.watch.step >= limits.REPEATED_STEPS and self._cut is None and rows:
                self._cut = _cut_out(rows[0])

    def _note(self, known: list[int], data: Any) -> None:
        if getattr(data, "size", limits.ANSWER_SIZE) >= limits.ANSWER_SIZE:
            self._over = True
            return
        known.append(zlib.crc32(numpy.ascontiguousarray(host(data)).tobytes()))

    def on_step_end(self) -> None:
        now = self._rows, self._labels
        self._rows, self._labels = [], []
        self._first = self._first or now
        self._over = self._over or self._first != now or not all(now)

    def finish(self) -> None:
        """Say what was repeated to the end."""
        if self._over or self._cut is None:
            return
        place, name, rows, of = self._cut
        self.watch.report(
            "sorted_rows.repeated",
            "info",
            f"each step that was looked at, of {self.watch.counted(self.watch.step)}, was given the same {rows} rows "
            f"of the {of} of {name!r}, with the same labels: the others are never trained with",
            place=place,
            key=("sorted_rows", "repeated"),
            evidence={"share": 1.0, "usual": rows / of, "batches": self.watch.step, "classes": 0},
        )


def _cut_out(rows: Any) -> tuple[Place, str, int, int] | None:
    """Where the loop around this step cuts these rows out of an array of many more; None where it doesn't."""
    for frame in user_frames():
        file, line = frame.f_code.co_filename, frame.f_lineno
        tree = tree_of(file)
        loops = [
            node
            for node in (ast.walk(tree) if tree is not None else ())
            if isinstance(node, (ast.For, ast.While)) and node.lineno <= line <= (node.end_lineno or node.lineno)
        ]
        if not loops or frame.f_code.co_firstlineno > max(loop.lineno for loop in loops):
            continue  # a loop around the function isn't one within it
        loop = max(loops, key=lambda node: node.lineno)
        for found in [node for node in ast.walk(loop) if isinstance(node, ast.Subscript)]:
            of = _value(frame, found.value)
            shape: tuple[int, ...] = of.shape if isinstance(of, (numpy.ndarray, Tensor)) else ()
            many = len(shape) == rows.ndim and shape[0] >= limits.REPEATED_OF * len(rows)
            if many and _gives(frame, of, found.slice, host(rows)):
                return Place(file, found.lineno), ast.unparse(found.value), len(rows), shape[0]
        return None
    return None


def _gives(frame: FrameType, of: Any, index: ast.expr, rows: numpy.ndarray) -> bool:
    """Are these the rows that an array has there, by numbers or names?"""
    if isinstance(index, ast.Slice):
        bounds = [_value(frame, each) for each in (index.lower, index.upper)]
        if index.step is not None or not all(each is None or isinstance(each, int) for each in bounds):
            return False
        chosen: Any = slice(*bounds)
    else:
        chosen = _value(frame, index)
        if not isinstance(chosen, numpy.ndarray) or chosen.shape != (len(rows),) or chosen.dtype.kind not in "iu":
            return False
    found = host(of.data if isinstance(of, Tensor) else of)[chosen]
    return found.shape == rows.shape and bool((found.astype(rows.dtype) == rows).all())


def _value(frame: FrameType, node: ast.expr | None) -> Any:
    """What a number or a name stands for; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    name = node.id if isinstance(node, ast.Name) else ""
    return frame.f_locals.get(name, frame.f_globals.get(name))
