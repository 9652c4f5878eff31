"""In which order `fit` goes through the samples: it depends on the seed and the epoch alone."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

from eagerflow.core.random import Key, next_key, order_key

__all__ = ["ShuffleSchedule", "passes_forgotten"]

_used: weakref.WeakKeyDictionary[Any, set[tuple[int, int]]] = weakref.WeakKeyDictionary()  # passes of a model so far


class ShuffleSchedule:
    """The orders of the passes over the data in one call of `fit`.

    The order of an epoch depends on the process-wide seed and the number of the epoch, so that a model that was saved
    goes on with `initial_epoch` in the very order in which it would have gone on. A `fit` that begins with epoch 0
    again, of a model that was trained before, has other orders: they depend on the steps that were made before, too,
    which the model remembers, and its file. Where a pass comes again nevertheless, its order is drawn.
    """

    def __init__(self, model: Any, initial_epoch: int) -> None:
        self._model = model
        self.epoch = initial_epoch
        if not initial_epoch:
            model._ef_state.fitted_from = 0 if model.optimizer is None else int(model.optimizer.iterations)
        self._begun: int = model._ef_state.fitted_from or 0

    def key_of(self, epoch: int) -> Key:
        """The key of the order of a pass that begins in an epoch."""
        return order_key(epoch, self._begun)

    def next(self) -> Key:
        """The key of the order of a pass that begins now."""
        used = _used.setdefault(self._model, set())
        if (self._begun, self.epoch) in used:
            return next_key()
        used.add((self._begun, self.epoch))
        return self.key_of(self.epoch)


@contextlib.contextmanager
def passes_forgotten(model: Any) -> Iterator[None]:
    """Passes of a model inside the block leave no trace in the orders of later ones."""
    used, begun = set(_used.get(model, ())), model._ef_state.fitted_from
    try:
        yield
    finally:
        _used[model] = used
        model._ef_state.fitted_from = begun
