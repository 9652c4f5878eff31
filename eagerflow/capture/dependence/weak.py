"""Weak references and proxies that a step reaches, which a capture must not keep from dying.

Programs and guards have what they compute with and compare: variables, arrays, functions, optimizers. Where a step
reaches such a thing by a weak reference alone, it would live on for replays, though eagerly it is gone.
"""

from __future__ import annotations

import weakref
from types import FunctionType
from typing import Any

from eagerflow.capture.dependence.attributes import is_dead_proxy
from eagerflow.capture.dependence.kinds import answers_plainly

_ask: Any = weakref.ReferenceType.__call__  # classes of references, as that of methods, may give something else

__all__ = ["is_weak", "kept_alive", "referent_of", "refers"]


def is_weak(thing: Any) -> bool:
    """Whether this is a weak reference or a weak proxy."""
    return type(thing) in weakref.ProxyTypes or isinstance(thing, weakref.ReferenceType)


def refers(thing: Any) -> bool:
    """Whether the object of a weak reference or proxy is there."""
    return not is_dead_proxy(thing) if type(thing) in weakref.ProxyTypes else _ask(thing) is not None


def referent_of(thing: Any) -> Any:
    """The object of a weak reference or proxy; None if it is gone, or where only code of the user's would tell."""
    if type(thing) not in weakref.ProxyTypes:
        return _ask(thing)
    if is_dead_proxy(thing) or not answers_plainly(thing.__class__):
        return None
    return getattr(thing.__sizeof__, "__self__", None)  # a method that each object has tells whose it is


def kept_alive(held: Any) -> str | None:
    """What a capture would keep alive that the step reaches by weak references alone, in words; None if nothing.

    Layers and objects with a `__dict__` of their own are held weakly by guards, too, and functions that didn't run not
    at all. A class goes only when the collector of garbage comes by.

    Args:
        held: all that the step reaches.
    """
    if not held.weak:
        return None
    kept = {id(thing) for thing, _ in (*held.attributes, *held.containers.values(), *held.buffers)}
    kept |= set(map(id, held.functions))
    for thing, name in held.weak:
        is_let_go = isinstance(thing, FunctionType) or id(thing) in held.objects
        if not (id(thing) in held.strong or isinstance(thing, type) or (is_let_go and id(thing) not in kept)):
            return f"what {name} refers to"
    return None
