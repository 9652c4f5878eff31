"""`sorted_rows.torn` and `shuffled_apart.series`: windows of what is no series, or that reach from one into another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, number
from viz.doctor.checks.endings import running_fit
from viz.doctor.checks.rows.fit_arrays import inputs_of
from viz.doctor.source_calls import last_name, names_in, tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["TornSeries", "jumps_within", "made_of"]

_JOINS = ("concatenate", "hstack", "append", "concat")
_SHUFFLES = ("shuffle", "permutation", "permuted")
_WINDOWS = ("sliding_window_view", "timeseries_dataset_from_array")
_DEPTH = 5  # names that are made of each other


class TornSeries(Check):
    """Looks at the windows that `fit` is given, and reads what they were cut out of."""

    always = ("on_logs",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._seen: Any = None

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        fit = running_fit() if kind == "epoch" else None
        if fit is None or fit is self._seen:
            return
        self._seen = fit
        rows, place = inputs_of(fit.feed), self.watch.called_at()
        if len(rows) != 1 or place is None or not _are_windows(rows[0]):
            return
        for name, line in _cut_in_windows(place.file):
            shuffled = made_of(place.file, name, _SHUFFLES, line)
            if shuffled is not None:
                self._tell_shuffled(name, Place(place.file, shuffled), line, len(rows[0]))
                return
            joined = made_of(place.file, name, _JOINS, line)
            at, times = jumps_within(rows[0]) if joined is not None else ([], 0.0)
            if joined is None or not at:
                continue
            ends = _ends_of_parts(place.file, joined)
            certain = bool(ends) and {*at} <= ends and 2 * len(at) >= len([e for e in ends if e < len(rows[0])])
            if certain or not ends:
                found = name, joined, Place(place.file, line)
                self._tell_torn("warning" if certain else "info", *found, len(at), times, rows[0].shape[1])
                return

    def _tell_shuffled(self, name: str, place: Place, line: int, rows: int) -> None:
        self.watch.report(
            "shuffled_apart.series",
            "warning",
            f"the values of a series are shuffled before windows of {name!r} are cut (line {line}): what stands next "
            "to each other in a window has nothing to do with each other in time, and there is nothing to predict",
            place=place,
            key=("shuffled_apart", "series"),
            evidence={"name": name, "line": place.line, "rows": rows},
        )

    def _tell_torn(
        self, severity: str, name: str, joined: int, place: Place, count: int, times: float, length: int
    ) -> None:
        self.watch.report(
            "sorted_rows.torn",
            severity,
            f"{name!r} is several series, one after the other (line {joined}), and windows of {length} steps are cut "
            f"across their ends: at {count} places within windows the values jump by {number(times)} times a usual "
            "step, and are to be learnt as if it were one series",
            place=place,
            key=("sorted_rows", "torn"),
            evidence={"share": times, "usual": 1.0, "batches": count, "classes": 0},
        )


def _are_windows(rows: numpy.ndarray) -> bool:
    """Is each row the one before, moved on by one step?"""
    if rows.ndim not in (2, 3) or rows.shape[1] < limits.SERIES_STEPS or len(rows) < limits.LEAK_ROWS:
        return False
    some = rows[: limits.SERIES_LOOKED]
    same = (some[:-1, 1:] == some[1:, :-1]).reshape(len(some) - 1, -1).all(axis=1)
    varied = bool((some[:-1] != some[1:]).any())
    return varied and float(same.mean()) >= limits.SERIES_SHARE


def jumps_within(rows: numpy.ndarray) -> tuple[list[int], float]:
    """Behind which values of the series the steps are far larger than all others, and by how many times at least.

    Args:
        rows: windows, one step apart.

    >>> series = numpy.concatenate([numpy.sin(numpy.arange(60) / 5), 50 + numpy.sin(numpy.arange(60) / 5)])
    >>> jumps_within(numpy.stack([series[i : i + 8] for i in range(112)]))[0]
    [59]
    """
    flat = rows.reshape(len(rows), rows.shape[1], -1)[:, :, 0].astype("float64")
    steps = numpy.abs(flat[:, 1] - flat[:, 0])
    usual = float(numpy.quantile(steps, 1 - limits.SERIES_RARE))
    far = steps > limits.SERIES_JUMP * usual
    if not usual or not far.any():
        return [], 0.0
    return numpy.flatnonzero(far).tolist(), float(steps[far].min() / usual)


def _ends_of_parts(file: str, line: int) -> set[int]:
    """The places of the last values of series that a line puts together; empty where their lengths aren't known."""
    tree = tree_of(file)
    calls = [node for node in (ast.walk(tree) if tree is not None else ()) if isinstance(node, ast.Call)]
    given = next((c.args[0] for c in calls if c.lineno == line and last_name(c.func) in _JOINS and c.args), None)
    names = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]
    found: list[Any] = []
    for each in names:
        if not isinstance(each, ast.Name):
            return set()
        scopes = [scope for frame in user_frames() for scope in (frame.f_locals, frame.f_globals)]
        value = next((scope[each.id] for scope in scopes if each.id in scope), None)
        found += value if isinstance(value, (list, tuple)) else [value]
    lengths = [len(part) if hasattr(part, "__len__") else 0 for part in found]
    return {int(end) - 1 for end in numpy.cumsum(lengths)} if len(lengths) > 1 and all(lengths) else set()


def _cut_in_windows(file: str) -> Iterator[tuple[str, int]]:
    """Names that windows are cut out of, `values[i : i + 12]` with a loop's variable, with the line."""
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call) and last_name(node.func) in _WINDOWS and node.args:
            yield ast.unparse(node.args[0]), node.lineno
        bounds = node.slice if isinstance(node, ast.Subscript) else None
        bounds = bounds.elts[0] if isinstance(bounds, ast.Tuple) and bounds.elts else bounds
        if not isinstance(bounds, ast.Slice) or not isinstance(bounds.lower, ast.Name) or bounds.upper is None:
            continue
        if bounds.lower.id in names_in(bounds.upper) and isinstance(node, ast.Subscript):
            yield ast.unparse(node.value), node.lineno


def made_of(file: str, name: str, calls: tuple[str, ...], line: int) -> int | None:
    """The line on which one of these functions makes what a name holds, before it is used on a line; None for none."""
    tree = tree_of(file)
    if tree is None:
        return None
    names, every = {name}, list(ast.walk(tree))
    for function in [each for each in every if isinstance(each, ast.FunctionDef)]:
        parameters = [each.arg for each in function.args.args]
        if name in parameters and function.lineno <= line <= (function.end_lineno or line):
            for call in [
                each for each in every if isinstance(each, ast.Call) and last_name(each.func) == function.name
            ]:
                at = parameters.index(name)
                names |= names_in(call.args[at]) if at < len(call.args) else set()
    for _ in range(_DEPTH):
        for node in every:
            if isinstance(node, ast.Assign) and any(names_in(target) & names for target in node.targets):
                for call in [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]:
                    values = [each for each in call.args if not isinstance(each, ast.Constant)]
                    if last_name(call.func) in calls and values and not _is_count(values[0]):
                        return call.lineno
                names = names | names_in(node.value) if not isinstance(node.value, ast.ListComp) else names
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and node.value.args:
                call = node.value
                if last_name(call.func) in calls and names_in(call.args[0]) & names and "shuffle" in calls:
                    return call.lineno
    return None


def _is_count(node: ast.expr) -> bool:
    """Is it a number of rows, of which an order is made?"""
    return (isinstance(node, ast.Call) and last_name(node.func) == "len") or "shape" in ast.unparse(node)
