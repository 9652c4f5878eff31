"""`callback_mismatch.by_hand`: a loop that keeps the weights of its worst epoch, as a comparison is turned round."""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place

__all__ = ["KeptByHand", "kept_the_wrong_way"]

_BEST = re.compile(r"best|lowest|highest", re.IGNORECASE)
_LOWER = re.compile(r"(^|_)(loss(es)?|error|err|mse|mae|rmse|perplexity)(_|$|\d)", re.IGNORECASE)
_HIGHER = re.compile(r"(^|_)(acc|accuracy|f1|auc|recall|precision|iou|dice)(_|$|\d)", re.IGNORECASE)
_KEEPS = ("get_weights", "save_weights", "save", "save_model", "numpy", "deepcopy", "write")


class _Kept(NamedTuple):
    """A comparison of two names, on a line; which is better by the name, and which is kept."""

    line: int
    name: str
    best: str
    lower_is_better: bool


class KeptByHand(Check):
    """Reads the file of a loop that trains."""

    always = ("on_scope_begin",)
    begins = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._places: dict[Place, None] = {}

    def on_scope_begin(self, opened: Any) -> None:
        if len(self._places) < limits.WINDOW and self.watch.heavy:
            place = self.watch.called_at()
            if place is not None:
                self._places[place] = None

    def finish(self) -> None:
        """Judge what the file keeps."""
        for file in {place.file for place in self._places}:
            for kept in kept_the_wrong_way(file):
                better, what = ("lower", "higher") if kept.lower_is_better else ("higher", "lower")
                self.watch.report(
                    "callback_mismatch.by_hand",
                    "warning",
                    f"the weights are kept whenever {kept.name!r} is {what} than {kept.best!r}, but of such a number "
                    f"the {better} one is better: those of the worst epoch are kept",
                    place=Place(file, kept.line),
                    key=("callback_mismatch", "by_hand", kept.line),
                    evidence={"epochs": 0, "seen": 0},
                )


def kept_the_wrong_way(file: str) -> list[_Kept]:
    """Comparisons such as `if loss > best:`, after which `best` becomes that loss and the weights are kept."""
    tree = tree_of(file)
    found = [_kept(node) for node in (ast.walk(tree) if tree is not None else ()) if isinstance(node, ast.If)]
    return [kept for kept in found if kept is not None]


def _kept(node: ast.If) -> _Kept | None:
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], _ORDERS):
        return None
    sides = [_name(test.left), _name(test.comparators[0])]
    bests = [bool(_BEST.search(side)) for side in sides]
    if not all(sides) or sum(bests) != 1:
        return None
    best, other = sides if bests[0] else sides[::-1]
    greater = isinstance(test.ops[0], (ast.Gt, ast.GtE)) == bests[1]  # is what is kept the larger one?
    lower, higher = bool(_LOWER.search(other)), bool(_HIGHER.search(other))
    parts = [part for statement in node.body for part in ast.walk(statement)]
    stored = any(
        _name(target) == best and _name(part.value) == other
        for part in parts
        if isinstance(part, ast.Assign)
        for target in part.targets
    )
    keeps = any(isinstance(part, ast.Call) and _name(part.func).split(".")[-1] in _KEEPS for part in parts)
    if lower == higher or greater != lower or not stored or not keeps:
        return None
    return _Kept(node.lineno, other, best, lower)


_ORDERS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)


def _name(node: ast.expr) -> str:
    """`loss`, `self.best`, `logs["val_loss"]`, or `float(loss)` as text; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Call) and len(node.args) == 1 and _name(node.func) == "float":
        return _name(node.args[0])
    return ""
