"""Text files in folders as a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Unpack, overload

import numpy as np

from eagerflow.base.typing import DatasetFormat, LabelMode, Subset
from eagerflow.preprocessing.folders import FolderDataset, FolderOptions, Settings, datasets_of

__all__ = ["text_dataset_from_directory"]


class _Options(FolderOptions, total=False):
    max_length: int | None
    format: DatasetFormat


@overload
def text_dataset_from_directory(  # type: ignore[overload-overlap]  # a `str` is taken for one subset
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Literal["both"],
    **options: Unpack[_Options],
) -> list[FolderDataset]: ...
@overload
def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Subset | None = ...,
    **options: Unpack[_Options],
) -> FolderDataset: ...
def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = "inferred",
    label_mode: LabelMode | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset | Literal["both"] | None = None,
    follow_links: bool = False,
    format: DatasetFormat = "tf",
    verbose: bool = True,
) -> FolderDataset | list[FolderDataset]:
    """A data set of the `.txt` files in a folder that has a subfolder for each class.

    Args:
        directory: the folder.
        labels: `"inferred"` from the folders; a list with an integer per file, in the files' sorted order; or None.
        label_mode: `"int"` (int32 numbers), `"categorical"` (one-hot), `"binary"` (0.0 or 1.0), or None for no labels.
        class_names: the classes' folders, in the order of their numbers; default: all, sorted.
        batch_size: texts per batch; None: no batches.
        max_length: the number of characters that texts are cut to; default: they aren't cut.
        shuffle: whether the files come in random order, another one in each epoch; otherwise sorted by path.
        seed: the seed of the order.
        validation_split: the fraction of the files for the subset `"validation"`.
        subset: `"training"`, `"validation"`, or `"both"` for a list of the two data sets.
        follow_links: whether links to folders are followed.
        format: accepted for Keras' signature: `"tf"` or `"grain"`; both give a `data.Dataset`.
        verbose: whether to print how many files were found.

    Returns:
        A `data.Dataset` of `texts` or `(texts, labels)`; texts are NumPy arrays of strings of shape `(batch,)`.
        It has `class_names` and `file_paths`.

    Raises:
        ValueError: for invalid settings, folders without texts, and files that are not UTF-8.

    Source: `keras.utils.text_dataset_from_directory`, with the same files, labels and subsets for the same seed.

    >>> from pathlib import Path
    >>> for name, text in [("bad", "so dull"), ("good", "so fine")]:
    ...     Path("reviews", name).mkdir(parents=True)
    ...     _ = Path("reviews", name, "1.txt").write_text(text, encoding="utf-8")
    >>> data = ef.preprocessing.text_dataset_from_directory("reviews", shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> texts, labels = next(iter(data))
    >>> texts.tolist(), labels.tolist(), data.class_names
    (['so dull', 'so fine'], [0, 1], ['bad', 'good'])
    """
    name = "text_dataset_from_directory"
    if format not in ("tf", "grain"):
        raise ValueError(f"{name}(format={format!r}): expected 'tf' or 'grain'.")
    if max_length is not None and max_length < 0:
        raise ValueError(f"{name}(max_length={max_length!r}): expected at least 0.")
    settings = Settings.given(locals(), ".txt")

    def read(path: str) -> np.ndarray:
        try:
            text = Path(path).read_bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{name}: {path} is not UTF-8 ({error.reason} at byte {error.start}).") from None
        return np.asarray(text[:max_length])

    return datasets_of(directory, settings, read)
