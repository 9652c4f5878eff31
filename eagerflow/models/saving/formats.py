"""The formats of files of models: a row for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, BinaryIO, NamedTuple

import numpy

from eagerflow.models.saving import legacy_h5, safetensors
from eagerflow.models.saving.archive import Archive, write_archive
from eagerflow.models.saving.assets import asset_arrays, restore_asset_arrays
from eagerflow.models.saving.assign import Stored
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.folder import Folder
from eagerflow.models.saving.json_text import read_json, write_json
from eagerflow.models.saving.state import collect, restore
from eagerflow.models.saving.weights_h5 import arrays_in, write_state
from eagerflow.models.saving.whole import built_model, compile_again, config_of

__all__ = ["LEGACY", "Format", "format_in", "format_named", "load_archive"]

_CONFIG = "eagerflow_config"
_HDF5 = b"\x89HDF\r\n\x1a\n"


class Format(NamedTuple):
    """A format of files.

    Attributes:
        endings: of names. Files with a name that ends otherwise are recognized by their first bytes.
        beginning: the first bytes; b"" where the ending alone tells.
        load: `(file, name, custom_objects, compile, safe_mode) -> model`.
        arrays: `(file, name)`, a context with the arrays of weights by path.
        save: `(model, file, include_optimizer)`; None for files of weights alone.
        save_weights: `(model, file, skipped layers)`; None for files of whole models.
    """

    endings: tuple[str, ...]
    beginning: bytes
    load: Callable[..., Any]
    arrays: Callable[[BinaryIO, str], AbstractContextManager[Mapping[str, Stored]]]
    save: Callable[[Any, BinaryIO, bool], None] | None = None
    save_weights: Callable[[Any, BinaryIO, Sequence[Any]], None] | None = None


def load_archive(archive: Archive | Folder, name: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """The model of a `.keras` file, or of a folder with its contents."""
    config = archive.config()
    model = built_model(config, name, custom_objects, safe_mode)
    if compile:
        compile_again(model, config.get("compile_config"), custom_objects, name)
    with archive.weights() as weights, arrays_in(weights, name) as arrays:
        restore(model, arrays, name, whole=True, fresh=True)
    archive.restore_assets(model)  # vocabularies take the weights of their tokens from there
    return model


@contextmanager
def _archive_arrays(file: BinaryIO, name: str) -> Iterator[Mapping[str, Stored]]:
    with Archive(file, name).weights() as weights, arrays_in(weights, name) as arrays:
        yield arrays


def _load_safetensors(file: BinaryIO, name: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    with safetensors.reading(file, name) as (arrays, metadata):
        if _CONFIG not in metadata:
            raise FileFormatError(
                f"{name!r} holds arrays but no model: make the model yourself, then model.load_weights({name!r})."
            )
        config = read_json(str(metadata[_CONFIG]), name, "configuration")
        model = built_model(config, name, custom_objects, safe_mode)
        if compile:
            compile_again(model, config.get("compile_config"), custom_objects, name)
        restore(model, arrays, name, whole=True, fresh=True)
        restore_asset_arrays(model, arrays, name)
    return model


def _save_safetensors(model: Any, file: BinaryIO, include_optimizer: bool) -> None:
    config = write_json(config_of(model, include_optimizer), model)
    _write_safetensors(model, file, {_CONFIG: config}, asset_arrays(model))


def _write_safetensors(
    model: Any, file: BinaryIO, metadata: dict[str, str], assets: Mapping[str, numpy.ndarray] = MappingProxyType({})
) -> None:
    parts, seeds = collect(model)
    arrays = {
        f"{part.path}/vars/{key}".removeprefix("/"): array for part in parts for key, array in part.arrays.items()
    }
    safetensors.write(file, {**arrays, **seeds, **assets}, {"format": "np", **metadata})


@contextmanager
def _safetensors_arrays(file: BinaryIO, name: str) -> Iterator[Mapping[str, Stored]]:
    with safetensors.reading(file, name) as (arrays, _):
        yield arrays


LEGACY = Format(
    (".h5", ".hdf5"),
    _HDF5,
    legacy_h5.load_model,
    arrays_in,
    legacy_h5.write_model,
    lambda model, file, skipped: legacy_h5.write_weights(model, file),
)
_FORMATS = (
    Format(
        (".keras",),
        b"PK",
        lambda file, name, *how: load_archive(Archive(file, name), name, *how),
        _archive_arrays,
        lambda model, file, optimizer: write_archive(model, config_of(model, optimizer), file),
    ),
    Format(
        (".weights.h5",),
        _HDF5,
        legacy_h5.load_model,  # which says that there is none
        arrays_in,
        None,
        lambda model, file, skipped: write_state(model, file, skipped=skipped),
    ),
    LEGACY,
    Format(
        (".safetensors",),
        b"",
        _load_safetensors,
        _safetensors_arrays,
        _save_safetensors,
        lambda model, file, skipped: _write_safetensors(model, file, {}),
    ),
)


def format_named(path: str) -> Format | None:
    """The format that the ending of a name means."""
    return next((found for found in _FORMATS if path.endswith(found.endings)), None)


def format_in(file: BinaryIO, name: str) -> Format:
    """The format by the first bytes, whatever the name says.

    Raises:
        FileFormatError: for others.
    """
    file.seek(0)
    beginning = file.read(8)
    file.seek(0)
    if beginning == _HDF5 and legacy_h5.is_legacy(file, name):
        return LEGACY
    for found in _FORMATS:
        if beginning.startswith(found.beginning) if found.beginning else name.endswith(found.endings):
            return found
    raise FileFormatError(
        f"{name!r:.200} holds no model, or is damaged: a .keras file begins with b'PK', an .h5 file with "
        f"b'\\x89HDF\\r\\n\\x1a\\n'; this one with {beginning!r}."
    )
