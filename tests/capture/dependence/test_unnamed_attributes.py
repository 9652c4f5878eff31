"""Steps that read attributes which no instruction of theirs names: arrays behind them are looked at all the same."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import operator

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import while_it_changes

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@dataclasses.dataclass
class Holder:
    table: np.ndarray


class Proxy(Holder):
    """Whose attributes are all one array."""

    def __getattribute__(self, name):
        return object.__getattribute__(self, "table")


TAKE = operator.attrgetter("table")
CALL = operator.methodcaller("__getattribute__", "table")
look = getattr
plainly = object.__getattribute__


def by_keyword(x, holder):
    match holder:
        case Holder(table=found):
            return x * found


def by_position(x, holder):
    match holder:
        case Holder(found):
            return x * found


def by_a_getter(x, holder):
    return x * TAKE(holder)


def by_a_caller(x, holder):
    return x * CALL(holder)


def by_another_name_of_getattr(x, holder):
    return x * look(holder, "tab" + "le")


def by_a_part_of_getattr(x, holder):
    return x * functools.partial(look, holder)("table")


def by_the_way_of_objects(x, holder):
    return x * plainly(holder, "table")


def as_a_tuple(x, holder):
    return x * dataclasses.astuple(holder)[0]


def as_a_dict(x, holder):
    return x * dataclasses.asdict(holder)["table"]


def as_members(x, holder):
    return x * dict(inspect.getmembers(holder))["table"]


def as_text(x, holder):
    return x * len("{.table}".format(holder))  # noqa: UP032 - as users' programs do


WAYS = [
    *(by_keyword, by_position, by_a_getter, by_a_caller, by_another_name_of_getattr, by_a_part_of_getattr),
    *(by_the_way_of_objects, as_a_tuple, as_a_dict, as_members, as_text),
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_array_that_changes_in_place_is_noticed(way):
    def make():
        holder = Holder(np.ones(3, "float32"))
        return (lambda x: way(x, holder)), lambda i: holder.table.__setitem__(0, 10.0**i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_a_class_that_answers_for_all_attributes_hides_nothing():
    def make():
        proxy = Proxy(np.ones(3, "float32"))
        return (lambda x: x * proxy.anything), lambda i: proxy.table.__setitem__(0, i)

    eager, captured, step = while_it_changes(make, X)
    assert captured == eager
    assert step.replays


def test_large_data_that_an_object_holds_and_no_step_reads_are_no_hindrance():
    holder = Holder(np.ones((1000, 1000), "float32"))
    holder.factor = 2.0

    def step(x):
        match holder:
            case Holder(factor=factor):
                return x * factor

    captured = ef.function(step)
    for _ in range(4):
        captured(X)
    assert captured.replays == 2
