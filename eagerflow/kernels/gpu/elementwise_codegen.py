"""An elementwise function of arrays as CUDA C: it is run once, on names instead of arrays, and its steps are noted.

    def rule(xp, w, g):
        step = xp.multiply(g, 0.1)
        w -= step

becomes `T t0 = g * (T)0.1; w = w - t0;`.

Each step rounds as the single kernels of NumPy and CuPy do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Named", "Setting", "Unwritable", "written"]


class Unwritable(TypeError):
    """A function does something with its arrays that isn't known here."""


_OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
# As NumPy treats NaN: it stays NaN.
_FUNCTIONS = {
    "sqrt": "sqrt({0})",
    "absolute": "fabs({0})",
    "sign": "({0} != {0} ? {0} : (T)(({0} > (T)0) - ({0} < (T)0)))",
    "maximum": "({0} > {1} || {0} != {0} ? {0} : {1})",
    "minimum": "({0} < {1} || {0} != {0} ? {0} : {1})",
}


class Named:
    """A number of each element, by its name in CUDA C; arithmetic notes a step."""

    def __init__(self, name: str, writer: Writer) -> None:
        self.name, self.writer = name, writer

    def __bool__(self) -> bool:
        raise Unwritable("a decision by the value of an element")

    def __add__(self, other: Any) -> Named:
        return self.writer.step("add", self, other)

    def __sub__(self, other: Any) -> Named:
        return self.writer.step("subtract", self, other)

    def __mul__(self, other: Any) -> Named:
        return self.writer.step("multiply", self, other)

    def __truediv__(self, other: Any) -> Named:
        return self.writer.step("divide", self, other)

    def __iadd__(self, other: Any) -> Named:
        return self.writer.step("add", self, other, out=self)

    def __isub__(self, other: Any) -> Named:
        return self.writer.step("subtract", self, other, out=self)

    def __imul__(self, other: Any) -> Named:
        return self.writer.step("multiply", self, other, out=self)

    def __itruediv__(self, other: Any) -> Named:
        return self.writer.step("divide", self, other, out=self)


class Setting(Named):
    """A number that is the same for all elements, and isn't 0."""

    def __bool__(self) -> bool:
        return True


class Writer:
    """What stands in for NumPy while a function is written."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def __getattr__(self, name: str) -> Callable[..., Named]:
        if name not in _OPERATORS and name not in _FUNCTIONS:
            raise Unwritable(f"{name} isn't known")
        return lambda *args, out=None: self.step(name, *args, out=out)

    def step(self, name: str, *args: Any, out: Named | None = None) -> Named:
        """Note a step, and give its result."""
        words = [_word(value) for value in args]
        operator = _OPERATORS.get(name)
        text = f"{words[0]} {operator} {words[1]}" if operator else _FUNCTIONS[name].format(*words)
        if out is None:
            out = Named(f"t{self._count}", self)
            self._count += 1
            self.lines.append(f"T {out.name} = {text};")
        else:
            self.lines.append(f"{out.name} = {text};")
        return out


def _word(value: Any) -> str:
    if isinstance(value, Named):
        return value.name
    if isinstance(value, (int, float)):  # which takes the type of the arrays that it meets
        return f"(T){float(value)!r}"
    raise Unwritable(f"a {type(value).__name__} among arrays")


def written(function: Callable[..., object], prepare: Callable[[Writer], Sequence[Any]]) -> str:
    """The steps of `function(xp, *arguments)`, one in each line.

    Args:
        function: it works elementwise, and may change its arguments in place.
        prepare: gives the arguments for a writer: `Named` for arrays, and all else as it is.

    Raises:
        Unwritable: where it does something else.
    """
    writer = Writer()
    try:
        function(writer, *prepare(writer))
    except (TypeError, AttributeError) as error:  # say by a comparison, or a method of arrays
        raise Unwritable(str(error)) from None
    return "".join(line + "\n" for line in writer.lines)
