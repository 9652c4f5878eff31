"""The observer that writes down what happens, as cheaply as it can; `build` makes sense of it afterwards.

What happens in a hot method here is paid by every op of the program: append to lists, look up in dicts,
compute nothing that can wait. Tensors are known by the number in their `serial` slot and are not kept alive.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NamedTuple

import numpy

from eagerflow.core import observe
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from viz.source import MAX_FRAMES, is_internal
from viz.stats import measure
from viz.tables import to_plain

__all__ = ["Capture", "Event", "Met", "OpenScope", "Options"]

_next_serial = itertools.count(1).__next__  # unique in the process: traces share what they know of a tensor
_PLAIN = frozenset([int, float, bool, str, type(None)])
_thread = threading.get_ident


class Options(NamedTuple):
    """What `viz.trace` was asked to record."""

    name: str | None = None
    backward: bool = True
    stats: str = "none"
    time: bool = True
    memory: bool = True
    source: bool = True
    max_ops: int = 1_000_000


class Event(NamedTuple):
    """An op, a backward rule or an update in place, as it was announced.

    `inputs` has an entry per argument: the position of a tensor in `Capture.met`, None, a list of such,
    or `("=", plain value)`.
    """

    kind: str
    op: Any
    inputs: Any
    settings: Any
    outputs: tuple[int, ...]
    started: int
    ended: int
    error: str | None
    scope: int | None
    places: tuple[Any, ...]
    base: int | None
    thread: int
    keys: Any


class Met(NamedTuple):
    """A tensor as it was when first met."""

    shape: tuple[int, ...]
    dtype: Any
    key: int | None
    storage: int | None
    variable: tuple[str, bool] | None
    device: str
    outside: bool


class OpenScope:
    """A scope while it is recorded: the announced one, and what is known of it so far."""

    __slots__ = (
        "base", "ended", "error", "inputs", "kind", "name", "outputs", "owner", "parent", "places", "started", "until",
    )  # fmt: skip

    def __init__(self, scope: observe.Scope, parent: int | None) -> None:
        self.kind, self.name, self.started = scope.kind, scope.name, scope.started
        self.parent = parent
        self.owner: dict[str, Any] | None = None
        self.inputs: tuple[int, ...] = ()
        self.outputs: tuple[int, ...] = ()
        self.ended: int | None = None
        self.error: str | None = None
        self.places: tuple[Any, ...] = ()
        self.base: int | None = None
        self.until: FrameType | None = None


class _Lifetime(weakref.ref[Any]):
    """A weak reference to the owner of some memory that knows its number."""

    __slots__ = ("address", "number")

    address: int
    number: int


class Capture(observe.Observer):
    """Everything announced between `start` and `stop`, in lists."""

    def __init__(self, options: Options, crashed: Callable[[BaseException], None] | None = None) -> None:
        self.options = options
        self._crashed = crashed  # told of an error that leaves all open scopes
        self.events: list[tuple[Any, ...]] = []  # laid out as Event: a plain tuple is made five times faster
        self.met: list[tuple[Any, ...]] = []  # laid out as Met
        self.measured: dict[int, Any] = {}
        self.scopes: list[OpenScope] = []
        self.owners: list[dict[str, Any]] = []
        self.logs: list[tuple[str, int, dict[str, Any], int]] = []
        self.gradient_keys: list[tuple[int, int]] = []
        self.sums: dict[int, list[int]] = {}
        self.storages: list[tuple[int, int]] = []
        self.deaths: list[tuple[int, int]] = []
        self.missed = 0
        self.began = self.stopped = 0
        self._seen: dict[int | None, int] = {}
        self._parts: dict[int, list[int]] = {}
        self._same_key: dict[int | None, int] = {}
        self._alive: dict[int, _Lifetime] = {}
        self._arrays: dict[int, tuple[Any, int]] = {}
        self._known_owners: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._internal: dict[str, bool] = {}
        self._open: list[tuple[observe.Scope, int]] = []
        self._scope: int | None = None
        self._base: int | None = None
        self._root: FrameType | None = None
        self._until: FrameType | None = None
        self._limit, self._stats = options.max_ops, options.stats
        self._hold: Callable[[Any], int | None] = self._storage if options.memory else _nothing
        self._places: Callable[[FrameType | None], tuple[Any, ...]] = (
            self._walk if options.source else _no_places
        )

    # ------------------------------------------------------------------ beginning and end

    def start(self, frame: FrameType | None) -> None:
        """Begin; code that called `frame`'s is no part of any stack."""
        self._root = self._until = frame
        self.began = observe.clock()

    def stop(self) -> None:
        """End; nothing of the program is kept alive from here on."""
        self.stopped = observe.clock()
        self._root = self._until = None
        self._open.clear()
        self._arrays.clear()
        self._known_owners.clear()
        self._alive.clear()
        for scope in self.scopes:
            scope.until = None

    # ------------------------------------------------------------------ what is announced

    def on_op(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if len(self.events) >= self._limit:
            self.missed += 1
            return
        seen = self._seen
        read: list[Any] = []
        for x in inputs:
            position = seen.get(getattr(x, "serial", None))
            read.append(self._argument(x) if position is None else position)
        if outputs is None:
            made: tuple[int, ...] = ()
        elif outputs.__class__ is Tensor:
            made = (self._result(outputs),)
        else:
            made = tuple([self._result(x) for x in _flat(outputs)])
        self.events.append(
            (
                "op", op, read, _frozen(settings) if settings else (), made, started, ended,
                None if error is None else _described(error), self._scope, self._places(sys._getframe(1)),
                self._base, _thread(), None,
            )
        )  # fmt: skip

    def on_rule(
        self,
        op: Any,
        out_keys: tuple[int | None, ...],
        in_keys: tuple[int | None, ...],
        gradients: tuple[Any, ...],
        results: tuple[Any, ...],
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if not self.options.backward:
            return
        if len(self.events) >= self._limit:
            self.missed += 1
            return
        read: list[int] = []
        for key, gradient in zip(out_keys, gradients):
            if key is not None and gradient is not None:
                if key not in self._parts:
                    self._parts[key] = [self._gradient(gradient, key)]  # where the pass begins
                read.extend(self._parts[key])
        made = []
        for key, result in zip(in_keys, results or ()):
            if key is not None and result is not None:
                position = self._gradient(result, key)
                self._parts.setdefault(key, []).append(position)
                made.append(position)
        self.events.append(
            (
                "rule", op, read, (), tuple(made), started, ended, None if error is None else _described(error),
                self._scope, (), None, _thread(), (out_keys, in_keys),
            )
        )  # fmt: skip

    def on_gradient(self, targets: Any, sources: Any, results: Any) -> None:
        """Make what the pass returns stand for the sum of the parts that rules gave."""
        for source, result in zip(sources, results):
            key = source.identity if isinstance(source, Variable) else source.key
            parts = self._parts.get(key)
            if not parts or not isinstance(result, Tensor):
                continue
            position = self._seen.get(getattr(result, "serial", None))
            if position is None:
                position = self._result(result)
            if parts != [position]:
                self.sums[position] = list(parts)
                self.gradient_keys.append((position, key))
        self._parts = {}

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        if len(self.events) >= self._limit:
            self.missed += 1
            return
        read = [self._position(x) for x in (variable, *inputs)]
        self.events.append(
            (
                "update", name, read, (), (), started, ended, None, self._scope, self._places(sys._getframe(1)),
                self._base, _thread(), None,
            )
        )  # fmt: skip

    def on_scope_begin(self, scope: observe.Scope) -> None:
        if len(self.events) >= self._limit:
            return
        opened = OpenScope(scope, self._scope)
        opened.inputs = self._tensors(scope.inputs)
        frame = _caller(sys._getframe(1))
        opened.places, opened.base = self._places(frame), self._base
        self._scope = len(self.scopes)
        self.scopes.append(opened)
        self._open.append((scope, self._scope))
        if frame is not None and self._is_internal(frame.f_code.co_filename):
            opened.until = self._until = frame
            self._base = self._scope
        else:
            opened.until = self._until
        if scope.kind == "backward":
            self._parts = {}

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        began_here = any(known is scope for known, _ in self._open)
        while began_here and self._open:
            known, number = self._open.pop()
            self._close(self.scopes[number], known, outputs if known is scope else None, error)
            if known is scope:
                break
        if error is not None and self._crashed is not None and not self._open:
            self._crashed(error)

    def on_logs(self, kind: str, step: int, logs: dict[str, Any]) -> None:
        self.logs.append((kind, step, dict(logs), observe.clock()))

    # ------------------------------------------------------------------ tensors

    def _argument(self, x: Any) -> Any:
        """What an op was given and this recording hasn't met yet."""
        if isinstance(x, Tensor):
            return self._tensor(x, outside=True)
        if x is None:
            return None
        if isinstance(x, (list, tuple)):
            return [self._position(each) for each in x]
        if getattr(x, "shape", ()) != ():
            return self._array(x)
        return "=", to_plain(x)

    def _position(self, x: Any) -> Any:
        position = self._seen.get(getattr(x, "serial", None))
        return self._argument(x) if position is None else position

    def _result(self, x: Tensor) -> int:
        """The position of an op's output, which is new unless the op returned what it was given."""
        serial = getattr(x, "serial", None)
        if serial is None:
            x.serial = serial = _next_serial()
        elif serial in self._seen:
            return self._seen[serial]
        data = x.data
        met = self.met
        self._seen[serial] = position = len(met)
        device = "cpu" if data.__class__ is numpy.ndarray else _device(data)
        met.append((data.shape, data.dtype, x.key, self._hold(data), None, device, False))
        if self._stats != "none":
            self.measured[position] = measure(data, self._stats)
        return position

    def _tensor(self, x: Tensor, outside: bool) -> int:
        """The position of a tensor met for the first time, as an input."""
        serial = getattr(x, "serial", None)
        if serial is None:
            x.serial = serial = _next_serial()
        variable = (x.path, x.trainable) if isinstance(x, Variable) else None
        key = x.identity if isinstance(x, Variable) else x.key
        position = self._same_key.get(key)  # `variable.value` is a tensor of its own, with the variable's key
        if position is None:
            position = self._meet(x.data, key, variable, outside)
            if key is not None:
                self._same_key[key] = position
        elif variable is not None:
            self.met[position] = (*self.met[position][:4], variable, *self.met[position][5:])
        self._seen[serial] = position
        return position

    def _array(self, array: Any) -> int:
        """The position of an array that was passed as it is."""
        known = self._arrays.get(id(array))
        if known is not None and known[0]() is array:
            return known[1]
        position = self._meet(array, None, None, True)
        with contextlib.suppress(TypeError):  # NumPy's scalars can't be watched, and are never met twice
            self._arrays[id(array)] = weakref.ref(array), position
        return position

    def _meet(self, data: Any, key: int | None, variable: tuple[str, bool] | None, outside: bool) -> int:
        position = len(self.met)
        self.met.append((data.shape, data.dtype, key, self._hold(data), variable, _device(data), outside))
        if self._stats != "none":
            self.measured[position] = measure(data, self._stats)
        return position

    def _gradient(self, x: Any, key: int) -> int:
        """The position of a gradient: a raw array, or a tensor while the pass itself is recorded."""
        if isinstance(x, Tensor):
            position = self._seen.get(getattr(x, "serial", None))
            if position is None:
                position = self._tensor(x, outside=False)
        else:
            position = self._meet(x if hasattr(x, "dtype") else numpy.asarray(x), None, None, False)
        self.gradient_keys.append((position, key))
        return position

    def _tensors(self, nested: Any) -> tuple[int, ...]:
        """The positions of the tensors in what a scope was given or returned."""
        return tuple(
            [self._position(x) for x in itertools.islice(_flat(nested), 64) if isinstance(x, Tensor)]
        )

    # ------------------------------------------------------------------ memory

    def _storage(self, array: Any) -> int | None:
        """The number of the memory behind `array`."""
        owner = array.base if hasattr(array, "base") else None
        if owner is None or not hasattr(owner, "nbytes") or owner.__class__ is memoryview:
            owner = array
        address = id(owner)
        known = self._alive.get(address)
        if known is not None and known() is owner:
            return known.number
        try:
            lifetime = _Lifetime(owner, self._died)
        except TypeError:  # NumPy's scalars can't be watched, and are small
            return None
        lifetime.address, lifetime.number = address, len(self.storages)
        self._alive[address] = lifetime
        self.storages.append((owner.nbytes, observe.clock()))
        return lifetime.number

    def _died(self, lifetime: Any) -> None:
        self.deaths.append((lifetime.number, observe.clock()))
        if self._alive.get(lifetime.address) is lifetime:
            del self._alive[lifetime.address]

    # ------------------------------------------------------------------ source

    def _walk(self, frame: FrameType | None) -> tuple[Any, ...]:
        """The user's code from `frame` outwards, up to the innermost open scope (whose own stack continues)."""
        places: list[Any] = []
        until, internal = self._until, self._internal
        while frame is not None:
            code = frame.f_code
            inside = internal.get(code.co_filename)
            if inside is None:
                inside = self._is_internal(code.co_filename)
            if not inside:
                places += (code, frame.f_lasti)
                if len(places) >= 2 * MAX_FRAMES:
                    break
            if frame is until:
                break
            frame = frame.f_back
        return tuple(places)

    def _is_internal(self, file: str) -> bool:
        known = self._internal.get(file)
        if known is None:
            known = self._internal[file] = is_internal(file)
        return known

    # ------------------------------------------------------------------ scopes

    def _close(
        self, opened: OpenScope, scope: observe.Scope, outputs: Any, error: BaseException | None
    ) -> None:
        opened.ended = observe.clock()
        opened.outputs = self._tensors(outputs)
        opened.error = None if error is None else _described(error)
        opened.owner = None if scope.owner is None else self._owner(scope.owner)
        opened.until = None
        self._scope, self._base = opened.parent, opened.base
        self._until = self._outer_until()

    def _outer_until(self) -> FrameType | None:
        if self._open:
            return self.scopes[self._open[-1][1]].until
        return self._root

    def _owner(self, owner: Any) -> dict[str, Any]:
        """What is known of a layer, model, ...: asked once, after its first call, when it is built."""
        known = self._known_owners.get(id(owner))
        if known is not None and known[0]() is owner:
            return known[1]
        about = _about(owner)
        about["number"] = len(self.owners)
        self.owners.append(about)
        with contextlib.suppress(TypeError):  # an object that can't be watched is met anew each time
            self._known_owners[id(owner)] = weakref.ref(owner), about
        return about


def _about(owner: Any) -> dict[str, Any]:
    """The class, settings, weights and origin of a layer, model, loss or optimizer, as far as it tells."""
    created_at = getattr(owner, "created_at", None)
    return {
        "cls": type(owner).__name__,
        "config": _asked(owner, "get_config"),
        "params": _asked(owner, "count_params"),
        "created_at": created_at if isinstance(created_at, tuple) and len(created_at) == 2 else None,
    }


def _asked(owner: Any, method: str) -> Any:
    """What a method without arguments answers, as plain data; None where it has none to give."""
    ask = getattr(owner, method, None)
    if ask is None:
        return None
    try:
        with observe.unobserved():
            return to_plain(ask())
    except Exception:  # noqa: BLE001  (an unbuilt layer, or one without get_config: an observer must not break a run)
        return None


def _flat(nested: Any) -> Iterator[Any]:
    """The leaves of nested tuples, lists and dicts."""
    if isinstance(nested, (list, tuple)):
        for each in nested:
            yield from _flat(each)
    elif isinstance(nested, dict):
        for each in nested.values():
            yield from _flat(each)
    else:
        yield nested


def _frozen(settings: tuple[Any, ...]) -> tuple[Any, ...]:
    """Settings as plain data: arrays among them are not kept."""
    for value in settings:
        if value.__class__ not in _PLAIN:
            return tuple([to_plain(each) for each in settings])
    return settings


def _described(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _device(array: Any) -> str:
    """`"cpu"`, or `"gpu:N"` for an array of CuPy's."""
    number = getattr(getattr(array, "device", None), "id", None)
    return "cpu" if number is None else f"gpu:{number}"


def _caller(frame: FrameType | None) -> FrameType | None:
    """The code that opened a scope: the first frame outside of the observer's own machinery."""
    while frame is not None and frame.f_code.co_filename in _MACHINERY:
        frame = frame.f_back
    return frame


_MACHINERY = (observe.__file__, contextlib.__file__)


def _nothing(array: Any) -> int | None:
    return None


def _no_places(frame: FrameType | None) -> tuple[Any, ...]:
    return ()
