"""LSTM and GRU on the CPU, against the plain kernels that run step by step with the batch first."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eagerflow.kernels import gru as gru_kernels
from eagerflow.kernels import lstm as lstm_kernels
from eagerflow.kernels import recurrent as plain
from eagerflow.kernels.threads import set_num_threads

SIZES = {
    "batch": st.integers(0, 40),
    "steps": st.integers(0, 70),
    "features": st.integers(1, 9),
    "units": st.integers(1, 12),
}
FLAGS = {"masked": st.booleans(), "every": st.booleans(), "double": st.booleans(), "strided": st.booleans()}
LARGE = {"masked": False, "every": False, "double": False, "strided": False}


class Case:
    """Arrays for one run, and its mask as the kernels and as the plain ones want it."""

    def __init__(self, gates, batch, steps, features, units, masked, every, double, strided):
        rng = np.random.default_rng([gates, batch, steps, features, units])
        dtype = np.float64 if double else np.float32

        def normal(*shape):
            return rng.standard_normal(shape).astype(dtype)

        self.x = normal(batch, features, steps).swapaxes(1, 2) if strided else normal(batch, steps, features)
        self.h, self.c = normal(batch, units), normal(batch, units)
        self.kernel, self.recurrent = normal(features, gates * units), normal(units, gates * units)
        self.recurrent *= 0.7 / np.sqrt(units)
        self.bias, self.recurrent_bias = normal(gates * units), normal(gates * units)
        live = rng.random((steps, batch)) < 0.7
        self.live = live[..., None] if masked else None
        self.dead = np.ascontiguousarray(~live[:, None]) if masked else None
        self.g_states = normal(batch, steps, units) if every else None
        self.g_h, self.g_c = normal(batch, units), normal(batch, units)
        self.tolerance = 1e-11 if double else 2e-4

    def drive(self):
        return np.ascontiguousarray((self.x @ self.kernel + self.bias).swapaxes(0, 1))

    def g_hs(self, states):
        return np.zeros_like(states[1:]) if self.g_states is None else self.g_states.swapaxes(0, 1)

    def of_inputs(self, d):
        """The gradients of sequence, kernel and bias."""
        d_kernel = np.einsum("btf,tbk->fk", self.x, d)
        return (d @ self.kernel.T).swapaxes(0, 1), d_kernel, d.sum(axis=(0, 1))

    def compare(self, found, expected):
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            assert one.dtype == self.x.dtype
            scale = max(1.0, np.abs(other).max(initial=0.0))
            np.testing.assert_allclose(one, other, rtol=0, atol=self.tolerance * scale)


@given(**SIZES, **FLAGS)
@example(batch=33, steps=70, features=65, units=70, **LARGE)
@example(batch=40, steps=4, features=20, units=100, **LARGE)  # products in parts
@example(batch=600, steps=5, features=3, units=40, **LARGE)  # a step per block
def test_lstm_and_its_gradient_equal_the_plain_ones(**settings):
    case = Case(4, **settings)
    given_h = case.h.copy()
    trace = lstm_kernels.lstm(case.x, case.h, case.c, case.kernel, case.recurrent, case.bias, case.dead, True)
    hs, cs, gates = plain.lstm(np, case.drive(), case.h, case.c, case.recurrent, case.live)
    units = case.h.shape[1]
    states = lstm_kernels.batch_first(trace.inputs[:, :units], 0.5)
    case.compare((states, trace.gates[:, 4 * units :]), (hs.swapaxes(0, 1), cs.swapaxes(1, 2)))
    found = lstm_kernels.lstm_gradient(
        case.g_states, case.g_h, case.g_c, case.x, trace, case.kernel, case.recurrent, case.dead
    )
    d, d_h, d_c = plain.lstm_gradient(
        np, case.g_hs(hs), case.g_h, case.g_c, cs, gates, case.recurrent, case.live
    )
    d_sequence, d_kernel, d_bias = case.of_inputs(d)
    d_recurrent = np.einsum("tbu,tbk->uk", hs[:-1], d)
    expected = d_sequence, d_h, d_c, d_kernel, d_recurrent, d_bias
    case.compare((found.sequence, *found.states, found.kernel, found.recurrent, found.bias), expected)
    assert (case.h == given_h).all()


@given(**SIZES, **FLAGS)
@example(batch=33, steps=70, features=65, units=70, **LARGE)
@example(batch=40, steps=4, features=20, units=100, **LARGE)  # products in parts
@example(batch=600, steps=5, features=3, units=40, **LARGE)
def test_gru_and_its_gradient_equal_the_plain_ones(**settings):
    case = Case(3, **settings)
    biases = case.bias, case.recurrent_bias
    trace = gru_kernels.gru(case.x, case.h, case.kernel, case.recurrent, *biases, case.dead)
    hs, gates, inner = plain.gru(
        np, case.drive(), case.h, case.recurrent, case.recurrent_bias, True, case.live
    )
    case.compare((trace.states[:, :-1],), (hs.swapaxes(1, 2),))
    found = gru_kernels.gru_gradient(
        case.g_states, case.g_h, case.x, trace, case.kernel, case.recurrent, case.dead
    )
    d, p, d_h = plain.gru_gradient(
        np, case.g_hs(hs), case.g_h, hs, gates, inner, case.recurrent, True, case.live
    )
    d_sequence, d_kernel, d_bias = case.of_inputs(d)
    expected = (
        d_sequence, d_h, d_kernel, np.einsum("tbu,tbk->uk", hs[:-1], p), d_bias, p.sum(axis=(0, 1))
    )  # fmt: skip
    case.compare(found, expected)


@pytest.fixture
def threads():
    yield set_num_threads
    set_num_threads(None)


def lstm_of(case):
    weights = case.kernel, case.recurrent
    trace = lstm_kernels.lstm(case.x, case.h, case.c, *weights, case.bias, case.dead, True)
    found = lstm_kernels.lstm_gradient(case.g_states, case.g_h, case.g_c, case.x, trace, *weights, case.dead)
    return [trace.inputs[:, : len(case.recurrent)], found.sequence, *found.states, *found[2:]]


def gru_of(case):
    weights = case.kernel, case.recurrent
    trace = gru_kernels.gru(case.x, case.h, *weights, case.bias, case.recurrent_bias, case.dead)
    found = gru_kernels.gru_gradient(case.g_states, case.g_h, case.x, trace, *weights, case.dead)
    return [trace.states, *found]


@pytest.mark.parametrize(("run", "gates"), [(lstm_of, 4), (gru_of, 3)])
def test_any_number_of_threads_gives_the_same_bits(threads, run, gates):
    case = Case(gates, 32, 100, 32, 32, masked=True, every=True, double=False, strided=False)
    found = []
    for count in (1, 2, 3):
        threads(count)
        found.append([a.tobytes() for a in run(case)])
    assert found[0] == found[1] == found[2]


def test_a_gradient_asked_for_twice_is_the_same():
    case = Case(4, 5, 40, 3, 6, True, True, False, False)
    trace = lstm_kernels.lstm(case.x, case.h, case.c, case.kernel, case.recurrent, case.bias, case.dead, True)
    once, again = (
        lstm_kernels.lstm_gradient(
            case.g_states, case.g_h, case.g_c, case.x, trace, case.kernel, case.recurrent, case.dead
        )
        for _ in range(2)
    )
    assert once.kernel.tobytes() == again.kernel.tobytes()
    assert once.sequence.tobytes() == again.sequence.tobytes()


def test_weights_of_another_type_are_taken_as_the_sequence_has_it():
    case = Case(4, 3, 5, 3, 6, False, True, False, False)
    as_it_is = lstm_of(case)
    case.kernel, case.recurrent = case.kernel.astype("float64"), case.recurrent.astype("float64")
    found = lstm_of(case)
    assert [a.dtype for a in found] == [np.float32] * len(found)
    case.compare(found, as_it_is)
