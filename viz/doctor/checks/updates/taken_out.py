"""Values that Python reads inside of a tape, with `.numpy()` say: what is computed from those has no gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

from viz.doctor.program import Program
from viz.doctor.source_calls import tape_before
from viz.doctor.user_code import Place, user_frames

__all__ = ["Taken", "TakenOut"]

_WORDS = {"numpy": ".numpy()", "item": ".item()", "tolist": ".tolist()", "array": "NumPy", "float": "float(...)"}


class Taken(NamedTuple):
    """The one line of a step that reads the values of what the tape follows.

    Attributes:
        place: the user's line.
        by: what reads them there, in words.
    """

    place: Place
    by: str


class TakenOut:
    """Follows which of the user's lines read values of what a tape follows, inside of its block.

    Args:
        watch: the program.
    """

    def __init__(self, watch: Program) -> None:
        self._watch = watch
        self._taken: dict[Place, Taken] = {}  # since the last gradient
        self._numbers: dict[Place, float] = {}  # what was read there, where it was one number

    def hear(self, tensor: Any, how: str, place: Place) -> Taken | None:
        """Hear of values that are read; gives that line where it is of a tape's block.

        Args:
            tensor: whose values these are.
            how: by what they are read.
            place: the user's line.
        """
        if tensor.key is None or how not in _WORDS or place in self._taken or self._watch.inside("metric"):
            return self._taken.get(place) if tensor.key is not None else None
        of_fit = self._watch.trains() and self._watch.inside("loss", "layer", "model")
        if of_fit or any(_in_tape(Place(f.f_code.co_filename, f.f_lineno)) for f in user_frames()):
            self._taken[place] = Taken(place, _WORDS[how])
            if tensor.data.size == 1 and tensor.data.dtype.kind in "fiub":
                self._numbers[place] = float(tensor.data.reshape(()))
        return self._taken.get(place)

    def asked(self) -> Taken | None:
        """The line by which a loss without any gradient lost it; None where no line reads values, or several do."""
        taken = list(self._taken.values())
        self._taken, self._numbers = {}, {}
        return taken[0] if len(taken) == 1 else None

    def gave(self, number: float) -> Taken | None:
        """The line that read this number; else the only one that reads anything, from which it was computed.

        Args:
            number: what a gradient is asked of in place of a tensor.
        """
        same = [place for place, read in self._numbers.items() if read == number]
        return self._taken[same[-1]] if same else self.asked()


def _in_tape(place: Place) -> bool:
    """Does a line stand in the block of a tape?"""
    block = tape_before(place)
    return block is not None and place.line <= block[1]
