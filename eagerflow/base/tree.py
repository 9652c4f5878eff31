"""Nested structures (lists, tuples, named tuples, dicts, deques) of leaves: flatten, map, pack, walk.

Dicts are visited in the order of their sorted keys, an `OrderedDict` in its own order, as `keras.tree` does;
None is a leaf.
"""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from eagerflow.base.errors import holds_itself
from eagerflow.base.typing import Nested

__all__ = ["MAP_TO_NONE", "assert_same_paths", "assert_same_structure", "flatten", "flatten_with_path", "is_nested"]
__all__ += ["lists_to_tuples", "map_shape_structure", "map_structure", "map_structure_up_to", "pack_sequence_as"]
__all__ += ["traverse"]

# The keys and indices that lead to a leaf.
Path = tuple[Any, ...]
_ENDLESS = "a nested structure holds itself, or is nested too deep."
_NESTED = (list, tuple, dict, deque)


class MAP_TO_NONE:
    """The value that a function for `traverse` returns to put None in a place, since None itself means "go on".

    >>> ef.tree.traverse(lambda part: ef.tree.MAP_TO_NONE if part == 2 else None, {"a": 1, "b": 2})
    {'a': 1, 'b': None}
    """


def is_nested(structure: Any) -> bool:
    """True for lists, tuples, dicts and deques.

    Args:
        structure: anything.

    >>> ef.tree.is_nested([1]), ef.tree.is_nested(1)
    (True, False)
    """
    return isinstance(structure, _NESTED)


def flatten(structure: Any) -> list[Any]:
    """Lists the leaves of a nested structure; those of a dict in the order of its sorted keys.

    Args:
        structure: anything; everything but lists, tuples, dicts and deques is a leaf.

    >>> ef.tree.flatten({"b": [1, 2], "a": 0})
    [0, 1, 2]
    """
    if not isinstance(structure, _NESTED):
        return [structure]
    leaves: list[Any] = []
    try:
        for child in _children(structure):
            if isinstance(child, _NESTED):
                leaves += flatten(child)
            else:
                leaves.append(child)
    except RecursionError:
        raise ValueError(_ENDLESS) from None
    return leaves


def flatten_with_path(structure: Any) -> list[tuple[Path, Any]]:
    """Lists the leaves of a nested structure with their paths.

    Args:
        structure: a nested structure.

    Returns:
        Pairs of a path, which is a tuple of keys and positions, and a leaf.

    >>> ef.tree.flatten_with_path({"a": [5, (6,)]})
    [(('a', 0), 5), (('a', 1, 0), 6)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in zip(_keys(structure), _children(structure), strict=True)
        for path, leaf in flatten_with_path(child)
    ]


def map_structure(func: Callable[..., Any], *structures: Nested, none_is_leaf: bool = True) -> Nested:
    """Applies a function to the leaves of a structure, or to corresponding leaves of several; keeps the structure.

    Args:
        func: a function of one leaf of each structure.
        *structures: at least one, all of the same structure.
        none_is_leaf: whether `func` is called for None, too; otherwise None stays None, and must stand in all
            structures.

    Raises:
        ValueError: when the structures differ, or there is none.

    >>> ef.tree.map_structure(lambda a, b: a + b, {"x": 1, "y": (2, 3)}, {"x": 10, "y": (20, 30)})
    {'x': 11, 'y': (22, 33)}
    """
    if not structures:
        raise ValueError("map_structure(func, *structures): there is no structure to map over.")
    first, *others = structures
    for other in others:
        assert_same_structure(first, other)
    function = func if none_is_leaf else _unless_none(func)
    if not others:
        try:
            return _mapped(function, first)
        except RecursionError:
            if holds_itself(first):
                raise ValueError(_ENDLESS) from None
            raise
    return _rebuild(first, map(function, *[flatten(s) for s in structures]))


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    """The usual case, in which there is nothing to compare: without a list of leaves."""
    if not isinstance(structure, _NESTED):
        return function(structure)
    return refill(structure, [_mapped(function, child) for child in _children(structure)])


def _unless_none(func: Callable[..., Any]) -> Callable[..., Any]:
    def call(first: Any, *others: Any) -> Any:
        if first is not None:
            return func(first, *others)
        if any(other is not None for other in others):
            raise ValueError("map_structure: a leaf is None in one structure, and something in another.")
        return None

    return call


def map_structure_up_to(shallow_structure: Nested, func: Callable[..., Any], *structures: Nested) -> Nested:
    """Applies a function to the parts of structures that lie where `shallow_structure` has its leaves.

    Args:
        shallow_structure: a structure that says how deep to go.
        func: a function of one part of each of `structures`.
        *structures: at least one; each goes at least as deep as `shallow_structure`.

    Raises:
        ValueError: when a structure differs where `shallow_structure` goes on, or there is none.

    >>> ef.tree.map_structure_up_to([0, 0], len, [[1], [2, 3]])
    [1, 2]
    """
    if not structures:
        raise ValueError("map_structure_up_to(shallow_structure, func, *structures): there is no structure.")
    parts = [list(_up_to(shallow_structure, s, ())) for s in structures]
    return _rebuild(shallow_structure, map(func, *parts))


def _up_to(shallow: Any, deep: Any, path: Path) -> Iterator[Any]:
    if not is_nested(shallow):
        yield deep
        return
    _check_node(shallow, deep, path)
    for key, a, b in zip(_keys(shallow), _children(shallow), _children(deep), strict=True):
        yield from _up_to(a, b, (*path, key))


def map_shape_structure(func: Callable[[Any], Any], structure: Nested) -> Nested:
    """Applies a function to every shape in a nested structure: tuples and lists of integers and None are leaves here.

    Args:
        func: a function of a shape.
        structure: a nested structure of shapes.

    >>> ef.tree.map_shape_structure(len, {"image": (None, 28, 28), "label": (None,)})
    {'image': 3, 'label': 1}
    """
    if _is_shape(structure) or not is_nested(structure):
        return func(structure)
    return refill(structure, [map_shape_structure(func, child) for child in _children(structure)])


def _is_shape(structure: Any) -> bool:
    return isinstance(structure, (list, tuple)) and all(d is None or isinstance(d, int) for d in structure)


def lists_to_tuples(structure: Nested) -> Nested:
    """Replaces all lists in a nested structure by tuples.

    Args:
        structure: a nested structure.

    >>> ef.tree.lists_to_tuples([1, {"a": [2]}])
    (1, {'a': (2,)})
    """
    if not is_nested(structure):
        return structure
    children = [lists_to_tuples(child) for child in _children(structure)]
    return tuple(children) if isinstance(structure, list) else refill(structure, children)


def traverse(func: Callable[[Any], Any], structure: Nested, top_down: bool = True) -> Nested:
    """Visits every part of a structure (leaves, and whole lists and dicts), and replaces parts by a function's results.

    Args:
        func: a function of a part. It returns None to go on, `MAP_TO_NONE` to put None there, or the replacement, whose
            parts aren't visited.
        structure: the nested structure.
        top_down: whether parents are visited before their children; otherwise children come first, and `func` gets
            parents with replaced children.

    >>> ef.tree.traverse(lambda part: tuple(part) if isinstance(part, list) else None, [1, [2]], top_down=False)
    (1, (2,))
    """
    if top_down:
        found = func(structure)
        if found is not None:
            return None if found is MAP_TO_NONE else found
    if is_nested(structure):
        structure = refill(structure, [traverse(func, child, top_down) for child in _children(structure)])
    if top_down:
        return structure
    found = func(structure)
    return structure if found is None else None if found is MAP_TO_NONE else found


def pack_sequence_as(structure: Nested, flat_sequence: Iterable[Any]) -> Nested:
    """Puts a flat list of leaves into the structure of another one; the reverse of `flatten`.

    Args:
        structure: the nested structure to follow.
        flat_sequence: the new leaves, in the order of `flatten`.

    Raises:
        ValueError: when the number of leaves differs.

    >>> ef.tree.pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    leaves = list(flat_sequence)
    wanted = len(flatten(structure))
    if len(leaves) != wanted:
        raise ValueError(f"pack_sequence_as: the structure has {wanted} leaves, flat_sequence has {len(leaves)}.")
    return _rebuild(structure, iter(leaves))


def assert_same_structure(a: Any, b: Any, check_types: bool | None = None) -> None:
    """Raises an error unless two structures have the same nesting, lengths, types and keys; all dicts are one type.

    Args:
        a: a nested structure.
        b: another one.
        check_types: accepted for Keras' signature; as in Keras, it has no effect. To treat lists and tuples as the
            same, use `assert_same_paths`.

    Raises:
        ValueError: when they differ; the message names the first difference.

    >>> ef.tree.assert_same_structure({"a": 1, "b": [2, 3]}, {"a": 0, "b": [0, 0]})
    >>> ef.tree.assert_same_structure([1, 2], [1, 2, 3])
    Traceback (most recent call last):
        ...
    ValueError: The structures differ: list of 2 here, of 3 there.
    """
    if check_types is not None:
        warnings.warn(
            "assert_same_structure(check_types=...) has no effect: leave it out, or use assert_same_paths.",
            DeprecationWarning,
            stacklevel=2,
        )
    _check_same(a, b, ())


def _check_same(a: Any, b: Any, path: Path) -> None:
    nested = isinstance(a, _NESTED)
    if not nested and not isinstance(b, _NESTED):
        return
    _check_node(a, b, path)
    for key, x, y in zip(_keys(a), _children(a), _children(b), strict=True):
        _check_same(x, y, (*path, key))


def _check_node(a: Any, b: Any, path: Path) -> None:
    """Both are of one kind, with the same length or keys."""
    place = "".join(f"[{key!r}]" for key in path)
    where = f"The structures differ{' at ' + place if place else ''}"
    if type(a) is not type(b) and not (isinstance(a, dict) and isinstance(b, dict)):
        raise ValueError(f"{where}: expected {type(a).__name__} as in the first, got {type(b).__name__}.")
    if isinstance(a, dict) and a.keys() != b.keys():
        raise ValueError(f"{where}: keys {sorted(map(str, a))} here, {sorted(map(str, b))} there.")
    if len(a) != len(b):
        raise ValueError(f"{where}: {type(a).__name__} of {len(a)} here, of {len(b)} there.")


def assert_same_paths(a: Any, b: Any) -> None:
    """Raises an error unless the leaves of two structures have the same paths; lists and tuples count as the same.

    Args:
        a: a nested structure.
        b: another one.

    Raises:
        ValueError: when they differ; the message names the paths that only one of them has.

    >>> ef.tree.assert_same_paths({"a": [1]}, {"a": (2,)})
    >>> ef.tree.assert_same_paths({"a": [1]}, {"b": [1]})
    Traceback (most recent call last):
        ...
    ValueError: The structures differ: only the first has ('a', 0), only the second ('b', 0).
    """
    here, there = ({path for path, _ in flatten_with_path(s)} for s in (a, b))
    if here != there:
        only_a, only_b = (" ".join(sorted(map(str, paths))[:5]) for paths in (here - there, there - here))
        raise ValueError(
            f"The structures differ: only the first has {only_a or 'nothing'}, only the second {only_b or 'nothing'}."
        )


def _keys(structure: Any) -> Iterable[Any]:
    """What leads to the children: keys, or positions."""
    return _sorted_keys(structure) if isinstance(structure, dict) else range(len(structure))


def _sorted_keys(mapping: dict[Any, Any]) -> list[Any]:
    if isinstance(mapping, OrderedDict):
        return list(mapping)
    try:
        return sorted(mapping)
    except TypeError:  # keys of several types have no order: keep that of insertion
        return list(mapping)


def _children(structure: Any) -> Iterable[Any]:
    return [structure[k] for k in _sorted_keys(structure)] if isinstance(structure, dict) else structure


def _rebuild(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, _NESTED):
        filled = [
            _rebuild(child, leaves) if isinstance(child, _NESTED) else next(leaves) for child in _children(structure)
        ]
        return refill(structure, filled)
    return next(leaves)


def refill(structure: Any, children: list[Any]) -> Any:
    """A structure of the same type and keys, with other children."""
    if structure.__class__ is tuple:
        return tuple(children)
    if isinstance(structure, dict):
        filled = dict(zip(_sorted_keys(structure), children, strict=True))
        if type(structure) is dict:
            return {k: filled[k] for k in structure}
        made = copy.copy(structure)  # an OrderedDict keeps its order, a defaultdict its factory
        made.update(filled)
        return made
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*children)
    if isinstance(structure, deque):
        return type(structure)(children, structure.maxlen)
    return children if type(structure) is list else type(structure)(children)
