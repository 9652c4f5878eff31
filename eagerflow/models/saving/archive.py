"""`.keras`: a zip archive of `metadata.json`, `config.json` and `model.weights.h5`, as Keras 3 writes it.

Members are read by these names alone; nothing is unpacked to disk. HDF5 is written into a file without a name first,
and read where it lies in the archive: models of gigabytes need little more memory.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from eagerflow._version import __version__
from eagerflow.base.files import zip_member
from eagerflow.base.machine.budget import take
from eagerflow.models.saving import json_text
from eagerflow.models.saving.assets import asset_files, restore_assets
from eagerflow.models.saving.errors import FileFormatError
from eagerflow.models.saving.files import Section, temporary_for
from eagerflow.models.saving.legacy_config import is_before_keras_3, with_old_meanings
from eagerflow.models.saving.weights_h5 import write_state

__all__ = ["ASSETS", "CONFIG", "KERAS_VERSION", "METADATA", "WEIGHTS", "Archive", "check_versions", "metadata_text"]
__all__ += ["write_archive"]

KERAS_VERSION = "3.15.1"  # whose layout is written
_FORMAT = 1  # of what we add to it
CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets/"
_BLOCK = 2**20
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError)


def write_archive(model: Any, config: dict[str, Any], target: BinaryIO) -> None:
    """Write the whole model."""
    text = json_text.write_json(config, model)
    with zipfile.ZipFile(target, "w") as archive, temporary_for(target) as weights:
        archive.writestr(zip_member(METADATA), metadata_text())
        archive.writestr(zip_member(CONFIG), text)
        write_state(model, weights)
        member = zip_member(WEIGHTS)
        member.file_size = weights.seek(0, os.SEEK_END)  # for more than 2 GiB the header needs room
        weights.seek(0)
        with archive.open(member, "w") as into:
            shutil.copyfileobj(weights, into, _BLOCK)
        for name, content in asset_files(model).items():
            archive.writestr(zip_member(ASSETS + name), content)


def metadata_text() -> bytes:
    """Who wrote the model, when, and in which format."""
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": now,
        "eagerflow_version": __version__,
        "eagerflow_format": _FORMAT,
    }
    return json.dumps(metadata).encode()


class Archive:
    """A `.keras` archive that is read.

    Raises:
        FileFormatError: when it is no such archive, damaged, or of a newer format.
    """

    def __init__(self, source: BinaryIO, file: str) -> None:
        self._source, self._file = source, file
        try:
            self._archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
            begins = _beginning(source)
            if begins.startswith(b"PK"):
                why = (
                    f"{file!r} is cut off or damaged: it begins as a .keras archive does, but doesn't end so ({error})."
                )
            else:
                why = f"{file!r} is no .keras archive ({error}). It begins with {begins!r}."
            raise FileFormatError(why) from None
        self._members = {info.filename: info for info in self._archive.infolist()}
        if len(self._members) != len(self._archive.infolist()):
            raise FileFormatError(f"{file!r} has two members of one name.")
        check_versions(self._json(METADATA, optional=True), file)

    def config(self) -> dict[str, Any]:
        """The model's configuration."""
        version = self._json(METADATA, optional=True).get("keras_version", KERAS_VERSION)
        config = self._json(CONFIG)
        return cast(dict[str, Any], with_old_meanings(config)) if is_before_keras_3(version) else config

    def metadata(self) -> dict[str, Any]:
        """Who saved it, and when."""
        return self._json(METADATA)

    @contextlib.contextmanager
    def weights(self) -> Iterator[BinaryIO]:
        """The HDF5 file inside: read where it lies, once its checksum is verified; if compressed, unpacked to disk.

        Raises:
            LoadLimitError: when it is compressed and says that it is many times as large.
        """
        info = self._member(WEIGHTS)
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            take(info.file_size, WEIGHTS)
            with tempfile.TemporaryFile() as unpacked:
                self._unpack(info, unpacked)
                yield cast(BinaryIO, unpacked)
            return
        with self._damage_told(WEIGHTS), self._archive.open(info) as member:
            length = sum(len(block) for block in iter(lambda: member.read(_BLOCK), b""))
            if length != info.file_size:
                raise zipfile.BadZipFile("another length than it says")
        self._source.seek(info.header_offset)
        header = self._source.read(30)  # of which the last four bytes tell how long name and extra are
        before = 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        yield cast(BinaryIO, Section(self._source, info.header_offset + before, info.file_size))

    def _unpack(self, info: zipfile.ZipInfo, target: Any) -> None:
        with self._damage_told(info.filename), self._archive.open(info) as member:
            left = info.file_size
            while block := member.read(_BLOCK):  # the checksum is verified at its end
                left -= len(block)
                if left < 0:
                    break
                target.write(block)
            if left:
                raise zipfile.BadZipFile("another length than it says")
        target.seek(0)

    def restore_assets(self, model: Any) -> None:
        """Hand layers the files that they saved: vocabularies, say."""
        names = [name for name in self._members if name.startswith(ASSETS) and not name.endswith("/")]
        if names:
            restore_assets(model, {n.removeprefix(ASSETS): self._read(n) for n in names}, self._file)

    def _json(self, name: str, optional: bool = False) -> dict[str, Any]:
        if optional and name not in self._members:
            return {}
        return json_text.read_json(self._read(name), self._file, name)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FileFormatError(f"{self._file!r} has no {name}; it holds {list(self._members)[:5]}.")
        return self._members[name]

    def _read(self, name: str) -> bytes:
        info = self._member(name)
        take(info.file_size, name)
        with self._damage_told(name), self._archive.open(info) as member:
            content = member.read(info.file_size)  # the checksum is verified at its end
            if member.read(1) or len(content) != info.file_size:
                raise zipfile.BadZipFile("another length than it says")
        return content

    @contextlib.contextmanager
    def _damage_told(self, name: str) -> Iterator[None]:
        try:
            yield
        except _DAMAGE as error:
            raise FileFormatError(f"{self._file!r} is damaged: {name} can't be read ({error}).") from None


def _beginning(source: BinaryIO) -> bytes:
    with contextlib.suppress(OSError, ValueError):
        source.seek(0)
        return source.read(16)
    return b""


def check_versions(metadata: dict[str, Any], file: str) -> None:
    """Refuse what a newer program wrote in another format, rather than read it wrongly."""
    ours, keras = metadata.get("eagerflow_format", _FORMAT), str(metadata.get("keras_version", KERAS_VERSION))
    if isinstance(ours, int) and ours > _FORMAT:
        raise FileFormatError(
            f"{file!r} has format {ours}, written by eagerflow {metadata.get('eagerflow_version')}; "
            f"this is eagerflow {__version__}, which reads up to format {_FORMAT}. Update eagerflow."
        )
    if keras.split(".")[0].isdigit() and int(keras.split(".")[0]) > 3:
        raise FileFormatError(f"{file!r} was written by Keras {keras:.20}; formats up to that of Keras 3 are read.")
