"""How messages about files are worded."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["SKIPS", "FileFormatError", "listed"]

SKIPS = " load_weights(..., skip_mismatch=True) loads what fits."
"""What to do about a file of another model."""


class FileFormatError(ValueError):
    """Raised for a file that is damaged, of another format, or doesn't fit the model. Reading it has changed nothing.

    >>> from pathlib import Path
    >>> _ = Path("model.keras").write_bytes(b"not a model")
    >>> try:
    ...     ef.saving.load_model("model.keras")
    ... except ef.saving.FileFormatError as error:
    ...     print(str(error)[:44])
    'model.keras' holds no model, or is damaged:
    """


def listed(file: str, what: str, problems: Sequence[str], fix: str = "") -> FileFormatError:
    """One error for all that is wrong: the first few problems, and the number of the others."""
    text = f"{file!r:.120} {what}: "
    for i, problem in enumerate(problems):
        rest = f"; and {len(problems) - i} more"
        if i and len(text) + len(problem) + len(fix) + len(rest) > 470:
            text += rest
            break
        text += f"{'; ' if i else ''}{problem:.250}"
    return FileFormatError(f"{text}.{fix}")
