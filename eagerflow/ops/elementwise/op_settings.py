"""Settings of ops that come as tensors: another way through the op, a number, or an error; never a lost gradient."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from eagerflow.core.log import log
from eagerflow.core.tensor import Deferred, Tensor, convert_to_tensor

__all__ = ["as_number"]


class _OtherWay(Deferred):
    """Lets a composition of ops answer in the place of an op that can't differentiate a setting."""

    def __init__(self, way: Callable[..., Any]) -> None:
        super().__init__()
        self.way = way

    def resolve(self, op: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        arrays = op.op.arrays  # type: ignore[attr-defined]
        given = dict(zip(inspect.signature(op).parameters, arguments, strict=True))
        tensors = {n: x if x is None else convert_to_tensor(x) for n, x in given.items() if n in arrays}
        return self.way(**(given | tensors))


def as_number(name: str, value: Any, way: Callable[..., Any] | None = None) -> Any:
    """A setting as an array function needs it; ask only where it isn't a float already.

    Args:
        name: the setting's name, for the message.
        value: what the user gave.
        way: the same composed of ops, which takes the op's parameters by name; it takes over where `value` is a tensor.

    Raises:
        TypeError: for a tensor whose gradient would be lost.
    """
    if not isinstance(value, Tensor) and not getattr(value, "shape", ()):
        return value
    if way is not None:
        raise _OtherWay(way)
    if not isinstance(value, Tensor):
        return value
    if value.key is not None and log.get() is not None:
        raise TypeError(
            f"{name} is a setting without a gradient, and a tape records the tensor given for it; expected a number. "
            f"Write float({name}), or stop_gradient({name})."
        )
    return value.data.item()
