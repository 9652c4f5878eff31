"""The compiled kernels that are slower than plain ones on this processor, as it was measured and kept."""

from __future__ import annotations

import json
from functools import cache

from eagerflow.compiled import store
from eagerflow.compiled.kernel import key

__all__ = ["beaten", "is_known", "keep"]


def _file() -> str:
    return f"beaten-{key()}.json"


def keep(lost: list[tuple[str, str]]) -> bool:
    """Let programs of this user take the plain kernels there; False where the folder can't be written to.

    Args:
        lost: the file and name of each twin; none: all compiled kernels are used.
    """
    beaten.cache_clear()
    return store.write(_file(), json.dumps(lost).encode())


def is_known() -> bool:
    """Whether it was measured."""
    return store.read(_file()) is not None


@cache
def beaten() -> frozenset[tuple[str, str]]:
    """The file and name of each twin that is left out."""
    found = store.read(_file())
    return frozenset() if found is None else frozenset((file, name) for file, name in json.loads(found))
