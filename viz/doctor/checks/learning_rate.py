"""`lr_too_high` and `lr_too_low`: what the learning rate does to the loss and to the weights."""

from __future__ import annotations

import math
import statistics
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, is_tensor, is_variable, key_of, number
from viz.doctor.facts.loss_questions import CROSSENTROPIES
from viz.doctor.facts.rates import rate_is_high, rate_of, usual_scale
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.user_code import Place, made_at
from viz.frameworks.contract import Variable

__all__ = ["LearningRates"]

_DIVERGED_SEVERAL = 20.0  # where several losses compete (as in a GAN), one of them may well grow
_UPDATE_CAREFUL = 0.05  # first updates of less, at a usual rate, change what a network answers by as little
_UPDATE_TOO_SMALL = 5e-5  # an update against the weights; 1e-3 is usual, fine-tuning goes down to 1e-4
_RATE_TOO_SMALL = 1.001e-5  # only rates up to this are called too low: else it is the gradients that are small
_WEIGHTLESS = 1e-4  # weights whose largest is below begin with zeros, and are as small as their first updates then
_JUMPS = 2.0  # the loss of a late step against the first one's, where updates were as large as the weights:
_UPDATE_KILLED = 0.3  # an early update of this part of the weights, after which units are silent, did it


class _Course:
    """One loss over the steps, and how far its updates moved the weights."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.moves: list[float] = []
        self.before: list[tuple[Variable, numpy.ndarray, numpy.ndarray]] = []  # weights, and their gradients
        self.blank: set[int] = set()  # weights that began with zeros
        self.spared = False  # does the loss depend on other weights, which it doesn't train?
        self.uphill: list[bool] = []  # did a step move the weights along their gradients, and not against them?
        self.optimizer: Any = None
        self.rate: float | None = None
        self.rates: set[float] = set()
        self.place: Place | None = None
        self.updated = False  # by a gradient that isn't zero
        self.trained: set[int] = set()  # the numbers of its weights
        self.set_at: set[int] = set()  # after how many steps somebody else gave the weights values

    @property
    def adapts(self) -> bool:
        """Do updates by hand follow on every second gradient only? Then the others adapt to a task, as in MAML."""
        kept = sum(not move for move in self.moves)
        return self.rate is None and limits.FIRST <= kept <= limits.NEARLY_ALL * len(self.moves)

    @property
    def restarts(self) -> bool:
        """Do weights get other values now and then, as between the tasks of meta-learning? Then so does the loss."""
        return limits.FIRST <= len(self.set_at) <= max(self.set_at) / 2

    @property
    def high(self) -> bool:
        return self.rate is not None and rate_is_high(self.optimizer, self.rate)

    @property
    def careful(self) -> bool:
        """Is the rate a usual one, and are its first updates so small that they can't have thrown the loss up?"""
        moved = max(self.moves[: limits.WINDOW], default=0.0)
        return self.rate is not None and not self.high and 0 < moved < _UPDATE_CAREFUL


class LearningRates(Check):
    """Follows every loss, and compares updates with the weights they change."""

    rules = {
        "loss_sign.update": Rule.error(
            "the updates go along the gradients, not against them: in all {steps} steps looked at the weights moved to "
            "where the loss grows, from {perfect!n} to {now!n}",
            "Subtract: variable.assign_sub(rate * gradient), or give the gradients, as they are, to an optimizer.",
        ),
        "lr_too_high": Rule.error(
            "{what} in {steps!c}{at_rate}{by} (about 0.001 is usual)",
            "Lower the learning rate to a tenth, and again until the loss falls; good first values: 0.001 for Adam, "
            "0.01 for SGD. Of a loss that is a sum over rows, take the mean.",
        ),
        "lr_too_low": Rule.warning(
            "the loss hardly moves ({first_loss!n} at first, {last_loss!n} now) in {steps!c}{at_rate}: an update {how} "
            "(about 0.001 of their size is usual)",
            "Raise the learning rate tenfold until the loss falls; good first values: 0.001 for Adam, 0.01 for SGD.",
        ),
    }

    always = ("on_gradients", "on_step_end", "on_optimizer", "on_loss")

    def begin(self) -> None:
        self._courses: dict[int, _Course] = {}
        self._now: _Course | None = None
        self._step: list[tuple[_Course, int, Gradients]] = []  # the gradients of this step, and which loss it was
        self._touched: list[_Course] = []
        self._compares = False  # are answers compared with labels? What else is differentiated may be meant to grow
        self._used: set[int] = set()  # the numbers of the weights that were used since the last gradient

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow losses that are written by hand."""
        if key_of(outputs) is None:
            return
        self._used.update(x.identity for x in inputs if is_variable(x) and x.trainable)
        if self.watch.inside("layer", "model"):
            return
        if op.means in CROSSENTROPIES:
            self._compares = self._compares or getattr(inputs[0], "key", None) is None  # of labels that are data
        elif op.means in ("square", "absolute", "power", "multiply"):
            self._compares = self._compares or self.watch.made_by(inputs[0]) == "subtract"

    def on_gradients(self, gradients: Gradients) -> None:
        used, self._used = self._used, set()
        if gradients.first is None:
            return
        course = self._now = self._courses.setdefault(gradients.first.identity, _Course())
        course.losses.append(gradients.value)
        self._step.append((course, len(course.losses) - 1, gradients))
        if self.watch.heavy:
            course.trained.update(v.identity for v, _ in gradients.pairs)
            course.spared = course.spared or not used <= gradients.asked
            kernels = [(v, r) for v, r in gradients.pairs if v.data.ndim > 1 and v.data.dtype.kind == "f"]
            course.before = [(v, host(v.data).copy(), r.copy()) for v, r in kernels]
            self._touched.append(course)

    def on_loss(self, loss: Loss) -> None:
        self._compares = True

    def on_optimizer(self, opened: Any) -> None:
        """The loss whose gradients it was given last; GANs compute two first, then update twice."""
        if self._now is None:
            return
        known = [c for c in self._courses.values() if c.optimizer is opened.owner]
        course = known[0] if known else next((c for c in self._touched if c.optimizer is None), self._now)
        course.optimizer, course.place = opened.owner, made_at(opened.owner)
        rate = rate_of(opened.owner)
        if rate is not None:
            course.rate = rate
            if len(course.rates) < 3:
                course.rates.add(rate)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """In a loop without an optimizer, the line of the update stands for it."""
        if self._now is None:
            return
        if not self._now.updated and (name in ("assign_sub", "assign_add") or name.endswith("_update")):
            self._now.updated = any(bool(host(x.data).any()) for x in inputs if is_tensor(x))
        if name not in ("assign", "assign_sub", "assign_add") or self.watch.inside("optimizer"):
            return
        if name == "assign" and self._now.optimizer is not None and variable.identity in self._now.trained:
            self._now.set_at.add(len(self._now.losses))
        self._now.place = self._now.place or self.watch.place()

    def on_step_end(self) -> None:
        for course, i, gradients in self._step:
            course.losses[i] /= gradients.scale
        for course in self._touched:
            _measure(course)
        self._step.clear()
        self._touched.clear()
        if self._now is not None and len(self._now.losses) % limits.LAST == 0:
            self._judge(final=False)

    def finish(self) -> None:
        """Judge once more."""
        self._judge(final=True)

    def _judge(self, final: bool) -> None:
        for course in self._courses.values():
            if course.losses:
                self._too_high(course, final)
                self._too_low(course)

    def _too_high(self, course: _Course, final: bool) -> None:
        losses = course.losses
        finite = [x for x in losses if math.isfinite(x)]
        attacks = course.spared and bool(course.uphill) and all(course.uphill)  # where a network is to be misled
        if len(finite) < 2 or (course.restarts and len(finite) == len(losses)) or attacks or course.adapts:
            return
        first, moved = abs(statistics.median(finite[: limits.FIRST])), course.moves[0] if course.moves else 0.0
        last = statistics.median(losses[-limits.LAST :]) if math.isfinite(losses[-1]) else math.inf
        # What goes on with trained weights begins with a small loss, and with an optimizer that knows nothing yet.
        factor = limits.DIVERGED if self._alone and self.watch.training.known < 1 else _DIVERGED_SEVERAL
        first = abs(finite[0]) if moved >= 1 else first
        if min(finite) < 0:  # around 0 a loss grows many times over without any meaning
            first = max(first, *map(abs, finite[: limits.WINDOW]))
        grew = last > factor * first + 1e-3 and max(finite[-limits.LAST :]) > factor * abs(finite[0])
        enough = len(losses) > limits.FIRST + limits.LAST or not math.isfinite(losses[-1]) or final
        if enough and grew and math.isfinite(last) and course.careful and not (final and last >= max(finite) / 2):
            return  # rows that come in their order, as those of a series do, get harder and easier by themselves
        uphill = self._alone and len(course.uphill) >= limits.FIRST and all(course.uphill)
        if enough and grew and (math.isfinite(last) or max(finite) > factor * abs(finite[0])):
            if uphill:
                self._tell_uphill(course, finite[0], last)
            else:
                self._tell_high(course, f"the loss went from {number(finite[0])} to {number(losses[-1])}", last)
        elif final and uphill and len(finite) == len(losses) and finite[0] > 0 and _climbs(course):
            self._tell_uphill(course, finite[0], last)
        elif moved >= 1 and enough and last >= limits.NOT_IMPROVED * abs(finite[0]):
            self._tell_high(course, f"the loss has not fallen ({number(finite[0])} at first, {number(last)} now)", last)
        elif (
            final
            and (died := self._died(last >= limits.LEARNT * abs(finite[0])))
            and course.high
            and max(course.moves[: limits.WINDOW], default=0.0) >= _UPDATE_KILLED
        ):
            self._tell_high(course, f"{died} after the first updates; the loss stays at {number(last)}", last)
        elif final and len(finite) == len(losses) and self._alone and _jumps(course):
            ends = f"{number(finite[0])} at first, up to {number(max(losses[-(len(losses) // 3) :]))} in the last third"
            self._tell_high(course, f"the loss has not settled ({ends})", last)

    @property
    def _alone(self) -> bool:
        """Is there no other loss that takes turns with this one, as in a GAN?"""
        return len(self._courses) == 1 and not self.watch.training.turns

    def _died(self, hardly_less: bool) -> str:
        """What was alive in the first step, and isn't any more; empty for nothing."""
        for finding in self.watch.raw("dead_relu", "constant_output"):
            dead, units = finding.evidence.get("dead", 0), finding.evidence.get("units", 1)
            if finding.evidence.get("from_start") is not False:
                continue
            if finding.severity == "error":
                return "all units of a layer fell silent" if finding.kind == "dead_relu" else "the outputs froze"
            if hardly_less and finding.severity == "warning" and dead >= limits.MOSTLY * units:
                return f"{dead} of {units} units of a layer fell silent"
        return ""

    def _tell_uphill(self, course: _Course, first: float, last: float) -> None:
        """The loss grows because each update adds the gradient, which points to where it grows."""
        self.watch.retract(("lr_too_high", id(course)))
        severity, steps = "error" if self._compares else "info", len(course.uphill)
        key = "loss_sign", id(course)
        self.tell("loss_sign.update", severity, place=course.place, key=key, perfect=first, now=last, steps=steps)

    def _tell_high(self, course: _Course, what: str, last: float) -> None:
        if any(finding.rule == "lr_too_high.summed" for finding in self.watch.raw("lr_too_high")):
            return
        moved = course.moves[0] if course.moves else None
        by = f"; the first update changed the weights by {number(moved)} times their own size" if moved else ""
        about = {"learning_rate": course.rate, "first_loss": next(x for x in course.losses if math.isfinite(x))}
        about |= {"last_loss": last, "steps": len(course.losses), "first_update": moved, "unusual": course.high}
        at = {"op": getattr(course.optimizer, "name", None), "place": course.place, "key": ("lr_too_high", id(course))}
        self.tell("lr_too_high", what=what, at_rate=_at_rate(course), by=by, **at, **about)

    def _too_low(self, course: _Course) -> None:
        if len(course.losses) < limits.FEW_ROWS or not course.moves or len(course.rates) > 1:
            return
        if self.watch.training.known:
            return  # to tune what has been trained, small steps are usual, and there may be little left to learn
        part, key = len(course.losses) // 3, ("lr_too_low", id(course))
        first, last = statistics.fmean(course.losses[:part]), statistics.fmean(course.losses[-part:])
        moved, highest = max(course.moves), _RATE_TOO_SMALL * max(1.0, 0.1 * usual_scale(course.optimizer))
        low = course.rate is None or course.rate <= highest
        slow = low and moved <= _UPDATE_TOO_SMALL and all(map(math.isfinite, course.losses))
        noise = 2 * statistics.pstdev(course.losses) / math.sqrt(part) if slow else 0.0
        if not slow or abs(first - last) > max(limits.FEW_FALL * abs(first), noise):
            self.watch.retract(key)
        elif moved or course.updated:  # else there is no gradient at all: that isn't the learning rate
            how = (
                f"changes the weights by {number(moved)} of their size" if moved else "is too small for float32 to show"
            )
            about = {"learning_rate": course.rate, "first_loss": first, "last_loss": last, "largest_update": moved}
            at = {"op": getattr(course.optimizer, "name", None), "place": course.place, "key": key}
            self.tell("lr_too_low", at_rate=_at_rate(course), how=how, steps=len(course.losses), **at, **about)


def _climbs(course: _Course) -> bool:
    """Has the loss grown with all steps looked at, which went along the gradients?"""
    if len(course.uphill) < limits.WINDOW or len(course.losses) < limits.FEW_STEPS:
        return False
    part = len(course.losses) // 3
    first, last = course.losses[:part], course.losses[-part:]
    noise = math.hypot(*[statistics.stdev(x) / math.sqrt(part) for x in (first, last)])
    return statistics.fmean(last) - statistics.fmean(first) > limits.FEW_SIGMA * noise


def _at_rate(course: _Course) -> str:
    return "" if course.rate is None else f" at learning rate {number(course.rate)}"


def _measure(course: _Course) -> None:
    """How far a step moved the weights, against their size."""
    moved = size = along = 0.0
    for variable, before, gradient in course.before:
        scale = float(numpy.abs(before).max()) if before.size else 0.0
        if not math.isfinite(scale):
            continue
        if scale < _WEIGHTLESS and not course.moves:
            course.blank.add(variable.identity)
        with numpy.errstate(all="ignore"):
            change = host(variable.data).astype("float64") - before
            moved += float(numpy.square(change).sum())
            own = float(numpy.square(before.astype("float64")).sum())
            size += max(own, _usual(before)) if variable.identity in course.blank else own
            along += float((change * gradient).sum()) if gradient.shape == change.shape else 0.0
    course.before = []
    if size and math.isfinite(moved):
        course.moves.append(math.sqrt(moved / size))
        if moved and math.isfinite(along):
            course.uphill.append(along > 0)


def _usual(kernel: numpy.ndarray) -> float:
    """The sum of squares with which a kernel of this shape usually begins (`GlorotUniform`)."""
    outputs = kernel.shape[-1]
    return 2.0 * kernel.size / max(1, outputs + kernel.size // max(1, outputs))


def _jumps(course: _Course) -> bool:
    """Does the loss still jump in the last third, after updates that were nearly as large as the weights?"""
    first, third = course.losses[0], course.losses[-(len(course.losses) // 3) :]
    moved = course.moves[: limits.WINDOW]
    if len(course.losses) < 3 * limits.FEW_STEPS or len(moved) < limits.WINDOW or not course.high:
        return False
    wild = statistics.median(moved) >= _UPDATE_KILLED
    return wild and max(third) >= _JUMPS * first > 0 and statistics.median(third) >= limits.MOST * first
