"""What a fused op is made of: its reference runs once for each kind of arguments, and what it calls are the parts.

Only shapes and types are wanted, so it runs on one sample and on two: the axis that grows is the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from eagerflow.config import image_data_format
from viz.facts.json_data import to_plain
from viz.facts.schema import Composition, Part
from viz.frameworks.eagerflow.references import ones, run_reference
from viz.frameworks.objects import array_of, is_tensor
from viz.recorder.descriptions import flat
from viz.recorder.finite_check import is_finite

__all__ = ["Signature", "composition_of", "guilty_of_gradient", "guilty_part", "live_composition"]

# Shape and type of an array; None where an optional one is missing.
Signature = tuple[tuple[int, ...], Any] | None


def composition_of(op: Any, arrays: Sequence[Signature], settings: Sequence[Any]) -> Composition | None:
    """The parts of a fused op; None for one that isn't fused, or that stands for a single op here."""
    if not op.fused:
        return None
    found = _composition(op, tuple(arrays), tuple(map(_fixed, settings)), image_data_format())
    return found if len(found.parts) > 1 else None


def live_composition(op: Any, inputs: Sequence[Any], settings: Sequence[Any]) -> Composition | None:
    """The same of an op that just ran, from what observers are told; None where an input is no array."""
    if not op.fused:
        return None
    given: list[Signature] = []
    for x in inputs:
        data = array_of(x)
        if not (data is None or hasattr(data, "dtype")):
            return None
        given.append(None if data is None else (tuple(data.shape), data.dtype))
    return composition_of(op, given, settings)


def _fixed(setting: Any) -> Any:
    """The same without lists, which can't be part of a key."""
    return tuple(map(_fixed, setting)) if isinstance(setting, (list, tuple)) else setting


@lru_cache(1024)
def _composition(op: Any, arrays: tuple[Signature, ...], settings: tuple[Any, ...], data_format: str) -> Composition:
    found, larger = (_for_batch(size, op, arrays, settings) for size in (1, 2))
    batch = next(given[0][0] for name, given in zip(op.arrays, arrays) if name in op.fused and given is not None)
    scaled = [
        tuple([a + (b - a) * (batch - 1) for a, b in zip(one, two, strict=True)])
        for one, two in zip(found.shapes, larger.shapes, strict=True)
    ]
    found.shapes = tuple(scaled)
    return found


def _for_batch(size: int, op: Any, arrays: tuple[Signature, ...], settings: tuple[Any, ...]) -> Composition:
    given = [_ones(each, size if name in op.fused else None) for name, each in zip(op.arrays, arrays)]
    calls, results = run_reference(op, given, settings)
    numbers = {id(x): i for i, x in enumerate(x for x in given if x is not None)}
    tensors = [x for x in given if x is not None]

    def number(x: Any) -> int:
        if id(x) not in numbers:
            numbers[id(x)] = len(tensors)
            tensors.append(x)
        return numbers[id(x)]

    parts = []
    for each, inputs, others, outputs in calls:
        part = Part(each.name, settings={name: to_plain(value) for name, value in zip(each.settings, others)})
        named = list(_named(each.arrays, inputs))
        part.settings |= {name: to_plain(x) for name, x in named if not is_tensor(x)}
        part.input_names = tuple([name for name, x in named if is_tensor(x)])
        part.inputs = tuple([number(x) for _, x in named if is_tensor(x)])
        part.outputs = tuple([number(x) for x in flat(outputs)])
        parts.append(part)
    returned = tuple([number(x) for x in flat(results)])
    shapes, dtypes = tuple([tuple(x.shape) for x in tensors]), tuple([str(x.data.dtype) for x in tensors])
    return Composition(tuple(parts), shapes, dtypes, returned)


def _ones(given: Signature, batch: int | None) -> Any:
    """Ones of this shape and type, or with this many rows; None for an optional array that is missing."""
    if given is None:
        return None
    shape, dtype = given
    return ones(shape if batch is None else (batch, *shape[1:]), dtype)


def _named(names: Sequence[str], inputs: Sequence[Any]) -> list[tuple[str, Any]]:
    """What a part was given, by parameter; of a list each element."""
    found: list[tuple[str, Any]] = []
    for name, given in zip(names, inputs):
        if isinstance(given, (list, tuple)):
            found += [(f"{name}[{i}]", x) for i, x in enumerate(given)]
        elif given is not None:
            found.append((name, given))
    return found


def guilty_part(op: Any, inputs: Sequence[Any], settings: Sequence[Any]) -> int | None:
    """Which part of a fused op that just ran is the first to make NaN or infinity.

    The parts are computed once more, so ask only when something is wrong. None where no part does.
    """
    if not op.fused:
        return None
    for number, (_, _, _, made) in enumerate(run_reference(op, inputs, settings)[0]):
        if not all([is_finite(x.data) for x in flat(made)]):
            return number
    return None


def guilty_of_gradient(composition: Composition, flawed: Sequence[int]) -> int | None:
    """Which part's derivative made the gradients of some inputs: the part that read the first of those."""
    for number, part in enumerate(composition.parts):
        if not set(flawed).isdisjoint(part.inputs):
            return number
    return None
