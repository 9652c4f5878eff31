"""`no_gradient`: weights that the loss doesn't depend on."""

from __future__ import annotations

from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.checks.updates.lost_gradients import End, LostGradients
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable, key_of, tensors, values_of
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.frameworks.contract import Variable

__all__ = ["Unreached"]

_PICKS = ("max", "min", "sort", "topk", "median", "mode", "kthvalue")
_WEIGHTS = "all sample weights are 0"
_NONE = "the gradient of {weights} is None {steps!i}"


class _Seen:
    """What happened to a variable whose gradient was asked for."""

    __slots__ = ("asked", "end", "given", "nonzero", "others", "variable")

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.asked = self.given = self.nonzero = 0
        self.end: End | None = None  # where the way to the loss ended in the last step
        self.others = False  # did others have a gradient when it had none?


class Unreached(Check):
    """Variables whose gradient is None, or zero, in every step. Those with `trainable=False` are left alone."""

    rules = {
        "no_gradient": Rule.error(
            "the gradient of {weights} ({whose}) is {gradient} {steps!i}{reason}",
            "Use the layer on the way to the loss, inside the tape, without predict, .numpy(), stop_gradient, argmax "
            "or round; if it should stay as it is, set layer.trainable = False.",
        ),
        "no_gradient.cut": Rule.error(
            "{what}: {goes} {by}, which has no slope",
            "Take a loss that changes a little when the answers do: crossentropies instead of argmax or an accuracy; "
            "what is counted belongs into metrics.",
        ),
        "no_gradient.stopped": Rule.error(
            "{what}: {goes} {by}, which lets no gradient through",
            "Leave stop_gradient out there; if these weights should stay as they are, set layer.trainable = False. In "
            "a GAN, the generator's step is discriminator(generator(noise)) without it.",
        ),
        "no_gradient.before_tape": Rule.error(
            "{how} where no tape records it: " + _NONE,
            "Move that call into the block of the tape, which records only what runs while it is open.",
        ),
        "no_gradient.behind_tape": Rule.error(
            "the loss is computed outside of the block of the tape: " + _NONE,
            "Move the loss into the block of the tape, which records only what runs while it is open.",
        ),
        "no_gradient.numpy": Rule.error(
            "{what}: {by} gives plain numbers inside the tape, through which no gradient goes",
            "Leave .numpy(), float() and functions of NumPy out there: ops (ops.log for np.log) take tensors as they "
            "are. Take numbers to print after the tape.",
        ),
        "no_gradient.ignored": Rule.error(
            "{what}: {why}, so the loss is 0, whatever the answers",
            "Look at what leaves the rows out: sample weights of 0, an inverted mask (True stands for what counts), or "
            "the mark of labels that don't count, print(numpy.unique(y)).",
        ),
    }

    def begin(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._loss = 0.0  # the largest, of those looked at
        self._place: Any = None
        self._lost = LostGradients(self.watch)
        self._counts = False  # does any row count in a loss?
        self._ignored = ""  # why none does
        self._ignored_at: Any = None

    def on_fit_step(self, opened: Any) -> None:
        """Are all sample weights 0?"""
        batch = opened.scope.inputs
        weights = tensors(batch[2]) if isinstance(batch, tuple) and len(batch) > 2 else []
        if weights and not any(host(w.data).any() for w in weights):
            self._ignored = _WEIGHTS

    def on_loss(self, loss: Loss) -> None:
        mask, ignored = getattr(loss.answers, "mask", None), loss.settings.get("ignore_class")
        if mask is not None and not host(mask.data).any():
            self._ignored = "the mask of the predictions leaves out every one of them"
        elif ignored is not None and loss.labels is not None and (loss.labels == ignored).all():
            self._ignored = f"each label is {ignored}, which ignore_class={ignored} leaves out"
        elif self._ignored != _WEIGHTS:
            self._counts = True

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        places = tensors(outputs) if op.means in _PICKS and isinstance(outputs, tuple) else ()
        for each in places[1:]:  # where the largest ones are
            self._lost.hear(op, inputs, each)
        if not is_tensor(outputs) or self.watch.inside("metric"):
            return
        self._lost.hear(op, inputs, outputs)
        if op.means in ("multiply", "where") and outputs.key is not None and not self._ignored:
            masks = inputs[:1] if op.means == "where" else inputs
            data = [values_of(x) for x in masks if key_of(x) is None]
            if any(x.size > 1 and not x.any() for x in data):
                self._ignored = f"{op.name} leaves everything out of the loss, with a mask that is 0 everywhere"
                self._ignored_at = self.watch.place()

    def on_read(self, tensor: Any, how: str, place: Any) -> None:
        self._lost.read(tensor, how, place)

    def on_gradients(self, gradients: Gradients) -> None:
        self._loss = max(self._loss, abs(gradients.value))
        self._place = self._place or self.watch.called_at()
        ends, others = self._lost.asked(gradients), any(map(is_tensor, gradients.results))
        for source, result in zip(gradients.sources, gradients.results):
            if not is_variable(source) or not source.trainable:
                continue
            seen = self._seen.setdefault(source.identity, _Seen(source))
            seen.asked += 1
            kept = seen.end if seen.end is not None and seen.end.how in ("before", "behind") else None
            seen.end = ends.get(source.identity, kept)
            if is_tensor(result):
                seen.given += 1
                seen.nonzero += bool(host(result.data).any())
            else:
                seen.others = others

    def on_step_end(self) -> None:
        if not self.watch.ended_late:  # then the forward pass of the next step is over, too
            self._lost.clear()
        if self.watch.step + 1 == limits.WINDOW:
            self._judge()

    def finish(self) -> None:
        """Judge again what has been reached since."""
        self._judge()

    def _judge(self) -> None:
        without: dict[int, list[_Seen]] = {}
        zero: dict[int, list[_Seen]] = {}
        ends: dict[End, list[_Seen]] = {}
        some = any(s.nonzero for s in self._seen.values())
        enough = min(limits.WINDOW, max(3, self.watch.step))
        often = max((seen.asked for seen in self._seen.values()), default=1)  # a round may make several updates
        for seen in self._seen.values():
            layer = self.watch.owners.of(seen.variable)
            owner, used = id(layer or seen.variable), layer is None or self.watch.owners.used(layer)
            if seen.asked and not seen.given:
                if seen.end is not None and seen.asked >= min(limits.FIRST, often) and used:
                    ends.setdefault(seen.end, []).append(seen)
                else:
                    without.setdefault(owner, []).append(seen)
            elif some and seen.given >= enough and not seen.nonzero and _is_kernel(seen.variable):
                zero.setdefault(owner, []).append(seen)
        for key in [k for k in self.watch.keys("no_gradient") if k not in without and k not in zero]:
            self.watch.retract(("no_gradient", key))
        for end, group in ends.items():
            self._tell_end(end, group)
        for owner, group in without.items():
            self._tell_owner(owner, group, "None")
        if self.watch.has("dead_relu", "loss_mismatch", "saturated", "nonfinite"):  # which explain zeros
            return
        asked = [seen for seen in self._seen.values() if seen.asked]
        if asked and not some and all(seen.given >= enough for seen in asked if seen.given):
            self._tell_ignored([seen for seen in asked if seen.given])
            return
        for owner, group in zero.items():
            self._tell_owner(owner, group, "exactly 0")

    def _tell(self, rule: str, group: list[_Seen], severity: str = "", gradient: str = "None", /, **about: Any) -> None:
        steps = group[0].asked if group else self.watch.step
        names = [seen.variable.path for seen in group]
        about |= {"variables": names, "steps": steps, "gradient": gradient, "weights": _listed(names)}
        self.tell(rule, severity, evidence={"gradient": gradient}, **about)

    def _tell_end(self, end: End, group: list[_Seen]) -> None:
        """One place stands between these weights and the loss."""
        if end.how in ("before", "behind"):
            about: dict[str, Any] = {"how": f"{end.by!r} is called" if end.by else "the weights are used"}
            about |= {"layer": self.watch.owners.of(group[0].variable), "place": end.place, "key": ("no_gradient", end)}
            self._tell(f"no_gradient.{end.how}_tape", group, **about)
            return
        lost = end.how == "op" and not any(seen.others for seen in group)
        names = _listed([seen.variable.path for seen in group])
        what = f"the gradient of {names} is None {self.watch.in_all(group[0].asked)}"
        goes = "the loss goes through" if lost else "what is computed with them goes on through"
        way = "numpy" if end.how == "read" else "stopped" if end.means == "stop_gradient" else "cut"
        about = {"what": what, "goes": goes, "by": end.by if lost or end.how == "read" else f"{end.by} alone"}
        layer, op = None if lost else self.watch.owners.of(group[0].variable), None if end.how == "read" else end.by
        self._tell(f"no_gradient.{way}", group, layer=layer, op=op, place=end.place, key=("no_gradient", end), **about)

    def _tell_ignored(self, given: list[_Seen]) -> None:
        """No weight at all had a gradient that isn't zero, as no row counts."""
        if self._ignored and not self._counts and not self._loss and any(_is_kernel(seen.variable) for seen in given):
            what = f"the gradient of all {len(given)} weights is exactly 0 {self.watch.in_all(given[0].asked)}"
            about = {"place": self._ignored_at or self._place, "key": ("no_gradient", "all"), "what": what}
            self._tell("no_gradient.ignored", given, "", "exactly 0", why=self._ignored, **about)

    def _tell_owner(self, owner: int, group: list[_Seen], gradient: str) -> None:
        layer = self.watch.owners.of(group[0].variable)
        reason = "; the loss doesn't depend on them" if gradient == "None" else ""
        if gradient == "None" and layer is not None and not self.watch.owners.used(layer):
            reason = "; the layer is never called"
        whose = f"layer {layer_label(layer)!r}" if layer is not None else "the loop's own weights"
        at = {"layer": layer if layer is not None else group[0].variable.path, "key": ("no_gradient", owner)}
        severity = "warning" if gradient != "None" else "error"
        self._tell("no_gradient", group, severity, gradient, whose=whose, reason=reason, **at)


def _listed(paths: list[str]) -> str:
    more = len(paths) - limits.NAMED
    return ", ".join(paths if more < 2 else [*paths[: limits.NAMED], f"{more} more"])


def _is_kernel(variable: Variable) -> bool:
    """Biases may well have no gradient, such as one before a normalization."""
    return variable.data.ndim > 1 and "bias" not in variable.name
