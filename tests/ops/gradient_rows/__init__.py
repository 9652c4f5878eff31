"""The gradient table: one row per op, which `tests/test_gradients.py` checks.

Each module here holds `ROWS` for one area. A row names an op, the class of its gradient and some calls:

    smooth("sum", case(normal(2, 3)), case(normal(2, 3), axis=0, keepdims=True))
    smooth("stack", case(normal(3), normal(3), call=lambda x, y: ops.stack([x, y])))
    zero("floor", case(normal(3)))
    raises("lu", "not differentiable here", case(normal(3, 3)))
    no_gradient("dtype", "answers with a string")

`case` takes the arrays (float64, each one differentiated) and settings passed on by name. Choose arrays that stay
away from kinks by more than the step of the central differences, and small ones: every element costs four calls.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from eagerflow import ops
from eagerflow.core.primitive import registry


@dataclass(frozen=True)
class Case:
    """One call of an op."""

    arrays: tuple[np.ndarray, ...]
    call: Callable[..., Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    tolerance: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """One op: its name, the class of its gradient, and what to call."""

    name: str
    kind: str
    cases: tuple[Case, ...]
    why: str = ""

    def __repr__(self) -> str:
        return f"{self.name}-{self.kind}"

    def calls(self) -> list[tuple[Callable[..., Any], Case]]:
        """The functions of arrays alone, with their cases."""
        return [(case.call or partial(resolve(self.name), **case.settings), case) for case in self.cases]


def case(*arrays: Any, call: Any = None, eps: float = 1e-6, rtol: float = 1e-5, atol: float = 1e-6, **settings: Any):
    """A call of the op with these arrays and settings, or of `call` with the arrays."""
    floats = tuple([np.asarray(a, "float64") for a in arrays])
    return Case(floats, call, settings, {"eps": eps, "rtol": rtol, "atol": atol})


def smooth(name: str, *cases: Case) -> Row:
    """Differentiable: first and second order are compared with central differences."""
    return Row(name, "smooth", cases)


def zero(name: str, *cases: Case) -> Row:
    """Locally constant: nothing is recorded, and the gradient is zero."""
    return Row(name, "zero", cases)


def raises(name: str, why: str, *cases: Case) -> Row:
    """Asking for the gradient raises an error that says `why`."""
    return Row(name, "raises", cases, why)


def no_gradient(name: str, why: str) -> Row:
    """The question makes no sense: no tensors come out."""
    return Row(name, "none", (), why)


# -- arrays


def normal(*shape: int) -> np.ndarray:
    """Numbers of both signs; the same for the same shape."""
    return np.random.default_rng(sum(shape) + len(shape)).normal(size=shape)


def other(*shape: int) -> np.ndarray:
    """Other numbers of both signs."""
    return np.random.default_rng(100 + sum(shape) + len(shape)).normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    """Numbers between 0.5 and 2."""
    return np.random.default_rng(sum(shape)).uniform(0.5, 2.0, size=shape)


def inside(*shape: int) -> np.ndarray:
    """Numbers between -0.8 and 0.8."""
    return np.random.default_rng(sum(shape)).uniform(-0.8, 0.8, size=shape)


def apart(*shape: int) -> np.ndarray:
    """Numbers of both signs, no two of them close to each other or to a multiple of 0.5."""
    count = int(np.prod(shape))
    numbers = (np.arange(count) - count // 2) * 0.5 + 0.2
    return np.random.default_rng(count).permutation(numbers).reshape(shape)


def resolve(name: str) -> Callable[..., Any]:
    """The op of that name, wherever it is public; else the primitive."""
    for space in (ops, *[getattr(ops, s) for s in ("linalg", "nn", "image") if hasattr(ops, s)]):
        if name in getattr(space, "__all__", ()):
            return getattr(space, name)
    return registry[name].call


def all_rows() -> list[Row]:
    """The rows of all modules here."""
    found = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        found += importlib.import_module(f"{__name__}.{module}").ROWS
    return found
