"""`nonfinite`: the first op whose output has NaN or infinities while its inputs have none."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.broken_rows import broken_columns, where_broken
from viz.doctor.facts.fit_arrays import inputs_of, running_fit
from viz.doctor.facts.host_arrays import finite, host, is_tensor, is_variable, number, tensors
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.user_code import Place
from viz.frameworks.objects import PLAIN_TENSORS, array_of
from viz.recorder.compositions import guilty_part, live_composition
from viz.recorder.descriptions import flat

__all__ = ["NonFinite"]

_LARGE_GRADIENT = 50_000  # elements: not read in the steps that are watched cheaply, where they are sums of products

_CAUSES = {
    "log": "the logarithm of 0 or of a negative number",
    "divide": "a division by 0",
    "sqrt": "the root of a negative number, or its slope at 0, which is infinite",
    "power": "a power of 0 or of a negative number",
    "exp": "the exponential of a number above 88, which is more than float32 holds",
}
_OTHER = "numbers beyond what float32 holds (3.4e38)"

# Their gradients are products of finite numbers: only a sum beyond float32's range isn't finite, and the weights tell
# that in the next step. Reading all of them again in each step is what would cost most.
_PRODUCTS = ("dense", "matmul", "conv", "conv_bias", "conv_transpose_bias")


def _rule(fix: str) -> Rule:
    return Rule.error("{what}; {when}, {where} {are} NaN or infinite, too{earlier}", fix)


class _Suspect(NamedTuple):
    op: str
    layer: Any
    place: Place | None
    message: str
    evidence: dict[str, Any]
    rule: str = "nonfinite"
    backward: bool = False

    @property
    def are_weights(self) -> bool:
        return self.message.startswith("the weights")


class NonFinite(Check):
    """Follows NaN and infinities; says so when they have reached the loss, a gradient or a prediction."""

    rules = {
        "nonfinite": _rule(
            "Look at the steps before: lower the learning rate, scale the inputs, or limit gradients with clipnorm=1.0 "
            "(in the first step, look at initializers)."
        ),
        "nonfinite.data": _rule(
            "Clean the data before training: drop the rows where ~np.isfinite(x).all(axis=1), from x and y alike, or "
            "fill the gaps with np.nan_to_num(x, posinf=0, neginf=0)."
        ),
        "nonfinite.columns": _rule(
            "Those columns are probably constant, with a standard deviation of 0, by which they were divided: divide "
            "by std + 1e-7, or leave them out."
        ),
        "nonfinite.labels": _rule(
            "Clean the labels before training: drop the rows where y isn't finite, from x and y alike."
        ),
        "nonfinite.weights": _rule(
            "They held them before the first step: look at where the weights come from, such as a file that was "
            "loaded, assign, set_weights or an initializer."
        ),
        "nonfinite.constant": _rule(
            "Look at where this number comes from: it was so before the training computed with it."
        ),
        "nonfinite.unseen": Rule.error(
            "{what}",
            "Run `viz nonfinite SCRIPT`: it watches every step, and names the op with which it began, its line and its "
            "inputs. In a notebook, callbacks.Doctor() in fit does.",
        ),
        "nonfinite.log": _rule(
            "Keep the argument positive: ops.log(ops.maximum(x, 1e-7)). Where it is a network's answer, give the last "
            "layer activation='softmax' or 'sigmoid', or take a loss of the library with from_logits=True."
        ),
        "nonfinite.divide": _rule("Add a small number to the divisor, or use ops.divide_no_nan."),
        "nonfinite.sqrt": _rule("Add a small number under the root: ops.sqrt(ops.maximum(x, 0) + 1e-7)."),
        "nonfinite.power": _rule("Keep the base positive, or use ops.square for squares."),
        "nonfinite.exp": _rule(
            "Subtract the maximum first, or use ops.softmax, ops.logsumexp, or a loss with from_logits=True."
        ),
    }

    always = tuple(
        "on_op on_rule on_gradients on_optimizer on_loss_end on_answer on_step_end on_update on_unseen_loss".split()
    )

    def begin(self) -> None:
        self._forward: _Suspect | None = None
        self._backward: _Suspect | None = None
        self._came_in: _Suspect | None = None
        self._judged: tuple[_Suspect | None, _Suspect | None] = None, None  # those before the last backward pass
        self._done = False
        self._followed = False  # were the rules of this step looked at?
        self._updates = False  # is there an optimizer?
        self._unused: tuple[_Suspect | None, int] | None = None  # of gradients that were not used yet, and their step
        self._left_out = 0  # such steps in a row
        self._before = "", ""  # what a loss was and when, in a step that wasn't watched
        self._unseen = 0  # steps that nobody watched, as of the last one that was

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if self._done or self._forward is not None or outputs is None:
            return
        if outputs.__class__ in PLAIN_TENSORS and finite(outputs.data):  # nearly always, and asked for each op
            return
        made = (outputs,) if is_tensor(outputs) else outputs
        if all(finite(out.data) for out in made):
            return
        given = [x for x in flat(list(inputs)) if x is not None]
        bad = [x for x in given if not finite(array_of(x))]
        if not bad:
            part = guilty_part(op, inputs, settings)
            fused = live_composition(op, inputs, settings)
            name = "" if part is None or fused is None else fused.parts[part].name
            self._forward = self._born(op, name, given, made)
        elif self._came_in is None:
            self._came_in = self._constant(op, bad[0]) or self._carried(op, bad[0])

    def _born(self, op: Any, part: str, given: list[Any], made: Any) -> _Suspect:
        values = host(next(out.data for out in made if not finite(out.data)))
        numbers = [host(array_of(x)) for x in given]
        evidence = _counts(values) | {"inputs": [_range(x) for x in numbers], "step": self.watch.step_number}
        ranges = " and ".join([_range(x) for x in numbers if x.size][:3])
        who = f"{part}, a part of {op.name}," if part else op.name
        cause = "" if op.means == "power" and _is_too_large(numbers, values) else part or op.means
        message = f"{who} made {_counted(values)} from finite inputs ({ranges}): {_CAUSES.get(cause, _OTHER)}"
        layer, rule = self.watch.layer(), f"nonfinite.{cause}" if cause in _CAUSES else "nonfinite"
        return _Suspect(part or op.name, layer, self.watch.place(), message, evidence, rule)

    def _carried(self, op: Any, x: Any) -> _Suspect:
        """NaN that no op made: it was in the data, or in the weights."""
        values, where = host(array_of(x)), ""
        if is_variable(x):
            rule = "nonfinite.weights" if self.watch.number == 1 else "nonfinite"
            whose = f"the weights {x.path!r} hold"
        elif self.watch.inside("loss"):
            losses = [opened.scope.inputs for opened in self.watch.scopes if opened.kind == "loss"]
            labels = any(array_of(each) is array_of(x) for given in losses if given for each in flat(given[0]))
            rule, whose = ("nonfinite.labels", "the labels hold") if labels else ("nonfinite.data", "the values hold")
        else:
            (rule, where), whose = _where(values), "the input data hold"
        what = f"{whose} {_counted(values)}{where}"
        evidence = _counts(values) | {"step": self.watch.step_number}
        return _Suspect(op.name, self.watch.layer(), self.watch.called_at(), what, evidence, rule)

    def _constant(self, op: Any, x: Any) -> _Suspect | None:
        """NaN that a line of the user's computes with, and that are no rows of data; None where they may be."""
        place = None if is_variable(x) else self.watch.own_line()
        inputs = [each for opened in self.watch.scopes for each in flat(opened.scope.inputs)]
        is_data = any(each is x or array_of(each) is array_of(x) for each in inputs)
        if place is None or is_data or (not inputs and numpy.shape(array_of(x))):
            return None
        values = host(array_of(x))
        what = f"an array, which is no row of data, with {_counted(values)}"
        if values.size == 1:
            value = values.reshape(-1)[0]
            what = f"the number {'NaN' if numpy.isnan(value) else value}"
        evidence = _counts(values) | {"step": self.watch.step_number}
        message = f"{op.name} is given {what}"
        return _Suspect(op.name, self.watch.layer(), place, message, evidence, "nonfinite.constant")

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        if self._done or self._backward is not None:
            return
        self._followed = True
        results = [array_of(r) for r in results or () if r is not None]
        if not self.watch.heavy and op.means in _PRODUCTS:
            results = [r for r in results if r.size < _LARGE_GRADIENT]
        if all(finite(r) for r in results) or not all(finite(array_of(g)) for g in gradients if g is not None):
            return
        origin = self.watch.origins.get(out_keys[0]) if out_keys and out_keys[0] is not None else None
        values = host(next(r for r in results if not finite(r)))
        message = (
            f"the gradient of {op.name} is not finite ({_counted(values)}), though the gradient that reached it is: "
            f"{_CAUSES.get(op.means, _OTHER)}"
        )
        place, layer = (origin.place, origin.layer) if origin else (None, None)
        evidence = _counts(values) | {"step": self.watch.step_number}
        rule = f"nonfinite.{op.means}" if op.means in _CAUSES else "nonfinite"
        self._backward = _Suspect(op.name, layer, place, message, evidence, rule, backward=True)

    def on_optimizer(self, opened: Any) -> None:
        """An optimizer is about to use the gradients."""
        self._updates = True
        self._settle(used=True)
        self._left_out = 0

    def _settle(self, used: bool) -> None:
        """Tell of gradients that aren't finite where they are used: a loss scale is found by leaving such steps out."""
        if self._unused is not None and not self._done:
            self._left_out += not used
            if used or self._left_out >= limits.FEW_STEPS:
                self._tell("the gradients", *self._unused)
        self._unused = None

    def finish(self) -> None:
        """No step follows that would use the last gradients."""
        self._settle(used=not self._updates)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """In a loop without an optimizer, its own lines use them."""
        if self._unused is not None and variable.trainable:
            self._settle(used=True)

    def on_gradients(self, gradients: Gradients) -> None:
        self._settle(used=False)
        self._judged = self._forward, self._came_in
        if self._done:
            return
        if not all(finite(t.data) for t in gradients.targets):
            self._tell("the loss", self._forward or self._came_in)
        elif self._followed and self._backward is None and not self.watch.heavy:
            return  # every rule gave finite numbers; were their sums too large, the weights would tell in the next step
        elif not all(finite(r.data) for r in gradients.results if r is not None):
            weights = self._came_in is not None and self._came_in.are_weights  # then no rule of this step began it
            first = (self._came_in if weights else None) or self._backward or self._forward or self._came_in
            self._unused = first, self.watch.step_number

    def on_loss_end(self, opened: Any, outputs: Any) -> None:
        found = tensors(outputs)
        bad = any(not finite(x.data) for x in found) and all(x.key is None for x in found)
        if bad and not self._done and (self._forward or self._came_in) is not None:
            self._tell("the loss", self._forward or self._came_in)

    def on_answer(self, opened: Any, outputs: Any) -> None:
        suspect = self._forward or self._came_in
        if suspect is None or self._done:
            return
        floats = [host(x.data) for x in tensors(outputs) if x.key is None and x.data.dtype.kind == "f"]
        if any(numpy.isnan(values).any() for values in floats):
            self._tell("the prediction", suspect)

    def on_unseen_loss(self, loss: float, step: int, evaluated: bool, place: Place | None, batch: Any) -> None:
        """The first one is told at once; what is watched next may know more."""
        if self._done or self._before[0]:
            return
        step -= 1  # so many had ended, and they are counted from 0
        if batch is not None and not evaluated and self._tell_of_batch(step, place, batch):
            return
        when = f"in the evaluation after step {step}" if evaluated else f"in step {step}"
        self._before = "NaN" if math.isnan(loss) else "infinite", when
        what = f"the loss is {self._before[0]} {when}, where nobody watched, so the op with which it began isn't known"
        self.tell("nonfinite.unseen", place=place, key=("nonfinite", "unseen"), what=what, step=step)

    def _tell_of_batch(self, step: int, place: Place | None, batch: Any) -> bool:
        """Whether the batch of a step that nobody watched held numbers that aren't finite: then it isn't the op."""
        parts = batch if isinstance(batch, (tuple, list)) else (batch,)
        for part, whose in zip(parts, ("input data", "labels"), strict=False):
            bad = [each for each in flat(part) if each is not None and not finite(array_of(each))]
            if bad:
                values = host(array_of(bad[0]))
                rule, where = _where(values) if whose == "input data" else ("nonfinite.labels", "")
                message, evidence = f"the {whose} hold {_counted(values)}{where}", _counts(values) | {"step": step}
                self._tell("the loss", _Suspect("", None, place, message, evidence, rule), step)
                return True
        return False

    def on_step_end(self) -> None:
        later = self.watch.ended_late  # then the forward pass of the next step is over, too
        self._forward = self._forward if later and self._forward is not self._judged[0] else None
        self._came_in = self._came_in if later and self._came_in is not self._judged[1] else None
        self._backward, self._judged = None, (None, None)
        self._followed = False
        self._unseen = self.watch.unseen

    def _tell(self, where: str, suspect: _Suspect | None, step: int | None = None) -> None:
        self._done = True
        self.watch.retract(("nonfinite", "unseen"))
        if suspect is None:
            suspect = _Suspect("", None, self.watch.called_at(), "NaN or infinities appeared", {})
        now = self.watch.step_number
        when = f"in step {now if step is None else step}"
        if step is None and any(x.kind == "step" and x.scope.name != "train_step" for x in self.watch.scopes):
            counted = self.watch.counter is None  # else training steps alone have numbers
            when = f"in step {now}, of an evaluation" if counted else f"in the evaluation after step {now - 1}"
        what, first = self._before
        earlier = f"; the loss was {what} {first} already, where nobody watched" if what and first != when else ""
        if suspect.are_weights and (what or self.watch.unseen != self._unseen):  # the op that meets them isn't to blame
            suspect = suspect._replace(op="", layer=None, place=None, rule="nonfinite.unseen")
            earlier = f"{earlier or '; nobody watched the steps before'}, so the op with which it began isn't known"
        are = "are" if where == "the gradients" else "is"
        words = {"when": when, "where": where, "are": are, "earlier": earlier}
        message = suspect.message
        if suspect.rule == "nonfinite.unseen":
            message, words = f"{message}; {when}, {where} {are} NaN or infinite, too{earlier}", {}
        evidence = suspect.evidence | {"direction": "backward" if suspect.backward else "forward"}
        about = {"layer": suspect.layer, "op": suspect.op or None, "place": suspect.place, "evidence": evidence}
        self.tell(suspect.rule, what=message, **about, **words)


def _is_too_large(numbers: list[numpy.ndarray], powers: numpy.ndarray) -> bool:
    """Are powers infinite because they are large, none of them one of 0, and none NaN as a root of what is below 0?"""
    bases = numpy.broadcast_to(numbers[0], powers.shape)
    return not numpy.isnan(powers).any() and bool((bases[numpy.isinf(powers)] != 0).all())


def _where(batch: numpy.ndarray) -> tuple[str, str]:
    """The rule, and in which rows or columns of the arrays that `fit` was given; empty where that isn't known."""
    fit = running_fit()
    arrays = inputs_of(fit.feed) if fit is not None else []
    columns = broken_columns(arrays[0] if len(arrays) == 1 else batch)
    if columns is not None:
        return "nonfinite.columns", f" ({columns})"
    found = where_broken(arrays[0]) if len(arrays) == 1 else ""
    return "nonfinite.data", f" ({found})" if found else ""


def _counts(values: numpy.ndarray) -> dict[str, int]:
    return {"nan": int(numpy.isnan(values).sum()), "inf": int(numpy.isinf(values).sum()), "size": int(values.size)}


def _counted(values: numpy.ndarray) -> str:
    found = _counts(values)
    parts = [f"{found[name]} {word}" for name, word in (("nan", "NaN"), ("inf", "infinite")) if found[name]]
    return f"{' and '.join(parts)} of {found['size']} value{'s' if found['size'] != 1 else ''}"


def _range(values: numpy.ndarray) -> str:
    if not values.size or values.dtype.kind not in "fiub":
        return "nothing"
    low, high = float(values.min()), float(values.max())
    return number(low) if low == high else f"{number(low)} to {number(high)}"
