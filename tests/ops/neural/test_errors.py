"""Bad input to the ops of networks and on images gets an error that names the op, the argument and the fix."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops
from eagerflow.ops.sequences import recurrent, recurrent_pairs

F = np.ones
IMAGE = F((1, 5, 5, 2))
SEQUENCE, STATE = F((2, 3, 4)), F((2, 5))

ERRORS = [
    # Convolution and pooling
    (lambda: ops.conv(F((5, 5)), F((2, 2, 1, 1))), r"conv\(.*axes \(batch, spatial axes, channels\); got 2"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2))), r"conv\(.*kernel: expected 4 axes"),
    (lambda: ops.conv(IMAGE, F((2, 2, 3, 4))), r"kernel: .*inputs of 2 channels"),
    (lambda: ops.conv(F((1, 5, 5, 4)), F((2, 2, 2, 3))), r"kernel: .*\(2, 3\)"),
    (lambda: ops.conv(IMAGE, F((6, 2, 2, 4))), r"a window of \(6, 2\).*doesn't fit .*padding='same'"),
    (lambda: ops.conv(IMAGE, F((3, 3, 2, 4)), dilation_rate=3), r"dilation_rate \(3, 3\)"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), strides=0), r"strides=0: expected an integer of at least 1"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), strides=(1, 2, 3)), r"strides=\(1, 2, 3\).*2 of them"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), strides=1.5), r"strides=1.5"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), padding="full"), r"padding='full': expected one of 'valid', 'same'"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), padding="causal"), r"padding='causal'"),
    (lambda: ops.conv(IMAGE, F((2, 2, 2, 4)), data_format="channel_last"), r"Did you mean 'channels_last'"),
    (lambda: ops.depthwise_conv(IMAGE, F((2, 2, 3, 1))), r"depthwise_conv\(.*\(\*sizes, 2, multiplier\)"),
    (lambda: ops.separable_conv(IMAGE, F((2, 2, 2, 1)), F((2, 1, 2, 3))), r"pointwise_kernel: .*lengths of 1"),
    (lambda: ops.conv_transpose(IMAGE, F((2, 2, 3, 4))), r"conv_transpose\(.*kernel: expected \(2 sizes, filters, 2\)"),
    (lambda: ops.conv_transpose(IMAGE, F((2, 2, 3, 2)), padding="causal"), r"padding='causal': expected 'valid'"),
    (lambda: ops.conv_transpose(IMAGE, F((2, 2, 3, 2)), 2, output_padding=2), r"output_padding=2: expected less"),
    (lambda: ops.max_pool(IMAGE, 6), r"max_pool\(.*a window of \(6, 6\)"),
    (lambda: ops.max_pool(F((5, 5)), 2), r"max_pool\(.*got 2 axes"),
    (lambda: ops.average_pool(IMAGE, (2, 2, 2)), r"pool_size=\(2, 2, 2\)"),
    (lambda: ops.adaptive_max_pool(IMAGE, 0), r"output_size=0"),
    (lambda: ops.adaptive_average_pool(F((1, 0, 2)), 2), r"adaptive_average_pool: inputs: .*at least 1"),
    (lambda: ops.unfold(F((3, 3)), 2), r"unfold: x: expected \(batch, channels, height, width\)"),
    (lambda: ops.unfold(F((1, 1, 3, 3)), 5), r"kernel_size=5.*doesn't fit"),
    (lambda: ops.fold(F((1, 4, 3)), 3, 2), r"fold: x: expected \(batch, channels \* 4, 4\)"),
    (lambda: ops.depth_to_space(IMAGE, 2), r"depth_to_space: 2 channels can't be divided"),
    (lambda: ops.space_to_depth(IMAGE, 2), r"space_to_depth: height 5"),
    (lambda: ops.space_to_depth(IMAGE, 0), r"block_size=0"),
    # Normalization
    (lambda: ops.moments(F((2, 3)), [2]), r"axes=\[2\].*2 of them"),
    (lambda: ops.moments(F((2, 3)), [0], synchronized=True), r"synchronized=True"),
    (lambda: ops.batch_normalization(F((2, 3)), F(2), F(3), 1), r"batch_normalization\(.*: mean: expected 3 numbers"),
    (lambda: ops.layer_normalization(F((2, 3)), axis=(0, 0)), r"axis=\(0, 0\): expected different axes"),
    (lambda: ops.normalize(F(3), order=0), r"normalize: order=0"),
    (lambda: ops.glu(F(3)), r"glu: axis=-1: expected an axis of even length"),
    # Classes
    (lambda: ops.one_hot([0], 3, sparse=True), r"one_hot\(sparse=True\)"),
    (lambda: ops.one_hot([0], 3, axis=5), r"one_hot: axis=5"),
    (lambda: ops.multi_hot([0]), r"multi_hot: num_classes"),
    (lambda: ops.binary_crossentropy(F(2), F(3)), r"binary_crossentropy: .*same shape; got target float64\[2\]"),
    (lambda: ops.categorical_crossentropy(F((2, 3)), F((2, 4))), r"categorical_crossentropy: .*same shape"),
    (lambda: ops.categorical_crossentropy(F(3), F(3), axis=1), r"axis=1: output .*no such axis"),
    (lambda: ops.sparse_categorical_crossentropy([0, 1], F((3, 4))), r"class numbers of shape \(3,\)"),
    (lambda: ops.sparse_categorical_crossentropy([4], F((1, 4)), True), r"from 0 to 3 \(4 classes\); got .* 4"),
    (lambda: ops.sparse_categorical_crossentropy([4], F((1, 1))), r"\(1 class\); got .* 4"),
    (lambda: ops.sparse_categorical_crossentropy([-1], F((1, 4))), r"from 0 to 3 .*got values from -1"),
    (lambda: ops.ctc_loss(F((2, 2), int), F((3, 4, 5)), [1], [1]), r"ctc_loss\(.*target \(batch, labels\)"),
    (lambda: ops.ctc_loss(F((1, 2), int), F((1, 4, 5)), [1, 2], [1]), r"target_length: expected shape \(1,\)"),
    (lambda: ops.ctc_loss(F((1, 2), int), F((1, 4, 5)), [3], [4]), r"lengths up to 3"),
    (lambda: ops.ctc_loss(F((1, 2), int) * 9, F((1, 4, 5)), [2], [4]), r"classes from 0 to 4; got 9"),
    (lambda: ops.ctc_loss(F((1, 2), int), F((1, 4, 5)), [2], [4], mask_index=5), r"mask_index=5"),
    (lambda: ops.ctc_decode(F((1, 4, 5)), [4], strategy="best"), r"strategy='best'"),
    (lambda: ops.ctc_decode(F((4, 5)), [4]), r"ctc_decode: expected inputs \(batch, time, classes\)"),
    (lambda: ops.psnr(F(2), F(3), 1.0), r"psnr: x1 and x2 need the same shape"),
    # Sequences
    (lambda: ops.dot_product_attention(F((2, 3, 4)), F((2, 3, 4)), F((2, 3, 4))), r"query: expected \(batch, length"),
    (lambda: ops.dot_product_attention(F((1, 2, 3, 4)), F((1, 2, 2, 4)), F((1, 2, 2, 4))), r"divides query's 3; got 2"),
    (lambda: ops.dot_product_attention(F((1, 2, 3, 4)), F((1, 2, 3, 5)), F((1, 2, 3, 5))), r"the width of query, 4"),
    (lambda: ops.dot_product_attention(F((1, 2, 3, 4)), F((1, 2, 3, 4)), F((1, 3, 3, 4))), r"value: expected batch"),
    (
        lambda: recurrent.lstm(F((2, 3)), STATE, STATE, F((4, 20)), F((5, 20))),
        r"lstm\(.*sequence: expected \(batch, time",
    ),
    (lambda: recurrent.lstm(SEQUENCE, STATE, STATE, F((4, 15)), F((5, 20))), r"kernel: expected shape \(4, 20\)"),
    (lambda: recurrent.gru(SEQUENCE, F((3, 5)), F((4, 15)), F((5, 15))), r"initial state: expected shape \(2, 5\)"),
    (
        lambda: recurrent.simple_rnn(SEQUENCE, STATE, F((4, 5)), F((5, 5)), None, F((2, 2))),
        r"mask: expected shape \(2, 3\)",
    ),
    (
        lambda: recurrent.gru(SEQUENCE, STATE, F((4, 15)), F((5, 15)), None, F(15), None, False),
        r"recurrent_bias: expected None",
    ),
    (
        lambda: recurrent_pairs.gru_pair(
            SEQUENCE, STATE, F((4, 15)), F((5, 15)), SEQUENCE[:, :2], STATE, F((4, 15)), F((5, 15))
        ),
        r"sequence: expected the same shape and type for both layers; got float64\[2, 3, 4\] and float64\[2, 2, 4\]",
    ),
    (
        lambda: recurrent_pairs.lstm_pair(
            *(SEQUENCE, STATE, STATE, F((4, 20)), F((5, 20))), *(SEQUENCE, STATE, STATE, F((4, 15)), F((5, 20)))
        ),
        r"kernel: expected shape \(4, 20\)",
    ),
    # Images
    (lambda: ops.image.resize(F((5, 5)), (2, 2)), r"resize: images: expected 3 axes"),
    (lambda: ops.image.resize(IMAGE, (2, 2), "bilinaer"), r"Did you mean 'bilinear'"),
    (lambda: ops.image.resize(IMAGE, 2), r"resize: size=2: expected \(height, width\)"),
    (lambda: ops.image.resize(IMAGE, (0, 2)), r"size=\(0, 2\)"),
    (lambda: ops.image.resize(F((1, 0, 2, 1)), (2, 2)), r"at least one pixel"),
    (lambda: ops.image.resize(IMAGE, (2, 2), fill_mode="wrap"), r"fill_mode='wrap'"),
    (lambda: ops.image.resize(IMAGE, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), r"at most one"),
    (lambda: ops.image.scale_and_translate(F((3, 3)), (2, 2), [1.0], [0.0], (0, 1), "linear"), r"one scale"),
    (
        lambda: ops.image.scale_and_translate(F((3, 3)), (2, 2), [1.0, 1], [0.0, 0], (0, 1), "cubist"),
        r"method='cubist'",
    ),
    (lambda: ops.image.rgb_to_hsv(F((2, 2, 4))), r"rgb_to_hsv: images: expected 3 channels"),
    (lambda: ops.image.hsv_to_rgb(F((2, 2, 3), int)), r"hsv_to_rgb: images: expected floats"),
    (lambda: ops.image.rgb_to_grayscale(F((2, 2, 2))), r"expected 1 or 3 channels"),
    (lambda: ops.image.map_coordinates(F((2, 2)), F((3, 4)), 1), r"coordinates: expected \(2, ...\)"),
    (lambda: ops.image.map_coordinates(F((2, 2)), F((2, 4)), 3), r"order=3\): expected one of 0, 1"),
    (lambda: ops.image.map_coordinates(F((2, 2)), F((2, 4)), 1, "mirrors"), r"Did you mean 'mirror'"),
    (lambda: ops.image.affine_transform(IMAGE, F(6)), r"transform: expected shape \(8,\)"),
    (lambda: ops.image.affine_transform(F((3, 2, 2, 1)), F((2, 8))), r"one for each of 3 images; got 2"),
    (lambda: ops.image.affine_transform(IMAGE, F(8), "bicubic"), r"interpolation='bicubic'"),
    (lambda: ops.image.perspective_transform(IMAGE, F((3, 2)), F((3, 2))), r"expected shape \(4, 2\)"),
    (lambda: ops.image.elastic_transform(IMAGE, seed="a"), r"seed='a'"),
    (lambda: ops.image.gaussian_blur(IMAGE, sigma=(0.0, 1.0)), r"sigma=\(0.0, 1.0\): expected positive"),
    (lambda: ops.image.sobel_edges(F((2, 2, 1))), r"sobel_edges: images: expected a batch"),
    (lambda: ops.image.ssim(IMAGE, F((1, 5, 4, 2))), r"ssim: image1 and image2"),
    (lambda: ops.image.crop_images(IMAGE, 1, 1), r"crop_images: height: expected exactly two"),
    (lambda: ops.image.crop_images(IMAGE, 3, 0, 3, 0), r"crop_images: height: .*don't fit a length of 5"),
    (lambda: ops.image.pad_images(IMAGE, 1, 1, target_height=5, target_width=7), r"pad_images: height"),
    (lambda: ops.image.extract_patches(F((5, 5)), 2), r"extract_patches: expected 3 axes"),
    (lambda: ops.image.extract_patches_3d(F((5, 5, 5)), 2), r"extract_patches_3d: expected 4 axes"),
    # Control flow
    (lambda: ops.switch(0, []), r"switch: branches"),
    (lambda: ops.while_loop(lambda a, b: True, lambda a, b: a, (1, 2)), r"body: expected 2 loop variables; got 1"),
    (lambda: ops.scan(lambda c, x: (c, x), 0.0), r"scan: expected xs, or length"),
    (lambda: ops.scan(lambda c, x: (c, x), 0.0, F(3), unroll=0), r"unroll=0"),
    (lambda: ops.scan(lambda c, x: (c, x), 0.0, F(3), length=4), r"xs has only 3 slices"),
    (lambda: ops.map(lambda x: x, {"a": F(2), "b": F(3)}), r"tensors of one length along axis 0"),
    (lambda: ops.vectorize(lambda x: x, signature="n->n")(F(2)), r"signature='n->n': expected a form"),
    (lambda: ops.vectorize(lambda x: x, signature="(n),(n)->()")(F(2)), r"has 2 arguments; got 1"),
    (lambda: ops.vectorize(lambda x, y: x)(F(2), F(3)), r"don't broadcast"),
]

WRONG_TYPES = [
    (lambda: ops.conv(F((1, 5, 5, 2), int), F((2, 2, 2, 4))), r"inputs: expected floats; got int64"),
    (lambda: ops.one_hot([0.5], 3), r"one_hot: x: expected integers; got float32\[1\]"),
    (lambda: ops.layer_normalization(F(3), center=True), r"unexpected arguments \['center'\]"),
    (lambda: ops.cond(True, 1, 2), r"cond: true_fn: expected a function; got int"),
    (lambda: ops.scan(3, 0.0, F(3)), r"scan: f: expected a function"),
    (lambda: ops.associative_scan(3, F(3)), r"associative_scan: f: expected a function"),
    (lambda: ops.vectorize(3), r"vectorize: pyfunc: expected a function"),
]


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=[message for _, message in ERRORS])
def test_wrong_values_raise(call, message):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(("call", "message"), WRONG_TYPES, ids=[message for _, message in WRONG_TYPES])
def test_wrong_types_raise(call, message):
    with pytest.raises(TypeError, match=message):
        call()


def test_labels_that_are_no_class_give_nan_on_a_gpu(cupy_stand_in):
    """Where looking at them would stop the GPU at every step."""
    with ef.device("gpu:0"):
        found = ops.sparse_categorical_crossentropy([1, 7], F((2, 3)), from_logits=True).numpy()
    assert np.isnan(found).tolist() == [False, True]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ops.one_hot([1], -1), "num_classes=-1"),
        (lambda: ops.stft(np.ones(8, "float32"), 0, 1, 4), "sequence_length=0"),
        (lambda: ops.digitize([1.0], [2.0, 1.0]), "bins must increase"),
    ],
)
def test_numbers_that_cannot_be(call, words):
    with pytest.raises(ValueError) as caught:
        call()
    assert words in str(caught.value)


def test_bools_are_counted():
    assert ops.bincount([True, False, True]).tolist() == [1, 2]
