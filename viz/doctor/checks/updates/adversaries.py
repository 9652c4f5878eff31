"""Networks that play against each other, as in a GAN: which way each loss wants the judge's answers to go."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, host, is_tensor, tensors, values_of
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place, user_line

__all__ = ["Adversaries"]

_ROUNDS = 4  # so many updates that want a discriminator's answers all to go one way, at least
_ONE = 0.95  # of what they want goes that way; in this part of the rounds


class _Call(NamedTuple):
    """One call of a network that gives a number for each row: which rows come from another one (NaN: not known)."""

    judge: Any
    is_model: bool
    made: numpy.ndarray


class _Taken(NamedTuple):
    """What a loss made of such answers: on which line, with which labels, and by what it grows with each answer."""

    place: Place | None
    labels: Any
    slope: Any = 0.0


class _Judge:
    """Which way losses wanted a judge's answers to go, by rounds: 1 for higher ones, -1 for lower, 0 for both.

    In its own updates, of all rows (`own`), the `real` and the `made` ones; of made rows alone where the judge stays as
    it is (`makers`), where it alone is trained (`taken`), and where others are, too (`both`).
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        self.ways: defaultdict[str, list[int]] = defaultdict(list)
        self.alike: list[bool] = []  # is it told the same of real rows as of made ones?
        self.places: dict[str, Place | None] = {}

    def add(self, of: str, slopes: list[numpy.ndarray], place: Place | None = None) -> None:
        """Note which way a loss falls; nothing where it is content."""
        values = numpy.concatenate([each.reshape(-1) for each in slopes])
        higher, lower = float((-values).clip(0).sum()), float(values.clip(0).sum())
        clear = _ONE * (higher + lower)
        if clear:
            self.ways[of].append(1 if higher >= clear else -1 if lower >= clear else 0)
            self.places[of] = place

    def mostly(self, of: str) -> int:
        """The way of nearly all rounds; 0 for none."""
        known = self.ways[of]
        found = next((way for way in (1, -1) if known.count(way) >= _ONE * len(known)), 0)
        return found if len(known) >= _ROUNDS else 0


class Adversaries(Check):
    """Compares which way a judge's answers for made rows are to go: by its own loss, and by that of their maker.

    It is told by gradients, and so is the same for labels, hinges and critics: whatever the judge learns to say of
    made rows, their maker has to want the opposite, and to leave the judge as it is.
    """

    rules = {
        "loss_sign.adversary": Rule(
            "error",
            "{judge!l} learns to give {towards} answers for what the generator makes, and this loss trains the "
            "generator to get {towards} answers, too, in {rounds} rounds: it learns to be detected",
            "Train the generator with the label of real rows: where the discriminator learns 1 for real rows and 0 for "
            "made ones, loss(ones_like(made), made), or gan.train_on_batch(noise, numpy.ones((n, 1))).",
        ),
        "loss_sign.same_labels": Rule(
            "error",
            "{judge!l} is taught the same of real rows as of those that the generator makes, {towards} answers for "
            "both, in {rounds} rounds: it learns nothing that tells them apart",
            "Teach it different labels: loss(ones_like(real), real) + loss(zeros_like(made), made).",
        ),
        "opposed_updates.deceived": Rule(
            "error",
            "this step updates all {shared} weights of {judge!l} beside others, and in it ({rounds} rounds) {judge!l} "
            "learns to give {towards} answers for whatever these make, where another step trains it to tell rows "
            "apart: so it learns to be deceived",
            "Give generator.trainable_variables alone to tape.gradient and to the optimizer. Where a compiled model "
            "trains the generator through the discriminator, set discriminator.trainable = False before gan.compile "
            "and each gan.train_on_batch, and True before each discriminator.train_on_batch.",
        ),
        "frozen.taken": Rule(
            "error",
            "this loss wants {towards} answers of {judge!l} for what another network makes, but its gradient is asked "
            "of the {shared} weights of {judge!l} alone, which another step trains to want the opposite: the other "
            "network stays as first drawn",
            "Give this step the weights of the network that it should train, in tape.gradient and for the optimizer: "
            "in a GAN, tape.gradient(generator_loss, generator.trainable_variables).",
        ),
    }

    of_script = True
    ends = ("optimizer",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._made: dict[int, Any] = {}  # arrays that networks made in this step, and which of their rows
        self._calls: dict[int, _Call] = {}  # by the keys of answers
        self._logits: dict[int, Any] = {}  # of what sigmoids were taken, by the keys of what they gave
        self._taken: dict[int, _Taken] = {}  # by the keys of what losses make of answers
        self._slopes: dict[int, _Taken] = {}  # of this backward pass, by the keys of answers
        self._judges: dict[int, _Judge] = {}
        self._updated: set[int] = set()
        self._pending: tuple[_Judge, list[Any]] | None = None  # whose weights the next update may change with others
        self._over = False  # has a step ended? What it saw may be asked once more, by the second of two tapes

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        if not is_tensor(outputs) or not outputs.data.ndim or not getattr(opened.owner, "weights", ()):
            return
        if self._over:
            self._over = False
            for each in (self._made, self._calls, self._taken, self._logits):
                each.clear()
        rows = len(outputs.data)
        given = [self._rows(x) for x in tensors(opened.scope.inputs) if x.data.ndim and len(x.data) == rows]
        if outputs.key is not None and outputs.data.shape[-1] == 1 and given:
            for key in (outputs.key, self._logits.get(outputs.key)):  # from which a crossentropy goes on
                known = self._calls.get(key) if key is not None else None
                # Of a model within this one, such as a judge behind its generator.
                if key is not None and (known is None or not known.is_model or not known.made.any()):
                    self._calls[key] = _Call(opened.owner, opened.kind == "model", numpy.max(given, axis=0))
        self._made[id(outputs.data)] = outputs.data, numpy.ones(rows)

    def _rows(self, x: Any) -> numpy.ndarray:
        """Which rows of a tensor a network made: 1 for these."""
        known = self._made.get(id(x.data))  # with the array, so that its number stays its own
        return numpy.full(len(x.data), 0.0 if x.key is None else numpy.nan) if known is None else known[1]

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or not is_tensor(outputs):
            return
        given = tensors(list(inputs))
        if op.name in ("stop_gradient", "concatenate") and any(id(x.data) in self._made for x in given):
            rows = [self._rows(x) for x in given]  # put before or behind others, or beside what they were made for
            behind = sum(map(len, rows)) == len(outputs.data)
            self._made[id(outputs.data)] = outputs.data, (numpy.concatenate if behind else numpy.maximum.reduce)(rows)
        if outputs.key is not None and op.name == "sigmoid" and given:
            self._logits[outputs.key] = given[0].key
        if outputs.key is not None and any(x.key in self._calls for x in given):
            opened = self.watch.scopes.innermost("loss")
            compared = None if opened is None else opened.scope.inputs
            labels = values_of(compared[0]) if isinstance(compared, tuple) and len(compared) == 2 else None
            place = self.watch.place() if opened is None else user_line(opened.frame, None)
            self._taken[outputs.key] = _Taken(place, labels)

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        taken = self._taken.get(first(out_keys))
        for key, result in zip(in_keys, results or ()):
            call = self._calls.get(key) if taken is not None and result is not None else None
            slope = values_of(result).astype("float64") if call is not None else None
            if call is not None and taken is not None and slope is not None and slope.shape[:1] == call.made.shape:
                known = self._slopes.get(key, taken)
                self._slopes[key] = known._replace(slope=known.slope + slope)

    def on_gradients(self, gradients: Gradients) -> None:
        by_judge: defaultdict[int, list[tuple[_Call, _Taken]]] = defaultdict(list)
        for key, taken in self._slopes.items():
            by_judge[id(self._calls[key].judge)].append((self._calls[key], taken))
        self._slopes = {}
        for number, calls in by_judge.items():
            judge, asked = self._judges.setdefault(number, _Judge(calls[0][0].judge)), gradients.asked
            trained, weights = (identities(getattr(judge.network, of)) for of in ("trainable_variables", "weights"))
            made = [taken.slope[call.made == 1] for call, taken in calls]
            if trained and trained <= asked and not all((call.made == 1).all() for call, _ in calls):
                self._judged(judge, calls)
            elif trained and trained < asked:
                self._pending = judge, made
            elif trained and trained == asked:
                judge.add("taken", made, self.watch.place())
                self._pending = None
            elif weights.isdisjoint(asked):
                judge.add("makers", made, calls[0][1].place)

    def _judged(self, judge: _Judge, calls: list[tuple[_Call, _Taken]]) -> None:
        """The judge itself learns from these rows."""
        # A loss is a mean: without its number of rows, slopes can be compared.
        slopes = [taken.slope * len(taken.slope) for _, taken in calls]
        real, made = ([s[call.made == is_made] for s, (call, _) in zip(slopes, calls)] for is_made in (0, 1))
        judge.add("own", slopes, calls[0][1].place)
        if any(map(len, real)) and any(map(len, made)):
            judge.add("real", real)
            judge.add("made", made)
            told = [s if taken.labels is None else taken.labels for s, (_, taken) in zip(slopes, calls)]
            judge.alike.append(float(numpy.ptp(numpy.concatenate([each.reshape(-1) for each in told]))) == 0)

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        gradient = inputs[0] if inputs else None
        if self.watch.inside("optimizer") and is_tensor(gradient) and host(gradient.data).any():
            self._updated.add(variable.identity)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        judge, made = self._pending or (None, [])
        if judge is not None and identities(judge.network.trainable_variables) < self._updated:
            judge.add("both", made, self.watch.place() or self.watch.called_at())
            self._pending = None
        self._updated = set()

    def on_step_end(self) -> None:
        self._over = True

    def finish(self) -> None:
        """Judge what was wanted in nearly all rounds."""
        left_out = any(finding.rule == "frozen.left_out" for finding in self.watch.raw("frozen"))
        for judge in self._judges.values():
            real, made, makers, taken, both = map(judge.mostly, ("real", "made", "makers", "taken", "both"))
            enough = len(judge.alike) >= limits.WINDOW
            if enough and real and real == made and sum(judge.alike) >= _ONE * len(judge.alike):
                self._tell("loss_sign.same_labels", judge, real, "own")
            elif enough and made and made == makers and real == -made:
                self._tell("loss_sign.adversary", judge, made, "makers")
            elif taken and (taken == -made or (left_out and judge.ways["own"])):
                self.watch.retract(("frozen", "forgotten"))
                self._tell("frozen.taken", judge, taken, "taken")
            elif both and both != made and len(judge.ways["own"]) >= _ROUNDS and not judge.mostly("own"):
                self._tell("opposed_updates.deceived", judge, both, "both")

    def _tell(self, rule: str, judge: _Judge, way: int, of: str) -> None:
        words = {"judge": judge.network, "towards": "higher" if way > 0 else "lower", "rounds": len(judge.ways[of])}
        shared = len(identities(judge.network.weights))
        numbers = {"perfect": float(-way), "now": float(way), "shared": shared, "weights": shared, "unchanged": shared}
        key = rule.partition(".")[0], layer_label(judge.network)
        self.tell(rule, place=judge.places[of], key=key, steps=self.watch.step, **words, **numbers)
