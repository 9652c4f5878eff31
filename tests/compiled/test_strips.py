"""Compiled recurrent layers whose sequences threads share: the same bits as on one thread."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.kernels.machine.threads import get_num_threads, set_num_threads
from eagerflow.kernels.recurrent import gru, lstm, strips
from tests.compiled.beside import forget, numbers

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
    assert {*counted} <= {1, count}  # one where the processor's BLAS would change bits


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_strips_give_what_the_whole_batch_gives(kind, masked, threads, counted, monkeypatch):
    threads(1)
    whole = outputs_and_gradients(kind, 96, masked)
    counted.clear()
    threads(2)
    monkeypatch.setattr(strips, "_same_bits", lambda products, batch, width: True)
    for one, other in zip(outputs_and_gradients(kind, 96, masked), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4 * max(1.0, np.abs(other).max()))
    assert {*counted} == {6}


@pytest.mark.parametrize(
    ("why", "batch", "units"), [("odd batch", 40, 32), ("large weights", 64, 200), ("BLAS differs", 32, 32)]
)
def test_there_are_no_strips_where_they_are_no_use(why, batch, units, threads, counted, monkeypatch):
    threads(2)
    if why == "BLAS differs":
        monkeypatch.setattr(strips, "_same_bits", lambda products, batch, width: False)
    ef.layers.LSTM(units)(ef.Tensor(numbers(batch, 60, 16)))
    assert counted == [1]


def test_plain_steps_have_no_strips(threads, counted, monkeypatch):
    threads(2)
    monkeypatch.setenv("EAGERFLOW_KERNELS", "plain")
    forget()
    ef.layers.GRU(32)(ef.Tensor(numbers(32, 60, 16)))
    assert counted == [1]


def test_products_that_add_up_in_another_order_are_found():
    strips._same_bits.cache_clear()
    usual = strips._as_steps

    def by_width(weights, given):  # as a BLAS would that has another kernel for few columns
        return usual(weights, given) if given.shape[1] > 16 else usual(weights[:, ::-1], given[::-1])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(strips, "_as_steps", by_width)
        assert not strips._same_bits(((96, 65),), 32, 16)
    strips._same_bits.cache_clear()
