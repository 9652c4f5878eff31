"""The arguments that all optimizers take, shown in the signature of each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

__all__ = ["with_shared_arguments"]


def with_shared_arguments(init: Callable[..., None], base: Callable[..., None]) -> Callable[..., None]:
    """`init`, with the arguments of `base` in the place of its `**shared`.

    An optimizer then writes down only its own arguments, and takes the shared ones by position too. Its own
    arguments after a `*` come after the shared ones.

    Args:
        init: the `__init__` of an optimizer, with a parameter `**shared` that it passes on.
        base: the `__init__` of `Optimizer`.

    >>> def base(self, learning_rate, name=None, **kwargs): ...
    >>> def init(self, learning_rate=0.1, rho=0.9, **shared): print(rho, shared)
    >>> made = with_shared_arguments(init, base)
    >>> inspect.signature(made)
    <Signature (self, learning_rate=0.1, rho=0.9, name=None, **kwargs)>
    >>> made(None, 0.1, 0.5, "mine")
    0.5 {'name': 'mine'}
    """
    own = inspect.signature(init)
    parameters = [p for name, p in own.parameters.items() if name != "shared"]
    early = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    late = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in parameters if p.kind is p.KEYWORD_ONLY]
    known = {"learning_rate", *own.parameters}
    *shared, rest = [p for name, p in inspect.signature(base).parameters.items() if name not in known]
    signature = own.replace(parameters=[*early, *shared, *late, rest])

    @wraps(init)
    def __init__(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        unknown = given.pop("kwargs", {})
        init(**given, **unknown)

    __init__.__signature__ = signature  # type: ignore[attr-defined]
    return __init__
