"""Attributes of classes and modules that are others while anybody asks for that, in whatever thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from eagerflow.base.machine.forks import renewed_in_children

__all__ = ["Exchange"]

Put = Callable[[Any, str, Any], None]


class Exchange:
    """Puts values in the places of others, and these back when the last one who asked is through.

    Args:
        put_all: is given what exchanges one attribute: of what, its name, and the value.

    >>> class Spoken:
    ...     word = "hello"
    >>> exchange = Exchange(lambda put: put(Spoken, "word", "bye"))
    >>> with exchange.made():
    ...     Spoken.word
    'bye'
    >>> Spoken.word
    'hello'
    """

    def __init__(self, put_all: Callable[[Put], None]) -> None:
        self._put_all = put_all
        self._lock = threading.Lock()
        self._asking: list[tuple[int, object]] = []  # by threads
        self._before: list[tuple[Any, str, Any]] = []
        renewed_in_children(self)

    def renew_lock(self) -> None:
        """In a child of the process, nobody asks but the thread that is left."""
        self._lock = threading.Lock()
        self._asking = [each for each in self._asking if each[0] == threading.get_ident()]
        self._put_back()

    @contextlib.contextmanager
    def made(self) -> Iterator[None]:
        """Inside the block, the values are in their places."""
        one = threading.get_ident(), object()
        try:  # from here on: Ctrl-C may come anywhere
            with self._lock:
                self._asking.append(one)
                if len(self._asking) == 1:
                    self._put_all(self.put)
            yield
        finally:
            with self._lock:
                if one in self._asking:
                    self._asking.remove(one)
                self._put_back()

    def _put_back(self) -> None:
        while self._before and not self._asking:
            setattr(*self._before[-1])
            self._before.pop()

    def put(self, owner: Any, name: str, value: Any) -> None:
        """Exchange one attribute that the owner itself has."""
        self._before.append((owner, name, vars(owner)[name]))
        setattr(owner, name, value)
