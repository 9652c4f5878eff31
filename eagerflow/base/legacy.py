"""The seam of `compat`: spellings of Keras 1 and 2, of which the core knows none.

Until `compat.install` fills it, all here is empty: an older spelling is an unknown name. Only what is asked when an
error is made, or a file of Keras 1 or 2 is read, is there from the beginning; `eagerflow/__init__.py` sets it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

__all__ = ["Arguments", "Change", "Legacy", "RUN", "legacy", "name_of"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
RUN = " For older Keras: `python -m eagerflow run script.py`, or `eagerflow.compat.install()`."  # ends a hint
Change = Callable[[tuple[Any, ...], dict[str, Any]], Arguments]


def _no_hint(kind: str, name: str, known: Collection[str], shown: str) -> str:
    return ""


def _unchanged(cls: type, config: Mapping[str, Any]) -> dict[str, Any]:
    return dict(config)


class Legacy:
    """What `compat` brings to the core.

    Attributes:
        changes: by the name of a function that has a `boundary`, what makes today's arguments of older ones; it is
            called with the positional arguments, `self` among them, and a dict of the others, which it may change.
        shape: makes the shapes, or structures of them, that `build` and `compute_output_shape` get; default: tuples.
        hint: a sentence on an unknown argument or attribute that is an older spelling, given the kind, the name, the
            names that are known, and the value as text; empty for any other name.
        config: the configuration of a layer under today's names, given its class.
    """

    __slots__ = ("changes", "config", "hint", "shape")

    def __init__(self) -> None:
        self.changes: dict[str, Change] = {}
        self.shape: Callable[[Any], Any] = tuple
        self.hint: Callable[[str, str, Collection[str], str], str] = _no_hint
        self.config: Callable[[type, Mapping[str, Any]], dict[str, Any]] = _unchanged


legacy = Legacy()


def name_of(function: Callable[..., Any]) -> str:
    """The name of a function in `changes`: `"Dense.__init__"`, or `"imdb.load_data"` with the file for one in no class.

    >>> name_of(ef.layers.Dense.__init__), name_of(ef.datasets.imdb.load_data)
    ('Dense.__init__', 'imdb.load_data')
    """
    name = function.__qualname__
    return name if "." in name else f"{function.__module__.rpartition('.')[2]}.{name}"
