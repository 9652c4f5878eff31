"""`ImageDataGenerator`: batches of images, changed at random as they are read, the way Keras 2 made them."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from eagerflow.base.config import floatx, image_data_format
from eagerflow.base.errors import expect_one_of
from eagerflow.base.typing import ClassMode, ColorMode, DataFormat, DType, FillMode, PillowInterpolation, Subset
from eagerflow.core.dtypes import standardize_dtype
from eagerflow.preprocessing.affine import apply_affine_transform, apply_brightness_shift, apply_channel_shift
from eagerflow.preprocessing.image_iterators import DataFrameIterator, DirectoryIterator, NumpyArrayIterator

__all__ = ["ImageDataGenerator"]

_AXES = {"channels_first": (1, 2, 3), "channels_last": (3, 1, 2)}  # of the channels, rows and columns


class ImageDataGenerator:
    """Makes batches of images with random changes (augmentation), for Keras 2 programs.

    New programs use `image_dataset_from_directory` and layers such as `RandomFlip`.

    Args:
        featurewise_center: whether to subtract the mean of all images, which `fit` computes.
        samplewise_center: whether to subtract each image's own mean.
        featurewise_std_normalization: whether to divide by the standard deviation of all images, which `fit` computes.
        samplewise_std_normalization: whether to divide by each image's own standard deviation.
        zca_whitening: whether to decorrelate pixels (ZCA whitening) by the matrix that `fit` computes.
        zca_epsilon: a small number that keeps that matrix finite.
        rotation_range: the largest random rotation, in degrees.
        width_shift_range: the largest random shift: a fraction of the width if it is below 1, else a number of pixels;
            or a list of shifts in pixels to choose from.
        height_shift_range: the same for the height. As in Keras 3, `width_shift_range` moves images up and down, and
            `height_shift_range` sideways.
        brightness_range: a pair of brightness factors to draw between; it needs Pillow.
        shear_range: the largest random shear, in degrees.
        zoom_range: a pair of zoom factors to draw between; a number z stands for `(1 - z, 1 + z)`.
        channel_shift_range: the largest number that is randomly added to or subtracted from all pixels.
        fill_mode: how points outside of the image are filled, see `apply_affine_transform`.
        cval: the value for `fill_mode="constant"`.
        horizontal_flip: whether to mirror images, left and right, with probability 1/2.
        vertical_flip: whether to turn images upside down with probability 1/2.
        rescale: a number to multiply images by, after `preprocessing_function` and before everything else.
        preprocessing_function: a function that takes and returns an image, which is called before `rescale`.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        validation_split: the fraction of the images for the subset `"validation"`.
        interpolation_order: 0 or 1, see `apply_affine_transform`.
        dtype: the type of the batches; default: `floatx()`.

    Raises:
        ValueError: for invalid settings.

    Source: the class of the same name in `keras.preprocessing.image`; seeds give the same draws as there.

    >>> images = np.arange(2 * 4 * 4 * 1).reshape(2, 4, 4, 1)
    >>> generator = ef.preprocessing.image.ImageDataGenerator(rescale=0.5)
    >>> batches = generator.flow(images, [0, 1], batch_size=2, shuffle=False)
    >>> x, y = batches[0]
    >>> x[0, 0, :, 0].tolist(), y.tolist()
    ([0.0, 0.5, 1.0, 1.5], [0, 1])
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: FillMode = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        data_format: DataFormat | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: DType = None,
    ) -> None:
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.samplewise_center = samplewise_center or samplewise_std_normalization
        self.featurewise_std_normalization = featurewise_std_normalization and not zca_whitening
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = None if brightness_range is None else _two("brightness_range", brightness_range)
        self.shear_range = shear_range
        if isinstance(zoom_range, (int, float)):
            zoom_range = (1 - zoom_range, 1 + zoom_range)
        self.zoom_range = _two("zoom_range", zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = data_format or image_data_format()
        expect_one_of("ImageDataGenerator", "data_format", self.data_format, _AXES)
        self.channel_axis, self.row_axis, self.col_axis = _AXES[self.data_format]
        if not 0 <= validation_split < 1:
            raise ValueError(
                f"ImageDataGenerator(validation_split={validation_split!r}): expected at least 0 and less than 1."
            )
        self._validation_split = validation_split
        self.interpolation_order = interpolation_order
        self.dtype = standardize_dtype(dtype or floatx())
        self.mean: Any = None
        self.std: Any = None
        self.zca_whitening_matrix: Any = None

    # -- batches

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: Subset | None = None,
    ) -> NumpyArrayIterator:
        """An iterator over batches of images in an array; the arguments are those of `NumpyArrayIterator`.

        Args:
            x: images, an array with four axes.
            y: labels, or None.
            batch_size: images per batch.
            shuffle: whether the images come in another order in each epoch.
            sample_weight: a weight per image, or None.
            seed: the seed of these orders and of all random changes.
            save_to_dir: a folder into which the augmented images are written, to look at them; default: none.
            save_prefix: the beginning of the names of these files.
            save_format: the format of these files, which is their ending.
            ignore_class_split: whether the two subsets may have different classes.
            subset: `"training"` or `"validation"`, by the generator's `validation_split`.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(rescale=1 / 4)
        >>> images = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), 4.0)])
        >>> x, y = next(generator.flow(images, [7, 8], batch_size=2, shuffle=False))
        >>> x[:, 0, 0, 0].tolist(), [int(n) for n in y]
        ([0.0, 1.0], [7, 8])
        """
        return self._batches(NumpyArrayIterator, locals())

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: tuple[int, int] = (256, 256),
        color_mode: ColorMode = "rgb",
        classes: Any = None,
        class_mode: ClassMode | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: Subset | None = None,
        interpolation: PillowInterpolation = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """An iterator over batches of images from a folder that contains one folder per class.

        Args:
            directory: the folder; this and all other arguments are those of `DirectoryIterator`.
            target_size: the height and width that images are resized to.
            color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
            classes: the names of the classes' folders, in the order of their numbers; default: all, sorted.
            class_mode: the form of the labels.
            batch_size: images per batch.
            shuffle: whether the images come in another order in each epoch.
            seed: the seed of these orders and of all random changes.
            save_to_dir: a folder into which the augmented images are written; default: none.
            save_prefix: the beginning of the names of these files.
            save_format: the format of these files.
            follow_links: whether links to folders are followed.
            subset: `"training"` or `"validation"`, by the generator's `validation_split`.
            interpolation: how images are resized.
            keep_aspect_ratio: whether images are cropped instead of distorted.

        >>> from pathlib import Path
        >>> for name in ("cats", "dogs"):
        ...     Path("pets", name).mkdir(parents=True)
        ...     ef.utils.save_img(f"pets/{name}/1.png", np.zeros((8, 8, 3)))
        >>> generator = ef.preprocessing.image.ImageDataGenerator()
        >>> x, y = next(generator.flow_from_directory("pets", target_size=(4, 4), shuffle=False))
        Found 2 images belonging to 2 classes.
        >>> x.shape, y.tolist()
        ((2, 4, 4, 3), [[1.0, 0.0], [0.0, 1.0]])
        """
        return self._batches(DirectoryIterator, locals())

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | os.PathLike[str] | None = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: ColorMode = "rgb",
        classes: Any = None,
        class_mode: ClassMode | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: Subset | None = None,
        interpolation: PillowInterpolation = "nearest",
        validate_filenames: bool = True,
    ) -> DataFrameIterator:
        """An iterator over batches of images whose paths are in a pandas DataFrame.

        Args:
            dataframe: the DataFrame; this and all other arguments are those of `DataFrameIterator`.
            directory: the folder that relative paths begin in.
            x_col: the column of the paths.
            y_col: the column of the labels.
            weight_col: the column of the sample weights, or None.
            target_size: the height and width that images are resized to.
            color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
            classes: the names of the classes, in the order of their numbers; default: all, sorted.
            class_mode: the form of the labels.
            batch_size: images per batch.
            shuffle: whether the images come in another order in each epoch.
            seed: the seed of these orders and of all random changes.
            save_to_dir: a folder into which the augmented images are written; default: none.
            save_prefix: the beginning of the names of these files.
            save_format: the format of these files.
            subset: `"training"` or `"validation"`, by the generator's `validation_split`.
            interpolation: how images are resized.
            validate_filenames: whether to leave out rows whose file doesn't exist.

        >>> class Table(dict):  # stands for a table of pandas
        ...     columns = property(dict.keys)
        >>> for name in ("1.png", "2.png"):
        ...     ef.utils.save_img(name, np.zeros((8, 8, 3)))
        >>> table = Table({"filename": ["1.png", "2.png"], "price": [1.5, 2.5]})
        >>> generator = ef.preprocessing.image.ImageDataGenerator()
        >>> data = generator.flow_from_dataframe(table, ".", y_col="price", class_mode="raw", shuffle=False)
        Found 2 image files.
        >>> data[0][0].shape, data[0][1].tolist()
        ((2, 256, 256, 3), [1.5, 2.5])
        """
        return self._batches(DataFrameIterator, locals())

    def _batches(self, iterator: type[Any], arguments: dict[str, Any]) -> Any:
        """An iterator with arguments of one of the methods above."""
        given = {name: value for name, value in arguments.items() if name != "self"}
        return iterator(**given, image_data_generator=self, data_format=self.data_format, dtype=self.dtype)

    # -- one image

    def get_random_transform(self, img_shape: Any, seed: int | None = None) -> dict[str, Any]:
        """Draws the random changes for one image, within the generator's ranges.

        Args:
            img_shape: the image's shape.
            seed: the seed of the draws; default: they come from `numpy.random`.

        Returns:
            A dict with the keys `theta`, `tx`, `ty`, `shear`, `zx`, `zy`, `flip_horizontal`, `flip_vertical`,
            `channel_shift_intensity` and `brightness`.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(rotation_range=10)
        >>> drawn = generator.get_random_transform((8, 8, 3), seed=1)
        >>> -10 <= drawn["theta"] <= 10, drawn["flip_horizontal"]
        (True, False)
        """
        return self.draw_transform(img_shape, np.random if seed is None else np.random.RandomState(seed))

    def draw_transform(self, img_shape: Any, draw: Any) -> dict[str, Any]:
        """Like `get_random_transform`, with another source of random numbers.

        Args:
            img_shape: the image's shape.
            draw: the `numpy.random.RandomState` to draw from.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(zoom_range=(0.5, 2))
        >>> drawn = generator.draw_transform((8, 8, 3), np.random.RandomState(1))
        >>> 0.5 <= float(drawn["zx"]) <= 2, drawn["theta"]
        (True, 0.0)
        """
        theta = _around_zero(self.rotation_range, draw)
        tx = _shift(self.height_shift_range, img_shape[self.row_axis - 1], draw)
        ty = _shift(self.width_shift_range, img_shape[self.col_axis - 1], draw)
        shear = _around_zero(self.shear_range, draw)
        zx, zy = (1, 1) if self.zoom_range == (1, 1) else draw.uniform(*self.zoom_range, 2)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": bool((draw.random() < 0.5) * self.horizontal_flip),
            "flip_vertical": bool((draw.random() < 0.5) * self.vertical_flip),
            "channel_shift_intensity": _around_zero(self.channel_shift_range, draw)
            if self.channel_shift_range
            else None,
            "brightness": None if self.brightness_range is None else draw.uniform(*self.brightness_range),
        }

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Changes an image as `get_random_transform` says.

        Args:
            x: the image, an array of three axes.
            transform_parameters: a dict such as `get_random_transform` returns; changes that are missing in it aren't
                made.

        >>> generator = ef.preprocessing.image.ImageDataGenerator()
        >>> image = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
        >>> generator.apply_transform(image, {"flip_horizontal": True})[..., 0].tolist()
        [[2.0, 1.0], [4.0, 3.0]]
        """
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        wanted: Any = transform_parameters.get
        x = apply_affine_transform(
            x,
            wanted("theta", 0),
            wanted("tx", 0),
            wanted("ty", 0),
            wanted("shear", 0),
            wanted("zx", 1),
            wanted("zy", 1),
            rows,
            columns,
            channels,
            self.fill_mode,
            self.cval,
            self.interpolation_order,
        )
        if wanted("channel_shift_intensity") is not None:
            x = apply_channel_shift(x, wanted("channel_shift_intensity"), channels)
        if wanted("flip_horizontal", False):
            x = np.flip(x, columns)
        if wanted("flip_vertical", False):
            x = np.flip(x, rows)
        if wanted("brightness") is not None:
            x = apply_brightness_shift(x, wanted("brightness"), scale=False)
        return x

    def random_transform(self, x: Any, seed: int | None = None) -> np.ndarray:
        """Makes random changes to an image.

        Args:
            x: the image, an array of three axes.
            seed: the seed of the draws; default: they come from `numpy.random`.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(horizontal_flip=True)
        >>> image = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
        >>> [generator.random_transform(image, seed)[0, :, 0].tolist() for seed in (1, 3)]
        [[2.0, 1.0], [1.0, 2.0]]
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Rescales and normalizes an image, or a batch, as the settings say. It changes `x` itself, as in Keras.

        Args:
            x: an array of floats.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(rescale=1 / 4, samplewise_center=True)
        >>> generator.standardize(np.array([[[0.0], [8.0]]]))[..., 0].tolist()
        [[-1.0, 1.0]]
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center and _fitted(self.mean, "featurewise_center"):
            x -= self.mean
        if self.featurewise_std_normalization and _fitted(self.std, "featurewise_std_normalization"):
            x /= self.std + 1e-6
        if self.zca_whitening and _fitted(self.zca_whitening_matrix, "zca_whitening"):
            flat = x.reshape(-1, int(np.prod(x.shape[-3:]))) @ self.zca_whitening_matrix
            x = flat.reshape(x.shape)
        return x

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Computes the mean, the standard deviation and the whitening matrix of images, where the settings need them.

        Args:
            x: an array of images, with four axes.
            augment: whether to make random changes to the images first.
            rounds: with `augment`, how often each image is used, with other changes.
            seed: the seed of these changes.

        Raises:
            ValueError: for another number of axes.

        >>> generator = ef.preprocessing.image.ImageDataGenerator(featurewise_center=True)
        >>> images = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), 4.0)])
        >>> generator.fit(images)
        >>> generator.mean.ravel().tolist(), generator.standardize(images[1].copy()).ravel().tolist()
        ([2.0], [2.0, 2.0, 2.0, 2.0])
        """
        x = np.array(x, dtype=self.dtype)
        if x.ndim != 4:
            raise ValueError(f"ImageDataGenerator.fit(x): expected 4 axes; got shape {x.shape}.")
        if self.rescale:
            x *= self.rescale
        if augment:
            draw: Any = np.random if seed is None else np.random.RandomState(seed)
            changed = [
                self.apply_transform(image, self.draw_transform(image.shape, draw))
                for _ in range(rounds)
                for image in x
            ]
            x = np.stack(changed).astype(self.dtype)
        others = (0, self.row_axis, self.col_axis)
        if self.featurewise_center:
            self.mean = np.mean(x, axis=others, keepdims=True)[0]
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=others, keepdims=True)[0]
            x /= self.std + 1e-6
        if self.zca_whitening:
            u, s, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(x)) / (s + self.zca_epsilon))) @ u.T


def _two(argument: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"ImageDataGenerator({argument}={value!r}): expected two numbers.")
    return value[0], value[1]


def _around_zero(limit: float, draw: Any) -> float:
    return float(draw.uniform(-limit, limit)) if limit else 0.0


def _shift(limit: Any, length: int, draw: Any) -> float:
    """Rows or columns to shift by: one of a list, or up to a number of pixels, or up to a share of all."""
    if not np.any(limit):
        return 0.0
    if np.ndim(limit) or isinstance(limit, (int, np.integer)):
        pixels = draw.choice(limit) * draw.choice([-1, 1])
    else:
        pixels = draw.uniform(-limit, limit)
    return float(pixels * length if np.max(limit) < 1 else pixels)


def _fitted(value: Any, setting: str) -> bool:
    if value is None:
        warnings.warn(
            f"ImageDataGenerator({setting}=True) has seen no data, and does nothing yet: call fit(x) first.",
            stacklevel=3,
        )
    return value is not None
