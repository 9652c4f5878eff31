"""What to give a command instead of a script that isn't there, or that Python can't run as a file."""

from __future__ import annotations

import difflib
import os
import pathlib
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder

__all__ = ["NO_PARENT", "apart", "as_module", "meant_script", "not_a_module", "not_a_script"]

_OTHERS = {
    ".efz": "a recording, not a script; look at it with: viz show {}",
    ".efr": "a file of kept steps, not a script; run them again with: viz replay {}",
    ".onnx": "a model, not a script; look at it with: viz html {}",
    ".keras": "a saved model, not a script; load it in a script, and run that",
    ".ipynb": "a notebook, not a script; make a script of it with: jupyter nbconvert --to script {}",
    ".json": "a JSON file, not a script",
}

NO_PARENT = "attempted relative import with no known parent"  # what Python says of a part of a package run as a file


def not_a_script(script: str) -> str:
    """Why a file can't be run, where it is of another kind, and what to do with it; or "".

    Args:
        script: the file, or a folder.

    >>> not_a_script("model.onnx"), not_a_script("train.py")
    ("'model.onnx' is a model, not a script; look at it with: viz html model.onnx", '')
    """
    path = pathlib.Path(script)
    if path.is_dir():
        module = f", or -m {path.name}" if (path / "__main__.py").is_file() else ""
        return f"{script!r} is a folder, not a script; give the script to run{module}"
    other = _OTHERS.get(path.suffix.lower(), "")
    if not other and path.is_file():
        with path.open("rb") as file:
            other = "a binary file, not a script" if b"\0" in file.read(8192) else ""
    return f"{script!r} is {other.format(script)}" if other else ""


def meant_script(script: str) -> str:
    """The script in the same folder whose name is nearest: `". Did you mean 'train.py'?"`, or ""."""
    path = pathlib.Path(script)
    folder = path.absolute().parent
    stems = [each.stem for each in folder.glob("*.py")] if folder.is_dir() else []
    found = difflib.get_close_matches(path.stem, stems, 1, 0.7)
    return f". Did you mean {str(path.with_name(f'{found[0]}.py'))!r}?" if found else ""


def apart(words: Sequence[str]) -> list[str]:
    """The words of a command line, the first of which may be `-m` with the name in the same word, as Python takes it.

    >>> apart(["-mpkg.train", "--epochs", "3"])
    ['-m', 'pkg.train', '--epochs', '3']
    """
    if words and words[0].startswith("-m") and len(words[0]) > 2:
        return ["-m", words[0][2:], *words[1:]]
    return list(words)


def not_a_module(name: str) -> str:
    """Why `python -m` can't run this, as far as can be said without importing anything; or ""."""
    if "/" in name or os.sep in name or os.path.isfile(name):
        return f"-m takes the name of a module, such as package.train; for a file, leave -m out: {name}"
    if PathFinder.find_spec(name.partition(".")[0], [os.getcwd(), *sys.path]) is None:
        return f"there is no module {name!r} here, nor among installed packages"
    return ""


def as_module(script: str) -> str:
    """How to run a file that is part of a package: by its module's name, from the folder that holds the package."""
    path = pathlib.Path(script).resolve()
    root = path.parent.parent
    while (root / "__init__.py").is_file() and root != root.parent:
        root = root.parent
    module = ".".join(path.relative_to(root).with_suffix("").parts)
    there = "" if root == pathlib.Path.cwd() else f", in the folder {str(root)!r}"
    return f"{script} is part of a package: instead of the file, give -m {module}{there}"
