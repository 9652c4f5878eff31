"""What Keras' `Layer` inherits from this backend: calls are announced, so that observers such as viz see layers."""

from __future__ import annotations

from typing import Any

from eagerflow.core.observe import scope, state

__all__ = ["EagerflowLayer"]


class EagerflowLayer:
    """Announces each call of a layer or model as a scope."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not state.on:
            return super().__call__(*args, **kwargs)  # type: ignore[misc]
        with scope("layer", self.name, self, args) as announced:  # type: ignore[attr-defined]
            outputs = announced.value = super().__call__(*args, **kwargs)  # type: ignore[misc]
        return outputs
