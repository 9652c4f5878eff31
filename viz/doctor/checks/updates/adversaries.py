"""Networks that work against each other, as in a GAN: `opposed_updates`, `loss_sign`."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.host_arrays import first, host, is_tensor, key_of, tensors, values_of
from viz.doctor.facts.step_facts import Gradients
from viz.doctor.program import layer_label
from viz.doctor.trainings.training import identities
from viz.doctor.user_code import Place, user_line
from viz.recorder.descriptions import flat

__all__ = ["Adversaries"]


class _Judge:
    """Which way losses wanted a judge's answers to go, by rounds: 1 for higher ones, -1 for lower, 0 for both.

    In its own updates (`own`, of `real` and `made` rows), those of `makers`, and those of `both` together.
    """

    def __init__(self, network: Any) -> None:
        self.network = network
        self.rounds = 0  # with both real and made rows
        self.ways: defaultdict[str, list[int]] = defaultdict(list)
        self.places: dict[str, Place | None] = {}
        self.beside: set[int] = set()  # weights that its own updates change, beside its own
        self.asked: set[int] = set()  # those of its makers

    def add(self, of: str, slopes: list[numpy.ndarray], place: Place | None = None) -> None:
        """Note which way a loss falls; nothing where it is content."""
        values = numpy.concatenate([each.reshape(-1) for each in slopes])
        higher, lower = float((-values).clip(0).sum()), float(values.clip(0).sum())
        clear = limits.NEARLY_ALL * (higher + lower)
        if clear:
            self.ways[of].append(1 if higher >= clear else -1 if lower >= clear else 0)
            self.places[of] = place

    def mostly(self, of: str) -> int:
        """The way of nearly all rounds; 0 for none."""
        known = self.ways[of]
        found = next((way for way in (1, -1) if known.count(way) >= limits.NEARLY_ALL * len(known)), 0)
        return found if len(known) >= limits.OFTEN else 0


class Adversaries(Check):
    """Compares by gradients: whatever a judge learns to say of made rows, their maker has to want the opposite."""

    rules = {
        "loss_sign.adversary": Rule.error(
            "{judge!l} learns to give {towards} answers for what the generator makes, and this loss trains the "
            "generator to get {towards} answers, too, in {rounds} rounds: it learns to be detected",
            "Train the generator with the label of real rows: loss(ones_like(made), made), say.",
        ),
        "opposed_updates": Rule.warning(
            "this step of {judge!l}, which learns to give {towards} answers for what the generator makes, updates "
            "{shared} weights of the generator, too ({rounds} rounds): each undoes what the other learns",
            "Give each optimizer the weights of its own network, in tape.gradient and in apply: a discriminator's step "
            "takes discriminator.trainable_variables alone, and stop_gradient(generator(noise)) as its input.",
        ),
        "opposed_updates.deceived": Rule.error(
            "this step updates all {shared} weights of {judge!l} beside others, and in it ({rounds} rounds) {judge!l} "
            "learns to give {towards} answers for whatever these make: so it learns to be deceived",
            "Give generator.trainable_variables alone to tape.gradient and to the optimizer. With a compiled model, "
            "set discriminator.trainable = False before each gan.train_on_batch, and True before its own.",
        ),
    }

    of_script = True
    ends = ("optimizer",)

    def begin(self) -> None:
        self._made: dict[int, Any] = {}  # arrays that networks made in this step, and which of their rows
        self._before: dict[int, Any] = {}  # the same of the step before: a maker's rows may be used in both
        self._calls: dict[int, Any] = {}  # by the keys of answers: whose they are, is that a model, and of which rows
        self._logits: dict[int, Any] = {}  # of what sigmoids were taken, by the keys of what they gave
        self._taken: dict[int, Any] = {}  # the line, by the keys of what losses make of answers
        self._slopes: dict[int, Any] = {}  # of this backward pass, by the keys of answers, with the line
        self._judges: dict[int, _Judge] = {}
        self._updated: set[int] = set()
        self._pending: tuple[_Judge, list[Any]] | None = None  # whose weights the next update may change with others
        self._learning: tuple[_Judge, set[int]] | None = None  # whose own update is next, and what else has a gradient
        self._step = 0

    def on_call_end(self, opened: Any, outputs: Any) -> None:
        if not is_tensor(outputs) or not outputs.data.ndim or not getattr(opened.owner, "weights", ()):
            return
        if self._step != self.watch.total:  # what a step saw may be asked again, behind its end
            self._step = self.watch.total
            self._before, self._made = self._made, {}
            for each in (self._calls, self._taken, self._logits):
                each.clear()
        rows = len(outputs.data)
        given = [self._rows(x) for x in tensors(opened.scope.inputs) if x.data.ndim and len(x.data) == rows]
        if outputs.key is not None and outputs.data.shape[-1] == 1 and given:
            for key in (outputs.key, self._logits.get(outputs.key)):  # from which a crossentropy goes on
                known = self._calls.get(key) if key is not None else None
                # Of a model within this one, such as a judge behind its generator.
                if key is not None and (known is None or not known[1] or not known[2].any()):
                    self._calls[key] = opened.owner, opened.kind == "model", numpy.max(given, axis=0)
        self._made[id(outputs.data)] = outputs.data, numpy.ones(rows)

    def _rows(self, x: Any) -> numpy.ndarray:
        """Which rows of a tensor a network made: 1 for these."""
        known = (
            self._made.get(id(x.data)) or self._before.get(id(x.data)) if is_tensor(x) else None
        )  # with the array, so its number stays its own
        return numpy.full(x.shape[0], 0.0 if key_of(x) is None else numpy.nan) if known is None else known[1]

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, error: Any) -> None:
        if error is not None or not is_tensor(outputs):
            return
        given = [x for x in flat(list(inputs)) if len(getattr(x, "shape", ()))]
        if op.means in ("stop_gradient", "concatenate") and any(
            is_tensor(x) and (id(x.data) in self._made or id(x.data) in self._before) for x in given
        ):
            rows = [self._rows(x) for x in given]  # put before or behind others, or beside what they were made for
            behind = sum(map(len, rows)) == len(outputs.data)
            self._made[id(outputs.data)] = outputs.data, (numpy.concatenate if behind else numpy.maximum.reduce)(rows)
        if outputs.key is not None and op.means == "sigmoid" and given:
            self._logits[outputs.key] = key_of(given[0])
        if outputs.key is not None and any(key_of(x) in self._calls for x in given):
            opened = self.watch.scopes.innermost("loss")
            self._taken[outputs.key] = self.watch.place() if opened is None else user_line(opened.frame, None)

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        if first(out_keys) not in self._taken:
            return
        for key, result in zip(in_keys, results or ()):
            if result is not None and key in self._calls:
                slope, place = self._slopes.get(key, (0.0, self._taken[first(out_keys)]))
                self._slopes[key] = slope + values_of(result).astype("float64"), place

    def on_gradients(self, gradients: Gradients) -> None:
        every = [(*self._calls[key], *slope) for key, slope in self._slopes.items()]
        self._slopes = {}
        for number, network in {id(each[0]): each[0] for each in every}.items():
            judge, calls = self._judges.setdefault(number, _Judge(network)), [e[2:] for e in every if e[0] is network]
            trained, weights = (identities(getattr(network, of)) for of in ("trainable_variables", "weights"))
            made = [slope[rows == 1] for rows, slope, *_ in calls]
            if trained and trained <= gradients.asked and not all((rows == 1).all() for rows, *_ in calls):
                self._judged(judge, calls)
                moved = {source.identity for source, values in gradients.pairs if values.any()}
                self._learning = judge, moved - trained
            elif trained and trained <= gradients.asked:
                self._pending = judge, made
            elif weights.isdisjoint(gradients.asked):
                judge.add("makers", made, calls[0][2])
                judge.asked |= gradients.asked

    def _judged(self, judge: _Judge, calls: list[Any]) -> None:
        """The judge itself learns from these rows. Of a loss that is a mean, slopes are as many times as small."""
        real, made = ([s[rows == which] * len(s) for rows, s, *_ in calls] for which in (0, 1))
        judge.add("own", [*real, *made], calls[0][2])
        if any(map(len, real)) and any(map(len, made)):
            judge.add("real", real)
            judge.add("made", made)
            judge.rounds += 1

    def on_update(self, name: str, variable: Any, inputs: Any) -> None:
        gradient = inputs[0] if inputs else None
        if self.watch.inside("optimizer") and is_tensor(gradient) and host(gradient.data).any():
            self._updated.add(variable.identity)

    def on_scope_end(self, opened: Any, outputs: Any, error: Any) -> None:
        updated, self._updated = self._updated, set()
        place = self.watch.place() or self.watch.called_at()
        if self._pending is not None and identities(self._pending[0].network.trainable_variables) < updated:
            self._pending[0].add("both", self._pending[1], place)
            self._pending = None
        judge, others = self._learning or (None, set())
        if judge is not None and updated & identities(judge.network.trainable_variables):
            judge.beside |= others & updated
            judge.places["beside"], self._learning = place, None

    def finish(self) -> None:
        for judge in self._judges.values():
            real, made, makers, both = map(judge.mostly, ("real", "made", "makers", "both"))
            if judge.rounds >= limits.WINDOW and made and made == makers and real == -made:
                self._tell("loss_sign.adversary", judge, made, "makers")
            elif judge.rounds >= limits.WINDOW and made and made == -makers and judge.beside & judge.asked:
                self._tell("opposed_updates", judge, made, "beside", judge.rounds, len(judge.beside & judge.asked))
            elif both and both != made and len(judge.ways["own"]) >= limits.OFTEN and not judge.mostly("own"):
                self._tell("opposed_updates.deceived", judge, both, "both")

    def _tell(self, rule: str, judge: _Judge, way: int, of: str, rounds: int = 0, shared: int = 0) -> None:
        weights = len(judge.network.weights)
        words = {"judge": judge.network, "towards": "higher" if way > 0 else "lower"}
        numbers = {"perfect": float(-way), "now": float(way), "rounds": rounds or len(judge.ways[of])}
        numbers |= {"weights": weights + shared, "shared": shared or weights}
        self.tell(
            rule, place=judge.places[of], key=(rule.partition(".")[0], layer_label(judge.network)), **words, **numbers
        )
