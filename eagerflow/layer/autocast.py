"""Mixed precision: weights that a layer sees in its compute type.

A plain variable costs nothing. The weights of a layer whose compute type differs from that of its
weights are `AutocastVariable`s: while the layer runs, an op that reaches for their array is called
again with a (recorded) cast of them instead.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from eagerflow.core.dtypes import as_dtype
from eagerflow.core.in_place import put, stored
from eagerflow.core.tensor import Deferred, Tensor
from eagerflow.core.variable import Variable
from eagerflow.ops import cast

__all__ = ["AutocastVariable", "autocast_scope"]

_compute: contextvars.ContextVar[numpy.dtype | None] = contextvars.ContextVar("autocast", default=None)


@contextlib.contextmanager
def autocast_scope(dtype: Any) -> Iterator[None]:
    """Inside the block, weights with `autocast` are seen as `dtype`; None means as they are."""
    before = _compute.get()
    _compute.set(None if dtype is None else as_dtype(dtype))
    try:
        yield
    finally:
        _compute.set(before)


class _Autocast(Deferred):
    """An op met a weight which it should see in another type."""

    def __str__(self) -> str:
        return "within the call of a layer in mixed precision use weight.value or weight.numpy(), not weight.data"

    def resolve(self, op: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        return op(*[_cast(argument) for argument in arguments])


def _cast(argument: Any) -> Any:
    if isinstance(argument, AutocastVariable):
        dtype = _compute.get()
        with autocast_scope(None):
            return cast(argument, dtype)
    if type(argument) in (list, tuple):
        return type(argument)([_cast(a) for a in argument])
    return argument


class AutocastVariable(Variable):
    """A floating-point weight of a layer in mixed precision."""

    __slots__ = ()

    @property
    def data(self) -> Any:
        """The array, unless a cast of it is wanted."""
        if _compute.get() is None:
            return stored(self)
        raise _Autocast

    @data.setter
    def data(self, array: Any) -> None:
        put(self, array)

    @property
    def shape(self) -> tuple[int, ...]:
        return stored(self).shape

    @property
    def ndim(self) -> int:
        return stored(self).ndim

    @property
    def size(self) -> int:
        return stored(self).size

    @property
    def dtype(self) -> numpy.dtype:
        wanted = _compute.get()
        return stored(self).dtype if wanted is None else wanted

    @property
    def value(self) -> Tensor:
        wanted = _compute.get()
        with autocast_scope(None):
            return Tensor(stored(self), None, self.key) if wanted is None else cast(self, wanted)


def _as_it_is(method: Callable[..., Any]) -> Callable[..., Any]:
    """The method of `Variable`, with the array in its own type."""

    def call(self: AutocastVariable, *args: Any, **kwargs: Any) -> Any:
        if _compute.get() is None:
            return method(self, *args, **kwargs)
        with autocast_scope(None):
            return method(self, *args, **kwargs)

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


# Whatever else reaches for `data` is no op, which would answer `_Autocast`.
_CHANGING = "assign assign_add assign_sub clear increase"
_READING = "numpy item tolist __array__ __bool__ __int__ __float__ __complex__ __index__ __dlpack__ __dlpack_device__"
_SHOWING = "__format__ __repr__ _repr_html_ __copy__ __deepcopy__ __reduce__"
for _name in f"{_CHANGING} {_READING} {_SHOWING}".split():
    setattr(AutocastVariable, _name, _as_it_is(getattr(Variable, _name)))
for _name in ("device", "nbytes"):
    setattr(AutocastVariable, _name, property(_as_it_is(getattr(Variable, _name).fget)))
