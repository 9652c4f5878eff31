"""Image files and arrays, generators that change images, and what they refuse."""

from __future__ import annotations

import io

import numpy as np
import pytest

from eagerflow import layers, models, ops, utils
from eagerflow.base import config
from eagerflow.preprocessing import image
from tests.fixtures.cases import preprocessing_cases as cases

pytest.importorskip("PIL")


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "a.png"
    utils.save_img(path, cases.image(6, 9, 3), scale=False)
    return path


def test_a_saved_image_comes_back(picture, tmp_path):
    original = cases.image(6, 9, 3)
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(picture)), original)
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(io.BytesIO(picture.read_bytes()))), original)
    first = utils.img_to_array(utils.load_img(str(picture)), "channels_first", "uint8")
    assert (first.shape, first.dtype) == ((3, 6, 9), np.uint8)
    utils.save_img(tmp_path / "b.png", first, "channels_first", scale=False)
    np.testing.assert_array_equal(utils.img_to_array(utils.load_img(tmp_path / "b.png")), original)


def test_colours(picture):
    modes = [utils.load_img(picture, mode).mode for mode in ("rgb", "rgba", "grayscale")]
    assert modes == ["RGB", "RGBA", "L"]
    assert utils.img_to_array(utils.load_img(picture, "grayscale")).shape == (6, 9, 1)


def test_sizes(picture):
    assert utils.load_img(picture, target_size=(3, 4)).size == (4, 3)
    assert utils.load_img(picture, target_size=(6, 9)).size == (9, 6)
    whole = utils.img_to_array(utils.load_img(picture, target_size=(6, 6), keep_aspect_ratio=True))
    np.testing.assert_array_equal(whole, cases.image(6, 9, 3)[:, 1:7])


def test_values_are_stretched_on_request():
    ramp = np.linspace(-1, 1, 12).reshape(3, 4, 1)
    stretched = np.asarray(utils.array_to_img(ramp))
    assert (stretched.min(), stretched.max()) == (0, 255)
    assert np.asarray(utils.array_to_img(ops.zeros((2, 2, 3)))).tolist() == [[[0, 0, 0]] * 2] * 2
    deep = utils.array_to_img(np.full((2, 2, 1), 1000.0), scale=False)
    assert deep.mode == "I"
    config.set_image_data_format("channels_first")
    assert utils.array_to_img(np.zeros((4, 2, 5))).mode == "RGBA"


def test_transparency_is_dropped_with_a_word_where_the_format_has_none(tmp_path):
    with pytest.warns(UserWarning, match="JPEG has no transparency"):
        utils.save_img(tmp_path / "a.jpg", np.zeros((3, 3, 4)))
    assert utils.load_img(tmp_path / "a.jpg").size == (3, 3)


@pytest.mark.parametrize(
    ("call", "error", "problem"),
    [
        (lambda: utils.load_img(3), TypeError, "expected a path or an io.BytesIO; got int"),
        (lambda: utils.load_img(io.BytesIO(b"nothing")), ValueError, r"holds no image .*Pillow knows no such format"),
        (lambda: utils.load_img(io.BytesIO(b""), "RGB"), ValueError, "Did you mean 'rgb'"),
        (lambda: utils.img_to_array(np.zeros(3)), ValueError, r"got shape \(3,\)"),
        (lambda: utils.array_to_img(np.zeros((3, 3))), ValueError, "expected 3 axes"),
        (lambda: utils.array_to_img(np.zeros((3, 3, 2))), ValueError, "1, 3 or 4 channels; got 2"),
        (lambda: utils.array_to_img(np.zeros((3, 3, 3)), "last"), ValueError, "data_format='last'"),
        (lambda: image.smart_resize(np.zeros((3, 3)), (2, 2)), ValueError, "an image or a batch"),
        (lambda: image.smart_resize(np.zeros((3, 3, 3)), (2,)), ValueError, "a height and a width"),
        (lambda: image.smart_resize(np.zeros((3, 3, 3)), (2, 2), how=1), TypeError, "unknown argument 'how'"),
        (lambda: image.apply_affine_transform(np.zeros((3, 3)), 3), ValueError, "an image of three axes"),
        (lambda: image.apply_affine_transform(np.zeros((3, 3, 3)), 3, channel_axis=1), ValueError, "three axes"),
        (lambda: image.apply_affine_transform(np.zeros((3, 3, 3)), 3, fill_mode="near"), ValueError, "nearest"),
        (lambda: image.apply_affine_transform(np.zeros((3, 3, 3)), 3, order=3), ValueError, "expected 0 .* or 1"),
        (lambda: image.ImageDataGenerator(zoom_range="all"), ValueError, "zoom_range='all'"),
        (lambda: image.ImageDataGenerator(brightness_range=1.0), ValueError, "brightness_range"),
        (lambda: image.ImageDataGenerator(validation_split=1.5), ValueError, "validation_split=1.5"),
        (lambda: image.ImageDataGenerator(data_format="last"), ValueError, "data_format='last'"),
        (lambda: image.ImageDataGenerator().fit(np.zeros((3, 3, 3))), ValueError, "expected 4 axes"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((3, 3, 3))), ValueError, "4 axes in all"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((3, 3, 3, 3)), [1]), ValueError, "one length; got 3, 1"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((3, 3, 3, 3)), batch_size=0), ValueError, "batch_size=0"),
        (lambda: image.ImageDataGenerator().flow(np.zeros((3, 3, 3, 3)), subset="train"), ValueError, "training"),
        (lambda: image.ImageDataGenerator().flow_from_directory("/missing"), ValueError, "no such folder"),
    ],
)
def test_what_cannot_be_is_refused(call, error, problem):
    with pytest.raises(error, match=problem):
        call()


def test_a_photograph_that_is_not_there_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        utils.load_img(tmp_path / "missing.png")


def test_bytes_stay_bytes_when_they_are_turned():
    turned = image.apply_affine_transform(
        cases.image(5, 5, 3).astype(np.uint8), theta=90, row_axis=0, col_axis=1, channel_axis=2
    )
    assert turned.dtype == np.uint8
    np.testing.assert_array_equal(turned, np.rot90(cases.image(5, 5, 3)))


def test_random_changes_follow_the_seed_of_everything():
    picture = cases.image(6, 6, 3)
    generator = image.ImageDataGenerator(rotation_range=90, zoom_range=0.5, brightness_range=(0.2, 0.6))
    utils.set_random_seed(1)
    first, second = generator.random_transform(picture), generator.random_transform(picture)
    utils.set_random_seed(1)
    np.testing.assert_array_equal(generator.random_transform(picture), first)
    assert first.shape == picture.shape
    assert not np.array_equal(first, second)


def test_what_was_not_fitted_is_warned_of():
    generator = image.ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="call fit"):
        generator.standardize(np.zeros((3, 3, 3)))


def test_a_model_trains_on_what_a_generator_makes(tmp_path):
    images, labels = np.stack([cases.image(5, 5, 1, i) for i in range(10)]), np.arange(10) % 2
    generator = image.ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, validation_split=0.2)
    model = models.Sequential([layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(
        generator.flow(images, labels, batch_size=4, subset="training"),
        validation_data=generator.flow(images, labels, batch_size=4, subset="validation"),
        epochs=2,
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 2
    assert model.predict(generator.flow(images, batch_size=4, shuffle=False), verbose=0).shape == (10, 1)


def test_more_than_images_goes_along(tmp_path):
    images = np.zeros((4, 3, 3, 1))
    flow = image.ImageDataGenerator().flow(
        (images, [np.arange(4), np.arange(4) * 2]),
        np.arange(4) * 3,
        2,
        False,
        sample_weight=np.arange(4) * 4,
        save_to_dir=tmp_path,
        save_prefix="seen",
    )
    (x, one, two), y, weight = flow[1]
    assert (x.shape, one.tolist(), two.tolist(), y.tolist(), weight.tolist()) == (
        (2, 3, 3, 1),
        [2, 3],
        [4, 6],
        [6, 9],
        [8, 12],
    )
    assert sorted(path.name[:7] for path in tmp_path.iterdir()) == ["seen_2_", "seen_3_"]
    with pytest.raises(IndexError, match="batch 2 was asked for; there are 2"):
        flow[2]


def test_an_iterator_goes_on_for_ever_and_starts_again_on_request():
    flow = image.ImageDataGenerator().flow(np.arange(5.0).reshape(5, 1, 1, 1), batch_size=2, shuffle=False)
    firsts = [float(next(flow)[0, 0, 0, 0]) for _ in range(4)]
    assert firsts == [0, 2, 4, 0]
    flow.reset()
    assert float(flow.next()[0, 0, 0, 0]) == 0


def test_subsets_of_sorted_rows_are_noticed():
    generator = image.ImageDataGenerator(validation_split=0.5)
    with pytest.raises(ValueError, match="different classes"):
        generator.flow(np.zeros((4, 2, 2, 1)), [0, 0, 1, 1], subset="training")
    assert generator.flow(np.zeros((4, 2, 2, 1)), [0, 0, 1, 1], subset="training", ignore_class_split=True).n == 2


# -- files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files") / "data"
    cases.write_folder(folder, lambda path, array: utils.save_img(path, array, scale=False))
    return folder


@pytest.mark.parametrize(
    ("mode", "answer"), [("categorical", [[1, 0], [0, 1]]), ("sparse", [0, 1]), ("binary", [0, 1]), (None, None)]
)
def test_labels_of_folders(folder, mode, answer, capsys):
    flow = image.ImageDataGenerator().flow_from_directory(folder, (4, 4), class_mode=mode, batch_size=8, shuffle=False)
    assert capsys.readouterr().out == "Found 8 images belonging to 2 classes.\n"
    assert (flow.class_indices, flow.samples, len(flow)) == ({"ants": 0, "bees": 1}, 8, 1)
    batch = flow[0]
    if answer is None:
        assert batch.shape == (8, 4, 4, 3)
    else:
        assert batch[1][[0, 7]].tolist() == answer
        assert flow.labels.tolist() == [0] * 4 + [1] * 4


def test_images_as_their_own_labels_and_classes_in_another_order(folder):
    generator = image.ImageDataGenerator(data_format="channels_first")
    flow = generator.flow_from_directory(folder, (4, 4), "grayscale", ["bees", "ants"], "input", shuffle=False)
    x, y = flow[0]
    assert x.shape == (8, 1, 4, 4)
    np.testing.assert_array_equal(x, y)
    assert flow.filenames[0].startswith("bees")
    with pytest.raises(ValueError, match=r"class_mode='categoric'.*Did you mean 'categorical'"):
        generator.flow_from_directory(folder, class_mode="categoric")


class Table(dict):
    """As much of a pandas table as is asked of one."""

    @property
    def columns(self):
        return list(self)


@pytest.fixture
def table(folder):
    names = ["ants/0.png", "ants/1.png", "bees/0.png", "missing.png", "bees/more/3.png"]
    return Table(
        filename=names,
        **{"class": ["ant", "ant", "bee", "bee", "wasp"]},
        size=[1.0, 2.0, 3.0, 4.0, 5.0],
        heavy=[1, 2, 3, 4, 5],
    )


def test_tables_of_files(folder, table):
    generator = image.ImageDataGenerator()

    def flow(**settings):
        return generator.flow_from_dataframe(table, folder, target_size=(4, 4), shuffle=False, **settings)

    plain = flow()
    assert (plain.samples, plain.class_indices) == (4, {"ant": 0, "bee": 1, "wasp": 2})
    assert plain[0][1].argmax(1).tolist() == [0, 0, 1, 2]
    assert flow(classes=["bee", "ant"], class_mode="binary", weight_col="heavy")[0][1:][0].tolist() == [1, 1, 0]
    assert flow(classes=["bee", "ant"], class_mode="binary", weight_col="heavy")[0][2].tolist() == [1, 2, 3]
    assert flow(y_col="size", class_mode="raw")[0][1].tolist() == [1, 2, 3, 5]
    sizes, weights = flow(y_col=["size", "heavy"], class_mode="multi_output")[0][1]
    assert (sizes.tolist(), weights.tolist()) == ([1, 2, 3, 5], [1, 2, 3, 5])
    assert flow(class_mode=None)[0].shape == (4, 4, 4, 3)
    table["class"] = [["ant"], ["ant", "bee"], ["bee"], ["bee"], ["bee"]]
    assert flow()[0][1].tolist() == [[1, 0], [1, 1], [0, 1], [0, 1]]
    with pytest.raises(ValueError, match=r"no column 'Class'.*Did you mean 'class'"):
        flow(y_col="Class")
    with pytest.raises(ValueError, match="expected 2 classes; there are 3"):
        flow(class_mode="binary", classes=["ant", "bee", "wasp"])
