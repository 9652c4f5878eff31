"""The batches that an `ImageDataGenerator` makes: of arrays, of folders, of tables of files."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator as Iterating, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from eagerflow.base.config import floatx, image_data_format
from eagerflow.base.errors import did_you_mean, expect_one_of
from eagerflow.base.messages import say
from eagerflow.base.typing import ClassMode, ColorMode, DataFormat, DType, PillowInterpolation, Subset
from eagerflow.data.py_dataset import PyDataset
from eagerflow.preprocessing.pictures import array_to_img, img_to_array, load_img

__all__ = ["DataFrameIterator", "DirectoryIterator", "Iterator", "NumpyArrayIterator"]

_FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")
_CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
_KEPT = """image_data_generator color_mode class_mode save_to_dir save_prefix save_format subset interpolation
    keep_aspect_ratio""".split()


class Iterator(PyDataset):
    """Base class of iterators over batches of images; `iterator[i]` is batch i, and iteration never ends.

    Args:
        n: the number of images.
        batch_size: images per batch.
        shuffle: whether the images come in another order in each epoch.
        seed: the seed of these orders and of all random changes; default: they come from `numpy.random`.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of `PyDataset`.

    >>> from eagerflow.preprocessing.image import ImageDataGenerator, Iterator
    >>> batches = ImageDataGenerator().flow(np.zeros((10, 2, 2, 1)), batch_size=4)
    >>> isinstance(batches, Iterator), len(batches), [batches[i].shape for i in range(3)]
    (True, 3, [(4, 2, 2, 1), (4, 2, 2, 1), (2, 2, 2, 1)])
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if batch_size < 1:
            raise ValueError(f"batch_size={batch_size!r}: expected at least 1.")
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.lock = threading.Lock()
        self.index_array: np.ndarray | None = None
        self._endless = self._flow_index()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if not 0 <= idx < len(self):
            raise IndexError(f"batch {idx} was asked for; there are {len(self)}.")
        with self.lock:
            draw = self._draw()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_index_array(draw)
            assert self.index_array is not None  # set just now
            chosen = self.index_array[self.batch_size * idx : self.batch_size * (idx + 1)]
        return self._batch(chosen, draw)

    def __iter__(self) -> Iterating[Any]:
        return self

    def __next__(self) -> Any:
        with self.lock:
            chosen, draw = next(self._endless)
        return self._batch(chosen, draw)

    def next(self) -> Any:
        """The next batch.

        >>> batches = ef.preprocessing.image.ImageDataGenerator().flow(np.zeros((4, 2, 2, 1)), [0, 1, 2, 3], 2, False)
        >>> [[int(label) for label in batches.next()[1]] for _ in range(2)]
        [[0, 1], [2, 3]]
        """
        return next(self)

    def reset(self) -> None:
        """Starts the epoch again, from its first batch.

        >>> batches = ef.preprocessing.image.ImageDataGenerator().flow(np.zeros((4, 2, 2, 1)), [0, 1, 2, 3], 2, False)
        >>> first = next(batches)[1]
        >>> batches.reset()
        >>> [int(label) for label in next(batches)[1]]  # the first batch again
        [0, 1]
        """
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        with self.lock:
            self._set_index_array(self._draw())

    def _draw(self) -> Any:
        """What the next batch draws from."""
        return np.random if self.seed is None else np.random.RandomState(self.seed + self.total_batches_seen)

    def _set_index_array(self, draw: Any) -> None:
        self.index_array = draw.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _flow_index(self) -> Iterating[tuple[np.ndarray, Any]]:
        while True:
            if not self.n:
                raise ValueError("there are no images to make batches of.")
            draw = self._draw()
            if self.batch_index == 0:
                self._set_index_array(draw)
            assert self.index_array is not None  # the first batch of an epoch sets it
            start = (self.batch_index * self.batch_size) % self.n
            self.batch_index = self.batch_index + 1 if self.n > start + self.batch_size else 0
            self.total_batches_seen += 1
            yield self.index_array[start : start + self.batch_size], draw

    def _batch(self, index_array: np.ndarray, draw: Any) -> Any:
        """The batch of these images, changed by what `draw` gives."""
        raise NotImplementedError(f"{type(self).__name__} must define _batch(index_array, draw).")


class _Changing(Iterator):
    """What the iterators have in common: an image is changed, put on a scale, and perhaps saved."""

    image_data_generator: Any
    data_format: DataFormat
    dtype: DType
    save_to_dir: Any
    save_prefix: str
    save_format: str

    def _changed(self, image: np.ndarray, draw: Any) -> np.ndarray:
        generator = self.image_data_generator
        if generator is None:
            return image
        moved = generator.apply_transform(image, generator.draw_transform(image.shape, draw))
        return generator.standardize(np.array(moved, dtype=self.dtype))

    def _save(self, batch: np.ndarray, index_array: np.ndarray, draw: Any) -> None:
        """Writes what a batch holds to files, for people to look at."""
        if not self.save_to_dir:
            return
        for image, number in zip(batch, index_array):
            name = f"{self.save_prefix}_{number}_{draw.randint(10**7)}.{self.save_format}"
            array_to_img(image, self.data_format, scale=True).save(Path(self.save_to_dir) / name)


class NumpyArrayIterator(_Changing):
    """An iterator over batches of images in an array.

    Args:
        x: images, an array with four axes; or `(images, others)` with further arrays, whose rows come along unchanged.
        y: labels, or None.
        image_data_generator: an `ImageDataGenerator`, which augments the images.
        batch_size: images per batch.
        shuffle: whether the images come in another order in each epoch.
        sample_weight: a weight per image, or None.
        seed: the seed of these orders and of all random changes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        save_to_dir: a folder into which the augmented images are written, to look at them; default: none.
        save_prefix: the beginning of the names of these files.
        save_format: the format of these files, which is their ending.
        subset: `"training"` or `"validation"`, by the generator's `validation_split`.
        ignore_class_split: whether the two subsets may have different classes.
        dtype: the type of the images.

    Raises:
        ValueError: for arrays that don't go together.

    >>> from eagerflow.preprocessing.image import ImageDataGenerator, NumpyArrayIterator
    >>> images, labels = np.ones((5, 2, 2, 1)), np.arange(5)
    >>> batches = NumpyArrayIterator(images, labels, ImageDataGenerator(), batch_size=2, shuffle=False)
    >>> [y.tolist() for x, y in (batches[i] for i in range(len(batches)))]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: Subset | None = None,
        ignore_class_split: bool = False,
        dtype: DType = None,
    ) -> None:
        images, others = (x[0], x[1]) if isinstance(x, (tuple, list)) else (x, [])
        others = others if isinstance(others, list) else [others]
        parts = [images, *others, y, sample_weight]
        arrays: list[Any] = [None if part is None else np.asarray(part) for part in parts]
        if len({len(array) for array in arrays if array is not None}) > 1:
            lengths = ", ".join(str(len(array)) for array in arrays if array is not None)
            raise ValueError(f"flow(): x, y and sample_weight need one length; got {lengths}.")
        if subset is not None:
            arrays = self._subset(arrays, subset, image_data_generator, ignore_class_split)
        self.dtype = dtype or floatx()
        self.x = np.asarray(arrays[0], dtype=self.dtype)
        if self.x.ndim != 4:
            raise ValueError(f"flow(x): expected images with 4 axes in all; got shape {self.x.shape}.")
        self.x_misc = arrays[1:-2]
        self.y, self.sample_weight = arrays[-2:]
        self.image_data_generator = image_data_generator
        self.data_format = data_format or image_data_format()
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _subset(self, arrays: list[Any], subset: Subset, generator: Any, ignore_classes: bool) -> list[Any]:
        start, stop = (int(share * len(arrays[0])) for share in _split(subset, generator))
        parts: list[Any] = [None if array is None else array[start:stop] for array in arrays]
        labels = arrays[-2]
        if labels is not None and not ignore_classes:
            rest = np.concatenate([labels[:start], labels[stop:]])
            if not np.array_equal(np.unique(parts[-2]), np.unique(rest)):
                raise ValueError(
                    f"flow(subset={subset!r}): the two subsets hold different classes; are the rows sorted by class? "
                    "Fix: shuffle them, or pass ignore_class_split=True."
                )
        return parts

    def _batch(self, index_array: np.ndarray, draw: Any) -> Any:
        batch = np.zeros((len(index_array), *self.x.shape[1:]), self.dtype)
        for place, number in zip(batch, index_array):
            place[...] = self._changed(self.x[number], draw)
        self._save(batch, index_array, draw)
        x = [batch, *(array[index_array] for array in self.x_misc)] if self.x_misc else batch
        if self.y is None:
            return x
        weight = () if self.sample_weight is None else (self.sample_weight[index_array],)
        return (x, self.y[index_array], *weight)


class _OfFiles(_Changing):
    """Batches of image files, with labels made of their classes."""

    allowed_class_modes: tuple[str | None, ...] = ("categorical", "binary", "sparse", "input", None)
    classes: Any  # the number of each file's class
    class_mode: ClassMode | None
    color_mode: ColorMode
    interpolation: PillowInterpolation
    keep_aspect_ratio: bool
    subset: Subset | None
    class_indices: dict[str, int]
    filenames: list[str]
    _sample_weight: Any = None
    _targets: Any = None

    def _prepare(self, arguments: Mapping[str, Any]) -> None:
        """Keep the settings that are the same for all files, of the arguments of `__init__`."""
        expect_one_of("", "color_mode", arguments["color_mode"], _CHANNELS)
        expect_one_of("", "class_mode", arguments["class_mode"], self.allowed_class_modes)
        for name in _KEPT:
            setattr(self, name, arguments[name])
        self.target_size: tuple[int, ...] = tuple(arguments["target_size"])
        self.data_format = arguments["data_format"] or image_data_format()
        channels = (_CHANNELS[arguments["color_mode"]],)
        last = self.data_format == "channels_last"
        self.image_shape = self.target_size + channels if last else channels + self.target_size
        self.split = None if self.subset is None else _split(self.subset, self.image_data_generator)
        self.dtype = arguments["dtype"] or floatx()

    @property
    def samples(self) -> int:
        """The number of images."""
        return len(self.filenames)

    @property
    def filepaths(self) -> list[str]:
        """The paths of all images."""
        return self._filepaths

    @property
    def labels(self) -> Any:
        """The label of each image: the number of its class, or what `class_mode` says."""
        return self.classes if self._targets is None else self._targets

    @property
    def sample_weight(self) -> Any:
        """The weight of each image, or None."""
        return self._sample_weight

    def _found(self, directory: Any) -> None:
        self._filepaths = [os.path.join(directory, name) for name in self.filenames]

    def _batch(self, index_array: np.ndarray, draw: Any) -> Any:
        batch = np.zeros((len(index_array), *self.image_shape), self.dtype)
        for place, number in zip(batch, index_array):
            place[...] = self._changed(self._read(self._filepaths[number]), draw)
        self._save(batch, index_array, draw)
        if self.class_mode is None:
            return batch
        weight = () if self._sample_weight is None else (self._sample_weight[index_array],)
        return (batch, self._labels(batch, index_array), *weight)

    def _read(self, path: str) -> np.ndarray:
        size = (self.target_size[0], self.target_size[1])
        image = load_img(path, self.color_mode, size, self.interpolation, self.keep_aspect_ratio)
        return img_to_array(image, self.data_format)

    def _labels(self, batch: np.ndarray, index_array: np.ndarray) -> Any:
        if self.class_mode == "input":
            return batch.copy()
        if self.class_mode == "multi_output":
            return [target[index_array] for target in self._targets]
        if self.class_mode == "raw":
            return self._targets[index_array]
        if self.class_mode != "categorical":
            return np.array([self.classes[number] for number in index_array], self.dtype)
        labels = np.zeros((len(batch), len(self.class_indices)), self.dtype)
        for row, number in zip(labels, index_array):
            row[self.classes[number]] = 1
        return labels


class DirectoryIterator(_OfFiles):
    """An iterator over batches of images from a folder that contains one folder per class.

    Args:
        directory: the folder.
        image_data_generator: an `ImageDataGenerator`, which augments the images; None: they aren't changed.
        target_size: the height and width that images are resized to.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: the names of the classes' folders, in the order of their numbers; default: all, sorted.
        class_mode: the form of the labels: `"categorical"` (one-hot), `"binary"` (0 or 1), `"sparse"` (class numbers),
            `"input"` (the image itself), or None for no labels.
        batch_size: images per batch.
        shuffle: whether the images come in another order in each epoch.
        seed: the seed of these orders and of all random changes.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        save_to_dir: a folder into which the augmented images are written, to look at them; default: none.
        save_prefix: the beginning of the names of these files.
        save_format: the format of these files, which is their ending.
        follow_links: whether links to folders are followed.
        subset: `"training"` or `"validation"`, by the generator's `validation_split`.
        interpolation: how images are resized, see `load_img`.
        keep_aspect_ratio: whether images are cropped instead of distorted.
        dtype: the type of the images.

    Attributes:
        class_indices: a dict from the names of the classes to their numbers.
        filenames: the paths of the images, relative to the folder.

    Raises:
        ValueError: for invalid settings, and for a folder that doesn't exist.

    >>> from pathlib import Path
    >>> from eagerflow.preprocessing.image import DirectoryIterator, ImageDataGenerator
    >>> for name in ("cats", "dogs"):
    ...     Path("pets", name).mkdir(parents=True)
    ...     ef.utils.save_img(f"pets/{name}/1.png", np.zeros((8, 8, 3)))
    >>> batches = DirectoryIterator("pets", ImageDataGenerator(), target_size=(4, 4), class_mode="sparse")
    Found 2 images belonging to 2 classes.
    >>> batches.class_indices, batches.image_shape
    ({'cats': 0, 'dogs': 1}, (4, 4, 3))
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: Any,
        target_size: Any = (256, 256),
        color_mode: ColorMode = "rgb",
        classes: Any = None,
        class_mode: ClassMode | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: Subset | None = None,
        interpolation: PillowInterpolation = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DType = None,
    ) -> None:
        self._prepare(locals())
        self.directory = os.fspath(directory)
        if not os.path.isdir(self.directory):
            raise ValueError(f"flow_from_directory(directory={self.directory!r}): there is no such folder.")
        names = list(classes or sorted(e.name for e in os.scandir(self.directory) if e.is_dir()))
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        files = [_files(self.directory, name, self.split, follow_links) for name in names]
        self.filenames = [name for part in files for name in part]
        self.classes = np.repeat(np.arange(len(names), dtype=np.int32), [len(part) for part in files])
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        self._found(self.directory)
        super().__init__(self.samples, batch_size, shuffle, seed)


class DataFrameIterator(_OfFiles):
    """An iterator over batches of images whose paths are in a pandas DataFrame.

    Args:
        dataframe: the DataFrame.
        directory: the folder that relative paths begin in.
        image_data_generator: an `ImageDataGenerator`, which augments the images; None: they aren't changed.
        x_col: the column of the paths.
        y_col: the column of the labels; for `"multi_output"` a list of columns.
        weight_col: the column of the sample weights, or None.
        target_size: the height and width that images are resized to.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        classes: the names of the classes, in the order of their numbers; rows of other classes are left out. Default:
            all, sorted.
        class_mode: the form of the labels: as for `DirectoryIterator`, also `"raw"` (the values of the column) and
            `"multi_output"` (a list of several columns).
        batch_size: images per batch.
        shuffle: whether the images come in another order in each epoch.
        seed: the seed of these orders and of all random changes.
        data_format: `"channels_last"` or `"channels_first"`.
        save_to_dir: a folder into which the augmented images are written, to look at them; default: none.
        save_prefix: the beginning of the names of these files.
        save_format: the format of these files, which is their ending.
        subset: `"training"` or `"validation"`, by the generator's `validation_split`.
        interpolation: how images are resized, see `load_img`.
        keep_aspect_ratio: whether images are cropped instead of distorted.
        dtype: the type of the images.
        validate_filenames: whether to leave out rows whose file doesn't exist or doesn't have the ending of an image
            file.

    Raises:
        ValueError: for invalid settings, and for columns that aren't there.

    >>> from eagerflow.preprocessing.image import DataFrameIterator, ImageDataGenerator
    >>> class Table(dict):  # stands for a table of pandas
    ...     columns = property(dict.keys)
    >>> for name in ("1.png", "2.png"):
    ...     ef.utils.save_img(name, np.zeros((8, 8, 3)))
    >>> table = Table({"filename": ["1.png", "2.png"], "class": ["cat", "dog"]})
    >>> batches = DataFrameIterator(table, ".", ImageDataGenerator(), target_size=(4, 4), class_mode="sparse")
    Found 2 image files.
    >>> batches.class_indices, batches[0][0].shape
    ({'cat': 0, 'dog': 1}, (2, 4, 4, 3))
    """

    allowed_class_modes = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)

    def __init__(
        self,
        dataframe: Any,
        directory: Any = None,
        image_data_generator: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: Any = (256, 256),
        color_mode: ColorMode = "rgb",
        classes: Any = None,
        class_mode: ClassMode | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: DataFormat | None = "channels_last",
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: Subset | None = None,
        interpolation: PillowInterpolation = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: DType = "float32",
        validate_filenames: bool = True,
    ) -> None:
        class_mode = "raw" if class_mode == "other" else class_mode
        self._prepare(locals())
        self.directory = os.fspath(directory or "")
        by_class = class_mode in ("binary", "categorical", "sparse")
        columns = [x_col, *([weight_col] if weight_col else [])]
        columns += y_col if isinstance(y_col, list) else [y_col] if by_class or class_mode == "raw" else []
        table = {column: _column(dataframe, column) for column in columns}
        kept = np.array([not validate_filenames or self._is_image(name) for name in table[x_col]], bool)
        if by_class:
            kept &= self._number_classes(table[y_col], classes, class_mode)
        chosen = np.flatnonzero(kept)
        if self.split:
            chosen = chosen[int(self.split[0] * len(chosen)) : int(self.split[1] * len(chosen))]
        self.filenames = [table[x_col][row] for row in chosen]
        self._sample_weight = np.asarray([table[weight_col][row] for row in chosen]) if weight_col else None
        if by_class:
            self.classes = [self._class_of(table[y_col][row]) for row in chosen]
        elif class_mode == "multi_output":
            self._targets = [np.array([table[column][row] for row in chosen]) for column in y_col]
        elif class_mode == "raw":
            self._targets = np.array([table[y_col][row] for row in chosen])
        say(f"Found {self.samples} image files.")
        self._found(self.directory)
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _is_image(self, name: str) -> bool:
        return name.lower().endswith(_FORMATS) and os.path.isfile(os.path.join(self.directory, name))

    def _number_classes(self, labels: list[Any], classes: Any, class_mode: ClassMode | None) -> np.ndarray:
        """Numbers the classes; gives the rows that have one."""
        found = {name for label in labels for name in _names(label)}
        ordered = list(dict.fromkeys(classes)) if classes else sorted(found)
        if class_mode == "binary" and len(ordered) != 2:
            raise ValueError(f"flow_from_dataframe(class_mode='binary'): expected 2 classes; there are {len(ordered)}.")
        self.class_indices = {name: number for number, name in enumerate(ordered)}
        return np.array([any(name in self.class_indices for name in _names(label)) for label in labels], bool)

    def _class_of(self, label: Any) -> Any:
        numbers = [self.class_indices[name] for name in _names(label) if name in self.class_indices]
        return numbers if isinstance(label, (list, tuple)) else numbers[0]


def _names(label: Any) -> Any:
    return label if isinstance(label, (list, tuple)) else [label]


def _column(dataframe: Any, column: str) -> list[Any]:
    if column not in dataframe.columns:
        hint = did_you_mean(str(column), map(str, dataframe.columns))
        there = ", ".join(map(str, dataframe.columns))
        raise ValueError(f"flow_from_dataframe: there is no column {column!r}; there are {there:.200}.{hint}")
    return list(dataframe[column])


def _split(subset: Subset, generator: Any) -> tuple[float, float]:
    """The fraction of the images where a subset begins and ends: validation comes first."""
    expect_one_of("", "subset", subset, ("training", "validation"))
    share = generator._validation_split
    return (0, share) if subset == "validation" else (share, 1)


def _files(directory: str, name: str, split: Any, follow_links: bool) -> list[str]:
    """The image files of a class, relative to the folder of all."""
    top = os.path.join(directory, name)
    walked = sorted(os.walk(top, followlinks=follow_links), key=lambda found: found[0])
    files = [
        os.path.relpath(os.path.join(root, file), directory)
        for root, _, inside in walked
        for file in sorted(inside)
        if file.lower().endswith(_FORMATS)
    ]
    return files if split is None else files[int(split[0] * len(files)) : int(split[1] * len(files))]
