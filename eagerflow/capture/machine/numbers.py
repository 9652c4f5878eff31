"""`Numbers`: operations on single numbers, written by their names."""

from __future__ import annotations

from typing import NamedTuple

from eagerflow.capture.machine.code import Code

__all__ = ["Numbers"]


class Numbers(NamedTuple):
    """Writes operations on numbers of one type, by their names."""

    code: Code
    letter: str

    @property
    def _real(self) -> str:
        return "float" if self.letter == "f" else "double"

    def number(self, value: float) -> str:
        return self.code.number(value, self.letter)

    def _two(self, word: str, a: str, b: str) -> str:
        return self.code.value(f"{word} {self._real} {a}, {b}")

    def add(self, a: str, b: str) -> str:
        return self._two("fadd", a, b)

    def subtract(self, a: str, b: str) -> str:
        return self._two("fsub", a, b)

    def multiply(self, a: str, b: str) -> str:
        return self._two("fmul", a, b)

    def divide(self, a: str, b: str) -> str:
        return self._two("fdiv", a, b)

    def negative(self, a: str) -> str:
        return self.code.value(f"fneg {self._real} {a}")

    def absolute(self, a: str) -> str:
        kind = "f32" if self.letter == "f" else "f64"
        return self.code.value(f"call {self._real} @llvm.fabs.{kind}({self._real} {a})")

    def sign(self, a: str) -> str:
        """1, -1 or 0; NaN of NaN."""
        zero, real = self.number(0.0), self._real
        at_zero = self.code.value(f"select i1 {self._two('fcmp oeq', a, zero)}, {real} {zero}, {real} {a}")
        below = f"{real} {self.number(-1.0)}, {real} {at_zero}"
        not_above = self.code.value(f"select i1 {self._two('fcmp olt', a, zero)}, {below}")
        above = f"{real} {self.number(1.0)}, {real} {not_above}"
        return self.code.value(f"select i1 {self._two('fcmp ogt', a, zero)}, {above}")

    def positive(self, a: str) -> str:
        """The larger one of a number and 0; NaN of NaN."""
        zero = self.number(0.0)
        return self.code.value(f"select i1 {self._two('fcmp ugt', a, zero)}, {self._real} {a}, {self._real} {zero}")

    def where_positive(self, a: str, value: str, otherwise: str) -> str:
        """One value where a number is above 0, another one elsewhere."""
        above, real = self._two("fcmp ogt", a, self.number(0.0)), self._real
        return self.code.value(f"select i1 {above}, {real} {value}, {real} {otherwise}")

    def not_positive(self, a: str) -> str:
        """The smaller one of a number and 0; NaN of NaN."""
        zero = self.number(0.0)
        return self.code.value(f"select i1 {self._two('fcmp ult', a, zero)}, {self._real} {a}, {self._real} {zero}")

    def is_positive(self, a: str) -> str:
        """1 where a number is above 0, else 0."""
        return self.code.value(f"uitofp i1 {self._two('fcmp ogt', a, self.number(0.0))} to {self._real}")
