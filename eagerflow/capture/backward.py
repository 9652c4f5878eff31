"""A tape's walk back while a step is captured: the same rules in the same order, and each written down."""

from __future__ import annotations

from typing import Any

from eagerflow.capture.programs.instructions import Add, Const, Group, Ref, Rule, Slot, Unbroadcast, summed_up
from eagerflow.capture.programs.layouts import copied
from eagerflow.core.backward import EXPLAINED, Walk, everything, fitted, in_gradient
from eagerflow.core.custom_gradient import CustomOp
from eagerflow.core.device import is_array, namespace_of
from eagerflow.core.observe import clock
from eagerflow.core.primitive import registry

__all__ = ["walk_captured"]


def walk_captured(recorder: Any, walk: Walk, seeds: dict[int, Any]) -> dict[int, Any] | None:
    """The gradients of the wanted keys, as `Walk.run` gives them; None where it has to do so itself."""
    recorder.rule_slots = {}
    if walk.since or walk.finished is not None:
        recorder.end("a tape that watches late, or gradients that are sent on while others are computed")
        return None
    records = [record for log, start, stop, _ in walk.stretches for record in log[start:stop] if record is not None]
    if any(record[0].unfolds or isinstance(record[0], CustomOp) for record in records):
        recorder.end("a function with a gradient that you wrote, or that is computed again for it (remat)")
        return None
    return _Walking(recorder, walk, seeds).go()


class _Walking:
    """One walk. Gradients are pairs: the array, and the reference to it."""

    def __init__(self, recorder: Any, walk: Walk, seeds: dict[int, Any]) -> None:
        self.recorder, self.walk = recorder, walk
        self.gradients: dict[int, tuple[Any, Ref]] = {
            key: (array, recorder.ref_of_array(array)) for key, array in seeds.items()
        }
        self.owned: set[int] = set()

    def go(self) -> dict[int, Any] | None:
        walk, recorder = self.walk, self.recorder
        for log, start, stop, free in reversed(walk.stretches):
            for i in range(stop - 1, start - 1, -1):
                record = log[i]
                if record is None:
                    continue
                is_over = free is not None and (free is everything or free(i))
                if is_over:
                    log[i] = None
                self._send_back(record)
                if is_over:
                    recorder.went_back(record)
        found = {key: self.gradients[key] for key in walk.wanted if key in self.gradients}
        for key, (array, ref) in found.items():
            recorder.arrays.hold(array)  # the tape may give it in another type
            slots = list(ref.slots())
            if slots:
                recorder.rule_slots[key] = slots[0]
        return {key: array for key, (array, _) in found.items()}

    def _arriving(self, key: int) -> tuple[Any, Ref] | None:
        return self.gradients.get(key) if key in self.walk.wanted else self.gradients.pop(key, None)

    def _gradient_of(self, record: Any) -> tuple[Any, Ref] | None:
        """What arrives at a record's output, or outputs."""
        key = record[1]
        if key.__class__ is int:
            return self._arriving(key)
        found = [self._arriving(k) for k in key]
        if all(g is None for g in found):
            return None
        xp = namespace_of(*[g[0] for g in found if g is not None])
        parts = []
        for g, (shape, dtype) in zip(found, record[3][-1]):
            if g is None:
                zeros = xp.zeros(shape, dtype)
                g = (zeros, Const(zeros))
            parts.append(g)
        return tuple([array for array, _ in parts]), Group(tuple, [ref for _, ref in parts])

    def _send_back(self, record: Any) -> None:
        op, _, keys, shapes, saved = record
        arriving = self._gradient_of(record)
        reached = self.walk.reached
        if arriving is None or reached.isdisjoint(keys):
            return
        g, ref = arriving
        recorder = self.recorder
        known = recorder.records.get(id(record))
        needs = tuple([key in reached for key in keys])
        before = self._before(known, ref) if recorder.compares else None
        xp = namespace_of(*g) if g.__class__ is tuple else namespace_of(g)
        started = clock()
        try:
            if op.joint:
                found = list(op.pulls[0](xp, g, record, needs))
            else:
                found = [pull(xp, g, record, None) if need else None for pull, need in zip(op.pulls, needs)]
        except EXPLAINED as error:
            raise in_gradient(op, error) from error
        wanted = [gx is not None and need for gx, need in zip(found, needs)]
        outs = [recorder.arrays.new(gx) if want else None for gx, want in zip(found, wanted)]
        if known is None:
            if any(wanted):
                recorder.end(f"the gradient of {op.name}, which ran before the capture or inside a call")
        else:
            _, made, kept = known
            recorder.add(Rule(xp, op, ref, kept, shapes, needs, outs, made), before)
            recorder.instructions[-1].line = made.line  # that of the op, which says more than that of tape.gradient
        ended = clock()
        told: list[tuple[int, Any]] = []
        likes = saved if op.keeps_inputs else shapes
        for i, key in enumerate(keys):
            out = outs[i]
            if out is None:
                continue
            shape = likes[i].shape if op.keeps_inputs else likes[i]
            parts = g if g.__class__ is tuple else (g,)
            sums = any(_is_broadcast(shape, part.shape) for part in parts)
            told.append((key, self._arrive(key, found[i], out, shape, sums)))
        if recorder.others:
            made, arrived = (record[1], g) if record[1].__class__ is tuple else ((record[1],), (g,))
            to, results = tuple([key for key, _ in told]), tuple([gx for _, gx in told])
            for observer in recorder.others:
                observer.on_rule(op, made, to, arrived, results, started, ended)
        return

    def _before(self, known: Any, g: Ref) -> dict[int, Any]:
        """The values of slots before a rule runs, which may work in the memory of what its op kept."""
        numbers = {number for ref in (g, *(known[2] if known is not None else ())) for number in ref.slots()}
        values = {number: self.recorder.arrays[number] for number in numbers}
        return {number: copied(value) if is_array(value) else value for number, value in values.items()}

    def _arrive(self, key: int, gx: Any, slot: int, shape: Any, sums: bool = False) -> Any:
        """Add a contribution to a gradient; gives the contribution in the gradient's shape.

        Args:
            key: of the gradient.
            gx: the contribution.
            slot: that of it.
            shape: the gradient's.
            sums: whether the rule may leave the sum over broadcast axes to us: some kernels do it by themselves for
                arrays that lie in memory in one way, and not for others, which a replay may be given.
        """
        recorder = self.recorder
        if shape is not None and (sums or gx.shape != shape):
            gx = fitted(gx, shape)
            summed = recorder.arrays.new(gx)
            recorder.add(Unbroadcast(fitted, Slot(slot), summed, shape))
            slot = summed
        before = self.gradients.get(key)
        if before is None:
            self.gradients[key] = (gx, Slot(slot))
            return gx
        add = registry["add"].forward
        array, ref = before
        in_place = key in self.owned and array.dtype == gx.dtype
        xp = namespace_of(array, gx)
        total = summed_up(xp, add, array, gx, in_place)
        made = recorder.arrays.new(total)
        recorder.add(Add(xp, add, ref, Slot(slot), made, in_place))
        self.owned.add(key)
        self.gradients[key] = (total, Slot(made))
        return gx


def _is_broadcast(shape: Any, wide: tuple[int, ...]) -> bool:
    """Is this shape stretched to the other one, as that of a bias is?"""
    if shape is None or shape == wide or len(shape) > len(wide):
        return False
    return all(n in (1, wide[i]) for i, n in enumerate(shape, len(wide) - len(shape)))
