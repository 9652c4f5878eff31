"""Normalization, discretization, rescaling, pipelines and spectrograms beside their numbers."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.data import Dataset
from eagerflow.utils import PyDataset

DATA = np.random.default_rng(0).normal(3.0, 2.0, (50, 4))


class Halves(PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return DATA[25 * index : 25 * index + 25], np.zeros(25)


@pytest.mark.parametrize(
    "data",
    [
        DATA,
        ef.Tensor(DATA),
        [DATA[:10], DATA[10:]],
        iter([DATA[:49], DATA[49:]]),
        Halves(),
        Dataset.from_tensor_slices(DATA).batch(7),
        Dataset.from_tensor_slices(DATA),
        Dataset.from_tensor_slices((DATA, DATA[:, 0])).batch(7),
    ],
    ids=["array", "tensor", "list", "generator", "PyDataset", "batches", "examples", "pairs"],
)
def test_normalization_adapts_to_all_kinds_of_data(data):
    layer = layers.Normalization()
    layer.adapt(data)
    found = layer(DATA).numpy()
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-5)


def test_weights_of_normalization():
    layer = layers.Normalization(axis=None)
    layer.adapt(DATA)
    layer.adapt(np.array([[1.0, 3.0, 1.0, 3.0]]))
    assert layer.mean.item() == 2.0
    assert layer.variance.item() == 1.0
    layer = layers.Normalization()
    layer.build((None, 2))
    layer.set_weights([np.array([1.0, 2.0]), np.array([4.0, 9.0]), np.array(0)])
    np.testing.assert_allclose(layer([[3.0, 5.0]]).numpy(), [[1.0, 1.0]])
    layer = layers.Normalization()
    layer.adapt(DATA)
    assert layer.trainable_variables == []


def test_normalization_saves_what_it_found():
    layer = layers.Normalization()
    layer.adapt(DATA)
    store: dict[str, np.ndarray] = {}
    layer.save_own_variables(store)
    again = layers.Normalization.from_config(layer.get_config())
    again.build_from_config(layer.get_build_config())
    again.load_own_variables(store)
    np.testing.assert_array_equal(again(DATA).numpy(), layer(DATA).numpy())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.Normalization(mean=1.0), ValueError, "variance is missing"),
        (lambda: layers.Normalization(mean=[1.0], variance=[[1.0]]), ValueError, "shape"),
        (lambda: layers.Normalization(axis=3).adapt(DATA), ValueError, "does not fit"),
        (lambda: layers.Normalization().build((None, None)), ValueError, "must be known"),
        (lambda: layers.Normalization().adapt([]), ValueError, "no data"),
        (lambda: layers.Normalization().adapt(3), TypeError, "expected an array"),
        (lambda: layers.Normalization().adapt([[1.0, 2.0]]), TypeError, "got a list as a batch"),
        (lambda: layers.Normalization().adapt([DATA, DATA[:, :2]]), ValueError, "was built for"),
        (lambda: layers.Normalization(mean=1.0, variance=1.0).adapt(DATA), ValueError, "given mean"),
        (lambda: layers.Discretization(), ValueError, "expected one of the two"),
        (lambda: layers.Discretization([0.0], num_bins=2), ValueError, "expected one of the two"),
        (lambda: layers.Discretization([0.0]).adapt(DATA), ValueError, "num_bins"),
        (lambda: layers.Discretization(num_bins=2)(DATA), ValueError, "adapt"),
        (lambda: layers.MelSpectrogram(fft_length=8, sequence_length=9), ValueError, "not longer"),
        (lambda: layers.STFTSpectrogram(frame_length=8, frame_step=9), ValueError, "frame_step=9"),
        (lambda: layers.STFTSpectrogram(frame_length=8, fft_length=4), ValueError, "fft_length=4"),
        (lambda: layers.STFTSpectrogram("power"), ValueError, "mode='power'"),
        (lambda: layers.Pipeline.from_config({}), ValueError, "list of layers"),
    ],
)
def test_unusable_settings_and_data_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_bins_hold_about_equally_many_values():
    layer = layers.Discretization(num_bins=5)
    layer.adapt(Dataset.from_tensor_slices(DATA.reshape(-1)).batch(40))
    counts = np.bincount(layer(DATA).numpy().reshape(-1))
    assert counts.sum() == DATA.size
    assert abs(counts - DATA.size / 5).max() <= DATA.size * 0.05


def test_an_adapted_discretization_keeps_its_boundaries_in_its_configuration():
    layer = layers.Discretization(num_bins=3)
    layer.adapt(DATA)
    again = layers.Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(DATA).numpy(), layer(DATA).numpy())


def test_an_odd_transform_length_is_warned_of():
    with pytest.warns(UserWarning, match="power of two"):
        layers.STFTSpectrogram(frame_length=8, fft_length=12)


def test_a_pure_tone_is_in_one_band():
    time = np.arange(4000) / 8000
    layer = layers.MelSpectrogram(fft_length=256, sequence_stride=128, sampling_rate=8000, num_mel_bins=20)
    strengths = layer(np.sin(2 * np.pi * 1000 * time)).numpy().mean(axis=1)
    edges = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(4000 / 700), 22)
    assert strengths.argmax() == np.abs(edges[1:-1] - 1127 * np.log1p(1000 / 700)).argmin()


@pytest.mark.parametrize("settings", [{}, {"expand_dims": True}, {"mode": "stft", "padding": "same"}])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_spectrograms_know_their_shape(settings, data_format):
    layer = layers.STFTSpectrogram(frame_length=16, data_format=data_format, **settings)
    shape = (2, 3, 100) if data_format == "channels_first" else (2, 100, 3)
    assert layer(np.ones(shape)).shape == layer.compute_output_shape(shape)


def test_a_pipeline_passes_the_mode_on_and_is_described():
    pipeline = layers.Pipeline([layers.Rescaling(1 / 255), layers.RandomFlip("horizontal", seed=1)])
    images = np.random.default_rng(1).uniform(0, 255, (8, 4, 4, 3))
    np.testing.assert_allclose(pipeline(images, training=False).numpy(), images / 255, rtol=1e-5)
    assert not np.allclose(pipeline(images, training=True).numpy(), images / 255)
    again = layers.Pipeline.from_config(pipeline.get_config())
    assert [type(layer) for layer in again.layers] == [layers.Rescaling, layers.RandomFlip]


def test_layers_in_front_of_a_model_train_with_it():
    normalization = layers.Normalization()
    normalization.adapt(DATA)
    model = ef.Sequential([ef.Input((4,)), normalization, layers.Dense(1)])
    model.compile(ef.optimizers.SGD(0.1), "mse")
    before = model.evaluate(DATA, DATA.sum(axis=1), verbose=0)
    model.fit(DATA, DATA.sum(axis=1), epochs=5, verbose=0)
    assert model.evaluate(DATA, DATA.sum(axis=1), verbose=0) < before / 2


def test_configurations_name_layers_that_load_late():
    made = layers.deserialize({"class_name": "Rescaling", "config": {"scale": 2.0}})
    assert isinstance(made, layers.Rescaling)
    model = ef.Sequential([ef.Input((2,)), layers.Rescaling(2.0)])
    assert ef.Sequential.from_config(model.get_config())(np.ones((1, 2))).tolist() == [[2.0, 2.0]]


def test_names_are_found_and_near_ones_proposed():
    with pytest.raises(AttributeError, match="Did you mean 'Rescaling'"):
        layers.Rescalling  # noqa: B018


@pytest.mark.parametrize(("dtype", "close"), [("float16", 2e-3), ("float32", 1e-5), ("float64", 1e-13)])
def test_mel_spectrograms_are_as_exact_as_their_type(dtype, close):
    settings = {"fft_length": 64, "sequence_stride": 32, "sampling_rate": 8000, "num_mel_bins": 4, "mag_exp": 1.0}
    layer = layers.MelSpectrogram(**settings, power_to_db=False, dtype=dtype)
    x = np.random.default_rng(0).normal(size=300)
    found, threefold = layer(x), layer(3 * x)
    assert found.dtype == dtype
    np.testing.assert_allclose(threefold, 3 * found.numpy(), rtol=close)


@pytest.mark.parametrize("sizes", [(0, 50), (20, 0, 30), (50, 0)])
def test_batches_without_rows_change_no_statistics(sizes):
    class Parts(PyDataset):
        def __len__(self):
            return len(sizes)

        def __getitem__(self, index):
            return DATA[sum(sizes[:index]) : sum(sizes[: index + 1])]

    layer = layers.Normalization()
    with pytest.raises(ValueError, match="without a value"):
        layer.adapt(DATA[:0])
    layer.adapt(Parts())
    np.testing.assert_allclose(layer.adapt_mean, DATA.mean(0), rtol=1e-6)
    np.testing.assert_allclose(layer.adapt_variance, DATA.var(0), rtol=1e-6)
