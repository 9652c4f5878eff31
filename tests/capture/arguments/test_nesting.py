"""Arguments that are made anew for each call: named tuples, ordered dicts, ranges, methods, numbers of NumPy's."""

from __future__ import annotations

import collections
import typing
import warnings

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops

Batch = collections.namedtuple("Batch", "x y")
Keyed = collections.namedtuple("Keyed", "keys values")
CALLS = 7


class Typed(typing.NamedTuple):
    x: typing.Any
    scale: float = 2.0


class Scaled(collections.namedtuple("Scaled", "x")):
    scale = 2.0

    def scaled(self):
        return self.x * self.scale


class Checked(collections.namedtuple("Checked", "x")):
    __slots__ = ()

    def __new__(cls, x):
        assert isinstance(x, ef.Tensor)
        return super().__new__(cls, x * 1.0)


def given(i, n=3):
    return ef.Tensor(np.linspace(0.0, 1.0 + i, n).astype("float32"))


MADE_ANEW = {
    "a named tuple": (lambda i: Batch(given(i), given(i + 1)), lambda b: b.x * 2.0 + b.y),
    "a named tuple that is typed": (lambda i: Typed(given(i)), lambda b: b.x * b.scale),
    "a named tuple with a field called keys": (lambda i: Keyed(given(i), given(i)), lambda b: b.keys * b.values),
    "a named tuple of one's own": (lambda i: Scaled(given(i)), lambda b: b.scaled()),
    "a named tuple that makes its parts": (lambda i: Checked(given(i)), lambda b: b.x * 2.0),
    "named tuples in a list": (lambda i: [Batch(given(i), 2.0)], lambda b: b[0].x * b[0].y),
    "a named tuple with an array": (lambda i: Batch(given(i).numpy(), given(i)), lambda b: ops.multiply(b.x, b.y)),
    "an ordered dict": (lambda i: collections.OrderedDict(b=given(i), a=2.0), lambda b: b["a"] * b["b"] + len(b)),
    "an ordered dict with an array": (
        lambda i: collections.OrderedDict(a=given(i).numpy()),
        lambda b: ops.multiply(b["a"], 2.0),
    ),
    "a number of NumPy's": (lambda i: np.float32(0.1), lambda b: given(1) * b),
    "an integer of NumPy's": (lambda i: np.int64(3), lambda b: given(1) * b),
    "a range": (lambda i: range(1, 3), lambda b: given(1) * sum(b)),
    "a slice": (lambda i: slice(0, 2), lambda b: given(1)[b]),
    "a frozen set": (lambda i: frozenset("ab"), lambda b: given(1) * len(b)),
    "a method": (lambda i: SCALE.times, lambda b: b(given(1))),
}


class Scale:
    by = 2.0

    def times(self, x):
        return x * self.by


SCALE = Scale()


@pytest.mark.parametrize("name", MADE_ANEW)
def test_what_is_made_anew_with_the_same_parts_is_no_hindrance(name):
    make, function = MADE_ANEW[name]
    step = ef.function(lambda x, b: ops.sum(x) * function(b), verify_every=0)
    for i in range(CALLS):
        found, plain = step(given(i), make(i)), ops.sum(given(i)) * function(make(i))
        np.testing.assert_array_equal(found.numpy(), plain.numpy())
    assert step.why_eager is None
    assert step.replays >= CALLS - 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.float32(2.0), np.float64(2.0)),
        (np.float32(0.0), np.float32(-0.0)),
        (range(3), range(0, 6, 2)),
        (slice(0, 2), slice(0, True)),
        (slice(0, 2), slice(0, 2, 1)),
        (frozenset({1}), frozenset({True})),
        (Batch(X := given(1), 2.0), (X, 2.0)),
        (Batch(X, 2.0), Batch(X, 2)),
        (Batch(X, 2.0), Typed(X, 2.0)),
        (collections.OrderedDict(a=X, b=X), collections.OrderedDict(b=X, a=X)),
        (collections.OrderedDict(a=X), {"a": X}),
        (Scale().times, Scale().times),
    ],
)
def test_what_a_step_may_tell_apart_is(one, other):
    def told(b):
        parts = list(b) if isinstance(b, (dict, tuple)) else [b]
        parts += [getattr(b, "__self__", None)]
        return [
            type(b).__name__,
            *[type(each).__name__ if isinstance(each, ef.Tensor) else repr(each) for each in parts],
        ]

    step = ef.function(lambda x, b: (x * 2.0, told(b)), verify_every=0)
    for _ in range(4):
        assert step(X, one)[1] == told(one)
        assert step(X, other)[1] == told(other)
    assert step.signatures == 2


@pytest.mark.parametrize("make", [lambda i: frozenset([[8, 0], [0, 8]][i % 2]), lambda i: Scale().times])
def test_another_one_at_the_place_of_one_that_is_gone_is_told_apart(make):
    def step(x, b):
        for k in b if isinstance(b, frozenset) else (b.__self__.by,):
            x = x * (k + 3) - 1
        return x

    captured = ef.function(step, verify_every=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(16):
            Scale.by = float(i % 2)
            assert captured(X, make(i)).tolist() == step(X, make(i)).tolist()
    Scale.by = 2.0


def test_numbers_that_differ_in_every_call_are_told_to_be_passed_as_tensors():
    step = ef.function(lambda x, rate: x * rate)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i in range(40):
            step(X, np.float32(i))
    assert "again and again: pass numbers as tensors" in str(caught[-1].message)
