"""`viz.gap`: an epoch of training on the user's data, taken apart, and taken back."""

from __future__ import annotations

from typing import Any

from eagerflow.core.observe import observing, unobserved
from eagerflow.training.sandbox import sandbox
from viz.boundary import boundary
from viz.facts.formatting import near
from viz.fit_gap.measure import measure
from viz.fit_gap.report import Gap
from viz.fit_gap.seen_epoch import EpochWatch, SeenEpoch
from viz.frameworks import only_eagerflow

__all__ = ["gap"]

_OURS = frozenset(["epochs", "initial_epoch", "nb_epoch"])


@boundary
def gap(model: Any, x: Any = None, y: Any = None, **fit: Any) -> Gap:
    """Explains why `fit` and `evaluate` disagree about the same rows: trains for an epoch, then undoes it.

    The difference is split by causes: the running mean over the epoch, dropout, the statistics of batch normalization,
    augmentation, regularization, and others. Where causes interact, the part of each is its average over all orders in
    which they can be removed (its Shapley value); the parts sum to the difference.

    Args:
        model: a compiled and built model.
        x: inputs, as `fit` takes them (batches of a generator are used up).
        y: targets.
        **fit: other arguments of `fit`, such as `batch_size`, `sample_weight` or `validation_data`.

    Returns:
        A `Gap`: print it, or use its `parts`, `verdict`, `to_dict()` and `draw("gap.svg")`. Weights, statistics, the
        optimizer and all random states are the same as before, bit for bit.

    Raises:
        ValueError: when the model isn't compiled, for one with a custom `train_step` or `test_step`, in data-parallel
            training, and for arguments that `fit` refuses.

    >>> import eagerflow as ef, viz
    >>> ef.utils.set_random_seed(0)
    >>> model = ef.Sequential([ef.Input((4,)), ef.layers.Dropout(0.5), ef.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> found = viz.gap(model, ef.ops.ones((64, 4)), ef.ops.ones((64, 1)))
    >>> list(found.parts)
    ['running mean', 'dropout']
    >>> round(sum(found.parts.values()) - (found.fit - found.evaluate), 9)
    0.0
    """
    only_eagerflow("viz.gap", model)
    if not getattr(model, "compiled", False) or model.optimizer is None:
        raise ValueError("gap: compile the model first, for example model.compile(optimizer='adam', loss='mse').")
    wrong = _OURS & fit.keys()
    if wrong:
        raise ValueError(f"gap({min(wrong)}=...): it trains for one epoch; leave this out.")
    seen: list[SeenEpoch] = []
    _build(model, x)
    history, stops = getattr(model, "history", None), model.stop_training
    with sandbox(model):
        try:
            with observing(EpochWatch(seen.append)):
                model.fit(x, y, epochs=1, verbose=0, **fit)
        finally:
            model.history, model.stop_training = history, stops
        return measure(seen[-1], _nonfinite(seen[-1]))


def _nonfinite(seen: SeenEpoch) -> str:
    """The command that finds where NaN begins, for the script that called."""
    file = "" if seen.place is None else near(seen.place[0])
    return f"viz nonfinite {file if file.endswith('.py') else 'SCRIPT'}"


def _build(model: Any, x: Any) -> None:
    """Make all variables now: what is made later isn't taken back."""
    if not model.built:
        if not hasattr(x, "shape"):
            raise ValueError("gap: the model has no weights yet; call it on a batch, or give it an Input, first.")
        with unobserved():
            model(x[:2])
    if not model.optimizer.built and model.trainable_variables:
        model.optimizer.build(model.trainable_variables)
