"""What Keras' `Layer` inherits from this backend: calls are announced, so that observers such as viz see layers."""

from __future__ import annotations

from typing import Any

from keras.src.backend.common import global_state
from keras.src.backend.common.keras_tensor import any_symbolic_tensors

from eagerflow.core.observe import scope, state
from eagerflow.keras_backend.backend.observed import State, creation_site

__all__ = ["EagerflowLayer"]


class EagerflowLayer:
    """Announces each call of a layer or model as a scope, and tells observers where it was made."""

    def __init__(self) -> None:
        self.__dict__["created_at"] = creation_site()

    @property
    def _ef_state(self) -> State:
        return State(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not state.on or any_symbolic_tensors(args, kwargs):
            return super().__call__(*args, **kwargs)  # type: ignore[misc]
        inputs = (*args, *kwargs.values(), *_mode(kwargs))
        with scope("layer", self.name, self, inputs) as announced:  # type: ignore[attr-defined]
            outputs = announced.value = super().__call__(*args, **kwargs)  # type: ignore[misc]
        return outputs


def _mode(kwargs: dict[str, Any]) -> tuple[bool, ...]:
    """Whether the call is of training, where it takes that over from the call around it."""
    around = global_state.get_global_attribute("current_call_ctx")
    if kwargs.get("training") is not None or around is None:
        return ()
    return (bool(around.get_value("training")),)
