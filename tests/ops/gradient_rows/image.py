"""Rows of the ops on images."""

from __future__ import annotations

import numpy as np

from eagerflow import ops
from tests.ops.gradient_rows import apart, case, inside, normal, positive, smooth

IMAGE = normal(3, 4, 2)
BATCH = normal(2, 3, 4, 2)
CHANNELS_FIRST = np.moveaxis(BATCH, -1, 1)
TURN = np.array([0.9, -0.2, 0.3, 0.1, 1.1, -0.4, 0.01, -0.02])
MODES = "constant nearest wrap mirror reflect".split()
CORNERS = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 2.0], [3.0, 2.0]])
POINTS = np.array([[0.3, 1.2, -0.4, 2.7], [0.6, 2.3, 4.4, -1.3]])


def in_all_layouts(name, **settings):
    """One image, a batch, and a batch with channels first."""
    return smooth(
        name,
        case(IMAGE, **settings),
        case(BATCH, **settings),
        case(CHANNELS_FIRST, data_format="channels_first", **settings),
    )


ROWS = [
    smooth("rgb_to_grayscale", case(normal(2, 2, 3)), case(normal(2, 3, 1, 2), data_format="channels_first")),
    smooth(
        "rgb_to_hsv", case(np.abs(apart(2, 2, 3)) / 4), case(np.abs(apart(1, 3, 2, 1)), data_format="channels_first")
    ),
    smooth("hsv_to_rgb", case(np.abs(inside(2, 2, 3))), case(np.abs(inside(1, 3, 2, 1)), data_format="channels_first")),
    in_all_layouts("crop_images", top_cropping=1, left_cropping=0, target_height=2, target_width=3),
    in_all_layouts("pad_images", top_padding=1, left_padding=0, target_height=5, target_width=5),
    in_all_layouts("extract_patches", size=(2, 3), strides=1, padding="same"),
    smooth(
        "extract_patches_3d",
        case(normal(1, 2, 3, 2, 1), size=2, strides=1),
        case(normal(1, 2, 3, 2), size=(1, 2, 2), data_format="channels_first"),
    ),
    smooth(
        "resize",
        *[
            case(IMAGE, size=(5, 3), interpolation=i)
            for i in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
        ],
        case(BATCH, size=(2, 2), antialias=True),
        case(CHANNELS_FIRST, size=(5, 3), data_format="channels_first"),
        case(BATCH, size=(2, 4), crop_to_aspect_ratio=True),
        case(BATCH, size=(4, 2), pad_to_aspect_ratio=True),
    ),
    smooth(
        "scale_and_translate",
        *[
            case(
                normal(4, 3),
                output_shape=(5, 2),
                scale=[1.5, 0.6],
                translation=[0.3, -0.2],
                spatial_dims=(0, 1),
                method=m,
            )
            for m in ("linear", "cubic", "lanczos3", "lanczos5")
        ],
    ),
    smooth(
        "map_coordinates",
        *[case(normal(3, 4), POINTS, order=1, fill_mode=m) for m in MODES],
        *[case(normal(3, 4), call=lambda x, m=m: ops.image.map_coordinates(x, POINTS, 0, m, 2.0)) for m in MODES],
    ),
    smooth(
        "affine_transform",
        case(IMAGE, TURN),
        case(BATCH, np.stack([TURN, TURN * 0.9]), fill_mode="reflect"),
        case(CHANNELS_FIRST, TURN, data_format="channels_first", fill_mode="wrap"),
        case(IMAGE, call=lambda x: ops.image.affine_transform(x, TURN, "nearest")),
    ),
    smooth(
        "perspective_transform",
        case(IMAGE, call=lambda x: ops.image.perspective_transform(x, CORNERS, CORNERS * 0.8 + 0.3)),
        case(
            CHANNELS_FIRST,
            call=lambda x: ops.image.perspective_transform(
                x, CORNERS, CORNERS * 0.8 + 0.3, data_format="channels_first"
            ),
        ),
    ),
    in_all_layouts("elastic_transform", alpha=3.0, sigma=0.4, seed=1),
    in_all_layouts("gaussian_blur", kernel_size=(3, 2), sigma=(1.0, 0.5)),
    smooth("sobel_edges", case(BATCH), case(CHANNELS_FIRST, data_format="channels_first")),
    smooth(
        "ssim",
        case(positive(3, 3, 2), normal(3, 3, 2), filter_size=3),
        case(positive(2, 1, 4, 3), normal(2, 1, 4, 3), filter_size=2, data_format="channels_first"),
    ),
]
