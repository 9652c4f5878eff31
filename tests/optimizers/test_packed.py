"""Packed variables: the same numbers as without packing, and nothing that others see ever changes."""

from __future__ import annotations

import contextlib
import copy
import pickle

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import optimizers
from eagerflow.core import observe
from eagerflow.core.stateless_scope import StatelessScope
from eagerflow.kernels.machine import threads
from eagerflow.optimizers.updates import packed, passes

ELEMENTWISE = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "adam": lambda: optimizers.Adam(0.1),
    "amsgrad": lambda: optimizers.Adam(0.1, amsgrad=True),
    "adamw": lambda: optimizers.AdamW(0.1, weight_decay=0.1),
    "adamax": lambda: optimizers.Adamax(0.1),
    "nadam": lambda: optimizers.Nadam(0.1),
    "rmsprop": lambda: optimizers.RMSprop(0.1),
    "centered": lambda: optimizers.RMSprop(0.1, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "adadelta": lambda: optimizers.Adadelta(0.1),
    "lion": lambda: optimizers.Lion(0.1),
    "clipped": lambda: optimizers.Adam(0.1, global_clipnorm=0.5),
    "clipped each": lambda: optimizers.Adam(0.1, clipnorm=0.5),
    "averaged": lambda: optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2),
    "accumulated": lambda: optimizers.Adam(0.1, gradient_accumulation_steps=2),
}
SHAPES = [(3, 4), (4,), (), (1, 1), (5, 2, 3), (0,), (70_000, 5)]


def variables(dtype: str = "float32") -> list[ef.Variable]:
    rng = np.random.default_rng(1)
    return [ef.Variable(rng.normal(size=shape).astype(dtype)) for shape in SHAPES]


def gradients(step: int, dtype: str = "float32") -> list[ef.Tensor]:
    rng = np.random.default_rng(step)
    return [ef.Tensor(rng.normal(size=shape).astype(dtype)) for shape in SHAPES]


def trained(make, steps: int = 5) -> list[np.ndarray]:
    optimizer, trained = make(), variables()
    for step in range(steps):
        optimizer.apply(gradients(step), trained)
    return [v.numpy() for v in (*trained, *optimizer.variables)]


def small(count: int = 3) -> list[ef.Variable]:
    return [ef.Variable(np.full((2, 3), i, "float32")) for i in range(count)]


def ones(count: int = 3) -> list[ef.Tensor]:
    return [ef.Tensor(np.ones((2, 3), "float32")) for _ in range(count)]


def is_packed(*found: ef.Variable) -> bool:
    return all(v.data.base is not None and v.data.base is found[0].data.base for v in found)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_packing_and_cutting_change_no_bit(name, monkeypatch):
    together = trained(ELEMENTWISE[name])
    monkeypatch.setattr(packed, "LARGEST", 0)
    monkeypatch.setattr(passes, "_WHOLE", 1 << 40)
    monkeypatch.setattr(passes, "_PIECE", 1 << 40)
    for expected, found in zip(trained(ELEMENTWISE[name]), together, strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["adamw", "clipped", "nadam"])
def test_threads_change_no_bit(name):
    results = []
    for count in (1, 3):
        threads.set_num_threads(count)
        results.append(trained(ELEMENTWISE[name]))
    threads.set_num_threads(None)
    for one, several in zip(*results, strict=True):
        np.testing.assert_array_equal(one, several)


def test_small_variables_share_an_array_and_keep_doing_so():
    optimizer, found = optimizers.Adam(), small()
    for _ in range(4):
        optimizer.apply(ones(), found)
    assert is_packed(*found)
    place = found[0].data.ctypes.data
    optimizer.apply(ones(), found)
    optimizer.apply(ones(), found)
    assert found[0].data.ctypes.data == place  # one of two
    assert all(v.data.ctypes.data % 64 == 0 for v in found)


def test_variables_of_two_types_lie_apart():
    optimizer = optimizers.SGD(1.0)
    singles, doubles = small(2), [ef.Variable(np.ones(2), dtype="float64") for _ in range(2)]
    g = [*ones(2), *[ef.Tensor(np.ones(2), "float64") for _ in range(2)]]
    optimizer.apply(g, [*singles, *doubles])
    assert is_packed(*singles)
    assert is_packed(*doubles)
    assert [v.dtype.name for v in (*singles, *doubles)] == ["float32"] * 2 + ["float64"] * 2
    assert doubles[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "look",
    [
        lambda v: v.value,
        lambda v: ef.ops.reshape(v, (-1,)),
        lambda v: v[0],
        lambda v: ef.Tensor(v),
        lambda v: v.numpy(),
        lambda v: np.asarray(v),
        lambda v: copy.deepcopy(v),
        lambda v: pickle.loads(pickle.dumps(v)),
    ],
    ids="value reshape item tensor numpy asarray deepcopy pickle".split(),
)
def test_what_others_see_does_not_change(look):
    optimizer, found = optimizers.SGD(1.0), small()
    optimizer.apply(ones(), found)
    seen = look(found[1])
    before = np.array(seen)
    optimizer.apply(ones(), found)
    np.testing.assert_array_equal(np.array(seen), before)
    assert found[1].tolist() == [[-1.0] * 3] * 2
    del seen
    optimizer.apply(ones(), found)
    assert found[1].tolist() == [[-2.0] * 3] * 2


def test_a_slot_that_somebody_keeps_does_not_change():
    optimizer, found = optimizers.SGD(1.0, momentum=0.5), small()
    optimizer.apply(ones(), found)
    seen = optimizer.variables[2].value
    before = seen.tolist()
    optimizer.apply(ones(), found)
    assert seen.tolist() == before


def test_a_persistent_tape_keeps_what_it_saw():
    optimizer, (a, b) = optimizers.SGD(1.0), small(2)
    optimizer.apply(ones(2), [a, b])
    with ef.GradientTape(persistent=True) as tape:
        y = ef.ops.sum(a * b)
    before = b.tolist()
    optimizer.apply(ones(2), [a, b])
    assert tape.gradient(y, a).tolist() == before
    assert a.tolist() == [[-2.0] * 3] * 2


def test_assigned_values_count():
    optimizer, found = optimizers.SGD(1.0), small()
    optimizer.apply(ones(), found)
    found[2].assign(np.full((2, 3), 10.0))
    optimizer.apply(ones(), found)
    assert [v.tolist()[0][0] for v in found] == [-2.0, -1.0, 9.0]
    assert is_packed(*found)


def test_two_optimizers_of_the_same_variables():
    first, second, found = optimizers.SGD(1.0), optimizers.SGD(0.5), small()
    for _ in range(50):
        first.apply(ones(), found)
        second.apply(ones(), found)
    assert [v.tolist()[0][0] for v in found] == [-75.0, -74.0, -73.0]


def test_one_optimizer_of_changing_sets():
    optimizer, found = optimizers.SGD(1.0), small(4)
    optimizer.build(found)
    for i in range(40):
        chosen = [v for j, v in enumerate(found) if (i + j) % 3]
        optimizer.apply(ones(len(chosen)), chosen)
    expected = [j - sum((i + j) % 3 > 0 for i in range(40)) for j in range(4)]
    assert [v.tolist()[0][0] for v in found] == expected


def test_packing_is_given_up_where_somebody_always_looks():
    optimizer, found, seen = optimizers.SGD(1.0), small(), []
    for _ in range(60):
        seen.append(found[0].value)
        optimizer.apply(ones(), found)
    assert not is_packed(*found)
    assert [s.tolist()[0][0] for s in seen] == [-float(i) for i in range(60)]


def test_variables_with_constraints_have_arrays_of_their_own():
    optimizer, found = optimizers.SGD(1.0), small()
    found[1].constraint = ef.constraints.NonNeg()
    optimizer.apply(ones(), found)
    assert found[1].data.base is None
    assert found[1].tolist() == [[0.0] * 3] * 2
    assert is_packed(found[0], found[2])


def test_updates_within_a_stateless_scope_are_taken_back():
    optimizer, found = optimizers.SGD(1.0), small()
    optimizer.apply(ones(), found)
    with StatelessScope([(v, v.value) for v in found]) as scope:
        optimizer.apply(ones(), found)
    assert [scope.get_current_value(v).tolist()[0][0] for v in found] == [-2.0, -1.0, 0.0]
    assert [v.tolist()[0][0] for v in found] == [-1.0, 0.0, 1.0]
    optimizer.apply(ones(), found)
    assert [v.tolist()[0][0] for v in found] == [-2.0, -1.0, 0.0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_by_itself(copied):
    x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, activation="tanh"), ef.layers.Dense(1)])
    model.compile(optimizers.Adam(0.1), "mse")
    model.train_on_batch(x, y)
    other = copied(model)
    before = [w.copy() for w in model.get_weights()]
    found = [other.train_on_batch(x, y) for _ in range(3)]
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [model.train_on_batch(x, y) for _ in range(3)] == found
    assert is_packed(*model.trainable_variables)
    assert is_packed(*other.trainable_variables)


def test_every_variable_of_a_pack_is_announced():
    heard = []

    class Listener(observe.Observer):
        def on_update(self, name, variable, inputs, started, ended):
            heard.append((name, variable.identity))

    optimizer, found = optimizers.SGD(1.0), small()
    optimizer.apply(ones(), found)
    with observe.observing(Listener()):
        optimizer.apply(ones(), found)
    assert heard == [("sgd_update", v.identity) for v in found]
    optimizer.apply(ones(), found)
    assert [v.tolist()[0][0] for v in found] == [-3.0, -2.0, -1.0]


def test_a_watched_pass_is_the_same_pass_and_its_time_is_shared_by_size():
    heard = []

    class Listener(observe.Observer):
        def on_update(self, name, variable, inputs, started, ended):
            heard.append((ended - started, started, ended, inputs[0].tolist()))

    def trained(watched):
        found = [ef.Variable(np.ones(n, "float32")) for n in (1, 3)]
        optimizer = optimizers.Adam(0.1, global_clipnorm=0.5)
        optimizer.apply([ef.ops.ones(1), ef.ops.ones(3)], found)
        with observe.observing(Listener()) if watched else contextlib.nullcontext():
            optimizer.apply([ef.ops.ones(1), ef.ops.ones(3)], found)
        assert is_packed(*found)
        return [v.numpy().tobytes() for v in found]

    assert trained(True) == trained(False)
    (one, begun, between, first), (three, again, _, _) = heard
    assert between == again > begun
    assert abs(three - 3 * one) <= 3  # whole nanoseconds
    assert first == pytest.approx([0.25])  # as it was applied: scaled down
