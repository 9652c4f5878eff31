"""`tf.image`, `tf.signal` and `tf.random`: what TensorFlow 2.21 gives for the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import GradientTape, Variable, ops
from eagerflow.compat.faces import face

tf = face("tensorflow")
IMAGE, F = tf.image, tf.signal
X = (np.arange(48).reshape(1, 4, 4, 3) * 37 % 48 / 47).astype("float32")
BYTES = (X * 255).astype("uint8")
WAVE = np.sin(np.arange(20)).astype("float32")


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: IMAGE.rgb_to_yuv(X)[0, 1, 2], [0.7029, -0.1365, 0.1673]),
        (lambda: IMAGE.yuv_to_rgb(X)[0, 1, 2], [1.3787, 0.3862, 2.2339]),
        (lambda: IMAGE.rgb_to_hsv(X)[0, 1, 2], [0.0833, 0.5238, 0.8936]),
        (lambda: IMAGE.adjust_hue(X, 0.3)[0, 1, 2], [0.4255, 0.8936, 0.566]),
        (lambda: IMAGE.adjust_saturation(X, 0.5)[0, 1, 2], [0.8936, 0.7766, 0.6596]),
        (lambda: IMAGE.adjust_gamma(X, 2.0)[0, 1, 2], [0.7986, 0.435, 0.1811]),
        (lambda: IMAGE.adjust_contrast(X, 1.5)[0, 1, 2], [1.1011, 0.7394, 0.3777]),
        (lambda: IMAGE.adjust_saturation(BYTES, 1.7)[0, 1, 2], [227, 126, 24]),
        (lambda: IMAGE.adjust_brightness(BYTES, 0.2)[0, 1, 2], [255, 219, 159]),
        (lambda: IMAGE.psnr(X, X[:, ::-1], 1.0), [7.0871]),
        (lambda: IMAGE.total_variation(X), [28.7234]),
        (lambda: IMAGE.resize(X, [3, 2], method="area")[0, :, :, 0], [0.2234, 0.734, 0.5426, 0.4149, 0.4787, 0.4787]),
        (
            lambda: IMAGE.crop_and_resize(X, [[0.1, 0.2, 0.8, 1.3]], [0], [2, 3])[0, :, :, 1],
            [0.32, 0.5606, 0, 0.5702, 0.5351, 0],
        ),
        (
            lambda: IMAGE.extract_patches(X, [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], "VALID")[0, 1, 0],
            [0.5106, 0.2766, 0.0426, 0.8298, 0.5957, 0.3617, 0.766, 0.5319, 0.2979, 0.0638, 0.8511, 0.617],
        ),
        (lambda: IMAGE.resize_with_pad(X, 3, 6)[0, 0, :, 0], [0, 0.0957, 0.5213, 0.805, 0, 0]),
        (lambda: IMAGE.resize_with_crop_or_pad(X, 2, 6)[0, 0, :, 0], [0, 0.2553, 0.5745, 0.8936, 0.1915, 0]),
        (lambda: IMAGE.sobel_edges(X)[0, 1, 1, 0], [1.0213, 1.5319]),
        (lambda: IMAGE.convert_image_dtype(X, tf.uint8)[0, 0, 0], [0, 201, 141]),
        (lambda: F.hann_window(5), [0, 0.5, 1, 0.5, 0]),
        (lambda: F.hann_window(4), [0, 0.5, 1, 0.5]),
        (lambda: F.hamming_window(4, periodic=False), [0.08, 0.77, 0.77, 0.08]),
        (lambda: F.frame(WAVE[:5], 3, 2, pad_end=True), [0, 0.8415, 0.9093, 0.9093, 0.1411, -0.7568, -0.7568, 0, 0]),
        (lambda: tf.abs(F.stft(WAVE, 6, 5))[0], [0.2261, 1.352, 1.2612, 0.4377, 0.0026]),
        (lambda: F.inverse_stft(F.stft(WAVE, 6, 3), 6, 3)[:6], [0, 0.0526, 0.5115, 0.1411, -0.473, -0.5993]),
        (lambda: F.linear_to_mel_weight_matrix(3, 6, 8000)[1:3], [0.5904, 0.4096, 0, 0, 0.5825, 0.4175]),
        (lambda: F.irfft(F.rfft(WAVE)), WAVE),
        (lambda: tf.math.real(F.ifft(F.fft(tf.complex(WAVE, WAVE)))), WAVE),
        (lambda: tf.math.imag(F.ifft2d(F.fft2d(tf.complex(X[0, 0], X[0, 1])))), X[0, 1]),
        (lambda: tf.linalg.set_diag(tf.ones([2, 3]), [7.0, 8.0]), [7, 1, 1, 1, 8, 1]),
        (lambda: tf.math.unsorted_segment_mean(tf.constant([1.0, 2.0, 3.0]), [0, 0, 2], 3), [1.5, 0, 3]),
        (lambda: tf.math.unsorted_segment_sum(tf.constant([1.0, 2.0, 3.0]), [0, 0, 2], 3), [3, 0, 3]),
        (lambda: tf.math.unsorted_segment_max(tf.constant([1.0, 2.0, 3.0]), [0, 0, 1], 2), [2, 3]),
        (lambda: tf.sequence_mask([1, 3], dtype="int32"), [1, 0, 0, 1, 1, 1]),
    ],
)
def test_numbers(call, expected):
    np.testing.assert_allclose(np.ravel(call()), np.ravel(expected), atol=6e-5)


def test_parts_and_borders():
    np.testing.assert_array_equal(IMAGE.crop_to_bounding_box(X, 1, 2, 3, 1), X[:, 1:4, 2:3])
    np.testing.assert_array_equal(IMAGE.pad_to_bounding_box(X, 1, 0, 6, 5)[:, 1:5, :4], X)
    np.testing.assert_array_equal(IMAGE.central_crop(X, 0.5), X[:, 1:3, 1:3])
    np.testing.assert_array_equal(IMAGE.rot90(X), np.rot90(X, axes=(1, 2)))
    np.testing.assert_array_equal(IMAGE.transpose(X), X.swapaxes(1, 2))
    np.testing.assert_array_equal(IMAGE.grayscale_to_rgb(X[..., :1])[..., 2], X[..., 0])
    assert IMAGE.resize(X, [8, 2], preserve_aspect_ratio=True).shape == (1, 2, 2, 3)
    assert IMAGE.resize(BYTES, [2, 2], IMAGE.ResizeMethod.NEAREST_NEIGHBOR).dtype == "uint8"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: IMAGE.crop_to_bounding_box(X, 2, 0, 3, 1), "lie outside"),
        (lambda: IMAGE.pad_to_bounding_box(X, 0, 0, 3, 9), "doesn't fit"),
        (lambda: IMAGE.random_crop(X, [1, 5, 4, 3]), "is smaller"),
        (lambda: IMAGE.resize(X, [2, 2], method="gaussian"), "expected one of"),
        (lambda: F.frame(X, 2, 1, axis=0), "only the last axis"),
        (lambda: tf.linalg.set_diag(X[0], X[0, 0, :3], k=1), "main diagonal"),
    ],
)
def test_what_is_not_possible_says_so(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_seed_gives_other_numbers_at_each_call_unless_it_is_stateless():
    crops = [IMAGE.random_crop(X, [1, 2, 2, -1], seed=11) for _ in range(8)]
    assert crops[0].shape == (1, 2, 2, 3)
    assert any((c != crops[0]).any() for c in crops)
    same = [IMAGE.stateless_random_crop(X, [1, 2, 2, 3], seed=(1, 2)).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*same)
    np.testing.assert_array_equal(*[IMAGE.stateless_random_contrast(X, 0.5, 2.0, (3, 4)) for _ in range(2)])
    for change in (IMAGE.random_hue, IMAGE.random_brightness):
        assert change(X, 0.2).shape == X.shape
    for change in (IMAGE.random_saturation, IMAGE.random_contrast):
        assert change(X, 0.5, 1.5).shape == X.shape
    assert IMAGE.stateless_random_flip_left_right(X, (1, 1)).shape == X.shape


def test_parts_of_variables_have_gradients():
    image = Variable(X)
    with GradientTape() as tape:
        loss = ops.sum(IMAGE.rgb_to_yuv(IMAGE.crop_to_bounding_box(image, 0, 0, 1, 1)))
    found = tape.gradient(loss, image).numpy()
    assert found[0, 0, 0].all()
    assert not found[0, 1:].any()


def test_gamma_draws_so_many_for_every_alpha():
    assert tf.random.gamma(shape=[1], alpha=[0.25]).shape == (1, 1)
    assert tf.random.gamma([5, 2], [[0.5], [1.0]], [2.0, 3.0, 4.0]).shape == (5, 2, 2, 3)
    assert abs(float(ops.mean(tf.random.gamma([4000], 3.0, beta=2.0))) - 1.5) < 0.1


def test_generators_and_stateless_numbers():
    first, again = (tf.random.Generator.from_seed(5).normal([3]).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, again)
    source = tf.random.Generator.from_seed(5)
    assert (source.uniform([3]).numpy() != source.uniform([3]).numpy()).any()
    assert source.make_seeds(2).shape == (2, 2)
    assert len(source.split(2)) == 2
    np.testing.assert_array_equal(*[tf.random.stateless_uniform([3], seed=(1, 2)) for _ in range(2)])
    assert tf.random.get_global_generator().normal([2]).shape == (2,)
    assert tf.random.stateless_normal([2], seed=[1, 2]).shape == (2,)


def test_structures():
    assert tf.nest.flatten({"a": [1, 2]}) == [1, 2]
    assert tf.nest.map_structure(lambda x: x + 1, (1, [2])) == (2, [3])
    assert tf.nest.pack_sequence_as((1, [2]), [3, 4]) == (3, [4])
