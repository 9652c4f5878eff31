"""`tf.nest`: structures of lists, tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eagerflow.base import tree

__all__ = ["assert_same_structure", "flatten", "is_nested", "map_structure", "pack_sequence_as"]


def flatten(structure: Any, expand_composites: bool = False) -> list[Any]:
    """The leaves in a list.

    >>> flatten({"b": [1, 2], "a": 0})
    [0, 1, 2]
    """
    return list(tree.flatten(structure))


def map_structure(func: Callable[..., Any], *structure: Any, **kwargs: Any) -> Any:
    """A function of all leaves, in the same structure.

    >>> map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    return tree.map_structure(func, *structure)


def pack_sequence_as(structure: Any, flat_sequence: Any, expand_composites: bool = False) -> Any:
    """Leaves in a structure.

    >>> pack_sequence_as({"a": 0, "b": (0, 0)}, [1, 2, 3])
    {'a': 1, 'b': (2, 3)}
    """
    return tree.pack_sequence_as(structure, list(flat_sequence))


def is_nested(structure: Any) -> bool:
    """Whether it is a list, tuple or dict.

    >>> is_nested([1]), is_nested(1)
    (True, False)
    """
    return isinstance(structure, (list, tuple, dict))


def assert_same_structure(nest1: Any, nest2: Any, check_types: bool = True, expand_composites: bool = False) -> None:
    """Raise a ValueError unless both have the same structure.

    >>> assert_same_structure([1, [2]], [3, [4]])
    >>> assert_same_structure([1, [2]], [3, 4])
    Traceback (most recent call last):
        ...
    ValueError: The structures differ at [1]: expected list as in the first, got int.
    """
    tree.assert_same_structure(nest1, nest2)
