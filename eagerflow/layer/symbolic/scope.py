"""`SymbolicScope`: a block in which everything runs for its shapes only."""

from __future__ import annotations

from typing import Any

from eagerflow.layer.symbolic.tensors import quiet

__all__ = ["SymbolicScope"]


class SymbolicScope:
    """A block whose ops change no variables, random states or losses, and aren't recorded by tapes.

    Symbolic tensors need no such block. It serves to find the shapes of outputs by running layers on sample tensors.

    Source: the interface of `keras.SymbolicScope` 3.15.

    >>> norm = ef.layers.BatchNormalization()
    >>> with ef.SymbolicScope():
    ...     norm(ef.ops.ones((2, 3)), training=True).shape
    (2, 3)
    >>> norm.moving_mean.tolist()
    [0.0, 0.0, 0.0]
    """

    def __enter__(self) -> SymbolicScope:
        self._block = quiet()
        self._block.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._block.__exit__(*error)
