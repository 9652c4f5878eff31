"""Warns when a launcher started several processes but no distribution is set."""

from __future__ import annotations

from eagerflow.base.tracebacks import warn
from eagerflow.core.strategy import Strategy, active
from eagerflow.training.launchers import told

__all__ = ["check_launch"]

_warned = False


def check_launch() -> None:
    """Called by `fit`: warns, once, if a launcher has started several processes that train by themselves."""
    global _warned
    found = told()
    if found is None or found.size == 1 or found.rank or _warned or type(active.strategy) is not Strategy:
        return
    _warned = True
    warn(
        f"{found.size} processes run this script, and each trains a model of its own. To train one together: "
        "keras.distribution.set_distribution(keras.distribution.DataParallel()) before the model is made. To train "
        "one alone: start the script without a launcher."
    )
