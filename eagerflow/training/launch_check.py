"""Several processes that run one script, and don't know of each other."""

from __future__ import annotations

from eagerflow.base.tracebacks import warn
from eagerflow.world.current import world
from eagerflow.world.environment import told

__all__ = ["warn_of_separate_models"]

_warned = False


def warn_of_separate_models() -> None:
    """Called by `fit` where no ranks share its batches: says so, once, if a launcher has started several processes."""
    global _warned
    found = told()
    if found is None or found.size == 1 or found.rank or _warned or world.distribution is not None:
        return
    _warned = True
    warn(
        f"{found.size} processes run this script, and each trains a model of its own. To train one together: "
        "keras.distribution.set_distribution(keras.distribution.DataParallel()) before the model is made. To train "
        "one alone: start the script without a launcher."
    )
