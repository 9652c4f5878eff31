"""Names and arguments are those of `keras.ops`, Keras 3.15."""

from __future__ import annotations

import inspect
import re

import pytest

from eagerflow import ops

# Long ones go on in the next line, indented.
SIGNATURES = re.sub(
    r"\n +",
    " ",
    """
adaptive_average_pool(inputs, output_size, data_format=None)
adaptive_max_pool(inputs, output_size, data_format=None)
average_pool(inputs, pool_size, strides=None, padding='valid', data_format=None)
batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=0.001)
binary_crossentropy(target, output, from_logits=False)
categorical_crossentropy(target, output, from_logits=False, axis=-1)
celu(x, alpha=1.0)
conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)
conv_transpose(inputs, kernel, strides=1, padding='valid', output_padding=None, data_format=None,
    dilation_rate=1)
ctc_decode(inputs, sequence_lengths, strategy='greedy', beam_width=100, top_paths=1, merge_repeated=True,
    mask_index=0)
ctc_loss(target, output, target_length, output_length, mask_index=0)
depth_to_space(x, block_size, data_format='channels_last')
depthwise_conv(inputs, kernel, strides=1, padding='valid', data_format=None, dilation_rate=1)
dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False,
    flash_attention=None, attn_logits_soft_cap=None)
elu(x, alpha=1.0)
fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1)
gelu(x, approximate=True)
glu(x, axis=-1)
hard_shrink(x, threshold=0.5)
hard_sigmoid(x)
hard_silu(x)
hard_swish(x)
hard_tanh(x)
layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs)
leaky_relu(x, negative_slope=0.2)
log_sigmoid(x)
log_softmax(x, axis=-1)
max_pool(inputs, pool_size, strides=None, padding='valid', data_format=None)
moments(x, axes, keepdims=False, synchronized=False)
multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs)
normalize(x, axis=-1, order=2, epsilon=None)
one_hot(x, num_classes, axis=-1, dtype=None, sparse=False)
polar(abs_, angle)
psnr(x1, x2, max_val)
relu(x)
relu6(x)
rms_normalization(x, scale=None, axis=-1, epsilon=None)
selu(x)
separable_conv(inputs, depthwise_kernel, pointwise_kernel, strides=1, padding='valid', data_format=None,
    dilation_rate=1)
sigmoid(x)
silu(x)
soft_shrink(x, threshold=0.5)
softmax(x, axis=-1)
softplus(x)
softsign(x)
space_to_depth(x, block_size, data_format='channels_last')
sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1)
sparse_plus(x)
sparse_sigmoid(x)
sparsemax(x, axis=-1)
squareplus(x, b=4)
swish(x)
tanh_shrink(x)
threshold(x, threshold, default_value)
unfold(x, kernel_size, dilation=1, padding=0, stride=1)
affine_transform(images, transform, interpolation='bilinear', fill_mode='constant', fill_value=0,
    data_format=None)
crop_images(images, top_cropping=None, left_cropping=None, bottom_cropping=None, right_cropping=None,
    target_height=None, target_width=None, data_format=None)
elastic_transform(images, alpha=20.0, sigma=5.0, interpolation='bilinear', fill_mode='reflect',
    fill_value=0.0, seed=None, data_format=None)
extract_patches(images, size, strides=None, dilation_rate=1, padding='valid', data_format=None)
extract_patches_3d(volumes, size, strides=None, dilation_rate=1, padding='valid', data_format=None)
gaussian_blur(images, kernel_size=(3, 3), sigma=(1.0, 1.0), data_format=None)
hsv_to_rgb(images, data_format=None)
map_coordinates(inputs, coordinates, order, fill_mode='constant', fill_value=0)
pad_images(images, top_padding=None, left_padding=None, bottom_padding=None, right_padding=None,
    target_height=None, target_width=None, data_format=None)
perspective_transform(images, start_points, end_points, interpolation='bilinear', fill_value=0,
    data_format=None)
resize(images, size, interpolation='bilinear', antialias=False, crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False, fill_mode='constant', fill_value=0.0, data_format=None)
rgb_to_grayscale(images, data_format=None)
rgb_to_hsv(images, data_format=None)
scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True)
sobel_edges(images, data_format=None)
ssim(image1, image2, max_val=1.0, filter_size=11, filter_sigma=1.5, k1=0.01, k2=0.03, data_format=None)
associative_scan(f, elems, reverse=False, axis=0)
cond(pred, true_fn, false_fn)
custom_gradient(f)
fori_loop(lower, upper, body_fun, init_val)
map(f, xs)
scan(f, init, xs=None, length=None, reverse=False, unroll=1)
stop_gradient(variable)
switch(index, branches, *operands)
vectorize(pyfunc, *, excluded=None, signature=None)
vectorized_map(function, elements)
while_loop(cond, body, loop_vars, maximum_iterations=None)
""".strip(),
).split("\n")


def plain(function):
    """The signature without annotations."""
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_signature_is_that_of_keras(line):
    name = line.partition("(")[0]
    home = ops.image if name in ops.image.__all__ else ops
    assert name + plain(getattr(home, name)) == line


def test_the_list_is_complete():
    listed = {line.partition("(")[0] for line in SIGNATURES}
    assert {*ops.nn.__all__, *ops.image.__all__} <= listed
