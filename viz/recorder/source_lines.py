"""Which line of the user's code led to an op.

While a program runs only (code object, instruction) pairs are noted, which is cheap. They become lines, and
the text of those lines, when the recording ends.
"""

from __future__ import annotations

import functools
import linecache
import os
import sys
from types import CodeType

import numpy

import eagerflow
from eagerflow.base.notebook import cell_names
from eagerflow.core.observe import libraries
from viz.facts.schema import Frame

__all__ = ["MAX_FRAMES", "Sources", "asking", "is_internal"]

MAX_FRAMES = 8  # how many frames of user code are kept per op

_CONTROL_FLOW = os.path.join("eagerflow", "ops", "control_flow.py")
_PLUMBING = ("<eagerflow", "<frozen", "<__array_function__")


# The folders whose code is not the user's: eagerflow, viz and NumPy.
_PACKAGES = (*eagerflow.__path__, os.path.dirname(os.path.dirname(__file__)), *numpy.__path__)
_FOLDERS = tuple([os.path.abspath(each) + os.sep for each in _PACKAGES])
_DEMO = _FOLDERS[0] + "demo.py"  # comes with eagerflow, and stands for a user's script
_FILES = tuple([os.path.join(os.path.dirname(os.__file__), f"{name}.py") for name in ("contextlib", "functools")])

_COMMANDS = ("viz", "viz.exe", "eagerflow", "eagerflow.exe")
_COMMAND = os.path.abspath(sys.argv[0]) if sys.argv and os.path.basename(sys.argv[0]) in _COMMANDS else None


@functools.cache
def is_internal(file: str) -> bool:
    """Is `file`, as a code object names it, something other than the user's code?"""
    command = _COMMAND is not None and os.path.abspath(file) == _COMMAND  # the file that an installer makes
    library = file.startswith((*_FOLDERS, *libraries)) and file != _DEMO
    return command or library or file in _FILES or file.startswith(_PLUMBING)


def asking(code: CodeType) -> str:
    """Which op asks in the user's stead what to run next, by its code: `"cond"`, say; empty for all other code."""
    return code.co_name if code.co_filename.endswith(_CONTROL_FLOW) else ""


class Sources:
    """Turns what was noted into `Frame`s; equal places give the same object."""

    def __init__(self, codes: dict[int, CodeType]) -> None:
        self._codes = codes
        self._frames: dict[tuple[int, int], Frame] = {}
        self._equal: dict[Frame, Frame] = {}
        self._cells = cell_names()

    def frames(self, places: list[int]) -> tuple[Frame, ...]:
        """The frames of `places`: number of a code object, instruction (`frame.f_lasti`), and so on."""
        return tuple([self._frame(code, at) for code, at in zip(places[::2], places[1::2])])

    def _frame(self, number: int, instruction: int) -> Frame:
        found = self._frames.get((number, instruction))
        if found is None:
            code = self._codes[number]
            lines = (line for start, end, line in code.co_lines() if start <= instruction < end and line is not None)
            found = self.at(code.co_filename, next(lines, code.co_firstlineno), code.co_name)
            self._frames[number, instruction] = found
        return found

    def at(self, file: str, line: int, function: str = "") -> Frame:
        """The frame for a line of a file."""
        text = linecache.getline(file, line).strip()[:500]
        frame = Frame(self._cells.get(file, file), line, function, text)
        return self._equal.setdefault(frame, frame)
