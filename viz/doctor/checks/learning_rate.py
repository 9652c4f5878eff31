"""`lr_too_high` and `lr_too_low`: what the learning rate does to the loss and to the weights."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import Tensor, Variable
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, number, rms, total
from viz.doctor.loss_questions import CROSSENTROPIES, own_loss
from viz.doctor.user_code import Place, made_at

__all__ = ["LearningRates", "faded_steps", "rate_is_high", "rate_of", "times_usual"]

_DIVERGED_SEVERAL = 20.0  # where several losses compete (as in a GAN), one of them may well grow
_UPDATE_TOO_LARGE = 1.0  # an update as large as the weights themselves; 1e-3 is usual
_JUMPS = 2.0  # the loss of a late step against the first one's, where updates were as large as the weights:
_JUMPS_STAYS = 0.5  # and the median of those steps is still above this part of it
_ADAPTING = 0.9  # of the gradients, at most, that no update follows: of more, nothing is ever updated
_UPDATE_CAREFUL = 0.05  # first updates of less, at a usual rate, change what a network answers by as little
_UPDATE_TOO_SMALL = 5e-5  # an update against the weights; 1e-3 is usual, fine-tuning goes down to 1e-4
_RATE_UNUSUAL = 1e-2  # ten times what Adam begins with; other optimizers in proportion
_MOSTLY_KILLED = 0.75  # of the units of a layer, which fell silent in the first steps
_HARDLY_LESS = 0.7  # the loss now, against its beginning, where most units learn nothing
_UPDATE_KILLED = 0.3  # an early update of this part of the weights, after which units are silent, did it
_RATE_TOO_SMALL = 1e-5  # only rates up to this are called too low: else it is the gradients that are small
_RATE_FADED = 1e-6  # of the highest: usual updates, 1e-3 of the weights, become smaller than what float32 tells apart
_UNMOVED = 0.02  # relative change of the loss that counts as none
_UNMOVED_STEPS = 10
_HARDLY_KEPT = 0.01  # of gradients, by a limit: then it isn't that they are small
_UPDATE_CUT = 5e-6  # and an update so small that it takes thousands of them to learn anything
_SHRUNK = 0.01  # of itself, that a loss is multiplied by; to sum gradients of some batches, each counts a fraction
_SHRUNK_BELOW_EPSILON = 1e-5  # the same, where an optimizer divides by the size of gradients
_EPSILON = 0.01  # of Adam; 1e-7 is usual, some take 1e-3 to 1 and a rate as much higher

_SQUARES = ("square", "absolute", "multiply", "power")
_BY_SIZE = ("SGD", "NoneType")  # whose updates are as large as the gradients are; Adam divides by their size
_WEIGHTLESS = 1e-4  # weights whose largest is below begin with zeros, and are as small as their first updates then

_FIXES = {
    "loss_sign.update": (
        "Subtract: variable.assign_sub(rate * gradient), or give the gradients, as they are, to an optimizer."
    ),
    "lr_too_high.sum": (
        "Take the mean: ops.mean(...) instead of ops.sum(...), or leave out reduction='sum'. Then the learning rate "
        "needn't change with the size of a batch. Or divide the rate by as many."
    ),
    "lr_too_high": (
        "Lower the learning rate to a tenth, and again until the loss falls; good first values: 0.001 for Adam, "
        "0.01 for SGD."
    ),
    "lr_too_low": (
        "Raise the learning rate tenfold until the loss falls; good first values: 0.001 for Adam, 0.01 for SGD."
    ),
    "lr_too_low.epsilon": (
        "Leave epsilon as it is (1e-7): it only keeps Adam from dividing by 0. Where it is larger than gradients are, "
        "updates become as small as these."
    ),
    "lr_too_low.clipped": (
        "Clip at what gradients usually have, or above (clipnorm=1.0): that only stops those that are far too large."
    ),
    "lr_too_low.shrunk": (
        "Leave out that factor: learning rates are made for gradients of the mean over a batch, which doesn't depend "
        "on how many rows there are in all. To print a smaller number, divide a copy."
    ),
}


class _Course:
    """One loss over the steps, and how far its updates moved the weights."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.moves: list[float] = []
        self.before: list[tuple[Variable, numpy.ndarray, numpy.ndarray]] = []  # weights, and their gradients
        self.blank: set[int] = set()  # weights that began with zeros
        self.spared = False  # does the loss depend on other weights, which it doesn't train?
        self.uphill: list[bool] = []  # did a step move the weights along their gradients, and not against them?
        self.kept: list[float] = []  # what clipping leaves of the gradients: 1 for all
        self.optimizer: Any = None
        self.rate: float | None = None
        self.rates: set[float] = set()
        self.place: Place | None = None
        self.updated = False  # by a gradient that isn't zero
        self.trained: set[int] = set()  # the numbers of its weights
        self.set_at: set[int] = set()  # after how many steps somebody else gave the weights values
        self.carried: float | None = None  # what was differentiated last, if steps add their losses to it
        self.key: Any = None  # of what was differentiated last

    @property
    def attacks(self) -> bool:
        """Do all its steps go up the loss of weights that are left as they are, as where a network is to be misled?"""
        return self.spared and bool(self.uphill) and all(self.uphill)

    def add(self, targets: Sequence[Any], carries: bool) -> None:
        """Add what was differentiated; of a sum that is carried on from step to step, what this step added to it."""
        value = total(targets)
        if carries and self.carried is None and self.losses:
            self.carried = self.losses[-1]
        anew = self.carried is not None and value < self.carried  # as it is in each epoch
        self.losses.append(value if self.carried is None or anew else value - self.carried)
        self.carried = None if self.carried is None else value
        self.key = getattr(targets[0], "key", None)

    @property
    def adapts(self) -> bool:
        """Do updates by hand follow on every second gradient only? Then the others adapt to a task, as in MAML."""
        kept = sum(not move for move in self.moves)
        return self.rate is None and limits.FIRST <= kept <= _ADAPTING * len(self.moves)

    @property
    def begins_anew(self) -> bool:
        """Do weights get other values now and then, as between the tasks of meta-learning? Then so does the loss."""
        return limits.FIRST <= len(self.set_at) <= max(self.set_at) / 2


class LearningRates(Check):
    """Follows every loss, and compares updates with the weights they change."""

    fixes = _FIXES

    always = ("on_gradient", "on_step_end", "on_scope_begin")
    begins = ("optimizer", "loss")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._courses: dict[int, _Course] = {}
        self._now: _Course | None = None
        self._touched: list[_Course] = []
        self._scaled: list[tuple[_Course, Any]] = []  # whose last loss is one times its scale, perhaps
        self._asked_loss = False  # is it a loss object's value that is followed? Other sums may well be meant to grow
        self._used: set[int] = set()  # the numbers of the weights that were used since the last gradient
        self._differences: set[Any] = set()  # keys of differences, and of what squares and means make of them
        self._errors: set[Any] = set()
        self._sums: dict[Any, tuple[int, Place | None]] = {}  # by the key of a number: of how many it is a sum
        self._sum: tuple[int, Place | None] | None = None  # that of the loss
        self._rows_added: tuple[int, Place | None] | None = None  # by a loss object, since the last gradient
        self._parts: dict[Any, tuple[float, Place | None]] = {}  # by the key of a number: what it is of a mean or sum
        self._part: tuple[float, Place | None] = (1.0, None)  # that of the loss, where it is another than 1
        self._carrying: set[Any] = set()  # keys of sums that what was differentiated last is a part of

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        """Follow differences that are squared, as losses written by hand are."""
        made = getattr(outputs, "key", None)
        if made is None:
            return
        self._used.update(x.identity for x in inputs if isinstance(x, Variable) and x.trainable)
        if self.watch.inside("layer", "model"):
            return
        given = {getattr(x, "key", None) for x in inputs} - {None}
        if op.name == "add" and outputs.data.size == 1 and self._now is not None and self._now.key in given:
            self._carrying.add(made)
        if outputs.data.size == 1 and self._sum is None:
            self._follow_sum(op.name, inputs, made, given)
        if outputs.data.size == 1 and op.name in ("divide", "multiply") and len(given) == 1:
            self._follow_part(op.name, inputs, made)
        if self._asked_loss:
            return
        if op.name in CROSSENTROPIES:
            self._asked_loss = getattr(inputs[0], "key", None) is None  # of labels that are data
        elif op.name == "subtract":
            self._differences.add(made)
        elif given and given <= (self._differences if op.name in _SQUARES else self._errors):
            self._errors.add(made)

    def _follow_sum(self, name: str, inputs: Any, made: Any, given: set[Any]) -> None:
        """A loss that adds up many numbers has gradients as many times as large as those of a mean."""
        count = inputs[0].data.size if name == "sum" and isinstance(inputs[0], Tensor) else 0
        if count >= limits.WINDOW and (not self.watch.inside("loss") or own_loss(self.watch) is not None):
            self._sums[made] = count, self.watch.place()
        elif name not in ("divide", "mean"):
            known = next((self._sums[key] for key in given if key in self._sums), None)
            if known is not None:
                self._sums[made] = known

    def _follow_part(self, name: str, inputs: Any, made: Any) -> None:
        """A loss that is multiplied by a small number has gradients that are as small."""
        key, factor = _scaled_by(name, inputs)
        if key is None or not 0 < factor < math.inf:
            return
        known, place = self._parts.get(key, (float(self._sums.get(key, (1, None))[0]), None))  # of a sum: of its mean
        self._parts[made] = known * factor, (self.watch.place() if factor < 1 else None) or place

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        if self.watch.heavy and len(targets) == 1:
            self._part = self._parts.get(getattr(targets[0], "key", None), (1.0, None))
        added, self._rows_added = self._rows_added, None
        if added is not None and (self._sum is None or added[0] > self._sum[0]):  # an epoch's last batch is smaller
            self._sum = added
        if self._sum is None:
            self._sum = next((self._sums[t.key] for t in targets if getattr(t, "key", None) in self._sums), None)
        used, self._used = self._used, set()
        pairs = [(s, r) for s, r in zip(sources, results) if isinstance(s, Variable) and isinstance(r, Tensor)]
        if not pairs:
            return
        course = self._now = self._courses.setdefault(pairs[0][0].identity, _Course())
        course.add(targets, len(targets) == 1 and getattr(targets[0], "key", None) in self._carrying)
        self._asked_loss = self._asked_loss or any(getattr(t, "key", None) in self._errors for t in targets)
        self._scaled.append((course, results))
        if self.watch.heavy:
            course.trained.update(v.identity for v, _ in pairs)
            course.spared = course.spared or not used <= {s.identity for s in sources if isinstance(s, Variable)}
            kernels = [(v, r) for v, r in pairs if v.data.ndim > 1 and v.data.dtype.kind == "f"]
            course.before = [(v, host(v.data).copy(), host(r.data).copy()) for v, r in kernels]
            course.kept.append(_kept(course.optimizer, [host(r.data) for _, r in pairs]))
            self._touched.append(course)

    def on_scope_begin(self, opened: Any) -> None:
        if opened.kind == "loss":
            self._asked_loss = True
            labels = opened.scope.inputs[0] if isinstance(opened.scope.inputs, tuple) else None
            rows = getattr(labels, "shape", ())[:1]
            if getattr(opened.owner, "reduction", "") == "sum" and rows:
                self._rows_added = rows[0], made_at(opened.owner) or self.watch.called_at()
        elif self._now is not None:
            for scaled, results in self._scaled:
                scaled.losses[-1] /= self.loss_scale(results, opened)
            self._scaled.clear()
            course = self._course_of(opened)
            course.optimizer, course.place = opened.owner, made_at(opened.owner)
            rate = rate_of(opened.owner)
            if rate is not None:
                course.rate = rate
                if len(course.rates) < 3:
                    course.rates.add(rate)

    def _course_of(self, opened: Any) -> _Course:
        """The loss whose gradients an optimizer was given last; GANs compute two first, then update twice."""
        assert self._now is not None
        known = [c for c in self._courses.values() if c.optimizer is opened.owner]
        return known[0] if known else next((c for c in self._touched if c.optimizer is None), self._now)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        """In a loop without an optimizer, the line of the update stands for it."""
        if self._now is None:
            return
        if not self._now.updated and (name in ("assign_sub", "assign_add") or name.endswith("_update")):
            self._now.updated = any(bool(host(x.data).any()) for x in inputs if isinstance(x, Tensor))
        if name not in ("assign", "assign_sub", "assign_add") or self.watch.inside("optimizer"):
            return
        if name == "assign" and self._now.optimizer is not None and variable.identity in self._now.trained:
            self._now.set_at.add(len(self._now.losses))
        self._now.place = self._now.place or self.watch.place()

    def on_step_end(self) -> None:
        for course in self._touched:
            _measure(course)
        self._touched.clear()
        self._scaled.clear()
        self._differences.clear()
        self._errors.clear()
        self._sums.clear()
        self._parts.clear()
        self._carrying.clear()
        if self._now is not None and len(self._now.losses) % limits.LAST == 0:
            self._judge(final=False)

    def finish(self) -> None:
        """Judge once more."""
        self._judge(final=True)

    # ------------------------------------------------------------------ judging

    def _judge(self, final: bool) -> None:
        for course in self._courses.values():
            if course.losses:
                self._too_high(course, final)
                self._too_low(course)

    def _too_high(self, course: _Course, final: bool) -> None:
        losses = course.losses
        finite = [x for x in losses if math.isfinite(x)]
        if len(finite) < 2 or (course.begins_anew and len(finite) == len(losses)) or course.attacks or course.adapts:
            return
        first, moved = (abs(statistics.median(finite[: limits.FIRST])), course.moves[0] if course.moves else 0.0)
        last = statistics.median(losses[-limits.LAST :]) if math.isfinite(losses[-1]) else math.inf
        # What goes on with trained weights begins with a small loss, and with an optimizer that knows nothing yet.
        factor = limits.DIVERGED if self._alone and self.watch.training.known < 1 else _DIVERGED_SEVERAL
        first = abs(finite[0]) if moved >= _UPDATE_TOO_LARGE else first
        if min(finite) < 0:  # around 0 a loss grows many times over without any meaning
            first = max(first, *map(abs, finite[: limits.WINDOW]))
        grew = last > factor * first + 1e-3 and max(finite[-limits.LAST :]) > factor * abs(finite[0])
        enough = len(losses) > limits.FIRST + limits.LAST or not math.isfinite(losses[-1]) or final
        if enough and grew and math.isfinite(last) and _careful(course) and not (final and last >= max(finite) / 2):
            return  # rows that come in their order, as those of a series do, get harder and easier by themselves
        if enough and grew and (math.isfinite(last) or max(finite) > factor * abs(finite[0])):
            if self._alone and len(course.uphill) >= limits.FIRST and all(course.uphill):
                self._tell_uphill(course, finite[0], last)
                return
            words = f"the loss went from {number(finite[0])} to {number(losses[-1])}"
            self._tell_high(course, words, finite[0], last)
            return
        if final and math.isfinite(last) and len(finite) == len(losses) and self._climbs(course):
            self._tell_uphill(course, finite[0], last)
            return
        wild = moved >= _UPDATE_TOO_LARGE and len(losses) > limits.FIRST + limits.LAST
        if wild and last >= limits.NOT_IMPROVED * abs(finite[0]):
            words = f"the loss has not fallen ({number(finite[0])} at first, {number(last)} now)"
            self._tell_high(course, words, finite[0], last)
        elif (
            final
            and (died := self._died() or (self._mostly_died() if last >= _HARDLY_LESS * abs(finite[0]) else ""))
            and _unusual(course)
            and max(course.moves[: limits.WINDOW], default=0.0) >= _UPDATE_KILLED
        ):
            words = f"{died} after the first updates; the loss stays at {number(last)}"
            self._tell_high(course, words, finite[0], last)
        elif final and len(finite) == len(losses) and self._alone and _jumps(course):
            third = losses[-(len(losses) // 3) :]
            ends = f"{number(finite[0])} at first, up to {number(max(third))} in the last third"
            words = f"the loss has not settled ({ends})"
            self._tell_high(course, words, finite[0], last)

    @property
    def _alone(self) -> bool:
        """Is there no other loss that takes turns with this one, as in a GAN?"""
        return len(self._courses) == 1 and not self.watch.training.turns

    def _climbs(self, course: _Course) -> bool:
        """Have all steps looked at gone along the gradients, and the loss with them?"""
        enough = len(course.uphill) >= limits.UNREACHED_STEPS and len(course.losses) >= limits.FEW_STEPS
        if not self._alone or not enough or not all(course.uphill):
            return False
        part = len(course.losses) // 3
        first, last = course.losses[:part], course.losses[-part:]
        noise = math.hypot(*[statistics.stdev(x) / math.sqrt(part) for x in (first, last)])
        return statistics.fmean(last) - statistics.fmean(first) > limits.FEW_SIGMA * noise

    def _died(self) -> str:
        """What was alive in the first step, and isn't any more; empty for nothing."""
        for finding in self.watch.raw("dead_relu", "constant_output"):
            if finding.severity == "error" and finding.evidence.get("from_start") is False:
                return "all units of a layer fell silent" if finding.kind == "dead_relu" else "the outputs froze"
        return ""

    def _mostly_died(self) -> str:
        """How many units of a layer are silent that weren't in the first step, where that is most; empty for none."""
        for finding in self.watch.raw("dead_relu"):
            dead, units = finding.evidence.get("dead", 0), finding.evidence.get("units", 1)
            fell = finding.severity == "warning" and finding.evidence.get("from_start") is False
            if fell and dead >= _MOSTLY_KILLED * units:
                return f"{dead} of {units} units of a layer fell silent"
        return ""

    def _tell_uphill(self, course: _Course, first: float, last: float) -> None:
        """The loss grows because each update adds the gradient, which points to where it grows."""
        self.watch.retract(("lr_too_high", id(course)))
        self.watch.report(
            "loss_sign.update",
            "error" if self._asked_loss else "info",
            f"the updates go along the gradients, not against them: in all {len(course.uphill)} steps looked at the "
            f"weights moved to where the loss grows, from {number(first)} to {number(last)}",
            place=course.place,
            key=("loss_sign", id(course)),
            evidence={"perfect": first, "now": last, "steps": len(course.uphill)},
        )

    def _tell_high(self, course: _Course, words: str, first: float, last: float) -> None:
        if any(finding.rule == "lr_too_high.summed" for finding in self.watch.raw("lr_too_high")):
            return  # the rate isn't to blame
        moved = course.moves[0] if course.moves else None
        by = "" if not moved else f"; the first update changed the weights by {number(moved)} times their own size"
        rate = "" if course.rate is None else f" at learning rate {number(course.rate)}"
        count, added_at = self._sum or (0, None)
        # A rate that is large for a mean isn't to blame either, where updates with a mean's gradients would be small.
        as_mean = moved is not None and bool(count) and moved / count < 0.1 * _UPDATE_TOO_LARGE
        summed = bool(count) and type(course.optimizer).__name__ in _BY_SIZE and (as_mean or not _unusual(course))
        why = (
            f". The loss is a sum of {count} numbers, where a mean is usual: its gradients, and the updates with "
            "them, are as many times as large"
        )
        self.watch.report(
            "lr_too_high.sum" if summed else "lr_too_high",
            "error",
            f"{words} in {self.watch.counted(len(course.losses))}{rate}{by} (about 0.001 is usual)"
            f"{why if summed else ''}",
            op=getattr(course.optimizer, "name", None),
            place=(added_at if summed else None) or course.place,
            key=("lr_too_high", id(course)),
            evidence={
                "learning_rate": course.rate,
                "first_loss": first,
                "last_loss": last,
                "steps": len(course.losses),
                "first_update": moved,
                "unusual": _unusual(course),
            },
        )

    def _too_low(self, course: _Course) -> None:
        if len(course.losses) < _UNMOVED_STEPS or not course.moves or len(course.rates) > 1:
            return
        if self.watch.training.known:
            return  # to tune what has been trained, small steps are usual, and there may be little left to learn
        part = len(course.losses) // 3
        first, last = statistics.fmean(course.losses[:part]), statistics.fmean(course.losses[-part:])
        moved = max(course.moves)
        kept = statistics.median(course.kept)
        highest = 1.001 * _RATE_TOO_SMALL * max(1.0, 0.1 * _scale(course.optimizer))
        cut = kept <= _HARDLY_KEPT and moved <= _UPDATE_CUT
        low = course.rate is None or course.rate * kept <= highest or cut
        epsilon = float(getattr(course.optimizer, "epsilon", None) or 0.0)
        damped = epsilon >= _EPSILON and course.rate is not None and course.rate * kept > highest
        part_of_loss, made_small_at = self._part
        shrunk = not low and not damped and self._is_shrunk(course, kept, highest)
        low = low or damped or shrunk
        clipped = course.rate is not None and course.rate > highest and not damped and not shrunk
        key = ("lr_too_low", id(course))
        slow = low and moved <= _UPDATE_TOO_SMALL and all(map(math.isfinite, course.losses))
        noise = 2 * statistics.pstdev(course.losses) / math.sqrt(part) if slow else 0.0
        if not slow or abs(first - last) > max(_UNMOVED * abs(first), noise):
            self.watch.retract(key)
            return
        if not moved and not course.updated:
            return  # no gradient at all: that isn't the learning rate
        rate = "" if course.rate is None else f" at learning rate {number(course.rate)}"
        how = f"changes the weights by {number(moved)} of their size" if moved else "is too small for float32 to show"
        if damped:
            rate += f", and epsilon={epsilon:g} makes updates as small as gradients are beside it"
        if clipped:
            setting, limit = _clipping(course.optimizer)
            rate += f", and of the gradients {setting}={limit:g} leaves {number(100 * kept)} %"
        if shrunk:
            rate += f", and the loss is multiplied by {number(part_of_loss)} before its gradients are taken"
        ways = {"epsilon": damped, "clipped": clipped, "shrunk": shrunk}
        self.watch.report(
            ".".join(["lr_too_low", *[way for way, holds in ways.items() if holds]]),
            "warning",
            f"the loss hardly moves ({number(first)} at first, {number(last)} now) in "
            f"{self.watch.counted(len(course.losses))}{rate}: an update {how} (about 0.001 of their size is usual)",
            op=getattr(course.optimizer, "name", None),
            place=(made_small_at if shrunk else None) or course.place,
            key=key,
            evidence={
                "learning_rate": course.rate,
                "first_loss": first,
                "last_loss": last,
                "largest_update": moved,
                "steps": len(course.losses),
            },
        )

    def _is_shrunk(self, course: _Course, kept: float, highest: float) -> bool:
        """Is the loss only so small a part of itself that updates with its gradients are as those of a rate too low?"""
        factor, _ = self._part
        if course.rate is None or factor > _SHRUNK or not self._alone:
            return False
        if type(course.optimizer).__name__ in _BY_SIZE:
            return course.rate * kept * factor <= highest
        return factor <= _SHRUNK_BELOW_EPSILON  # Adam divides by the size of gradients, unless that is next to 0


def _scaled_by(name: str, inputs: Any) -> tuple[Any, float]:
    """The key of the number that is multiplied (or divided) by another one, which isn't traced, and that one."""
    for i, each in enumerate(inputs[:2] if name == "multiply" else inputs[:1]):
        other = inputs[1 - i]
        key = each.key if isinstance(each, Tensor) and each.data.size == 1 else None
        value = host(other.data) if isinstance(other, Tensor) else numpy.asarray(other)
        if key is None or isinstance(other, Variable) or value.size != 1 or getattr(other, "key", None) is not None:
            continue
        factor = float(value.reshape(()))
        return key, factor if name == "multiply" else 1 / factor if factor else 0.0
    return None, 1.0


def _measure(course: _Course) -> None:
    """How far a step moved the weights, against their size."""
    moved = size = 0.0
    along = 0.0
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


def _clipping(optimizer: Any) -> tuple[str, float]:
    """The setting by which an optimizer limits gradients, and its value; an empty name where it doesn't."""
    for name in ("clipnorm", "global_clipnorm", "clipvalue"):
        if getattr(optimizer, name, None):
            return name, float(getattr(optimizer, name))
    return "", math.inf


def _kept(optimizer: Any, gradients: list[numpy.ndarray]) -> float:
    """How much of the gradients is left by clipping; 1 for optimizers whose updates don't depend on their size."""
    setting, limit = _clipping(optimizer)
    if not setting or type(optimizer).__name__ != "SGD":
        return 1.0
    if setting == "clipvalue":
        sizes = [float(numpy.abs(g).max()) for g in gradients if g.size]
    else:
        sizes = [rms(g) * math.sqrt(g.size) for g in gradients]
    largest = math.hypot(*sizes) if setting == "global_clipnorm" else max(sizes, default=0.0)
    return min(1.0, limit / largest) if largest and math.isfinite(largest) else 1.0


def _scale(optimizer: Any) -> float:
    """How much larger the rates of an optimizer are than Adam's: Adadelta is made for 1.0, SGD begins with 0.01."""
    return {"Adadelta": 1000.0, "SGD": 10.0, "Adagrad": 10.0, "Ftrl": 10.0}.get(type(optimizer).__name__, 1.0)


def _unusual(course: _Course) -> bool:
    """Is the learning rate ten times above what such optimizers begin with, or more?"""
    return course.rate is not None and course.rate >= 0.999 * _RATE_UNUSUAL * _scale(course.optimizer)


def _careful(course: _Course) -> bool:
    """Is the learning rate a usual one, and are its first updates so small that they can't have thrown the loss up?"""
    moved = course.moves[: limits.WINDOW]
    return course.rate is not None and not _unusual(course) and 0 < max(moved, default=0.0) < _UPDATE_CAREFUL


def _jumps(course: _Course) -> bool:
    """Does the loss still jump in the last third, after updates that were nearly as large as the weights?"""
    first, third = course.losses[0], course.losses[-(len(course.losses) // 3) :]
    moved = course.moves[: limits.WINDOW]
    if len(course.losses) < 3 * limits.FEW_STEPS or len(moved) < limits.WINDOW or not _unusual(course):
        return False
    wild = statistics.median(moved) >= _UPDATE_KILLED
    return wild and max(third) >= _JUMPS * first > 0 and statistics.median(third) >= _JUMPS_STAYS * first


def times_usual(optimizer: Any) -> float | None:
    """An optimizer's learning rate, against what such ones begin with; None where it has none that is a number."""
    rate = rate_of(optimizer)
    return None if rate is None else 10 * rate / (_RATE_UNUSUAL * _scale(optimizer))


def rate_is_high(optimizer: Any) -> bool:
    """Is an optimizer's learning rate ten times above what such ones begin with, or more?"""
    rate = rate_of(optimizer)
    return rate is not None and rate >= 0.999 * _RATE_UNUSUAL * _scale(optimizer)


def rate_of(optimizer: Any) -> float | None:
    """An optimizer's learning rate now; None where it has none that is a number."""
    try:
        return float(optimizer.learning_rate)
    except (TypeError, ValueError, AttributeError):
        return None


def faded_steps(rates: Sequence[float], highest: float) -> int:
    """How many rates at the end are so low, beside the highest, that updates of that size change no weight any more.

    >>> faded_steps([0.1, 0.01, 1e-9, 0.0], 0.1), faded_steps([0.1, 0.0, 0.1], 0.1)
    (2, 0)
    """
    backwards = enumerate(reversed(rates))
    return next((i for i, rate in backwards if rate >= _RATE_FADED * highest), len(rates))
