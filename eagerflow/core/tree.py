"""Nested structures (lists, tuples, named tuples, dicts) of leaves: flatten, map, pack.

Dicts are visited in the order of their sorted keys, as `keras.tree` does; None is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def is_nested(structure: Any) -> bool:
    """True for lists, tuples and dicts.

    >>> is_nested([1]), is_nested(1)
    (True, False)
    """
    return isinstance(structure, (list, tuple, dict))


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    >>> flatten({"b": [1, 2], "a": 0})
    [0, 1, 2]
    """
    if not isinstance(structure, (list, tuple, dict)):
        return [structure]
    leaves: list[Any] = []
    for child in _children(structure):
        leaves += flatten(child) if isinstance(child, (list, tuple, dict)) else [child]
    return leaves


def map_structure(function: Callable[..., Any], *structures: Any) -> Any:
    """Call `function` on the corresponding leaves and keep the structure of the first.

    Raises:
        ValueError: when the structures differ.

    >>> map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    first, *others = structures
    for other in others:
        assert_same_structure(first, other)
    return _rebuild(first, map(function, *[flatten(s) for s in structures]))


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Put the leaves of `flat_sequence` into the shape of `structure`.

    Raises:
        ValueError: when the number of leaves differs.

    >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    leaves = list(flat_sequence)
    wanted = len(flatten(structure))
    if len(leaves) != wanted:
        raise ValueError(
            f"pack_sequence_as: the structure has {wanted} leaves, flat_sequence has {len(leaves)}."
        )
    return _rebuild(structure, iter(leaves))


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise unless both have the same nesting, lengths, types and keys.

    Raises:
        ValueError: naming the first difference.
    """
    if is_nested(a) != is_nested(b) or (is_nested(a) and type(a) is not type(b)):
        raise ValueError(f"The structures differ: {type(a).__name__} here, {type(b).__name__} there.")
    if isinstance(a, dict) and a.keys() != b.keys():
        raise ValueError(
            f"The structures differ: keys {sorted(map(str, a))} here, {sorted(map(str, b))} there."
        )
    if not is_nested(a):
        return
    if len(a) != len(b):
        raise ValueError(f"The structures differ: {type(a).__name__} of {len(a)} here, of {len(b)} there.")
    for x, y in zip(_children(a), _children(b), strict=True):
        assert_same_structure(x, y)


def _sorted_keys(mapping: dict[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:  # keys of several types have no order: keep that of insertion
        return list(mapping)


def _children(structure: Any) -> Iterable[Any]:
    return [structure[k] for k in _sorted_keys(structure)] if isinstance(structure, dict) else structure


def _rebuild(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, dict):
        filled = {k: _rebuild(structure[k], leaves) for k in _sorted_keys(structure)}
        return {k: filled[k] for k in structure}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*[_rebuild(s, leaves) for s in structure])
    if isinstance(structure, (list, tuple)):
        return type(structure)([_rebuild(s, leaves) for s in structure])
    return next(leaves)
