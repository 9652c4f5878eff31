"""Networks that play against each other, as in a GAN: which way each loss wants the judge's answers to go."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

from eagerflow import Model, Tensor
from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import host, tensors
from viz.doctor.facts.step_facts import Gradients, Loss
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place, user_line

__all__ = ["Adversaries"]

_ROUNDS = 4  # so many updates that want a discriminator's answers all to go one way, at least
_ONE = 0.95  # of what they want goes that way, or they want one answer for all; in this part of the rounds
_ONE_CURVE = 0.1  # of the largest slope: so much less may one of a higher answer be, where labels have noise
_BOTH = 0.1  # of what the judge's own updates want goes the other way, at least


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
        self.sides = numpy.zeros(2)  # how much lower and how much higher, of all that the judge itself learns from
        self.real: list[int | None] = []
        self.made: list[int | None] = []
        self.alike: list[bool] = []  # the same of real rows as of made ones
        # Of made rows alone: where the judge stays as it is, where it is trained, and where it is with others.
        self.makers: list[int | None] = []
        self.taken: list[int | None] = []
        self.both: list[int | None] = []
        self.own: Place | None = None
        self.places: dict[str, Place | None] = {}
        self.asked = 0  # weights that are trained together with those of the judge


class Adversaries(Check):
    """Compares which way a judge's answers for made rows are to go: by its own loss, and by that of their maker.

    It is told by gradients, and so is the same for labels, hinges and critics: whatever the judge learns to say of
    made rows, their maker has to want the opposite, and to leave the judge as it is.
    """

    rules = {
        "loss_sign.adversary": Rule(
            "error",
            "{judge!l} learns to give {towards} answers for what the generator makes, and this loss trains the "
            "generator to get {towards} answers, too, in {rounds} rounds: the generator learns to be detected, "
            "instead of being taken for real",
            "Train the generator with the label of real rows: where the discriminator learns 1 for real rows and 0 for "
            "made ones, loss(ones_like(made), made), or gan.train_on_batch(noise, numpy.ones((n, 1))).",
        ),
        "loss_sign.same_labels": Rule(
            "error",
            "{judge!l} is taught the same of real rows as of those that the generator makes, {towards} answers for "
            "both, in {rounds} rounds: it learns nothing that tells them apart",
            "Teach it different labels: ones for real rows and zeros for made ones, as in loss(ones_like(real), real) "
            "+ loss(zeros_like(made), made).",
        ),
        "opposed_updates.deceived": Rule(
            "error",
            "this step updates {weights} weights, among them all {shared} of {judge!l}, which {where} tell rows "
            "apart: here ({rounds} rounds) {judge!l} learns to give {towards} answers for whatever the other weights "
            "make, so it learns to be deceived",
            "Train the generator's weights alone in its step: give generator.trainable_variables to tape.gradient and "
            "to the optimizer. Where a compiled model trains the generator through the discriminator, set "
            "discriminator.trainable = False before gan.compile and each gan.train_on_batch, and True before each "
            "discriminator.train_on_batch.",
        ),
        "frozen.taken": Rule(
            "error",
            "this loss wants {towards} answers of {judge!l} for what another network makes, but its gradient is asked "
            "of the {unchanged} weights of {judge!l} alone, which {where} the opposite: the other network stays as "
            "first drawn",
            "Give this step the weights of the network that it should train, in tape.gradient and for the optimizer: "
            "in a GAN, tape.gradient(generator_loss, generator.trainable_variables).",
        ),
    }

    of_script = True
    ends = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._made: dict[int, Any] = {}  # arrays that networks made in this step, and whose rows are known
        self._calls: dict[int, _Call] = {}  # by the keys of answers
        self._logits: dict[int, Tensor] = {}  # what sigmoids were taken of, by the keys of what they gave
        self._places: dict[int, Place | None] = {}  # where losses take answers, by the keys of these
        self._lost: dict[int, Place | None] = {}  # the same, by the keys of what a loss made of them first
        self._slopes: dict[int, _Slope] = {}  # of this backward pass, by the keys of answers
        self._wanted: dict[int, _Wanted] = {}
        self._updates: set[frozenset[int]] = set()  # which weights are updated together
        self._updated: set[int] = set()
        self._pending: _Wanted | None = None  # whose judge the next update may train, too
        self._over = False  # has a step ended? What it saw may be asked once more, by the second of two tapes

    # ------------------------------------------------------------------ what is answered, and of which rows

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        if not isinstance(outputs, Tensor) or not outputs.data.ndim or not getattr(opened.owner, "weights", ()):
            return
        if self._over:
            self._over = False
            for each in (self._made, self._calls, self._places, self._lost, self._logits):
                each.clear()
        given = [x for x in tensors(opened.scope.inputs) if x.data.ndim and len(x.data) == len(outputs.data)]
        if outputs.key is not None and outputs.data.shape[-1] == 1 and given:
            made = numpy.max([self._rows(x) for x in given], axis=0)
            answered: tuple[Any, ...] = (outputs, self._logits.get(outputs.key))
            for x in answered:  # from which a crossentropy goes on
                known = self._calls.get(x.key) if x is not None else None
                # Of a model within this one, such as a judge behind its generator.
                if x is not None and (known is None or not isinstance(known.judge, Model) or not known.made.any()):
                    self._calls[x.key] = _Call(opened.owner, x, made)
        self._made[id(outputs.data)] = outputs.data, numpy.ones(len(outputs.data))

    def _rows(self, x: Tensor) -> numpy.ndarray:
        known = self._made.get(id(x.data))
        if known is not None and known[0] is x.data:
            found: numpy.ndarray = known[1]
            return found
        return numpy.full(len(x.data), 0.0 if x.key is None else numpy.nan)

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or not isinstance(outputs, Tensor):
            return
        given = tensors(list(inputs))
        if op.name in ("stop_gradient", "concatenate") and any(id(x.data) in self._made for x in given):
            rows = [self._rows(x) for x in given]  # put before or behind others, or beside what they were made for
            if sum(map(len, rows)) == len(outputs.data):
                self._made[id(outputs.data)] = outputs.data, numpy.concatenate(rows)
            elif {len(each) for each in rows} == {len(outputs.data)}:
                self._made[id(outputs.data)] = outputs.data, numpy.max(rows, axis=0)
        if outputs.key is not None:
            if op.name == "sigmoid" and given:
                self._logits[outputs.key] = given[0]
            for x in given:
                if x.key in self._calls:
                    self._lost[outputs.key] = self._places.get(x.key) or self.watch.place()

    def on_loss(self, loss: Loss) -> None:
        if loss.answers.key in self._calls:
            self._places[loss.answers.key] = user_line(loss.opened.frame, None)

    # ------------------------------------------------------------------ what is wanted of the answers

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        for key, result in zip(in_keys, results or ()):
            if key in self._calls and result is not None and out_keys and out_keys[0] in self._lost:
                slope = host(getattr(result, "data", result)).astype("float64")
                if slope.shape == self._calls[key].answers.data.shape:
                    known = self._slopes.get(key, _Slope(self._calls[key], 0.0, self._lost[out_keys[0]]))
                    self._slopes[key] = known._replace(values=known.values + slope)

    def on_gradients(self, gradients: Gradients) -> None:
        slopes, self._slopes = self._slopes, {}
        asked = {variable.identity for variable, _ in gradients.pairs}
        by_judge: dict[int, list[_Slope]] = {}
        for slope in slopes.values():
            by_judge.setdefault(id(slope.call.judge), []).append(slope)
        for number, calls in by_judge.items():
            judge = calls[0].call.judge
            wanted = self._wanted.setdefault(number, _Wanted(judge))
            trained = identities(judge.trainable_variables)
            made = [slope[call.made == 1].reshape(-1) for call, slope, _ in calls]
            alone = all((call.made == 1).all() for call, _, _ in calls)
            if trained and trained <= asked:
                if alone:
                    kind = "both" if trained < asked else "taken"
                    wanted.asked = max(wanted.asked, len(asked))
                    getattr(wanted, kind).append(_way(numpy.concatenate(made)))
                    wanted.places[kind] = self.watch.place()
                    self._pending = wanted if kind == "both" else None
                else:
                    self._judged(wanted, calls)
            elif identities(judge.weights).isdisjoint(asked) and any(len(each) for each in made):
                wanted.makers.append(_way(numpy.concatenate(made)))
                wanted.places["makers"] = calls[0].place

    def _judged(self, wanted: _Wanted, calls: list[_Slope]) -> None:
        """The judge itself learns from these rows."""
        answers: dict[bool, list[Any]] = {True: [], False: []}
        slopes: dict[bool, list[Any]] = {True: [], False: []}
        wanted.own = calls[0].place
        for call, slope, _ in calls:
            sides = numpy.array([slope.clip(0).sum(), (-slope).clip(0).sum()])
            wanted.sides = wanted.sides + sides / (sides.sum() or 1.0)
            for is_made in answers:
                rows = call.made == is_made
                if rows.any():  # a loss is a mean: without its number of rows, slopes can be compared
                    answers[is_made].append(host(call.answers.data)[rows].reshape(-1))
                    slopes[is_made].append(slope[rows].reshape(-1) * len(slope))
        if slopes[True] and slopes[False]:
            real, made = (numpy.concatenate(slopes[kind]) for kind in (False, True))
            wanted.real.append(_way(real))
            wanted.made.append(_way(made))
            every = numpy.concatenate([*answers[False], *answers[True]])
            wanted.alike.append(_one_curve(every, numpy.concatenate([real, made])))

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        gradient = inputs[0] if inputs else None
        if self.watch.inside("optimizer") and isinstance(gradient, Tensor) and host(gradient.data).any():
            self._updated.add(variable.identity)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        if self._updated and len(self._updates) < limits.WINDOW:
            self._updates.add(frozenset(self._updated))
        if self._pending is not None and identities(self._pending.judge.trainable_variables) < self._updated:
            self._pending.places["both"] = self.watch.place() or self.watch.called_at()
            self._pending = None
        self._updated = set()

    def on_step_end(self) -> None:
        self._over = True

    # ------------------------------------------------------------------ judging

    def finish(self) -> None:
        """Judge what was wanted in nearly all rounds."""
        left_out = any(finding.rule == "frozen.left_out" for finding in self.watch.raw("frozen"))
        for wanted in self._wanted.values():
            real, made, makers = (_mostly(each) for each in (wanted.real, wanted.made, wanted.makers))
            taken, both = _mostly(wanted.taken), _mostly(wanted.both)
            trained = identities(wanted.judge.trainable_variables)
            enough, sides = len(wanted.made) >= limits.WINDOW, wanted.sides.min() > _BOTH * wanted.sides.sum()
            if enough and real and real == made and sum(wanted.alike) >= _ONE * len(wanted.alike):
                self._tell("loss_sign.same_labels", wanted, real, wanted.own, len(wanted.made))
            elif enough and made and made == makers and real == -made:
                self._tell("loss_sign.adversary", wanted, made, wanted.places["makers"], len(wanted.makers))
            elif taken and (taken == -made or (left_out and wanted.own is not None)):
                self.watch.retract(("frozen", "forgotten"))
                self._tell("frozen.taken", wanted, taken, wanted.places["taken"], len(wanted.taken))
            elif both and both != made and sides and any(trained < updated for updated in self._updates):
                self._tell("opposed_updates.deceived", wanted, both, wanted.places["both"], len(wanted.both))

    def _tell(self, rule: str, wanted: _Wanted, way: int, place: Place | None, rounds: int) -> None:
        numbers = {"perfect": float(-way), "now": float(way), "rounds": rounds, "unchanged": len(wanted.judge.weights)}
        line = "another step" if wanted.own is None else f"the step on line {wanted.own.line}"
        where = f"{line} trains to {'want' if rule == 'frozen.taken' else ''}".rstrip()
        shared = len(identities(wanted.judge.trainable_variables))
        numbers |= {"weights": wanted.asked, "shared": shared, "steps": self.watch.step}
        towards = "higher" if way > 0 else "lower"
        about = {"judge": wanted.judge, "towards": towards, "where": where}
        self.tell(rule, place=place, key=(rule.partition(".")[0], layer_label(wanted.judge)), **about, **numbers)


def _way(slopes: numpy.ndarray) -> int | None:
    """Does a loss fall as answers get higher (1), or lower (-1)? 0 where that differs, None where it is content."""
    higher, lower = float((-slopes).clip(0).sum()), float(slopes.clip(0).sum())
    clear = _ONE * (higher + lower)
    return None if not clear else 1 if higher >= clear else -1 if lower >= clear else 0


def _mostly(ways: list[int | None]) -> int:
    """The way of nearly all rounds; 0 for none."""
    known = [way for way in ways if way is not None]
    if len(known) < _ROUNDS:
        return 0
    return next((way for way in (1, -1) if ways.count(way) >= _ONE * len(known)), 0)


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
