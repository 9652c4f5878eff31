"""What all checks share: what they hear of, the rules they tell by, and a way to tell."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from viz.doctor.host_arrays import number
from viz.doctor.program import Program, layer_label

__all__ = ["Check", "Rule"]


class Rule(NamedTuple):
    """A way in which a kind of mistake comes about.

    Attributes:
        severity: see `Finding`; a check may tell another one.
        words: what is wrong: a format, in which `!n` stands for a number with two digits, `!c` for so many steps, `!i`
            for "in all so many steps", `!l` for the name of a layer, and `{name}` for that of the layer told of.
        fix: what to do about it.
    """

    severity: str
    words: str
    fix: str


class _Words(string.Formatter):
    def __init__(self, watch: Program) -> None:
        self._ways = {"n": number, "c": watch.counted, "i": watch.in_all, "l": lambda x: repr(layer_label(x))}

    def convert_field(self, value: Any, conversion: Any) -> Any:
        way = self._ways.get(conversion)
        return super().convert_field(value, conversion) if way is None else way(value)  # type: ignore[operator]


class Check:
    """Looks for some kinds of findings.

    A subclass defines the handlers it needs. Of the facts of a step (see `step_facts.py`) it hears by `on_loss(loss)`,
    `on_gradients(gradients)` and `on_step_end()`; of what runs by `on_answer(opened, outputs)` (the program called a
    model or layer itself), `on_call(opened)` and `on_call_end(opened, outputs)` (any model or layer), `on_loss_end(
    opened, outputs)`, `on_optimizer(opened)` and `on_fit_step(opened)` (a training step of `fit`); and as
    `eagerflow.core.observe.Observer` does (ops without their times). `on_crash(error)` tells that an exception ended the
    script, `finish()` that the training did. What asks which function ran defines `on_single_op(op, inputs, outputs,
    whole)`: of a fused op it hears of each part, with its `name`, its inputs (None for what lies between two parts), its
    outputs (None unless they are the fused op's), and those of the whole.

    Attributes:
        rules: by which it tells, each a kind or `kind.way`.
        always: handlers that are called in every step; the others only in the steps that are looked at closely.
        of_script: is there one for all trainings of a script, as it compares them, or has each training its own?
        begins, ends: of which kinds of scopes `on_scope_begin` and `on_scope_end` want to hear; None: of all.
        watch: the program, which knows where it is, and takes reports.
    """

    rules: ClassVar[Mapping[str, Rule]] = {}
    of_script = False
    always: tuple[str, ...] = ()
    begins: tuple[str, ...] | None = None
    ends: tuple[str, ...] | None = None

    def __init__(self, watch: Program) -> None:
        self.watch = watch

    def tell(
        self,
        rule: str,
        severity: str = "",
        *,
        layer: Any = None,
        op: str | None = None,
        place: Any = None,
        key: Any = None,
        evidence: Mapping[str, Any] | None = None,
        **numbers: Any,
    ) -> None:
        """Report a finding by a rule.

        Args:
            rule: the name of the rule.
            severity: where it is another than the rule's.
            layer: the layer at fault.
            op: the name of the op at fault.
            place: the line.
            key: by which the finding can be retracted.
            evidence: more of it.
            **numbers: what its words are made with; all but text is its evidence.
        """
        known = self.rules[rule]
        words = _Words(self.watch).format(known.words, **{"name": repr(layer_label(layer)), "op": op, **numbers})
        measured = {name: value for name, value in numbers.items() if isinstance(value, (int, float, list))}
        about = {"layer": layer, "op": op, "place": place, "key": key, "evidence": {**measured, **(evidence or {})}}
        self.watch.report(rule, severity or known.severity, words, **about)
