"""Arrays from outside that the user's code calls the same: one that was given twice is one, others get other names."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from numpy import ascontiguousarray, ndarray

from viz.facts.schema import Record
from viz.recorder.names.argument_names import Arguments

__all__ = ["Named", "fingerprint", "join_copies", "tell_apart"]

_LARGEST = 16 << 20  # bytes of an array that a fingerprint is taken of: half a millisecond for each million


class Named(NamedTuple):
    """Where an array got its name: the code that gave it, and its place among so many.

    Attributes:
        places: numbers of code objects and instructions, innermost first.
        among: how many arrays were given there.
        at: which of them it was.
        is_copy: is it what a loss or metric made of that?
    """

    places: tuple[int, ...]
    among: int
    at: int
    is_copy: bool = False


def fingerprint(array: Any) -> int | None:
    """A number that equal arrays share and others don't; None of what is large, or isn't NumPy's.

    >>> import numpy as np
    >>> fingerprint(np.ones(3)) == fingerprint(np.ones(3)), fingerprint(np.ones(3)) == fingerprint(np.zeros(3))
    (True, False)
    """
    if array.__class__ is not ndarray or array.size < 2 or array.nbytes > _LARGEST or array.dtype.hasobject:
        return None
    return zlib.crc32(ascontiguousarray(array).view("u1").reshape(-1))  # type: ignore[arg-type]


def join_copies(record: Record, named: Mapping[int, Named], fingerprints: Mapping[int, int | None]) -> None:
    """Let what one array became each time it was given to something be one tensor.

    eagerflow copies the arrays that it is given, since the program may write to them. Those are one that have one name,
    in one step, and the same elements. What one call was given in several rounds of a loop stays apart: it may be
    several arrays.

    Args:
        record: its ops and scopes refer to the first of equal tensors afterwards.
        named: where tensors from outside got their names.
        fingerprints: what `fingerprint` gives of tensors.
    """
    steps = _first_steps(record)
    differentiated = {tensor.gradient_of for tensor in record.tensors}
    known: dict[tuple[Any, ...], list[tuple[int, set[Any]]]] = {}
    joined: dict[int, int] = {}
    for i in sorted(named):
        tensor, name = record.tensors[i], record.called.get(i, "")
        if fingerprints.get(i) is None or i not in steps or i in differentiated or not name.isidentifier():
            continue
        held = known.setdefault((name, steps[i], tensor.shape, tensor.dtype, fingerprints[i]), [])
        place = named[i].places, named[i].is_copy
        first = next((each for each in held if place not in each[1]), None)
        if first is None:
            held.append((i, {place}))
        else:
            joined[i] = first[0]
            first[1].add(place)
    if joined:
        for op in record.ops:
            op.inputs = tuple([joined.get(i, i) for i in op.inputs])
        for scope in record.scopes:
            scope.inputs = tuple([joined.get(i, i) for i in scope.inputs])


def tell_apart(record: Record, named: Mapping[int, Named], arguments: Arguments) -> None:
    """Call arrays of one name, that of a function's parameter, as the code calls them that gave them to the function.

    Args:
        record: its `called` is changed.
        named: where tensors from outside got their names.
        arguments: reads the user's source.
    """
    steps, alike = _first_steps(record), dict[tuple[str, int | None], list[int]]()
    for i in sorted(steps.keys() & named.keys()):
        if i in record.called:
            alike.setdefault((record.called[i], steps[i]), []).append(i)
    for found in alike.values():
        outer = {i: arguments.outer_names(*named[i][:3]) for i in found} if len(found) > 1 else {}
        for level in range(max(map(len, outer.values()), default=0)):
            names = {i: found[level] for i, found in outer.items() if level < len(found) and found[level]}
            if len({*names.values()}) > 1:
                record.called |= names
                break


def _first_steps(record: Record) -> dict[int, int | None]:
    """The step in which an op read a tensor first."""
    found: dict[int, int | None] = {}
    for op in record.ops:
        for i in op.inputs:
            found.setdefault(i, op.step)
    return found
