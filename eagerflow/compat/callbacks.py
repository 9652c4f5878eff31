"""Callbacks of Keras 2: those that `fit` doesn't need any more, and those that had further arguments."""

from __future__ import annotations

from functools import cache
from typing import Any

from eagerflow import callbacks
from eagerflow.core.spellings import ignores

__all__ = ["BaseLogger", "TensorBoard"]  # noqa: F822 - see __getattr__


def __getattr__(name: str) -> Any:
    if name == "TensorBoard":
        return _tensor_board()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@cache
def _tensor_board() -> type:
    """Made when it is asked for: it draws, and most scripts don't."""

    class TensorBoard(callbacks.TensorBoard):  # type: ignore[name-defined,misc]
        """`callbacks.TensorBoard`; the arguments that only Keras 2 had change nothing."""

        @ignores("batch_size", "embeddings_data", "embeddings_layer_names", "write_grads")
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)

    return TensorBoard


class BaseLogger(callbacks.Callback):
    """Nothing: the logs that callbacks get are means over the epoch already.

    Args:
        stateful_metrics: accepted for Keras 2's signature.
    """

    def __init__(self, stateful_metrics: Any = None) -> None:
        super().__init__()
