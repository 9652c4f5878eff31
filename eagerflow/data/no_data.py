"""What is said of a function or a file's name that is handed in where data are meant."""

from __future__ import annotations

import inspect
import os
from typing import Any

__all__ = ["how_to_call", "how_to_read"]


def how_to_call(x: Any) -> str:
    """What to do with a function that gives batches."""
    if not inspect.isroutine(x):
        return ""
    name = "it" if x.__name__ == "<lambda>" else x.__name__
    again = f", or data.Dataset.from_generator({name}), which starts again in every epoch"
    return f" Call it: {name}() has the batches of one epoch{again * inspect.isgeneratorfunction(x)}."


_READERS = {
    ".csv": "numpy.loadtxt({}, delimiter=',', skiprows=1), or pandas.read_csv({})",
    ".txt": "numpy.loadtxt({})",
    ".npy": "numpy.load({})",
    ".npz": "numpy.load({})['x']",
    ".png": "utils.img_to_array(utils.load_img({}))[None]",
    ".jpg": "utils.img_to_array(utils.load_img({}))[None]",
}


def how_to_read(x: Any) -> str:
    """What reads the file that a text names, if it looks like one."""
    reader = _READERS.get(os.path.splitext(x)[1].lower()) if isinstance(x, str) else None
    return f" Read the file first: {reader.format(repr(x), repr(x))}." if reader else ""
