"""Objects that say they are of another class, or have methods that mislead: steps with them run as eagerly."""

from __future__ import annotations

import collections
import warnings
from unittest import mock

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops

X = ef.Tensor([1.0, 2.0])


class Keyed(list):
    def keys(self):
        return range(len(self))


class Attributed(tuple):
    pass


class Hiding(dict):
    def items(self):
        raise RuntimeError("asked")

    def values(self):
        raise RuntimeError("asked")


class Lying(list):
    @property
    def __class__(self):
        return dict


def called(thing, *args):
    thing(*args)
    return thing


def attributed(*parts):
    made = Attributed(parts)
    made.keys = ["a", "b"]
    return made


HELD = {
    "a mock": (lambda: mock.Mock(return_value=2.0), lambda x, m: x * m(3)),
    "a mock that was called": (lambda: called(mock.Mock(return_value=2.0), 1), lambda x, m: x * m(3)),
    "attributes of a magic mock that was called": (
        lambda: called(mock.MagicMock(k=2.0), 1, mock.call(3)),
        lambda x, m: x * m.k,
    ),
    "a mock of a dict": (lambda: mock.Mock(spec=dict, k=2.0), lambda x, m: x * (2.0 if isinstance(m, dict) else 3.0)),
    "a mock of a list": (lambda: mock.Mock(spec=list), lambda x, m: x * (2.0 if m is None else 3.0)),
    "a mock of a number": (lambda: mock.Mock(spec=int, real=2.0), lambda x, m: x * m.real),
    "a mock of a layer": (lambda: mock.Mock(spec=layers.Layer, name="l"), lambda x, m: x * (2.0 if m.built else 3.0)),
    "a mock of a tensor": (lambda: mock.Mock(spec=ef.Tensor, shape=(2,)), lambda x, m: x * m.shape[0]),
    "a mock of a function": (lambda: mock.create_autospec(sum, return_value=2.0), lambda x, m: x * m([1.0])),
    "a list with keys": (lambda: Keyed([1.0, 2.0]), lambda x, m: x * m[0] + m[1]),
    "a tuple with keys": (lambda: attributed(1.0, 2.0), lambda x, m: x * m[0] + len(m.keys)),
    "a dict that hides what it has": (lambda: Hiding(a=2.0), lambda x, m: x * m["a"]),
    "a list that calls itself a dict": (lambda: Lying([2.0]), lambda x, m: x * m[0]),
    "a queue with an attribute": (lambda: collections.deque([2.0]), lambda x, m: x * m[0]),
}


def outcomes(make, step, given, captured):
    """What each call gives or raises, and the step."""
    thing = make()
    run = step if given else lambda x: step(x, thing)
    run = ef.function(run, verify_every=0) if captured else run
    found = []
    for i in range(7):
        try:
            found.append(run(X + i, thing).tolist() if given else run(X + i).tolist())
        except Exception as error:  # noqa: BLE001 - whatever it is, both raise the same
            found.append((type(error), str(error)))
    return found, run


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("name", HELD)
def test_a_step_that_has_it_gives_what_it_gives_eagerly(name, given):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* runs eagerly, not captured")
        found, _ = outcomes(*HELD[name], given, captured=True)
    assert found == outcomes(*HELD[name], given, captured=False)[0]


@pytest.mark.parametrize("name", [name for name in HELD if name.startswith(("a list", "a tuple", "a dict", "a queue"))])
def test_collections_of_ones_own_are_no_hindrance(name):
    _, run = outcomes(*HELD[name], False, captured=True)
    assert run.replays, run.why_eager


@pytest.mark.parametrize(
    ("thing", "change"),
    [
        (Keyed([2.0]), lambda it: it.__setitem__(0, 5.0)),
        (Lying([2.0]), lambda it: it.__setitem__(0, 5.0)),
        (attributed(2.0), lambda it: setattr(it, "scale", 5.0)),
        (mock.MagicMock(scale=2.0), lambda it: setattr(it, "scale", 5.0)),
        (mock.Mock(spec=dict, scale=2.0), lambda it: setattr(it, "scale", 5.0)),
        (mock.Mock(spec=int, scale=2.0), lambda it: setattr(it, "scale", 5.0)),
    ],
    ids=["a list with keys", "a list that lies", "a tuple", "a mock", "a mock of a dict", "a mock of a number"],
)
@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_what_changes_there_is_noticed(thing, change):
    def step(x):
        return x * (thing[0] if isinstance(thing, list) or type(thing) is Lying else getattr(thing, "scale", 3.0))

    captured = ef.function(step, verify_every=0)
    for _ in range(5):
        captured(X)
    change(thing)
    np.testing.assert_array_equal(captured(X).numpy(), step(X).numpy())


@pytest.mark.parametrize(
    "make", [lambda x: Keyed([x]), lambda x: Hiding(a=x), lambda x: attributed(x), lambda x: mock.Mock(spec=list)]
)
@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_step_may_give_it(make):
    step = ef.function(lambda x: make(ops.tanh(x)), verify_every=0)
    for _ in range(5):
        found = step(X)
        assert type(found) is type(make(X)) or isinstance(found, mock.Mock)
