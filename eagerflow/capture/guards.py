"""What Python objects a step depends on besides its arguments, and whether they are as they were.

A replay runs no Python, so a number that reached an op, an attribute of a layer, a variable that was replaced are
looked at before it: all that the step's function reaches through its closure, the globals it names, attributes of
objects, lists and dicts. Optimizers and metrics aren't looked at: they are called in each replay.
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterator
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy

from eagerflow.base import config
from eagerflow.capture.calls import is_of_a_library
from eagerflow.capture.instructions import same_value
from eagerflow.core.device import current_device
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.layer import Layer

__all__ = ["Guards", "Held"]

_LARGEST = 1 << 16  # bytes of a NumPy array that is compared by its values
_SAMPLE = 256  # numbers of a larger one that are compared
_PLAIN = (int, float, complex, str, bytes, bool, type(None), type, ModuleType, BuiltinFunctionType, numpy.dtype)
_SETTLED = ("eagerflow.initializers", "eagerflow.layer.", "eagerflow.models", "eagerflow.training", "eagerflow.random")
# Set on classes of ours whose methods are called in each replay, which aren't looked into but for these attributes.
_OWN_STATE = "_called_again_but"
# Of layers and models: what calls keep there for the next one, and what training tells.
_CACHES = frozenset(
    """
    _build_shapes _calls _fitted_from _gathered _held _losses _output_sizes _path history
    stop_evaluating stop_predicting stop_training
    """.split()
)


def _is_settled(thing: Any) -> bool:
    """Whether an object of ours stays as it was made: initializers, graphs, policies."""
    return str(type(thing).__module__).startswith(_SETTLED)


def _slots_of(kind: type) -> tuple[str, ...]:
    """The names of attributes that a class of the user's has in slots."""
    if str(kind.__module__).partition(".")[0] in ("eagerflow", "builtins", "numpy", "functools"):
        return ()
    slots = [getattr(each, "__slots__", ()) for each in kind.__mro__]
    return tuple(name for names in slots for name in ((names,) if isinstance(names, str) else names))


class Held:
    """All that a step reaches.

    Attributes:
        variables: those among it.
        layers: those among it.
        containers: lists, dicts, sets and `__dict__`s with how to name them.
        arrays: NumPy arrays that somebody may change.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.variables: dict[int, Variable] = {}
        self.layers: list[Layer] = []
        self.containers: dict[int, tuple[Any, str]] = {}
        self.arrays: dict[int, tuple[numpy.ndarray, str]] = {}
        self.names: dict[tuple[int, str], tuple[dict[str, Any], str]] = {}
        self.cells: list[Any] = []
        self.passed_over: dict[int, frozenset[str]] = {}  # attributes that don't count, of objects by their `__dict__`
        self.attributes: list[tuple[Any, str]] = []  # single attributes that count
        self._seen: set[tuple[int, bool]] = set()
        self._keep: list[Any] = []
        self.reach(function, getattr(function, "__name__", "the step"))

    def reach(self, thing: Any, name: str) -> None:
        """Go through what `thing` holds."""
        waiting = [(thing, name, True)]
        while waiting:
            thing, name, counts = waiting.pop()
            if isinstance(thing, _PLAIN) or (id(thing), counts) in self._seen:
                continue
            self._seen |= {(id(thing), counts), (id(thing), False)}
            self._keep.append(thing)
            if isinstance(thing, (list, tuple, set, frozenset, dict)):
                waiting += self._parts(thing, name, counts)
            elif isinstance(thing, Layer):
                waiting += self._of_layer(thing, name)
            else:
                waiting += [(part, where, counts and not _is_settled(thing)) for part, where in self._of(thing, name)]

    def _parts(self, thing: Any, name: str, counts: bool) -> Iterator[tuple[Any, str, bool]]:
        """What a collection holds, and whether it counts which."""
        if counts and not isinstance(thing, (tuple, frozenset)):
            self.containers[id(thing)] = (thing, name)
        if isinstance(thing, dict):
            yield from ((part, f"{name}[{key!r}]", counts) for key, part in thing.items())
        else:
            yield from ((part, f"{name}[...]", counts) for part in thing)

    def _of_layer(self, layer: Layer, name: str) -> Iterator[tuple[Any, str, bool]]:
        """What a layer holds. Its own notes (`_tracked`, ...) lead to other layers and variables, and don't count."""
        attributes = vars(layer)
        self.layers.append(layer)
        self.containers[id(attributes)], self.passed_over[id(attributes)] = (attributes, name), _CACHES
        for key, part in list(attributes.items()):
            if key not in _CACHES:
                yield part, f"{name}.{key}", not key.startswith("_") or hasattr(type(part), _OWN_STATE)
        yield from ((part, where, True) for part, where in self._of_class(layer, name))

    def _of(self, thing: Any, name: str) -> Iterator[tuple[Any, str]]:
        if isinstance(thing, Variable):
            self.variables[id(thing)] = thing
        elif isinstance(thing, Tensor):
            return
        elif isinstance(thing, numpy.ndarray):
            self.arrays[id(thing)] = (thing, name)
        elif isinstance(thing, MethodType):
            yield thing.__self__, name.rpartition(".")[0] or "self"
            yield thing.__func__, name
        elif isinstance(thing, FunctionType):
            yield from self._of_function(thing, name)
        elif hasattr(type(thing), _OWN_STATE):
            for attribute in getattr(thing, _OWN_STATE):
                self.attributes.append((thing, attribute))
                yield getattr(thing, attribute), f"{name}.{attribute}"
            yield from ((v, name) for v in getattr(thing, "variables", ()) if isinstance(v, Variable))
        elif hasattr(thing, "__dict__"):
            if not _is_settled(thing):
                self.containers[id(thing.__dict__)] = (thing.__dict__, name)
                self.passed_over[id(thing.__dict__)] = frozenset()
            yield from ((part, f"{name}.{key}") for key, part in list(thing.__dict__.items()))
            yield from self._of_class(thing, name)
        for key in _slots_of(type(thing)):
            if hasattr(thing, key):
                self.attributes.append((thing, key))
                yield getattr(thing, key), f"{name}.{key}"

    def _of_class(self, thing: Any, name: str) -> Iterator[tuple[Any, str]]:
        """The methods that a class of the user's gives an object: what they name counts too."""
        for kind in type(thing).__mro__:
            if not str(kind.__module__).startswith(("eagerflow.", "builtins", "numpy")):
                yield from ((f, f"{name}.{key}") for key, f in vars(kind).items() if isinstance(f, FunctionType))

    def _of_function(self, function: FunctionType, name: str) -> Iterator[tuple[Any, str]]:
        if is_of_a_library(function.__code__.co_filename):
            return
        if function.__module__ is not None and function.__module__.startswith("eagerflow."):
            inner = getattr(function, "__wrapped__", None)
            if inner is not None:
                yield inner, name
        yield from ((value, name) for value in (function.__defaults__ or ()))
        yield from ((value, name) for value in (function.__kwdefaults__ or {}).values())
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            self.cells.append((cell, value, variable))
            yield value, variable

    def of_code(self, code: CodeType, scope: dict[str, Any]) -> Iterator[tuple[Any, str]]:
        """The globals that code names, in functions inside of it, too."""
        for name in code.co_names:
            if name in scope and not name.startswith("__"):
                self.names[id(scope), name] = (scope, name)
                value = scope[name]
                if isinstance(value, ModuleType):
                    yield from self._of_module(value, code)
                else:
                    yield value, name
        for inner in code.co_consts:
            if isinstance(inner, CodeType):
                yield from self.of_code(inner, scope)

    def _of_module(self, module: ModuleType, code: CodeType) -> Iterator[tuple[Any, str]]:
        """What code may take out of a module of the user's: a settings file, say."""
        if getattr(module, "__spec__", None) is None or module.__name__.partition(".")[0] in _LIBRARIES:
            return
        for name in code.co_names:
            if name in vars(module):
                self.names[id(vars(module)), name] = (vars(module), name)
                yield vars(module)[name], f"{module.__name__}.{name}"


_LIBRARIES = frozenset({"eagerflow", "numpy", "keras", "tensorflow", "math", "functools", *dir(builtins)})


def _settings() -> tuple[Any, ...]:
    return config.floatx(), config.epsilon(), config.image_data_format(), current_device()


class Guards:
    """What was there when a step was captured.

    Args:
        held: all that the step reaches.
    """

    def __init__(self, held: Held) -> None:
        self.containers = [
            _Container(thing, name, held.passed_over.get(identity))
            for identity, (thing, name) in held.containers.items()
        ]
        self.names = [(scope, name, scope.get(name)) for scope, name in held.names.values()]
        self.cells = list(held.cells)
        self.attributes = [(thing, name, getattr(thing, name)) for thing, name in held.attributes]
        writeable = [(array, name) for array, name in held.arrays.values() if array.flags.writeable]
        self.arrays = [_Array(array, name) for array, name in writeable]
        self.trainable = [(v, v.trainable) for v in held.variables.values()]
        self.settings = _settings()

    def too_large(self, used: set[int]) -> str | None:
        """The name of an array that is too large to be compared before each replay.

        Args:
            used: identities of arrays that ops were given. Of others, such as data that an object holds, some numbers
                are compared.
        """
        return next((a.name for a in self.arrays if a.places is not None and id(a.array) in used), None)

    def changed(self) -> str | None:
        """What isn't as it was, None if all is."""
        for scope, name, value in self.names:
            if scope.get(name) is not value:
                return name
        for cell, value, name in self.cells:
            if cell.cell_contents is not value:
                return str(name)
        for container in self.containers:
            if not container.same():
                return container.name + container.difference()
        for variable, trainable in self.trainable:
            if variable._trainable is not trainable:
                return f"{variable.path}.trainable"
        for thing, name, value in self.attributes:
            if getattr(thing, name) != value:
                return f"{getattr(thing, 'name', type(thing).__name__)}.{name}"
        for array in self.arrays:
            if not array.same():
                return array.name
        return None if self.settings == _settings() else "a setting of eagerflow.config"


class _Array:
    """A NumPy array as it was: all of it, or where that takes long, numbers from all over it."""

    __slots__ = ("array", "before", "dtype", "name", "places", "shape")

    def __init__(self, array: numpy.ndarray, name: str) -> None:
        self.array, self.name, self.shape, self.dtype = array, name, array.shape, array.dtype
        self.places: Any = None
        if array.nbytes > _LARGEST:
            self.places = numpy.linspace(0, array.size - 1, _SAMPLE, dtype="int64")
        self.before = self._now()

    def _now(self) -> bytes:
        return self.array.tobytes() if self.places is None else self.array.flat[self.places].tobytes()

    def same(self) -> bool:
        """Whether it is as it was."""
        return self.array.shape == self.shape and self.array.dtype is self.dtype and self._now() == self.before


class _Container:
    """A list, dict, set or `__dict__` as it was. What it is compared with lies in tuples: those compare quickly."""

    __slots__ = ("count", "is_object", "keys", "kinds", "name", "passed_over", "take", "thing", "values")

    def __init__(self, thing: Any, name: str, passed_over: frozenset[str] | None) -> None:
        self.thing, self.name, self.count = thing, name, len(thing)
        self.is_object, self.passed_over = passed_over is not None, passed_over or frozenset()
        self.keys: tuple[Any, ...] | None = None
        self.take: Callable[[Any], tuple[Any, ...]] = tuple
        if isinstance(thing, dict):
            self.keys = tuple([key for key in thing if key not in self.passed_over])
            self.take = _taker(self.keys)
        elif isinstance(thing, set):
            self.take = lambda given: tuple(sorted(map(id, given)))
        self.values = self.take(thing)
        self.kinds = tuple(map(type, self.values))

    def same(self) -> bool:
        """Whether it is as it was."""
        thing = self.thing
        if len(thing) != self.count and (self.keys is None or thing.keys() - self.passed_over != set(self.keys)):
            return False
        try:
            values = self.take(thing)
            return bool(values == self.values) and tuple(map(type, values)) == self.kinds
        except (KeyError, ValueError, TypeError):  # a key is gone, or arrays stand where others stood
            return False

    def difference(self) -> str:
        """Which entry differs, as it is written in a program."""
        if self.keys is None:
            return ""
        missing = object()
        for key, before in zip(self.keys, self.values):
            now = self.thing.get(key, missing)
            if now is not before and (now.__class__ is not before.__class__ or not same_value(now, before)):
                return self._written(key)
        return next((self._written(key) for key in self.thing if key not in (*self.keys, *self.passed_over)), "")

    def _written(self, key: Any) -> str:
        return f".{key}" if self.is_object else f"[{key!r}]"


def _taker(keys: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(keys) == 1:
        only = keys[0]
        return lambda thing: (thing[only],)
    return operator.itemgetter(*keys) if keys else lambda thing: ()
