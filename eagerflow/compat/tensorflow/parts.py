"""`variable[0, 1].assign(3.0)`: parts of TensorFlow's variables that can be set."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from eagerflow.base.errors import missing_attribute
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.ops import cast
from eagerflow.ops.arrays.indexing import raw_index
from eagerflow.ops.arrays.placement import overwrite

__all__ = ["settable"]

_COMBINED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "assign": lambda now, value: value,
    "assign_add": lambda now, value: now + value,
    "assign_sub": lambda now, value: now - value,
}
# By a tensor's identity, while it lives: the variable that it is a part of, and which part.
_parts: dict[int, tuple[weakref.ref[Tensor], Variable, Any]] = {}


def settable(part: Tensor, variable: Variable, index: Any) -> Tensor:
    """The same tensor, which from now on has `assign`, `assign_add` and `assign_sub`.

    Args:
        part: what `variable[index]` gave.
        variable: whose part it is.
        index: which one.
    """
    key = id(part)
    _parts[key] = weakref.ref(part, lambda _: _parts.pop(key, None)), variable, index
    return part


class _OfParts:
    """A method that parts of variables have, and no other tensors."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        found = _parts.get(id(instance))
        if found is not None and found[0]() is instance:
            return _setter(self.name, *found[1:])
        raise missing_attribute(instance, self.name)


def _setter(method: str, variable: Variable, index: Any) -> Callable[..., Variable]:
    def assign(value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Variable:
        now, given = variable[index], cast(convert_to_tensor(value), variable.dtype)
        if given.shape != now.shape:
            raise ValueError(
                f"Variable {variable.path!r}[...].{method}(value): expected shape {now.shape}, that of the part; got "
                f"{given.shape}."
            )
        return variable.assign(overwrite(variable, _COMBINED[method](now, given), raw_index(variable, index)))

    return assign


for _name in _COMBINED:
    setattr(Tensor, _name, _OfParts(_name))
