"""What a compiled kernel takes: arrays with named lengths, and numbers."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Parameter", "Signature", "parsed"]

_ARRAY = re.compile(r"(\w+)(?::\s*(\w+))?\[([\w, ]+)\]")
_NUMBER = re.compile(r"(\w+):\s*(int|float)")
NUMBERS = {"int": "int64", "float": "float64"}


class Parameter(NamedTuple):
    """One argument.

    Attributes:
        name: what the kernel calls it.
        dtype: the type of an array's numbers, `""` for the one that the kernel is compiled for; of a number, its type.
        lengths: the names of an array's lengths; of a number, none.
    """

    name: str
    dtype: str
    lengths: tuple[str, ...] = ()


class Signature(NamedTuple):
    """All arguments of a kernel.

    Attributes:
        parameters: in order.
        lengths: the names of all lengths, each with the first array that has it and the axis.
        bound: how many of the parameters are the same for all pieces of the work.
    """

    parameters: tuple[Parameter, ...]
    lengths: dict[str, tuple[str, int]]
    bound: int

    @property
    def arrays(self) -> list[Parameter]:
        """The arguments that are arrays."""
        return [each for each in self.parameters if each.lengths]


def parsed(text: str) -> Signature:
    """The signature that a text describes.

    Args:
        text: `name[lengths]` for an array of the kernel's own float type, `name: dtype[lengths]` for another one,
            `name: int` and `name: float` for numbers. Behind a semicolon stands what differs between pieces of the
            work: numbers.

    Raises:
        ValueError: for anything else.

    >>> parsed("x[rows, n], seen: uint8[rows], epsilon: float; start: int, stop: int").lengths
    {'rows': ('x', 0), 'n': ('x', 1)}
    """
    parameters: list[Parameter] = []
    lengths: dict[str, tuple[str, int]] = {}
    words = [_words(part) for part in f"{text};".split(";")[:2]]
    for word in words[0] + words[1]:
        array, number = _ARRAY.fullmatch(word), _NUMBER.fullmatch(word)
        if array:
            names = tuple([name.strip() for name in array[3].split(",")])
            parameters.append(Parameter(array[1], array[2] or "", names))
            for axis, name in enumerate(names):
                lengths.setdefault(name, (array[1], axis))
        elif number:
            parameters.append(Parameter(number[1], NUMBERS[number[2]]))
        else:
            raise ValueError(f"signature {text!r}: {word!r} is neither name[lengths] nor name: int nor name: float")
    return Signature(tuple(parameters), lengths, len(words[0]))


def _words(text: str) -> list[str]:
    """What stands between commas, but those inside of brackets."""
    return re.split(r",\s*(?![^\[]*\])", text.strip()) if text.strip() else []
