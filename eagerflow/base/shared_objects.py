"""Objects that stand in several places of a configuration: each place has the object's number, as in Keras."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

__all__ = ["Calls", "Made", "calls_counted_together", "calls_so_far", "described_together", "made_together"]
__all__ += ["number_of", "numbers_shared", "reading", "shared_number"]

F = TypeVar("F", bound=Callable[..., Any])
_SHARED = "shared_object_id"


class Made:
    """What was made by one reading of a config."""

    def __init__(self) -> None:
        self.by_number: dict[Any, Any] = {}
        self.handed: Any = None  # the settings that a `from_config` is being called with


class Calls:
    """How often a reader of what is described, who shares layers between models, has called each of them so far.

    A model that stands in several places is read once.
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._firsts: dict[int, tuple[Any, dict[int, int]]] = {}  # by the `id` of a model, which is kept alive

    def first_ones(self, model: Any, called: Iterable[Any]) -> dict[int, int]:
        """The numbers of the first calls in a model's graph, by the `id` of the layers that are shared.

        Args:
            model: the model, whose parts are described already.
            called: the layer of each call in its graph.
        """
        if id(model) not in self._firsts:
            self._firsts[id(model)] = model, dict(self._counts)
            self.called(called)
        return self._firsts[id(model)][1]

    def knows(self, model: Any) -> bool:
        """Whether a model was read before."""
        return id(model) in self._firsts

    def called(self, layers: Iterable[Any]) -> None:
        """Note a call of each layer; those that are made for each place have no calls elsewhere."""
        self._counts.update(id(layer) for layer in layers if getattr(layer, "_stays_shared", False))


_calls_so_far: contextvars.ContextVar[Calls | None] = contextvars.ContextVar("calls_so_far", default=None)
_described_so_far: contextvars.ContextVar[dict[int, tuple[int, Any]] | None] = contextvars.ContextVar(
    "described_so_far", default=None
)
_made_so_far: contextvars.ContextVar[Made | None] = contextvars.ContextVar("made_so_far", default=None)


def reading() -> Made | None:
    """What the running reading has made so far; None outside of `made_together`."""
    return _made_so_far.get()


def calls_so_far() -> Calls | None:
    """What counts calls over all graphs that are described; None outside of `calls_counted_together`."""
    return _calls_so_far.get()


@contextlib.contextmanager
def calls_counted_together() -> Iterator[None]:
    """Calls of a layer that stands in several models are counted over all graphs described inside the block.

    Keras 3 finds them so in formats whose layers stay shared. Elsewhere the calls in each graph count from 0.
    """
    token = _calls_so_far.set(Calls())
    try:
        yield
    finally:
        _calls_so_far.reset(token)


def number_of(config: Mapping[str, Any]) -> Any:
    """The number of a described object; None where it stands in one place."""
    return config.get(_SHARED)


def shared_number(obj: Any) -> dict[str, int]:
    """What the description of an object says of its number; empty outside of `described_together`."""
    numbers = _described_so_far.get()
    return {} if numbers is None else {_SHARED: numbers.setdefault(id(obj), (len(numbers) + 1, obj))[0]}


@contextlib.contextmanager
def made_together(settings: Any = None) -> Iterator[Made]:
    """One object is made for each number inside the block; a `from_config` that was called for a part joins the rest.

    Args:
        settings: what that `from_config` was called with.
    """
    around = _made_so_far.get()
    if around is not None and around.handed is settings is not None:
        yield around
        return
    token = _made_so_far.set(made := Made())
    try:
        yield made
    finally:
        _made_so_far.reset(token)


@contextlib.contextmanager
def described_together() -> Iterator[None]:
    """Each layer that is described inside the block has a number in its description, always the same one."""
    token = _described_so_far.set({})
    try:
        yield
    finally:
        _described_so_far.reset(token)


def numbers_shared(describe: F) -> F:
    """Mark what describes an object and others in it: those that stand in several places are numbered."""

    @functools.wraps(describe)
    def described(*args: Any) -> Any:
        if _described_so_far.get() is not None:
            return describe(*args)
        with described_together():
            config = describe(*args)
        numbered = list(_numbered(config))
        times = Counter(entry[_SHARED] for entry in numbered)
        for entry in numbered:
            if times[entry[_SHARED]] == 1:
                del entry[_SHARED]
        return config

    return described  # type: ignore[return-value]


def _numbered(config: Any) -> Iterator[dict[str, Any]]:
    if isinstance(config, dict) and _SHARED in config:
        yield config
    if isinstance(config, (dict, list, tuple)):
        for part in config.values() if isinstance(config, dict) else config:
            if isinstance(part, (dict, list, tuple)):
                yield from _numbered(part)
