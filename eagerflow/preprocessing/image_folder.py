"""Images in folders as a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

import numpy as np

from eagerflow import ops
from eagerflow.base.config import image_data_format
from eagerflow.base.errors import expect_one_of
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import ColorMode, DataFormat, DatasetFormat, Interpolation, LabelMode, Subset
from eagerflow.preprocessing.folders import FolderDataset, FolderOptions, Settings, datasets_of
from eagerflow.preprocessing.pictures import read_image, smart_resize

__all__ = ["image_dataset_from_directory"]

_FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_COLORS = ("rgb", "rgba", "grayscale")
_INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


class _Options(FolderOptions, total=False):
    color_mode: ColorMode
    image_size: Any
    interpolation: Interpolation
    crop_to_aspect_ratio: bool
    pad_to_aspect_ratio: bool
    data_format: DataFormat | None
    format: DatasetFormat


@overload
def image_dataset_from_directory(  # type: ignore[overload-overlap]  # a `str` is taken for one subset
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Literal["both"],
    **options: Unpack[_Options],
) -> list[FolderDataset]: ...
@overload
def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Subset | None = ...,
    **options: Unpack[_Options],
) -> FolderDataset: ...
@boundary
def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = "inferred",
    label_mode: LabelMode | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: ColorMode = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset | Literal["both"] | None = None,
    interpolation: Interpolation = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: DataFormat | None = None,
    format: DatasetFormat = "tf",
    verbose: bool = True,
) -> FolderDataset | list[FolderDataset]:
    """A data set of the images in a folder that has a subfolder for each class.

    Images (`.bmp .gif .jpeg .jpg .png`; of an animation, the first frame) are read and resized when they are needed, by
    Pillow in threads.

    Args:
        directory: the folder.
        labels: `"inferred"` from the folders; a list with an integer per file, in the files' sorted order;
            or None.
        label_mode: `"int"` (int32 numbers), `"categorical"` (one-hot), `"binary"` (0.0 or 1.0, shape
            `(batch, 1)`), or None for images alone.
        class_names: the classes' folders, in the order of their numbers; default: all, sorted.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: images per batch; None: no batches.
        image_size: the height and width that images are resized to.
        shuffle: whether the files come in random order, another one in each epoch; otherwise sorted by path.
        seed: the seed of the order.
        validation_split: the fraction of the files for the subset `"validation"`.
        subset: `"training"`, `"validation"`, or `"both"` for a list of the two data sets.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether to crop images to the new proportions instead of distorting them.
        pad_to_aspect_ratio: whether to pad images with black to the new proportions instead of distorting them.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        format: accepted for Keras' signature: `"tf"` or `"grain"`; both give a `data.Dataset`.
        verbose: whether to print how many files were found.

    Returns:
        A `data.Dataset` of `images` or `(images, labels)`; images are float32 from 0 to 255 of shape
        `(batch, height, width, channels)`. It has `class_names` and `file_paths`.

    Raises:
        ImportError: without Pillow, when images are read.
        ValueError: for invalid settings, and for folders without images.

    Source: `keras.utils.image_dataset_from_directory`, with the same files, labels and subsets for the same seed.

    >>> from pathlib import Path
    >>> for name, color in [("cats", 0), ("dogs", 255)]:
    ...     Path("pets", name).mkdir(parents=True)
    ...     ef.utils.save_img(f"pets/{name}/1.png", np.full((8, 8, 3), color), scale=False)
    >>> data = ef.preprocessing.image_dataset_from_directory("pets", image_size=(4, 4), shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> data.class_names
    ['cats', 'dogs']
    >>> images, labels = next(iter(data))
    >>> images.shape, labels.tolist(), images[:, 0, 0, 0].tolist()
    ((2, 4, 4, 3), [0, 1], [0.0, 255.0])
    """
    name = "image_dataset_from_directory"
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"{name}(image_size={image_size!r}): expected a height and a width of at least 1.")
    expect_one_of(name, "color_mode", color_mode, _COLORS)
    expect_one_of(name, "interpolation", interpolation, _INTERPOLATIONS)
    expect_one_of(name, "format", format, ("tf", "grain"))
    layout = data_format or image_data_format()
    expect_one_of(name, "data_format", layout, ("channels_last", "channels_first"))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{name}: expected at most one of crop_to_aspect_ratio and pad_to_aspect_ratio.")
    settings = Settings.given(locals(), *_FORMATS)

    def read(path: str) -> Any:
        image = read_image(path, color_mode).astype(np.float32)
        if crop_to_aspect_ratio:
            image = smart_resize(image, size, interpolation)
        else:
            image = ops.image.resize(
                image, size, interpolation, pad_to_aspect_ratio=pad_to_aspect_ratio, data_format="channels_last"
            ).numpy()
        return image.transpose(2, 0, 1) if layout == "channels_first" else image

    return datasets_of(directory, settings, read)
