"""What commands read: whether a file is a Python script, and that nothing is written over it."""

from __future__ import annotations

import ast
import os
import re
import zipfile
from importlib import import_module

__all__ = ["check_kept", "check_script"]

_HEAD = 8192  # bytes that tell a binary file from a text
_LONGEST = 4 << 20  # bytes of a text without a Python name that is still read whole: no script is longer
_UNIT = re.compile("[kmgt]i?b?", re.IGNORECASE)  # of bytes
_RECORDINGS = {
    ".efz": ("a recording", "look at it with: viz show"),
    ".efr": ("a file of kept steps", "run them again with: viz replay"),
    ".onnx": ("a model", "look at it with: viz html"),
}
_OTHERS = {
    ".ipynb": "a notebook, not a script; make a script of it with: jupyter nbconvert --to script",
    ".json": "a JSON file, not a Python script",
    ".keras": "a saved model, not a Python script; load it in a script, and run that",
}


def check_script(script: str, without: str = "") -> None:
    """Refuse a file that Python couldn't run, before anything is written beside it or over it.

    Args:
        script: its name. Programs in zip files and compiled ones are run by Python too.
        without: what to add where there is no such file.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: for a recording, another binary file, and a text that isn't Python.

    >>> from pathlib import Path
    >>> _ = Path("old.efz").write_bytes(b"...")
    >>> check_script("old.efz")
    Traceback (most recent call last):
    ValueError: 'old.efz' is a recording, not a script; look at it with: viz show old.efz
    """
    if os.path.isdir(script):
        raise ValueError(f"{script!r} is a folder, not a Python script{without or '; give the script to run'}")
    if os.path.exists(script) and not os.path.isfile(script):
        raise ValueError(f"{script!r} is a pipe, device or socket, not a script; write the script to a file")
    if not os.path.isfile(script):
        cure = without or import_module("viz.facts.formatting").meant_file(script, ".py")
        cure = "; a script is read from a file, not from the input" if script == "-" else cure
        cure = "; a size is one word, as in --limit 8GB" if _UNIT.fullmatch(script) else cure
        raise FileNotFoundError(f"there is no script {script!r}{cure}")
    ending = os.path.splitext(script)[1].lower()
    if ending in _RECORDINGS:
        raise ValueError(_is_a_recording(script, ending))
    if ending in _OTHERS:
        raise ValueError(f"{script!r} is {_OTHERS[ending]}{f' {script}' if ending == '.ipynb' else ''}")
    kind = import_module("viz.facts.formatting").file_kind(script)
    if kind and kind != "a script":
        raise ValueError(f"{script!r} is {kind}, not a Python script; give the script to run")
    if zipfile.is_zipfile(script):
        _check_zip(script)
    elif ending != ".pyc":
        _check_text(script, ending)


def check_kept(read: str, written: str | os.PathLike[str]) -> None:
    """Refuse to write over the file that is read.

    Raises:
        ValueError: when both are the same; of a file that is no recording it says so.
    """
    if os.path.realpath(written) == os.path.realpath(read):
        words = import_module("viz.facts.formatting")  # which `viz --help` has no need of
        if words.file_kind(read) not in ("", "a script"):
            raise ValueError(words.not_a_recording(read))
        raise ValueError(f"{os.fspath(written)!r} would be written over what is read; give another name for the output")


def _is_a_recording(script: str, ending: str) -> str:
    what, cure = _RECORDINGS[ending]
    return f"{script!r} is {what}, not a script; {cure} {script}"


def _check_zip(script: str) -> None:
    with zipfile.ZipFile(script) as archive:
        members = archive.namelist()
    if "__main__.py" in members:
        return
    if "trace.json" in members:  # a recording under another name
        raise ValueError(_is_a_recording(script, ".efz"))
    raise ValueError(f"{script!r} is a zip file without a __main__.py, not a Python script")


def _check_text(script: str, ending: str) -> None:
    with open(script, "rb") as file:
        text = file.read(_HEAD)
        if b"\0" in text:
            raise ValueError(f"{script!r} is a binary file, not a Python script")
        if ending in (".py", ".pyw"):  # its mistakes are told as Python tells them
            return
        text += file.read(_LONGEST)
    try:
        ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise ValueError(f"{script!r} is not a Python script: {error}; scripts end in .py") from error
