"""Sound files in folders as a data set."""

from __future__ import annotations

import io
import itertools
import os
import wave
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Unpack, overload

import numpy as np

from eagerflow.base.typing import LabelMode, Subset
from eagerflow.data.dataset import Dataset
from eagerflow.preprocessing.folders import FolderDataset, FolderOptions, Settings, datasets_of

__all__ = ["audio_dataset_from_directory"]


class _Options(FolderOptions, total=False):
    sampling_rate: int | None
    output_sequence_length: int | None
    ragged: bool


@overload
def audio_dataset_from_directory(  # type: ignore[overload-overlap]  # a `str` is taken for one subset
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Literal["both"],
    **options: Unpack[_Options],
) -> list[FolderDataset]: ...
@overload
def audio_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = ...,
    label_mode: LabelMode | None = ...,
    *,
    subset: Subset | None = ...,
    **options: Unpack[_Options],
) -> FolderDataset: ...
def audio_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | str | Sequence[int] | np.ndarray | None = "inferred",
    label_mode: LabelMode | None = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    sampling_rate: int | None = None,
    output_sequence_length: int | None = None,
    ragged: bool = False,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset | Literal["both"] | None = None,
    follow_links: bool = False,
    verbose: bool = True,
) -> FolderDataset | list[FolderDataset]:
    """A data set of the `.wav` files in a folder that has a subfolder for each class.

    Args:
        directory: the folder.
        labels: `"inferred"` from the folders; a list with an integer per file, in the files' sorted order; or None.
        label_mode: `"int"` (int32 numbers), `"categorical"` (one-hot), `"binary"` (0.0 or 1.0), or None for no labels.
        class_names: the classes' folders, in the order of their numbers; default: all, sorted.
        batch_size: sounds per batch; None: no batches.
        sampling_rate: the number of samples per second that all files must have, since sounds aren't resampled;
            default: any.
        output_sequence_length: the number of samples that sounds are cut or padded to with silence; default: that of
            the longest sound of the batch.
        ragged: only False; there are no ragged tensors here.
        shuffle: whether the files come in random order, another one in each epoch; otherwise sorted by path.
        seed: the seed of the order.
        validation_split: the fraction of the files for the subset `"validation"`.
        subset: `"training"`, `"validation"`, or `"both"` for a list of the two data sets.
        follow_links: whether links to folders are followed.
        verbose: whether to print how many files were found.

    Returns:
        A `data.Dataset` of `sounds` or `(sounds, labels)`; sounds are float32 from -1 to 1 of shape
        `(batch, samples, channels)`. It has `class_names` and `file_paths`.

    Raises:
        ValueError: for invalid settings, folders without sounds, and files that are no plain WAV of
            8, 16, 24 or 32 bits.

    Source: `keras.utils.audio_dataset_from_directory`, with the same files, labels and subsets for the same seed.

    >>> import wave
    >>> from pathlib import Path
    >>> for name in ("high", "low"):
    ...     Path("sounds", name).mkdir(parents=True)
    ...     with wave.open(f"sounds/{name}/1.wav", "wb") as file:
    ...         file.setparams((1, 2, 8000, 0, "NONE", ""))  # one channel, 16 bits, 8000 samples per second
    ...         file.writeframes(np.array([0, 16384, -16384], "<i2").tobytes())
    >>> sounds, labels = next(iter(ef.utils.audio_dataset_from_directory("sounds", verbose=False)))
    >>> sounds.shape, sounds[0, :, 0].tolist()
    ((2, 3, 1), [0.0, 0.5, -0.5])
    """
    name = "audio_dataset_from_directory"
    if ragged:
        raise ValueError(f"{name}(ragged=True): there are no ragged tensors here. Fix: ragged=False pads.")
    if output_sequence_length is not None and output_sequence_length < 1:
        raise ValueError(f"{name}(output_sequence_length={output_sequence_length!r}): expected at least 1.")
    if sampling_rate is not None and (
        isinstance(sampling_rate, bool) or not isinstance(sampling_rate, (int, np.integer)) or sampling_rate < 1
    ):
        raise ValueError(f"{name}(sampling_rate={sampling_rate!r:.60}): expected an integer of at least 1.")
    settings = Settings.given(locals(), ".wav")

    def read(path: str) -> np.ndarray:
        sound, rate = read_wav(path)
        if sampling_rate is not None and rate != sampling_rate:
            raise ValueError(
                f"{name}(sampling_rate={sampling_rate}): {path} has {rate} samples per second. Fix: resample it."
            )
        return sound if output_sequence_length is None else _lengthened(sound, output_sequence_length)

    return datasets_of(directory, settings, read, _padded)


def read_wav(path: Any) -> tuple[np.ndarray, int]:
    """The sound of a WAV file, `(samples, channels)`, float32 from -1 to 1, and its samples per second."""
    try:
        with wave.open(path, "rb") as file:
            data, width = file.readframes(file.getnframes()), file.getsampwidth()
            channels, rate = file.getnchannels(), file.getframerate()
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is no plain WAV file ({error}).") from None
    if width == 1:  # unsigned
        levels = np.frombuffer(data, np.uint8).astype(np.float32) - 128
    elif width == 3:
        padded = np.zeros((len(data) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        levels = (padded.view("<i4")[:, 0] >> 8).astype(np.float32)
    else:
        levels = np.frombuffer(data, f"<i{width}").astype(np.float32)
    return (levels / np.float32(2 ** (8 * width - 1))).reshape(-1, channels), rate


def written_wav(sound: np.ndarray, rate: int) -> bytes:
    """A WAV file of 16 bits with a sound, `(samples, channels)` from -1 to 1; NaN is silence, and the rest is cut."""
    levels = np.round(np.nan_to_num(sound).clip(-1, 1) * 32767).astype("<i2")
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(levels.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(levels.tobytes())
    return stream.getvalue()


def _lengthened(sound: np.ndarray, length: int) -> np.ndarray:
    """Cut, or padded with silence."""
    kept = sound[:length]
    return np.pad(kept, ((0, length - len(kept)), (0, 0)))


def _padded(samples: Dataset, batch_size: int) -> Dataset:
    """Batches in which every sound is as long as the longest."""

    def make() -> Iterator[Any]:
        rest = iter(samples)
        while group := list(itertools.islice(rest, batch_size)):
            pairs = [part if isinstance(part, tuple) else (part,) for part in group]
            sounds = [np.asarray(pair[0]) for pair in pairs]
            longest = max(len(sound) for sound in sounds)
            batch = np.stack([_lengthened(sound, longest) for sound in sounds])
            yield batch if len(pairs[0]) == 1 else (batch, np.stack([np.asarray(pair[1]) for pair in pairs]))

    length = -(-len(samples) // batch_size)
    return Dataset(make, length).map(lambda *parts: parts if len(parts) > 1 else parts[0])
