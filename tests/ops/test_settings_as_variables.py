"""A number that a function takes beside its arrays may be a Variable: its gradient is right, or asking raises."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import eagerflow as ef

X = np.array([[-2.3, -0.71, 0.33], [0.9, 1.6, 3.2]])
UNIT = np.array([[0.2, 0.7, 0.1], [0.3, 0.3, 0.4]])
HOT = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
CLASSES = np.array([1, 0])
IMAGE = np.linspace(0.05, 0.95, 2 * 12 * 12 * 1).reshape(2, 12, 12, 1) ** 2
HEADS = np.sin(np.arange(2 * 3 * 2 * 4.0)).reshape(2, 3, 2, 4)
AFFINE = np.array([[1.0, 0.1, 3.0, 0.0, 1.0, 0.2, 0.0, 0.0]] * 2)
CORNERS = np.array([[[0.0, 0.0], [11.0, 0.0], [0.0, 11.0], [11.0, 11.0]]] * 2)
SHIFTED = CORNERS + np.array([[[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.5, 0.5]]] * 2)

# By function: its arrays, and a value for each numeric setting.
CALLS = {
    "ops.celu": ((X,), {"alpha": 0.7}),
    "ops.elu": ((X,), {"alpha": 0.7}),
    "ops.leaky_relu": ((X,), {"negative_slope": 0.3}),
    "ops.hard_shrink": ((X,), {"threshold": 0.8}),
    "ops.soft_shrink": ((X,), {"threshold": 0.8}),
    "ops.squareplus": ((X,), {"b": 3.0}),
    "ops.threshold": ((X,), {"threshold": 0.8, "default_value": -0.4}),
    "ops.nan_to_num": ((np.array([1.0, np.nan, np.inf, -np.inf]),), {"nan": 0.5, "posinf": 3.0, "neginf": -2.0}),
    "ops.normalize": ((X,), {"epsilon": 1e-3}),
    "ops.batch_normalization": ((X, np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 0.5]), 1), {"epsilon": 0.1}),
    "ops.layer_normalization": ((X,), {"epsilon": 0.1}),
    "ops.rms_normalization": ((X,), {"epsilon": 0.1}),
    "ops.trapezoid": ((X,), {"dx": 0.3}),
    "ops.psnr": ((UNIT, HOT), {"max_val": 2.0}),
    "ops.dot_product_attention": ((HEADS, HEADS + 0.1, HEADS * 2), {"scale": 0.3, "attn_logits_soft_cap": 2.0}),
    "ops.pad": ((X, 1), {"constant_values": 0.4}),
    "ops.max": ((X,), {"initial": 5.0}),
    "ops.min": ((X,), {"initial": -5.0}),
    "ops.pinv": ((X,), {"rcond": 1e-6}),
    "ops.lstsq": ((X, np.array([1.0, 2.0])), {"rcond": 1e-6}),
    "ops.clip": ((X,), {"x_min": -0.5, "x_max": 1.2}),
    "ops.quantile": ((X,), {"q": 0.37}),
    "ops.percentile": ((X,), {"q": 37.0}),
    "ops.nanquantile": ((X,), {"q": 0.37}),
    "ops.nanpercentile": ((X,), {"q": 37.0}),
    "ops.linspace": ((), {"start": 0.5, "stop": 2.5}),
    "ops.logspace": ((), {"start": 0.5, "stop": 2.5}),
    "ops.geomspace": ((), {"start": 0.5, "stop": 2.5}),
    "ops.full": (((2, 3),), {"fill_value": 1.5}),
    "ops.full_like": ((X,), {"fill_value": 1.5}),
    "ops.kaiser": ((8,), {"beta": 2.0}),
    "ops.norm": ((X,), {"ord": 3.0}),
    "activations.relu": ((X,), {"negative_slope": 0.3, "max_value": 2.0, "threshold": 0.5}),
    "losses.binary_crossentropy": ((HOT, UNIT), {"label_smoothing": 0.1}),
    "losses.binary_focal_crossentropy": ((HOT, UNIT, True), {"alpha": 0.3, "gamma": 1.7, "label_smoothing": 0.1}),
    "losses.categorical_crossentropy": ((HOT, UNIT), {"label_smoothing": 0.1}),
    "losses.categorical_focal_crossentropy": ((HOT, UNIT), {"alpha": 0.3, "gamma": 1.7, "label_smoothing": 0.1}),
    "losses.categorical_generalized_cross_entropy": ((CLASSES, UNIT), {"q": 0.6}),
    "losses.circle": ((np.array([0, 1, 0, 1]), np.cos(np.arange(12.0)).reshape(4, 3)), {"gamma": 2.0, "margin": 0.3}),
    "losses.huber": ((X, X[::-1] * 0.4), {"delta": 0.8}),
    "losses.tversky": ((HOT, UNIT), {"alpha": 0.3, "beta": 0.6}),
    "ops.image.affine_transform": ((IMAGE, AFFINE), {"fill_value": 0.4}),
    "ops.image.perspective_transform": ((IMAGE, CORNERS, SHIFTED), {"fill_value": 0.4}),
    "ops.image.map_coordinates": ((X, np.array([[-1.0, 0.5, 1.0], [0.0, 0.3, 2.6]]), 1), {"fill_value": 0.4}),
    "ops.image.resize": ((IMAGE, (6, 8)), {"fill_value": 0.4}),
    "ops.image.ssim": ((IMAGE, IMAGE**1.5), {"max_val": 1.2, "filter_sigma": 1.4, "k1": 0.02, "k2": 0.04}),
    "ops.image.gaussian_blur": ((IMAGE, 5), {"sigma": 1.4}),
    "random.normal": (((3,),), {"mean": 0.4, "stddev": 1.3}),
    "random.truncated_normal": (((3,),), {"mean": 0.4, "stddev": 1.3}),
    "random.uniform": (((3,),), {"minval": 0.4, "maxval": 1.3}),
    "random.dropout": ((X,), {"rate": 0.4}),
}
MORE = {  # what else a call needs
    "ops.image.affine_transform": {"fill_mode": "constant"},
    "ops.image.map_coordinates": {"fill_mode": "constant"},
    "ops.image.resize": {"pad_to_aspect_ratio": True},
    "ops.linspace": {"num": 4},
    "ops.logspace": {"num": 4},
    "ops.geomspace": {"num": 4},
    "random.normal": {"dtype": "float64", "seed": 3},
    "random.truncated_normal": {"dtype": "float64", "seed": 3},
    "random.uniform": {"dtype": "float64", "seed": 3},
    "random.dropout": {"seed": 3},
    "ops.norm": {"axis": 1},
    "ops.image.ssim": {"filter_size": 5},
    "ops.full": {"dtype": "float64"},
}
RAISE = [("random.dropout", "rate")]
IN_FLOAT32 = ("ops.kaiser",)  # whatever it is asked for
NOT_FROM_NUMBERS = {
    "ops.allclose": "answers True or False",
    "ops.isclose": "answers True or False",
    "ops.image.elastic_transform": "random: shifts are drawn, then interpolated",
    "metrics.binary_accuracy": "counts",
}
CASES = [(name, setting) for name, (_, settings) in CALLS.items() for setting in settings]


def _find(name):
    place = ef
    for part in name.split("."):
        place = getattr(place, part)
    return place


def _loss(name, setting, value):
    arrays, settings = CALLS[name]
    arrays = [ef.Tensor(a, "float64" if a.dtype.kind == "f" else None) if hasattr(a, "dtype") else a for a in arrays]
    found = _find(name)(*arrays, **{**settings, **MORE.get(name, {}), setting: value})
    found = found[0] if isinstance(found, (tuple, list)) else found
    return (found * ef.ops.cos(ef.ops.arange(found.size, dtype="float64").reshape(found.shape))).sum()


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_the_gradient_of_a_setting_is_right_or_raises(name, setting):
    value = CALLS[name][1][setting]
    variable = ef.Variable(value, dtype="float64")
    if (name, setting) in RAISE:
        with ef.GradientTape(), pytest.raises((TypeError, ValueError), match=setting):
            _loss(name, setting, variable)
        return
    with ef.GradientTape() as tape:
        loss = _loss(name, setting, variable)
    found = tape.gradient(loss, variable)
    step, tolerance = (1e-2, 1e-3) if name in IN_FLOAT32 else (1e-5 * max(1.0, abs(value)), 1e-4)
    high, low = (float(_loss(name, setting, ef.Tensor(value + s, "float64"))) for s in (step, -step))
    assert float(loss) == pytest.approx(float(_loss(name, setting, value)), rel=1e-6)
    expected = (high - low) / (2 * step)
    assert (0.0 if found is None else float(found)) == pytest.approx(expected, rel=tolerance, abs=1e-7)


def test_each_function_with_a_number_stands_here():
    missing = []
    for place in ("ops", "activations", "losses", "random", "metrics", "ops.image"):
        module = _find(place)
        for name in dir(module):
            function = getattr(module, name)
            if name.startswith("_") or not callable(function) or isinstance(function, type):
                continue
            parameters = inspect.signature(function).parameters.values()
            numbers = [p.name for p in parameters if "float" in str(p.annotation) or isinstance(p.default, float)]
            known = [CALLS[f"{p}.{name}"][1] for p in ("ops", "losses", place) if f"{p}.{name}" in CALLS]
            known = known or [CALLS[c][1] for c in CALLS if c.endswith(f".{name}")]
            if f"{place}.{name}" not in NOT_FROM_NUMBERS and not all(any(n in k for k in known) for n in numbers):
                missing.append((place, name, numbers))
    assert not missing


@pytest.mark.parametrize("size", [6, 6000])
def test_a_slope_per_channel(size):
    x, slopes = np.linspace(-3, 3, size).reshape(-1, 2), np.array([0.1, 0.7])
    for given in (slopes, ef.Variable(slopes, dtype="float64")):
        np.testing.assert_allclose(ef.ops.leaky_relu(x, given).numpy(), np.where(x > 0, x, x * slopes))
        np.testing.assert_allclose(
            ef.ops.elu(x, given).numpy(), np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * slopes)
        )
