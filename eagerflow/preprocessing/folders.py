"""What the data sets of files have in common: finding files and labels, splitting them, reading them ahead."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypedDict

import numpy as np

from eagerflow.base.errors import did_you_mean
from eagerflow.base.messages import say
from eagerflow.base.typing import LabelMode
from eagerflow.core.random import default_seed
from eagerflow.data.dataset import Dataset

__all__ = ["Files", "FolderDataset", "FolderOptions", "Settings", "datasets_of", "find_files"]

_LABEL_MODES = ("int", "categorical", "binary", None)
_SUBSETS = ("training", "validation", "both", None)
_READERS = 4  # threads that read files


class FolderOptions(TypedDict, total=False):
    """What all data sets of folders take, besides the folder, `labels`, `label_mode` and `subset`."""

    class_names: Any
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    follow_links: bool
    verbose: bool


class FolderDataset(Dataset):
    """A data set of files.

    Attributes:
        class_names: the classes, in the order of their numbers; None without labels.
        file_paths: the files.
    """

    def __init__(self, batches: Dataset, class_names: list[str] | None, file_paths: list[str]) -> None:
        super().__init__(batches.__iter__, batches._length)
        self.class_names = class_names
        self.file_paths = file_paths


@dataclass(frozen=True)
class Settings:
    """The arguments that all functions for folders have; see `image_dataset_from_directory`."""

    function: str
    labels: Any
    label_mode: LabelMode | None
    class_names: Any
    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool
    formats: tuple[str, ...]

    @classmethod
    def given(cls, arguments: Mapping[str, Any], *formats: str) -> Settings:
        """Those among the arguments of a function, its `locals()`."""
        names = [field.name for field in fields(cls) if field.name not in ("function", "formats")]
        return cls(function=arguments["name"], formats=formats, **{name: arguments[name] for name in names})

    def checked(self) -> None:
        """Refuse what can't be.

        Raises:
            TypeError: when `labels` is no list.
            ValueError: for other settings.
        """
        if isinstance(self.labels, str) and self.labels != "inferred":
            self._refuse("labels", "expected 'inferred', None, or a list with a number per file", ["inferred"])
        if not isinstance(self.labels, (str, type(None), list, tuple, np.ndarray)):
            raise TypeError(f"{self.function}(labels): expected a list; got {type(self.labels).__name__}.")
        if self.class_names is not None and not _inferred(self.labels):
            self._refuse("class_names", "expected None, as labels are not 'inferred'")
        if self.label_mode not in _LABEL_MODES:
            self._refuse("label_mode", "expected 'int', 'categorical', 'binary' or None", _LABEL_MODES)
        if self.subset not in _SUBSETS:
            self._refuse("subset", "expected 'training', 'validation', 'both' or None", _SUBSETS)
        if self.batch_size is not None and (not isinstance(self.batch_size, int) or self.batch_size < 1):
            self._refuse("batch_size", "expected an integer of at least 1, or None")
        self._check_split()

    def _check_split(self) -> None:
        if self.validation_split is not None and not 0 < self.validation_split < 1:
            self._refuse("validation_split", "expected a share between 0 and 1")
        if (self.validation_split is None) != (self.subset is None):
            self._refuse("subset", "expected validation_split and subset together, or neither")
        if self.validation_split and self.shuffle and self.seed is None:
            self._refuse("seed", "expected a number: without one, files could be in both subsets")

    def _refuse(self, argument: str, expected: str, known: Any = ()) -> None:
        value = getattr(self, argument)
        hint = did_you_mean(str(value), [name for name in known if name])
        raise ValueError(f"{self.function}({argument}={value!r:.80}): {expected}.{hint}")


@dataclass(frozen=True)
class Files:
    """Files with their labels: numbers of classes, or None."""

    paths: list[str]
    labels: np.ndarray | None
    class_names: list[str] | None

    def part(self, chosen: slice) -> Files:
        """Some of them."""
        return Files(self.paths[chosen], None if self.labels is None else self.labels[chosen], self.class_names)


def find_files(directory: str | os.PathLike[str], settings: Settings, seed: int) -> Files:
    """The files below a folder, in Keras' order for the seed.

    Args:
        directory: the folder.
        settings: which files and labels are wanted.
        seed: the seed of the order, when it is shuffled.

    Raises:
        ValueError: when there is no such folder, or classes and labels don't fit what is in it.
    """
    directory = os.fspath(directory)
    if not os.path.isdir(directory):
        raise ValueError(f"{settings.function}(directory={directory!r}): there is no such folder.")
    folders = _class_folders(directory, settings) if _inferred(settings.labels) else [""]
    found = [_below(directory, folder, settings) for folder in folders]
    paths = [path for part in found for path in part]
    labels, names = _labels(settings, paths, folders, [len(part) for part in found])
    if settings.verbose:
        classes = "" if names is None else f" belonging to {len(names)} classes"
        say(f"Found {len(paths)} files{classes}.")
    if settings.label_mode == "binary" and names is not None and len(names) != 2:
        raise ValueError(
            f"{settings.function}(label_mode='binary'): expected 2 classes; there are {len(names)}: "
            f"{', '.join(names):.200}."
        )
    if settings.shuffle:
        order = np.arange(len(paths))
        np.random.RandomState(seed).shuffle(order)
        paths, labels = [paths[i] for i in order], None if labels is None else labels[order]
    return Files(paths, labels, names)


def _inferred(labels: Any) -> bool:
    return isinstance(labels, str) and labels == "inferred"


def _class_folders(directory: str, settings: Settings) -> list[str]:
    there = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir() and entry.name[0] != ".")
    if settings.class_names is None:
        return there
    if missing := [name for name in settings.class_names if name not in there]:
        raise ValueError(
            f"{settings.function}(class_names): there is no folder {missing[0]!r}; there are {', '.join(there):.200}."
            + did_you_mean(str(missing[0]), there)
        )
    return list(settings.class_names)


def _below(directory: str, folder: str, settings: Settings) -> list[str]:
    """All files of the right kind in a folder and in those inside it."""
    top = os.path.join(directory, folder)
    walked = sorted(os.walk(top, followlinks=settings.follow_links), key=lambda found: found[0])
    return [
        os.path.join(root, name)
        for root, _, names in walked
        for name in sorted(names)
        if name.lower().endswith(settings.formats)
    ]


def _labels(
    settings: Settings, paths: list[str], folders: list[str], counts: list[int]
) -> tuple[np.ndarray | None, list[str] | None]:
    """The class of every file, and the classes' names."""
    if settings.labels is None:
        return None, None
    if _inferred(settings.labels):
        return np.repeat(np.arange(len(folders), dtype=np.int32), counts), folders
    given = np.asarray(settings.labels)
    if given.dtype.kind not in "iu" or given.shape != (len(paths),):
        raise ValueError(
            f"{settings.function}(labels): expected an integer for each of {len(paths)} files; got "
            f"{given.dtype}{list(given.shape)}."
        )
    classes = sorted(set(given.tolist()))
    if settings.label_mode != "int" and classes != list(range(len(classes))):
        raise ValueError(
            f"{settings.function}(label_mode={settings.label_mode!r}): expected labels from 0 to the number of classes "
            f"minus one; got {classes!r:.120}."
        )
    return given.astype(np.int32), [str(label) for label in classes]


def datasets_of(
    directory: str | os.PathLike[str], settings: Settings, read: Callable[[str], Any], batch: Any = None
) -> Any:
    """The data set of a folder's files; the pair of them for the subset `"both"`.

    Args:
        directory: the folder.
        settings: what is wanted of it.
        read: gives what a file holds.
        batch: makes batches of a data set of samples; default: stacks them.

    Raises:
        ValueError: when there is no file of the right kind.
    """
    settings.checked()
    if settings.labels is None or settings.label_mode is None:
        settings = replace(settings, labels=None, label_mode=None, class_names=None)
    seed = default_seed() % 10**6 if settings.seed is None else settings.seed
    files = find_files(directory, settings, seed)
    subsets = ("training", "validation") if settings.subset == "both" else (settings.subset,)
    made = []
    for subset in subsets:
        part = _subset(files, settings, subset)
        if not part.paths:
            kinds = ", ".join(settings.formats)
            raise ValueError(
                f"{settings.function}(directory={os.fspath(directory)!r}): there is no file for "
                f"{subset or 'the data set'} that ends in {kinds}."
            )
        shuffle = settings.shuffle and not (settings.subset == "both" and subset == "validation")
        made.append(_dataset(part, settings, seed if shuffle else None, read, batch or _stacked))
    return made if settings.subset == "both" else made[0]


def _subset(files: Files, settings: Settings, subset: str | None) -> Files:
    if subset is None:
        return files
    count = int((settings.validation_split or 0) * len(files.paths))
    first = len(files.paths) - count
    kept = files.part(slice(first) if subset == "training" else slice(first, None))
    if settings.verbose:
        say(f"Using {len(kept.paths)} files for {subset}.")
    return kept


def _dataset(files: Files, settings: Settings, seed: int | None, read: Any, batch: Any) -> FolderDataset:
    """Numbers of files, in an order; then what is in the files, read ahead; then batches."""
    numbers = Dataset.range(len(files.paths))
    if seed is not None:
        buffer = 1024 if settings.batch_size is None else settings.batch_size * 8
        numbers = numbers.shuffle(buffer, seed=seed)
    labels = None if settings.label_mode is None or files.labels is None else _encoded(files, settings.label_mode)

    def sample(number: Any) -> Any:
        i = int(number)
        content = read(files.paths[i])
        return content if labels is None else (content, labels[i])

    samples = numbers.map(sample, num_parallel_calls=_READERS)
    batches = samples if settings.batch_size is None else batch(samples, settings.batch_size)
    return FolderDataset(batches.prefetch(-1), files.class_names, files.paths)


def _stacked(samples: Dataset, batch_size: int) -> Dataset:
    return samples.batch(batch_size)


def _encoded(files: Files, label_mode: LabelMode) -> np.ndarray:
    """The labels as `label_mode` says."""
    assert files.labels is not None  # there is a label mode
    if label_mode == "categorical":
        return np.eye(len(files.class_names or ()), dtype=np.float32)[files.labels]
    if label_mode == "binary":
        return files.labels.astype(np.float32)[:, None]
    return files.labels
