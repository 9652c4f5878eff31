"""LSTM and GRU on the CPU, against the plain kernels that run step by step with the batch first."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from eagerflow.kernels.machine.threads import set_num_threads
from eagerflow.kernels.recurrent import gru as gru_kernels, lstm as lstm_kernels
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.kernels.recurrent.sequences import batch_first
from eagerflow.ops.sequences import recurrent_loops as plain

SIZES = {
    "batch": st.integers(0, 40),
    "steps": st.integers(0, 70),
    "features": st.integers(1, 9),
    "units": st.integers(1, 12),
}
FLAGS = {"masked": st.booleans(), "every": st.booleans(), "double": st.booleans(), "strided": st.booleans()}
LARGE = {"masked": False, "every": False, "double": False, "strided": False}


def products(a, b):
    """The sum over (time, batch) of outer products. NumPy's einsum reads past the end of arrays without any step."""
    return np.tensordot(a, b, ((0, 1), (0, 1)))


class Case:
    """Arrays for one run, and its mask as the plain kernels want it."""

    def __init__(self, gates, batch, steps, features, units, masked, every, double, strided, seed=0):
        rng = np.random.default_rng([gates, batch, steps, features, units, seed])
        dtype = np.float64 if double else np.float32

        def normal(*shape):
            return rng.standard_normal(shape).astype(dtype)

        self.x = normal(batch, features, steps).swapaxes(1, 2) if strided else normal(batch, steps, features)
        self.h, self.c = normal(batch, units), normal(batch, units)
        self.kernel, self.recurrent = normal(features, gates * units), normal(units, gates * units)
        self.recurrent *= 0.7 / np.sqrt(units)
        self.bias, self.recurrent_bias = normal(gates * units), normal(gates * units)
        self.mask = rng.random((batch, steps)) < 0.7 if masked else None
        self.live = None if self.mask is None else self.mask.T[..., None]
        self.g_states = normal(batch, steps, units) if every else None
        self.g_h, self.g_c = normal(batch, units), normal(batch, units)
        self.tolerance = 1e-11 if double else 2e-4

    def lstm(self):
        return lstm_kernels.Layer(self.x, self.h, self.c, self.kernel, self.recurrent, self.bias, self.mask)

    def gru(self):
        biases = self.bias, self.recurrent_bias
        return gru_kernels.Layer(self.x, self.h, self.kernel, self.recurrent, *biases, self.mask)

    def drive(self):
        return np.ascontiguousarray((self.x @ self.kernel + self.bias).swapaxes(0, 1))

    def g_hs(self, states):
        return np.zeros_like(states[1:]) if self.g_states is None else self.g_states.swapaxes(0, 1)

    def of_inputs(self, d):
        """The gradients of sequence, kernel and bias."""
        d_kernel = products(self.x.swapaxes(0, 1), d)
        return (d @ self.kernel.T).swapaxes(0, 1), d_kernel, d.sum(axis=(0, 1))

    def compare(self, found, expected):
        for one, other in zip(found, expected, strict=True):
            assert one.shape == other.shape
            assert one.dtype == self.x.dtype
            scale = max(1.0, np.abs(other).max(initial=0.0))
            np.testing.assert_allclose(one, other, rtol=0, atol=self.tolerance * scale)


def lstm_gradients(cases, trace):
    g_states, g_h, g_c = ([getattr(case, name) for case in cases] for name in ("g_states", "g_h", "g_c"))
    return lstm_gradient(g_states, g_h, g_c, [case.lstm() for case in cases], trace)


def gru_gradients(cases, trace):
    layers = [case.gru() for case in cases]
    return gru_gradient([case.g_states for case in cases], [case.g_h for case in cases], layers, trace)


@given(**SIZES, **FLAGS)
@example(batch=33, steps=70, features=65, units=70, **LARGE)
@example(batch=40, steps=4, features=20, units=100, **LARGE)  # products in parts
@example(batch=600, steps=5, features=3, units=40, **LARGE)  # a step per block
def test_lstm_and_its_gradient_equal_the_plain_ones(**settings):
    case = Case(4, **settings)
    given_h, given_g = case.h.copy(), case.g_h.copy()
    trace = lstm_kernels.lstm([case.lstm()])
    hs, cs, gates = plain.lstm(np, case.drive(), case.h, case.c, case.recurrent, case.live)
    units = case.h.shape[1]
    states = batch_first([trace.inputs[:, :units]], 0.5)
    case.compare((states, trace.gates[:, 4 * units :]), (hs.swapaxes(0, 1), cs.swapaxes(1, 2)))
    (found,) = lstm_gradients([case], trace)
    d, d_h, d_c = plain.lstm_gradient(np, case.g_hs(hs), case.g_h, case.g_c, cs, gates, case.recurrent, case.live)
    d_sequence, d_kernel, d_bias = case.of_inputs(d)
    d_recurrent = products(hs[:-1], d)
    case.compare(found, (d_sequence, d_h, d_c, d_kernel, d_recurrent, d_bias))
    assert (case.h == given_h).all()
    assert (case.g_h == given_g).all()


@given(**SIZES, **FLAGS)
@example(batch=33, steps=70, features=65, units=70, **LARGE)
@example(batch=40, steps=4, features=20, units=100, **LARGE)  # products in parts
@example(batch=600, steps=5, features=3, units=40, **LARGE)
def test_gru_and_its_gradient_equal_the_plain_ones(**settings):
    case = Case(3, **settings)
    given_g = case.g_h.copy()
    trace = gru_kernels.gru([case.gru()])
    hs, gates, inner = plain.gru(np, case.drive(), case.h, case.recurrent, case.recurrent_bias, True, case.live)
    case.compare((trace.states[:, :-1],), (hs.swapaxes(1, 2),))
    (found,) = gru_gradients([case], trace)
    d, p, d_h = plain.gru_gradient(np, case.g_hs(hs), case.g_h, hs, gates, inner, case.recurrent, True, case.live)
    d_sequence, d_kernel, d_bias = case.of_inputs(d)
    expected = (d_sequence, d_h, d_kernel, products(hs[:-1], p), d_bias, p.sum(axis=(0, 1)))
    case.compare(found, expected)
    assert (case.g_h == given_g).all()


def lstm_of(cases):
    """The states of all steps side by side, and the gradients of each case."""
    trace = lstm_kernels.lstm([case.lstm() for case in cases])
    return trace.inputs[:, : cases[0].h.shape[1]], lstm_gradients(cases, trace)


def gru_of(cases):
    trace = gru_kernels.gru([case.gru() for case in cases])
    return trace.states[:, :-1], gru_gradients(cases, trace)


KINDS = pytest.mark.parametrize(("run", "gates"), [(lstm_of, 4), (gru_of, 3)])


@KINDS
@given(**SIZES, **FLAGS, others=st.integers(1, 2), bare=st.booleans())
@example(batch=40, steps=4, features=20, units=100, others=1, bare=False, **LARGE)  # products in parts
@example(batch=33, steps=70, features=65, units=70, others=1, bare=False, **LARGE)
def test_several_layers_side_by_side_are_those_layers(run, gates, others, bare, **settings):
    cases = [Case(gates, **settings, seed=seed) for seed in range(1 + others)]
    if bare:
        cases[1].bias = cases[1].recurrent_bias = cases[1].mask = None
    states, found = run(cases)
    each = [run([case]) for case in cases]
    cases[0].compare([states], [np.concatenate([one for one, _ in each], axis=2)])
    for case, ours, (_, (expected,)) in zip(cases, found, each, strict=True):
        case.compare(ours, expected)


@pytest.fixture
def threads():
    yield set_num_threads
    set_num_threads(None)


@KINDS
@pytest.mark.parametrize("layers", [1, 2])
def test_any_number_of_threads_gives_the_same_bits(threads, run, gates, layers):
    cases = [
        Case(gates, 32, 100, 32, 32, masked=True, every=True, double=False, strided=False, seed=seed)
        for seed in range(layers)
    ]
    found = []
    for count in (1, 2, 3):
        threads(count)
        states, gradients = run(cases)
        found.append([a.tobytes() for a in (states, *itertools.chain(*gradients))])
    assert found[0] == found[1] == found[2]


def test_a_gradient_asked_for_twice_is_the_same():
    case = Case(4, 5, 40, 3, 6, True, True, False, False)
    trace = lstm_kernels.lstm([case.lstm()])
    (once,), (again,) = (lstm_gradients([case], trace) for _ in range(2))
    assert once.kernel.tobytes() == again.kernel.tobytes()
    assert once.sequence.tobytes() == again.sequence.tobytes()


@KINDS
def test_weights_of_another_type_are_taken_as_the_sequence_has_it(run, gates):
    case = Case(gates, 3, 5, 3, 6, False, True, False, False)
    states, (expected,) = run([case])
    case.kernel, case.recurrent = case.kernel.astype("float64"), case.recurrent.astype("float64")
    again, (found,) = run([case])
    case.compare([again, *found], [states, *expected])
