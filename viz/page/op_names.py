"""What ops are called wherever the page names one: as their boxes are, with the line and the pass that they are of.

Only what an op's own name doesn't say is written: most ops are called as they are, and lie in layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from viz.facts import formatting
from viz.facts.blocks import Block, all_blocks
from viz.facts.gradient_passes import GradientPasses
from viz.facts.schema import Op, Record
from viz.facts.selection import is_of_seeds, variables_of
from viz.picture import box_texts

__all__ = ["OpNames"]

_NEXT_STATE = "next random state"  # of a generator that was drawn from
_CHANGED = ("parameter", "frozen")  # weights; what an optimizer keeps beside them has names of its own


class OpNames:
    """Gathers names, a step after the other.

    Args:
        record: the recording.

    Attributes:
        titles: by op, what its box is called where that isn't the op: the optimizer that updates a weight, what the
            user's code calls that which is drawn at random, or that a generator goes on to its next state.
        parts: by op, what the frame is called that is around it and no layer: the line of code that it belongs to.
        passes: by backward op, which of several passes of its step it is of: `"of gen_loss"`.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._weights = {i for i, first in variables_of(record).items() if record.tensors[first].role in _CHANGED}
        self.titles: dict[int, str] = {}
        self.parts: dict[int, str] = {}
        self.passes: dict[int, str] = {}

    def add(self, ops: Sequence[Op], tree: Block) -> None:
        """The names of a step's ops.

        Args:
            ops: all of them.
            tree: their blocks.
        """
        for op in ops:
            title = self.title_of(op)
            if title != formatting.clean(op.name, 40):
                self.titles[op.id] = title
        for block in all_blocks(tree):
            if block.scope is None:
                title = box_texts.title(block)
                self.parts |= {child: title for child in block.children if title and isinstance(child, int)}
        self.passes |= self._passes_of(ops)

    def title_of(self, op: Op) -> str:
        """What the box of an op is called, but for the sign of a backward op."""
        return self._title(op) or formatting.clean(op.name, 40)

    def _title(self, op: Op) -> str:
        if op.phase == "update" and self._weights.intersection(op.outputs):
            return box_texts.updating(self._record, [op])
        if op.outputs and is_of_seeds(self._record.tensors[op.outputs[0]]):
            return _NEXT_STATE
        return box_texts.kept_as(self._record, [op]) if op.phase == "forward" else ""

    def _passes_of(self, ops: Iterable[Op]) -> dict[int, str]:
        backward = [op for op in ops if op.phase == "backward"]
        passes = GradientPasses(self._record, ops)
        names = {op.id: passes.pass_of(op.id) for op in backward}
        if len({*names.values()}) < 2:
            return {}
        texts = {number: passes.name(number) for number in {*names.values()}}
        return {op: texts[number] for op, number in names.items()}
