"""A step that changes the lists and dicts it is given, or asks which objects they are, does as without capture."""

from __future__ import annotations

import gc
import re
import warnings
import weakref
from collections import OrderedDict, defaultdict
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import eagerflow as ef

KNOWN = ef.Tensor([5.0, 6.0])  # what a step may be given and reach in another way, too
CALLS = 8


def appends(given):
    given.append(given[0] * 2)
    return given[-1]


def sets_an_item(given):
    given[0] = given[0] * 2
    return given[0] + 1


def adds_in_place(given):
    given += [given[0]]
    return given[0] * 1


def reverses(given):
    given.reverse()
    return given[0] - given[1]


def clears(given):
    first = given[0] * 1
    given.clear()
    return first


def puts_into_a_dict(given):
    given["made"] = given["x"] * 2
    return given["made"] + 1


def takes_out_of_a_dict(given):
    return given.pop("x") * 2


def appends_within_a_dict(given):
    given["rows"].append(given["x"])
    return given["x"] * 1


def swaps_within_a_dict(given):
    given["rows"][:], given["pair"] = [given["pair"][0]], (given["rows"][0], given["x"])
    return given["x"] * 1


CHANGING = {
    each: lambda i: [ef.Tensor([1.0 + i, 2.0]), ef.Tensor([0.5, i])]
    for each in (appends, sets_an_item, adds_in_place, reverses, clears)
} | {
    each: lambda i: {"x": ef.Tensor([1.0 + i]), "rows": [ef.Tensor([3.0])], "pair": (ef.Tensor([4.0 + i]), 1)}
    for each in (puts_into_a_dict, takes_out_of_a_dict, appends_within_a_dict, swaps_within_a_dict)
}


def numbers(value):
    return ef.tree.map_structure(np.asarray, value)


def both(function, give):
    """What a function gives and leaves in its arguments, eagerly and captured, and the captured one."""
    step, found = ef.function(function), []
    for run in (function, step):
        rows = []
        for i in range(CALLS):
            given = give(i)
            rows.append((numbers(run(given)), numbers(given)))
        found.append(rows)
    return *found, step


@pytest.mark.parametrize("function", CHANGING)
@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_the_callers_lists_and_dicts_are_changed(function):
    eager, captured, step = both(function, CHANGING[function])
    assert repr(captured) == repr(eager)
    assert step.replays == 0
    assert "the step c" in step.why_eager  # changes a list, calls list.append


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_change_of_a_later_call_reaches_the_caller_too():
    scale = {"by": 2}

    def grows(rows):
        if scale["by"] == 3:
            rows.append(rows[0] * scale["by"])
        return rows[0] * scale["by"]

    step = ef.function(grows)
    for i in range(CALLS):
        scale["by"] = 3 if i > 4 else 2
        rows = [ef.Tensor([1.0])]
        step(rows)
        assert len(rows) == (2 if i > 4 else 1)


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_what_a_failing_step_has_put_into_a_list_stays_there():
    def fails(rows):
        rows.append(rows[0] * 2)
        raise ValueError("too late")

    step = ef.function(fails)
    for _ in range(CALLS):
        rows = [ef.Tensor([1.0])]
        with pytest.raises(ValueError, match="too late"):
            step(rows)
        assert len(rows) == 2


def test_lists_that_are_only_read_are_captured_and_come_back_as_they_were():
    step = ef.function(lambda given: {"sum": given["rows"][0] + given["rows"][1], "first": given["rows"][0]})
    for i in range(CALLS):
        rows = [ef.Tensor([1.0 * i]), ef.Tensor([2.0])]
        step(given := {"rows": rows})
        assert given["rows"] is rows
        assert len(rows) == 2
    assert step.replays == CALLS - 2


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_list_that_is_given_back_is_the_same_list():
    step = ef.function(lambda rows, x: (x * 2, rows))
    for _ in range(CALLS):
        rows = [ef.Tensor([1.0])]
        assert step(rows, rows[0])[1] is rows
    assert "gives back the very list" in step.why_eager


def test_two_arguments_that_are_one_tensor_are_one_in_the_step():
    step = ef.function(lambda a, b: a * 2 if a is b else a - b)
    x = ef.Tensor([1.0, 2.0])
    for i in range(CALLS):
        same = i % 2 == 0
        found = step(x, x if same else ef.Tensor([1.0, 1.0]))
        assert found.numpy().tolist() == ([2.0, 4.0] if same else [0.0, 1.0])
    assert step.replays == CALLS - 4


WAYS = {
    "is": lambda x: x * 0 if x is KNOWN else x * 1,
    "any": lambda x: x * 0 if any(x is each for each in [KNOWN]) else x * 1,
    "key": lambda x, of={KNOWN: 0.0}: x * of.get(x, 1.0),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_tensor_that_the_step_reaches_in_another_way_too_is_known_as_it(way):
    step = ef.function(WAYS[way])
    for i in range(CALLS):
        given = KNOWN if i % 3 == 0 else ef.Tensor([5.0, 6.0])
        assert step(given).numpy().tolist() == ([0.0, 0.0] if given is KNOWN else [5.0, 6.0])
    assert step.replays > 0


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_step_that_asks_for_identities_runs_eagerly():
    factors = {id(KNOWN): 3.0}
    step = ef.function(lambda x: x * factors.get(id(x), 1.0))
    for i in range(CALLS):
        given = KNOWN if i % 3 == 0 else ef.Tensor([5.0, 6.0])
        assert step(given).numpy().tolist() == ([15.0, 18.0] if given is KNOWN else [5.0, 6.0])
    assert "asks with id()" in step.why_eager


def test_a_changed_list_of_arrays_is_the_callers():
    def doubles(rows):
        rows.append(ef.ops.multiply(rows[0], 2))
        return rows[-1]

    step = ef.function(doubles)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* runs eagerly, not captured")
        for _ in range(CALLS):
            rows = [np.ones(2, "float32")]
            step(rows)
            assert type(rows[0]) is np.ndarray
            assert len(rows) == 2


class Trains:
    """Has its data beside it, and passes it to its step."""

    def __init__(self):
        self.rows = [ef.Tensor([1.0 * i, 2.0]) for i in range(4)]
        self.step = ef.function(self.doubled)

    def doubled(self, x):
        return x * 2


def test_tensors_that_the_step_reaches_too_make_no_difference_where_it_doesnt_ask_for_them():
    trains = Trains()
    for _ in range(3):
        for i, row in enumerate(trains.rows):
            assert trains.step(row).tolist() == [2.0 * i, 4.0]
    assert trains.step.replays == 3 * 4 - 2
    assert trains.step.signatures == 1


def test_calls_with_a_tensor_that_the_step_may_ask_for_are_captured_too():
    step = ef.function(WAYS["is"])
    for _ in range(CALLS):
        assert step(KNOWN).tolist() == [0.0, 0.0]
    assert step.replays >= CALLS // 2
    assert step(ef.Tensor([5.0, 6.0])).tolist() == [5.0, 6.0]
    assert step(KNOWN).tolist() == [0.0, 0.0]


class Pair(NamedTuple):
    first: ef.Tensor
    number: int


class Row(list):
    """A list of one's own."""


RESULTS = {
    "a named tuple": lambda x: Pair(x * 2, 3),
    "an op's named tuple": lambda x: ef.ops.top_k(x, 1),
    "a list of named tuples": lambda x: [Pair(x * 2, 1), Pair(x + 1, 2)],
    "an ordered dict": lambda x: OrderedDict(a=x * 2, b=1),
    "a dict of numbers": lambda x: {"a": 1, "b": [2, (3, x)]},
    "numbers alone": lambda x: [1, [2]],
}


@pytest.mark.parametrize("name", RESULTS)
def test_collections_are_made_of_each_calls_own_values(name):
    step = ef.function(RESULTS[name])
    first, later = ef.Tensor([1.0, 2.0]), ef.Tensor([5.0, 3.0])
    for given in (first, first, first, first, later, first):  # the same at first: nothing of it may be kept
        found, expected = step(given), RESULTS[name](given)
        assert type(found) is type(expected)
        assert repr(found) == repr(expected)
    assert step.replays == 4


def test_a_list_of_numbers_that_a_caller_changes_is_its_own():
    step = ef.function(lambda x: {"seen": [1], "x": x * 2})
    for _ in range(CALLS):
        found = step(KNOWN)
        assert found["seen"] == [1]
        found["seen"].append(2)
        found["more"] = 3
    assert step.replays == CALLS - 2


def test_a_list_from_outside_is_given_itself():
    kept = [1, 2]
    step = ef.function(lambda x: (x * 2, kept))
    for _ in range(CALLS):
        assert step(KNOWN)[1] is kept
    assert step.replays > 0


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
@pytest.mark.parametrize("kind", [Row, lambda parts: defaultdict(list, x=parts)])
def test_collections_that_a_replay_can_not_make_are_named(kind):
    step = ef.function(lambda x: kind([x * 2]))
    for given in (KNOWN, KNOWN, KNOWN, ef.Tensor([1.0, 1.0])):
        found = step(given)
        assert type(found) in (Row, defaultdict)
        assert repr(found) == repr(kind([given * 2]))
    assert re.search(r"gives a (Row|defaultdict) of its own", step.why_eager)


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_an_object_that_each_call_makes_is_named_as_the_reason():
    step = ef.function(lambda x: [{"seen": {1, 2}, "x": x * 2}])
    for _ in range(CALLS):
        step(KNOWN)
    assert "it gives another set each time" in step.why_eager


def test_tensors_that_a_step_reached_once_are_let_go():
    holder = SimpleNamespace()

    def step(x, names=("a",), name="a"):
        return x + holder.shift if name in names else x

    captured, seen = ef.function(step), []
    for i in range(6):
        holder.shift = ef.Tensor([float(i)])
        seen.append(weakref.ref(holder.shift))
        assert [captured(ef.Tensor([1.0])).tolist() for _ in range(5)] == [[1.0 + i]] * 5
    gc.collect()
    assert captured.replays
    assert [ask() is not None for ask in seen] == [False] * 5 + [True]
