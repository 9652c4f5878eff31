"""`validation_overlap.folds`: a cross-validation that goes on with one model, which knows the next folds by then."""

from __future__ import annotations

import ast
import re
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.checks.validation.left_out import JUDGES, called, inner_parts, judges_the_left_out
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place

__all__ = ["Folds", "loop_over_folds"]

_FOLD = re.compile(r"(^|_)(k?folds?|kf|skf|cv)(_|$|\d)", re.IGNORECASE)
_FRESH = ("set_weights", "load_weights", "clone_model", "assign", "from_config", "load_model", "reset")

_FIXES = {
    "validation_overlap.folds": (
        "Make and compile a new model in each round, or put the first weights back before each: "
        "model.set_weights(first), where first = model.get_weights() stands before the loop; make a new optimizer, too."
    )
}


class Folds(Check):
    """Reads the loop around a `fit`."""

    fixes = _FIXES

    begins = ("step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._places: dict[Place, None] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if opened.scope.name == "train_step" and len(self._places) < limits.WINDOW:
            place = self.watch.called_at()
            if place is not None:
                self._places[place] = None

    def finish(self) -> None:
        """Judge the loops around the lines that trained."""
        for place in self._places:
            found = loop_over_folds(place.file, place.line)
            if found is not None:
                loop, name = found
                self.watch.report(
                    "validation_overlap.folds",
                    "warning",
                    f"the loop over folds of line {loop} goes on training {name!r}, which was made before it: from the "
                    "second fold on, it has already been trained with the rows that it is judged by",
                    place=place,
                    key=("validation_overlap", "folds"),
                    evidence={"share": 1.0, "rows": 0, "usual": 0.0},
                )


def loop_over_folds(file: str, line: int) -> tuple[int, str] | None:
    """The line of the loop over folds around a `name.fit` that doesn't make `name` anew, and the name."""
    tree = tree_of(file)
    for loop in ast.walk(tree) if tree is not None else ():
        if not isinstance(loop, ast.For) or not loop.lineno < line <= (loop.end_lineno or 0) or not _over_folds(loop):
            continue
        parts = list(inner_parts(loop))
        calls = [part for part in parts if isinstance(part, ast.Call)]
        names = {called(call) for call in calls}
        fit = next((c for c in calls if called(c) == "fit" and c.lineno <= line <= (c.end_lineno or c.lineno)), None)
        if fit is None or not isinstance(fit.func, ast.Attribute) or not isinstance(fit.func.value, ast.Name):
            continue
        judged = names & {*JUDGES} or any(each.arg == "validation_data" for each in fit.keywords)
        name = fit.func.value.id
        made = any(isinstance(part, ast.Name) and part.id == name and isinstance(part.ctx, ast.Store) for part in parts)
        if judged and not made and not any(word.startswith(_FRESH) for word in names):
            return loop.lineno, name
    return None


def _over_folds(loop: ast.For) -> bool:
    """Does a loop go through the parts of a cross-validation: `kf.split(x)`, `folds`, `folds[i]`, or `folds == i`?"""
    head = [part for node in (loop.target, loop.iter) for part in ast.walk(node)]
    inner = list(inner_parts(loop))
    body = [part.value for part in inner if isinstance(part, ast.Subscript)]
    body += [part.left for part in inner if isinstance(part, ast.Compare) and _over(loop, part.comparators)]
    names = [getattr(part, "id", getattr(part, "attr", "")) for part in (*head, *body)]
    split = [part for part in head if isinstance(part, ast.Call) and called(part) == "split" and _takes_data(part)]
    return bool(split) or any(_FOLD.search(str(name)) for name in names) or judges_the_left_out(loop)


def _over(loop: ast.For, compared: list[ast.expr]) -> bool:
    """Is the loop's variable what something is compared with, as in `folds != k`?"""
    return any(isinstance(x, ast.Name) and x.id == getattr(loop.target, "id", None) for x in compared)


def _takes_data(call: ast.Call) -> bool:
    """`kf.split(x, y)`, not `text.split()` or `text.split(",")`."""
    return bool(call.args) and not isinstance(call.args[0], ast.Constant)
