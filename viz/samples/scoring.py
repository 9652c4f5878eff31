"""From what was gathered while a script trained to its samples, judged by the model that came out."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Sequence
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, tree
from eagerflow.core.observe import unobserved
from eagerflow.layer.symbolic.text_type import is_text
from viz.attribution.question import MIXES
from viz.doctor.facts.constant_answers import best_constant, loss_of
from viz.doctor.facts.host_arrays import values_of
from viz.dry_run.first_weight import at_first_weight
from viz.facts import formatting
from viz.samples.judging import Classes, classes_of, far_off, likely_wrong, sureness
from viz.samples.loss_tracking import Gathering, row_losses
from viz.samples.row_keys import broken_marks, keys_of
from viz.samples.sample_set import Sample, Samples, shown_target

__all__ = ["judged"]

_MOST = 0.25  # of all samples whose labels are doubted, or come with others, too: more are no slips
_UNSURE = 0.12  # by so much less is a network sure of its answers than they are right: it still learns
_HARDLY = 0.8  # of the loss of always answering the same: with a quarter of wrong labels it would be about as high
_MIXED = (
    "a sample alone has another loss than in a batch: rows of a batch mix in this model, or it is random; "
    "|gradient| is that of the sample alone"
)
_AT_ONCE = 16  # samples that go through the model together, or as many as the script had in a batch


class _Data:
    """All samples as arrays, with the numbers of their rows."""

    def __init__(self, gathering: Gathering) -> None:
        feed = gathering.feed
        if feed is not None:
            parts = feed.parts if isinstance(feed.parts, tuple) else (feed.parts,)
            self.x = [numpy.asarray(leaf) for leaf in tree.flatten(parts[0])]
            self.y = [numpy.asarray(leaf) for leaf in tree.flatten(parts[1])] if len(parts) > 1 else []
            self.targets = self.y  # empty for an autoencoder without any of its own
            self.y = self.y or self.x
            met = [values_of(leaf).dtype for leaf in tree.flatten(gathering.structure[0])]
            typed = [x if is_text(x) or x.dtype == t else x.astype(t) for x, t in zip(self.x, met)]
            keys = keys_of([*typed, *[each.astype("float64") for each in self.y]])
            self.slots = numpy.array([gathering.slots.get(key, -1) for key in keys])
            self.x = typed
        else:
            kept = [i for i, inputs in enumerate(gathering.inputs) if inputs]
            self.x = [numpy.stack(leaf) for leaf in zip(*[gathering.inputs[i] for i in kept])]
            self.y = self.targets = [numpy.stack(leaf) for leaf in zip(*[gathering.targets[i] for i in kept])]
            self.slots = numpy.array(kept, dtype=int)
        self.rows = numpy.flatnonzero(self.slots >= 0)
        self._structure = gathering.structure

    def arguments(self, rows: Any) -> tuple[list[Any], Any]:
        """What the model is called with for some rows, and their targets."""
        x = [part if is_text(part) else Tensor(part) for part in [leaf[rows] for leaf in self.x]]
        y = [Tensor(leaf[rows]) for leaf in self.y]
        return _packed(self._structure[0], x), _packed(self._structure[1], y)


def _packed(structure: Any, leaves: list[Any]) -> Any:
    return tree.pack_sequence_as(structure, leaves) if tree.is_nested(structure) else leaves[0]


def judged(gathering: Gathering, shown: int, seconds: float, notes: Sequence[str] = ()) -> Samples:
    """The samples, the hardest first; of `shown` of them what reaches the first weight is kept, for pictures.

    Norms of gradients take `seconds` at most; the hardest samples come first.
    """
    data = _Data(gathering)
    with unobserved():
        outputs, losses = _answers(gathering, data)
        slots = data.slots[data.rows]
        times = gathering.count[slots]
        means = gathering.total[slots] / numpy.maximum(times, 1)
        several = bool(numpy.median(times) >= 2)
        is_ranked = bool(numpy.isfinite(losses).any())
        broken = broken_marks([leaf[data.rows] for leaf in data.x], [leaf[data.rows] for leaf in data.targets])
        order = _order(losses, means if several else losses, broken)
        now = classes_of(data.y[0][data.rows], outputs, gathering.losses[0])
        found = _described(gathering, data, outputs, losses, means, now if is_ranked else None)
        for at, mark in broken.items():
            found[at].marks.insert(0, mark)
        ranked = [found[i] for i in order]
        contrary = _mark_duplicates(data, found)
        mixed = is_ranked and _measure(gathering, data, ranked, order, seconds)
        met, pictures = _met(gathering, data, data.rows[order[:shown]], "hardest" if is_ranked else "first")
    name = gathering.names.of(str(getattr(gathering.model, "name", "") or type(gathering.model).__name__))
    if not is_ranked:
        told = [*notes, *contrary]
        return Samples(ranked, name, _not_ranked(gathering, losses), met, pictures, told, False, gathering.first_bad)
    by = "their losses while training and after it" if several else "their loss"
    told = [*notes, *contrary, *([_MIXED] if mixed else []), *_doubts_dropped(ranked, now)]
    if gathering.full:
        told.append("there were more samples than are kept, and no arrays that hold them: the rest is left out")
    unmet = len(data.slots) - len(data.rows)
    told += [f"{formatting.count(unmet, 'row')} weren't trained with"] if unmet else []
    without = sum([sample.gradient is None for sample in ranked])
    if without and gathering.model.trainable_variables:
        told.append(
            f"|gradient| of the {without} easiest isn't known: it takes a step for each; --seconds allows more time"
        )
    return Samples(ranked, name, f"the hardest first, by {by}", met, pictures, told, True, gathering.first_bad)


def _order(losses: numpy.ndarray, means: numpy.ndarray, broken: Collection[int]) -> numpy.ndarray:
    """The places of the samples: first those whose loss isn't finite as they hold such numbers, then the hardest.

    A mean of the losses of all times that a sample was met says nothing where it is NaN.
    """
    hardness = numpy.where(numpy.isfinite(means), (means + losses) / 2, losses)
    hardness = numpy.nan_to_num(hardness, nan=numpy.inf)
    sound = numpy.isfinite(losses) | ~numpy.isin(numpy.arange(len(losses)), list(broken))
    return numpy.lexsort((-hardness, sound))  # stable, as the order of the rows counts where nothing else does


def _not_ranked(gathering: Gathering, losses: numpy.ndarray) -> str:
    """Why there is no order."""
    kind = "NaN" if numpy.isnan(losses).all() else "infinite" if numpy.isinf(losses).all() else "NaN or infinite"
    if gathering.first_bad is None:
        return f"all losses of the trained model are {kind}, and nothing can be ranked by them"
    return f"losses are {kind} from step {gathering.first_bad} on, and nothing can be ranked by them"


def _answers(gathering: Gathering, data: _Data) -> tuple[Any, numpy.ndarray]:
    """What the trained model gives for each sample, and the loss of each."""
    outputs: list[Any] = []
    losses: list[numpy.ndarray] = []
    at_once = max(_AT_ONCE, gathering.largest)
    for first in range(0, len(data.rows), at_once):
        x, y = data.arguments(data.rows[first : first + at_once])
        given = gathering.model(*x, training=False)
        losses.append(_losses(gathering, y, given))
        outputs.append(values_of(tree.flatten(given)[0]))
    return numpy.concatenate(outputs), numpy.concatenate(losses)


def _losses(gathering: Gathering, y: Any, given: Any) -> numpy.ndarray:
    if len(gathering.losses) == 1:
        found: Any = row_losses(gathering.losses[0], y, given)
    else:
        each = tree.flatten(given)
        parts = [row_losses(loss, target, out) for loss, target, out in zip(gathering.losses, y, each)]
        found = numpy.sum([part for part in parts if part is not None], axis=0)
    assert found is not None  # it gave one value per sample while training
    return numpy.asarray(found)


def _described(
    gathering: Gathering,
    data: _Data,
    outputs: numpy.ndarray,
    losses: numpy.ndarray,
    means: numpy.ndarray,
    now: Classes | None,
) -> list[Sample]:
    """The samples in the order of their rows, with marks."""
    slots, targets = data.slots[data.rows], data.y[0][data.rows]
    times = gathering.count[slots]
    one = len(gathering.losses) == 1  # else the first output is shown, and losses are those of all
    then = now
    if now is not None and one and gathering.answers is not None and len(gathering.answers) > slots.max(initial=-1):
        mean = gathering.answers[slots] / numpy.maximum(times, 1)[:, None]
        then = classes_of(targets, mean, gathering.losses[0], chances=True) or now
    rather = numpy.full(len(losses), -1)
    for classes in (now, then):  # the mean of all passes comes last: it wasn't learned by heart
        if classes is not None:
            rather = numpy.where(likely_wrong(classes), classes.predicted, rather)
    marks = far_off(losses) if one and now is None else rather >= 0
    found = []
    for i, row in enumerate(data.rows):
        label, predicted, chance = _labels(now, i, targets[i], outputs[i])
        sample = Sample(int(row), label, predicted, chance, float(losses[i]), float(means[i]), int(times[i]))
        if marks[i]:
            sample.marks.append("far off" if now is None else f"label likely wrong: rather {rather[i]}")
        found.append(sample)
    return found


def _labels(classes: Classes | None, i: int, target: Any, output: Any) -> tuple[str, str, float | None]:
    if classes is None:
        return shown_target(numpy.asarray(target)), shown_target(numpy.asarray(output)), None
    label = int(classes.labels[i])
    return str(label), str(int(classes.predicted[i])), float(classes.chances[i, label])


def _mark_duplicates(data: _Data, found: list[Sample]) -> list[str]:
    """Mark those that come twice; what is to be said where most come with several labels, and then none is marked."""
    firsts: dict[int, Sample] = {}
    for sample, key in zip(found, keys_of([leaf[data.rows] for leaf in data.x])):
        first = firsts.setdefault(key, sample)
        if first is not sample:
            other = "" if first.label == sample.label else " with another label"
            sample.marks.append(f"duplicate of {first.row}{other}")
            if other:
                first.marks.append(f"duplicate of {sample.row}{other}")
    contrary = [sample for sample in found if any(mark.endswith("another label") for mark in sample.marks)]
    if len(contrary) <= _MOST * len(found):
        return []
    for sample in found:
        sample.marks = [mark for mark in sample.marks if not mark.startswith("duplicate of")]
    return [f"{len(contrary)} of {len(found)} rows come with several labels, as a GAN's fakes do: that isn't judged"]


def _doubts_dropped(samples: list[Sample], now: Classes | None) -> list[str]:
    """Where a network doubts a large part of all labels, or is sure of none, it hasn't learned enough to doubt any."""
    doubted = [sample for sample in samples if any(mark.startswith("label likely") for mark in sample.marks)]
    why = "" if now is None else _still_learning(now)
    if not doubted or (len(doubted) <= _MOST * len(samples) and not why):
        return []
    for sample in doubted:
        sample.marks = [mark for mark in sample.marks if not mark.startswith("label likely")]
    finds = f"the network finds {len(doubted)} of {len(samples)} labels wrong"
    return [f"{finds}{why}: it has learned too little to judge them, so none is marked"]


def _still_learning(now: Classes) -> str:
    """How one sees that more training would change the answers; empty where one doesn't."""
    right, sure = float((now.predicted == now.labels).mean()), sureness(now)
    if right - sure > _UNSURE:
        return f", and is {sure:.0%} sure of its answers, of which {right:.0%} are right"
    pairs = [(now.labels, now.chances)]
    loss, constant = loss_of("sparse", *pairs[0], {}), best_constant("sparse", pairs, pairs, {})
    if constant is not None and loss > _HARDLY * constant:
        return f", with a loss of {loss:.3g}, where always giving the same answer has {constant:.3g}"
    return ""


def _measure(gathering: Gathering, data: _Data, ranked: list[Sample], order: numpy.ndarray, seconds: float) -> bool:
    """The norm of the gradient of each sample's loss, one by one: exact for every kind of weight.

    Says whether a sample alone has another loss than in a batch.
    """
    mixed = False
    ends = time.monotonic() + seconds
    weights = gathering.model.trainable_variables
    if not weights:  # of another framework
        return False
    for sample, i in zip(ranked, order):
        if time.monotonic() > ends:
            break
        x, y = data.arguments(data.rows[i : i + 1])
        with GradientTape() as tape:
            given = gathering.model(*x, training=False)
            each = tree.flatten(given) if len(gathering.losses) > 1 else [given]
            targets = y if len(gathering.losses) > 1 else [y]
            total: Any = sum([loss._compute(t, out, None) for loss, t, out in zip(gathering.losses, targets, each)])
        gradients = [values_of(g).astype("float64") for g in tape.gradient(total, weights) if g is not None]
        sample.gradient = math.sqrt(sum([float((g * g).sum()) for g in gradients]))
        means = all(loss.reduction not in ("sum", "none") for loss in gathering.losses)
        mixed |= means and abs(float(total) - sample.loss) > MIXES * max(1e-3, abs(sample.loss))
    return mixed


def _met(gathering: Gathering, data: _Data, rows: numpy.ndarray, which: str) -> tuple[str, list[Any]]:
    """What reaches the first weight, in words and as arrays for some rows, which are called so."""
    x, _ = data.arguments(rows)
    seen = at_first_weight(lambda: gathering.model(*x, training=True))
    found = seen.values if seen is not None and seen.values.shape[:1] == (len(rows),) else None
    original = data.x[0]
    if is_text(original):
        return "", [str(each) for each in original[rows].reshape(-1)]
    if found is None or seen is None:
        return "", list(original[rows])
    words = f"at the first weight ({gathering.names.of(seen.weight)}): "
    words += f"{formatting.shape(found.shape[1:])} {found.dtype} for each sample"
    finite = found[numpy.isfinite(found)] if found.dtype.kind == "f" else found
    if finite.size:
        words += (
            f", from {finite.min():.4g} to {finite.max():.4g}, mean {finite.mean():.4g} (of the {len(rows)} {which})"
        )
    if original[0].size == found[0].size and found.ndim <= 2:
        return words, list(found.reshape(len(rows), *original.shape[1:]))
    return words, list(found)
