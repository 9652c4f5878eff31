"""Kernels that work in blocks agree with the plain formulas over many shapes, types and layouts, on any threads."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import eagerflow as ef
from eagerflow import ops
from eagerflow.core.lowering import install, load_kernels
from eagerflow.core.primitive import registry
from eagerflow.kernels.elementwise import exponential, gelu
from eagerflow.kernels.machine import costs
from eagerflow.kernels.machine.threads import set_num_threads
from eagerflow.kernels.reduce import moments
from eagerflow.ops.neural.group_norm import _by_moments, group_norm
from eagerflow.ops.neural.normalization import normalize_batch

TOLERANCE = {"float32": 3e-5, "float64": 1e-11}
quick = settings(max_examples=25, deadline=None)


def normal(seed, *shape, dtype="float32"):
    return np.random.default_rng([seed, *shape]).normal(size=shape).astype(dtype)


SMALL: dict[type, dict[str, int]] = {
    costs.Blocks: {"CHUNK": 256, "PIECE": 256, "SMALL": 0},
    costs.Extremes: {"SLICE": 32, "TIES": 4, "LEAST": 0, "PART": 400, "SEARCHED": 700},
    costs.Sums: {"SLICE": 32, "PART": 400, "MANY": 20},
    costs.Runs: {"SPREAD": 0},
    costs.LayerNorm: {"SMALL": 0},
    costs.GroupNorm: {"RUN": 300, "NARROW": 16},
    costs.BatchNorm: {"SMALL": 0, "SHORTEST": 2},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of few numbers, so that arrays of a test's size have many of them."""
    load_kernels()  # with the sizes that they have
    for place, sizes in SMALL.items():
        for name, value in sizes.items():
            monkeypatch.setattr(place, name, value)
    monkeypatch.setattr(moments, "_SAMPLE", 5)
    monkeypatch.setattr("eagerflow.kernels.normalization.layer_norm._TALLEST", 40)
    for op in registry.values():
        install(op, least=1)
    yield
    for op in registry.values():
        install(op)


def results(function, arrays, seed=0):
    """The outputs of a function and its gradients, as arrays."""
    xs = [ef.Tensor(a) for a in arrays]
    with ef.GradientTape() as tape:
        tape.watch(xs)
        out = function(*xs)
        out = out if isinstance(out, tuple) else (out,)
        total = sum((o * ef.Tensor(normal(seed + i, *o.shape, dtype=o.dtype))).sum() for i, o in enumerate(out))
    return [o.numpy() for o in (*out, *tape.gradient(total, xs))]


def check(function, plain, arrays):
    """Values and gradients against the plain function in float64, the type, and the same bits on more threads."""
    found = results(function, arrays)
    expected = results(plain, [a.astype("float64") for a in arrays])
    dtype = arrays[0].dtype.name
    for ours, wanted in zip(found, expected, strict=True):
        assert ours.dtype == dtype
        scale = max(1.0, float(np.abs(wanted).max(initial=0)))
        np.testing.assert_allclose(ours, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)
    try:
        set_num_threads(3)
        for ours, again in zip(found, results(function, arrays), strict=True):
            assert ours.tobytes() == again.tobytes()
    finally:
        set_num_threads(None)


def laid_out(kind, array):
    """The same numbers, contiguous or not."""
    if kind == "turned":
        return np.ascontiguousarray(array.T).T
    return np.repeat(array, 2, axis=0)[::2] if kind == "spread" else array


shapes = st.sampled_from([(0,), (1,), (7,), (1, 1), (300, 3), (17, 33), (5, 11, 13), (3000,), (2, 700)])
types = st.sampled_from(["float32", "float64"])
kinds = st.sampled_from(["plain", "turned", "spread"])


def erf(x):
    return ops.erf(x)


ELEMENTWISE = {
    "relu": (ops.relu, lambda x: ops.maximum(x, 0.0)),
    "leaky_relu": (lambda x: ops.leaky_relu(x, 0.3), lambda x: ops.maximum(x, 0.0) + 0.3 * ops.minimum(x, 0.0)),
    "sigmoid": (ops.sigmoid, lambda x: 1 / (1 + ops.exp(-x))),
    "tanh": (ops.tanh, lambda x: ops.sinh(x) / ops.cosh(x)),
    "silu": (ops.silu, lambda x: x / (1 + ops.exp(-x))),
    "softplus": (ops.softplus, lambda x: ops.log(1 + ops.exp(x))),
    "elu": (ops.elu, lambda x: ops.maximum(x, 0.0) + ops.exp(ops.minimum(x, 0.0)) - 1),
    "elu of another alpha": (
        lambda x: ops.elu(x, 0.4),
        lambda x: ops.maximum(x, 0.0) + 0.4 * (ops.exp(ops.minimum(x, 0.0)) - 1),
    ),
    "gelu": (lambda x: ops.gelu(x, approximate=False), lambda x: x * 0.5 * (ops.erf(x * 0.5**0.5) + 1)),
    "gelu_tanh": (
        lambda x: ops.gelu(x, approximate=True),
        lambda x: x * 0.5 * (1 + ops.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x * x * x))),
    ),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
@quick
@given(shape=shapes, dtype=types, kind=kinds, spread=st.sampled_from([0.1, 1.0, 5.0]))
def test_activations(name, shape, dtype, kind, spread):
    function, plain = ELEMENTWISE[name]
    check(function, plain, [laid_out(kind, normal(1, *shape, dtype=dtype) * np.dtype(dtype).type(spread))])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_at_the_ends_of_the_numbers(name):
    function = ELEMENTWISE[name][0]
    x = np.array([-1e10, -100, -20, 0.0, 20, 100, 1e10], "float32")
    found = function(ef.Tensor(np.repeat(x, 100))).numpy()[::100]
    expected = np.where(x > 0, x, 0)
    if name in ("sigmoid", "tanh"):
        expected = np.sign(x) if name == "tanh" else (np.sign(x) + 1) / 2
    if "elu" in name and "gelu" not in name and name != "relu":
        rate = {"leaky_relu": 0.3 * x, "elu": -np.ones(7), "elu of another alpha": np.full(7, -0.4)}[name]
        expected = np.where(x < 0, rate, x)
    if name == "softplus":
        expected[3] = np.log(2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert np.isnan(function(ef.Tensor(np.full(300, np.nan, "float32"))).numpy()).all()


@pytest.fixture(params=["exp2", "exp"])
def exact_gelu(request, monkeypatch):
    """The kernel with either function that NumPy may be fast in."""
    with monkeypatch.context() as patch:
        patch.setattr(exponential, "raised", getattr(np, request.param))
        patch.setattr(exponential, "RATE", np.log2(np.e) if request.param == "exp2" else 1.0)
        yield importlib.reload(gelu).gelu
    importlib.reload(gelu)


def test_the_exact_gelu_is_exact(exact_gelu):
    x = np.linspace(-9, 9, 20001, dtype="float32")
    wide = ef.Tensor(x.astype("float64"))
    with ef.GradientTape() as tape:
        tape.watch(wide)
        expected = wide * 0.5 * (ops.erf(wide * 0.5**0.5) + 1)
    found, slope = exact_gelu(x, keep=True)
    np.testing.assert_array_equal(found, exact_gelu(x, keep=False)[0])
    np.testing.assert_allclose(found, expected.numpy(), rtol=2e-7, atol=3e-7)
    np.testing.assert_allclose(slope, tape.gradient(expected, wide).numpy(), rtol=2e-7, atol=3e-7)


def plain_moments(x, axes):
    mean = x.mean(axis=axes, keepdims=True)
    away = x - mean
    return mean, away, (away * away).mean(axis=axes, keepdims=True)


def plain_batch(axes, epsilon):
    def normalized(x, gamma, beta):
        mean, away, variance = plain_moments(x, axes)
        out = away * (variance + epsilon) ** -0.5 * gamma.reshape(mean.shape) + beta.reshape(mean.shape)
        return out, mean.reshape((-1,)), variance.reshape((-1,))

    return normalized


@quick
@given(
    shape=st.sampled_from([(50, 3), (1, 5), (300, 1), (7, 9, 11), (4, 3, 40, 5), (2, 600), (3, 2, 2, 70)]),
    place=st.integers(0, 3),
    dtype=types,
    kind=kinds,
    away=st.sampled_from([0.0, 3.0, 50.0]),
)
def test_batch_normalization(shape, place, dtype, kind, away):
    place %= len(shape)
    axes = tuple(i for i in range(len(shape)) if i != place)
    x = laid_out(kind, normal(2, *shape, dtype=dtype) + np.dtype(dtype).type(away))
    arrays = [x, normal(3, shape[place], dtype=dtype), normal(4, shape[place], dtype=dtype)]
    if x.size // shape[place] < 2 or (dtype == "float32" and away > 3):
        return  # one number has no variance; and far from zero float32 itself has too few digits
    check(lambda *xs: normalize_batch(*xs, axes, 0.1), plain_batch(axes, 0.1), arrays)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((1100, 64), 1), ((3, 37, 41, 24), -1), ((5, 6, 3000), 1), ((4, 70_000), 1)]
)
@pytest.mark.parametrize(("scaled", "shifted"), [(True, True), (True, False), (False, True), (False, False)])
def test_batch_normalization_by_given_moments_has_the_bits_of_its_single_ops(shape, axis, dtype, scaled, shifted):
    x = ef.Tensor(normal(6, *shape, dtype=dtype))
    mean, variance, scale, offset = (ef.Variable(abs(normal(7 + i, shape[axis], dtype=dtype))) for i in range(4))
    arguments = {"axis": axis, "scale": scale if scaled else None, "offset": offset if shifted else None}
    found = ops.batch_normalization(x, mean, variance, **arguments)
    expected = registry["batch_normalization"].reference(x, mean, variance, **{"epsilon": 1e-3, **arguments})
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


def test_batch_normalization_far_from_zero_keeps_its_digits():
    x = normal(5, 500, 4) + 300
    out = normalize_batch(x, axes=(0,), epsilon=1e-3)[0].numpy()
    wide = x.astype("float64")
    expected = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3)
    np.testing.assert_allclose(out, expected, atol=2e-4)


def test_batch_normalization_of_channels_that_are_far_from_zero_only_later():
    x = normal(5, 600, 4)
    x[90:, 2] += 300
    x[90:, 3] = 7
    out, mean, variance = normalize_batch(x, axes=(0,), epsilon=1e-3)
    wide = x.astype("float64")
    np.testing.assert_allclose(mean.numpy(), wide.mean(0), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(variance.numpy(), wide.var(0), rtol=5e-6)
    expected = (wide - wide.mean(0)) / np.sqrt(wide.var(0) + 1e-3)
    np.testing.assert_allclose(out.numpy(), expected, atol=1e-5)


def plain_layer(axes, epsilon):
    def normalized(x, gamma, beta):
        _, away, variance = plain_moments(x, axes)
        return away * (variance + epsilon) ** -0.5 * gamma + beta

    return normalized


ROWS = st.sampled_from([(1, 1), (40, 3), (3, 300), (1, 700), (9, 5, 12), (2, 3, 4, 50)])


@quick
@given(shape=ROWS, count=st.integers(1, 2), dtype=types, kind=kinds, away=st.sampled_from([0, 2, 20]))
def test_layer_normalization(shape, count, dtype, kind, away):
    axes = tuple(range(len(shape) - count, len(shape)))
    arrays = [
        laid_out(kind, normal(6, *shape, dtype=dtype) + np.dtype(dtype).type(away)),
        *[normal(i, *shape[-count:], dtype=dtype) for i in (7, 8)],
    ]
    check(
        lambda x, gamma, beta: ops.layer_normalization(x, gamma, beta, axis=axes, epsilon=0.1),
        plain_layer(axes, 0.1),
        arrays,
    )


def test_layer_normalization_of_rows_near_and_far_from_zero_and_not_finite():
    x = normal(6, 60, 20)
    x[10] += 300
    x[20] *= 1e20
    x[30:32, 3] = np.inf, np.nan
    with np.errstate(all="ignore"):
        wide = x.astype("float64")
        expected = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 0.1)
        found = ops.layer_normalization(ef.Tensor(x), epsilon=0.1).numpy()
    expected[20] = np.nan  # the variance overflows
    np.testing.assert_allclose(found, expected, atol=1e-4)


@quick
@given(shape=ROWS, dtype=types, kind=kinds)
def test_root_mean_square_normalization(shape, dtype, kind):
    arrays = [laid_out(kind, normal(9, *shape, dtype=dtype)), normal(10, shape[-1], dtype=dtype)]
    check(
        lambda x, scale: ops.rms_normalization(x, scale, axis=-1, epsilon=0.1),
        lambda x, scale: x * ((x * x).mean(axis=-1, keepdims=True) + 0.1) ** -0.5 * scale,
        arrays,
    )


@pytest.mark.parametrize("needed", ["x", "gamma", "beta"])
def test_layer_normalization_gives_single_gradients(needed):
    arrays = {"x": normal(1, 30, 20), "gamma": normal(2, 20), "beta": normal(3, 20)}
    of_all = results(lambda x, gamma, beta: ops.layer_normalization(x, gamma, beta), list(arrays.values()))
    given_ones = {name: ef.Tensor(a) for name, a in arrays.items() if name != needed}
    alone = results(lambda a: ops.layer_normalization(**{needed: a}, **given_ones), [arrays[needed]])
    np.testing.assert_array_equal(alone[1], of_all[1 + list(arrays).index(needed)])


@quick
@given(
    shape=st.sampled_from([(5,), (1, 1), (9, 20), (4, 6, 3), (3, 7, 12), (70000, 2), (70000, 9)]),
    axis=st.integers(0, 2),
    places=st.sampled_from([(0,), (1,), (40,), (3, 5), (2, 3, 4)]),
    skew=st.booleans(),
    dtype=types,
)
def test_gathered_rows_get_all_their_gradients(shape, axis, places, skew, dtype):
    axis %= len(shape)
    rng = np.random.default_rng([*shape, *places])
    index = rng.integers(-shape[axis], shape[axis], places)
    index[...] = np.where(skew & (rng.random(places) < 0.7), 0, index)
    x = ef.Tensor(normal(1, *shape, dtype=dtype))
    with ef.GradientTape() as tape:
        tape.watch(x)
        out = ops.take(x, ef.Tensor(index), axis=axis)
    g = normal(2, *out.shape, dtype=dtype)
    expected = np.zeros(shape)
    np.add.at(expected, (slice(None),) * axis + (index,), g)
    found = tape.gradient(out, x, output_gradients=ef.Tensor(g)).numpy()
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_scattering_outside_raises():
    with pytest.raises(IndexError):
        ops.scatter(np.array([[0], [4]]), ef.Tensor(normal(1, 2, 9)), (4, 9))


@quick
@given(
    lengths=st.sampled_from([(1, 1), (7, 5), (40, 33), (3, 90), (70, 2)]),
    heads=st.sampled_from([(1, 1), (4, 4), (4, 2)]),
    widths=st.sampled_from([(1, 3), (8, 8)]),
    extra=st.sampled_from(["nothing", "mask", "bias", "causal", "causal mask", "cap"]),
    large=st.booleans(),
    kept=st.booleans(),
    dtype=types,
)
def test_attention(lengths, heads, widths, extra, large, kept, dtype):
    (targets, sources), (count, shared) = lengths, heads
    settings = {"is_causal": "causal" in extra, "attn_logits_soft_cap": 2.0 if extra == "cap" else None}
    if "mask" in extra:
        settings["mask"] = normal(3, 2, 1, targets, sources) > -0.5
    arrays = [
        normal(4, 2, targets, count, widths[0], dtype=dtype) * (30 if large else 1),
        normal(5, 2, sources, shared, widths[0], dtype=dtype),
        normal(6, 2, sources, shared, widths[1], dtype=dtype),
    ]
    if extra == "bias":
        arrays.append(normal(7, count, targets, sources, dtype=dtype))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Attention, "LEAST", 3)
        patch.setattr(costs.Attention, "KEPT", 1 << 20 if kept else 0)
        check(
            lambda *xs: ops.dot_product_attention(*xs, **settings),
            lambda *xs: ops.dot_product_attention.op.reference(
                **dict(zip(("query", "key", "value", "bias"), (*xs, None)[:4], strict=True)),
                **{"mask": None, **{n: ef.Tensor(v) if n == "mask" else v for n, v in settings.items()}},
                scale=None,
            ),
            arrays,
        )


REDUCED = st.sampled_from([(300,), (40, 3), (3, 400), (2, 150, 9), (5, 6, 7, 8), (1, 700, 1), (20000, 2), (3, 9000)])


@quick
@given(shape=REDUCED, first=st.integers(0, 3), count=st.integers(1, 3), dtype=types, kind=kinds, keepdims=st.booleans())
def test_reductions_over_neighbouring_axes(shape, first, count, dtype, kind, keepdims):
    first %= len(shape)
    axes = tuple(range(first, min(len(shape), first + count)))
    x = laid_out(kind, normal(11, *shape, dtype=dtype))
    wide = x.astype("float64")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Sums, "SMALL", 0)
        found = [
            getattr(ops, name)(ef.Tensor(x), axis=axes, keepdims=keepdims) for name in ("sum", "mean", "max", "min")
        ]
    expected = [getattr(wide, name)(axis=axes, keepdims=keepdims) for name in ("sum", "mean", "max", "min")]
    for ours, wanted in zip(found, expected, strict=True):
        assert (ours.dtype, ours.shape) == (dtype, wanted.shape)
        rounding = TOLERANCE[dtype] * (x.size // max(1, wanted.size)) ** 0.5
        np.testing.assert_allclose(ours.numpy(), wanted, rtol=TOLERANCE[dtype], atol=rounding)


@quick
@given(
    shape=st.sampled_from([(300, 7), (3, 40, 9), (2, 6, 8, 5), (4, 64), (600, 1), (2, 33, 3), (5, 12)]),
    first=st.integers(0, 2),
    count=st.integers(1, 2),
    dtype=types,
    kind=st.sampled_from(["plain", "ties", "zeros"]),
    largest=st.booleans(),
)
def test_gradients_of_extremes(shape, first, count, dtype, kind, largest):
    first %= len(shape)
    axes = tuple(range(first, min(len(shape), first + count)))
    x = normal(26, *shape, dtype=dtype)
    if kind != "plain":
        x = np.round(x) if kind == "ties" else np.zeros_like(x)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Sums, "SMALL", 0)
        extreme = ops.max if largest else ops.min
        out, found = results(lambda x: extreme(x, axis=axes), [x])
    hits = x == (x.max if largest else x.min)(axis=axes, keepdims=True)
    g = normal(0, *out.shape, dtype=dtype).reshape([1 if i in axes else n for i, n in enumerate(shape)])
    np.testing.assert_allclose(found, hits * g / hits.sum(axis=axes, keepdims=True), rtol=1e-6)


def test_running_sums_of_what_is_not_finite():
    x = normal(27, 60, 12)
    x[3, 5], x[4, 2], x[5, 0] = np.nan, np.inf, -np.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Sums, "SMALL", 0)
        found = ops.cumsum(ef.Tensor(x), axis=1).numpy()
    np.testing.assert_allclose(found, x.cumsum(axis=1), rtol=1e-5, atol=1e-5)


def test_extremes_keep_nan_and_empty_axes_raise():
    x = normal(12, 70, 90)
    x[3, 5] = np.nan
    found = ops.max(ef.Tensor(x), axis=0).numpy()
    assert np.isnan(found[5])
    assert np.isnan(found).sum() == 1
    assert np.flatnonzero(np.isnan(ops.min(ef.Tensor(x), axis=1).numpy())).tolist() == [3]
    with pytest.raises(ValueError):
        ops.max(ef.Tensor(np.zeros((0, 9), "float32")), axis=0)


@quick
@given(shape=st.sampled_from([(300, 7), (2, 9, 11), (5000, 1), (1, 300)]), lead=st.integers(1, 2), dtype=types)
def test_broadcast_parameters_get_sums(shape, lead, dtype):
    parameter = normal(13, *shape[min(lead, len(shape) - 1) :], dtype=dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Sums, "SMALL", 0)
        check(lambda x, p: x * p + p, lambda x, p: (x + 1) * p, [normal(14, *shape, dtype=dtype), parameter])


@pytest.mark.parametrize("where", [-90.0, -300.0, -3e38, -np.inf, 80.0, 100.0, 3e38, np.nan])
def test_softmaxes_of_rows_that_sums_of_exponentials_cannot_hold(where):
    x = normal(15, 300, 9)
    x[7], x[200] = where, np.arange(9) * 20 + np.float32(where)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Softmax, "SMALL", 0)
        found, logarithm = ops.softmax(ef.Tensor(x)).numpy(), ops.log_softmax(ef.Tensor(x)).numpy()
    wide = x.astype("float64")
    with np.errstate(invalid="ignore", divide="ignore"):
        e = np.exp(wide - wide.max(1, keepdims=True))
        expected = e / e.sum(1, keepdims=True)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-30)
        real = np.isfinite(np.log(expected)) & (expected > 1e-30)
    np.testing.assert_allclose(logarithm[real], np.log(expected[real]), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@quick
@given(
    shape=st.sampled_from([(40, 3), (3, 400), (2, 5, 9), (1, 1), (300, 1)]), dtype=types, size=st.sampled_from([1, 90])
)
def test_softmaxes(name, shape, dtype, size):
    def plain(x):
        e = ops.exp(x - ef.Tensor(x.numpy().max(axis=-1, keepdims=True)))
        found = e / e.sum(axis=-1, keepdims=True)
        return found if name == "softmax" else ops.log(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Softmax, "SMALL", 0)
        check(getattr(ops, name), plain, [normal(15, *shape, dtype=dtype) * np.dtype(dtype).type(size)])


@quick
@given(shape=st.sampled_from([(40, 3), (3, 400), (2, 5, 9), (300, 1)]), dtype=types, size=st.sampled_from([1, 90]))
def test_crossentropies(shape, dtype, size):
    x = normal(17, *shape, dtype=dtype) * np.dtype(dtype).type(size)
    labels = np.random.default_rng(1).integers(0, shape[-1], shape[:-1])
    hot = np.eye(shape[-1], dtype=dtype)[labels]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Softmax, "SMALL", 0)

        def plain(x):
            return -(ops.log_softmax(x) * ef.Tensor(hot.astype("float64"))).sum(axis=-1)

        of_labels = [ops.sparse_categorical_crossentropy, ef.Tensor(labels)]
        for function, target in (of_labels, [ops.categorical_crossentropy, ef.Tensor(hot)]):
            check(lambda x, f=function, t=target: f(t, x, from_logits=True), plain, [x])


@quick
@given(shape=shapes, dtype=types, kind=kinds)
def test_binary_crossentropy_and_dropout(shape, dtype, kind):
    x = laid_out(kind, normal(18, *shape, dtype=dtype))
    target = (normal(19, *shape) > 0).astype(dtype)
    check(
        lambda x: ops.binary_crossentropy(ef.Tensor(target), x, from_logits=True),
        lambda x: ops.log(1 + ops.exp(x)) - ef.Tensor(target.astype("float64")) * x,
        [x],
    )
    out, gradient = results(lambda x: ef.random.dropout(x, 0.25, seed=3), [np.abs(x) + 1])
    kept = out != 0
    scale = np.dtype(dtype).type(1 / 0.75)
    np.testing.assert_allclose(out, np.where(kept, (np.abs(x) + 1) * scale, 0), rtol=1e-6)
    assert ((gradient != 0) == kept).all()


@quick
@given(
    lengths=st.sampled_from(
        [(1, 1, 1), (40, 30, 20), (1, 300, 50), (50, 300, 1), (700, 9, 8), (9, 8, 700), (7, 900, 5)]
    ),
    stacks=st.sampled_from([((), ()), ((3,), ()), ((3,), (3,)), ((2, 3), (2, 3)), ((2, 1), (1, 3)), ((0,), (0,))]),
    turned=st.tuples(st.booleans(), st.booleans()),
    dtype=types,
)
def test_products(lengths, stacks, turned, dtype):
    (rows, inner, columns), (left, right) = lengths, stacks
    a = normal(20, *left, *((inner, rows) if turned[0] else (rows, inner)), dtype=dtype)
    b = normal(21, *right, *((columns, inner) if turned[1] else (inner, columns)), dtype=dtype)

    def product(a, b):
        return ops.matmul(a.swapaxes(-1, -2) if turned[0] else a, b.swapaxes(-1, -2) if turned[1] else b)

    def plain(a, b):
        a, b = a.swapaxes(-1, -2) if turned[0] else a, b.swapaxes(-1, -2) if turned[1] else b
        return (ops.expand_dims(a, -1) * ops.expand_dims(b, -3)).sum(axis=-2)

    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("ALONE", 9), ("VECTORS", 3), ("PARTS", ((64, 1), (500, 3))), ("BAND", 500)):
            patch.setattr(costs.Products, name, value)
        check(product, plain, [a, b])


@pytest.mark.parametrize("turned", [False, True])
def test_products_of_heads_that_lie_between_positions(turned):
    q, k = normal(1, 3, 90, 4, 8), normal(2, 3, 80, 4, 8)

    def scores(q, k):
        q, k = q.transpose((0, 2, 1, 3)), k.transpose((0, 2, 3, 1))
        return k.swapaxes(-1, -2) @ q.swapaxes(-1, -2) if turned else q @ k

    found = scores(ef.Tensor(q), ef.Tensor(k)).numpy()
    expected = np.einsum("bsnw,btnw->bnst" if turned else "btnw,bsnw->bnts", *((k, q) if turned else (q, k)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    check(scores, scores, [q, k])


@quick
@given(
    shape=st.sampled_from([(50, 3), (7, 9, 11), (4, 3, 40, 5), (3, 2, 2, 70)]),
    place=st.integers(0, 3),
    dtype=types,
    kind=kinds,
)
def test_normalization_by_given_moments(shape, place, dtype, kind):
    place %= len(shape)
    vectors = [normal(i, shape[place], dtype=dtype) for i in (3, 4, 5)]
    vectors.append(np.abs(normal(6, shape[place], dtype=dtype)) + np.dtype(dtype).type(0.5))
    form = tuple(n if i == place else 1 for i, n in enumerate(shape))

    def plain(x, *vectors):
        gamma, beta, mean, variance = [v.reshape(form) for v in vectors]
        return (x - mean) * (variance + 0.1) ** -0.5 * gamma + beta

    check(
        lambda x, gamma, beta, mean, variance: ops.batch_normalization(x, mean, variance, place, beta, gamma, 0.1),
        plain,
        [laid_out(kind, normal(2, *shape, dtype=dtype)), *vectors],
    )


@quick
@given(
    shape=st.sampled_from([(2, 50, 4), (3, 7, 9, 12), (1, 1, 300), (4, 64, 2), (2, 600), (9, 8, 8, 16)]),
    groups=st.sampled_from([1, 2, -1]),
    dtype=types,
    kind=kinds,
    away=st.sampled_from([0.0, 30.0]),
)
def test_group_normalization(shape, groups, dtype, kind, away):
    groups = shape[-1] if groups == -1 else groups
    if shape[-1] // groups * np.prod(shape[1:-1]) < 2 or (dtype == "float32" and away and kind != "plain"):
        return  # one number has no variance
    arrays = [laid_out(kind, normal(2, *shape, dtype=dtype) + np.dtype(dtype).type(away))]
    arrays += [normal(i, shape[-1], dtype=dtype) for i in (3, 4)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.GroupNorm, "SMALL", 0)
        if dtype == "float32" and away:
            patch.setitem(TOLERANCE, "float32", 1e-3)
        check(lambda *xs: group_norm(*xs, groups, 0.1), lambda *xs: _by_moments(*xs, groups, 0.1), arrays)


@quick
@given(
    shape=st.sampled_from([(300,), (5, 400), (2, 3, 1000), (40, 257)]),
    k=st.integers(1, 12),
    dtype=types,
    kind=st.sampled_from(["plain", "ties", "zeros", "infinite", "nan"]),
)
def test_top_positions_are_those_of_sorting(shape, k, dtype, kind):
    x = normal(22, *shape, dtype=dtype)
    if kind == "ties":
        x = np.round(x * 2) / 2
    if kind == "zeros":
        x[...] = 0
    if kind == "infinite":
        x[..., ::7], x[..., 3] = -np.inf, np.inf
    if kind == "nan":
        x[..., 5] = np.nan
    values, indices = ops.top_k(ef.Tensor(x), k)
    expected = (-x).argsort(axis=-1, kind="stable")[..., :k]
    if kind == "nan":
        expected = shape[-1] - 1 - x[..., ::-1].argsort(axis=-1, kind="stable")[..., ::-1][..., :k]
    np.testing.assert_array_equal(indices.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(x, expected, -1))


@quick
@given(
    shape=st.sampled_from([(7, 300), (1, 256), (3, 5, 300), (300, 3)]), axis=st.integers(0, 2), dtype=types, kind=kinds
)
def test_running_sums(shape, axis, dtype, kind):
    axis %= len(shape)

    def plain(x):
        return ops.stack(
            [x[(slice(None),) * axis + (slice(i + 1),)].sum(axis=axis) for i in range(shape[axis])], axis=axis
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs.Sums, "SMALL", 0)
        check(lambda x: ops.cumsum(x, axis=axis), plain, [laid_out(kind, normal(23, *shape, dtype=dtype))])


@quick
@given(
    shape=st.sampled_from([(600, 3), (9, 70, 4), (300, 2, 5), (2000, 1)]),
    lead=st.integers(1, 2),
    dtype=types,
    kind=kinds,
)
def test_added_rows(shape, lead, dtype, kind):
    row = normal(24, *shape[min(lead, len(shape) - 1) :], dtype=dtype)
    x = laid_out(kind, normal(25, *shape, dtype=dtype))
    found = ops.add(ef.Tensor(x), ef.Tensor(row)).numpy()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, x + row)
