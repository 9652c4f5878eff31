"""Python source as a tree, also where several threads ask for one at the same time."""

from __future__ import annotations

import ast
import threading

from eagerflow.base.machine.forks import held_over_forks

__all__ = ["parsed_source"]

_TRIES = 3
_lock = threading.RLock()
held_over_forks(_lock)


def parsed_source(source: str | bytes) -> ast.Module:
    """The tree of Python source.

    Before Python 3.13, an interpreter counts in one place how deep it is in the trees that it makes: where another
    thread, or a destructor, makes one meanwhile, it raises a SystemError, though nothing is wrong with the source. So
    ours are made one after the other, and again where somebody else's came in between.

    Raises:
        SyntaxError: when it is no Python.
        ValueError: for a null byte.
        RecursionError: when it is nested too deeply.

    >>> type(parsed_source("x = 1").body[0]).__name__
    'Assign'
    """
    with _lock:
        for _ in range(_TRIES - 1):
            try:
                return ast.parse(source)
            except SystemError:
                continue
        return ast.parse(source)
