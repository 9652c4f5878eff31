"""What programs rarely set, and a step may depend on all the same."""

from __future__ import annotations

import builtins
import collections
import copy
import copyreg
import decimal
import functools
import importlib
import sys

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import while_it_changes

X = ef.Tensor([1.0, 2.0])
WIDE = np.array([1.23456789])


class Token:
    def __init__(self, scale):
        self.scale = scale


def attributes_of_a_function():
    def scaled(x):
        return x * scaled.scale

    scaled.scale = 1.0
    return scaled, lambda i: setattr(scaled, "__dict__", {"scale": float(i)})


def an_attribute_of_a_function_of_several_kinds():
    @functools.singledispatch
    def scaled(x):
        return x * scaled.scale

    scaled.scale = 1.0
    return lambda x: scaled(x), lambda i: setattr(scaled, "scale", float(i))


def defaults_of_a_named_tuple():
    pair = collections.namedtuple("pair", "scale", defaults=(1.0,))
    return lambda x: x * pair().scale, lambda i: setattr(pair.__new__, "__defaults__", (float(i),))


def how_objects_are_copied():
    copyreg.dispatch_table.pop(Token, None)
    token = Token(1.0)
    return lambda x: x * copy.copy(token).scale, lambda i: copyreg.pickle(Token, lambda _: (Token, (float(i),)))


def a_builtin():
    vars(builtins).pop("scale_of_all", None)

    def step(x):
        try:
            scale = scale_of_all
        except NameError:
            scale = 1.0
        return x * scale

    return step, lambda i: setattr(builtins, "scale_of_all", float(i))


def an_attribute_of_numpy():
    vars(np).pop("scale_of_all", None)
    return lambda x: x * 3.0 if hasattr(np, "scale_of_all") else x, lambda i: setattr(np, "scale_of_all", float(i))


def how_arrays_are_written():
    return lambda x: x * len(f"{WIDE}"), lambda i: np.set_printoptions(precision=i % 7)


def how_arrays_are_written_by_percent():
    return lambda x: x * len("%s" % (WIDE,)), lambda i: np.set_printoptions(precision=i % 7)  # noqa: UP031


def how_arrays_of_the_step_are_written():
    return lambda x: x * len(f"{np.array([1 / 3])}"), lambda i: np.set_printoptions(precision=i % 7)


@pytest.fixture
def as_before():
    """Puts back what the cases set for the whole process."""
    precision = np.get_printoptions()["precision"]
    yield
    np.set_printoptions(precision=precision)
    copyreg.dispatch_table.pop(Token, None)
    vars(builtins).pop("scale_of_all", None)
    vars(np).pop("scale_of_all", None)


def which_decimal_numbers_raise():
    context = decimal.getcontext()
    context.traps[decimal.DivisionByZero] = True

    def step(x):
        try:
            return x * (3.0 if decimal.Decimal(1) / decimal.Decimal(0) > 9 else 4.0)
        except decimal.DivisionByZero:
            return x * 2.0

    return step, lambda i: context.traps.__setitem__(decimal.DivisionByZero, i % 2 == 0)


def how_long_numbers_may_be_that_are_written():
    sys.set_int_max_str_digits(0)
    number = 10**700

    def step(x):
        try:
            return x * len(str(number))
        except ValueError:
            return x * 0.0

    return step, lambda i: sys.set_int_max_str_digits(640 if i % 2 else 0)


@pytest.mark.parametrize(
    "make",
    [
        which_decimal_numbers_raise,
        how_long_numbers_may_be_that_are_written,
        attributes_of_a_function,
        an_attribute_of_a_function_of_several_kinds,
        defaults_of_a_named_tuple,
        how_objects_are_copied,
        a_builtin,
        an_attribute_of_numpy,
        how_arrays_are_written,
        how_arrays_are_written_by_percent,
        how_arrays_of_the_step_are_written,
    ],
)
def test_it_counts(make, as_before):
    np.set_printoptions(precision=8)
    eager, captured, step = while_it_changes(lambda: (np.set_printoptions(precision=8), make())[1], X)
    assert captured == eager
    assert step.replays


def test_a_module_that_is_there_later_is_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def step(x):
        try:
            import scales_of_mine
        except ImportError:
            return x
        return x * scales_of_mine.scale

    run = ef.function(step)
    for _ in range(5):
        assert run(X).tolist() == [1.0, 2.0]
    assert run.replays
    (tmp_path / "scales_of_mine.py").write_text("scale = 4.0")
    importlib.invalidate_caches()
    for _ in range(5):
        assert run(X).tolist() == [4.0, 8.0]
    monkeypatch.delitem(sys.modules, "scales_of_mine")
