"""What the program's variables hold the arrays in that come from outside: `real` of `discriminator(real)`.

Each is looked for when the recording meets it, in the frame of the user's code that led there: a variable that is the
array, or a NumPy array with the same elements, since eagerflow copies what it is given.
"""

from __future__ import annotations

import sys
import weakref
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from numpy import array_equal, ndarray

from viz.facts.formatting import LONGEST_NAME
from viz.facts.schema import Op, Record, Scope
from viz.frameworks.contract import Array
from viz.frameworks.objects import PLAIN_TENSORS, held_in_place_of, is_tensor
from viz.recorder.descriptions import flat
from viz.recorder.names.kept_names import LONGEST, SAID_BY_ITS_PLACE, frames_of_user, held_as, spoken_of, variable_of

__all__ = ["ArrayNames", "settle_names"]

_SMALL, _ROWS = 1 << 14, 4  # elements of arrays that are compared whole; of others so many rows
_TRIES = 6
_OF_DATA = ("fit", "train_on_batch", "test_on_batch", "evaluate", "predict", "predict_on_batch")

_Place = tuple[int, int, tuple[int, ...]]  # a code object, an instruction, and the shape of an array there


class ArrayNames:
    """Looks for names while a program runs.

    Attributes:
        named: what the innermost function calls arrays that holds them, by their positions.
        sources: the identity of the variable's value and a checksum, which arrays share that are copies of one.
        targets: what gradients were asked of, by position.
        waiting: what has no name yet.
    """

    def __init__(self) -> None:
        self.named: dict[int, str] = {}
        self.sources: dict[int, tuple[int, int]] = {}
        self.targets: dict[int, str] = {}
        self.waiting: dict[int, tuple[weakref.ref[Any], int, int]] = {}  # arrays, where they were looked for, tries
        self._known: dict[tuple[int, int], str] = {}  # names of targets, by code and instruction
        self._nothing: set[_Place] = set()  # calls of `fit` whose batches no variable holds
        self._usual: dict[_Place, tuple[str, bool]] = {}  # the variable that was met there, and is it a copy?
        self._of_data: dict[tuple[int, int, bool], list[str]] = {}  # what `fit` was given

    def note(self, position: int, data: Any) -> None:
        """An array was met."""
        frame = next(frames_of_user(sys._getframe(1)), None) if _is_array(data) and data.size > 1 else None
        if frame is None:
            return
        place = id(frame.f_code), frame.f_lasti, data.shape
        name, is_copy = self._usual.get(place, ("", False))
        value = variable_of(frame, name) if name else None
        if value is not None and (value is held_in_place_of(data) or (is_copy and _is_copy(value, data))):
            self._call(position, data, name, value)
        elif place in self._nothing or not self._find(position, data, frame, place):
            self.waiting[position] = weakref.ref(data), id(frame), _TRIES
            if place not in self._nothing and any(_calls_of_data(sys._getframe(1), frame)):
                self._nothing.add(place)

    def expect(self, positions: Sequence[int], tensors: Iterable[Any]) -> None:
        """An op or layer gave these: if they are several, variables will hold them."""
        for position, x in zip(positions, tensors) if len(positions) > 1 else ():
            if is_tensor(x) and _is_array(x.data) and x.data.size > 1:
                self.waiting[position] = weakref.ref(x.data), 0, _TRIES

    def look_again(self, frame: FrameType | None) -> None:
        """Something is called: a function that has been called meanwhile may have a variable for what has no name."""
        frame = next(frames_of_user(frame), None)
        for position, (data, last, tries) in [*self.waiting.items()]:
            if frame is None:
                break
            array = data()
            if array is None or tries == 0 or (id(frame) != last and self._find(position, array, frame)):
                del self.waiting[position]
            else:
                self.waiting[position] = data, id(frame), tries - 1

    def _find(self, position: int, data: Any, frame: FrameType, place: _Place | None = None) -> bool:
        name, value = _held_in(frame, data)
        if not name.strip("_"):
            return False
        if name.lower() not in SAID_BY_ITS_PLACE:
            self._call(position, data, name, value)
            if place is not None:
                self._usual[place] = name, value is not held_in_place_of(data)
        return True

    def _call(self, position: int, data: Any, name: str, value: Any) -> None:
        self.named[position] = name[:LONGEST_NAME]
        self.sources[position] = id(value), 0 if isinstance(data, Array) else zlib.crc32(_some(data).tobytes())

    def note_batch(self, positions: Sequence[int], frame: FrameType | None, is_evaluation: bool) -> None:
        """Call a batch as the arrays that `fit` and its like were given."""
        caller = next(frames_of_user(frame), None)
        if caller is None or frame is None:
            return
        place = id(caller.f_code), caller.f_lasti, is_evaluation
        if place not in self._of_data:
            self._of_data[place] = _names_of_data(frame, caller, is_evaluation)
        names = self._of_data[place]
        for position, name in zip(positions, names) if len(names) == len(positions) else ():
            if name:
                self.named[position] = name
                self.sources.pop(position, None)
                self.waiting.pop(position, None)

    def target(self, target: Any, frame: FrameType | None) -> str:
        """What the innermost function of the user's calls that which it asks gradients of; "" where it has no name."""
        frame = next(frames_of_user(frame), None)
        if frame is None:
            return ""
        place = id(frame.f_code), frame.f_lasti
        if place not in self._known:
            held = [name for key, value in spoken_of(frame) for name in held_as(key, value, held_in_place_of(target))]
            self._known[place] = held[0][:LONGEST_NAME] if held else ""
        return self._known[place]


def _calls_of_data(frame: FrameType | None, caller: FrameType) -> Iterator[FrameType]:
    """The frames of `fit` and its like between a frame and the function that called them."""
    while frame is not None and frame is not caller:
        if frame.f_code.co_name in _OF_DATA:
            yield frame
        frame = frame.f_back


def _names_of_data(frame: FrameType, caller: FrameType, is_evaluation: bool) -> list[str]:
    """What a function calls each of the arrays that it gave to `fit` or its like; "" where it has no name."""
    given: dict[str, Any] = {}
    for call in _calls_of_data(frame, caller):
        given = dict(spoken_of(call)) if "x" in call.f_code.co_varnames else given
    data = given.get("validation_data") if is_evaluation else None
    if is_evaluation and data is None and "validation_data" in given and not given.get("validation_split"):
        return []
    names, spoken = list[str](), spoken_of(caller)
    for leaf in flat([given.get(name) for name in ("x", "y", "sample_weight")] if data is None else data):
        if leaf is None:
            continue
        base = _base_of(leaf)
        name = next((name for name, value in spoken if value is leaf or _base_of(value) is base), "")
        names.append("" if name.lower() in SAID_BY_ITS_PLACE else name[:LONGEST_NAME])
    return names


def _base_of(array: Any) -> Any:
    """Whose memory an array is a view of."""
    return array.base if array.__class__ is ndarray and array.base is not None else array


def _held_in(frame: FrameType, data: Any) -> tuple[str, Any]:
    """The name of what is an array in a frame, and its value; or that of the only one that equals it."""
    equal: dict[int, tuple[str, Any]] = {}
    spoken, held = spoken_of(frame), held_in_place_of(data)
    dicts = [value for name, value in spoken if value.__class__ is dict and name[:1] != "_" and len(value) <= LONGEST]
    for each in dicts:
        spoken += [(key, value) for key, value in [*each.items()] if isinstance(key, str)]
    for name, value in spoken:
        kind = value.__class__
        if value is held or (value.__class__ in PLAIN_TENSORS and value.data is data):
            return name, value
        if kind is ndarray and held is data and value.shape == data.shape:
            equal.setdefault(id(value), (name, value))
    found = [(name, value) for name, value in equal.values() if _is_copy(value, data)]
    return found[0] if len(found) == 1 else ("", None)


def _is_copy(array: Any, data: Any) -> bool:
    """Is one a copy of the other, as far as one looks?"""
    if array.__class__ is not ndarray or array.shape != data.shape or array.dtype.kind not in "biuf":
        return False
    array, data = _some(array), _some(data)
    array = array.astype(data.dtype, copy=False)
    return bool((array == data).all()) or (data.dtype.kind == "f" and array_equal(array, data, equal_nan=True))


def _is_array(data: Any) -> bool:
    return data.__class__ is ndarray or isinstance(data, Array)


def _some(array: Any) -> Any:
    """Of a large array some rows."""
    return array if array.size <= _SMALL else array[:: len(array) // _ROWS or 1]


def settle_names(record: Record, names: ArrayNames) -> None:
    """Call arrays as the functions that hold them; those that are copies of one in a step become one tensor."""
    steps: dict[int, int | None] = {}  # in which a tensor is read first
    for op in record.ops:
        for i in op.inputs:
            steps.setdefault(i, op.step)
    outside = {i: name for i, name in names.named.items() if record.tensors[i].producer is None}
    record.called |= {i: name for i, name in names.named.items() if i not in outside or not record.tensors[i].name}
    _name_replayed(record)
    _join_copies(record, outside, names.sources, steps)
    alike: dict[tuple[str, int | None], list[int]] = {}  # which models call by one name
    for i in sorted(steps.keys() & outside.keys()):
        alike.setdefault((record.shown(i), steps[i]), []).append(i)
    for several in alike.values():
        told = {i: outside[i] for i in several}
        record.called |= told if len({*told.values()}) > 1 else {}


def _name_replayed(record: Record) -> None:
    """Call what the ops of replayed steps read and drew as those of the same line in the step that was captured."""
    names: dict[tuple[Any, ...], str] = {}
    for op in record.ops if any(op.replayed for op in record.ops) else ():
        for at, i in enumerate((*op.inputs, *op.outputs)):
            place = op.stack, op.name, at
            if i in record.called:
                names.setdefault(place, record.called[i])
            elif op.replayed and place in names and not record.tensors[i].name:
                record.called[i] = names[place]
    targets: dict[Any, Any] = {}
    for scope in record.scopes if names else ():
        if scope.kind == "backward":
            scope.config = scope.config or targets.get(scope.stack, {})
            targets.setdefault(scope.stack, scope.config)


def _join_copies(
    record: Record, named: Mapping[int, str], sources: Mapping[int, tuple[int, int]], steps: Mapping[int, int | None]
) -> None:
    differentiated = {tensor.gradient_of for tensor in record.tensors}
    known: dict[tuple[Any, ...], int] = {}
    joined: dict[int, int] = {}
    for i in sorted((named.keys() & sources.keys() & steps.keys()) - differentiated):
        tensor = record.tensors[i]
        first = known.setdefault((sources[i], steps[i], tensor.shape, tensor.dtype), i)
        if first != i:
            joined[i] = first
            if tensor.name != record.tensors[first].name:
                record.called[first] = named[i]
    parts: list[Op | Scope] = [*record.ops, *record.scopes] if joined else []
    for part in parts:
        part.inputs = tuple([joined.get(i, i) for i in part.inputs])
