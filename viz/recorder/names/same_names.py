"""Arrays from outside that the user's code calls the same: one that was given twice is one, others get other names."""

from __future__ import annotations

import zlib
from collections.abc import Container, Mapping
from typing import Any, NamedTuple

from numpy import ascontiguousarray, ndarray

from viz.facts.schema import Record
from viz.recorder.names.argument_names import Arguments

__all__ = ["Named", "fingerprint", "settle_names"]

_LARGEST = 16 << 20  # bytes of an array that a fingerprint is taken of: half a millisecond for each million


class Named(NamedTuple):
    """What the code that gave an array calls it, where that was, and its place among so many.

    Attributes:
        name: what it is called there, or in the function that asks for gradients, if that calls the one that gave it;
            an array that a model calls by the name of its `Input` has this one, too.
        places: numbers of code objects and instructions, innermost first.
        among: how many arrays were given there.
        at: which of them it was.
        copy_of: of what a loss or metric made of an array that it was given, that array.
    """

    name: str
    places: tuple[int, ...]
    among: int
    at: int
    copy_of: int | None = None


def fingerprint(array: Any) -> int | None:
    """A number that equal arrays share and others don't; None of what is large, or isn't NumPy's.

    >>> import numpy as np
    >>> fingerprint(np.ones(3)) == fingerprint(np.ones(3)), fingerprint(np.ones(3)) == fingerprint(np.zeros(3))
    (True, False)
    """
    if array.__class__ is not ndarray or array.size < 2 or array.nbytes > _LARGEST or array.dtype.hasobject:
        return None
    return zlib.crc32(ascontiguousarray(array).view("u1").reshape(-1))  # type: ignore[arg-type]


def settle_names(
    record: Record,
    named: Mapping[int, Named],
    fingerprints: Mapping[int, int | None],
    arguments: Arguments,
    asking: Container[int],
) -> None:
    """Call each array from outside by one name, and let what one array became be one tensor.

    A function that the training step calls may have a name of its own for what the step gives it: `a` in
    `def log_prob(mean, a)`. A reader of the step looks for `actions`.

    Args:
        record: its `called` is changed, and its ops and scopes refer to the first of equal tensors afterwards.
        named: where tensors from outside got their names.
        fingerprints: what `fingerprint` gives of tensors.
        arguments: reads the user's source.
        asking: numbers of the code objects that ask for gradients.
    """
    settled = dict(named)
    for i, given in named.items():
        name = arguments.name_in(asking, *given[1:4])
        if name and record.called.get(i) == given.name and not record.tensors[i].name:
            record.called[i] = name
            settled[i] = given._replace(name=name)
    _join_copies(record, settled, fingerprints)
    _tell_apart(record, settled, arguments)


def _join_copies(record: Record, named: Mapping[int, Named], fingerprints: Mapping[int, int | None]) -> None:
    """Let what one array became each time it was given to something be one tensor.

    eagerflow copies the arrays that it is given, since the program may write to them. Those are one that have one name,
    in one step, and the same elements. What one call was given in several rounds of a loop stays apart: it may be
    several arrays. What a loss and a metric made of one array is one. Where several models have names for it, it is
    called as in the code.

    Args:
        record: its ops and scopes refer to the first of equal tensors afterwards.
        named: where tensors from outside got their names.
        fingerprints: what `fingerprint` gives of tensors.
    """
    steps = _first_steps(record)
    differentiated = {tensor.gradient_of for tensor in record.tensors}
    known: dict[tuple[Any, ...], list[tuple[int, set[Any], set[int | None]]]] = {}
    joined: dict[int, int] = {}
    for i in sorted(named):
        tensor, (name, places, *_, copy_of) = record.tensors[i], named[i]
        if fingerprints.get(i) is None or i not in steps or i in differentiated or not name.isidentifier():
            continue
        held = known.setdefault((name, steps[i], tensor.shape, tensor.dtype, fingerprints[i]), [])
        place = places, copy_of is not None
        first = next((each for each in held if place not in each[1] or copy_of in each[2]), None)
        if first is None:
            held.append((i, {place}, {copy_of} - {None}))
            continue
        joined[i] = first[0]
        first[1].add(place)
        first[2].update({copy_of} - {None})
        if tensor.name != record.tensors[first[0]].name:
            record.called[first[0]] = name
    if joined:
        for op in record.ops:
            op.inputs = tuple([joined.get(i, i) for i in op.inputs])
        for scope in record.scopes:
            scope.inputs = tuple([joined.get(i, i) for i in scope.inputs])


def _tell_apart(record: Record, named: Mapping[int, Named], arguments: Arguments) -> None:
    """Call arrays of one name as the code calls them that gave them.

    What has the name of a model's `Input` is called as in the call of the model. And what is called like a function's
    parameter, as in the call of the function.

    Args:
        record: its `called` is changed.
        named: where tensors from outside got their names.
        arguments: reads the user's source.
    """
    steps, alike = _first_steps(record), dict[tuple[str, int | None], list[int]]()
    for i in sorted(steps.keys() & named.keys()):
        alike.setdefault((record.shown(i), steps[i]), []).append(i)
    for found in alike.values():
        several = found if len(found) > 1 else []
        given = {i: [named[i].name, *arguments.outer_names(*named[i][1:4])] for i in several}
        for level in range(max(map(len, given.values()), default=0)):
            names = {i: each[level] for i, each in given.items() if level < len(each) and each[level]}
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
