"""`label_range.exchanged`: outputs of one model, each of which is given the labels of another one."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor.check_base import Check
from viz.doctor.checks.losses import labels_and_answers, loss_kind
from viz.recorder.names.input_names import names_of_outputs

__all__ = ["Exchanged"]


class Exchanged(Check):
    """Adds the likely cause to a finding: a binary crossentropy is given amounts, and another loss nothing but 0 and 1.

    Asked after `Labels`.
    """

    begins = ("loss",)
    ends = ("model",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._names: list[tuple[str, Any]] = []
        self._amounts = ""  # the output whose yes or no is given amounts, in this step
        self._yes_or_no = ""  # the output whose amounts are given 0 and 1
        self._shapes: list[tuple[int, ...]] = []
        self._told = False

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is None and self.watch.outermost():
            self._names = names_of_outputs(opened.owner, outputs)
            self._amounts = self._yes_or_no = ""
            self._shapes = []

    def on_scope_begin(self, opened: Any) -> None:
        pair = None if self._told or len(self._names) < 2 else labels_and_answers(opened)
        if pair is None or not pair[0].size:
            return
        labels, answers = pair
        name = next((each for each, x in self._names if x is answers), "")
        kind, whole = loss_kind(opened.owner), set(numpy.unique(labels[:100]).tolist())
        if not name or kind not in ("binary", "other"):
            return
        if kind == "binary" and (labels.min() < 0 or labels.max() > 1):
            self._amounts = name
        elif kind == "other" and whole == {0, 1} and set(numpy.unique(labels).tolist()) == whole:
            self._yes_or_no = name
        else:
            return
        self._shapes.append(labels.shape)

    def on_step_end(self) -> None:
        if self._told or not self._amounts or not self._yes_or_no or len(set(self._shapes)) > 1:
            return
        if self.watch.raw("label_range")[-1:] and self.watch.raw("label_range")[-1].rule == "label_range.binary":
            self._told = True
            self.watch.amend(
                "label_range",
                f"these are the labels given to output {self._amounts!r}, and output {self._yes_or_no!r}, whose loss "
                "compares amounts, is given nothing but 0 and 1: the labels of the two are exchanged, it seems",
                rule="label_range.exchanged",
            )
