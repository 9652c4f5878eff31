"""Scripts that import Keras or TensorFlow run on eagerflow; the others don't notice that they could."""

from __future__ import annotations

import builtins
import contextlib
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eagerflow import compat

__all__ = ["keras_on_demand"]

_ROOTS = frozenset(["keras", "tensorflow", "tf_keras"])
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


@contextlib.contextmanager
def keras_on_demand() -> Iterator[None]:
    """Within the block, the user's first `import keras` (or `tensorflow`) installs `eagerflow.compat`.

    Not before, since that changes how shapes and `trainable` behave, which only such scripts expect.
    """
    before = builtins.__import__
    if compat.is_installed():
        yield
        return

    def importing(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        if not level and name.partition(".")[0] in _ROOTS and _is_the_users(globals or {}):
            builtins.__import__ = before
            compat.install()
            return builtins.__import__(name, globals, locals, fromlist, level)
        return before(name, globals, locals, fromlist, level)

    builtins.__import__ = importing
    try:
        yield
    finally:
        if compat.is_installed():
            compat.uninstall()
        builtins.__import__ = before


def _is_the_users(importing: Mapping[str, Any]) -> bool:
    """Whether an import stands in a file outside of the standard library and installed packages."""
    return not str(importing.get("__file__", "")).startswith(_INSTALLED)
