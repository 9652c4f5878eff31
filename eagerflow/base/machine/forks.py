"""Locks where a process forks: a child has but one of the threads, and would wait for ever for what others held."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

__all__ = ["held_over_forks", "renewed_in_children"]


class _Lock(Protocol):
    def acquire(self) -> bool: ...

    def release(self) -> None: ...


class _Owner(Protocol):
    def renew_lock(self) -> None: ...


class _Forking(threading.local):
    """The locks that a thread has taken to fork; several times, where a signal's handler forks meanwhile."""

    def __init__(self) -> None:
        self.taken: list[list[_Lock]] = []


_held: list[_Lock] = []
_forking = _Forking()
_owners: weakref.WeakSet[_Owner] = weakref.WeakSet()


def held_over_forks(lock: _Lock) -> None:
    """A fork waits until no other thread holds a lock, so that what it guards is whole in the child.

    Args:
        lock: of a module, an `RLock`. Whoever holds it waits for no other lock of this kind.
    """
    _held.append(lock)


def renewed_in_children(owner: _Owner) -> None:
    """Give an object an open lock in a forked child, where the thread that held it doesn't exist."""
    _owners.add(owner)


def _before() -> None:
    taken: list[_Lock] = []
    _forking.taken.append(taken)
    for lock in list(_held):
        lock.acquire()
        taken.append(lock)


def _after() -> None:
    for lock in reversed(_forking.taken.pop()):
        lock.release()


def _in_child() -> None:
    _after()
    for owner in list(_owners):
        owner.renew_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_child)
