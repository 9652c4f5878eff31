"""Numbers to small integers and back."""

from __future__ import annotations

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import eagerflow as ef
from eagerflow import quantizers

X = numpy.random.default_rng(0).normal(size=(37, 11)).astype("float32")


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1)])
@pytest.mark.parametrize("limits", [(-127, 127), (-8, 7)])
def test_the_largest_value_is_the_largest_integer(axis: int | tuple[int, ...], limits: tuple[int, int]) -> None:
    values, scale = quantizers.abs_max_quantize(X, axis, limits)
    assert values.dtype == "int8"
    assert_array_equal(abs(values.numpy().astype(int)).max(axis), limits[1])
    assert_allclose(values.numpy() / scale.numpy(), X, atol=0.51 / scale.numpy().min())


@pytest.mark.parametrize("block", [1, 4, 37, 100])
@pytest.mark.parametrize("shift", [0.0, 5.0, -5.0])
def test_groups_are_no_further_off_than_half_a_step(block: int, shift: float) -> None:
    x = X + numpy.float32(shift)
    values, scale, zero = quantizers.abs_max_quantize_grouped_with_zero_point(x, block)
    groups = numpy.arange(len(x)) // block
    found = (values.numpy() - zero.numpy()[groups].astype("float32")) * scale.numpy()[groups]
    assert (abs(found - x) <= 0.51 * scale.numpy()[groups] + 1e-6).all()


def test_groups_of_zeros_stay_zero() -> None:
    values, _, zero = quantizers.abs_max_quantize_grouped_with_zero_point(numpy.zeros((4, 2), "float32"), 2)
    assert_array_equal(values.numpy(), numpy.repeat(zero.numpy(), 2, axis=0))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
@pytest.mark.parametrize("kind", ["int8", "uint8"])
def test_two_integers_in_a_byte_come_back(axis: int, kind: str) -> None:
    low = -8 if kind == "int8" else 0
    x = numpy.random.default_rng(1).integers(low, low + 16, (5, 4, 3)).astype(kind)
    packed, shape, length = quantizers.pack_int4(x, axis, kind)
    assert (packed.shape, length) == (shape, x.shape[axis])
    assert packed.shape[axis] == (length + 1) // 2
    assert_array_equal(quantizers.unpack_int4(packed, length, axis, kind).numpy(), x)


def test_what_is_no_small_integer_is_refused() -> None:
    with pytest.raises(TypeError, match="float32"):
        quantizers.pack_int4(X)
    with pytest.raises(TypeError, match="int32"):
        quantizers.unpack_int4(numpy.zeros((2, 2), "int32"), 2)
    with pytest.raises(ValueError, match="uint8"):
        quantizers.pack_int4(X.astype("int8"), dtype="int4")


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2"])
def test_floats_of_eight_bits_are_the_nearest(name: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    rng = numpy.random.default_rng(2)
    x = numpy.concatenate([rng.normal(size=2000) * 10.0 ** rng.integers(-7, 3, 2000), [0.0, 448, -448]])
    x = x.astype("float32").clip(-448, 448)
    wanted = x.astype(getattr(ml_dtypes, name)).astype("float32")
    assert_array_equal(quantizers.quantize_and_dequantize(x, 1.0, name, "float32").numpy(), wanted)


def test_scales_of_float8_follow_the_largest_value() -> None:
    assert float(quantizers.compute_float8_scale(896.0, 3.0, 448.0)) == 2.0
    assert float(quantizers.compute_float8_scale(0.0, 3.0, 448.0)) == 3.0
    assert float(quantizers.compute_float8_scale(numpy.inf, 3.0, 448.0)) == 3.0


@pytest.mark.parametrize("narrow", [False, True])
def test_limits_can_be_trained(narrow: bool) -> None:
    x, low, high = ef.Variable([[-2.0, -0.3], [0.4, 2.0]]), ef.Variable([-1.0, -1.0]), ef.Variable([1.0, 1.0])
    with ef.GradientTape() as tape:
        y = quantizers.fake_quant_with_min_max_vars(x, low, high, 8, narrow, axis=1)
    assert_allclose(y.numpy(), [[-1, -0.3], [0.4, 1]], atol=0.01)
    inside, of_low, of_high = tape.gradient(y, [x, low, high])
    assert inside.tolist() == [[0, 1], [1, 0]]
    assert (of_low.tolist(), of_high.tolist()) == ([1, 0], [0, 1])


def test_symbolic_inputs_stay_symbolic() -> None:
    x = ef.Input((3,))
    model = ef.Model(x, quantizers.fake_quant_with_min_max_vars(x, -1.0, 1.0))
    assert_allclose(model.predict(numpy.float32([[-3, 0, 3]]), verbose=0), [[-1, 0, 1]], atol=0.01)


@pytest.mark.parametrize(
    "made",
    [
        quantizers.AbsMaxQuantizer(axis=0, value_range=(-8, 7)),
        quantizers.Int8QuantizationConfig(activation_quantizer=None),
        quantizers.Int4QuantizationConfig(quantizers.AbsMaxQuantizer(0, (-8, 7)), block_size=None),
        quantizers.Float8QuantizationConfig(),
    ],
    ids=lambda made: type(made).__name__,
)
def test_configurations_come_back(made: object) -> None:
    again = quantizers.deserialize(quantizers.serialize(made))
    assert type(again) is type(made)
    assert again.get_config() == made.get_config()


def test_names_are_found() -> None:
    assert isinstance(quantizers.get("AbsMaxQuantizer"), quantizers.AbsMaxQuantizer)
    assert quantizers.get(None) is None
    with pytest.raises(ValueError, match="quantizer"):
        quantizers.get("typo")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"block_size": 0}, "positive"),
        ({"block_size": 8, "weight_quantizer": quantizers.AbsMaxQuantizer(0, (-8, 7))}, "block_size=None"),
        ({"block_size": None, "weight_quantizer": quantizers.AbsMaxQuantizer(0)}, r"\(-8, 7\)"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quantizers.Int4QuantizationConfig(**arguments)  # type: ignore[arg-type]
