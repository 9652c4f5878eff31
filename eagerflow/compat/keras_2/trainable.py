"""What was trainable at `compile`: Keras 2 trained that, whatever was switched later.

Source: what `compile` promises in tf.keras 2, for the sake of a GAN's discriminator: it is compiled, frozen, and
compiled again as part of the whole.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.base.tracebacks import warn
from eagerflow.compat.overrides import instead_of
from eagerflow.layer.weights import set_own_trainable
from eagerflow.training.compiling import Compilable
from eagerflow.training.trainer import Trainer

__all__ = ["OVERRIDES"]


def _compile(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
    original(self, *args, **kwargs)
    self._ef_state.compiled.trainable = _trainable_now(self)


def _fit(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    with _as_compiled(self, warns=True):
        return original(self, *args, **kwargs)


def _train_on_batch(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
    with _as_compiled(self):
        return original(self, *args, **kwargs)


def _trainable_now(model: Any) -> list[tuple[Any, bool]]:
    """The layers with their `trainable`, outer ones first."""
    return [(layer, layer.trainable) for layer in model._flatten_layers()]


@contextlib.contextmanager
def _as_compiled(model: Any, warns: bool = False) -> Iterator[None]:
    """Within, the layers are as trainable as they were at `compile`; afterwards as before.

    With `warns`, a warning names a layer that was switched since then, unless the whole model was: a GAN's
    discriminator is, on purpose.
    """
    compiled = getattr(model._ef_state.compiled, "trainable", [])
    switched = [(layer, value) for layer, value in compiled if layer.trainable != value]
    if not switched:
        yield
        return
    if warns and (model, model.trainable) in compiled:
        model._ef_state.compiled.overruled = switched  # for the doctor of viz
        layer, value = switched[0]
        warn(
            f"fit: {layer.name!r} was {'frozen' if value else 'unfrozen'} after compile, and stays "
            f"{'trainable' if value else 'frozen'}: as in Keras 2, compile remembers trainable. Call compile again."
        )
    before = _trainable_now(model)
    _set(compiled)
    try:
        yield
    finally:
        _set(before)


def _set(states: list[tuple[Any, bool]]) -> None:
    for layer, value in states:
        if layer.trainable != value:
            set_own_trainable(layer, value)


OVERRIDES = [
    instead_of(Compilable, "compile", _compile),
    instead_of(Trainer, "fit", _fit),
    instead_of(Trainer, "train_on_batch", _train_on_batch),
]
