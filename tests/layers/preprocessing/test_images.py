"""Augmentations beside their numbers: drawn within their ranges, reproducible, only while training."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.core.tape import GradientTape
from eagerflow.core.tensor import Tensor
from eagerflow.data import Dataset
from eagerflow.layers.preprocessing.images.bounding_boxes import convert_format

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (6, 10, 12, 3)).astype("float32")

RANDOM = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.3, "width_factor": 0.3},
    "RandomShear": {"x_factor": 0.3, "y_factor": 0.3},
    "RandomCrop": {"height": 10, "width": 12},
    "RandomPerspective": {"scale": 0.4},
    "RandomElasticTransform": {},
    "RandomContrast": {"factor": 0.5},
    "RandomBrightness": {"factor": 0.3},
    "RandomHue": {"factor": 0.5},
    "RandomSaturation": {"factor": (0.2, 0.8)},
    "RandomSharpness": {"factor": (0.2, 0.8)},
    "RandomGrayscale": {"factor": 0.5},
    "RandomInvert": {},
    "RandomPosterization": {"factor": (2, 5)},
    "RandomColorDegeneration": {"factor": 0.7},
    "RandomColorJitter": {
        "brightness_factor": 0.1,
        "contrast_factor": 0.1,
        "saturation_factor": (0.4, 0.6),
        "hue_factor": 0.1,
    },
    "RandomGaussianBlur": {},
    "RandomErasing": {},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.3},
    "RandAugment": {},
    "AugMix": {},
    "CutMix": {},
    "MixUp": {},
}
SAME_SIZE = [name for name in RANDOM if name != "RandomCrop"]


def make(name, **more):
    return getattr(layers, name)(**RANDOM[name], **{"seed": 3, **more})


@pytest.mark.parametrize("name", SAME_SIZE)
def test_nothing_happens_outside_of_training(name):
    np.testing.assert_array_equal(make(name)(IMAGES, training=False).numpy(), IMAGES)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_numbers_and_others_at_the_next_call(name, device):
    layer, twin = make(name), make(name)
    first, second = layer(IMAGES).numpy(), layer(IMAGES).numpy()
    np.testing.assert_array_equal(first, twin(IMAGES).numpy())
    np.testing.assert_array_equal(second, twin(IMAGES).numpy())
    assert name == "RandomCrop" or not np.array_equal(first, second)


@pytest.mark.parametrize("name", RANDOM)
def test_single_images_and_channels_first(name):
    assert make(name)(IMAGES[0]).shape == IMAGES[0].shape
    turned = IMAGES.transpose(0, 3, 1, 2)
    first, last = make(name, data_format="channels_first"), make(name)
    drawn_in_layout = ("RandomErasing", "RandomElasticTransform")  # noise is drawn in the images' own shape
    found, expected = first(turned).numpy(), last(IMAGES).numpy().transpose(0, 3, 1, 2)
    assert found.shape == turned.shape
    if name not in drawn_in_layout:
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=0.3)


@pytest.mark.parametrize("name", [*SAME_SIZE])
def test_whole_numbers_give_floats(name):
    whole = IMAGES.astype("uint8")
    found = make(name)(whole)
    expected = make(name)(whole.astype("float32"))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1.0)


@pytest.mark.parametrize("name", ["RandomFlip", "RandomRotation", "RandomBrightness", "RandomHue", "MixUp"])
def test_gradients_flow_through(name, device):
    x = Tensor(IMAGES)
    with GradientTape() as tape:
        tape.watch(x)
        total = ops.sum(ops.square(make(name)(x, training=True)))
    gradient = tape.gradient(total, x).numpy()
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("name", RANDOM)
def test_layers_work_in_front_of_a_model(name):
    model = ef.Sequential([ef.Input((10, 12, 3)), make(name), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(IMAGES / 255, np.zeros((6, 2)), verbose=0)
    assert model.predict(IMAGES / 255, verbose=0).shape == (6, 2)


@pytest.mark.parametrize("name", RANDOM)
def test_layers_map_data_sets(name):
    batches = Dataset.from_tensor_slices(IMAGES).batch(4).map(make(name))
    assert [x.shape for x in batches] == [(4, 10, 12, 3), (2, 10, 12, 3)]


@pytest.mark.parametrize("name", RANDOM)
def test_configurations_make_equal_layers(name):
    layer = make(name)
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(IMAGES).numpy(), make(name)(IMAGES).numpy())


MOVING = {
    "RandomFlip": "flips",
    "RandomRotation": "angle",
    "RandomZoom": "height_zoom",
    "RandomTranslation": "translations",
    "RandomShear": "shear_factor",
    "RandomBrightness": "rgb_delta",
    "RandomContrast": "contrast_factor",
    "RandomHue": "factor",
    "RandomSharpness": "factor",
}
RANGES = {
    "RandomFlip": (0, 1),
    "RandomRotation": (-72, 72),
    "RandomZoom": (0.7, 1.3),
    "RandomTranslation": (-3.6, 3.6),
    "RandomShear": (-0.3, 0.3),
    "RandomBrightness": (-76.5, 76.5),
    "RandomContrast": (1.0, 1.5),
    "RandomHue": (-0.25, 0.25),
    "RandomSharpness": (0.2, 0.8),
}


@pytest.mark.parametrize("name", MOVING)
def test_numbers_are_drawn_evenly_within_their_range(name):
    many = np.broadcast_to(IMAGES[:1], (3000, 10, 12, 3))
    drawn = make(name).get_random_transformation(many, training=True)[MOVING[name]].numpy().astype("float64")
    low, high = RANGES[name]
    assert low <= drawn.min() < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < drawn.max() <= high
    assert abs(drawn.mean() - (low + high) / 2) < 0.05 * (high - low)


@pytest.mark.parametrize("name", ["RandomInvert", "RandomGaussianBlur", "RandomErasing", "RandomPerspective"])
def test_a_share_of_the_images_changes(name):
    keys = ["apply_inversion", "should_apply_blur", "apply_erasing", "apply_perspective"]
    layer = getattr(layers, name)(factor=(0.3, 0.3), seed=1)
    drawn = layer.get_random_transformation(np.zeros((2000, 4, 4, 3)), training=True)
    chosen = next(drawn[k] for k in keys if k in drawn)
    assert abs(chosen.numpy().mean() - 0.3) < 0.04


def test_random_crops_are_parts_of_the_images():
    layer = layers.RandomCrop(4, 5, seed=1)
    starts = set()
    for _ in range(40):
        top, left, *_ = drawn = layer.get_random_transformation(IMAGES)
        starts.add((top, left))
        np.testing.assert_array_equal(
            layer.transform_images(IMAGES, drawn).numpy(), IMAGES[:, top : top + 4, left : left + 5]
        )
    assert {t for t, _ in starts} == set(range(7))
    assert {left for _, left in starts} == set(range(8))


def test_crops_keep_the_proportions():
    # Of the largest window of the right proportions, which is then resized.
    found = layers.RandomCrop(5, 5)(IMAGES, training=False).numpy()
    expected = layers.Resizing(5, 5)(IMAGES[:, :, 1:11]).numpy()
    np.testing.assert_allclose(found, expected)
    small = IMAGES[:, :4]
    found = layers.RandomCrop(6, 6)(small, training=True).numpy()
    np.testing.assert_allclose(found, layers.Resizing(6, 6)(small[:, :, 4:8]).numpy())


def test_elastic_transforms_move_images_and_masks_alike():
    layer = layers.RandomElasticTransform((1, 1), scale=(0.9, 0.9), interpolation="nearest", seed=1)
    found = layer({"images": IMAGES, "segmentation_masks": IMAGES[..., :1]}, training=True)
    np.testing.assert_array_equal(found["images"].numpy()[..., :1], found["segmentation_masks"].numpy())
    assert not np.array_equal(found["images"].numpy(), IMAGES)


def test_jitter_is_its_parts_in_order():
    settings = {"brightness_factor": 0.2, "contrast_factor": 0.3, "saturation_factor": (0.4, 0.6), "hue_factor": 0.1}
    jitter = layers.RandomColorJitter(**settings, seed=5)
    expected, seeds = Tensor(IMAGES), ef.random.SeedGenerator(5)
    for part in ("Brightness", "Contrast", "Saturation", "Hue"):
        layer = getattr(layers, f"Random{part}")(settings[f"{part.lower()}_factor"])
        expected = layer.transform_images(expected, layer.get_random_transformation(expected, seed=seeds))
    np.testing.assert_array_equal(jitter(IMAGES).numpy(), expected.numpy())


def test_erased_boxes_hold_the_color_given():
    layer = layers.RandomErasing((1, 1), scale=(0.3, 0.5), fill_value=(1, 2, 3), seed=2)
    found = layer(IMAGES).numpy()
    erased = (found != IMAGES).any(axis=-1)
    assert 0.2 < erased.mean() < 0.6
    np.testing.assert_array_equal(found[erased], np.broadcast_to([1, 2, 3], found[erased].shape))


def test_mixed_labels_stay_distributions():
    data = {"images": IMAGES, "labels": np.eye(6, dtype="float32"), "extra": "kept"}
    for name in ("CutMix", "MixUp"):
        found = make(name)(data)
        np.testing.assert_allclose(found["labels"].numpy().sum(axis=1), 1, rtol=1e-5)
        assert found["extra"] == "kept"


def test_boxes_and_masks_of_blended_images():
    layer = layers.MixUp(bounding_box_format="xyxy")
    drawn = {"mix_weight": np.array([0.25, 0.5], "float32"), "permutation_order": np.array([1, 0])}
    boxes = {"boxes": Tensor(np.arange(8.0).reshape(2, 1, 4)), "labels": Tensor([[1], [2]])}
    found = layer.transform_bounding_boxes(boxes, drawn)
    assert found["labels"].tolist() == [[1, 2], [2, 1]]
    assert found["boxes"].numpy()[:, :, 0].tolist() == [[0.0, 4.0], [4.0, 0.0]]
    masks = layer.transform_segmentation_masks(IMAGES[:2], drawn).numpy()
    np.testing.assert_allclose(masks[0], 0.25 * IMAGES[0] + 0.75 * IMAGES[1], rtol=1e-5)


def test_auto_contrast_treats_channels_one_by_one():
    first = layers.AutoContrast(data_format="channels_first")(IMAGES.transpose(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(first.transpose(0, 2, 3, 1), layers.AutoContrast()(IMAGES).numpy(), atol=1e-3)


def test_the_data_handed_in_stay_as_they_are():
    boxes = {"boxes": np.array([[[1.0, 1, 4, 5]]] * 6), "labels": np.zeros((6, 1))}
    data = {"images": IMAGES, "bounding_boxes": boxes}
    before = boxes["boxes"].copy()
    layers.RandomTranslation(0.4, 0.4, bounding_box_format="xyxy", seed=1)(data)
    np.testing.assert_array_equal(boxes["boxes"], before)
    assert data["images"] is IMAGES


# Boxes move as images do: a box around a bright spot stays around it

FORMATS = ["xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh"]
SPATIAL = {
    "RandomFlip": {},
    "RandomRotation": {"factor": (0.05, 0.1)},
    "RandomZoom": {"height_factor": (-0.2, 0.2), "width_factor": (-0.2, 0.2)},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2},
    "RandomCrop": {"height": 22, "width": 26},
    "RandomPerspective": {"factor": (1, 1), "scale": 0.2},
    "Resizing": {"height": 13, "width": 50},
    "CenterCrop": {"height": 22, "width": 20},
    "RandAugment": {"factor": 0.1},
}


def spots():
    """Black images with a white rectangle each, and its box."""
    images = np.zeros((8, 24, 30, 1), "float32")
    boxes = np.zeros((8, 1, 4), "float32")
    for i, (x, y) in enumerate(RNG.integers(9, 14, (8, 2))):
        images[i, y : y + 6, x : x + 7] = 255.0
        boxes[i, 0] = x, y, x + 7, y + 6
    return images, boxes


@pytest.mark.parametrize("box_format", FORMATS)
@pytest.mark.parametrize("name", SPATIAL)
def test_boxes_stay_around_what_they_show(name, box_format, device):
    images, corners = spots()
    size = images.shape[1:3]
    seeded = {} if name in ("Resizing", "CenterCrop") else {"seed": 4}
    filled = {"fill_mode": "constant"} if name in ("RandomRotation", "RandomZoom", "RandomTranslation") else {}
    layer = getattr(layers, name)(**SPATIAL[name], **seeded, **filled, bounding_box_format=box_format)
    if name == "RandAugment":
        images = np.repeat(images, 3, axis=-1)
        layer._names = ["random_translation", "random_rotation"]
    boxes = {"boxes": convert_format(corners, "xyxy", box_format, *size), "labels": np.ones((8, 1))}
    found = layer({"images": images, "bounding_boxes": boxes}, training=True)
    after = found["images"].numpy()[..., 0]
    moved = convert_format(found["bounding_boxes"]["boxes"], box_format, "xyxy", *after.shape[1:]).numpy()
    for image, (left, top, right, bottom) in zip(after, moved[:, 0]):
        rows, columns = np.nonzero(image > 128)
        assert abs(np.array([columns.min(), rows.min()]) - [left, top]).max() < 2.2
        assert abs(np.array([columns.max() + 1, rows.max() + 1]) - [right, bottom]).max() < 2.2


def test_boxes_that_leave_the_image_lose_their_label():
    boxes = {"boxes": [[[0.0, 0.0, 2.0, 2.0], [8.0, 8.0, 11.0, 10.0]]], "labels": [[4, 5]]}
    layer = layers.RandomTranslation((0.5, 0.5), (0.5, 0.5), bounding_box_format="xyxy")
    found = layer({"images": IMAGES[:1], "bounding_boxes": boxes})["bounding_boxes"]
    assert found["labels"].tolist() == [[4, -1]]


def test_lists_of_boxes_of_unequal_lengths_are_filled_up():
    boxes = {"boxes": [[[0.0, 0.0, 2.0, 2.0]], [[0.0, 0.0, 1.0, 1.0], [1.0, 1.0, 2.0, 2.0]]], "labels": [[4], [5, 6]]}
    layer = layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    found = layer({"images": IMAGES[:2], "bounding_boxes": boxes})["bounding_boxes"]
    assert found["labels"].tolist() == [[4, -1, -1], [5, 6, -1]]
    assert found["boxes"].shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("make_or_call", "message"),
    [
        (lambda: layers.RandomFlip("sideways"), "mode='sideways'"),
        (lambda: layers.RandomRotation(1.5), "factor=1.5"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), "expected a number, or two"),
        (lambda: layers.RandomRotation(0.1, fill_mode="reflct"), "Did you mean 'reflect'"),
        (lambda: layers.RandomZoom(-1.0), "height_factor=-1.0"),
        (lambda: layers.RandomTranslation(0.1, 2), "width_factor=2"),
        (lambda: layers.RandomShear(x_factor=-0.1), "x_factor=-0.1"),
        (lambda: layers.RandomPerspective(scale=2.0), "scale=2.0"),
        (lambda: layers.RandomContrast(-0.1), "factor=-0.1"),
        (lambda: layers.RandomBrightness(0.1, value_range=1), "value_range=1"),
        (lambda: layers.RandomGrayscale(1.5), "factor=1.5"),
        (lambda: layers.RandomPosterization(9), "factor=9"),
        (lambda: layers.RandomGaussianBlur(kernel_size=4), "kernel_size=4"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), "fill_value"),
        (lambda: layers.Solarization(addition_factor=1.2), "addition_factor=1.2"),
        (lambda: layers.Resizing(0, 3), "height=0"),
        (lambda: layers.Resizing(3, 3, interpolation="linear")(IMAGES), "interpolation='linear'"),
        (lambda: layers.CenterCrop(3, "x"), "width='x'"),
        (lambda: layers.RandomFlip(data_format="last"), "data_format='last'"),
        (lambda: layers.RandomFlip(bounding_box_format="xxyy"), "bounding_box_format='xxyy'"),
        (lambda: layers.RandomFlip()(np.ones((4, 4))), "one image"),
        (lambda: layers.RandomFlip()({"images": IMAGES, "bounding_boxes": {}}), "bounding_box_format="),
        (
            lambda: layers.RandomFlip(bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": {"boxes": 1}}),
            "'boxes' and 'labels'",
        ),
        (lambda: layers.RandomHue(0.1)(np.ones((2, 4, 4, 1))), "channels"),
        (lambda: layers.MaxNumBoundingBoxes(0), "max_number=0"),
        (lambda: layers.RandomColorDegeneration(1.5), "factor=1.5"),
        (lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=0), "tile_grid_size=0"),
    ],
)
def test_unusable_settings_and_data_are_refused(make_or_call, message):
    with pytest.raises(ValueError, match=message):
        make_or_call()


def test_cut_boxes_cannot_be_mixed():
    boxes = {"boxes": np.ones((6, 1, 4)), "labels": np.ones((6, 1))}
    with pytest.raises(NotImplementedError, match="CutMix"):
        layers.CutMix(bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": boxes})


@pytest.mark.parametrize(
    ("name", "settings", "shape"),
    [
        ("Resizing", {"height": 4, "width": 5}, (None, 4, 5, 3)),
        ("CenterCrop", {"height": 4, "width": 5}, (None, 4, 5, 3)),
        ("RandomCrop", {"height": 4, "width": 5}, (None, 4, 5, 3)),
        ("AutoContrast", {}, (None, None, 12, 3)),
        ("Equalization", {}, (None, None, 12, 3)),
    ],
)
def test_shapes_are_known_beforehand(name, settings, shape):
    x = ef.Input((None, 12, 3))
    assert getattr(layers, name)(**settings)(x).shape == shape


def test_resizing_keeps_whole_numbers():
    found = layers.Resizing(4, 5)(IMAGES.astype("uint8"))
    assert found.dtype.name == "uint8"
    assert layers.Resizing(4, 5)(ef.Input((10, 12, 3), dtype="uint8")).dtype.name == "uint8"


def test_equalization_makes_values_equally_frequent():
    dark = (RNG.beta(2, 8, (1, 64, 64, 1)) * 255).astype("float32")
    found = layers.Equalization()(dark).numpy()
    counts = np.histogram(found, bins=8, range=(0, 256))[0]
    assert counts.min() > 0.7 * counts.mean()


def test_adaptive_equalization_spreads_each_part_of_an_image():
    image = np.concatenate([RNG.uniform(0, 30, (1, 32, 32, 1)), RNG.uniform(200, 230, (1, 32, 32, 1))], axis=1)
    layer = layers.ContrastLimitedAdaptiveHistogramEqualization(clip_limit=40.0, tile_grid_size=(2, 2))
    found = layer(image.astype("float32")).numpy()
    assert found[0, :12].std() > 2 * image[0, :12].std()
    assert found[0, -12:].std() > 2 * image[0, -12:].std()


def test_auto_contrast_leaves_flat_images_alone():
    flat = np.full((2, 4, 4, 3), 80.0, "float32")
    np.testing.assert_array_equal(layers.AutoContrast()(flat).numpy(), flat)


def test_layers_are_counted_in_a_model_with_their_random_state():
    layer = layers.RandomFlip(seed=3)
    assert [tuple(v.shape) for v in layer.variables] == [(2,)]
    assert layer.trainable_variables == []


def test_mixed_precision_computes_in_the_narrow_type():
    found = layers.RandomBrightness(0.1, dtype="mixed_float16", seed=1)(IMAGES)
    assert found.dtype.name == "float16"


def test_hooks_take_single_images_and_their_boxes():
    boxes = {"boxes": np.array([[2.0, 1.0, 4.0, 3.0]]), "labels": np.array([1])}
    flip = ef.layers.RandomFlip("horizontal", bounding_box_format="xyxy")
    moved = flip.transform_bounding_boxes(boxes, {"flips": np.array([[True]]), "input_shape": (10, 8, 3)})
    assert moved["boxes"].tolist() == [[4.0, 1.0, 6.0, 3.0]]
    image = np.zeros((6, 6, 1), "float32")
    image[2:4, 2:4] = 1
    for layer in (ef.layers.RandomRotation(0.2, seed=1), ef.layers.RandomShear(0.5, 0.5, seed=1)):
        how = layer.get_random_transformation(image[None])
        assert np.array_equal(layer.transform_images(image, how), layer.transform_images(image[None], how)[0])


@pytest.mark.parametrize("angle", [[90], [90.0], np.array([90])])
def test_boxes_are_turned_and_moved_by_lists_and_whole_degrees_too(angle):
    still = {"translate_y": [0.0], "scale": [1.0], "shear_x": [0.0], "shear_y": [0.0]}
    move = ef.utils.bounding_boxes.affine_transform
    moved = move([[[1.0, 1.0, 3.0, 5.0]]], angle, [0.125], **still, height=9, width=9)
    np.testing.assert_allclose(moved.numpy(), [[[1.0, 4.0, 5.0, 6.0]]], atol=1e-5)


def test_images_and_masks_stay_where_nothing_is_trained():
    layer, masks = layers.RandomRotation(0.5, seed=1), IMAGES[..., :1]
    move = layer.get_random_transformation(IMAGES, training=True)
    assert not np.array_equal(layer.transform_segmentation_masks(masks, move), masks)
    np.testing.assert_array_equal(layer.transform_segmentation_masks(masks, move, training=False), masks)
    np.testing.assert_array_equal(layer.transform_images(IMAGES, move, training=False), IMAGES)


def test_the_number_of_boxes_stands_in_the_output_shape():
    layer = layers.MaxNumBoundingBoxes(3, bounding_box_format="xyxy")
    boxes = {"boxes": (2, 7, 4), "labels": (2, 7)}
    found = layer.compute_output_shape({"images": (2, 8, 8, 3), "bounding_boxes": boxes})
    assert found == {"images": (2, 8, 8, 3), "bounding_boxes": {"boxes": (2, 3, 4), "labels": (2, 3)}}
    assert layer.compute_output_shape((2, 8, 8, 3)) == (2, 8, 8, 3)


def test_crops_as_high_as_the_image_are_those_of_its_middle_as_in_keras():
    layer = layers.RandomCrop(10, 5, seed=1)
    np.testing.assert_array_equal(layer(IMAGES, training=True), layer(IMAGES, training=False))
