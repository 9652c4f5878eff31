"""Quantized weights of Dense, EinsumDense, Embedding and ReversibleEmbedding; adapters of these and of convolutions."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import eagerflow as ef
from eagerflow import layers, quantizers
from eagerflow.quantizers import AbsMaxQuantizer, Int4QuantizationConfig, Int8QuantizationConfig

FLOATS = numpy.random.default_rng(0).normal(size=(4, 3, 10)).astype("float32")
INTEGERS = numpy.random.default_rng(0).integers(0, 10, (4, 3))

LAYERS: dict[str, tuple[Callable[..., Any], Any]] = {
    "dense": (lambda **k: layers.Dense(7, activation="tanh", **k), FLOATS),
    "einsum": (lambda **k: layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="de", **k), FLOATS),
    "einsum_turned": (lambda **k: layers.EinsumDense("abc,ec->abe", (None, 5), bias_axes="e", **k), FLOATS),
    "einsum_of_two": (lambda **k: layers.EinsumDense("abc,dbc->ad", 6, **k), FLOATS),
    "einsum_with_dots": (lambda **k: layers.EinsumDense("...c,cd->...d", 6, bias_axes="d", **k), FLOATS),
    "embedding": (lambda **k: layers.Embedding(10, 7, mask_zero=True, **k), INTEGERS),
    "reversible": (lambda **k: layers.ReversibleEmbedding(10, 7, **k), INTEGERS),
    "reversible_untied": (lambda **k: layers.ReversibleEmbedding(10, 7, tie_weights=False, **k), INTEGERS),
}
PICTURES = numpy.random.default_rng(0).normal(size=(2, 6, 6, 4)).astype("float32")
CONVOLUTIONS: dict[str, tuple[Callable[..., Any], Any]] = {
    "conv1d": (lambda **k: layers.Conv1D(7, 2, padding="causal", **k), FLOATS),
    "conv2d": (lambda **k: layers.Conv2D(6, 3, activation="relu", **k), PICTURES),
    "conv2d_groups": (lambda **k: layers.Conv2D(6, 3, groups=2, use_bias=False, **k), PICTURES),
    "conv3d": (lambda **k: layers.Conv3D(3, 2, **k), PICTURES[..., None]),
}
CONFIGS = {
    "int8": Int8QuantizationConfig(),
    "int8 weights": Int8QuantizationConfig(activation_quantizer=None),
    "int4": Int4QuantizationConfig(),
    "int4 blocks": Int4QuantizationConfig(block_size=4),
    "int4 columns": Int4QuantizationConfig(block_size=None),
    "int4 inputs": Int4QuantizationConfig(activation_quantizer=AbsMaxQuantizer(), block_size=-1),
}


def made(name: str, **settings: Any) -> tuple[Any, Any, Any]:
    """A layer, its inputs and its outputs."""
    ef.utils.set_random_seed(1)
    make, x = (LAYERS | CONVOLUTIONS)[name]
    layer = make(**settings)
    return layer, ef.convert_to_tensor(x), layer(x).numpy()


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_quantized_layers_give_nearly_the_same(name: str, config: str) -> None:
    layer, x, before = made(name)
    size = layer.count_params()
    layer.quantize(config=CONFIGS[config])
    bound = (0.02 if config.startswith("int8") else 0.3) * abs(before).max()
    assert_allclose(layer(x).numpy(), before, atol=bound)
    assert layer.quantization_mode == config[:4]
    kinds = {v.dtype.name for v in layer.weights}
    assert "int8" in kinds
    assert all(not v.trainable for v in layer.weights if v.name != "bias")
    if config == "int4 columns":
        assert layer.count_params() < size


def test_what_reversible_embeddings_give_backwards_is_quantized_too() -> None:
    vectors = numpy.random.default_rng(3).normal(size=(5, 7)).astype("float32")
    for name in ("reversible", "reversible_untied"):
        for config in CONFIGS.values():
            layer, _, _ = made(name)
            before = layer(vectors, reverse=True).numpy()
            layer.quantize(config=config)
            bound = (0.03 if config.mode == "int8" else 0.3) * abs(before).max()
            assert_allclose(layer(vectors, reverse=True).numpy(), before, atol=bound)


@pytest.mark.parametrize("config", ["int8", "int4 inputs", "int4 blocks"], ids=str)
@pytest.mark.parametrize("name", [name for name, (_, x) in LAYERS.items() if x is FLOATS])
def test_gradients_of_inputs_are_those_of_the_numbers_that_integers_stand_for(name: str, config: str) -> None:
    layer, x, _ = made(name)
    layer.activation = None
    layer.quantize(config=CONFIGS[config])
    plain, _, _ = made(name)
    plain.activation = None
    plain.kernel.assign(layer.kernel)
    found = []
    for each in (layer, plain):
        v = ef.Variable(x)
        with ef.GradientTape() as tape:
            y = ef.ops.sum(each(v))
        found.append(tape.gradient(y, v).numpy())
    assert_allclose(*found, rtol=1e-4, atol=1e-5)


def test_a_product_of_many_integers_is_exact() -> None:
    x = numpy.ones((1, 3000), "float32")
    layer = layers.Dense(1, use_bias=False, kernel_initializer="ones")
    layer(x)
    layer.quantize("int8")
    assert_allclose(layer(x).numpy(), [[3000]], rtol=1e-6)


@pytest.mark.parametrize("config", ["int8", pytest.param("int4 blocks", marks=pytest.mark.slow), "int4 columns"])
@pytest.mark.parametrize("name", LAYERS)
def test_files_of_quantized_layers_come_back(name: str, config: str, tmp_path: pathlib.Path) -> None:
    layer, x, _ = made(name)
    inputs = ef.Input(x.shape[1:], dtype=x.dtype)
    model = ef.Model(inputs, layer(inputs))
    model.quantize(config=CONFIGS[config])
    wanted = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert again.layers[-1].dtype_policy == layer.dtype_policy
    assert_array_equal(again.predict(x, verbose=0), wanted)
    model.save_weights(tmp_path / "m.weights.h5")
    other = ef.models.clone_model(model)
    other.load_weights(tmp_path / "m.weights.h5")
    assert_array_equal(other.predict(x, verbose=0), wanted)


@pytest.mark.parametrize("name", [*LAYERS, *CONVOLUTIONS])
def test_an_adapter_begins_as_nothing_and_trains_alone(name: str) -> None:
    layer, x, before = made(name)
    stored = layer._large
    frozen = getattr(layer, stored).numpy()
    layer.enable_lora(2, lora_alpha=6)
    assert_allclose(layer(x).numpy(), before, atol=1e-6)
    names = [v.name for v in layer.trainable_weights]
    assert {f"lora_{stored}_a", f"lora_{stored}_b"} <= set(names)
    assert stored not in names
    b = getattr(layer, f"lora_{stored}_b")
    b.assign(numpy.ones(b.shape, "float32"))
    a = getattr(layer, f"lora_{stored}_a")
    assert_allclose(getattr(layer, stored).numpy(), frozen + 3 * (a.numpy() @ b.numpy()), rtol=1e-5, atol=1e-5)
    assert abs(layer(x).numpy() - before).max() > 0.01
    layer.trainable = False
    layer.trainable = True
    assert [v.name for v in layer.trainable_weights] == names


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *[(name, None) for name in ("conv2d", "conv2d_groups", "conv3d")],
        *[
            pytest.param(name, mode, marks=[pytest.mark.slow] * (mode == "int8"))
            for name in ("dense", "einsum", "einsum_turned", "embedding", "reversible_untied")
            for mode in (None, "int8", "int4")
        ],
    ],
)
def test_files_hold_the_sum_of_weight_and_adapter(name: str, mode: str | None, tmp_path: pathlib.Path) -> None:
    layer, x, _ = made(name)
    if mode is not None:
        layer.quantize(mode)
    layer.enable_lora(2)
    b = getattr(layer, f"lora_{layer._large}_b")
    b.assign(numpy.random.default_rng(5).normal(size=b.shape).astype("float32"))
    inputs = ef.Input(x.shape[1:], dtype=x.dtype)
    model = ef.Model(inputs, layer(inputs))
    wanted = model.predict(x, verbose=0)
    model.save_weights(tmp_path / "m.weights.h5")
    plain, _, _ = made(name)
    if mode is not None:
        plain.quantize(mode)
    merged = ef.Model(inputs, plain(inputs))
    merged.load_weights(tmp_path / "m.weights.h5")
    bound = {None: 1e-5, "int8": 0.03, "int4": 0.3}[mode] * abs(wanted).max()
    assert_allclose(merged.predict(x, verbose=0), wanted, atol=bound)
    model.load_weights(tmp_path / "m.weights.h5")  # goes on from the sum
    assert_allclose(model.predict(x, verbose=0), wanted, atol=bound)
    assert not b.numpy().any()
    assert getattr(layer, f"lora_{layer._large}_a").numpy().any()
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert again.layers[-1].lora_rank == 2
    assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), atol=bound)


def test_training_with_an_adapter_learns_and_leaves_the_kernel() -> None:
    layer, _, _ = made("dense")
    x = FLOATS.reshape(12, 10)
    model = ef.Sequential([ef.Input((10,)), layers.Dense(7, lora_rank=2, lora_alpha=4)])
    kernel = model.layers[0]._kernel.numpy()
    model.compile("adam", "mse")
    y = layer(x).numpy()
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert_array_equal(model.layers[0]._kernel.numpy(), kernel)


def test_float8_trains_with_scales_that_follow() -> None:
    model = ef.Sequential([ef.Input((10,)), layers.Dense(7), layers.EinsumDense("ab,bc->ac", 3, bias_axes="c")])
    x, y = FLOATS.reshape(12, 10) * 100, FLOATS.reshape(12, 10)[:, :3]
    before = model.predict(x, verbose=0)
    model.quantize("float8")
    assert_allclose(model.predict(x, verbose=0), before, atol=0.1 * abs(before).max())
    model.compile("sgd", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    first = model.layers[0]
    assert_allclose(float(first.inputs_amax_history[0]), abs(x).max(), rtol=1e-6)
    assert float(first.inputs_scale) == pytest.approx(abs(x).max() / 448)
    assert float(first.outputs_grad_amax_history[0]) > 0


def test_a_policy_quantizes_new_layers_and_built_ones() -> None:
    new = layers.Dense(3, dtype="int8_from_float32")
    new.build((None, 4))
    assert [v.dtype.name for v in new.weights] == ["float32", "int8", "float32"]
    old, x, before = made("dense")
    old.dtype_policy = "int4/4_from_float32"
    assert old.kernel_scale.shape == (3, 7)
    assert_allclose(old(x).numpy(), before, atol=0.3 * abs(before).max())


def test_a_map_of_policies_goes_by_the_path() -> None:
    policies = ef.dtype_policies.DTypePolicyMap("float32", {"outer/inner": ef.DTypePolicy("float16")})

    class Outer(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inner = layers.Dense(2, dtype=policies, name="inner")
            self.other = layers.Dense(2, dtype=policies, name="other")

        def call(self, x: Any) -> Any:
            return self.other(self.inner(x))

    outer = Outer()
    outer(numpy.ones((1, 3), "float32"))
    assert [outer.inner.kernel.dtype.name, outer.other.kernel.dtype.name] == ["float16", "float32"]


def test_a_model_quantizes_what_can_be_and_is_told_which() -> None:
    def build() -> ef.Model:
        return ef.Sequential(
            [ef.Input((6, 6, 1)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(4, name="a"), layers.Dense(2)]
        )

    model = build()
    with pytest.warns(UserWarning, match="Conv2D"):
        model.quantize("int8")
    assert [layer.quantization_mode for layer in model.layers] == [None, None, "int8", "int8"]
    model = build()
    model.quantize("int4", filters="^a$")
    assert [layer.quantization_mode for layer in model.layers] == [None, None, "int4", None]
    with pytest.raises(ValueError, match="already"):
        model.quantize("int4", filters=["^a"])
    with pytest.raises(ValueError, match="callable"):
        model.quantize("int4", filters=3)


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: layers.Dense(2).quantize("int8"), ValueError, "isn't yet built"),
        (lambda: made("dense")[0].quantize("int7"), ValueError, "int7"),
        (lambda: made("dense")[0].quantize("gptq"), ValueError, "left out"),
        (lambda: made("dense")[0].quantize(), ValueError, "mode"),
        (lambda: made("dense")[0].quantize("int4", config=Int8QuantizationConfig()), ValueError, "Contradictory"),
        (lambda: made("dense", dtype="float16")[0].quantize("int8"), ValueError, "float16"),
        (lambda: made("embedding")[0].quantize("float8"), NotImplementedError, "float8"),
        (lambda: layers.Flatten().quantize("int8"), ValueError, "isn't yet built"),
        (lambda: layers.Dense(2).enable_lora(2), ValueError, "isn't yet built"),
        (lambda: made("dense", kernel_constraint="max_norm")[0].enable_lora(2), ValueError, "constraint"),
        (lambda: made("dense", lora_rank=2)[0].enable_lora(2), ValueError, "already"),
        (lambda: layers.Conv2D(2, 3).enable_lora(2), ValueError, "isn't yet built"),
        (lambda: made("conv2d", kernel_constraint="max_norm")[0].enable_lora(2), ValueError, "constraint"),
        (lambda: made("conv1d")[0].quantize("int8"), NotImplementedError, "Conv1D"),
        (lambda: quantizers.AbsMaxQuantizer(value_range=(-200, 200)), ValueError, "int8"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask()


def test_subclasses_are_quantized_on_request_alone() -> None:
    class Mine(layers.Dense):
        pass

    layer = Mine(3)
    layer(numpy.ones((1, 4), "float32"))
    with pytest.raises(NotImplementedError, match="Mine"):
        layer.quantize("int8")
    layer.quantize("int8", type_check=False)
    assert layer.quantization_mode == "int8"


def test_attention_with_quantized_projections_comes_back(tmp_path: pathlib.Path) -> None:
    inputs = ef.Input((3, 10))
    model = ef.Model(inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs))
    before = model.predict(FLOATS, verbose=0)
    model.quantize(config=Int4QuantizationConfig(block_size=4), filters="query|key")
    model.quantize("int8", filters="value|output")
    wanted = model.predict(FLOATS, verbose=0)
    assert_allclose(wanted, before, atol=0.2 * abs(before).max())
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert again.layers[-1].query_dense.kernel_scale.shape == (3, 8)
    assert_array_equal(again.predict(FLOATS, verbose=0), wanted)


def test_a_layer_of_ones_own_is_made_with_its_quantized_policy() -> None:
    class Mine(layers.Dense):
        def __init__(self, units: int, dtype: Any = None, **kwargs: Any) -> None:
            self.given = dtype
            super().__init__(units, dtype=dtype, **kwargs)

    layer = Mine(3, dtype="int8_from_float32")
    again = Mine.from_config({"units": 3, "dtype": layer.get_config()["dtype"]})
    assert again.given.quantization_mode == "int8"
    again.dtype_policy = ef.dtype_policies.DTypePolicyMap("float32")
    again.build((None, 4))
    again.dtype_policy = "float16"
    assert again.dtype_policy[again.path].name == "float16"


@ef.saving.register_keras_serializable("adapted")
class AttendsTwice(layers.Layer):
    """A layer of a user's, without a `build`, which makes its inner ones without telling anyone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.attention, self.mix = layers.MultiHeadAttention(2, 4), layers.Dense(8)

    def call(self, x: Any) -> Any:
        return self.mix(self.attention(x, x))


@ef.saving.register_keras_serializable("adapted")
class WithAttention(ef.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.twice, self.last = AttendsTwice(), layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.last(self.twice(x))


def _functional() -> ef.Model:
    x = ef.Input((5, 8))
    return ef.Model(x, layers.Dense(2)(AttendsTwice()(x)))


@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
@pytest.mark.parametrize("make", [WithAttention, _functional])
def test_what_users_classes_hold_comes_back_quantized(
    make: Callable[[], ef.Model], mode: str, tmp_path: pathlib.Path
) -> None:
    x = numpy.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    model = make()
    model(x)
    model.quantize(mode)
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert_array_equal(again(x), model(x))
    modes, before = ([layer.quantization_mode for layer in each._flatten_layers()] for each in (again, model))
    assert modes == before


def test_a_projection_of_attention_may_be_quantized_alone(tmp_path: pathlib.Path) -> None:
    x = numpy.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    inputs = ef.Input((5, 8))
    model = ef.Model(inputs, layers.MultiHeadAttention(2, 4)(inputs, inputs))
    model.layers[1].value_dense.quantize("int8")
    model.save(tmp_path / "m.keras")
    again = ef.models.load_model(tmp_path / "m.keras")
    assert_array_equal(again(x), model(x))
    assert again.layers[1].value_dense.quantization_mode == "int8"
    assert again.layers[1].query_dense.quantization_mode is None
