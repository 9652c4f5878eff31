"""`slow_input` and `slow_op`: where the time of a step goes. Hints only: times depend on the machine."""

from __future__ import annotations

import statistics
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at
from viz.recorder.source_lines import is_internal

__all__ = ["Costs", "Timing"]

_SLOW_LOOP = 0.2  # the same, for the ops of a Python loop: half of its time is spent between them
_MANY_CALLS = 200  # ops run by one line in one step: a Python loop over rows or time steps

_SHARE = "{share:.0%} of the time; it computes for {step_ms:.1f} ms"
_COST = "{whose} takes {share:.0%} of a step of {step_ms:.1f} ms ({op}{how})"


class _Cost:
    def __init__(self, op: str, layer: Any, place: Place | None) -> None:
        self.op, self.layer, self.place = op, layer, place
        self.ns = self.calls = 0


class _Times(Check):
    """Takes the time of each step, without what the doctor itself uses up."""

    def begin(self) -> None:
        self._steps: list[float] = []
        self._began: tuple[int, int] | None = None  # when the step began, and what the doctor had used up by then

    def _starts(self, opened: Any) -> bool:
        """Does a training step begin with this scope?"""
        training = opened.kind in ("step", "model", "layer") and (
            opened.kind != "step" or opened.scope.name == "train_step"
        )
        if self._began is not None or not training:
            return False
        self._began = opened.scope.started, opened.at_begin
        return True

    def _ends(self) -> bool | None:
        """Was the time of the step that is over kept? Not of the first ones, which build; None where none began."""
        if self._began is None:
            return None
        (began, spent), self._began = self._began, None
        if self.watch.step >= 2:
            self._steps.append(self.watch.now - began - (self.watch.spent - spent))
        return self.watch.step >= 2


class Timing(_Times):
    """Compares waiting for data with computing."""

    rules = {
        "slow_input": Rule.info(
            "a step waits {wait_ms:.1f} ms for its data: " + _SHARE,
            "Prepare data beforehand, or in threads: Dataset.prefetch(2), Dataset.cache(), or a PyDataset with "
            "workers=4.",
        ),
        "slow_input.loop": Rule.info(
            "between two steps the loop takes {wait_ms:.1f} ms to get its data, or for other work: " + _SHARE,
            "See what the loop does between two steps. Prepare rows before it, all at once; evaluate, draw and save "
            "every few hundred steps; and let a Dataset read ahead: for batch in dataset.prefetch(2).",
        ),
    }

    always = ("on_scope_begin", "on_scope_end", "on_step_end")
    begins = ("step", "model", "layer", "data")
    ends = ("data",)

    def begin(self) -> None:
        super().begin()
        self._waits: list[float] = []
        self._wait: float | None = None
        self._wait_place: Place | None = None
        self._guessed = False  # from the pause between two steps of a custom loop, in which anything may run

    def on_scope_begin(self, opened: Any) -> None:
        ended = self.watch.step_ended
        if self._starts(opened) and self._wait is None and ended and opened.kind != "step":
            self._wait, self._wait_place = float(opened.scope.started - ended), self.watch.called_at()
            self._guessed = True

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        self._guessed = False
        self._wait = float(self.watch.now - opened.scope.started - (self.watch.spent - opened.at_begin))
        self._wait_place = self.watch.called_at()

    def on_step_end(self) -> None:
        kept = self._ends()
        if kept is None:
            return
        if kept and self._wait is not None:
            self._waits.append(self._wait)
        self._wait = None
        if len(self._steps) in (limits.WINDOW, 4 * limits.WINDOW):
            self.finish()

    def finish(self) -> None:
        if len(self._waits) < limits.WINDOW:
            return
        wait, step = (statistics.median(each) / 1e6 for each in (self._waits, self._steps))
        if wait >= max(limits.SLOW_INPUT_MS, step):
            numbers = {"wait_ms": wait, "step_ms": step, "share": wait / (wait + step), "steps": len(self._waits)}
            rule, key = "slow_input.loop" if self._guessed else "slow_input", ("slow_input", 0)
            self.tell(rule, place=self._wait_place, key=key, **numbers)


class Costs(_Times):
    """Compares the parts of the steps that are looked at closely with each other."""

    rules = {
        "slow_op": Rule.info(
            _COST,
            "Make this part smaller (fewer units, smaller kernels, strides, pooling before it), or write it with ops "
            "on whole arrays.",
        ),
        "slow_op.loop": Rule.info(
            _COST,
            "Do the whole array in one op instead of a loop; take layers.LSTM, GRU or SimpleRNN, whose default "
            "activations run all steps as one op, instead of cells.",
        ),
    }

    def begin(self) -> None:
        super().begin()
        self._costs: dict[Any, _Cost] = {}
        self._inside: list[int] = []  # time of the parts of each open scope

    def on_scope_begin(self, opened: Any) -> None:
        self._inside.append(0)
        self._starts(opened)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self._inside:
            self._inside[-1] += self.watch.duration
        key = getattr(outputs, "key", None)
        origin = self.watch.origins.get(key) if key is not None else None
        if origin is not None:
            self._add(op.name, origin.layer, origin.place, self.watch.duration)

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        origin = self.watch.origins.get(out_keys[0]) if out_keys and out_keys[0] is not None else None
        if origin is not None:
            self._add(op.name, origin.layer, origin.place, self.watch.duration, calls=0)

    def _add(self, op: str, layer: Any, place: Place | None, ns: int, calls: int = 1) -> None:
        key = place if layer is None else (id(layer), place)
        cost = self._costs.get(key)
        if cost is None:
            cost = self._costs[key] = _Cost(op, layer, place)
        cost.ns += ns
        cost.calls += calls

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        took = self.watch.now - opened.scope.started - (self.watch.spent - opened.at_begin)
        parts = self._inside.pop() if self._inside else 0
        if self._inside:
            self._inside[-1] += took
        if opened.kind in ("layer", "loss") and self._began is not None:
            place = _code_of(opened.owner)
            if place is not None:  # the user's own Python code
                layer = opened.owner if opened.kind == "layer" else None
                self._add("Python code", layer, place, took - parts, calls=0)

    def on_step_end(self) -> None:
        if self._ends() is False:
            self._costs.clear()
        elif len(self._steps) == limits.WINDOW:
            self.finish()

    def finish(self) -> None:
        steps, middle = len(self._steps), statistics.median(self._steps or [0])
        # The median: one long pause, of the garbage collector say, makes no slow training.
        if steps < limits.WINDOW or middle / 1e6 <= limits.SLOW_STEP_MS:
            return
        # What the doctor itself takes is left out, and that may be too much of a step in which it was interrupted.
        total = max(sum(self._steps), steps * middle)
        for cost in self._costs.values():
            share, calls = cost.ns / total, cost.calls / steps
            rule = "slow_op.loop" if calls >= _MANY_CALLS else "slow_op"
            if share >= (limits.MOSTLY if rule == "slow_op" else _SLOW_LOOP):
                how = f", in {calls:.0f} ops for each step: a Python loop" if rule != "slow_op" else ""
                whose = f"layer {layer_label(cost.layer)!r}" if cost.layer is not None else "this line"
                at = {"layer": cost.layer, "place": cost.place or made_at(cost.layer), "op": cost.op}
                numbers = {"share": share, "ms": cost.ns / steps / 1e6, "calls": calls, "steps": steps}
                self.tell(rule, whose=whose, how=how, step_ms=total / steps / 1e6, **at, **numbers)


def _code_of(owner: Any) -> Place | None:
    """Where the user wrote the call method of a layer or loss, or the function of a loss."""
    for function in (getattr(type(owner), "call", None), getattr(owner, "fn", None)):
        code = getattr(function, "__code__", None)
        if code is not None and not is_internal(code.co_filename):
            return Place(code.co_filename, code.co_firstlineno)
    return None
