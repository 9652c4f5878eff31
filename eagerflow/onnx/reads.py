"""Values that a model reads in Python while it is traced: what it does with them is fixed in the file."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.core.tensor import Tensor

__all__ = ["heard"]

_WAYS = "__array__ __bool__ __complex__ __float__ __index__ __int__ item numpy tolist".split()


@contextlib.contextmanager
def heard(listen: Callable[[Tensor, str], None]) -> Iterator[None]:
    """Inside the block, `listen(tensor, how)` hears of each tensor whose values Python reads.

    Tensors have no place for that, as each reading would pay for it: so their methods are replaced meanwhile.
    """
    before = {name: Tensor.__dict__[name] for name in _WAYS}
    try:
        for name, method in before.items():
            setattr(Tensor, name, _announcing(name, method, listen))
        yield
    finally:
        for name, method in before.items():
            setattr(Tensor, name, method)


def _announcing(name: str, method: Callable[..., Any], listen: Callable[[Tensor, str], None]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        listen(self, name.strip("_"))
        return method(self, *args, **kwargs)

    return call
