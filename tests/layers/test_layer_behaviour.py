"""What layers do beyond single numbers: noise, masks through layers, states, older spellings, devices."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import layers as L, ops, random
from eagerflow.base.serialization import register_keras_serializable
from eagerflow.core.derivatives import check_grads
from eagerflow.core.random import set_random_seed
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.tensor_masks import get_mask
from eagerflow.regularizers import L2

TOKENS = np.array([[3, 1, 0, 0], [2, 2, 1, 0]])
NOISE = {
    "Dropout": lambda **k: L.Dropout(0.4, **k),
    "SpatialDropout1D": lambda **k: L.SpatialDropout1D(0.4, **k),
    "GaussianNoise": lambda **k: L.GaussianNoise(0.4, **k),
    "GaussianDropout": lambda **k: L.GaussianDropout(0.4, **k),
    "AlphaDropout": lambda **k: L.AlphaDropout(0.4, **k),
}


@pytest.mark.parametrize("name", NOISE)
class TestNoise:
    X = np.random.default_rng(0).normal(size=(20, 40, 30)).astype("float32")

    def test_only_while_training(self, name):
        layer = NOISE[name]()
        assert np.array_equal(layer(self.X).numpy(), self.X)
        assert np.array_equal(layer(self.X, training=False).numpy(), self.X)
        assert not np.array_equal(layer(self.X, training=True).numpy(), self.X)

    def test_keeps_the_mean_and_differs_at_each_call(self, name):
        layer = NOISE[name](seed=1)
        x = self.X + 1.0
        first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
        assert not np.array_equal(first, second)
        assert first.dtype == "float32"
        if name != "AlphaDropout":
            assert abs(first.mean() - x.mean()) < 0.06

    def test_seeds_repeat(self, name):
        a, b = NOISE[name](seed=3), NOISE[name](seed=3)
        assert np.array_equal(a(self.X, training=True).numpy(), b(self.X, training=True).numpy())
        set_random_seed(1)
        first = NOISE[name]()(self.X, training=True).numpy()
        set_random_seed(1)
        assert np.array_equal(first, NOISE[name]()(self.X, training=True).numpy())


def test_dropout_rates():
    x = np.ones((300, 300), "float32")
    out = L.Dropout(0.3)(x, training=True).numpy()
    assert abs((out == 0).mean() - 0.3) < 0.01
    assert not L.Dropout(1.0)(x, training=True).numpy().any()
    nothing = L.Dropout(0.0)
    assert np.array_equal(nothing(x, training=True).numpy(), x)
    assert not nothing.variables


def test_dropout_noise_shape_and_variables():
    layer = L.Dropout(0.5, noise_shape=(None, 1, None))
    out = layer(np.ones((5, 6, 7), "float32"), training=True).numpy()
    assert (out == out[:, :1]).all()
    assert [v.dtype.name for v in layer.variables] == ["uint32"]
    assert layer.weights == []


@pytest.mark.parametrize(
    ("layer", "axis"),
    [
        (lambda: L.SpatialDropout1D(0.5), (1,)),
        (lambda: L.SpatialDropout2D(0.5), (1, 2)),
        (lambda: L.SpatialDropout2D(0.5, data_format="channels_first"), (2, 3)),
        (lambda: L.SpatialDropout3D(0.5), (1, 2, 3)),
    ],
)
def test_spatial_dropout_drops_whole_channels(layer, axis):
    made = layer()
    shape = (4,) + (6,) * (made.input_spec.ndim - 1)
    out = made(np.ones(shape, "float32"), training=True).numpy()
    assert (out.min(axis=axis) == out.max(axis=axis)).all()
    assert 0 < (out == 0).mean() < 1


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=(400, 400)).astype("float32")
    out = L.AlphaDropout(0.2)(x, training=True).numpy()
    assert abs(out.mean()) < 0.02
    assert abs(out.std() - 1) < 0.02


def test_masks_travel_from_embedding_through_layers():
    x = L.Embedding(5, 3, mask_zero=True)(TOKENS)
    assert get_mask(x).numpy().tolist() == (TOKENS != 0).tolist()
    x = L.Activation("tanh")(L.Dropout(0.5)(L.LayerNormalization()(L.Dense(4)(x))))
    assert get_mask(x).numpy().tolist() == (TOKENS != 0).tolist()
    sequences = L.GRU(3, return_sequences=True)(x)
    assert get_mask(sequences).numpy().tolist() == (TOKENS != 0).tolist()
    assert get_mask(L.LSTM(3)(sequences)) is None


def test_masking_layer():
    x = np.array([[[1.0, 2.0], [9.0, 9.0], [9.0, 0.0]]])
    out = L.Masking(mask_value=9.0)(x)
    assert out.numpy().tolist() == [[[1, 2], [0, 0], [9, 0]]]
    assert get_mask(out).numpy().tolist() == [[True, False, True]]


def masked(values, mask):
    tensor = Tensor(np.array(values, "float32"))
    tensor.mask = Tensor(np.array(mask))
    return tensor


def test_merging_joins_masks():
    a = masked([[[1.0], [2.0], [3.0]]], [[True, True, False]])
    b = masked([[[4.0], [0.5], [6.0]]], [[True, False, False]])
    assert get_mask(L.Add()([a, b])).numpy().tolist() == [[True, True, False]]
    assert get_mask(L.Add()([a, Tensor(b.numpy())])) is None
    assert L.Multiply()([a, b]).numpy().ravel().tolist() == [4.0, 2.0, 0.0]
    assert L.Maximum()([a, b]).numpy().ravel().tolist()[:2] == [4.0, 2.0]
    assert L.Minimum()([b, a]).numpy().ravel().tolist()[:2] == [1.0, 2.0]
    joined = L.Concatenate(axis=1)([a, b])
    assert get_mask(joined).numpy().tolist() == [[True, True, False, True, False, False]]
    beside = L.Concatenate()([a, Tensor(b.numpy())])
    assert get_mask(beside).numpy().tolist() == [[True, True, True]]


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_stateful_layers_go_on_where_they_were(name):
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("float32")
    layer = getattr(L, name)(4, stateful=True)
    whole = getattr(L, name)(4)
    whole.build(x.shape)
    layer.build(x[:, :3].shape)
    layer.set_weights(whole.get_weights())
    layer(x[:, :3])
    np.testing.assert_allclose(layer(x[:, 3:]).numpy(), whole(x).numpy(), rtol=1e-5)
    layer.reset_state()
    layer(x[:, :3])
    np.testing.assert_allclose(layer(x[:, 3:]).numpy(), whole(x).numpy(), rtol=1e-5)
    assert len(layer.weights) == 3


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_dropout_is_for_training_and_the_same_at_all_steps(name):
    x = np.ones((3, 5, 2), "float32")
    for settings in ({"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"dropout": 0.3, "recurrent_dropout": 0.3}):
        layer = getattr(L, name)(4, seed=1, return_sequences=True, **settings)
        plain = layer(x).numpy()
        assert np.array_equal(plain, layer(x, training=False).numpy())
        first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
        assert not np.allclose(plain, first)
        assert not np.allclose(first, second)


def test_input_dropout_uses_one_mask_for_all_steps():
    layer = L.SimpleRNN(
        1,
        activation=None,
        kernel_initializer="ones",
        recurrent_initializer="zeros",
        dropout=0.5,
        seed=2,
        return_sequences=True,
    )
    out = layer(np.ones((8, 5, 3), "float32"), training=True).numpy()[..., 0]
    assert (out == out[:, :1]).all()
    assert len(set(out[:, 0].tolist())) > 1


def test_a_cell_of_ones_own():
    class Sum(L.Layer):
        state_size = 2

        def call(self, inputs, states):
            total = states[0] + inputs
            return total * 2, [total]

    layer = L.RNN(Sum(), return_sequences=True, return_state=True)
    out, state = layer(np.ones((1, 3, 2), "float32"))
    assert out.numpy()[0, :, 0].tolist() == [2, 4, 6]
    assert state.numpy().tolist() == [[3, 3]]
    assert layer.compute_output_shape((None, None, 2)) == ((None, None, 2), (None, 2))


def test_forget_gates_begin_open():
    layer = L.LSTM(2)
    layer.build((None, None, 3))
    assert layer.cell.bias.numpy().tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    assert [v.path for v in layer.weights] == [
        f"{layer.name}/lstm_cell/{n}" for n in ("kernel", "recurrent_kernel", "bias")
    ]
    assert layer.units == 2


def test_batch_normalization_frozen_uses_moving_moments():
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    layer = L.BatchNormalization()
    layer(x, training=True)
    moments = [layer.moving_mean, layer.moving_variance]
    before = [v.numpy() for v in moments]
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True).numpy(), layer(x, training=False).numpy())
    assert all(
        np.array_equal(a, v.numpy()) for a, v in zip(before, [layer.moving_mean, layer.moving_variance], strict=True)
    )


def test_batch_normalization_moments_are_not_recorded():
    layer = L.BatchNormalization()
    x = Tensor(np.random.default_rng(0).normal(size=(8, 3)).astype("float32"))
    layer(x, training=True)
    with GradientTape() as tape:
        tape.watch(x)
        layer(x, training=True)
        total = layer.moving_mean.sum()
    assert tape.gradient(total, x) is None


@pytest.mark.parametrize("training", [True, False])
def test_second_order_gradients_of_batch_normalization(training):
    layer = L.BatchNormalization(dtype="float64")
    layer.build((None, 3))
    check_grads(lambda x: layer(x, training=training), [np.random.default_rng(0).normal(size=(4, 3))])


def test_embedding_with_given_weights():
    vectors = np.arange(6.0).reshape(3, 2)
    for weights in (vectors, [vectors], vectors.tolist()):
        assert L.Embedding(3, 2, weights=weights)(np.array([2])).numpy().tolist() == [[4, 5]]
    floats = L.Embedding(3, 2, weights=vectors, input_length=4)(np.array([[1.0]]))
    assert floats.numpy().tolist() == [[[2, 3]]]


def test_lambda_layers():
    layer = L.Lambda(lambda x, training=None: x * (2 if training else 1))
    assert layer(np.ones(2, "float32")).numpy().tolist() == [1, 1]
    assert layer(np.ones(2, "float32"), training=True).numpy().tolist() == [2, 2]
    assert L.Lambda(lambda x: x, output_shape=(3, 4)).compute_output_shape((None, 7)) == (None, 3, 4)
    assert L.Lambda(lambda x: x, output_shape=lambda s: (*s, 1)).compute_output_shape((None, 7)) == (None, 7, 1)
    again = L.Lambda.from_config(layer.get_config())
    assert again(np.ones(2, "float32"), training=True).numpy().tolist() == [2, 2]


def test_lambda_layers_on_symbolic_inputs():
    x = L.Input((None, 4))
    assert L.Lambda(lambda v: v[:, :, :2] * 2)(x).shape == (None, None, 2)
    assert L.Lambda(lambda v: v.sum(axis=1), output_shape=(4,))(x).shape == (None, 4)
    assert L.Lambda(lambda v: [v, v.sum(axis=-1)])(x)[1].shape == (None, None)


@register_keras_serializable("test_layers")
def times(x, factor):
    return x * factor


def test_registered_functions_in_lambda_layers():
    config = L.serialize(L.Lambda(times, arguments={"factor": 3.0}))
    assert L.deserialize(config)(np.ones(2, "float32")).numpy().tolist() == [3, 3]


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (lambda: L.Conv2D(4, 3), (None, None, 8, 3), (None, None, 6, 4)),
        (lambda: L.Conv2D(4, 3, padding="same", strides=2), (None, 7, None, 3), (None, 4, None, 4)),
        (lambda: L.Conv1D(4, 3, data_format="channels_first"), (None, 3, None), (None, 4, None)),
        (lambda: L.Conv2DTranspose(4, 3, strides=2), (None, None, 4, 3), (None, None, 9, 4)),
        (lambda: L.MaxPooling2D(), (None, None, 7, 3), (None, None, 3, 3)),
        (lambda: L.GlobalMaxPooling2D(), (None, None, None, 3), (None, 3)),
        (lambda: L.Flatten(), (None, None, 3), (None, None)),
        (lambda: L.Flatten(), (None,), (None, 1)),
        (lambda: L.Reshape((-1, 2)), (None, None, 3), (None, None, 2)),
        (lambda: L.Reshape((3, 2)), (None, None), (None, 3, 2)),
        (lambda: L.Permute((2, 1)), (None, None, 3), (None, 3, None)),
        (lambda: L.ZeroPadding2D(1), (None, None, 3, 1), (None, None, 5, 1)),
        (lambda: L.UpSampling1D(2), (None, None, 1), (None, None, 1)),
        (lambda: L.LSTM(4, return_sequences=True), (None, None, 1), (None, None, 4)),
        (lambda: L.LSTM(4, return_state=True), (None, None, 1), ((None, 4), (None, 4), (None, 4))),
        (lambda: L.Dense(4), (None, None, 3), (None, None, 4)),
        (lambda: L.Embedding(9, 4), (None, None), (None, None, 4)),
        (lambda: L.Add(), [(None, 3), (2, 1)], (None, 3)),
        (lambda: L.Concatenate(), [(None, None, 3), (None, 5, 3)], (None, None, 6)),
        (lambda: L.Concatenate(axis=1), [(None, None, 3), (None, 5, 3)], (None, None, 3)),
        (lambda: L.Dot((1, 2)), [(None, 4), (None, 3, 4)], (None, 3)),
    ],
)
def test_output_shapes_keep_unknown_lengths(layer, shape, expected):
    assert layer().compute_output_shape(shape) == expected


def test_functional_forms_of_merging():
    a, b = np.array([[1.0, 5.0]]), np.array([[2.0, 3.0]])
    found = [f([a, b]).numpy().tolist() for f in (L.add, L.subtract, L.multiply, L.average, L.maximum, L.minimum)]
    assert found == [[[3, 8]], [[-1, 2]], [[2, 15]], [[1.5, 4]], [[2, 5]], [[1, 3]]]
    assert L.concatenate([a, b], axis=0).shape == (2, 2)
    assert L.dot([a, b], axes=1).numpy().tolist() == [[17]]


def test_older_spellings():
    assert L.LeakyReLU(alpha=0.1).negative_slope == 0.1
    assert L.Convolution2D is L.Conv2D
    assert L.MaxPool1D is L.MaxPooling1D
    assert L.LSTM(2, implementation=1)(np.ones((1, 2, 3), "float32")).shape == (1, 2)


def test_regularizers_enter_the_losses():
    layer = L.Dense(2, kernel_initializer="ones", kernel_regularizer="l2", bias_regularizer=None)
    layer(np.ones((1, 3), "float32"))
    assert [round(float(loss), 6) for loss in layer.losses] == [0.06]
    activity = L.ActivityRegularization(l1=0.5)
    activity(np.full((2, 3), -1.0, "float32"))
    assert float(sum(activity.losses)) == pytest.approx(0.5 * 6 / 2)  # per sample


def test_constraints_are_on_the_weights():
    layer = L.Conv2D(2, 3, kernel_constraint="max_norm", bias_constraint="non_neg")
    layer.build((None, 5, 5, 1))
    assert type(layer.kernel.constraint).__name__ == "MaxNorm"
    assert type(layer.bias.constraint).__name__ == "NonNeg"


@pytest.mark.parametrize(
    "make",
    [
        lambda: L.Dense(3),
        lambda: L.Conv2D(3, 2),
        lambda: L.BatchNormalization(),
        lambda: L.LayerNormalization(),
        lambda: L.MaxPooling2D(),
        lambda: L.Dropout(0.5),
    ],
)
def test_mixed_precision(make):
    layer = make()
    layer.dtype_policy = "mixed_float16"
    x = Tensor(np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32"))
    with GradientTape() as tape:
        out = layer(x, training=True) if layer._ef_state.signature.takes_training else layer(x)
    assert out.dtype == "float16"
    assert {v.dtype.name for v in layer.weights} <= {"float32"}
    for gradient in tape.gradient(out, layer.trainable_weights):
        assert gradient.dtype == "float32"


@pytest.mark.parametrize("name", ["SimpleRNN", "GRU", "LSTM"])
def test_recurrent_layers_in_mixed_precision(name):
    layer = getattr(L, name)(3, dtype="mixed_float16", activation="relu")
    assert layer(np.ones((2, 4, 3), "float32")).dtype == "float16"
    assert {v.dtype.name for v in layer.weights} == {"float32"}


def test_layers_on_a_device(device):
    x = ops.reshape(ops.arange(2 * 6 * 6 * 2, dtype="float32"), (2, 6, 6, 2)) * 0.01
    model = [
        L.Conv2D(3, 3, padding="same", activation="relu"),
        L.BatchNormalization(),
        L.MaxPooling2D(),
        L.Dropout(0.2),
        L.Conv2DTranspose(2, 2),
        L.DepthwiseConv2D(2),
        L.LayerNormalization(),
        L.Reshape((9, 2)),
        L.LSTM(3, return_sequences=True),
        L.GRU(3),
        L.Dense(2, activation="softmax"),
    ]
    with GradientTape() as tape:
        y = x
        for layer in model:
            y = layer(y, training=True) if layer._ef_state.signature.takes_training else layer(y)
        loss = (y * y).sum()
    weights = [w for layer in model for w in layer.trainable_weights]
    gradients = tape.gradient(loss, weights)
    assert {str(g.device) for g in gradients} == {device}
    assert all(np.isfinite(g.numpy()).all() for g in gradients)


def test_random_draws_are_placed_where_the_inputs_are(device):
    x = ops.ones((4, 3))
    for make in NOISE.values():
        layer = make()
        if layer.input_spec is None:
            assert str(layer(x, training=True).device) == device
    assert str(random.shuffle(x).device) == device


def test_numbers_of_numpy_are_settings_and_are_kept_as_plain_ones():
    for layer, name in [
        (L.Dropout(np.float32(0.5)), "rate"),
        (L.GaussianNoise(np.float16(0.5)), "stddev"),
        (L.LSTM(2, dropout=np.float32(0.5)), "dropout"),
        (L.LeakyReLU(np.float32(0.5)), "negative_slope"),
        (L.Dense(np.int64(3)), "units"),
    ]:
        assert type(getattr(layer, name)) in (int, float)
        assert layer.get_config()[name] == (3 if name == "units" else 0.5)
    assert L.Dense(2, kernel_regularizer=L2(np.float32(0.5))).get_config()["kernel_regularizer"]["config"] == {
        "l2": 0.5
    }
    for rate in (np.float32(1.5), np.nan, np.complex64(0.5), np.True_):
        with pytest.raises(ValueError, match="from 0 to 1"):
            L.Dropout(rate)


def test_the_shift_of_batch_renormalization_is_clipped():
    layer = L.BatchNormalization(renorm=True, renorm_clipping={"rmin": 1.0, "rmax": 1.0, "dmax": 0.25})
    x = np.array([[4.0], [6.0], [-3.0]], "float32")
    expected = (x - x.mean()) / np.sqrt(x.var() + 1e-3) + 0.25
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-5)


def test_kernels_of_einsum_dense_are_scaled_by_the_inputs_and_outputs_of_the_equation():
    layer = L.EinsumDense("abc,cde->abde", (None, 4, 8))
    layer.build((None, 5, 16))
    limit = np.sqrt(6 / (16 + 4 * 8))
    assert 0.95 * limit < abs(layer.kernel.numpy()).max() <= limit
    ones = L.EinsumDense("abc,cd->abd", (None, 4), kernel_initializer="ones")
    assert ones(np.ones((1, 2, 3))).tolist() == [[[3.0] * 4] * 2]


def test_a_cell_may_be_any_object_with_a_call_and_a_state_size():
    class Sum:
        state_size = output_size = 2

        def call(self, inputs, states, training):
            total = inputs + states[0]
            return total, [total]

    x = np.arange(6.0, dtype="float32").reshape(1, 3, 2)
    assert L.RNN(Sum(), return_sequences=True)(x).tolist() == x.cumsum(axis=1).tolist()


def test_masked_first_steps_give_the_first_of_the_initial_states():
    by_cell, layer = L.RNN(L.LSTMCell(2), return_sequences=True), L.LSTM(2, return_sequences=True)
    x, mask = np.random.default_rng(0).normal(size=(1, 3, 3)).astype("float32"), np.array([[False, True, False]])
    states = [np.full((1, 2), 0.5, "float32"), np.full((1, 2), -0.25, "float32")]
    found = by_cell(x, mask=mask, initial_state=states).numpy()
    layer.build(x.shape)
    layer.set_weights(by_cell.get_weights())
    assert found[0, 0].tolist() == [0.5, 0.5]
    np.testing.assert_allclose(found, layer(x, mask=mask, initial_state=states), rtol=1e-6)


def test_output_padding_of_transposed_convolutions_may_be_0_along_an_axis():
    layer = L.Conv2DTranspose(1, 3, strides=2, output_padding=(1, 0), kernel_initializer="ones")
    assert layer(np.ones((1, 4, 4, 1))).shape == (1, 3 * 2 + 3 + 1, 3 * 2 + 3, 1)


def test_masked_first_steps_of_a_users_cell_give_its_first_state():
    class Two:
        state_size, output_size = [2, 2], 2

        def call(self, inputs, states, training):
            return inputs, [inputs, states[1]]

    x, states = np.ones((1, 2, 2), "float32"), [np.full((1, 2), 5.0, "float32"), np.full((1, 2), 7.0, "float32")]
    found = L.RNN(Two(), return_sequences=True)(x, mask=np.array([[False, True]]), initial_state=states)
    assert found.tolist() == [[[5.0, 5.0], [1.0, 1.0]]]
