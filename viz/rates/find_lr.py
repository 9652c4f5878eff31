"""`viz.find_lr`: a short training with a rising learning rate, taken back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy

from eagerflow import no_grad
from eagerflow.core import random
from eagerflow.core.observe import unobserved
from eagerflow.data.feed import feed_for
from eagerflow.data.packing import unpack_x_y_sample_weight
from eagerflow.optimizers.rate import LearningRate
from viz.boundary import boundary
from viz.doctor import thresholds as limits
from viz.dry_run.kept_state import optimizers_of, put_back
from viz.frameworks import only_eagerflow
from viz.frameworks.objects import is_model
from viz.rates.sweep import LearningRates, judged

__all__ = ["find_lr"]

_AWAY = 4.0  # times the lowest loss so far, above where it began: then it has run away


@boundary
def find_lr(
    model: Any,
    x: Any = None,
    y: Any = None,
    *,
    batch_size: int | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    monitor: str = "loss",
    sample_weight: Any = None,
    class_weight: Any = None,
    shuffle: Any = True,
) -> LearningRates:
    """Finds a learning rate: trains for some batches with a rising rate, then restores everything.

    Afterwards, weights, optimizer, metrics, random states and the order of a data set's next pass are the same as
    before, bit for bit; a model that wasn't built is built. Batches of a generator are used up.

    Args:
        model: a compiled model.
        x: inputs, as `fit` takes them: arrays, a `data.Dataset`, a `PyDataset`, a generator.
        y: targets.
        batch_size: samples per step; default: as in `fit`.
        low: the first rate.
        high: the last rate. Training ends earlier if the loss diverges.
        steps: the number of batches; the rates are evenly spaced on a logarithmic scale.
        monitor: the name of the value that should fall, as the training step reports it.
        sample_weight: as for `fit`.
        class_weight: as for `fit`.
        shuffle: as for `fit`.

    Returns:
        A `LearningRates`: its `rate` is where the loss falls fastest, its `reason` explains the choice, and its method
        `draw("rates.svg")` draws it.

    Raises:
        ValueError: when the model isn't compiled or the arguments are out of range, or the step reports no `monitor`.
        TypeError: for a model of another framework, such as Keras on our backend, and for data that `fit` refuses.

    Source: Smith, "Cyclical learning rates for training neural networks", 2017.

    >>> import numpy as np
    >>> import eagerflow as ef, viz
    >>> ef.utils.set_random_seed(1)
    >>> x = np.random.default_rng(1).normal(size=(256, 4))
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> found = viz.find_lr(model, x, x @ [1.0, 2.0, 3.0, 4.0], steps=50)
    >>> 1e-3 < found.rate < 1.0
    True
    """
    only_eagerflow("viz.find_lr", model)
    if not is_model(model):
        kind = f"{type(model).__module__}.{type(model).__name__}"
        raise TypeError(f"viz.find_lr: expected a model of eagerflow; got a {kind}")
    if getattr(model, "optimizer", None) is None and not optimizers_of(model):
        raise ValueError("find_lr: compile the model first, for example model.compile(optimizer='adam', loss='mse').")
    if not 0 < low < high or not math.isfinite(high):
        raise ValueError(f"find_lr(low={low!r}, high={high!r}): expected 0 < low < high.")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 10:
        raise ValueError(f"find_lr(steps={steps!r}): expected a whole number of 10 batches or more.")
    feed = feed_for(x, y, sample_weight, batch_size, None, shuffle, class_weight)
    _build(model, feed)
    rates = [low * (high / low) ** (i / (steps - 1)) for i in range(steps)]
    losses: list[float] = []
    with put_back(model), numpy.errstate(all="ignore"), unobserved():  # these steps aren't the training's
        optimizers = optimizers_of(model)
        for optimizer in optimizers:  # a schedule of theirs decides nothing meanwhile
            optimizer._rate = LearningRate("find_lr", rates[0])
        for rate, batch in zip(rates, _batches(feed)):
            for optimizer in optimizers:
                optimizer._rate.set(rate)
            losses.append(_loss_of_step(model, batch, monitor))
            if _away(losses):
                break
    if not losses:
        raise ValueError("find_lr: the data gave no batch.")
    return judged(rates[: len(losses)], losses, _away(losses))


def _batches(feed: Any) -> Iterator[Any]:
    """Batches without end, or until a generator has none left."""
    while True:
        found = False
        for batch in feed.epoch():
            found = True
            yield batch
        if not found:
            return
        feed.on_epoch_end()


def _loss_of_step(model: Any, batch: Any, monitor: str) -> float:
    """Make a step; its loss."""
    numbers = model.train_on_batch(*unpack_x_y_sample_weight(batch), return_dict=True)
    if monitor not in numbers:
        raise ValueError(f"find_lr(monitor={monitor!r}): the training step reports {', '.join(numbers) or 'nothing'}.")
    return float(numbers[monitor])


def _away(losses: list[float]) -> bool:
    """Has the loss run away?"""
    if not math.isfinite(losses[-1]):
        return True
    if len(losses) < 2 * limits.LAST:
        return False
    first = float(numpy.median(losses[: limits.LAST]))
    return min(losses[-3:]) > first + max(_AWAY * (first - min(losses)), (_AWAY - 1) * abs(first))


def _build(model: Any, feed: Any) -> None:
    """Make the weights, so that they can be put back."""
    if model.built and model.variables:
        return
    if getattr(feed, "once", False):
        raise ValueError(
            "find_lr: the model isn't built, and a generator would lose a batch by it: call the model on some inputs."
        )
    with random.frozen():
        batch = next(iter(feed.epoch()))
    with unobserved(), no_grad():
        model(unpack_x_y_sample_weight(batch)[0])
