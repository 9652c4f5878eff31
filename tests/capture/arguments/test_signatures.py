"""Keys of dicts among the arguments: equal ones may be told apart by the step."""

from __future__ import annotations

import dataclasses
import enum
import math

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
IDS = ef.Tensor(np.array([1, 2], "int32"))


def by_weight(batch):
    return ops.sum(ops.stack([key.weight * ops.sum(x) for key, x in batch.items()]))


@dataclasses.dataclass(eq=False)
class Task:
    weight: float = 1.0


class Kind(enum.Enum):
    FIRST = 1
    weight = 3.0


def test_a_key_that_is_equal_is_another_object():
    @dataclasses.dataclass(frozen=True)
    class Named:
        name: str
        weight: float = dataclasses.field(default=1.0, compare=False)

    step, first = ef.function(by_weight), Named("a")
    many(step, {first: X})
    assert step.replays
    assert float(step({Named("a", 4.0): X})) == 12.0
    assert float(step({first: X})) == 3.0


@pytest.mark.parametrize(
    ("key", "other", "take"),
    [
        (0.0, -0.0, lambda key: math.copysign(2.0, key)),
        ((1,), (1.0,), lambda key: key[0]),
        ((0, (True,)), (0, (1,)), lambda key: str(key[1][0]) == "True"),
        (np.float32(1.0), np.float64(1.0), lambda key: key.dtype.itemsize),
        (1, True, lambda key: str(key) == "1"),
    ],
)
def test_equal_keys_of_other_kinds_are_told_apart(key, other, take):
    def by_key(batch):
        return [x * take(key) for key, x in batch.items()]

    step = ef.function(by_key)
    many(step, {key: IDS})
    assert step.replays
    for each in (other, key, other):
        found, expected = step({each: IDS})[0], by_key({each: IDS})[0]
        assert found.dtype == expected.dtype
        assert found.tolist() == expected.tolist()


def test_keys_of_an_enumeration_are_replayed():
    step = ef.function(lambda batch: batch[Kind.FIRST] * 2.0)
    many(step, {Kind.FIRST: X})
    assert step.replays


def test_what_varies_is_said_of_keys():
    step = ef.function(by_weight)

    def call_often():
        for _ in range(20):
            step({Task(): X})

    with pytest.warns(UserWarning, match="its arguments have another .* identity again and again"):
        call_often()


def test_the_class_of_data_with_axes_is_no_hindrance():
    step = ef.function(lambda x: x * (2.0 if type(x.data) is np.ndarray else 3.0), verify_every=0)
    for _ in range(5):
        assert step(ef.Tensor([1.0])).tolist() == [2.0]
    assert step.replays
