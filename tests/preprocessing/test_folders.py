"""Data sets of the files in folders: what they hold, how they train, what they refuse."""

from __future__ import annotations

import builtins
import os
import wave

import numpy as np
import pytest

from eagerflow import layers, losses, models, utils
from eagerflow.base import config
from eagerflow.preprocessing import audio_folder
from tests.fixtures.cases.preprocessing_cases import write_folder

IMAGES = utils.image_dataset_from_directory
TEXTS = utils.text_dataset_from_directory
SOUNDS = utils.audio_dataset_from_directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("files") / "data"
    write_folder(folder, lambda path, array: utils.save_img(path, array, scale=False))
    return folder


def test_a_model_trains_on_a_folder_of_images(folder):
    both = IMAGES(folder, image_size=8, batch_size=3, seed=1, validation_split=0.25, subset="both", verbose=False)
    training, validation = both
    assert (len(training), len(validation)) == (2, 1)
    assert not set(training.file_paths) & set(validation.file_paths)
    model = models.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(training, validation_data=validation, epochs=2, verbose=0)
    assert np.isfinite(history.history["val_loss"]).all()


def test_files_come_in_another_order_each_time_and_in_the_same_for_a_seed(folder):
    def epoch(data):
        return [int(label) for batch in data for label in batch[1]]

    first, second = (TEXTS(folder, seed=3, batch_size=2, verbose=False) for _ in range(2))
    epochs = [epoch(first) for _ in range(4)]
    assert len({tuple(labels) for labels in epochs}) > 1
    assert epochs == [epoch(second) for _ in range(4)]
    assert all(sorted(labels) == [0] * 4 + [1] * 4 for labels in epochs)


def test_without_batches_there_are_single_samples(folder):
    sounds = list(SOUNDS(folder, batch_size=None, shuffle=False, verbose=False))
    assert [np.shape(sound) for sound, _ in sounds[:4]] == [(5, 2), (6, 2), (7, 2), (8, 2)]
    assert np.shape(next(iter(IMAGES(folder, batch_size=None, image_size=4, label_mode=None, verbose=False)))) == (
        4,
        4,
        3,
    )


def test_how_many_files_were_found_is_said_unless_it_is_not_wished(folder, capsys):
    TEXTS(folder, validation_split=0.5, subset="training", seed=1)
    assert capsys.readouterr().out == "Found 8 files belonging to 2 classes.\nUsing 4 files for training.\n"
    TEXTS(folder, verbose=False)
    config.disable_interactive_logging()
    try:
        TEXTS(folder)
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == ""


def test_padding_keeps_the_shape_of_things(folder):
    padded = IMAGES(
        folder, image_size=(12, 12), pad_to_aspect_ratio=True, shuffle=False, label_mode=None, verbose=False
    )
    first = np.asarray(next(iter(padded)))[0]  # of 7×12 pixels
    assert (first[:2] == 0).all()
    assert (first[4:8] > 0).any()


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"labels": "infered"}, r"labels='infered'\): expected 'inferred'.* Did you mean 'inferred'"),
        ({"labels": [0, 1]}, r"an integer for each of 8 files; got int64\[2\]"),
        ({"labels": [0.5] * 8}, "an integer for each of 8 files"),
        ({"labels": [1, 3] * 4, "label_mode": "categorical"}, r"from 0 .*; got \[1, 3\]"),
        ({"labels": [0, 1] * 4, "class_names": ["ants", "bees"]}, "class_names"),
        ({"labels": None, "class_names": ["ants"]}, "class_names"),
        ({"class_names": ["ants", "wasp"]}, "there is no folder 'wasp'"),
        ({"class_names": ["ants"], "label_mode": "binary"}, "expected 2 classes; there are 1: ants"),
        ({"label_mode": "categoric"}, "Did you mean 'categorical'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"subset": "test", "validation_split": 0.5}, "subset='test'"),
        ({"subset": "training"}, "together, or neither"),
        ({"validation_split": 0.5}, "together, or neither"),
        ({"validation_split": 1.5, "subset": "both", "seed": 1}, "share between 0 and 1"),
        ({"validation_split": 0.5, "subset": "both"}, r"seed=None\): .* in both subsets"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, "no file for validation that ends in"),
    ],
)
@pytest.mark.parametrize("function", [IMAGES, TEXTS, SOUNDS])
def test_settings_that_cannot_be(folder, function, settings, problem):
    with pytest.raises(ValueError, match=problem) as caught:
        function(folder, **settings)
    assert function.__name__ in str(caught.value)
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("function", "settings", "problem"),
    [
        (IMAGES, {"image_size": (0, 3)}, "image_size"),
        (IMAGES, {"image_size": (1, 2, 3)}, "image_size"),
        (IMAGES, {"color_mode": "RGB"}, "Did you mean 'rgb'"),
        (IMAGES, {"interpolation": "bilinea"}, "Did you mean 'bilinear'"),
        (IMAGES, {"data_format": "first"}, "data_format"),
        (IMAGES, {"format": "torch"}, "format"),
        (IMAGES, {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "at most one"),
        (TEXTS, {"format": "torch"}, "format"),
        (TEXTS, {"max_length": -1}, "max_length"),
        (SOUNDS, {"ragged": True}, "no ragged tensors"),
        (SOUNDS, {"output_sequence_length": 0}, "output_sequence_length"),
    ],
)
def test_settings_of_one_kind_that_cannot_be(folder, function, settings, problem):
    with pytest.raises(ValueError, match=problem):
        function(folder, **settings)


def test_labels_that_are_no_list(folder):
    with pytest.raises(TypeError, match=r"labels\): expected a list; got int"):
        TEXTS(folder, labels=3)


def test_folders_without_files(tmp_path, folder):
    with pytest.raises(ValueError, match="there is no such folder"):
        TEXTS(tmp_path / "missing")
    with pytest.raises(ValueError, match=r"no file for the data set that ends in \.txt"):
        TEXTS(tmp_path)


def test_hidden_folders_are_no_classes_and_links_are_followed_on_request(tmp_path):
    (tmp_path / ".cache").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "elsewhere.txt").write_text("x", encoding="utf-8")
    (tmp_path / "a" / "one.txt").write_text("one", encoding="utf-8")
    linked = tmp_path.parent / f"{tmp_path.name}-linked"
    linked.mkdir()
    (linked / "two.txt").write_text("two", encoding="utf-8")
    (tmp_path / "a" / "link").symlink_to(linked)
    assert [TEXTS(tmp_path, follow_links=follow, verbose=False).class_names for follow in (False, True)] == [["a"]] * 2
    counts = [len(TEXTS(tmp_path, follow_links=follow, verbose=False).file_paths) for follow in (False, True)]
    assert counts == [1, 2]


def test_damaged_files_are_named(tmp_path):
    pytest.importorskip("PIL")
    for name in ("a.png", "a.txt", "a.wav"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00 damaged")
    for function, problem in ((IMAGES, "no image"), (TEXTS, "not UTF-8"), (SOUNDS, "no plain WAV")):
        with pytest.raises(ValueError, match=problem) as caught:
            list(function(tmp_path, labels=None, verbose=False))
        assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("width", "levels"),
    [
        (1, [0, 64, 128, 255]),
        (2, [-(2**15), 1, 0, 2**15 - 1]),
        (3, [-(2**23), 5, 0, 2**23 - 1]),
        (4, [-(2**31), 9, 0, 2**30]),
    ],
)
def test_sounds_of_every_width(tmp_path, width, levels):
    path = str(tmp_path / "a.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(16000)
        file.writeframes(b"".join((n).to_bytes(width, "little", signed=width > 1) for n in levels))
    sound, rate = audio_folder.read_wav(path)
    middle, scale = (128, 128) if width == 1 else (0, 2 ** (8 * width - 1))
    np.testing.assert_allclose(sound[:, 0], (np.array(levels, float) - middle) / scale, rtol=1e-6)
    assert (sound.dtype, rate) == (np.float32, 16000)


def test_a_rate_that_the_files_do_not_have_is_refused(folder):
    assert len(list(SOUNDS(folder, sampling_rate=8000, verbose=False))) == 1
    with pytest.raises(ValueError, match="has 8000 samples per second"):
        list(SOUNDS(folder, sampling_rate=16000, verbose=False))


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.partition(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"needs Pillow.*pip install 'pillow>=10'"):
        utils.load_img(os.fspath(folder / "ants" / "0.png"))


@pytest.mark.parametrize("rate", [-1, 0, 1.2, True, "8000"])
def test_impossible_rates_of_sounds_are_refused(tmp_path, rate):
    with pytest.raises(ValueError, match="sampling_rate"):
        utils.audio_dataset_from_directory(tmp_path, sampling_rate=rate)
