"""Can the network learn one batch by heart? If it can't, more data won't help."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from eagerflow.data.packing import unpack_x_y_sample_weight
from viz.check.first_loss import chance_loss, lowest_loss
from viz.check.nan_source import made_by_op
from viz.check.row import Row, fault, fine, open_question
from viz.check.subject import ROUNDING, Losses, Subject, leaves
from viz.doctor import thresholds as limits
from viz.doctor.check_base import number
from viz.doctor.checks.learning_rate import rate_is_high
from viz.doctor.facts.rates import faded_steps
from viz.dry_run.first_step import rows_of
from viz.dry_run.recorded_ops import RecordedLoss

__all__ = ["NOT_FINITE", "check_overfitting"]

NOT_FINITE = "the loss of the first batch is NaN"

_ROWS = 32
_STEPS = 200
_PATIENT = 3000  # steps, before a network that doesn't move is called stuck: it may be on a plateau
_LEARNT = 0.1  # of the first loss, or of what chance gives: a first loss may be huge, and chance a hundredth of it
_STUCK = 0.5  # of the same: less far than this, nothing was learnt
_LITTLE = 0.8  # of the same, after all steps, where another rate learns the batch; or of a loss that seemed stuck
_UNMOVED = 0.98  # of a loss: then it hardly fell
_RATES = (1e-3, 1e-2)


class _Attempt(NamedTuple):
    name: str
    losses: list[float]  # above the lowest that can be reached
    steps: int
    broken: bool  # by NaN
    per_step: int  # backward passes of a step
    chance: float | None  # above the same lowest; None where it isn't known
    same: bool  # at the end all rows get one answer
    heard: list[float]  # what each step minimized
    below: tuple[float, float] | None  # the first and the lowest loss, where that is below 0 and may fall on

    @property
    def share(self) -> float:
        """How much is left of the first loss or of what chance gives, the lower one."""
        whole = min(self.losses[0], self.chance or math.inf)
        return min(self.losses) / whole if whole > 0 else 0.0

    @property
    def falling(self) -> bool:
        """Does it still fall in the second half?"""
        half = len(self.losses) // 2
        return half > 1 and min(self.losses[half:]) < _UNMOVED * min(self.losses[:half])

    @property
    def jump(self) -> float:
        """How many times the loss of a step was that of the first, or what chance gives, the larger one."""
        values = [each for each in self.heard if math.isfinite(each)]
        whole = max(values[0], self.chance or 0.0) if values else 0.0
        return max(values) / whole if whole > 0 else 0.0


def check_overfitting(subject: Subject) -> Row:
    """✓ where the loss of one batch falls within 200 steps, by the script's optimizer or by Adam.

    It must fall to a tenth of the first loss, and of what chance gives.
    """
    first = subject.first
    if first.optimizer is None:
        return open_question("the script updates its weights by hand, or by several optimizers")
    if first.kind == "loop" and first.loss is None:
        return open_question(
            "the loop's loss isn't known: it is made of more than the outputs of one model and arrays. A loss object "
            "(ef.losses.MeanSquaredError()) is recognized"
        )
    if not first.trainable:
        return open_question("there are no trainable weights: see 'weights move'")
    rows = _rows(subject)
    data = subject.part(rows)
    if isinstance(first.loss, RecordedLoss) and not _takes(subject, data):
        data = first.data
    attempts = [_tried(subject, data, None)]
    if attempts[0].below is not None:
        begun, lowest = attempts[0].below
        return open_question(
            f"the loss of one batch ({rows_of(data)} rows) goes from {number(begun)} to {number(lowest)} in "
            f"{attempts[0].steps} steps, below 0, and how low it may get isn't known. A likelihood of densities may be "
            "below 0; if this is to be a crossentropy or an error, its sign is wrong"
        )
    if attempts[0].share > _LEARNT and not first.own_step:
        for rate in _RATES:
            if subject.left > 3:
                attempts.append(_tried(subject, data, rate))
            if attempts[-1].share <= _LEARNT:
                break
    return _judged(subject, attempts, rows_of(data))


def _takes(subject: Subject, data: Any) -> bool:
    """Can the loss of a loop, which was heard as ops, be had of fewer rows than the loop had?"""
    try:
        subject.loss(data)
    except ValueError:  # an op was given the number of rows
        return False
    return True


def _rows(subject: Subject) -> int:
    """As many rows as the network has weights for."""
    weights = sum(v.data.size for v in subject.first.trainable)
    return max(2, min(_ROWS, weights // (4 * _numbers_of_a_row(subject))))


def _numbers_of_a_row(subject: Subject) -> int:
    """How many numbers the labels of a row are, at least 1."""
    y = subject.first.batch[1]
    return max(1, sum(a.size // max(1, len(a)) for a in leaves(y) if a.ndim)) if y is not None else 1


def _tried(subject: Subject, data: Any, rate: float | None, steps: int = _STEPS, enough: float = 0.0) -> _Attempt:
    """Train on one batch, with the script's optimizer or Adam, until it is learnt, or its loss as low as `enough`."""
    with subject.undone(), subject.optimized_by(rate):
        lowest = lowest_loss(subject.first, data)
        floor, heard, start = lowest or 0.0, Losses(), _loss(subject, data)
        chance = _chance(subject, data, floor)
        known = [] if start is None else [start]
        taken = per_step = 0
        ends = subject.left / 2
        while taken < min(steps, _PATIENT) and subject.left >= ends:
            subject.train(data, heard)
            taken, per_step = taken + 1, per_step or len(heard.values)
            if taken % 10 == 0 or not known:  # looking takes time, too
                now = _loss(subject, data)  # without dropout, which makes single steps good
                known.append(min([each for each in (now, *heard.values[-1:]) if each is not None], default=math.nan))
                whole = min(known[0] - floor, chance or math.inf)
                if not math.isfinite(known[-1]) or known[-1] - floor <= max(_LEARNT * whole, enough):
                    break
        same = chance is not None and _answers_alike(subject, data)
    finite = [v for v in known if math.isfinite(v)]
    # A loss that is reckoned from logits comes below that of the labels, whose logarithms are of 1 - 1e-7.
    losses = [max(v - floor, 0.0) for v in finite] or [math.nan]
    below = (finite[0], min(finite)) if lowest is None and finite and min(finite) < 0 else None
    name = type(subject.first.optimizer).__name__ if rate is None else f"Adam({rate:g})"
    return _Attempt(name, losses, taken, not math.isfinite(known[-1]), per_step, chance, same, heard.values, below)


def _loss(subject: Subject, data: Any) -> float | None:
    return None if subject.first.own_step and subject.first.loss is None else subject.loss(data)


def _chance(subject: Subject, data: Any, floor: float) -> float | None:
    """What answers that don't depend on the row get, above the lowest loss; None where it isn't known."""
    x, y, _ = unpack_x_y_sample_weight(data)
    found = None if y is None or subject.first.own_step else chance_loss(subject.first, y, subject.outputs(x))
    return found - floor if found is not None and found > floor else None


def _answers_alike(subject: Subject, data: Any) -> bool:
    """Does the network answer the same for all rows?"""
    answers = next(leaves(subject.outputs(unpack_x_y_sample_weight(data)[0])))
    return bool(len(answers) > 1 and (abs(answers - answers[:1]) <= ROUNDING * abs(answers).max()).all())


def _judged(subject: Subject, attempts: list[_Attempt], rows: int) -> Row:
    first = subject.first
    own, best = attempts[0], min(attempts, key=lambda a: a.share if math.isfinite(a.share) else math.inf)
    if not math.isfinite(own.losses[0]):
        return fault(NOT_FINITE, "viz nonfinite names the op")
    if own.per_step > 1 and first.own_step:
        return open_question(f"each step minimizes {own.per_step} losses, which compete")
    evidence = {a.name: {"first": a.losses[0], "lowest": min(a.losses), "steps": a.steps} for a in attempts}
    fell = f"{number(best.losses[0])} → {number(min(best.losses))} in {best.steps} steps"
    what = f"the loss of one batch ({rows} rows)"
    high = rate_is_high(first.optimizer)
    name = f"{own.name}({float(first.optimizer.learning_rate):g})" if high else own.name
    if own.share <= _LEARNT and own.per_step == 1 and own.jump > limits.DIVERGED and high:
        highest = max([v for v in own.heard if math.isfinite(v)])
        words = f"{what} jumps from {number(own.heard[0])} to {number(highest)} with the script's {name}"
        return _other_rate(f"{words} before it falls", subject, evidence, "a lower")
    words = f"{what} becomes NaN or infinite"
    born = made_by_op(subject, lambda: _tried(subject, subject.part(rows), None), words) if own.broken else None
    if born is not None:
        return born
    high = high and getattr(getattr(first.optimizer, "_rate", None), "variable", None) is not None  # no schedule
    if own.share <= _LEARNT and own.losses[0] > 0:
        unusual = f"; whether {name}, far above the usual, is too high, only other batches show" if high else ""
        return fine(f"{what} falls {fell}{unusual}", **evidence)
    if own.share <= _LEARNT:
        return open_question(
            f"{what} is as low as it gets before the first step, so it can't show whether the network learns: look "
            "whether the data and labels are all zeros, or the answers are given to the network",
            **evidence,
        )
    told = f"{what} falls {fell} with {best.name}"
    if own.same and own.share > _STUCK >= best.share and own.steps >= _STEPS and not own.falling:
        return fault(
            f"{told}, but the script's {own.name} leaves it at {number(min(own.losses))}, where all rows get the "
            "same answer: the units have died, or are saturated",
            "scale the inputs (see above), or take a lower learning rate: viz.find_lr(model, x, y) measures one",
            subject.compiled_at,
            **evidence,
        )
    if best.share <= _LEARNT:
        return _learnt_by_another(subject, own, told, evidence, name if high else "")
    reason = _excuse(subject, own, rows)
    if reason is None and best.share > _STUCK and own.steps >= _STEPS and not best.falling:
        return _of_stuck(subject, attempts, best, rows, evidence)
    return open_question(reason or f"{told}: not to a tenth {_of_what(best)}, but it falls", **evidence)


def _of_stuck(subject: Subject, attempts: list[_Attempt], best: _Attempt, rows: int, evidence: dict[str, Any]) -> Row:
    """No rate moves the loss: a fault, unless many more steps do, as of small sigmoid networks on a plateau."""
    stuck, what = min(best.losses), f"the loss of one batch ({rows} rows)"
    longer = _tried(subject, subject.part(rows), _RATES[-1], _PATIENT, _LITTLE * stuck)
    if min(longer.losses) <= _LITTLE * stuck:
        return open_question(
            f"{what} stays at {number(stuck)} for {_STEPS} steps, and falls after {longer.steps} of {longer.name}: a "
            "slow beginning (answers far from the targets, or small first weights, sigmoids), but not stuck",
            **evidence,
        )
    tried = ", ".join([a.name for a in attempts])
    more = f", nor in {longer.steps} of {longer.name}" if longer.steps > _STEPS else ""
    return fault(
        f"{what} doesn't get below {number(stuck)} (from {number(best.losses[0])}) in {_STEPS} steps with "
        f"{tried}{more}",
        "a network of this size should be able to memorize a few rows: look at the loss, last activation, the scale of "
        "the inputs, and dead units",
        subject.compiled_at,
        **evidence,
    )


def _learnt_by_another(subject: Subject, own: _Attempt, told: str, evidence: dict[str, Any], high: str) -> Row:
    """Another rate than the script's learns the batch: is that because of its own, which `high` names if it is high?"""
    scheduled = getattr(getattr(subject.first.optimizer, "_rate", None), "variable", None) is None
    if own.broken:
        return _other_rate(f"{told}, but the script's {own.name} makes it NaN", subject, evidence)
    if own.share > _UNMOVED and not own.falling and not scheduled:
        return _of_slow(subject, told, own, evidence)
    if own.steps >= _STEPS and high and not own.falling:
        return _other_rate(f"{told}, but the script's {high} leaves it at {number(min(own.losses))}", subject, evidence)
    words = f"{told} (the script's {own.name}: to {number(min(own.losses))} in {own.steps})"
    ends = _end_of_schedule(subject) if scheduled else None
    if ends is not None:
        words = f"{words}: its schedule is at 0 after {ends[0]} of {ends[1]} steps, and nothing is learnt after that"
        fix = f"a schedule counts steps, which are batches, not epochs: here {ends[1]} altogether"
        return fault(words, fix, subject.compiled_at, **evidence)
    if own.steps >= _STEPS and (high or own.share > _LITTLE):
        asked = f"is {high}, far above the usual, a good rate" if high else "is its learning rate too low at first"
        return open_question(f"{words}: {asked}?", subject.compiled_at, **evidence)
    return fine(words, **evidence)


def _end_of_schedule(subject: Subject) -> tuple[int, int] | None:
    """The step in which a schedule falls to nothing, in the first half of those planned, and how many these are."""
    planned = _planned(subject)
    schedule: Any = getattr(getattr(subject.first.optimizer, "_rate", None), "_decides", None)
    if not planned or not hasattr(schedule, "get_config"):
        return None
    steps = [0, *sorted({int(step) for step in numpy.geomspace(1, max(planned, 2), _STEPS)})]
    rates = [float(schedule(step)) for step in steps]
    faded = faded_steps(rates, max(rates))
    return (steps[-faded], planned) if faded and max(rates) and 2 * steps[-faded] <= planned else None


def _planned(subject: Subject) -> int | None:
    """How many steps `fit` is to make; None where that isn't known."""
    fit = subject.first.fit
    each = getattr(getattr(fit, "feed", None), "steps", None)
    return int((fit.epochs - fit.initial_epoch) * each) if fit is not None and each else None


def _of_what(best: _Attempt) -> str:
    """Of which loss a tenth is asked for."""
    if best.chance is None or best.chance >= best.losses[0]:
        return f"of the first ({best.share:.1%} of it)"
    return f"of what chance gives ({number(best.chance)})"


def _of_slow(subject: Subject, told: str, own: _Attempt, evidence: dict[str, Any]) -> Row:
    """The script's optimizer hardly moves the loss: its rate is too low, unless it gets there in the steps planned."""
    stuck = min(own.losses)
    left = f"the script's {own.name} leaves it at {number(stuck)}"
    if own.steps < _STEPS:
        return open_question(f"{told}; {left} in {own.steps} steps, and there was no time for more")
    planned = _planned(subject) or _PATIENT
    if planned > _STEPS:
        longer = _tried(subject, subject.part(_rows(subject)), None, planned, _LITTLE * stuck)
        if min(longer.losses) <= _LITTLE * stuck:
            return fine(f"{told}; with the script's {own.name} it begins to after {longer.steps} steps")
        if longer.steps < planned:
            return open_question(
                f"{told}; {left} in {max(longer.steps, _STEPS)} of {planned} steps: its learning rate may be too low "
                "(viz.find_lr(model, x, y) measures one)",
                subject.compiled_at,
                **evidence,
            )
    return _other_rate(f"{told}, but {left}", subject, evidence)


def _other_rate(words: str, subject: Subject, evidence: dict[str, Any], which: str = "another") -> Row:
    fix = f"{which} learning rate: viz.find_lr(model, x, y) measures one"
    return fault(words, fix, subject.compiled_at, **evidence)


def _excuse(subject: Subject, own: _Attempt, rows: int) -> str | None:
    """Why a loss may stay up in a healthy training; None where nothing speaks for it."""
    first = subject.first
    if first.own_step:
        return "the model's own training step or loss needn't fall to nothing"
    if getattr(subject.model, "losses", None):
        return "layers add losses of their own, which needn't fall to nothing"
    if own.steps < _STEPS:
        return f"there was time for {own.steps} steps only"
    left = number(min(own.losses))
    weights = sum(v.data.size for v in first.trainable)
    if weights < rows * _numbers_of_a_row(subject):
        return f"{weights} weight{'s' * (weights != 1)} can't know {rows} rows by heart: {left} is left"
    if _fractions_or_counts(first.batch[1]):
        if lowest_loss(first, subject.part(rows)) is None:
            return f"how low this loss can get with such labels isn't known: {left} is left"
        if _copies(subject):
            return f"the answers have the shape of the inputs, which needn't fit through all layers: {left} is left"
    if _contradicts(subject, rows):
        return "equal rows have different labels: a part of the loss can't be learnt"
    return None


def _fractions_or_counts(y: Any) -> bool:
    """Are there labels that are no whole numbers, or rows of counts?"""
    labels = [a for a in leaves(y) if a.size]
    fractions = any(a.dtype.kind == "f" and bool((a != numpy.round(a)).any()) for a in labels)
    return fractions or any(a.ndim > 1 and a.shape[-1] > 1 and bool(a.max() > 1) for a in labels)


def _copies(subject: Subject) -> bool:
    """Has a row of labels as many numbers, in the same shape, as a row of inputs, as of an autoencoder?"""
    xs, ys = ([a.shape[1:] for a in leaves(each)] for each in subject.first.batch[:2])
    return len(ys) == 1 and ys[0] in xs and math.prod(ys[0]) > 1


def _contradicts(subject: Subject, rows: int) -> bool:
    """Are there equal inputs with different labels among the rows used?"""
    xs, ys = [list(leaves(each)) for each in unpack_x_y_sample_weight(subject.part(rows))[:2]]
    if any(not a.ndim or len(a) != len(xs[0]) for a in [*xs, *ys]):
        return False
    pairs = [[b"".join([a[i].tobytes() for a in arrays]) for arrays in (xs, ys)] for i in range(len(xs[0]))]
    return len({(x, y) for x, y in pairs}) > len({x for x, _ in pairs})
