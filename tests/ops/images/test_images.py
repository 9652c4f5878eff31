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


def test_colours_there_and_back():
    np.testing.assert_allclose(image.hsv_to_rgb(image.rgb_to_hsv(PHOTO)).numpy(), PHOTO, atol=1e-12)


def test_grays_have_no_hue():
    found = image.rgb_to_hsv([[[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]])
    assert found.tolist() == [[[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]]


def test_crop_undoes_pad(device):
    padded = image.pad_images(PHOTO, 1, 2, target_height=12, target_width=13)
    assert padded.shape == (2, 12, 13, 3)
    np.testing.assert_array_equal(image.crop_images(padded, 1, 2, target_height=8, target_width=9).numpy(), PHOTO)


def test_the_identity_transform_changes_nothing(device):
    same = [1.0, 0, 0, 0, 1, 0, 0, 0]
    np.testing.assert_allclose(image.affine_transform(PHOTO, same).numpy(), PHOTO)
    corners = np.array([[0.0, 0], [8, 0], [0, 7], [8, 7]])
    np.testing.assert_allclose(image.perspective_transform(PHOTO, corners, corners).numpy(), PHOTO, atol=1e-9)


def test_a_projective_transform_divides_by_depth():
    row = np.arange(10.0).reshape(1, 10, 1)
    found = image.affine_transform(row, [1, 0, 0, 0, 1, 0, 1.0, 0]).numpy().ravel()
    x = np.arange(10.0)
    np.testing.assert_allclose(found, x / (x + 1), rtol=1e-6)


def test_perspective_moves_the_corners():
    start = np.array([[0.0, 0], [8, 0], [0, 7], [8, 7]])
    end = np.array([[1.0, 1], [7, 0], [0, 6], [8, 7]])
    found = image.perspective_transform(PHOTO[0], start, end).numpy()
    for (x, y), (u, v) in zip(start.astype(int), end.astype(int), strict=True):
        np.testing.assert_allclose(found[v, u], PHOTO[0][y, x], atol=1e-6)


def test_elastic_transforms_follow_their_seed(device):
    first = image.elastic_transform(PHOTO, seed=1).numpy()
    np.testing.assert_array_equal(image.elastic_transform(PHOTO, seed=1).numpy(), first)
    assert (image.elastic_transform(PHOTO, seed=2).numpy() != first).any()
    generator = ef.random.SeedGenerator(1)
    drawn = [image.elastic_transform(PHOTO, seed=generator).numpy() for _ in range(2)]
    assert (drawn[0] != drawn[1]).any()


def test_elastic_transforms_without_seed_follow_the_process():
    ef.utils.set_random_seed(3)
    first = image.elastic_transform(PHOTO).numpy()
    ef.utils.set_random_seed(3)
    np.testing.assert_array_equal(image.elastic_transform(PHOTO).numpy(), first)


def test_an_elastic_transform_without_strength_changes_nothing():
    np.testing.assert_allclose(image.elastic_transform(PHOTO, alpha=0.0, seed=1).numpy(), PHOTO)


def test_blur_keeps_the_mean_inside():
    found = image.gaussian_blur(np.ones((9, 9, 1)), (3, 3)).numpy()
    np.testing.assert_allclose(found[1:-1, 1:-1], 1)
    assert (found[0] < 1).all()


def test_equal_images_are_similar():
    np.testing.assert_allclose(image.ssim(PHOTO, PHOTO, filter_size=5).numpy(), 1)
    whole = (PHOTO * 255).astype("uint8")
    assert image.ssim(whole, 255 - whole, 255.0, filter_size=5).dtype == "float32"


def test_patches_are_the_windows():
    found = image.extract_patches(PHOTO, (2, 3), strides=(3, 2)).numpy()
    np.testing.assert_array_equal(found[1, 1, 2], PHOTO[1, 3:5, 4:7].ravel())


def test_scaling_by_one_and_moving_by_pixels():
    x = np.arange(5.0)
    found = image.scale_and_translate(x, (5,), [1.0], [2.0], (0,), "linear")
    assert found.tolist() == [0.0, 0.0, 0.0, 1.0, 2.0]


def test_no_gradient_flows_to_scale_and_translation():
    assert ef.grad(lambda s: ops.sum(image.scale_and_translate(np.arange(5.0), (5,), s, [0.0], (0,), "linear")))(
        np.array([1.0])
    ).tolist() == [0.0]
