"""Compiled recurrent layers whose sequences threads share: the same bits as on one thread."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.kernels.machine.threads import get_num_threads, set_num_threads
from eagerflow.kernels.recurrent import gru, lstm, strips
from tests.compiled.comparing import forget, numbers

pytestmark = pytest.mark.slow  # kernels are compiled: half a second each
LAYERS = {
    "lstm": lambda: ef.layers.LSTM(32, return_sequences=True, return_state=True),
    "gru": lambda: ef.layers.GRU(24, return_sequences=True, return_state=True),
    "two lstms": lambda: ef.layers.Bidirectional(ef.layers.LSTM(32)),
    "two grus": lambda: ef.layers.Bidirectional(ef.layers.GRU(32, return_sequences=True)),
}


@pytest.fixture(autouse=True)
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


@pytest.fixture
def counted(monkeypatch):
    """How many strips each run of steps had."""
    counts, share = [], strips.on_threads

    def on_threads(function, count, gates):
        counts.append(count)
        share(function, count, gates)

    for module in (lstm, gru):
        monkeypatch.setattr(module, "on_threads", on_threads)
    return counts


def outputs_and_gradients(kind, batch, masked):
    ef.utils.set_random_seed(0)
    layer, x = LAYERS[kind](), ef.Tensor(numbers(batch, 60, 16))
    mask = ef.Tensor(np.random.default_rng(0).random((batch, 60)) > 0.2) if masked else None
    with ef.GradientTape() as tape:
        tape.watch(x)
        found = ef.tree.flatten(layer(x, mask=mask))
        loss = sum(ef.ops.sum(y * y) for y in found)
    made = [*found, *ef.tree.flatten(tape.gradient(loss, [x, *layer.trainable_weights]))]
    predicted = ef.tree.flatten(layer(x, mask=mask))
    return [np.asarray(value) for value in (*made, *predicted)]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("batch", "count"), [(32, 2), (96, 6), (128, 8), (160, 5)])
@pytest.mark.parametrize("kind", LAYERS)
def test_strips_change_no_bit(kind, batch, count, masked, threads, counted):
    threads(1)
    whole = outputs_and_gradients(kind, batch, masked)
    assert {*counted} == {1}
    counted.clear()
    threads(2)
    for one, other in zip(outputs_and_gradients(kind, batch, masked), whole, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {*counted} == {count}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_sequence_has_the_same_bits_in_another_batch(kind, threads, counted):
    threads(2)
    ef.utils.set_random_seed(0)
    layer, x = LAYERS[kind](), numbers(96, 60, 16)
    some = [np.asarray(y) for y in ef.tree.flatten(layer(ef.Tensor(x[16:48])))]
    for part, whole in zip(some, ef.tree.flatten(layer(ef.Tensor(x))), strict=True):
        np.testing.assert_array_equal(part, np.asarray(whole)[16:48])
    assert {*counted} == {2, 6}


@pytest.mark.parametrize(
    ("why", "shape", "units"),
    [
        ("odd batch", (40, 60, 16), 32),
        ("odd features", (64, 60, 9), 32),
        ("large weights", (64, 60, 16), 200),
        ("a kernel that isn't there", (64, 60, 16), 32),
    ],
)
def test_there_are_no_strips_where_they_are_no_use(why, shape, units, threads, counted, monkeypatch):
    threads(2)
    if why == "a kernel that isn't there":
        monkeypatch.setattr(strips, "has_variant", lambda place: place[1] != "inputs_gradient")
    ef.layers.LSTM(units)(ef.Tensor(numbers(*shape)))
    assert counted == [1]


def test_plain_steps_have_no_strips(threads, counted, monkeypatch):
    threads(2)
    monkeypatch.setenv("EAGERFLOW_KERNELS", "plain")
    forget()
    ef.layers.GRU(32)(ef.Tensor(numbers(32, 60, 16)))
    assert counted == [1]
