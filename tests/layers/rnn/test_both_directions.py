"""`Bidirectional` as one op gives the numbers of one op for each direction."""

from __future__ import annotations

import itertools
from unittest import mock

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L
from eagerflow.core.observe import Observer, observing
from eagerflow.layers.rnn.both_directions import fit_together


class Names(Observer):
    """Which ops ran."""

    def __init__(self):
        self.seen = []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        self.seen.append(op.name)


def one_by_one():
    """Each direction runs by itself."""
    return mock.patch("eagerflow.layers.rnn.bidirectional.fit_together", return_value=False)


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def pair(layer):
    return layer.forward_layer, layer.backward_layer


def outputs_and_gradients(layer, x, **arguments):
    """Arrays: what a call answers, and the gradients of weights and inputs."""
    x = ef.Tensor(x)
    with ef.GradientTape() as tape:
        tape.watch(x)
        found = layer(x, **arguments)
        found = list(found) if isinstance(found, tuple) else [found]
        total = sum((part * part).sum() for part in found)
    gradients = tape.gradient(total, [x, *layer.trainable_weights])
    return [part.numpy() for part in (*found, *gradients)]


def assert_same_as_one_by_one(layer, x, **arguments):
    layer(x)
    assert fit_together(pair(layer), ef.Tensor(x), arguments.get("training"))
    found = outputs_and_gradients(layer, x, **arguments)
    with one_by_one():
        expected = outputs_and_gradients(layer, x, **arguments)
    for ours, wanted in zip(found, expected, strict=True):
        assert ours.dtype == wanted.dtype
        assert ours.tobytes() == wanted.tobytes()


KINDS = pytest.mark.parametrize("kind", [L.LSTM, L.GRU])
MODES = list(itertools.product([False, True], [False, True], ["concat", None, "sum"]))


@KINDS
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("sequences", "states", "merge_mode"), MODES)
def test_the_numbers_are_those_of_one_by_one(kind, masked, sequences, states, merge_mode):
    layer = L.Bidirectional(kind(6, return_sequences=sequences, return_state=states), merge_mode=merge_mode)
    mask = np.random.default_rng(1).random((5, 9)) < 0.6 if masked else None
    assert_same_as_one_by_one(layer, normal(5, 9, 4), mask=mask)


@KINDS
@pytest.mark.parametrize("shape", [(1, 7, 3), (4, 1, 1), (1, 40, 1), (0, 5, 3), (40, 33, 17)])
def test_any_shape(kind, shape):
    assert_same_as_one_by_one(L.Bidirectional(kind(5, return_sequences=True)), normal(*shape))


@KINDS
def test_float64(kind):
    assert_same_as_one_by_one(
        L.Bidirectional(kind(5, dtype="float64"), dtype="float64"), normal(3, 8, 4, dtype="float64")
    )


@KINDS
def test_states_to_begin_with(kind):
    layer = L.Bidirectional(kind(5, return_state=True))
    starts = [ef.Tensor(normal(3, 5) * i) for i in range(1, 5 if kind is L.LSTM else 3)]
    assert_same_as_one_by_one(layer, normal(3, 8, 4), initial_state=starts)


@KINDS
def test_the_first_layer_may_be_the_one_that_goes_backwards(kind):
    layer = L.Bidirectional(
        kind(5, return_sequences=True, go_backwards=True), backward_layer=kind(5, return_sequences=True)
    )
    assert_same_as_one_by_one(layer, normal(3, 8, 4))


@KINDS
def test_one_layer_without_bias(kind):
    back = kind(5, use_bias=False, go_backwards=True)
    assert_same_as_one_by_one(L.Bidirectional(kind(5), backward_layer=back), normal(3, 8, 4))


@KINDS
def test_stateful_layers_keep_their_states(kind):
    together, apart = (L.Bidirectional(kind(3, stateful=True)) for _ in range(2))
    x = normal(2, 4, 3)
    for layer in (together, apart):
        layer(x)
        layer.reset_state()
    apart.set_weights(together.get_weights())
    for _ in range(3):
        found = together(x).numpy()
        with one_by_one():
            expected = apart(x).numpy()
        assert found.tobytes() == expected.tobytes()
    for ours, wanted in zip(together.states, apart.states, strict=True):
        assert ours.numpy().tobytes() == wanted.numpy().tobytes()


@KINDS
def test_dropout_of_inputs_draws_the_same(kind):
    layer = L.Bidirectional(kind(5, dropout=0.5, seed=3))
    x = ef.Tensor(normal(4, 6, 3))
    layer(x)
    seeds = [one.cell.seed_generator.state for one in pair(layer)]
    before = [seed.numpy() for seed in seeds]
    assert fit_together(pair(layer), x, True)
    found = layer(x, training=True).numpy()
    for seed, value in zip(seeds, before, strict=True):
        seed.assign(value)
    with one_by_one():
        expected = layer(x, training=True).numpy()
    assert found.tobytes() == expected.tobytes()
    assert not np.allclose(found, layer(x).numpy())


@KINDS
def test_second_order_gradients(kind):
    layer = L.Bidirectional(kind(3, return_sequences=True))
    x = ef.Tensor(normal(2, 4, 3))
    layer(x)

    def penalty():
        with ef.GradientTape() as outer:
            outer.watch(x)
            with ef.GradientTape() as inner:
                inner.watch(x)
                loss = (layer(x) ** 3).sum()
            slope = inner.gradient(loss, x)
            total = (slope * slope).sum()
        return [g.numpy() for g in outer.gradient(total, [x, *layer.trainable_weights])]

    found = penalty()
    with one_by_one():
        expected = penalty()
    for ours, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=2e-4, atol=1e-5)
    assert any(np.abs(g).max() > 0 for g in found)


class OwnCall(L.GRU):
    """A subclass, whose call may do anything."""


APART = {
    "kinds": lambda: L.Bidirectional(L.LSTM(4), backward_layer=L.GRU(4, go_backwards=True)),
    "subclass": lambda: L.Bidirectional(OwnCall(4)),
    "units": lambda: L.Bidirectional(L.GRU(4), backward_layer=L.GRU(3, go_backwards=True)),
    "activation": lambda: L.Bidirectional(L.GRU(4), backward_layer=L.GRU(4, activation="relu", go_backwards=True)),
    "reset_before": lambda: L.Bidirectional(L.GRU(4, reset_after=False)),
    "regularizer": lambda: L.Bidirectional(L.LSTM(4, activity_regularizer="l2")),
    "types": lambda: L.Bidirectional(L.LSTM(4, dtype="float64")),
    "mixed": lambda: L.Bidirectional(L.LSTM(4, dtype="mixed_bfloat16"), dtype="mixed_bfloat16"),
    "simple": lambda: L.Bidirectional(L.SimpleRNN(4)),
}


@pytest.mark.parametrize("case", APART)
def test_unequal_or_unusual_layers_run_one_by_one(case):
    layer = APART[case]()
    x = ef.Tensor(normal(3, 5, 4))
    assert layer(x).shape[0] == 3
    assert not fit_together(pair(layer), x, False)


@KINDS
@pytest.mark.parametrize("units", [1, pytest.param(1400, marks=pytest.mark.slow)])
def test_where_one_loop_for_both_does_not_pay_the_numbers_are_the_same(kind, units):
    plain = "glorot_uniform"  # an orthogonal matrix of this size takes seconds
    layer = kind(units, return_sequences=True, recurrent_initializer=plain)
    assert_same_as_one_by_one(L.Bidirectional(layer), normal(3, 2, 4))


@KINDS
def test_an_observer_hears_of_the_one_op_that_ran(kind):
    layer, names = L.Bidirectional(kind(4)), Names()
    x = ef.Tensor(normal(3, 5, 4))
    unwatched = layer(x).numpy()
    with observing(names):
        assert layer(x).numpy().tobytes() == unwatched.tobytes()
    assert names.seen.count(f"{kind.__name__.lower()}_pair") == 1
    assert not {"lstm", "gru"} & set(names.seen)


@pytest.mark.parametrize("recurrent_dropout", [0.0, 0.5])
def test_dropout_of_states_runs_one_by_one_while_training(recurrent_dropout):
    layer = L.Bidirectional(L.LSTM(4, recurrent_dropout=recurrent_dropout))
    x = ef.Tensor(normal(3, 5, 4))
    layer(x)
    assert fit_together(pair(layer), x, True) == (recurrent_dropout == 0)
    assert fit_together(pair(layer), x, False)
