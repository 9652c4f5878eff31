"""`Guards`: what a captured step depends on besides its arguments, compared before each replay.

These are the globals, closure cells and defaults that the step's own code names, and the settings of the layers that it
calls. Own code is the function, functions among its arguments, and the functions of yours that these name. Values
are the same if they are one object, or equal numbers, strings or tuples of these.
"""

from __future__ import annotations

import dis
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import getattr_static
from types import CodeType, FunctionType, MethodType
from typing import Any
from weakref import ref

from eagerflow.capture.user_code import is_users
from eagerflow.core.variable import changes

__all__ = ["Guards", "functions_in", "same"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_NAMING = frozenset({"LOAD_GLOBAL", "LOAD_NAME"})
_MISSING: Any = object()
# What our layers and models note by themselves.
_NOTES = frozenset(
    """
    _added_metrics _all_weights _dropout_mask _exported_as _made_before _made_in _num_batches _own_call_signature
    _own_shape_answer _recurrent_dropout_mask _seen history stop_evaluating stop_predicting
    """.split()
)


def same(now: Any, then: Any) -> bool:
    """Whether two values are one object, or equal numbers, strings or tuples."""
    if now is then:
        return True
    if type(now) is not type(then):
        return False
    if type(now) is tuple:
        return len(now) == len(then) and all(map(same, now, then))
    return type(now) in _PLAIN and repr(now) == repr(then)  # -0.0 isn't 0.0, and NaN is NaN


def functions_in(thing: Any) -> Iterator[FunctionType]:
    """The functions that run when this is called."""
    if isinstance(thing, functools.partial):
        for part in (thing.func, *thing.args, *thing.keywords.values()):
            yield from functions_in(part)
    elif isinstance(thing, MethodType):
        yield from functions_in(thing.__func__)
    elif isinstance(thing, FunctionType):
        yield thing
    elif isinstance(wrapped := getattr_static(thing, "__wrapped__", None), FunctionType):  # another captured function
        yield wrapped


def _own_code(functions: Iterable[FunctionType]) -> Iterator[FunctionType]:
    """These functions, and those of the user's that they name."""
    waiting, seen = list(functions), set[int]()
    while waiting:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        yield function
        for _, _, value in _named(function):
            waiting += [each for each in functions_in(value) if is_users(each.__code__.co_filename)]


@functools.cache
def _globals_of(code: CodeType) -> tuple[str, ...]:
    """The globals that code names, functions inside of it too."""
    names = [step.argval for step in dis.get_instructions(code) if step.opname in _NAMING]
    inner = [each for each in code.co_consts if isinstance(each, CodeType)]
    return tuple(dict.fromkeys([*names, *[name for each in inner for name in _globals_of(each)]]))


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _MISSING


def _named(function: FunctionType) -> Iterator[tuple[str, Callable[[], Any], Any]]:
    """What a function names: what to call it, what asks for it, and its value now."""
    for name in _globals_of(function.__code__):
        ask: Callable[[], Any] = functools.partial(function.__globals__.get, name, _MISSING)
        yield f"the global {name!r}", ask, ask()
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        ask = functools.partial(_cell, cell)
        yield f"{name!r} of the function around {function.__name__}", ask, ask()
    for what in ("__defaults__", "__kwdefaults__"):
        if getattr(function, what):
            ask = functools.partial(_defaults, function, what)
            yield f"a default argument of {function.__name__}", ask, ask()


def _defaults(function: FunctionType, what: str) -> Any:
    found = getattr(function, what)
    return tuple(found.values()) if isinstance(found, dict) else found


def _settings(layer: Any) -> dict[str, Any]:
    """A layer's settings as they are now; lists and dicts as tuples."""
    own = {name: _frozen(value) for name, value in vars(layer).items() if name not in _NOTES}
    state = layer._ef_state
    trainable = tuple([variable.trainable for variable in state.own_weights])
    return own | {"trainable": (state.trainable, trainable), "dtype_policy": state.policy}


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return tuple([(key, _frozen(each)) for key, each in value.items()])
    return tuple(map(_frozen, value)) if type(value) is tuple or isinstance(value, list) else value


class Guards:
    """The values of now.

    Args:
        functions: the step's own.
        layers: those that it calls or is given; they aren't kept alive.
    """

    def __init__(self, functions: Iterable[FunctionType], layers: Iterable[Any]) -> None:
        self._named = [each for function in _own_code(functions) for each in _named(function)]
        self._layers = [(ref(layer), _settings(layer)) for layer in layers]
        self.layers = {id(layer) for layer in layers}
        self._count = changes.count, changes.settings

    def changed(self) -> str | None:
        """What isn't as it was, in words; None where all is."""
        for what, ask, then in self._named:
            now = ask()
            if now is not then and not same(now, then):
                return what
        return None if self._count == (changes.count, changes.settings) else self._of_layers()

    def _of_layers(self) -> str | None:
        """The same of settings, which are looked at only when one of any layer was set."""
        count = changes.count, changes.settings
        for ask, then in self._layers:
            layer = ask()
            if layer is None:
                return "a layer that is gone"
            now = _settings(layer)
            for name in now.keys() | then.keys():
                if not same(now.get(name, _MISSING), then.get(name, _MISSING)):
                    return f"{layer.name}.{name}"
        self._count = count
        return None
