"""`save_model`, `load_model`, `save_weights`, `load_weights`: which format a file has, and what to do then."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, BinaryIO, TypedDict, Unpack

import numpy

from eagerflow.base.config import unsafe_deserialization
from eagerflow.base.errors import UnknownArgumentError
from eagerflow.base.files import ending_hint
from eagerflow.base.machine.budget import Limit, loading
from eagerflow.base.text.hints import hint_for
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.base.typing import FilePath, LoadedModel
from eagerflow.models.saving import legacy_h5
from eagerflow.models.saving.files import name_of, opened, written_to
from eagerflow.models.saving.folder import Folder, size_of_folder, write_folder
from eagerflow.models.saving.formats import LEGACY, format_in, format_named, load_archive
from eagerflow.models.saving.shards import shards_in, write_shards
from eagerflow.models.saving.state import bytes_of, collect, restore
from eagerflow.models.saving.whole import config_of

__all__ = ["load_model", "load_weights", "read_weights", "save_model", "save_weights"]


@boundary
def save_model(
    model: Any, filepath: FilePath, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Saves a model: architecture, weights, the arguments of `compile`, and the state of the optimizer.

    An existing file is replaced only when the new one is complete.

    Args:
        model: the model.
        filepath: a path that ends in `.keras` (Keras 3), `.h5` or `.hdf5` (Keras 2's layout) or `.safetensors`; or
            an open binary file, for `.keras`.
        overwrite: whether an existing file may be replaced.
        zipped: False writes a folder with the contents of a `.keras` file; its name must not end in `.keras`.
        **kwargs: `include_optimizer`: whether the optimizer and the arguments of `compile` are saved; default: True.
            `save_format` (Keras 2) is accepted.

    Raises:
        ValueError: for another ending.
        FileExistsError: when there is a file and `overwrite` is False; or a folder with something else in it.
        TypeError: when the model contains something that can't be saved, such as a `lambda`.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="ones")])
    >>> ef.saving.save_model(model, "model.keras")
    >>> again = ef.saving.load_model("model.keras")
    >>> again(ef.Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[6.0, 6.0]]
    """
    include_optimizer = _check_arguments(kwargs)
    path = ".keras" if hasattr(filepath, "write") else name_of(filepath)
    if zipped is False:
        _check_built(model, "saving")
        write_folder(model, config_of(model, include_optimizer), path, overwrite)
        return
    found = format_named(path)
    if found is None or found.save is None:
        raise ValueError(
            f"save({path!r}): the ending says the format: '.keras' (the usual one), '.h5' for Keras 2, or "
            f"'.safetensors'.{ending_hint(path)} For weights alone: save_weights('....weights.h5')."
        )
    if not path.endswith(".keras"):  # a .keras file holds a model without weights, too
        _check_built(model, "saving")
    elif not model.built:
        warn(
            f"save: {model.name!r} was never called or built, and so has no weights yet: the file holds its "
            "configuration alone. Call it on data, or build(input_shape), first."
        )
    with written_to(filepath, overwrite) as file:
        found.save(model, file, include_optimizer)


def _check_arguments(kwargs: dict[str, Any]) -> bool:
    """`include_optimizer`; anything else is refused, but what never said more than the ending does."""
    kwargs.pop("save_format", None)
    include_optimizer = bool(kwargs.pop("include_optimizer", True))
    if any(value is not None for value in kwargs.values()):
        raise _unknown("save", kwargs, ("overwrite", "zipped", "include_optimizer"))
    return include_optimizer


def _unknown(method: str, given: dict[str, Any], known: Sequence[str]) -> UnknownArgumentError:
    """The error for arguments that a method doesn't have, with the nearest names of those that it has."""
    meant = dict.fromkeys([hint_for("argument", method, name, known) for name in sorted(given)])
    return UnknownArgumentError(f"{method}: unknown arguments {sorted(given)}.{''.join(meant)}")


def _check_built(model: Any, doing: str) -> None:
    if not (model.built or model.weights):  # a model with its own `__call__` is never built, but its layers are
        raise ValueError(
            f"{doing} {model.name!r}: the model has no weights yet. Call it on data, or build(input_shape), first."
        )


@boundary
def load_model(
    filepath: FilePath,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    limit: Limit = "auto",
) -> LoadedModel:
    """Loads a model that `save` or Keras wrote: `.keras`, `.h5`, `.hdf5`, `.safetensors`, or a folder.

    No code in the file is ever run or imported: classes are looked up by name among eagerflow's, those registered with
    `register_keras_serializable`, and `custom_objects`.

    Args:
        filepath: the path, or an open binary file.
        custom_objects: a dict of custom classes and functions by name; for a Lambda layer whose code is in the file,
            the function to use instead, by the name of the layer.
        compile: whether the model is compiled as it was, and gets back the state of its optimizer.
        safe_mode: True refuses Lambda layers whose code is in the file; False takes the function for such a layer from
            `custom_objects`. Code from files is never run. `config.enable_unsafe_deserialization()` means False
            for every call.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Returns:
        The model, of the class that it was saved with.

    Raises:
        FileNotFoundError: when there is no file.
        FileFormatError: (a ValueError) when it is damaged, or its arrays don't fit its layers.
        LoadLimitError: (a ValueError) when it would take more memory or time than its size gives reason for.
        UnknownNameError: for a class that is neither built in, registered nor in `custom_objects`.

    >>> class Twice(ef.layers.Layer):
    ...     def call(self, inputs):
    ...         return 2 * inputs
    >>> ef.Sequential([ef.Input((2,)), Twice()]).save("model.keras")
    >>> model = ef.saving.load_model("model.keras", custom_objects={"Twice": Twice})
    >>> model(ef.Tensor([[3.0, 4.0]])).tolist()
    [[6.0, 8.0]]
    """
    safe_mode = safe_mode and not unsafe_deserialization()
    if not hasattr(filepath, "read") and os.path.isdir(name_of(filepath)):
        path = name_of(filepath)
        with loading(path, size_of_folder(path), limit, "load_model(..., limit=None)"), Folder(path) as folder:
            return load_archive(folder, path, custom_objects, compile, safe_mode)
    with _source(filepath, limit, "load_model") as (file, name):
        return format_in(file, name).load(file, name, custom_objects, compile, safe_mode)


@contextmanager
def _source(filepath: Any, limit: Limit, loader: str) -> Iterator[tuple[BinaryIO, str]]:
    """An open file, and its name for messages; inside, the loader has a budget."""
    given = hasattr(filepath, "read")
    name = str(getattr(filepath, "name", "the file")) if given else name_of(filepath)
    with nullcontext(filepath) if given else opened(filepath) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        with loading(name, size, limit, f"{loader}(..., limit=None)"):
            yield file, name


def save_weights(
    model: Any, filepath: FilePath, overwrite: bool = True, max_shard_size: float | None = None, **kwargs: Any
) -> None:
    """Saves the weights of a model, and as Keras does the state of its optimizer, but not the architecture.

    Args:
        model: a built model.
        filepath: a path that ends in `.weights.h5` (Keras 3), `.h5` or `.hdf5` (Keras 2) or `.safetensors`.
        overwrite: whether an existing file may be replaced.
        max_shard_size: the largest size of a file, in gigabytes (2**30 bytes). The arrays are divided among several
            such files, which `filepath`, then a `.weights.json` file, lists. Default: one file.
        **kwargs: `objects_to_skip`: a list of layers whose weights are left out, in `.weights.h5` files.

    Raises:
        ValueError: for another ending, before the model has weights, or for an array larger than `max_shard_size`.
        FileExistsError: when there is a file and `overwrite` is False.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="ones", name="out")])
    >>> ef.saving.save_weights(model, "model.weights.h5")
    >>> list(ef.saving.read_weights("model.weights.h5"))
    ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    path = name_of(filepath)
    skipped = _skipped(kwargs, path, "save_weights", ("overwrite", "max_shard_size"))
    if max_shard_size is not None:
        _check_built(model, "save_weights:")
        write_shards(collect(model, skipped=skipped)[0], path, max_shard_size, overwrite)
        return
    found = format_named(path)
    if found is None or found.save_weights is None:
        raise ValueError(
            f"save_weights({path!r}): the name must end in '.weights.h5' (or '.h5', '.safetensors'). For the whole "
            "model: model.save('....keras')."
        )
    _check_built(model, "save_weights:")
    with written_to(filepath, overwrite) as file:
        found.save_weights(model, file, skipped)


def _skipped(kwargs: dict[str, Any], path: str, method: str, known: Sequence[str]) -> list[Any]:
    """`objects_to_skip`; `known` are the other arguments of the method."""
    kwargs = {k: v for k, v in kwargs.items() if v is not None}
    skipped = list(kwargs.pop("objects_to_skip", ()))
    if kwargs:
        raise _unknown(method, kwargs, (*known, "objects_to_skip"))
    if skipped and not path.endswith((".weights.h5", ".weights.json")):
        raise ValueError(f"objects_to_skip: only for .weights.h5 files; not for {path!r:.200}.")
    return skipped


class LoadOptions(TypedDict, total=False):
    """What loading weights takes for some formats.

    Attributes:
        by_name: whether layers are found by their names.
        objects_to_skip: layers that are left alone.
        limit: how many bytes may be taken.
    """

    by_name: bool
    objects_to_skip: Sequence[Any] | None
    limit: Limit


def load_weights(model: Any, filepath: FilePath, skip_mismatch: bool = False, **kwargs: Unpack[LoadOptions]) -> None:
    """Loads the weights of a model from a file: `.weights.h5`, `.keras`, `.h5`, `.safetensors`, `.weights.json`.

    A `.weights.json` file lists the files among which `save_weights(max_shard_size=...)` divided the weights.

    Either all weights are set, or none. The optimizer's state is loaded, too, if the optimizer has state and it fits.

    Args:
        model: a built model.
        filepath: the path.
        skip_mismatch: whether to set the weights that fit and warn about the others, instead of raising an error.
        **kwargs: `by_name=True`, for Keras 2's `.h5` files: load weights into layers of the same name only.
            `objects_to_skip`: a list of layers that aren't loaded, for `.weights.h5` files.
            `limit`: as of `load_model`.

    Raises:
        FileFormatError: (a ValueError) naming file, layer, array, what was expected and what was found.
        ValueError: before the model has weights.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, kernel_initializer="ones")])
    >>> ef.saving.save_weights(model, "model.weights.h5")
    >>> other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> ef.saving.load_weights(other, "model.weights.h5")
    >>> other(ef.Tensor([[1.0, 2.0, 3.0]])).tolist()
    [[6.0, 6.0]]
    """
    rest: dict[str, Any] = {**kwargs}
    by_name, limit = bool(rest.pop("by_name", False)), rest.pop("limit", "auto")
    path = "" if hasattr(filepath, "read") else name_of(filepath)
    skipped = _skipped(rest, path, "load_weights", ("skip_mismatch", "by_name"))
    _check_built(model, "load_weights:")
    if path.endswith(".json"):
        with loading(path, bytes_of(model), limit, "load_weights(..., limit=None)"), shards_in(path) as shards:
            restore(model, shards, path, skip_mismatch=skip_mismatch, skipped=skipped)
        return
    with _source(filepath, limit, "load_weights") as (file, name):
        found = format_in(file, name)
        if found is LEGACY:
            legacy_h5.load_weights(model, file, name, skip_mismatch, by_name)
            return
        if by_name:
            raise ValueError(f"load_weights(by_name=True): only for .h5 files of Keras 2; {name!r} is none.")
        with found.arrays(file, name) as arrays:
            restore(model, arrays, name, skip_mismatch=skip_mismatch, skipped=skipped)


def read_weights(source: Any, limit: Limit = "auto") -> dict[str, numpy.ndarray]:
    """Reads the arrays of a model or a file to a dict by the paths of Keras 3's files, such as `layers/dense/vars/0`.

    Arrays of `.h5` files of Keras 2 have the paths of that format. The state of the optimizer is included where it was
    saved, that of random generators isn't.

    Args:
        source: a built model; or the path of a `.keras`, `.weights.h5`, `.h5` or `.safetensors` file.
        limit: how many bytes may be taken; `"auto"`: by the size of the file. None: no limit, for files that you trust.

    Raises:
        FileNotFoundError: when there is no such file.
        FileFormatError: (a ValueError) when it is damaged or of another kind.

    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> {path: array.shape for path, array in ef.saving.read_weights(model).items()}
    {'layers/dense/vars/0': (3, 2), 'layers/dense/vars/1': (2,)}
    """
    if hasattr(source, "weights"):
        parts, _ = collect(source)
        held = {f"{part.path}/vars/{key}".lstrip("/"): array for part in parts for key, array in part.arrays.items()}
        return {name: numpy.array(array) for name, array in held.items()}
    with _source(source, limit, "read_weights") as (file, name), format_in(file, name).arrays(file, name) as arrays:
        return {path: array.read() for path, array in arrays.items() if not path.startswith("_eagerflow/")}
