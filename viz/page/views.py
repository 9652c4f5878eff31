"""What each step shows, as the page's scripts read it: its tree, its rows of boxes, and all that these say."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Set
from typing import Any

from viz.facts.blocks import Block, all_blocks, tree
from viz.facts.digest.time_spans import step_spans, whole_span
from viz.facts.folding.runs import find_runs
from viz.facts.schema import Op, Record
from viz.facts.selection import Selection, call_numbers, calls_around, step_names, variables_of
from viz.page.op_names import OpNames
from viz.page.tree_columns import Facts, TreeColumns
from viz.picture import box_texts

__all__ = ["Views"]

_LETTERS = {
    ("", ""): "-",
    ("parameter", ""): "p",
    ("gradient", ""): "g",
    ("data", ""): "d",
    ("data", "input"): "i",
    ("data", "target"): "t",
    ("data", "constant"): "c",
}


class Views:
    """What is shown of each step of a recording.

    Args:
        record: the recording.
        flops: the floating-point operations of each op, None where they aren't known.
        text: gives a text's number in the page.
        usual: the ids of ops of which the page tells what they took in several steps.

    Attributes:
        steps: pairs of a step's number, None for what ran outside of all steps, and what is shown of it:
            `name` and `caption`; `span`, when it began and ended, None where times weren't recorded; `tree`, see
            `TreeColumns`, and `forward`, that without ops of backward passes, None where its blocks are the same; and
            `rest`, the boxes of updates that belong to no row: ops, name, cost.
        flows: for each op a text with a letter for each input: whether an arrow leads there (`-`: none) from a
            parameter, as gradient or as data; `i`, `t` and `c` are data too, which have the box of an input,
            a target or a constant where no op made them.
        names: what ops are called.
    """

    def __init__(self, record: Record, flops: list[int | None], text: Callable[[str], int], usual: Set[int]) -> None:
        self.record, self.text, self._usual = record, text, usual
        self.facts = Facts(record, flops, text)
        self.calls = call_numbers(record)
        self.names = OpNames(record)
        self.flows = [0] * len(record.ops)
        of_steps: dict[int | None, list[Op]] = {} if record.steps else {None: []}
        for op in record.ops:
            of_steps.setdefault(op.step if record.steps else None, []).append(op)
        for step in record.steps:
            of_steps.setdefault(step.index, [])
        variables, around = variables_of(record), calls_around(record)
        self._names = step_names(record)
        self._spans = step_spans(record)
        if self._spans and not record.steps:
            self._spans = {None: whole_span(self._spans) or (0, 0)}
        self.steps: list[tuple[int | None, dict[str, Any]]] = [
            (number, self._told(number, ops) | self._view(Selection(record, number, True, ops, variables, around)))
            for number, ops in of_steps.items()
        ]

    def _told(self, step: int | None, ops: list[Op]) -> dict[str, Any]:
        """The name of a step, what stands below it, and when it ran."""
        caption = box_texts.caption(self.record, ops, self._spans, any(op.id in self._usual for op in ops))
        outside = "outside of steps" if self.record.steps else ""
        return {
            "name": self.text(outside if step is None else self._names[step]),
            "caption": self.text("  ·  ".join(caption)),
            "span": self._spans.get(step),
        }

    def _view(self, selection: Selection) -> dict[str, Any]:
        record = self.record
        for op in selection.ops:
            letters = [_LETTERS[selection.flow(op, tensor)] for tensor in op.inputs]
            self.flows[op.id] = self.text("".join(letters))
        whole = tree(record, selection.forward, self.calls)
        self.names.add(selection.ops, whole)
        find_runs(whole, selection.signature, selection.wiring())
        columns = TreeColumns(self.facts, selection, whole)
        forward = self._forward(selection, whole)
        return {
            "tree": columns.data,
            "forward": None if forward is None else TreeColumns(self.facts, selection, forward).data,
            "rest": self._rest([op for op in selection.ops if op.phase == "update" and op.id not in columns.shown]),
        }

    def _forward(self, selection: Selection, whole: Block) -> Block | None:
        """The tree without ops of backward passes; None where it has the same blocks and runs."""
        ops = [op for op in selection.forward if op.phase != "backward"]
        if len(ops) == len(selection.forward) and not selection.backward_of:
            return None
        before = [block.runs for block in all_blocks(whole)]
        alone = whole if len(ops) == len(selection.forward) else tree(self.record, ops, self.calls)
        find_runs(alone, functools.partial(selection.signature, with_backward=False), selection.wiring(ops))
        alike = alone is whole and before == [block.runs for block in all_blocks(whole)]
        return None if alike else alone

    def _rest(self, ops: list[Op]) -> list[list[Any]]:
        """Ops of the optimizer that change no weight shown in a row: one box for each scope."""
        found = []
        for _, group in itertools.groupby(ops, key=lambda op: op.scope):
            ids = [op.id for op in group]
            cost = self.facts.cost(ids).text(together=False, with_size=False)
            title, lines = box_texts.rest(self.record, [self.record.ops[i] for i in ids])
            found.append([ids, self.text(title), self.text(cost), *map(self.text, lines)])
        return found
