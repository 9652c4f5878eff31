"""`too_few_steps.outside`: an update that stands behind the loop over batches, and so sees only the last one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place

__all__ = ["Outside", "update_behind_loop"]

_UPDATES = ("apply", "apply_gradients", "minimize", "assign_sub", "assign_add", "assign")


class Outside(Check):
    """Reads the loop that asks for gradients."""

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._places: dict[Place, None] = {}

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if len(self._places) < limits.WINDOW:
            place = self.watch.called_at() if self.watch.scopes else self.watch.place()
            if place is not None:
                self._places[place] = None

    def finish(self) -> None:
        """Judge the loops around those lines."""
        for place in self._places:
            found = update_behind_loop(place.file, place.line)
            if found is not None:
                self.watch.report(
                    "too_few_steps.outside",
                    "warning",
                    f"the weights are updated here, behind the loop over batches of line {found.loop}, and not in it: "
                    f"of all the batches whose {'gradients' if found.within else 'losses'} it computes, only the last "
                    "one changes anything",
                    place=Place(place.file, found.update),
                    key=("too_few_steps", "outside"),
                    evidence={"steps": self.watch.step, "first": 1.0, "third": 1.0, "last": 1.0},
                )


class Behind(NamedTuple):
    """The line of a loop over batches, that of the update behind it, and whether gradients are asked in the loop."""

    loop: int
    update: int
    within: bool


def update_behind_loop(file: str, line: int) -> Behind | None:
    """Where an update uses what the last round of a loop left, and nothing gathers what the others did.

    Args:
        file: the script.
        line: on which gradients are asked of a tape.
    """
    tree = tree_of(file)
    for block in _blocks(tree) if tree is not None else ():
        for i, loop in enumerate(block):
            if not isinstance(loop, ast.For) or not any("GradientTape" in text for text in _withs(loop)):
                continue
            if any(_called(call) in _UPDATES for call in _calls(loop)):
                continue
            behind = [call for statement in block[i + 1 :] for call in _calls(statement)]
            update = next((call for call in behind if _called(call) in _UPDATES[:2]), None)
            asked = [call for call in (*_calls(loop), *behind) if _called(call) == "gradient" and call.lineno <= line]
            gradient = next((call for call in asked if line <= (call.end_lineno or call.lineno)), None)
            if update is None or gradient is None:
                continue
            within = gradient.lineno <= (loop.end_lineno or 0)
            left = _names_given(loop, gradient) if within else {ast.unparse(each) for each in gradient.args[:1]}
            used = {part.id for part in ast.walk(update) if isinstance(part, ast.Name)} if within else left
            if left and left <= used and all(_only_replaced(loop, name, within) for name in left):
                return Behind(loop.lineno, update.lineno, within)
    return None


def _blocks(tree: ast.AST) -> Iterator[list[ast.stmt]]:
    """The bodies of the module, its functions and its loops."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.For, ast.While)):
            yield node.body


def _withs(node: ast.AST) -> list[str]:
    return [ast.unparse(item.context_expr) for n in ast.walk(node) if isinstance(n, ast.With) for item in n.items]


def _calls(node: ast.AST) -> list[ast.Call]:
    return [part for part in ast.walk(node) if isinstance(part, ast.Call)]


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _names_given(loop: ast.For, gradient: ast.Call) -> set[str]:
    """The names that are given what a call returns."""
    made = [node for node in ast.walk(loop) if isinstance(node, ast.Assign) and node.value is gradient]
    return {
        part.id for node in made for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)
    }


def _only_replaced(loop: ast.For, name: str, unread: bool) -> bool:
    """Does each round give a name something new, which doesn't hold what it had before (and is read nowhere)?"""
    made = [node for node in ast.walk(loop) if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign))]
    own = [node for node in made if name in {part.id for part in _targets(node) if isinstance(part, ast.Name)}]
    if not own or any(isinstance(node, ast.AugAssign) for node in own):
        return False
    values = [part for node in own if node.value is not None for part in ast.walk(node.value)]
    gathers = any(isinstance(part, ast.Name) and part.id == name for part in values)
    reads = [n for n in ast.walk(loop) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Load)]
    return not gathers and not (unread and reads)


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[ast.AST]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield from ast.walk(target)
