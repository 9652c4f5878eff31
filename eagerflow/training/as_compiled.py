"""What was trainable at `compile`: Keras 2 trained that, whatever was switched later; compat runs do so too."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from eagerflow.base.spellings import behaviour
from eagerflow.base.tracebacks import warn
from eagerflow.layer.weights import set_own_trainable

__all__ = ["as_compiled", "trainable_now"]

StateSnapshot = list[tuple[Any, bool]]
_NOTHING = contextlib.nullcontext()


def trainable_now(model: Any) -> StateSnapshot:
    """The layers with their `trainable`, outer ones first; nothing unless Keras 2 is spoken."""
    return [(layer, layer.trainable) for layer in model._flatten_layers()] if behaviour.keras_2 else []


def as_compiled(model: Any, noted: StateSnapshot, is_told: bool = False) -> contextlib.AbstractContextManager[None]:
    """Within, the layers are as trainable as `noted` says; afterwards as before.

    With `is_told`, a warning names a layer that was switched since then, unless the whole model was: a GAN's
    discriminator is, on purpose.

    Source: what `compile` promises in tf.keras 2, for the sake of a GAN's discriminator: it is compiled, frozen,
    and compiled again as part of the whole.
    """
    if not noted or not behaviour.keras_2 or all(layer.trainable == value for layer, value in noted):
        return _NOTHING
    if is_told and (model, model.trainable) in noted:
        model._compiled.overruled = [(layer, value) for layer, value in noted if layer.trainable != value]
        layer, value = model._compiled.overruled[0]
        warn(
            f"fit: {layer.name!r} was {'frozen' if value else 'unfrozen'} after compile, and stays "
            f"{'trainable' if value else 'frozen'}: as in Keras 2, compile remembers trainable. Call compile again."
        )
    return _switched(noted, trainable_now(model))


@contextlib.contextmanager
def _switched(noted: StateSnapshot, before: StateSnapshot) -> Iterator[None]:
    _set(noted)
    try:
        yield
    finally:
        _set(before)


def _set(states: StateSnapshot) -> None:
    for layer, value in states:
        if layer.trainable != value:
            set_own_trainable(layer, value)
