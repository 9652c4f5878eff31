"""What a step gives: the objects that the eager step gives, one where that gives one, and the caller's own."""

from __future__ import annotations

import collections

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.capture.steps import many


def calls(step, count=6):
    """What a step gives in each of some calls, and what it was given."""
    found = []
    for i in range(count):
        x = ef.Tensor([1.0 + i, 2.0])
        found.append((step(x), x))
    return found


def test_a_list_that_is_given_twice_is_one_list():
    def step(x):
        history = [x * 2.0, x + 1.0]
        return {"carry": history, "best": history, "other": [x]}

    captured = ef.function(step, verify_every=2)
    for found, _ in calls(captured):
        found["carry"].append(None)
        assert len(found["best"]) == 3
        assert len(found["other"]) == 1
    assert captured.replays


def test_a_tensor_that_is_given_twice_is_one_tensor():
    def step(x):
        y = x * 2.0
        return y, [y, (y, x * 2.0)]

    captured = ef.function(step, verify_every=2)
    for (first, (second, (third, other))), x in calls(captured):
        assert first is second is third is not other
        assert first.tolist() == other.tolist() == [2 * x.tolist()[0], 4.0]
    assert captured.replays


def test_an_argument_that_is_given_back_is_the_callers():
    Pair = collections.namedtuple("Pair", "x y")
    captured = ef.function(lambda x: (x, {"pair": Pair(x, x * 2.0)}, [[x]]), verify_every=2)
    for (first, named, nested), x in calls(captured):
        assert first is x
        assert named["pair"].x is x
        assert nested[0][0] is x
        assert named["pair"].y.tolist() == [2 * v for v in x.tolist()]
    assert captured.replays


def test_an_argument_is_given_back_under_a_tape():
    captured = ef.function(lambda x: (x, ops.sum(x * x)))
    for _ in range(6):
        x = ef.Variable([1.0, 2.0]) * 1.0
        with ef.GradientTape() as tape:
            tape.watch(x)
            same, loss = captured(x)
        assert same is x
        assert tape.gradient(loss, x).tolist() == [2.0, 4.0]
    assert captured.replays


def test_a_mask_that_is_given_back_is_the_callers():
    captured = ef.function(lambda x: (x * 2.0, x.mask))
    for _ in range(5):
        x, mask = ef.Tensor([1.0, 2.0]), ef.Tensor([True, False])
        x.mask = mask
        assert captured(x)[1] is mask
    assert captured.replays


def test_observed_replays_give_the_same_objects():
    import viz

    captured = ef.function(lambda x: (x, [y := x * 2.0, y]))
    calls(captured)
    with viz.trace():
        for (first, (second, third)), x in calls(captured, 2):
            assert first is x
            assert second is third
    assert captured.replays > 4


@pytest.mark.parametrize("make", [lambda: ops.ones(2), lambda: np.ones(2, "float32")], ids=["tensor", "array"])
def test_constants_that_a_step_makes_are_new_each_time(make):
    captured = ef.function(lambda x: (x * 2.0, same := make(), same), verify_every=3)
    found = [given[1:] for given, _ in calls(captured)]
    assert captured.replays
    assert len({id(first) for first, _ in found}) == len(found)
    assert all(first is second for first, second in found)
    first = found[-1][0]
    if isinstance(first, np.ndarray):
        first[:] = 7.0  # which is the caller's, as it is eagerly
        assert captured(ef.Tensor([1.0, 2.0]))[1].tolist() == [1.0, 1.0]


def test_constants_that_were_there_are_given_themselves():
    kept, pair = ef.Tensor([3.0]), (ef.Tensor([4.0]), 1)
    captured = ef.function(lambda x: (x * kept, kept, pair))
    for found, _ in calls(captured):
        assert found[1] is kept
        assert found[2] is pair
    assert captured.replays


class Pair(collections.namedtuple("Pair", "a b")):
    """A named tuple with attributes."""


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
def test_attributes_of_a_named_tuple_are_kept():
    def step(x):
        pair = Pair(x, x * 2.0)
        pair.extra = 3
        return pair

    captured = ef.function(step)
    for found, x in calls(captured):
        assert found.extra == 3
        assert found.a is x
        assert type(found) is Pair
    assert "Pair with attributes" in captured.why_eager


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
def test_a_list_that_holds_itself_is_given_eagerly():
    def step(x):
        found = [x * 2.0]
        found.append(found)
        return found

    captured = ef.function(step)
    for found, _ in calls(captured):
        assert found[1] is found
    assert "holds itself" in captured.why_eager


# -- arguments that a step changes


def sets_the_mask(x):
    x.mask = x > 0
    return x * 2.0


def takes_the_mask_away(x):
    y = x * 2.0
    del x.mask
    return y


def sets_values(x):
    x.data = np.zeros(2, "float32")
    return x * 2.0


def mask_of(x):
    mask = getattr(x, "mask", None)
    return None if mask is None else mask.tolist()


@pytest.mark.filterwarnings("ignore:.*runs eagerly")
@pytest.mark.parametrize("step", [sets_the_mask, takes_the_mask_away, sets_values])
@pytest.mark.parametrize("nested", [False, True])
def test_what_a_step_sets_on_its_arguments_is_there_afterwards(step, nested):
    captured = ef.function((lambda batch: step(batch["x"][0])) if nested else step)
    for _ in range(6):
        mine, theirs = ef.Tensor([1.0, -1.0]), ef.Tensor([1.0, -1.0])
        mine.mask, theirs.mask = ef.Tensor([True, True]), ef.Tensor([True, True])
        found = step(mine), captured({"x": [theirs]} if nested else theirs)
        for a, b in ((mine, theirs), found):
            assert a.tolist() == b.tolist()
            assert mask_of(a) == mask_of(b)
    assert not captured.replays
    assert "a tensor that it is given" in captured.why_eager


def test_a_mask_that_a_step_sets_stays_where_the_step_fails():
    def step(x):
        x.mask = x > 0
        raise KeyError("no")

    captured = ef.function(step)
    for _ in range(3):
        x = ef.Tensor([1.0, -1.0])
        with pytest.raises(KeyError):
            captured(x)
        assert x.mask.tolist() == [True, False]


def test_a_step_that_gives_its_argument_back_only_since_something_changed_is_given_it():
    """The quick way of replays was found for the program before, which gave something else."""
    switch = [False]
    step = ef.function(lambda x: x if switch[0] else x * 2.0)
    x = ef.Tensor([1.0, 2.0])
    many(step, x)
    switch[0] = True
    for _ in range(6):
        assert step(x) is x
