"""What all checks share: what they hear of, the rules they tell by, and a way to tell."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from viz.doctor.facts.host_arrays import number
from viz.doctor.program import Program, layer_label

__all__ = ["Check", "Rule"]

_ABOUT = ("layer", "op", "place", "key", "evidence")


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

    @classmethod
    def error(cls, words: str, fix: str) -> Rule:
        return cls("error", words, fix)

    @classmethod
    def warning(cls, words: str, fix: str) -> Rule:
        return cls("warning", words, fix)

    @classmethod
    def info(cls, words: str, fix: str) -> Rule:
        return cls("info", words, fix)


class _Words(string.Formatter):
    def __init__(self, watch: Program) -> None:
        self._ways = {"n": number, "c": watch.counted, "i": watch.in_all, "l": lambda x: repr(layer_label(x))}

    def convert_field(self, value: Any, conversion: Any) -> Any:
        way = self._ways.get(conversion)
        return super().convert_field(value, conversion) if way is None else way(value)


class Check:
    """Looks for some kinds of findings.

    A subclass defines the handlers it needs. Of the facts of a step (see `step_facts.py`) it hears by `on_loss(loss)`,
    `on_gradients(gradients)` and `on_step_end()`. Of what runs it hears by `on_answer(opened, outputs)` (the program
    called a model or layer itself), `on_call(opened)` and `on_call_end(opened, outputs)` (any model or layer),
    `on_loss_end(opened, outputs)`, `on_optimizer(opened)`, `on_fit_step(opened)` (a training step of `fit`),
    `on_routine(name, thing, about)` (what a loop calls besides: `mode`, `schedule`, `clip`, `unscale`, `scaled_step`,
    `state_taken`, `state_given`, `first_batch`, `first_values`, each with plain facts), and as
    `eagerflow.core.observe.Observer` does (ops without their times). `finish()` tells that the training ended. What
    asks which function ran defines `on_single_op(op, inputs, outputs, whole)`: of a fused op it hears of each part,
    with its `name`, its inputs (None for what lies between two parts), its outputs (None unless they are the fused
    op's), and those of the whole.

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
        self.begin()

    def begin(self) -> None:
        """Set up what it keeps."""

    def tell(self, rule: str, severity: str = "", /, **about: Any) -> None:
        """Report a finding by a rule.

        Args:
            rule: the name of the rule.
            severity: where it is another than the rule's.
            **about: `layer` (the object at fault), `op`, `place`, `key` (by which the finding can be retracted),
                and more `evidence`; all else is what its words are made with, and evidence, too, but for text.
        """
        known = self.rules[rule]
        words = _Words(self.watch).format(known.words, **{"name": repr(layer_label(about.get("layer"))), **about})
        evidence = {name: x for name, x in about.items() if name not in _ABOUT and isinstance(x, (int, float, list))}
        given = {name: about[name] for name in _ABOUT if name in about}
        given["evidence"] = {**evidence, **(about.get("evidence") or {})}
        self.watch.report(rule, severity or known.severity, words, **given)
