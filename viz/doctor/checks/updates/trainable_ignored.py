"""`frozen.compiled`: layers that were frozen or unfrozen after `compile`, where that changes nothing."""

from __future__ import annotations

import ast
from typing import Any

from viz.doctor.check_base import Check
from viz.doctor.program import layer_label
from viz.doctor.source_calls import tree_of
from viz.doctor.user_code import Place

__all__ = ["TrainableIgnored", "switched_at"]

_FIXES = {
    "frozen.compiled": (
        "Call model.compile(...) again after changing trainable: compile remembers what was trainable, as in Keras 2."
    )
}


class TrainableIgnored(Check):
    """Asks a model that is trained which layers are not as trainable as the script wants them.

    That is so where a script speaks Keras 2 (see `compat/keras_2/trainable.py` of eagerflow); else a change counts
    at once.

    Keras' guide to transfer learning warns of it: freezing without another `compile` had no effect there.
    """

    fixes = _FIXES

    always = ("on_scope_begin",)
    begins = ("step",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._told = False

    def on_scope_begin(self, opened: Any) -> None:
        if self._told or opened.scope.name != "train_step":
            return
        overruled = getattr(getattr(getattr(opened.owner, "_ef_state", None), "compiled", None), "overruled", ())
        inner = [(layer, value) for layer, value in overruled if not _holds_others(layer, overruled)]
        if not inner:
            return
        self._told = True
        layer, stays = inner[0]
        more = f" and {len(inner) - 1} more" if len(inner) > 1 else ""
        are = "were" if more else "was"
        place = self.watch.called_at()
        self.watch.report(
            "frozen.compiled",
            "warning",
            f"{layer_label(layer)!r}{more} {are} {'frozen' if stays else 'unfrozen'} after compile, and "
            f"{'go' if more else 'goes'} on {'learning' if stays else 'without learning'}: that counts from the next "
            "compile on",
            layer=layer,
            place=(switched_at(place, to=not stays) if place is not None else None) or place,
            key=("frozen", "compiled"),
            evidence={"unchanged": 0 if stays else len(inner), "layers": len(inner), "steps": self.watch.step},
        )


def _holds_others(layer: Any, overruled: Any) -> bool:
    """Is it a model around layers that are named, too?"""
    inside = {id(each) for each in getattr(layer, "layers", ())}
    return any(id(other) in inside for other, _ in overruled)


def switched_at(fit: Place, to: bool) -> Place | None:
    """The last line before a call of `fit` that sets `trainable` to this value; None for none."""
    tree = tree_of(fit.file)
    lines = [
        node.lineno
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is to
        if any(isinstance(target, ast.Attribute) and target.attr == "trainable" for target in node.targets)
    ]
    before = [line for line in lines if line < fit.line]
    return Place(fit.file, max(before)) if before else None
