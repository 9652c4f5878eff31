"""Whether what a step depends on besides its arguments is as it was when it was captured.

A replay runs no Python, so a number that reached an op, an attribute of a layer, a variable that was replaced are
looked at before it. What `Held` found is compared object by object: the same one, or a number or text that is equal.
"""

from __future__ import annotations

import abc
import collections
import operator
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy

from eagerflow.base import config
from eagerflow.base.machine.computed_once import computed_once
from eagerflow.capture.arguments.taken_apart import weakly
from eagerflow.capture.dependence.as_held import as_held
from eagerflow.capture.dependence.attributes import NOTHING, is_empty_slot, is_plain, looked_up, name_of
from eagerflow.capture.dependence.equality import all_same, differs_plainly, first, gives, same
from eagerflow.capture.dependence.identical import Conditions, identical
from eagerflow.capture.dependence.kinds import LARGEST, answers_plainly, attributes_of, data_of, is_fixed, is_mapping
from eagerflow.capture.dependence.parts import Scope
from eagerflow.capture.dependence.reached import Held
from eagerflow.capture.dependence.registered import Registered
from eagerflow.capture.dependence.versions import Versions, dict_of
from eagerflow.capture.dependence.weak import kept_alive
from eagerflow.capture.hearing.draws import stands_for
from eagerflow.capture.hearing.whose import is_users
from eagerflow.core.device import chosen_device

__all__ = ["Guards"]

# Of recurrent cells: masks of the sequence that runs. Each sequence begins without, also after an error.
_PASSING = frozenset({"_dropout_mask", "_recurrent_dropout_mask"})
_ORDERED = (list, tuple, set, frozenset, collections.deque)


class Guards:
    """What was there when a step was captured.

    Args:
        held: all that the step reaches.
        taped: whether the step runs under a tape, so that it counts which variables are watched.
    """

    def __init__(self, held: Held, taped: bool = False) -> None:
        kept = kept_alive(held)
        self._unknown = [*held.unknown, *([] if kept is None else [kept])]
        self._goes_by_objects, self._large = held.goes_by_objects, held.large
        self._arrays = [_Array(array, name) for array, name, named in held.arrays.values() if named]
        self._checks: list[Any] = [_Names(scope) for scope in held.scopes.values()]
        self._checks += [_OfLibraries(scope) for scope in held.of_libraries.values()]
        self._checks += [_Cells(list(held.cells.values())), _Functions(held.functions)]
        self._checks += [
            _container(thing, name, held.passed_over.get(identity), held.reads_in_order)
            for identity, (thing, name) in held.containers.items()
        ]
        self._checks += [_Methods(*each) for each in held.classes.items()]
        asked = [*held.asked]
        if held.asks_for_device:
            asked.append((chosen_device, chosen_device(), "the device"))
        if held.has_abstract:
            asked.append((abc.get_cache_token, abc.get_cache_token(), "which classes are registered as others'"))
        self._checks += [_Objects(list(held.objects.values())), _Attributes(held.attributes), _Asked(asked)]
        self._checks += [_Buffer(*each) for each in held.buffers] + [_Fixed(*each) for each in held.fixed]
        self._checks += [_OfVariables(list(held.variables.values()), taped)]
        self._checks += [_Entries(config.numeric_settings(), "eagerflow.config", frozenset()), _Environment()]
        self._checks += held.registered
        self._checks = [check for check in self._checks if not check.is_empty()] + self._arrays
        entries = {c: dict_of(c.thing) for c in self._checks if isinstance(c, _WITH_DICTS)}
        self._versions = Versions([found for found in entries.values() if found is not None])
        self._with_version = [c for c in self._checks if entries.get(c) is not None]
        others = [c for c in self._checks if entries.get(c) is None]
        self._methods_identical = identical([c.conditions for c in others if isinstance(c, _Methods)])
        self._others_identical = identical([c.conditions for c in others if not isinstance(c, _Methods)])

    @computed_once
    def _entries_identical(self) -> Callable[[], bool]:
        return identical([c.conditions for c in self._with_version])

    def unsure(self) -> str | None:
        """What may change without being noticed, in words; None if nothing does."""
        if self._unknown:
            return f"{self._unknown[0]} may change unseen: pass what the step takes out of it as an argument"
        large = next((a.name for a in self._arrays if a.is_large()), None)
        return large and f"{large} is a large NumPy array, which may change: make it a Tensor"

    def lock(self) -> None:
        """Let nobody change the large arrays of tensors from now on: to write to `tensor.data` raises an error."""
        for large in self._large:
            array: Any = large
            while isinstance(array, numpy.ndarray):
                array.flags.writeable = False
                array = array.base

    def changed(self) -> str | None:
        """What isn't as it was, None if all is."""
        versions = self._versions
        others = self._others_identical() and self._methods_identical()
        if others and versions.same():
            return None
        state = versions.now()
        if others and self._entries_identical():
            versions.note(state)
            return None
        different = next((c for c in self._checks if not c.same()), None)
        if different is not None:
            return str(different.difference())
        if self._goes_by_objects:
            return "an object that the step compares by 'is'"
        versions.note(state)
        return None

    def version(self) -> Any:
        """What stands for the state of the dicts that it depends on: equal as long as none of them is changed."""
        return self._versions.now()

    def may_hold_again(self) -> bool:
        """Whether numbers, texts and flags alone differ: nothing is kept for it that others have let go."""
        return all(check.same() or differs_plainly(check.pairs()) for check in self._checks)

    def changed_by_the_step(self) -> str | None:
        """The same while the step is captured, which exchanges methods of ours and functions of `numpy.random`."""
        if self._others_identical() and self._entries_identical():
            return None
        others = [c for c in self._checks if not isinstance(c, _Methods) and not c.same() and not _is_heard(c)]
        different = next((c for c in others if not (isinstance(c, _Entries) and c.changed() <= _PASSING)), None)
        return None if different is None else str(different.difference())


class _Check:
    """Something that is to be as it was."""

    def pairs(self) -> Iterable[tuple[Any, Any]] | None:
        """What there is now, and what was there; None where one can't be put beside the other."""
        return None


class _Names(_Check):
    """Globals that code names. Those that aren't there would hide a builtin."""

    def __init__(self, scope: Scope) -> None:
        self.variables, self.beginning = scope.variables, scope.beginning
        self.names = tuple([name for name in scope.names if name in scope.variables])
        self.missing = scope.names - scope.variables.keys()
        self.take = _taker(self.names)
        self.values = self.take(self.variables)

    def is_empty(self) -> bool:
        return not self.names and not self.missing

    def same(self) -> bool:
        try:
            values = self.take(self.variables)
        except KeyError:
            return False
        return all_same(values, self.values) and self.variables.keys().isdisjoint(self.missing)

    def conditions(self, to: Conditions) -> None:
        variables = to.value(self.variables)
        to.entries(variables, self.names, self.values)
        if self.missing:
            to.add(f"{variables}.keys().isdisjoint({to.value(self.missing)})")

    def pairs(self) -> Iterable[tuple[Any, Any]] | None:
        now = [self.variables.get(name, NOTHING) for name in self.names]
        return zip(now, self.values) if self.variables.keys().isdisjoint(self.missing) else None

    def difference(self) -> str:
        now = [self.variables.get(name, NOTHING) for name in self.names]
        found = first(self.names, now, self.values)
        return self.beginning + (found or next(iter(self.missing & self.variables.keys()), ""))


def _is_heard(check: _Check) -> bool:
    """Whether names differ only in what tells of draws while a step is captured."""
    pairs = check.pairs() if isinstance(check, _Names) else None
    return pairs is not None and all(same(now, before) or stands_for(now, before) for now, before in pairs)


class _OfLibraries(_Names):
    """Names in modules and classes of libraries, which change so rarely that the dict's version tells."""

    @property
    def thing(self) -> Any:
        return self.variables


class _Cells(_Check):
    """Variables of the functions around."""

    def __init__(self, cells: list[tuple[Any, Any, str]]) -> None:
        self.cells, self.names = [cell for cell, _, _ in cells], [name for _, _, name in cells]
        self.values = tuple([value for _, value, _ in cells])

    def is_empty(self) -> bool:
        return not self.cells

    def same(self) -> bool:
        try:
            return all_same([cell.cell_contents for cell in self.cells], self.values)
        except ValueError:  # one was empty, or is now
            return all_same(map(_inside, self.cells), self.values)

    def conditions(self, to: Conditions) -> None:
        for cell, value in zip(self.cells, self.values):
            to.same(f"{to.value(cell)}.cell_contents", value)

    def pairs(self) -> Iterable[tuple[Any, Any]]:
        return zip(map(_inside, self.cells), self.values)

    def difference(self) -> str:
        return first(self.names, map(_inside, self.cells), self.values)


def _inside(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return NOTHING


class _Functions(_Check):
    """Code, default arguments and the dict of attributes of functions that ran."""

    _PARTS = ("__code__", "__defaults__", "__kwdefaults__", "__dict__")

    def __init__(self, functions: list[Any]) -> None:
        self.functions, self.before = functions, self._now(functions)

    @staticmethod
    def _now(functions: list[Any]) -> tuple[Any, ...]:
        found: list[Any] = []
        for f in functions:
            found += (f.__code__, f.__defaults__, f.__kwdefaults__, f.__dict__)
        return tuple(found)

    def is_empty(self) -> bool:
        return not self.functions

    def same(self) -> bool:
        return all_same(self._now(self.functions), self.before)

    def conditions(self, to: Conditions) -> None:
        for i, function in enumerate(self.functions):
            for j, name in enumerate(self._PARTS):
                to.same(f"{to.value(function)}.{name}", self.before[len(self._PARTS) * i + j])

    def difference(self) -> str:
        names = [f.__name__ for f in self.functions for _ in self._PARTS]
        return first(names, self._now(self.functions), self.before)


class _Objects(_Check):
    """Which class an object is of, and in which dict its attributes are: `__class__` and `__dict__` can be set.

    Objects aren't kept alive, as weak references to them may count.
    """

    def __init__(self, objects: list[tuple[Any, str]]) -> None:
        self.objects, self.names = [weakly(thing) for thing, _ in objects], [name for _, name in objects]
        self.before = self._now()

    def _now(self) -> list[tuple[type, Any]]:
        return [(type(thing), _own_dict(thing)) for thing in [ask() for ask in self.objects]]

    def is_empty(self) -> bool:
        return not self.objects

    def same(self) -> bool:
        return not self.difference()

    def conditions(self, to: Conditions) -> None:
        for ask, (kind, own) in zip(self.objects, self.before):
            to.same(f"type(thing := {to.value(ask)}())", kind)
            if own is not None:
                plain = answers_plainly(kind) or not is_users(kind)
                to.same("thing.__dict__" if plain else f"{to.value(attributes_of)}(thing)", own)

    def difference(self) -> str:
        for name, (kind, own), (kind_now, own_now) in zip(self.names, self.before, self._now()):
            if kind_now is not kind:
                return f"{name}.__class__"
            if own_now is not own:
                return f"{name}.__dict__"
        return ""


def _own_dict(thing: Any) -> Any:
    """The dict of an object's attributes; None for what has none, or makes another one whenever it is asked."""
    own = attributes_of(thing)
    return own if type(own) is dict and own is attributes_of(thing) else None


class _Attributes(_Check):
    """Single attributes of objects."""

    def __init__(self, attributes: list[tuple[Any, str]]) -> None:
        self.attributes, self.before = attributes, tuple([looked_up(t, name) for t, name in attributes])

    def is_empty(self) -> bool:
        return not self.attributes

    def _now(self) -> list[Any]:
        return [looked_up(thing, name) for thing, name in self.attributes]

    def same(self) -> bool:
        return all_same(self._now(), self.before)

    def conditions(self, to: Conditions) -> None:
        for (thing, name), before, now in zip(self.attributes, self.before, self._now()):
            if now is before and before is not NOTHING and is_plain(thing, name):
                to.same(f"{to.value(thing)}.{name}", before)
            elif now is before and is_empty_slot(thing, name):
                to.add(f"not {to.value(hasattr)}({to.value(thing)}, {name!r})")
            else:  # a property may give an equal number that is another object
                to.asks(partial(gives, partial(looked_up, thing, name), before))

    def pairs(self) -> Iterable[tuple[Any, Any]]:
        return zip(self._now(), self.before)

    def difference(self) -> str:
        names = [f"{name_of(thing)}.{name}" for thing, name in self.attributes]
        return first(names, self._now(), self.before)


class _Asked(_Check):
    """Context variables, weak references and settings."""

    def __init__(self, asked: list[tuple[Callable[[], Any], Any, str]]) -> None:
        self.asked = asked

    def is_empty(self) -> bool:
        return not self.asked

    def same(self) -> bool:
        return not self.difference()

    def conditions(self, to: Conditions) -> None:
        for ask, before, _ in self.asked:
            if ask() is before:
                to.same(f"{to.value(ask)}()", before)
            else:
                to.asks(partial(gives, ask, before))

    def pairs(self) -> Iterable[tuple[Any, Any]]:
        return [(ask(), before) for ask, before, _ in self.asked]

    def difference(self) -> str:
        return next((name for ask, before, name in self.asked if not same(ask(), before)), "")


class _OfVariables(_Check):
    """Which variables are trained, and, under a tape, which are watched."""

    def __init__(self, variables: list[Any], taped: bool) -> None:
        self.trainable = [(v, v._trainable) for v in variables]
        self.keys = [(v, v.key) for v in variables] if taped else []

    def is_empty(self) -> bool:
        return not self.trainable

    def same(self) -> bool:
        return not self.difference()

    def conditions(self, to: Conditions) -> None:
        for variable, before in self.trainable:
            to.same(f"{to.value(variable)}._trainable", before)
        for variable, key in self.keys:
            to.same(f"{to.value(variable)}.key", key)

    def pairs(self) -> Iterable[tuple[Any, Any]]:
        return [(v._trainable, before) for v, before in self.trainable] + [(v.key, key) for v, key in self.keys]

    def difference(self) -> str:
        for variable, before in self.trainable:
            if variable._trainable is not before:
                return f"{variable.path}.trainable"
        return next((f"whether {v.path} is watched" for v, key in self.keys if v.key is not key), "")


class _Environment(_Check):
    """The device that the environment names. It is looked at only where something has changed there."""

    def __init__(self) -> None:
        self.thing = getattr(os.environ, "_data", None)
        self.before = self._now()

    @staticmethod
    def _now() -> str | None:
        return os.environ.get("EAGERFLOW_DEVICE")

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        return self._now() == self.before

    def conditions(self, to: Conditions) -> None:
        to.asks(self.same)

    def difference(self) -> str:
        return "the environment's EAGERFLOW_DEVICE"


class _Buffer(_Check):
    """Bytes of the user's that somebody may write to."""

    def __init__(self, thing: Any, name: str) -> None:
        self.thing, self.name, self.before = thing, name, bytes(thing)

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        return bytes(self.thing) == self.before

    def conditions(self, to: Conditions) -> None:
        to.asks(self.same)

    def difference(self) -> str:
        return self.name


class _Array(_Buffer):
    """A NumPy array."""

    def __init__(self, array: numpy.ndarray, name: str) -> None:
        self.array, self.name, self.dtype, self.form = array, name, array.dtype, self._form(array)
        self.before = b"" if self.is_large() else array.tobytes()

    @staticmethod
    def _form(array: numpy.ndarray) -> tuple[Any, ...]:
        return array.shape, array.strides, array.flags.num

    def is_large(self) -> bool:
        """Whether comparing takes too long."""
        return self.array.nbytes > LARGEST

    def same(self) -> bool:
        array = self.array
        if self._form(array) != self.form or array.dtype is not self.dtype:
            return False
        return self.is_large() or array.tobytes() == self.before


class _Fixed(_Check):
    """A large NumPy array that can't be changed, unless somebody makes it writable again."""

    def __init__(self, array: numpy.ndarray, name: str) -> None:
        self.array, self.name = array, name

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        return is_fixed(self.array)

    def conditions(self, to: Conditions) -> None:
        to.asks(self.same)

    def difference(self) -> str:
        return self.name


def _container(thing: Any, name: str, passed_over: frozenset[str] | None, in_order: bool) -> Any:
    return _Entries(thing, name, passed_over, in_order) if is_mapping(thing) else _Items(thing, name)


class _Items(_Check):
    """A list or set, or another collection that one goes through: in which order a set has its entries, counts, too."""

    def __init__(self, thing: Any, name: str) -> None:
        self.thing, self.name = thing, name
        self.before = self._now()

    def _now(self) -> tuple[Any, ...]:
        return tuple(as_held(self.thing))

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        return all_same(self._now(), self.before)

    def conditions(self, to: Conditions) -> None:
        if not issubclass(type(self.thing), _ORDERED) or as_held(self.thing) is not self.thing:
            return to.asks(self.same)
        thing = to.value(self.thing)
        to.add(f"len({thing}) == {len(self.before)}")
        if issubclass(type(self.thing), list):
            to.entries(thing, range(len(self.before)), self.before)
        elif self.before:
            to.add(f"{to.value(all)}({to.value(map)}({to.value(operator.is_)}, {thing}, {to.value(self.before)}))")
        return None

    def pairs(self) -> Iterable[tuple[Any, Any]] | None:
        now = self._now()
        return zip(now, self.before) if len(now) == len(self.before) else None

    def difference(self) -> str:
        return self.name


class _Entries(_Check):
    """A dict, or the attributes of an object or a class.

    Args:
        thing: it.
        name: what messages call it.
        passed_over: which attributes don't count; None for a dict, whose order always counts.
        in_order: whether the order of attributes counts, as code goes through them.
    """

    def __init__(self, thing: Any, name: str, passed_over: frozenset[str] | None, in_order: bool = False) -> None:
        self.thing = as_held(thing)
        self.is_plain = self.thing is thing
        self.name, self.count = name, len(self.thing)
        self.is_object, self.passed_over = passed_over is not None, passed_over or frozenset()
        self.in_order = in_order
        self.keys = tuple([key for key in self.thing if key not in self.passed_over])
        self.take = _taker(self.keys)
        self.values = self.take(self.thing)

    def is_empty(self) -> bool:
        return False

    def same(self) -> bool:
        thing = self.thing
        if not self.is_object:  # whose order counts
            return all_same(thing, self.keys) and all_same(thing.values(), self.values)
        if len(thing) != self.count and (not self.passed_over or thing.keys() - self.passed_over != set(self.keys)):
            return False
        try:
            return all_same(self.take(thing), self.values) and (not self.in_order or self._is_in_order())
        except KeyError:
            return False

    def _is_in_order(self) -> bool:
        return all_same([key for key in self.thing if key not in self.passed_over], self.keys)

    def conditions(self, to: Conditions) -> None:
        if not self.is_plain:
            return to.asks(self.same)
        thing = to.value(self.thing)
        to.add(f"len({thing}) == {self.count}")
        if not self.is_object or (self.in_order and not self.passed_over):
            to.add(f"{to.value(all)}({to.value(map)}({to.value(operator.is_)}, {thing}, {to.value(self.keys)}))")
        elif self.in_order:
            to.asks(self._is_in_order)
        return to.entries(thing, self.keys, self.values)

    def pairs(self) -> Iterable[tuple[Any, Any]] | None:
        is_there = [key for key in self.thing if key not in self.passed_over] == list(self.keys)
        return zip(self.take(self.thing), self.values) if is_there else None

    def changed(self) -> set[Any]:
        """Under which keys something else is now."""
        before, now = dict(zip(self.keys, self.values)), self.thing.keys() - self.passed_over
        return {key for key in before.keys() | now if not same(self.thing.get(key, NOTHING), before.get(key, NOTHING))}

    def difference(self) -> str:
        """Which entry differs, as it is written in a program."""
        for key, before in zip(self.keys, self.values):
            if not same(self.thing.get(key, NOTHING), before):
                return self._written(key)
        return next((self._written(key) for key in self.thing if key not in (*self.keys, *self.passed_over)), self.name)

    def _written(self, key: Any) -> str:
        return f"{self.name}.{key}" if self.is_object else f"{self.name}[{key!r}]"


class _Methods(_Entries):
    """What a class of ours gives its objects to call or to compute, and data that code names; it may note others."""

    def __init__(self, kind: type, named: frozenset[str]) -> None:
        super().__init__(vars(kind), kind.__name__, data_of(kind) - named)


_WITH_DICTS = (_Entries, _OfLibraries, _Environment, Registered)  # of which versions tell


def _taker(keys: tuple[Any, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(keys) == 1:
        only = keys[0]
        return lambda thing: (thing[only],)
    return operator.itemgetter(*keys) if keys else lambda thing: ()
