"""Settings of layers may be short NumPy arrays, as what a program computed often is."""

import numpy as np
import pytest

from eagerflow import layers

IMAGE, ROWS = np.ones((1, 4, 4, 3), "float32"), np.ones((1, 2, 3), "float32")
MADE = {
    "LayerNormalization": (lambda a: layers.LayerNormalization(axis=a([1])), ROWS),
    "Reshape": (lambda a: layers.Reshape(a([3, 2])), ROWS),
    "Permute": (lambda a: layers.Permute(a([2, 1])), ROWS),
    "Conv2D": (lambda a: layers.Conv2D(2, a([2, 2]), strides=a([2, 1])), IMAGE),
    "MaxPooling2D": (lambda a: layers.MaxPooling2D(pool_size=a([2, 2])), IMAGE),
    "UpSampling2D": (lambda a: layers.UpSampling2D(a([2, 2])), IMAGE),
    "Cropping2D": (lambda a: layers.Cropping2D(a([[1, 0], [1, 1]])), IMAGE),
    "ZeroPadding2D": (lambda a: layers.ZeroPadding2D(a([[1, 0], [1, 1]])), IMAGE),
    "RandomBrightness": (lambda a: layers.RandomBrightness(factor=a([-0.2, 0.5]), seed=1), IMAGE),
    "Dropout": (lambda a: layers.Dropout(a(0.5), seed=1), ROWS),
    "Softmax": (lambda a: layers.Softmax(axis=a([1])), ROWS),
}


def as_written(setting):
    return tuple(map(as_written, setting)) if isinstance(setting, list) else setting


@pytest.mark.parametrize("name", MADE)
def test_an_array_as_a_setting_is_what_a_tuple_or_number_is(name):
    make, x = MADE[name]
    layer, plain = make(np.array), make(as_written)
    assert layer(x).shape == plain(x).shape
    without_name = [{k: v for k, v in made.get_config().items() if k != "name"} for made in (layer, plain)]
    assert repr(without_name[0]) == repr(without_name[1])


def test_long_arrays_stay_arrays():
    factors = np.arange(20.0, dtype="float32")
    np.testing.assert_array_equal(layers.Rescaling(factors)(np.ones((1, 20), "float32"))[0], factors)


def test_a_name_with_control_characters_is_shown_as_text():
    assert repr(layers.Dense(1, name="d\x1b[31m")) == r"<Dense name='d\x1b[31m', built=False>"


@pytest.mark.parametrize("made", [layers.StringLookup, layers.IntegerLookup, layers.TextVectorization])
def test_from_config_reads_no_file(made, tmp_path):
    """Only what a program gives to the constructor itself is read."""
    (tmp_path / "words.txt").write_text("1\n2\n")
    with pytest.raises(ValueError, match="names a file of the machine"):
        made.from_config({"vocabulary": str(tmp_path / "words.txt")})
    assert "2" in map(str, made(vocabulary=str(tmp_path / "words.txt")).get_vocabulary())
