"""Does a loop of the script's own call its layers in training mode?"""

from __future__ import annotations

from typing import Any

from eagerflow.core.observe import Scope
from viz.check.row import Row, fault
from viz.doctor.facts.host_arrays import first_tensor
from viz.doctor.program import layer_label

__all__ = ["TrainingMode"]

_NAMED = 3


class TrainingMode:
    """Hears in which mode the layers run that have two, where their outputs are differentiated."""

    def __init__(self) -> None:
        self._outermost: list[Scope] = []
        self._idle: dict[int, Any] = {}
        self._trains = False  # does any of them run in training mode, or is inference asked for?

    def on_scope_begin(self, scope: Scope) -> None:
        if scope.kind in ("layer", "model"):
            self._outermost.append(scope)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind not in ("layer", "model") or not self._outermost:
            return
        first = self._outermost[0]
        if scope in self._outermost:
            del self._outermost[self._outermost.index(scope) :]
        made = first_tensor(outputs)
        if made is None or made.key is None or not _has_modes(scope.owner):
            return
        if _mode(scope) is True or _mode(first) is False:
            self._trains = True
        else:
            self._idle[id(scope.owner)] = scope.owner

    def check(self) -> Row | None:
        """✗ where a loop leaves out `training=True`; None where it doesn't, or has no such layers."""
        if self._trains or not self._idle:
            return None
        layers = list(self._idle.values())
        does = [
            f"{layer_label(each)!r} {'drops nothing' if 'Dropout' in type(each).__name__ else 'learns no averages'}"
            for each in layers[:_NAMED]
        ]
        more = ", …" if len(layers) > _NAMED else ""
        words = f"the loop calls its model in inference mode, without training=True: {', '.join(does)}{more}"
        fix = "call the model with training=True inside the tape"
        return fault(words, fix, layers=[layer_label(each) for each in layers])


def _mode(scope: Scope) -> bool | None:
    """The mode that a call was given; None where none was."""
    given = [x for x in scope.inputs if x is True or x is False] if isinstance(scope.inputs, tuple) else []
    return given[-1] if given else None


def _has_modes(layer: Any) -> bool:
    """Does a layer do something else in training, which matters to what is learnt?"""
    name = type(layer).__name__
    if name == "BatchNormalization":
        return bool(layer.trainable)
    return name.endswith("Dropout") and getattr(layer, "rate", 0) > 0
