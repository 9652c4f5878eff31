"""Which backward ops belong to which pass: a GAN's step asks for gradients twice, of one network and of the other."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from viz.facts import formatting
from viz.facts.derived_stats import norm
from viz.facts.schema import Op, Record, TensorInfo

__all__ = ["GradientPasses", "few", "returned", "weight_gradients", "whole_gradient"]


def few(passes: Collection[int]) -> bool:
    """Are passes through one op, or closed block, so few that they are told apart?"""
    return len(passes) <= 3  # one for each element of a vector, say, are one


def returned(record: Record, parts: Sequence[TensorInfo]) -> TensorInfo | None:
    """The measured gradient that a pass returned, of which it made some parts; None where it returned none.

    It stands behind them, before whatever else ran: so a long recording isn't searched to its end for each weight.
    """
    last = parts[-1]
    for i in range(last.id + 1, len(record.tensors)):
        tensor = record.tensors[i]
        if tensor.producer is None:
            if tensor.gradient_of is None:
                return None
            if tensor.gradient_of == last.gradient_of:
                return tensor if tensor.stats is not None else None
        elif record.ops[tensor.producer].phase != "backward":
            return None
    return None


def weight_gradients(
    record: Record, ops: Iterable[Op], variables: Mapping[int, int]
) -> dict[tuple[int | None, int], list[TensorInfo]]:
    """By step and weight, the parts of its gradient; see `whole_gradient`."""
    found: dict[tuple[int | None, int], list[TensorInfo]] = {}
    for op in ops:
        for i in op.outputs if op.phase == "backward" else ():
            of = record.tensors[i].gradient_of
            if of is not None and of in variables:
                found.setdefault((op.step, variables[of]), []).append(record.tensors[i])
    return found


def whole_gradient(record: Record, parts: list[TensorInfo]) -> TensorInfo:
    """The gradient that the pass returned: the only part, or the measured sum of several."""
    if len(parts) == 1:
        return parts[0]
    if (whole := returned(record, parts)) is not None:
        return whole
    largest = [norm(part) or 0.0 for part in parts]
    return parts[largest.index(max(largest))] if not any(map(math.isnan, largest)) else parts[0]


class GradientPasses:
    """The calls of `tape.gradient` in a step."""

    def __init__(self, record: Record, ops: Iterable[Op]) -> None:
        self._of: dict[int, int] = {}  # the pass of each backward op, as the id of its scope
        self._begins: dict[int, int] = {}  # the first op of each pass
        self._named: dict[int, str] = {}  # a tensor of which gradients are asked -> its name
        around: dict[int | None, int] = {}
        latest: dict[str, int] = {}  # name -> the tensor that has it so far
        for op in ops:
            if op.phase != "backward":
                latest |= {record.called[i]: i for i in op.outputs if i in record.called}
            else:
                if op.scope not in around:
                    found = [each.id for each in record.ancestors(op.scope) if each.kind == "backward"]
                    around[op.scope] = found[-1] if found else -1  # rules that are differentiated ask for others within
                number = self._of[op.id] = around[op.scope]
                is_first = self._begins.setdefault(number, op.id) == op.id
                target = record.scopes[number].config.get("target", "") if number >= 0 else ""
                made = latest.get(target)
                if target and made is None and is_first and op.forward is not None:
                    # A function of the user's made it, whose lines call it otherwise: what is first led back through.
                    outputs = record.ops[op.forward].outputs
                    made = outputs[0] if len(outputs) == 1 else None
                if made is not None:
                    self._named.setdefault(made, formatting.clean(target, formatting.LONGEST_NAME))
        self._record = record
        self._order = sorted({*self._of.values()})
        self._targets = {number: self._target(number) for number in self._order}
        self._counts = collections.Counter(self._targets.values())

    def split(
        self, ops: Sequence[int], backward_of: Mapping[int, Sequence[int]], shown: Callable[[int], int]
    ) -> dict[int, list[int]]:
        """The backward ops of forward ops by their passes, in order; all of them by the first pass where it has many.

        Args:
            ops: the ids of forward ops that are shown by one box.
            backward_of: for each, the ops that compute its gradient.
            shown: gives the op that stands for one that was folded, whose passes count as those of the former.
        """
        found: dict[int, list[int]] = {}
        for op in [op for op in ops if backward_of.get(op)]:
            passes, own = self._passes(backward_of.get(shown(op), ())), self._passes(backward_of.get(op, ()))
            for each in backward_of.get(op, ()):
                place = own.index(self._of[each])
                found.setdefault((passes or own)[min(place, len(passes or own) - 1)], []).append(each)
        if not few(found):
            return {min(found): [each for of_pass in found.values() for each in of_pass]}
        return {number: found[number] for number in sorted(found)}

    def _passes(self, backward: Sequence[int]) -> list[int]:
        return list(dict.fromkeys([self._of[each] for each in backward]))

    @property
    def targets(self) -> set[str]:
        """The names of the tensors that gradients are asked of."""
        return {*self._named.values()}

    def pass_of(self, op: int) -> int:
        """The number of the pass that a backward op, given by its id, is of."""
        return self._of[op]

    def begins_with(self, op: int) -> int | None:
        """The forward op that made what the gradients are of that a backward op, given by its id, helps to compute."""
        return self._record.ops[self._begins[self._of[op]]].forward

    def name(self, number: int) -> str:
        """What tells a pass from the others: `"of gen_loss"`, else which of them it is."""
        target = self._targets[number]
        if target and self._counts[target] == 1:
            return f"of {target}"
        return f"pass {self._order.index(number) + 1}" + (f", of {target}" if target else "")

    def made(self, ops: Iterable[int]) -> list[str]:
        """What ops make that gradients are asked of, in a line, by its name: `["→ loss"]`; none for other ops."""
        tensors = [i for op in ops for i in self._record.ops[op].outputs if i in self._named]
        return ["→ " + ", ".join(dict.fromkeys([self._named[i] for i in tensors]))] if tensors else []

    def _target(self, number: int) -> str:
        config = self._record.scopes[number].config if number >= 0 else {}
        return formatting.clean(str(config.get("target", "")), formatting.LONGEST_NAME)
