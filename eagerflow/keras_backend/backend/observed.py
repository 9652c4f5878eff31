"""What observers such as viz ask of Keras' layers and models, under the names that eagerflow's have."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import keras
from keras.src import tree

from eagerflow.core.observe import libraries

__all__ = ["State", "creation_site"]

_OURS = __file__.partition("keras_backend")[0]


def creation_site() -> tuple[str, int]:
    """File and line of the nearest caller outside of eagerflow and Keras."""
    frame, internal = sys._getframe(1), (_OURS, *libraries)
    while frame.f_code.co_filename.startswith(internal) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


class State:
    """What eagerflow's layers and models keep in their `_ef_state`, of one of Keras; made anew where it is asked for.

    Attributes:
        compiled: what `compile` made, None before.
        losses: those that calls of the layer added.
        signature: where a call takes its mode: Keras passes it by name.
    """

    graph = None
    fitted_from = 0
    signature = SimpleNamespace(training_position=sys.maxsize, training_default=None)

    @staticmethod
    def load_model(path: str, custom_objects: Any = None) -> Any:
        """A model from its file."""
        return keras.saving.load_model(path, custom_objects)

    def __init__(self, layer: Any) -> None:
        self.losses = layer._losses
        self.compiled = Compiled(layer) if getattr(layer, "compiled", False) else None


class Compiled:
    """What `compile` made of a model's loss."""

    metrics = outputs = None  # nothing that steps change: variables know how to be put back
    measured = deferred = False

    def __init__(self, model: Any) -> None:
        self.arguments = {"loss": model.loss}
        self.loss = None if model._compile_loss is None else CompiledLoss(model._compile_loss)


class CompiledLoss:
    """The losses of a model's outputs.

    Attributes:
        weights: the `loss_weights` of `compile`.
        given: the loss object of the only output; those of several in a list.
    """

    def __init__(self, compiled: Any) -> None:
        self._compiled, self.weights = compiled, compiled._user_loss_weights
        parts = compiled._flat_losses
        losses = [part.loss for part in parts] if parts else tree.flatten(compiled._user_loss)
        losses = [keras.losses.get(loss) for loss in losses]
        self.given = losses if len(losses) > 1 else losses[0]
        ones = [1.0 if part.loss_weights is None else part.loss_weights for part in parts or ()]
        self._parts = [SimpleNamespace(loss=loss, weight=one) for loss, one in zip(losses, ones, strict=False)]

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The weighted sum of all losses."""
        return self._compiled(y_true, y_pred, sample_weight)
