"""Where commands will write: looked at before a script runs, which may take hours."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from importlib import import_module

from viz.choices import CHARTS, FORMATS
from viz.shell.program import Script, check_kept

__all__ = ["check_chart", "check_picture", "check_target", "default_name", "replaces"]


def check_target(path: str | os.PathLike[str] | None, endings: Sequence[str] = (), may_stream: bool = False) -> None:
    """Refuse a file that can't be written."""
    if path is None:
        return
    name = os.fspath(path)
    if endings and not name.lower().endswith(tuple([f".{each}" for each in endings])):
        known = ", ".join([f".{each}" for each in endings])
        raise ValueError(f"cannot write {name!r}: the name must end in one of {known}")
    if os.path.isdir(name):
        raise ValueError(f"cannot write {name!r}: it is a folder; give the name of a file")
    if os.path.exists(name) and not os.path.isfile(name) and not may_stream:
        raise ValueError(f"cannot write {name!r}: it is a pipe, device or socket; give the name of a file")
    folder = os.path.dirname(os.path.realpath(name))
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"cannot write {name!r}: the folder {folder!r} doesn't exist; make it first")
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot write {name!r}: the folder {folder!r} may not be written to")


def check_picture(path: str | os.PathLike[str] | None) -> None:
    """Refuse a picture that can't be drawn. Raises as `check_target` does."""
    check_target(path, FORMATS)


def check_chart(path: str | os.PathLike[str] | None) -> None:
    """Refuse a chart that can't be drawn: as SVG, or as PNG or PDF where something here makes that of it."""
    check_target(path, CHARTS)
    if path is not None:
        import_module("viz.picture.rendering.raster").check_picture_name(path)  # which looks for what draws


def replaces(path: str | os.PathLike[str], was_given: bool) -> str:
    """What is said of a file that is about to be written where there is one: nothing of one whose name was given."""
    return "" if was_given or not os.path.exists(path) else ", in place of the one that was there"


def default_name(of: str | Script, suffix: str) -> str:
    """The name of an output that wasn't named: that of the recording or script, in the current folder."""
    name = f"{of.name if isinstance(of, Script) else pathlib.Path(of).stem}{suffix}"
    check_kept(of.path if isinstance(of, Script) else of, name)
    return name
