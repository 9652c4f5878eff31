"""What the callbacks that save files share: when to save, and where."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

import numpy

__all__ = ["checked_frequency", "filled_path"]


def checked_frequency(owner: str, save_freq: Any) -> Any:
    """`"epoch"`, or a number of batches.

    Raises:
        ValueError: for anything else.
    """
    if save_freq != "epoch" and (
        isinstance(save_freq, bool) or not isinstance(save_freq, (int, numpy.integer)) or save_freq < 1
    ):
        raise ValueError(f"{owner}(save_freq={save_freq!r}): expected 'epoch' or a number of batches.")
    return save_freq


def filled_path(owner: str, pattern: str, logs: dict[str, Any], **numbers: int) -> str:
    """The path with numbers in the place of `{epoch:02d}` and `{val_loss:.2f}`.

    Raises:
        KeyError: for a number that isn't there.
    """
    try:
        return pattern.format_map(ChainMap(dict(numbers), logs))
    except KeyError as error:
        known = ", ".join([*numbers, *logs])
        raise KeyError(
            f"{owner}(filepath={pattern!r}): there is no number {error.args[0]!r}; there are {known}."
        ) from None
