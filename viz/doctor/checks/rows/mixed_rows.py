"""Rows that get into each other's way: an axis taken for another one, a softmax over the batch, a reshape."""

from __future__ import annotations

from typing import Any

import numpy

from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.asked_again import changes_with
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable, key_of, tensors, tracked, values_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import made_at
from viz.frameworks.owners import layer_role

__all__ = ["MixedRows", "TornAxes"]

_STEPS = (3, 20)  # in which a batch is asked for again, with another first row
_ROWS = (4, 256)
_CHANGED = 1e-3  # of the size of the answers


class MixedRows(Check):
    """Asks for the answers of a batch again, with another first row: those for all others should stay."""

    rules = {
        "channels_first.rows": Rule.warning(
            "the rows of a batch depend on each other: with another first row, {model!l} gives {changed} of the {rows} "
            "other rows other answers, in evaluation mode{where}",
            "See which axis holds the rows: recurrent layers and attention need batch_first=True for (rows, steps, "
            "features); a softmax, a mean or a reshape may go over the rows, too.",
        ),
        "softmax_axis.rows": Rule.error(
            "{by} of {shaped} goes over the rows of the batch, which then depend on each other: with another first "
            "row, {changed} of the {rows} other rows get other answers",
            "Say along which axis: softmax(x, dim=1) over the steps of (rows, steps, features), dim=-1 over classes.",
        ),
    }

    def begin(self) -> None:
        self._last: numpy.ndarray | None = None
        self._over_rows: tuple[Any, Any, str] | None = None  # a softmax: its shape, its line, its name
        self._found: list[Any] = []

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        shares = op.means in ("softmax", "log_softmax") and tracked(outputs) and outputs.data.ndim > 1
        if shares and settings[:1] in ((0,), (-outputs.data.ndim,)):
            self._over_rows = tuple(outputs.data.shape), self.watch.place(), op.name

    def on_answer(self, opened: Any, outputs: Any) -> None:
        given = [x for x in tensors(opened.scope.inputs) if not is_variable(x)]
        made = tensors(outputs)
        if len(given) != 1 or len(made) != 1 or not tracked(made[0]) or not hasattr(opened.owner, "answer_with"):
            return
        now, last = host(given[0].data), self._last
        self._last = now.copy() if now.size < 1_000_000 and not tracked(given[0]) else None
        shape = made[0].data.shape
        if self.watch.step not in _STEPS or last is None or last.shape != now.shape or numpy.array_equal(last, now):
            return  # where all steps are given the same rows, they may be the nodes of one graph
        reads = any(layer_role(each) in ("recurrent", "multi_head_attention") for each in layers_in(opened.owner))
        if now.ndim < 2 or (now.ndim == 2 and now.dtype.kind == "f" and reads):
            return  # these may be the steps of a single sequence
        if not _ROWS[0] <= len(now) <= _ROWS[1] or not shape or shape[0] != len(now) or (now[0] == now[1]).all():
            return
        changed = self._changed(opened.owner, given, 0)
        steps_first = len(shape) > 2 and now.ndim > 1 and shape[1] == now.shape[1]
        if changed and not (steps_first and not self._changed(opened.owner, given, 1)):
            self._found.append((opened.owner, changed, len(now) - 1, self.watch.called_at()))

    @staticmethod
    def _changed(model: Any, given: Any, axis: int) -> int:
        """How many rows get other answers with another first one."""
        now = host(given[0].data)
        other = now.copy()
        numpy.moveaxis(other, axis, 0)[0] = numpy.moveaxis(now, axis, 0)[1]
        found = changes_with(model, given, given[0], now, other)
        if found is None:
            return 0
        one, apart = (numpy.moveaxis(each, axis, 0)[1:] for each in found)
        return int((apart.reshape(len(one), -1).max(axis=1) > _CHANGED * numpy.abs(one).max()).sum())

    def finish(self) -> None:
        if not self._found or self.watch.has("softmax_axis"):
            return
        model, changed, rows, place = self._found[-1]
        if self._over_rows is not None and self._over_rows[0][0] == rows + 1:
            shape, at, by = self._over_rows
            about = {"by": by, "shaped": str(shape), "changed": changed, "rows": rows, "axis": 0, "shape": list(shape)}
            self.tell("softmax_axis.rows", op=by, place=at, **about)
            return
        layer = next((each for each in layers_in(model) if getattr(each, "steps_first", False)), None)
        where = "" if layer is None else f"; layer {layer_label(layer)!r} takes the first axis for the steps in time"
        place = (made_at(layer) if layer is not None else None) or place
        about = {"model": model, "changed": changed, "rows": rows, "where": where, "colours": rows, "taken": changed}
        self.tell("channels_first.rows", place=place, layer=layer, **about)


class TornAxes(Check):
    """Looks at reshapes that were meant to be transpositions, and at means that are multiplied by single numbers."""

    rules = {
        "channels_first.reshape": Rule.warning(
            "a reshape makes {after} of {before}: it keeps the numbers in the order in which they are stored, so "
            "the axes of {size} get mixed with their neighbours",
            "To move axes, transpose (permute) them: x.permute(0, 2, 1, 3).reshape(...) joins axes that stand beside "
            "each other.",
        ),
        "loss_mismatch.mean_first": Rule.warning(
            "{by} makes one number of {count}, which is then multiplied by {count} others, in {steps!c}: each of these "
            "belongs to one of the numbers that are gone by then",
            "Multiply first, then take the mean: (losses * weights).mean(), with a loss that has reduction='none'.",
        ),
    }

    def begin(self) -> None:
        self._means: dict[Any, tuple[str, int]] = {}  # by the keys of single numbers: what made them, and of how many
        self._met: dict[Any, int] = {}

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or not is_tensor(outputs) or not inputs or not hasattr(inputs[0], "shape"):
            return
        if op.means == "reshape":
            before, after = settings if len(settings) == 2 else (inputs[0].shape, outputs.data.shape)
            size = _torn(before, after)
            about = {"before": tuple(before), "after": tuple(after), "size": size, "colours": size, "taken": size}
            swaps = sorted(before) == sorted(n for n in after if n != 1)  # rows and columns of a table
            if size and (tracked(outputs) or len(before) > 2 or swaps) and self.watch.own_line() is not None:
                self.tell("channels_first.reshape", place=self.watch.place(), layer=self.watch.layer(), **about)
        elif outputs.data.size == 1 and outputs.key is not None and op.means != "multiply":
            known = self._means.get(key_of(inputs[0]))
            counts = [x.shape[0] for x in inputs if len(getattr(x, "shape", ()))]
            if counts and max(counts) > 1:
                known = op.name, max(counts)
            if known is not None:
                self._means[outputs.key] = known
        elif op.means == "multiply" and outputs.key is not None:
            self._products(inputs)

    def _products(self, inputs: Any) -> None:
        one = next((x for x in inputs if tracked(x) and x.data.size == 1 and x.key in self._means), None)
        others = [x for x in inputs if key_of(x) is None and len(getattr(x, "shape", ())) == 1]
        by, count = self._means[one.key] if one is not None else ("", 0)
        if not others or others[0].shape[0] != count or not numpy.ptp(values_of(others[0])):
            return
        place = self.watch.place()
        steps = self._met[place] = self._met.get(place, 0) + 1
        if steps >= 4:
            self.tell("loss_mismatch.mean_first", place=place, op=by, by=by, count=count, steps=steps, high=count)

    def on_step_end(self) -> None:
        self._means.clear()


def _torn(before: Any, after: Any) -> int:
    """The length of an axis that a reshape moves to another place; 0 where it only joins and splits neighbours.

    >>> _torn((8, 3, 32, 16), (8, 32, 48)), _torn((8, 32, 48), (8, 32, 3, 16)), _torn((8, 9, 9, 3), (8, 3, 9, 9))
    (32, 0, 3)
    """
    left, right = ([n for n in shape if n != 1] for shape in (before, after))
    while left and right:
        one, two = [left.pop(0)], [right.pop(0)]
        sizes = [one[0], two[0]]
        while sizes[0] != sizes[1] and (left or right):
            side = 0 if sizes[0] < sizes[1] else 1
            rest = (left, right)[side]
            if not rest:
                return 0
            (one, two)[side].append(rest[0])
            sizes[side] *= rest.pop(0)
        moved = [n for n in two if n in one]
        if len(one) > 1 and len(two) > 1 and moved:
            return int(moved[0])
    return 0
