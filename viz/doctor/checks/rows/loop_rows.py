"""`validation_mismatch.prepared` in custom loops: rows outside of the tape, against those inside."""

from __future__ import annotations

import weakref
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, first_tensor, host
from viz.doctor.checks.rows.prepared import OutputShapes, Seen, otherwise
from viz.doctor.program import layer_label

__all__ = ["LoopRows"]

_LOOP_BATCHES = 8  # of a loop, which rows outside of the tape are compared with
_LOOP_ASKED = 4  # times that this is done for a model


class LoopRows(Check):
    """Compares what a model is given where it isn't trained with some of the batches that it was trained with."""

    always = ("on_scope_end",)
    ends = ("model",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._trained: weakref.WeakKeyDictionary[Any, tuple[int, Seen]] = weakref.WeakKeyDictionary()
        self._outputs = OutputShapes()
        self._asked: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        owner, known = opened.owner, self._trained.get(opened.owner)
        if error is not None or not self.watch.outermost():
            return
        self._outputs.remember(owner, outputs)
        if self._asked.get(owner, 0) >= _LOOP_ASKED or self.watch.inside("step"):
            return
        given, made = first_tensor(opened.scope.inputs), first_tensor(outputs)
        if given is None or made is None or self._outputs.of_another(owner, given):
            return
        if made.key is not None:
            if self.watch.inside("optimizer") or (known is not None and known[0] >= _LOOP_BATCHES):
                return
            seen = Seen.of(host(given.data))
            if seen is not None:
                before = known if known is not None else (0, None)
                self._trained[owner] = before[0] + 1, seen.and_those(before[1])
        elif known is not None and given.key is None and len(given.data) >= limits.OVERLAP_ROWS:
            self._asked[owner] = self._asked.get(owner, 0) + 1
            self._compare(owner, known[1], Seen.of(host(given.data)))

    def _compare(self, owner: Any, trained: Seen, seen: Seen | None) -> None:
        words = otherwise(trained, seen) if seen is not None else ""
        if not words or seen is None:
            return
        self.watch.report(
            "validation_mismatch.prepared",
            "warning",
            f"the inputs that {layer_label(owner)!r} is given outside of the tape {words}: what it learnt doesn't hold "
            "for them",
            place=self.watch.called_at(),
            key=("validation_mismatch", "loop"),
            evidence={"rows": seen.rows, "low": seen.low, "high": seen.high},
        )
