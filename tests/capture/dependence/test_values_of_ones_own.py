"""Numbers, texts and tuples of the user's own classes have attributes, and cells and modules change, too."""

from __future__ import annotations

import builtins
import decimal
import enum
import sys
import types

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


class Number(float):
    scale = 1.0


class Text(str):
    scale = 1.0

    __slots__ = ("__dict__",)


class Pair(tuple):
    scale = 1.0


class Exact(decimal.Decimal):
    scale = 1.0


class Scalar(np.float32):
    scale = 1.0


VALUES = [Number(2.0), Text("2"), Pair((2.0,)), Exact(2), Scalar(2.0)]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_attributes_of_values_count_and_those_of_their_classes(value):
    kind = type(value)

    def make():
        kind.scale = 1.0
        vars(value).pop("scale", None)

        def change(i):
            if i < 7:
                kind.scale = float(i)
            else:
                value.scale = float(i)

        return (lambda x: x * value.scale), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_that_is_equal_to_another_is_not_the_same(value):
    kind = type(value)

    def make():
        one, other = kind(value), kind(value)
        one.scale, other.scale = 1.0, 2.0
        holder = types.SimpleNamespace(value=one)
        return (lambda x: x * holder.value.scale), lambda i: setattr(holder, "value", (one, other)[i % 2])

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_an_argument_that_is_a_number_with_attributes():
    rate = Number(2.0)

    def step(x, rate):
        return x * rate * rate.scale

    captured = ef.function(step)
    for i in range(8):
        rate.scale = float(i // 4)
        np.testing.assert_array_equal(captured(X, rate), step(X, rate))
    assert captured.replays


def test_members_of_an_enumeration_of_numbers():
    class Kind(enum.IntEnum):
        ONE = 1

    def make():
        Kind.ONE.scale = 1.0
        return (lambda x: x * Kind.ONE.scale), lambda i: setattr(Kind.ONE, "scale", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_list_in_a_tuple_that_takes_the_place_of_an_equal_one():
    def make():
        one, other = [1.0], [1.0]
        holder = types.SimpleNamespace(pair=(one, 2.0))

        def change(i):
            holder.pair = (other, 2.0)
            other[0] = float(i - 4)  # 1.0 at first

        return (lambda x: x * holder.pair[0][0]), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_equal_tuples_that_are_made_anew_are_no_change():
    holder = types.SimpleNamespace(pair=(1.0, (2, "a")))
    step = ef.function(lambda x: x * holder.pair[0])
    for _ in range(20):
        holder.pair = (float("1.0"), (2, "a"))
        step(X)
    assert step.replays == 18


def test_a_cell_that_is_held_by_itself():
    def make():
        cell = types.CellType(1.0)
        return (lambda x: x * cell.cell_contents), lambda i: setattr(cell, "cell_contents", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_name_that_is_put_among_the_builtins(monkeypatch):
    def make():
        monkeypatch.setattr(builtins, "a_factor", 1.0, raising=False)
        names = {}
        exec("def step(x): return x * a_factor", names)
        return names["step"], lambda i: setattr(builtins, "a_factor", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def module(name, **own):
    made = types.ModuleType(name)
    vars(made).update(own)
    return made


def test_a_module_that_is_imported_within_and_replaced(monkeypatch):
    def make():
        monkeypatch.setitem(sys.modules, "rates_of_mine", module("rates_of_mine", rate=1.0))

        def step(x):
            import rates_of_mine

            return x * rates_of_mine.rate

        return step, lambda i: sys.modules.update(rates_of_mine=module("rates_of_mine", rate=float(i)))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize("source", ["from .rates import rate", "from . import rates; rate = rates.rate"])
def test_a_module_that_is_imported_relative_to_another(source, monkeypatch):
    def make():
        rates = module("a_package_of_mine.rates", rate=1.0)
        monkeypatch.setitem(sys.modules, "a_package_of_mine", module("a_package_of_mine", __path__=[], rates=rates))
        monkeypatch.setitem(sys.modules, "a_package_of_mine.rates", rates)
        names = {"__name__": "a_package_of_mine.steps", "__package__": "a_package_of_mine"}
        exec(f"def step(x):\n    {source}\n    return x * rate", names)
        return names["step"], lambda i: setattr(rates, "rate", float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


@pytest.mark.parametrize(
    ("initializer", "setting"),
    [
        (ef.initializers.RandomNormal(stddev=1.0, seed=3), "stddev"),
        (ef.initializers.RandomUniform(0.0, 1.0), "maxval"),
        (ef.initializers.Constant(1.0), "value"),
    ],
    ids=lambda given: type(given).__name__,
)
def test_settings_of_an_initializer_that_a_step_calls(initializer, setting):
    def make():
        setattr(initializer, setting, 1.0)
        return (lambda x: x * initializer(x.shape)), lambda i: setattr(initializer, setting, float(i))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_module_that_is_there_only_later(monkeypatch):
    def make():
        monkeypatch.delitem(sys.modules, "rates_of_mine", raising=False)

        def step(x):
            try:
                import rates_of_mine
            except ImportError:
                return x
            return x * rates_of_mine.rate

        return step, lambda i: sys.modules.update(rates_of_mine=module("rates_of_mine", rate=float(i)))

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def labelled(scale):
    made = Text("a")
    made.scale = scale
    return made


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ((1, True, 1.0), lambda key: {int: 2.0, bool: 3.0, float: 4.0}[type(key)]),
        ((0.0, -0.0, 0), lambda key: float(np.copysign(1.0, key))),
        (tuple(map(labelled, (1.0, 2.0, 3.0))), lambda key: key.scale),
    ],
    ids=["types", "signs", "texts"],
)
def test_keys_that_are_equal_are_not_the_same(keys, told):
    def make():
        table = {keys[0]: "a"}

        def change(i):
            table.clear()
            table[keys[1 if i == 5 else 2]] = "a"

        return (lambda x: x * sum(told(key) for key in table)), change

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_keys_of_an_argument_that_are_equal_are_not_the_same():
    step = ef.function(lambda x, table: x * (2.0 if type([*table][0]) is bool else 3.0))  # noqa: RUF015
    for key in (1, 1, 1, True, True, True, 1):
        np.testing.assert_array_equal(step(X, {key: X}), X * (2.0 if key is True else 3.0))
    assert step.replays


@pytest.mark.parametrize("kind", [np.array, np.rec.array])
def test_a_row_of_records_that_changes_in_place(kind):
    def make():
        table = kind([(1.0, 2)], dtype=[("rate", "f4"), ("n", "i4")])
        row = table[0]
        return (lambda x: x * float(row["rate"])), lambda i: table["rate"].__setitem__(0, i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays
