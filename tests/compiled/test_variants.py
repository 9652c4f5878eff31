"""Every compiled kernel compared with the plain one, and what happens where it can't compute."""

from __future__ import annotations

import importlib
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

import eagerflow as ef
import eagerflow.optimizers
from eagerflow import _warm_up as warm_up
from eagerflow.base import variants
from eagerflow.compiled import choice, recurrent as compiled_recurrent
from eagerflow.kernels.recurrent import gru, lstm
from eagerflow.kernels.recurrent.gru_gradient import gru_gradient
from eagerflow.kernels.recurrent.lstm_gradient import lstm_gradient
from eagerflow.ops.windows.geometry import window_geometry
from tests.compiled.comparing import both, close, forget, numbers, on_threads
from tests.sources import ROOT

pytestmark = pytest.mark.slow  # kernels are compiled: some seconds each, once

SHAPES = [(1, 1), (33, 7), (300, 96), (6400, 200), (5, 3000), (1, 4097), (300_001, 1)]
ODD = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e38, -1e38, 30.0, -30.0, 1e-30, 1e-40, 88.9, -88.9, -120.0]
FLOATS = ("float32", "float64")


def with_odd(x):
    """Numbers of which the first ones are zeros, infinite, NaN, very large and very small."""
    x.reshape(-1)[: len(ODD)] = ODD[: x.size]
    return x


def with_far_rows(x):
    """Rows that are far from zero."""
    x[0] += 1000.0
    x[-1] -= 1000.0
    return x


def probabilities(x):
    with np.errstate(all="ignore"):
        return variants.PLAIN["softmax", "softmax"](with_far_rows(x))


# By kernel: the types of floats, how its arguments are made of random matrices x, g and vectors a, b (as many as the
# columns), and how many rounding errors of the largest number results may differ by, or of 1 where one is said.
TABLE = {
    ("softmax", "softmax"): (FLOATS[:1], lambda x, g, a, b: (with_far_rows(3 * x),), 16),
    ("softmax", "softmax_gradient"): (FLOATS, lambda x, g, a, b: (g, probabilities(x)), (16, 1.0)),
    ("softmax", "log_softmax"): (FLOATS[:1], lambda x, g, a, b: (with_far_rows(3 * x),), (16, 1.0)),
    ("softmax", "log_softmax_gradient"): (FLOATS[:1], lambda x, g, a, b: (g, np.log(probabilities(x))), (64, 1.0)),
    ("activations", "gelu"): (FLOATS[:1], lambda x, g, a, b: (with_odd(3 * x), True), 8),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("place", TABLE, ids="/".join)
def test_variants_give_the_plain_results(place, shape):
    dtypes, arguments, times = TABLE[place]
    times, size = times if isinstance(times, tuple) else (times, 1e-30)
    for dtype in dtypes:
        x, g = numbers(*shape, dtype=dtype), numbers(*shape, dtype=dtype, seed=1)
        a, b = numbers(shape[1], dtype=dtype, seed=2), numbers(shape[1], dtype=dtype, seed=3)
        args = arguments(x, g, a, b)
        close(*both(*place, *args), dtype, times, size)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
@pytest.mark.parametrize("shape", SHAPES)
def test_crossentropy_of_labels(shape, dtype):
    x, g = with_far_rows(numbers(*shape, scale=3.0)), numbers(*shape, seed=1)
    labels = np.random.default_rng(0).integers(0, min(shape[1], 255), shape[0]).astype(dtype)
    found, wanted = both("softmax", "crossentropy_of_labels", labels, x)
    close(found, wanted, "float32", 16, size=1.0)
    for kind in FLOATS:
        args = g[:, 0].astype(kind), labels, wanted[1].astype(kind)
        close(*both("softmax", "crossentropy_of_labels_gradient", *args), kind, 16, size=1.0)


def test_rows_with_odd_numbers():
    x, labels = numbers(6, 40), np.array([1, 3, 5, 7, -1, 2])
    x[1, 3], x[2, 5], x[3, 7], x[4], x[5, 2] = np.nan, np.inf, -np.inf, -np.inf, 1e38
    close(*both("softmax", "crossentropy_of_labels", labels, x), "float32")
    close(*both("softmax", "softmax", x), "float32")
    close(*both("softmax", "log_softmax", x), "float32", 16)
    with pytest.raises(IndexError, match="labels go from 0 to 40, and there are 40 classes"):
        choice.find("softmax", "crossentropy_of_labels")(np.arange(6) * 8, x)


def test_arguments_that_loops_do_not_take_go_to_the_plain_kernel():
    w = numbers(5000)
    assert choice.find("optimizers", "_rmsprop")(np, w, w, [w, w], (1e-2, 0.9, 0.1, 0.5, 1e-7, False), ()) is None
    assert choice.find("optimizers", "_adam")(np, w, w, [w, w, w], (1e-2, 0.1, 0.001, 1e-7), ()) is None
    nothing, plan = (numbers(0, 8, 8, 16), numbers(3, 3, 16, 1)), window_geometry((8, 8), (3, 3), (1, 1), "same")
    assert choice.find("depthwise", "forward")(*nothing, plan) is None


def test_arrays_that_are_read_only_are_taken_without_another_compilation():
    x = numbers(64, 96)
    find = choice.find("softmax", "softmax")
    wanted, kernel = find(x), importlib.import_module("eagerflow.compiled.softmax")._softmax
    before = len(kernel.function.signatures)
    x.flags.writeable = False
    np.testing.assert_array_equal(find(x), wanted)
    assert len(kernel.function.signatures) == before
    assert choice.find("optimizers", "_adam")(np, x, x, [x, x], (1e-2, 0.1, 0.001, 1e-7), ()) is None


def test_any_number_of_threads_gives_the_same_bits():
    x = numbers(5000, 96)
    on_threads(lambda: choice.find("softmax", "softmax")(x))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", [(3, 3), (1, 6), (2, 4), (5, 5)])
@pytest.mark.parametrize(
    ("strides", "padding", "dilation"), [(1, "same", 1), (2, "same", 1), (1, "valid", 2), ((2, 1), "valid", 1)]
)
def test_depthwise_convolution(kernel, strides, padding, dilation, dtype):
    pair = strides if isinstance(strides, tuple) else (strides, strides)
    for high, wide, channels in [(17, 12, 6), (5, 5, 40), (6, 13, 4), (7, 9, 33), (11, 9, 64)]:
        if padding == "valid" and min(high, wide) <= dilation * (max(kernel) - 1):
            continue
        plan = window_geometry((high, wide), kernel, pair, padding, (dilation, dilation))
        x, k = numbers(3, high, wide, channels, dtype=dtype), numbers(*kernel, channels, 1, dtype=dtype, seed=1)
        x[0, 0, 0, 0], x[1, -1, -1, 3], x[2, high // 2, wide // 2, 2] = np.nan, np.inf, -np.inf
        found, wanted = both("depthwise", "forward", x, k, plan)
        close(found, wanted, dtype, 32)
        g = numbers(*wanted.shape, dtype=dtype, seed=2)
        close(*both("depthwise", "input_gradient", g, k, plan), dtype, 32)
        x[np.isinf(x)] = 1
        close(*both("depthwise", "kernel_gradient", x, g, k.shape, plan), dtype, 64)


@pytest.mark.parametrize("stride", [1, 2])
def test_depthwise_convolution_gives_the_same_bits_for_any_number_of_threads(stride):
    x, k = numbers(16, 40, 40, 36), numbers(3, 3, 36, 1, seed=1)
    plan = window_geometry((40, 40), (3, 3), (stride, stride), "same", (1, 1))
    names = "forward", "input_gradient", "kernel_gradient"
    forward, back, of_kernel = (choice.find("depthwise", name) for name in names)
    out = on_threads(lambda: forward(x, k, plan))
    on_threads(lambda: (back(out, k, plan), of_kernel(x, out, k.shape, plan)))


def test_layers_train_in_the_same_way_with_both():
    """A step of a network with all of them: the same losses and weights but for rounding."""
    found = []
    for choice_of in ("compiled", "plain"):
        os.environ["EAGERFLOW_KERNELS"] = choice_of
        forget()
        ef.utils.set_random_seed(3)
        layers = ef.layers
        model = ef.Sequential(
            [
                layers.Input((16, 16, 8)),
                layers.DepthwiseConv2D(3, padding="same"),
                layers.BatchNormalization(),
                layers.Reshape((16, 128)),
                layers.LayerNormalization(),
                layers.Dense(64, activation="gelu"),
                layers.GlobalAveragePooling1D(),
                layers.Dense(10, activation="softmax"),
            ]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        history = model.fit(numbers(96, 16, 16, 8), np.arange(96) % 10, epochs=3, batch_size=32, verbose=0)
        found.append((history.history["loss"], [w.copy() for w in model.get_weights()]))
    (losses, weights), (plain_losses, plain_weights) = found
    assert any(not np.array_equal(one, other) for one, other in zip(weights, plain_weights))  # so both were used
    assert np.allclose(losses, plain_losses, rtol=1e-5)
    for one, other in zip(weights, plain_weights):
        assert np.allclose(one, other, atol=3e-3)  # Adam magnifies rounding where gradients are nearly zero


@pytest.fixture
def one_thread():
    """Traces without strips (`test_strips.py` has those)."""
    before = ef.get_num_threads()
    ef.set_num_threads(1)
    yield
    ef.set_num_threads(before)


def recurrent_layers(count, batch, steps, features, units, masked):
    made = []
    for seed in range(count):
        x, h, c = (
            numbers(batch, steps, features, seed=seed),
            numbers(batch, units, seed=1),
            numbers(batch, units, seed=2),
        )
        kernel, recurrent = numbers(features, 4 * units, seed=3), numbers(units, 4 * units, seed=4, scale=0.3)
        mask = np.random.default_rng(seed).random((batch, steps)) > 0.3 if masked else None
        made.append(lstm.Layer(x, h, c, kernel, recurrent, numbers(4 * units, seed=5), mask))
    return made


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(32, 20, 7, 32), (3, 5, 1, 3), (1, 4, 9, 8), (40, 6, 20, 70)])
def test_long_short_term_memory(shape, count, masked, monkeypatch, one_thread):
    layers = recurrent_layers(count, *shape, masked)
    batch, steps, _, units = shape
    g_states = [numbers(batch, steps, units, seed=6 + i) for i in range(count)]
    g_h, g_c = [numbers(batch, units, seed=8)] * count, [numbers(batch, units, seed=9)] * count
    found = []
    for used in ("compiled", "plain"):
        monkeypatch.setenv("EAGERFLOW_KERNELS", used)
        forget()
        trace = lstm.lstm(layers)
        last = lstm.lstm(layers, keep=False).inputs[1:, :units]
        whole = lstm_gradient(g_states, g_h, g_c, layers, trace)
        short = lstm_gradient([None] * count, g_h, g_c, layers, trace)
        gradients = [part for each in whole + short for part in each]
        found.append([trace.inputs[1:, :units], trace.gates[:-1], trace.squashed, last, *gradients])
    for one, other in zip(*found):
        close(np.ascontiguousarray(one), np.ascontiguousarray(other), "float32", 100)
    assert any(not np.array_equal(one, other) for one, other in zip(*found))  # so both were used


def gated_layers(count, batch, steps, features, units, masked):
    made = []
    for seed in range(count):
        x, h = numbers(batch, steps, features, seed=seed), numbers(batch, units, seed=1)
        kernel, recurrent = numbers(features, 3 * units, seed=3), numbers(units, 3 * units, seed=4, scale=0.3)
        mask = np.random.default_rng(seed).random((batch, steps)) > 0.3 if masked else None
        biases = numbers(3 * units, seed=5), numbers(3 * units, seed=6)
        made.append(gru.Layer(x, h, kernel, recurrent, *biases, mask))
    return made


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("shape", [(32, 20, 7, 32), (3, 5, 1, 3), (1, 4, 9, 8), (40, 6, 20, 70)])
def test_gated_recurrent_units(shape, count, masked, monkeypatch, one_thread):
    layers = gated_layers(count, *shape, masked)
    batch, steps, _, units = shape
    g_states = [numbers(batch, steps, units, seed=6 + i) for i in range(count)]
    g_h = [numbers(batch, units, seed=8)] * count
    found = []
    for used in ("compiled", "plain"):
        monkeypatch.setenv("EAGERFLOW_KERNELS", used)
        forget()
        trace = gru.gru(layers)
        whole = gru_gradient(g_states, g_h, layers, trace)
        short = gru_gradient([None] * count, g_h, layers, trace)
        gradients = [part for each in whole + short for part in each]
        found.append([trace.states, trace.gates, *gradients])
    for one, other in zip(*found):
        close(np.ascontiguousarray(one), np.ascontiguousarray(other), "float32", 100)
    assert any(not np.array_equal(one, other) for one, other in zip(*found))  # so both were used


@pytest.mark.parametrize("strips", [1, 2])
@pytest.mark.parametrize(("batch", "features"), [(16, 8), (48, 24), (32, 64), (5, 40)])
def test_gradients_of_the_inputs_of_some_steps(batch, features, strips):
    d_gates = [numbers(6, 50, 3 * batch, seed=seed) for seed in range(strips)]
    rows, cut, block = slice(10, 50), slice(batch, 2 * batch), slice(4, 10)
    weights, found = numbers(40, features, seed=5), []
    for used in ("compiled", "plain"):
        sequence = np.full((strips * batch, 12, features), 7, "float32")
        given = d_gates, rows, cut, weights, sequence, block
        kernel = choice.find if used == "compiled" else lambda *place: variants.PLAIN[place]
        assert kernel("recurrent", "inputs_gradient")(*given) is (True if used == "compiled" else None)
        found.append(sequence)
    close(*found, "float32", 100)
    assert (found[0][:, :4] == 7).all()
    assert (found[0][:, 10:] == 7).all()


@pytest.mark.parametrize(("batch", "features", "gates"), [(16, 1, 3), (32, 7, 96), (48, 20, 15)])
def test_the_inputs_share_of_the_gates_of_some_steps(batch, features, gates, monkeypatch):
    monkeypatch.setattr(compiled_recurrent, "_blas_keeps_bits", lambda rows, inner: False)
    x, weights = numbers(batch, 12, features), np.asfortranarray(numbers(gates, features, seed=1))
    found = []
    for used in ("compiled", "plain"):
        share = np.full((5, gates, 2 * batch), 7, "float32")
        kernel = choice.find if used == "compiled" else lambda *place: variants.PLAIN[place]
        kernel("recurrent", "inputs_share")(weights, x[:, 3:8], share, slice(batch, 2 * batch))
        found.append(share)
    close(*found, "float32", 100)
    assert (found[0][:, :, :batch] == 7).all()


def test_what_fits_no_tiles_is_left_to_the_plain_kernels():
    gradient, share = (choice.find("recurrent", name) for name in ("inputs_gradient", "inputs_share"))
    sequence = np.zeros((16, 5, 9), "float32")
    given = [numbers(5, 12, 16)], slice(0, 12), slice(0, 16), numbers(12, 9), sequence, slice(0, 5)
    assert gradient(*given) is None
    assert share(numbers(12, 9), numbers(10, 5, 9), np.zeros((5, 12, 10), "float32"), slice(0, 10)) is None


def test_without_the_product_of_numpys_wheels_the_steps_are_plain(monkeypatch):
    jit = importlib.import_module("eagerflow.compiled.jit")
    monkeypatch.setattr(jit, "gives_products", lambda: False)
    assert choice.find("lstm", "run_steps") is choice.find("gru", "run_steps") is None
    assert choice.find("softmax", "softmax") is not None


RULES = {"_adam": (2, (1e-2, 0.1, 0.001, 1e-7)), "_adadelta": (2, (0.5, 0.95, 0.05, 1e-6))}
RULES["_rmsprop"] = 1, (1e-2, 0.9, 0.1, 0.0, 1e-7, False)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_rules_of_optimizers(name, dtype):
    count, settings = RULES[name]
    found = []
    for rule in (choice.find("optimizers", name), variants.PLAIN["optimizers", name]):
        w, slots = numbers(5001, dtype=dtype), [np.zeros(5001, dtype) for _ in range(count)]
        for step in range(5):
            room = [np.empty(5001, dtype) for _ in range(1 if name == "_adam" else 2)]
            made = rule(np, w, numbers(5001, dtype=dtype, seed=step), slots, settings, room)
        found.append([w, *slots])
        assert made is (True if len(found) == 1 else None)
    for one, other in zip(*found):
        close(one, other, dtype, 16)


@pytest.mark.parametrize("name", RULES)
def test_rules_give_the_same_bits_however_arrays_are_cut(name):
    count, settings = RULES[name]
    rule, found = choice.find("optimizers", name), []
    for cuts in ([0, 20_000], [0, 5001, 10_018, 15_000, 20_000]):
        w, g = numbers(20_000), numbers(20_000, seed=1)
        slots = [np.abs(numbers(20_000, seed=2 + i)) for i in range(count)]
        for start, stop in itertools.pairwise(cuts):
            assert rule(np, w[start:stop], g[start:stop], [slot[start:stop] for slot in slots], settings, ())
        found.append([w, *slots])
    assert all(np.array_equal(one, other) for one, other in zip(*found))


@pytest.mark.parametrize("name", ["Adam", "RMSprop", "Adadelta"])
def test_packed_variables_have_the_bits_of_single_ones_also_when_the_rate_changes(name):
    """What is bound to packed arrays follows settings, gradients and arrays that somebody else looks at."""
    shapes = [(7, 5), (5,), (40, 41)]
    together, apart = [[ef.Variable(numbers(*shape, seed=i)) for i, shape in enumerate(shapes)] for _ in range(2)]
    make = getattr(eagerflow.optimizers, name)
    packing, single = make(0.1), [make(0.1) for _ in shapes]
    seen = []
    for step in range(12):
        if step == 6:
            for each in (packing, *single):
                each.learning_rate = 0.03
        if step > 7:
            seen.append([v.numpy() for v in together])  # views that others keep: values move to new arrays
        gradients = [numbers(*shape, seed=10 * step + i) for i, shape in enumerate(shapes)]
        packing.apply(gradients, together)
        for optimizer, gradient, variable in zip(single, gradients, apart):
            optimizer.apply([gradient], [variable])
        assert [v.numpy().tobytes() for v in together] == [v.numpy().tobytes() for v in apart], step
    assert packing._passes._last.packs[0][0].bound


def test_every_variant_has_a_plain_kernel():
    for file in choice.FILES:
        module = importlib.import_module(f"eagerflow.compiled.{file}")
        names = {name for name in module.__all__ if (file, name) in variants.PLAIN}
        assert names, file
    tested = {place for place in variants.PLAIN if place[0] in ("activations", "softmax")}
    assert {place for place in tested if choice.find(*place)} - {*TABLE} == {
        ("softmax", name) for name in ("crossentropy_of_labels", "crossentropy_of_labels_gradient")
    }


USED = """
import sys, numpy, eagerflow as ef
print("numba" in sys.modules, end=" ")
ef.layers.Softmax()(numpy.ones((400, 100), "float32"))
print("numba" in sys.modules)
"""


def run(code, home, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EAGERFLOW_")}
    env = kept | {"EAGERFLOW_HOME": str(home), "PYTHONPATH": str(ROOT)} | variables
    return subprocess.run([sys.executable, *code], env=env, capture_output=True, text=True, timeout=900, check=False)


def test_the_warm_up_calls_all_kernels():
    for name in warm_up._CALLS:
        warm_up.warm_up(name)
    kernel = importlib.import_module("eagerflow.compiled.jit").Kernel
    modules = [importlib.import_module(f"eagerflow.compiled.{file}") for file in choice.FILES]
    found = {f"{m.__name__}.{name}": k for m in modules for name, k in vars(m).items() if isinstance(k, kernel)}
    missing = {name for name, k in found.items() if len(k.function.signatures) < len(k.dtypes)}
    assert missing <= {"eagerflow.compiled.recurrent._inputs_share"}  # which may be left to BLAS


def test_the_command_switches_compiled_kernels_on_and_off(tmp_path):
    assert run(["-c", USED], tmp_path).stdout == "False False\n"
    done = run(["-m", "eagerflow", "compile"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Programs use compiled kernels from now on" in done.stdout
    assert run(["-c", USED], tmp_path).stdout == "False True\n"
    assert run(["-c", USED], tmp_path, EAGERFLOW_KERNELS="plain").stdout == "False False\n"
    assert run(["-m", "eagerflow", "compile", "--off"], tmp_path).returncode == 0
    assert run(["-c", USED], tmp_path).stdout == "False False\n"


def test_where_no_folder_takes_files_a_program_compiles_for_itself(tmp_path):
    code = "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n" + USED
    used = run(["-W", "error", "-c", code], tmp_path, EAGERFLOW_KERNELS="compiled")
    assert used.stdout == "True True\n", used.stderr


def test_machine_code_uses_the_whole_width_of_vectors_where_llvm_would_take_half(tmp_path):
    if not importlib.import_module("eagerflow.compiled.jit").WIDE:
        pytest.skip("a processor without AVX-512")
    code = """
import numpy
from eagerflow.compiled import activations
activations.gelu(numpy.ones(64, "float32"), False)
(text,) = activations._gelu.function.inspect_llvm().values()
print("<16 x float>" in text, "<8 x float>" in text)
"""
    environment = {"NUMBA_CPU_NAME": "rocketlake", "NUMBA_CACHE_DIR": str(tmp_path)}
    used = run(["-c", code], tmp_path, **environment)
    assert used.stdout == "True False\n", used.stderr


def test_an_unknown_choice_is_refused(tmp_path):
    used = run(["-c", USED], tmp_path, EAGERFLOW_KERNELS="fastest")
    assert used.returncode == 1
    assert "EAGERFLOW_KERNELS" in used.stderr
    assert "'compiled'" in used.stderr
