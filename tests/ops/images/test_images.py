"""Ops on images: what values alone don't say."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.ops import image

PHOTO = np.random.default_rng(0).random((2, 8, 9, 3))


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_the_same_size_changes_nothing(interpolation):
    np.testing.assert_array_equal(image.resize(PHOTO, (8, 9), interpolation).numpy(), PHOTO)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("antialias", [False, True])
def test_a_plain_image_stays_plain(interpolation, antialias):
    found = image.resize(np.full((5, 7, 1), 3.0), (3, 11), interpolation, antialias)
    np.testing.assert_allclose(found.numpy(), 3.0)


def test_whole_numbers_stay_whole_and_in_range(device):
    found = image.resize(np.array([[[0], [255]]], "uint8"), (1, 5), "bicubic")
    assert found.dtype == "uint8"
    assert found.numpy().ravel().tolist() == [0, 17, 128, 238, 255]


def test_grays_have_no_hue():
    found = image.rgb_to_hsv([[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]])
    assert found.tolist() == [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]]


def test_a_projective_transform_divides_by_depth():
    row = np.arange(10.0).reshape(1, 10, 1)
    found = image.affine_transform(row, [1, 0, 0, 0, 1, 0, 1.0, 0]).numpy().ravel()
    x = np.arange(10.0)
    np.testing.assert_allclose(found, x / (x + 1), rtol=1e-6)


def test_elastic_transforms(device):
    first = image.elastic_transform(PHOTO, seed=1).numpy()
    np.testing.assert_array_equal(image.elastic_transform(PHOTO, seed=1).numpy(), first)
    assert (image.elastic_transform(PHOTO, seed=2).numpy() != first).any()
    generator = ef.random.SeedGenerator(1)
    drawn = [image.elastic_transform(PHOTO, seed=generator).numpy() for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()
    ef.utils.set_random_seed(3)
    first = image.elastic_transform(PHOTO).numpy()
    ef.utils.set_random_seed(3)
    np.testing.assert_array_equal(image.elastic_transform(PHOTO).numpy(), first)
    np.testing.assert_allclose(image.elastic_transform(PHOTO, alpha=0.0, seed=1).numpy(), PHOTO)


def test_equal_images_are_similar():
    np.testing.assert_allclose(image.ssim(PHOTO, PHOTO, filter_size=5).numpy(), 1)
    whole = (PHOTO * 255).astype("uint8")
    assert image.ssim(whole, 255 - whole, 255.0, filter_size=5).dtype == "float32"


def test_no_gradient_flows_to_scale_and_translation():
    assert ef.grad(lambda s: ops.sum(image.scale_and_translate(np.arange(5.0), (5,), s, [0.0], (0,), "linear")))(
        np.array([1.0])
    ).tolist() == [0.0]


def test_images_of_one_channel_are_gray_already():
    one = np.arange(8.0, dtype="float32").reshape(2, 2, 2, 1)
    np.testing.assert_array_equal(ops.image.rgb_to_grayscale(one), one)
