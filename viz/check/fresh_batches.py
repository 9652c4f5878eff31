"""Is the learning rate too high for batches that differ? One batch alone is learnt at nearly any rate."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

from viz.check.first_loss import chance_loss
from viz.check.lowest_loss import lowest_loss
from viz.check.subject import Losses, Subject
from viz.doctor.facts.host_arrays import number
from viz.doctor.facts.rates import rate_is_high

__all__ = ["Wild", "losses_of_batches", "too_wild"]

_STEPS = 60
_FEWEST = 24  # steps, where each takes long
_SECONDS = 5.0  # for both runs
_JUMP = 2.0  # times its beginning, what chance gives, or the highest at a tenth of the rate; usual rates stay below 1.3
_WORSE = 2.0  # times the loss at a tenth of the rate
_LEARNT = 0.3  # of the beginning: a loss that fell so far is on its way, whatever it did before


class Wild(NamedTuple):
    """What a learning rate does to the loss of batches that differ."""

    steps: int  # how many were made
    first: float  # the loss at first
    highest: float  # of all steps
    late: float  # the median of the second half
    calm: float  # the same, at a tenth of the rate

    def told(self, name: str) -> str:
        """In words.

        >>> Wild(60, 1.4, 10.0, 3.2, 0.2).told("Adam(0.5)")
        'over 60 batches the loss rises from 1.4 to 10 with Adam(0.5) and stays around 3.2 (0.2 at a tenth of the rate)'
        """
        return (
            f"over {self.steps} batches the loss rises from {number(self.first)} to {_words(self.highest)} with {name} "
            f"and stays around {_words(self.late)} ({number(self.calm)} at a tenth of the rate)"
        )


def too_wild(subject: Subject) -> Wild | None:
    """What a rate that is unusually high does, where a tenth of it does far better; None for all other rates.

    A loss may jump for other reasons, and another rate may be the better one though this one does: only both together
    tell.
    """
    first = subject.first
    fixed = getattr(getattr(first.optimizer, "_rate", None), "variable", None) is not None  # else it is a schedule
    scaled = hasattr(first.optimizer, "inner_optimizer")  # the loss that is heard is many times the loss
    if first.fit is None or first.own_step or scaled or not fixed or not rate_is_high(first.optimizer):
        return None
    seconds = min(_SECONDS, subject.left / 2) / 2
    own = losses_of_batches(subject, 1.0, seconds)
    if len(own) < _FEWEST and all(map(math.isfinite, own)):
        return None
    x, y, _ = first.batch
    chance = None if y is None else chance_loss(first, y, subject.outputs(x))
    floor = lowest_loss(first, first.data) or 0.0
    late, whole = _late(own), max(own[0], chance or 0.0) - floor
    if min(own) < floor or max(own) - floor < _JUMP * whole or late - floor < _LEARNT * whole:
        return None
    tenth = losses_of_batches(subject, 0.1, seconds)
    if len(tenth) < _FEWEST or not all(map(math.isfinite, tenth)):
        return None
    calm = _late(tenth)
    if late - floor < _WORSE * (calm - floor) or max(own) - floor < _JUMP * (max(tenth) - floor):
        return None
    return Wild(len(own), own[0], max(own), late, calm)


def losses_of_batches(subject: Subject, factor: float = 1.0, seconds: float = _SECONDS) -> list[float]:
    """The losses of steps on batches that differ; infinity ends them.

    Args:
        subject: the training.
        factor: which part of the script's rate they are made with.
        seconds: how long they may take.
    """
    heard, ends = Losses(), subject.left - seconds
    with subject.undone():
        optimizer = subject.first.optimizer
        optimizer.learning_rate = factor * float(optimizer.learning_rate)
        for batch in itertools.islice(_again_and_again(subject), _STEPS):
            subject.train(batch, heard)
            if not math.isfinite(heard.values[-1]):
                return [*heard.values[:-1], math.inf]
            if subject.left < ends:
                break
    return heard.values


def _again_and_again(subject: Subject) -> Iterator[Any]:
    """The batches of epoch after epoch, all in one order."""
    while True:
        none = True
        for batch in subject.epoch():
            none = False
            yield batch
        if none:
            return


def _late(losses: list[float]) -> float:
    """Where a loss stays: the median of its second half."""
    return losses[-1] if not math.isfinite(losses[-1]) else statistics.median(losses[len(losses) // 2 :])


def _words(loss: float) -> str:
    return number(loss) if math.isfinite(loss) else "infinity"
