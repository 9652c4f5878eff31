"""`tf.name_scope`: what stands before the tags of `tf.summary`. Weights are named by their layers."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

__all__ = ["name_scope", "within"]

_around = contextvars.ContextVar("name scope", default="")


@contextlib.contextmanager
def name_scope(name: str | None) -> Iterator[str]:
    """Put a name before the tags that `tf.summary` writes within the block.

    Yields:
        The whole name, with a `/` at its end.

    >>> with name_scope("encoder"), name_scope("first") as scope:
    ...     scope, within("loss")
    ('encoder/first/', 'encoder/first/loss')
    """
    whole = "" if not name else name if name.endswith("/") else f"{_around.get()}{name}/"
    before = _around.set(whole)
    try:
        yield whole
    finally:
        _around.reset(before)


def within(name: str) -> str:
    """A tag with the scopes that it is written in."""
    return _around.get() + name
