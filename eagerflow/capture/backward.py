"""A tape's walk back while a step is captured: the same rules in the same order, and each written down."""

from __future__ import annotations

from typing import Any

from eagerflow.capture.programs.instructions import Add, Group, Ref, Rule, summed_up
from eagerflow.capture.programs.layouts import copied
from eagerflow.core.backward import Walk, everything, fitted
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
    return _CapturedWalk(recorder, walk).gradients(seeds)


class _CapturedWalk(Walk):
    """A walk whose rules and sums are written down. The recorder knows gradients by their arrays."""

    def __init__(self, recorder: Any, walk: Walk) -> None:
        vars(self).update(vars(walk))
        self.recorder = recorder
        stays = [stretch for stretch in walk.stretches if stretch.free is not everything]
        self._kept = {
            id(each.log[i]) for each in stays for i in range(each.start, each.stop) if not (each.free and each.free(i))
        }

    def gradients(self, seeds: dict[int, Any]) -> dict[int, Any]:
        found, recorder = dict(seeds), self.recorder
        self._send_back_with_care(found, set(), self.stretches, set(self.reached), False)
        found = {key: found[key] for key in self.wanted if key in found}
        for key, array in found.items():
            recorder.arrays.hold(array)  # the tape may give it in another type
            slot = recorder.arrays.slot_of(array)
            if slot is not None:
                recorder.rule_slots[key] = slot
        return found

    def _contributions(self, record: Any, g: Any, reached: set[int]) -> list[tuple[int, Any]]:
        op, made, keys, shapes, saved = record
        if reached.isdisjoint(keys):
            return []
        recorder, several = self.recorder, g.__class__ is tuple
        known = recorder.records.get(id(record))
        if id(record) not in self._kept:
            recorder.records.pop(id(record), None)
        parts = g if several else (g,)
        refs = [recorder.ref_of_array(part) for part in parts]
        ref = Group(tuple, refs) if several else refs[0]
        before = self._before(known, ref) if recorder.compares else None
        started = clock()
        outs, fits, sent = list[int | None](), list[Any](), list[tuple[int, Any]]()
        for key, gx, like in zip(keys, self._pulled(record, g, reached), saved if op.keeps_inputs else shapes):
            if gx is None or key not in reached:
                outs.append(None)
                fits.append(None)
                continue
            shape = getattr(like, "shape", None) if op.keeps_inputs else like
            # Some kernels sum over broadcast axes by themselves where arrays lie in memory in one way, and not where a
            # replay's lie in another.
            sums = shape is not None and (gx.shape != shape or any(_is_broadcast(shape, part.shape) for part in parts))
            fits.append(shape if sums else None)
            gx = fitted(gx, shape) if sums else gx  # type: ignore[arg-type]
            outs.append(recorder.arrays.new(gx))
            sent.append((key, gx))
        if known is not None and sent:
            needs = tuple([key in reached for key in keys])
            rule = Rule(namespace_of(*parts), op, ref, known[2], shapes, needs, outs, known[1], fits)
            recorder.add(rule, before)
            rule.line = known[1].line  # that of the op says more than that of tape.gradient
        elif sent:
            recorder.end(f"the gradient of {op.name}, which ran before the capture or inside a call")
        to, results = tuple([key for key, _ in sent]), tuple([gx for _, gx in sent])
        for observer in recorder.others:
            observer.on_rule(op, made if made.__class__ is tuple else (made,), to, parts, results, started, clock())
        return sent

    def _before(self, known: Any, g: Ref) -> dict[int, Any]:
        """The values of slots before a rule runs, which may work in the memory of what its op kept."""
        numbers = {number for ref in (g, *(known[2] if known is not None else ())) for number in ref.slots()}
        values = {number: self.recorder.arrays[number] for number in numbers}
        return {number: copied(value) if is_array(value) else value for number, value in values.items()}

    def _add(self, gradients: dict[int, Any], owned: set[int], key: int, gx: Any) -> None:
        before = gradients.get(key)
        if before is None:
            gradients[key] = gx
            return
        recorder, add = self.recorder, registry["add"].forward
        in_place, xp = key in owned and before.dtype == gx.dtype, namespace_of(before, gx)
        first, second = recorder.ref_of_array(before), recorder.ref_of_array(gx)
        gradients[key] = total = summed_up(xp, add, before, gx, in_place)
        recorder.add(Add(xp, add, first, second, recorder.arrays.new(total), in_place))
        owned.add(key)


def _is_broadcast(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether this shape is stretched to the other one, as that of a bias is."""
    if shape == wide or len(shape) > len(wide):
        return False
    return all(n in (1, wide[i]) for i, n in enumerate(shape, len(wide) - len(shape)))
