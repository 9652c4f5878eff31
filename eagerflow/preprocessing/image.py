"""Images, under the names of `keras.preprocessing.image`, those of Keras 2 too."""

from __future__ import annotations

from eagerflow.preprocessing.affine import apply_affine_transform, apply_brightness_shift, apply_channel_shift
from eagerflow.preprocessing.image_generator import ImageDataGenerator
from eagerflow.preprocessing.image_iterators import DataFrameIterator, DirectoryIterator, Iterator, NumpyArrayIterator
from eagerflow.preprocessing.pictures import array_to_img, img_to_array, load_img, save_img, smart_resize

__all__ = ["DataFrameIterator", "DirectoryIterator", "ImageDataGenerator", "Iterator", "NumpyArrayIterator"]
__all__ += ["apply_affine_transform", "apply_brightness_shift", "apply_channel_shift", "array_to_img", "img_to_array"]
__all__ += ["load_img", "save_img", "smart_resize"]


def __dir__() -> list[str]:
    return sorted(__all__)
