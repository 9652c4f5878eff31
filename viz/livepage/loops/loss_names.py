"""What the user's code calls the number whose gradients it asks for, while the program runs."""

from __future__ import annotations

import sys
from types import CodeType

from viz.facts.formatting import clean
from viz.recorder.names.argument_names import Arguments
from viz.recorder.source_lines import is_internal

__all__ = ["LossNames"]


class LossNames:
    """Reads the calls that ask for gradients, each once: the names are those that recordings have, too."""

    def __init__(self) -> None:
        self._codes: list[CodeType] = []  # held, so that no other one gets its id
        self._names: dict[tuple[int, int], str] = {}  # by the code's id and the instruction

    def here(self) -> str:
        """The name of what the innermost line of the user's code asks the gradient of; "" where it has none."""
        frame = sys._getframe(1)
        while is_internal(frame.f_code.co_filename):
            if frame.f_back is None:
                return ""
            frame = frame.f_back
        place = id(frame.f_code), frame.f_lasti
        name = self._names.get(place)
        if name is None:
            self._codes.append(frame.f_code)
            name = self._names[place] = clean(Arguments({place[0]: frame.f_code}).target(place), 60)
        return name
