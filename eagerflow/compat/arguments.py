"""Older arguments of a function as its present ones: what the tables of Keras 1 and 2 are made of."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar

from eagerflow.base.legacy import Arguments, Change
from eagerflow.base.tracebacks import boundary

__all__ = ["Older", "renamed", "taking"]

F = TypeVar("F", bound=Callable[..., Any])


class Older:
    """What becomes of a function's arguments, in this order: `first`, new names, fixed values.

    Args:
        renamed: the present name of older arguments.
        first: a function of the positional and the other arguments, called if one of `asks` is there.
        asks: the arguments that `first` is for.
        always: whether `first` is called whatever the arguments are.
        ignored: arguments that never changed what is computed.
        only: arguments with one value here: that value, and what to write instead of another.

    >>> from eagerflow.compat.arguments import Older
    >>> Older({"nb_epoch": "epochs"}, ignored=["workers"])("Model", (), {"nb_epoch": 3, "workers": 2})
    ((), {'epochs': 3})
    """

    def __init__(
        self,
        renamed: Mapping[str, str] | None = None,
        first: Change | None = None,
        asks: Iterable[str] = (),
        always: bool = False,
        ignored: Iterable[str] = (),
        only: Mapping[str, tuple[Any, str]] | None = None,
    ) -> None:
        self.renamed, self.first, self.ignored, self.only = renamed or {}, first, frozenset(ignored), only or {}
        self.asks, self.always = frozenset(asks), always
        self.names = frozenset({*self.renamed, *self.ignored, *self.only, *self.asks})

    def __call__(self, owner: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        """Today's arguments.

        Args:
            owner: the class or function, for messages.
            args: the positional arguments.
            kwargs: the others.

        Raises:
            TypeError: for an older name and the present one.
            ValueError: for another value of an argument that has one.
        """
        if self.first is not None and (self.always or not self.asks.isdisjoint(kwargs)):
            args, kwargs = self.first(args, kwargs)
        for name in self.names & kwargs.keys():
            value = kwargs.pop(name)
            if name in self.renamed:
                present = self.renamed[name]
                if present in kwargs:
                    raise TypeError(f"{owner}: {name!r} is the older name of {present!r}; give one of them.")
                kwargs[present] = value
            elif name in self.only and value not in (None, self.only[name][0]):
                raise ValueError(f"{owner}({name}={value!r}) isn't possible here. {self.only[name][1]}")
        return args, kwargs


def taking(older: Older) -> Callable[[F], F]:
    """A decorator for functions of `compat` itself, which take the older arguments always."""

    def decorate(function: F) -> F:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            args, kwargs = older(function.__name__, args, kwargs)
            return function(*args, **kwargs)

        return boundary(call)  # type: ignore[return-value]

    return decorate


def renamed(function: Callable[..., Any], arguments: str, **defaults: Any) -> Callable[..., Any]:
    """A function under TensorFlow's or Keras 2's names of its arguments, and with `name=`, which has no effect.

    Args:
        function: what is called.
        arguments: the names, in their order: those of the function's first arguments. `other:own` says which one it
            is instead, `other:` accepts one without effect.
        **defaults: the function's own arguments, where they are missing or None.

    >>> from eagerflow.compat.arguments import renamed
    >>> renamed(ef.ops.expand_dims, "input axis", axis=-1)(input=[1, 2]).tolist()
    [[1], [2]]
    """
    own = list(inspect.signature(function).parameters)
    pairs = [each.partition(":") for each in f"{arguments} name:".split()]
    present = {name: other if colon else own[place] for place, (name, colon, other) in enumerate(pairs)}
    in_place = 0 if defaults else next(i for i, other in enumerate([*present.values()]) if [other] != own[i : i + 1])

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not kwargs and len(args) <= in_place:
            return function(*args)
        if len(args) > len(present) or not kwargs.keys().isdisjoint(by_place := dict(zip(present, args))):
            raise TypeError(f"{function.__name__}: expected {', '.join(present)}, each once; got {len(args)} by place.")
        given = {present.get(name, name): value for name, value in (by_place | kwargs).items()}
        given |= {name: value for name, value in defaults.items() if given.get(name) is None}
        given.pop("", None)
        return function(**given)

    return call
