"""The error that ended a script, as `python` would tell it."""

from __future__ import annotations

import sys
from types import TracebackType

__all__ = ["without_ours"]


def without_ours(error: BaseException, *ours: str) -> BaseException:
    """The error, its traceback beginning in the script.

    Args:
        error: the error.
        ours: the files that ran the script.
    """
    trail: TracebackType | None = error.__traceback__
    while trail is not None and trail.tb_next is not None and _is_ours(trail, ours):
        trail = trail.tb_next
    if isinstance(error, SyntaxError) and trail is not None and _is_ours(trail, ours):
        trail = None  # its own words name the script's line
    return error.with_traceback(_without_importer(trail))


def _without_importer(trail: TracebackType | None) -> TracebackType | None:
    """Without what stands behind `import` where Keras' names mean eagerflow."""
    importer = sys.modules.get("eagerflow.compat.importer")
    return importer.without_ours(trail) if importer is not None else trail


def _is_ours(trail: TracebackType, ours: tuple[str, ...]) -> bool:
    file = trail.tb_frame.f_code.co_filename
    return file in ours or "runpy" in file
