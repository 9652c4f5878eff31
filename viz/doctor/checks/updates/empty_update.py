"""`frozen.nothing`: an optimizer that is given no weights, and the line that set a model still."""

from __future__ import annotations

import ast
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, tensors
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place, user_frames

__all__ = ["EmptyUpdate", "set_still_at"]

_FIXES = {
    "frozen.unbuilt": (
        "Take model.trainable_variables behind the model's first call, or in each step; or give the model an Input, "
        "which builds it at once."
    ),
    "frozen.nothing": (
        "Leave trainable = False out there: in a loop, the generator's step leaves the discriminator still by itself, "
        "as its optimizer is given generator.trainable_variables alone. Or set it to True again before that step."
    ),
}


class EmptyUpdate(Check):
    """Counts updates of no weights at all.

    A list of weights taken before the first call is empty, as layers make theirs when they are called.
    """

    fixes = _FIXES

    always = ("on_scope_begin",)
    begins = ("optimizer", "model")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._empty: dict[int, int] = {}
        self._model: Any = None  # the one that was called last

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "model":
            self._model = opened.owner
            return
        key = id(opened.owner)
        if tensors(opened.scope.inputs) or self.watch.inside("step"):
            self._empty[key] = -1  # it has something to do, now or later
            return
        if self._empty.get(key, 0) < 0:
            return
        self._empty[key] = self._empty.get(key, 0) + 1
        if self._empty[key] == limits.FIRST:
            place = self.watch.called_at()
            still = set_still_at(None)
            where = f", as {still[0]}.trainable = False stands on line {still[1].line}" if still is not None else ""
            name = getattr(opened.owner, "name", "the optimizer")
            unbuilt = still is None and bool(getattr(self._model, "trainable_variables", ()))
            if unbuilt:
                where = ", though the model has some: the list was taken before its first call made them"
            self.watch.report(
                "frozen.unbuilt" if unbuilt else "frozen.nothing",
                "error",
                f"{name} changes nothing: it is given no weights in any of its first {limits.FIRST} steps{where}",
                op=name,
                place=still[1] if still is not None else place,
                key=("frozen", "nothing", key),
                evidence={"unchanged": 0, "steps": limits.FIRST},
            )


def set_still_at(owner: Any) -> tuple[str, Place] | None:
    """The name and the line of `name.trainable = False` in the running code, for a layer or model.

    Args:
        owner: that layer or model; None for any that is set still.

    Returns:
        None where the line can't be told for sure.
    """
    frames = user_frames()
    names = {
        name
        for frame in frames
        for scope in (frame.f_locals, frame.f_globals)
        for name, value in scope.items()
        if (value is owner if owner is not None else hasattr(type(value), "trainable") and value.trainable is False)
    }
    found: dict[tuple[str, int], Place] = {}
    every: dict[tuple[str, int], Place] = {}
    for file in dict.fromkeys(frame.f_code.co_filename for frame in frames):
        tree = tree_of(file)
        for node in ast.walk(tree) if tree is not None else ():
            value = node.value if isinstance(node, ast.Assign) else None
            if not isinstance(value, ast.Constant) or value.value is not False or not isinstance(node, ast.Assign):
                continue
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr == "trainable":
                    name = ast.unparse(target.value)
                    every[name, node.lineno] = Place(file, node.lineno)
                    if name in names:
                        found[name, node.lineno] = every[name, node.lineno]
    chosen = found or every
    if len(chosen) != 1:
        return None
    ((name, _), place) = next(iter(chosen.items()))
    return name, place
