"""`loss_sign`: GANs in custom loops whose generator is trained to be found out, or whose judge learns nothing."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Model, Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, host, tensors
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place, user_line

__all__ = ["GanGeneratorSign"]

_ONE_CURVE = 0.1  # of the largest slope: so much less may one of a higher answer be, where labels have noise

_FIXES = {
    "loss_sign.adversary": (
        "Train the generator with the label of real rows: where the discriminator learns 1 for real rows and 0 for "
        "made ones, loss(ones_like(made), made), or gan.train_on_batch(noise, numpy.ones((n, 1)))."
    ),
    "loss_sign.same_labels": (
        "Teach it different labels: ones for real rows and zeros for made ones, as in "
        "loss(ones_like(real), real) + loss(zeros_like(made), made)."
    ),
}


class _Call(NamedTuple):
    """One call of a network that gives a number for each row, or for each part of one."""

    judge: Any
    answers: Tensor
    made: numpy.ndarray  # for each row: does it come from another network? NaN where that isn't known


class _Slope(NamedTuple):
    """The gradient of a loss by the answers of a call, and where the loss took them."""

    call: _Call
    values: Any
    place: Place | None


class _Wanted:
    """What the losses of one judge wanted of its answers, by rounds: 1 for higher ones, -1 for lower, 0 for both."""

    def __init__(self, judge: Any) -> None:
        self.judge = judge
        self.real: list[int | None] = []
        self.made: list[int | None] = []
        self.alike: list[bool] = []  # the same of real rows as of made ones
        self.makers: list[int | None] = []
        self.own: Place | None = None
        self.place: Place | None = None


class GanGeneratorSign(Check):
    """Compares which way a judge's answers for made rows are to go: by its own loss, and by that of their maker.

    It is told by gradients, and so is the same for labels, hinges and critics: whatever the judge learns to say of
    made rows, their maker has to want the opposite.
    """

    fixes = _FIXES

    of_script = True
    ends = ("model", "layer")
    begins = ("loss",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._made: dict[int, Any] = {}  # arrays that networks made in this step, and whose rows are known
        self._calls: dict[int, _Call] = {}  # by the keys of answers
        self._places: dict[int, Place | None] = {}  # where losses take answers, by the keys of these
        self._lost: dict[int, Place | None] = {}  # the same, by the keys of what a loss made of them first
        self._slopes: dict[int, _Slope] = {}  # of this backward pass, by the keys of answers
        self._wanted: dict[int, _Wanted] = {}
        self._over = False  # has a step ended? What it saw may be asked once more, by the second of two tapes

    # ------------------------------------------------------------------ what is answered, and of which rows

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if error is not None or not isinstance(outputs, Tensor) or not outputs.data.ndim:
            return
        if not getattr(opened.owner, "weights", ()):
            return
        if self._over:
            self._over = False
            for each in (self._made, self._calls, self._places, self._lost):
                each.clear()
        given = [x for x in tensors(opened.scope.inputs) if x.data.ndim and len(x.data) == len(outputs.data)]
        if outputs.key is not None and outputs.data.shape[-1] == 1 and given:
            made = numpy.max([self._rows(x) for x in given], axis=0)
            known = self._calls.get(outputs.key)  # of a model within this one, such as a judge behind its generator
            if known is None or not isinstance(known.judge, Model) or not (known.made == 1).any():
                self._calls[outputs.key] = _Call(opened.owner, outputs, made)
        self._made[id(outputs.data)] = outputs.data, numpy.ones(len(outputs.data))

    def _rows(self, x: Tensor) -> numpy.ndarray:
        known = self._made.get(id(x.data))
        if known is not None and known[0] is x.data:
            found: numpy.ndarray = known[1]
            return found
        return numpy.full(len(x.data), 0.0 if x.key is None else numpy.nan)

    def _join(self, given: list[Tensor], outputs: Tensor) -> None:
        """Rows that a network made are put before or behind others, or beside what they were made for."""
        rows = [self._rows(x) for x in given]
        sizes = [len(each) for each in rows]
        if sum(sizes) == len(outputs.data):
            self._made[id(outputs.data)] = outputs.data, numpy.concatenate(rows)
        elif set(sizes) == {len(outputs.data)}:
            self._made[id(outputs.data)] = outputs.data, numpy.max(rows, axis=0)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or not isinstance(outputs, Tensor):
            return
        given = tensors(list(inputs))
        if op.name == "stop_gradient" and given and id(given[0].data) in self._made:
            self._made[id(outputs.data)] = outputs.data, self._rows(given[0])
        elif op.name == "concatenate" and any(id(x.data) in self._made for x in given):
            self._join(given, outputs)
        if outputs.key is not None:
            for x in given:
                if x.key in self._calls:
                    self._lost[outputs.key] = self._places.get(x.key) or self.watch.place()

    def on_scope_begin(self, opened: Any) -> None:
        for x in tensors(opened.scope.inputs):
            if x.key in self._calls:
                self._places[x.key] = user_line(opened.frame, None)

    # ------------------------------------------------------------------ what is wanted of the answers

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        for key, result in zip(in_keys, results or ()):
            if key in self._calls and result is not None and out_keys and out_keys[0] in self._lost:
                slope = host(getattr(result, "data", result)).astype("float64")
                if slope.shape == self._calls[key].answers.data.shape:
                    known = self._slopes.get(key, _Slope(self._calls[key], 0.0, self._lost[out_keys[0]]))
                    self._slopes[key] = known._replace(values=known.values + slope)

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        slopes, self._slopes = self._slopes, {}
        asked = identities([source for source, result in zip(sources, results) if result is not None])
        by_judge: dict[int, list[_Slope]] = {}
        for slope in slopes.values():
            by_judge.setdefault(id(slope.call.judge), []).append(slope)
        for number, calls in by_judge.items():
            judge = calls[0].call.judge
            wanted = self._wanted.setdefault(number, _Wanted(judge))
            trained = identities(judge.trainable_variables)
            if trained and trained <= asked:
                self._judged(wanted, calls)
            elif identities(judge.weights).isdisjoint(asked):
                self._deceives(wanted, calls)

    def _judged(self, wanted: _Wanted, calls: list[_Slope]) -> None:
        """The judge itself learns from these rows."""
        parts: dict[bool, tuple[list[Any], list[Any]]] = {True: ([], []), False: ([], [])}
        for call, slope, _ in calls:
            for is_made, (answers, slopes) in parts.items():
                rows = call.made == is_made
                if rows.any():  # a loss is a mean: without its number of rows, slopes can be compared
                    answers.append(host(call.answers.data)[rows].reshape(-1))
                    slopes.append(slope[rows].reshape(-1) * len(slope))
        if not parts[True][0] or not parts[False][0]:
            return
        real, made = (numpy.concatenate(parts[kind][1]) for kind in (False, True))
        wanted.real.append(_way(real))
        wanted.made.append(_way(made))
        all_answers = numpy.concatenate([*parts[False][0], *parts[True][0]])
        wanted.alike.append(_one_curve(all_answers, numpy.concatenate([real, made])))
        wanted.own = calls[0].place

    def _deceives(self, wanted: _Wanted, calls: list[_Slope]) -> None:
        """Other weights learn from what the judge says of their rows."""
        slopes = [slope[call.made == 1].reshape(-1) for call, slope, _ in calls]
        if any(len(slope) for slope in slopes):
            wanted.makers.append(_way(numpy.concatenate(slopes)))
            wanted.place = calls[0].place

    def on_step_end(self) -> None:
        self._over = True

    # ------------------------------------------------------------------ judging

    def finish(self) -> None:
        """Judge what was wanted in nearly all rounds."""
        for wanted in self._wanted.values():
            if len(wanted.made) < limits.WINDOW or len(wanted.makers) < limits.DECEIVED_ROUNDS:
                continue
            real, made, makers = (_mostly(each) for each in (wanted.real, wanted.made, wanted.makers))
            if real and real == made and sum(wanted.alike) >= limits.DECEIVED_ONE * len(wanted.alike):
                self._tell_same(wanted, real)
            elif made and made == makers and real == -made:
                self._tell_found_out(wanted, made)

    def _tell_found_out(self, wanted: _Wanted, way: int) -> None:
        name, towards = layer_label(wanted.judge), "higher" if way > 0 else "lower"
        self.watch.report(
            "loss_sign.adversary",
            "error",
            f"{name!r} learns to give {towards} answers for what the generator makes, and this loss trains the "
            f"generator to get {towards} answers, too, in {len(wanted.makers)} rounds: the generator learns to be "
            "found out, instead of being taken for real",
            place=wanted.place,
            key=("loss_sign", "adversary"),
            evidence={"perfect": float(-way), "now": float(way), "rounds": len(wanted.makers)},
        )

    def _tell_same(self, wanted: _Wanted, way: int) -> None:
        name, towards = layer_label(wanted.judge), "higher" if way > 0 else "lower"
        self.watch.report(
            "loss_sign.same_labels",
            "error",
            f"{name!r} is taught the same of real rows as of those that the generator makes, {towards} answers for "
            f"both, in {len(wanted.made)} rounds: it learns nothing that tells them apart",
            place=wanted.own,
            key=("loss_sign", "same_labels"),
            evidence={"perfect": 0.0, "now": float(way), "rounds": len(wanted.made)},
        )


def _way(slopes: numpy.ndarray) -> int | None:
    """Does a loss fall as answers get higher (1), or lower (-1)? 0 where that differs, None where it is content."""
    higher, lower = float((-slopes).clip(0).sum()), float(slopes.clip(0).sum())
    clear = limits.DECEIVED_ONE * (higher + lower)
    return None if not clear else 1 if higher >= clear else -1 if lower >= clear else 0


def _mostly(ways: list[int | None]) -> int:
    """The way of nearly all rounds; 0 for none."""
    known = [way for way in ways if way is not None]
    if len(known) < limits.DECEIVED_ROUNDS:
        return 0
    return next((way for way in (1, -1) if ways.count(way) >= limits.DECEIVED_ONE * len(known)), 0)


def _one_curve(answers: numpy.ndarray, slopes: numpy.ndarray) -> bool:
    """Does one target explain all slopes? Then they grow with the answers, but for noise on the labels.

    >>> answers = numpy.linspace(-1, 1, 32)
    >>> _one_curve(answers, answers - 1), _one_curve(answers, answers - (answers > 0))
    (True, False)
    """
    order = numpy.argsort(answers, kind="stable")
    parts = [part for part in numpy.array_split(slopes[order], limits.WINDOW) if part.size]
    noise = _ONE_CURVE * float(numpy.abs(slopes).max())
    rises = numpy.diff([part.mean() for part in parts]) >= -noise
    return bool(rises.all()) and float(numpy.median([part.std() for part in parts])) <= noise
