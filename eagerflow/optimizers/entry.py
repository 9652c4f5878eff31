"""What an optimizer keeps per variable, and the scratch memory its rule works in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eagerflow.base.typing import DType
from eagerflow.core.device import device_of, namespace_of
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable

__all__ = ["KEPT", "Entry", "Scratch", "constant", "look_for_kept", "overwritten", "slot_initializer"]


# What an entry has only with a setting of the optimizer, by that setting.
KEPT = {"use_ema": "average", "gradient_accumulation_steps": "gradient_accumulator"}


class Entry:
    """A variable with its slots.

    Attributes:
        variable: what is optimized.
        slots: state of the rule, shaped like the variable.
        average: the moving average of the weights, when kept.
        gradient_accumulator: the sum of gradients so far, when accumulated.
    """

    __slots__ = ("average", "gradient_accumulator", "slots", "variable")

    average: Any
    gradient_accumulator: Any

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.slots: tuple[Any, ...] = ()


def look_for_kept(optimizer: Any, entries: Iterable[Entry]) -> None:
    """Complain of a setting of the optimizer that was switched on too late for what it keeps.

    Raises:
        ValueError: naming it.
    """
    for setting, kind in KEPT.items():
        value = getattr(optimizer, setting)
        if value and not all(hasattr(entry, kind) for entry in entries):
            name = type(optimizer).__name__
            raise ValueError(
                f"{name}.{setting} was set to {value!r:.100} when the optimizer had been built, without the {kind} "
                f"that each weight needs for it. Make the optimizer with {name}({setting}={value!r:.100})."
            )


class Scratch:
    """A few arrays that all variables of one type and device share, one after the other.

    Sharing keeps them in the processor's cache and spares an update all allocation.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._buffers: dict[Any, list[Any]] = {}

    def like(self, array: Any) -> tuple[Any, ...]:
        """`count` uninitialized arrays with the shape and type of `array`."""
        key = (array.dtype, device_of(array))
        buffers = self._buffers.get(key, [])
        if not buffers or buffers[0].size < array.size:
            xp = namespace_of(array)
            buffers = [xp.empty(max(1, array.size), array.dtype) for _ in range(self.count)]
            self._buffers[key] = buffers
        return tuple([buffer[: array.size].reshape(array.shape) for buffer in buffers])


def overwritten(entries: list[Entry], gradients: list[Any], now: bool) -> tuple[list[Entry], list[Any]]:
    """Variables that take their "gradient" as their new value do so in steps that update; the others remain."""
    rest = []
    for entry, g in zip(entries, gradients):
        if not entry.variable.overwrite_with_gradient:
            rest.append((entry, g))
        elif now:
            entry.variable.assign(Tensor(g, None, None))
    return [e for e, _ in rest], [g for _, g in rest]


def slot_initializer(initializer: Any) -> Any:
    """What makes a slot's first values, from a name or a function."""
    if isinstance(initializer, str):
        if initializer not in ("zeros", "ones"):
            raise ValueError(f"initializer={initializer!r}: expected 'zeros', 'ones' or a function (shape, dtype=...).")
        return constant(1.0 if initializer == "ones" else 0.0)
    return initializer


def constant(value: float) -> Callable[..., Any]:
    """An initializer whose arrays are made on the current device."""

    def initialize(shape: Any, dtype: DType = None) -> Any:
        start = Tensor(value, dtype).data
        return namespace_of(start).full(shape, value, start.dtype)

    return initialize
