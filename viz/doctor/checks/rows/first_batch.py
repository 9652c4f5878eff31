"""`sorted_rows.first`: a loop that begins its data set anew in each step, and so sees its first batch only."""

from __future__ import annotations

import ast
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["FirstBatch", "begun_in_loop"]

_FIXES = {
    "sorted_rows.first": (
        "Take the batches one after the other: for x, y in data: ...; or make the iterator once, before the loop, "
        "batches = iter(data), and ask it in the loop: next(batches)."
    )
}


class FirstBatch(Check):
    """Compares what the first model or layer of a step is given, step by step.

    `next(iter(data))` is what people write to look at one batch, and it stays in the loop.
    """

    fixes = _FIXES

    begins = ("layer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._last: numpy.ndarray | None = None
        self._step = -1
        self._alike = 0

    def on_scope_begin(self, opened: Any) -> None:
        if self._step == self.watch.step or self.watch.step >= limits.HEAVY_STEPS or self.watch.inside("step"):
            return
        found = [x for x in tensors(opened.scope.inputs) if x.key is None and x.data.ndim and len(x.data) > 1]
        if not found:
            return
        self._step = self.watch.step
        now = host(found[0].data)
        known, self._last = self._last, now
        alike = known is not None and known.shape == now.shape and bool((known == now).all())
        self._alike = self._alike + 1 if alike else 0
        if self._alike == limits.WINDOW - 1 and not bool((now == now[:1]).all()):
            self._judge(len(now))

    def _judge(self, rows: int) -> None:
        frames = user_frames()
        for file in dict.fromkeys(frame.f_code.co_filename for frame in frames):
            for line, name in begun_in_loop(file):
                known = [scope[name] for f in frames for scope in (f.f_locals, f.f_globals) if name in scope]
                if known and _batches(known[0]) == 1:
                    continue
                self.watch.report(
                    "sorted_rows.first",
                    "warning",
                    f"next(iter({name})) begins {name!r} anew each time: the first {limits.WINDOW} steps were all "
                    f"given the same {rows} rows, its first batch",
                    place=Place(file, line),
                    key=("sorted_rows", "first"),
                    evidence={"share": 1.0, "usual": 0.0, "batches": limits.WINDOW, "classes": 0},
                )
                return


def begun_in_loop(file: str) -> list[tuple[int, str]]:
    """The lines on which `next(iter(name))` stands within a loop, with the name."""
    tree = tree_of(file)
    loops = [n for n in ast.walk(tree) if isinstance(n, (ast.For, ast.While))] if tree is not None else []
    found = set()
    for node in (part for loop in loops for statement in loop.body for part in ast.walk(statement)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "next" and node.args:
            inner = node.args[0]
            if not isinstance(inner, ast.Call) or not inner.args or getattr(inner.func, "id", "") != "iter":
                continue
            if isinstance(inner.args[0], ast.Name):
                found.add((node.lineno, inner.args[0].id))
    return sorted(found)


def _batches(data: Any) -> int:
    """How many batches there are; 0 where it isn't known."""
    try:
        return len(data)
    except TypeError:
        return 0
