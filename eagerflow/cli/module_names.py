"""Names of modules behind `-m`: why one can't be run, and what to give instead. Nothing is imported for it."""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder, all_suffixes

__all__ = ["apart", "dotted", "not_a_module"]

_MOST = 3  # modules of a package that are named


def apart(words: Sequence[str]) -> list[str]:
    """The words of a command line, the first of which may be `-m` with the name in the same word, as Python takes it.

    >>> apart(["-mpkg.train", "--epochs", "3"])
    ['-m', 'pkg.train', '--epochs', '3']
    """
    if words and words[0].startswith("-m") and len(words[0]) > 2:
        return ["-m", words[0][2:], *words[1:]]
    return list(words)


def dotted(path: str) -> str:
    """The name of the module that lies at a path, as far as can be told from the path; "" for what can't be one.

    >>> dotted("pkg/sub"), dotted("./pkg/train.py"), dotted("pkg.train"), dotted("../train.py")
    ('pkg.sub', 'pkg.train', 'pkg.train', '')
    """
    plain = os.path.normpath(path).removesuffix(".py").replace("\\", "/").replace("/", ".")
    return plain if all(part.isidentifier() for part in plain.split(".")) else ""


def not_a_module(name: str) -> str:
    """Why `python -m` can't run this, and what to give instead; "" where nothing speaks against it.

    Args:
        name: what stands behind `-m`.
    """
    if "/" in name or os.sep in name:
        return _is_a_file(name)
    first, *rest = name.split(".")
    places = _places(first) if all([first, *rest]) else None
    if places is None:
        return _is_a_file(name) if rest == ["py"] else f"there is no module {name!r} here, nor among installed packages"
    seen = first
    for part in rest:
        if not _are_folders(places):
            return ""
        found = _within(places, part)
        if found is None:  # packages may put folders of the same name together, when they are imported
            found = _within([os.path.join(each, *seen.split(".")) for each in sys.path], part) if places else None
        if found is None:
            return _is_a_file(name) if part == "py" else f"there is no module {name!r}{_missing(seen, part, places)}"
        seen, places = f"{seen}.{part}", found
    if not places or not _are_folders(places) or _within(places, "__main__") is not None:
        return ""
    return f"{name!r} is a package without a __main__.py, so -m can't run it{_one_of(name, _modules(places))}"


def _are_folders(places: Sequence[str]) -> bool:
    """Not where a package lies in a zip file: Python will tell there."""
    return all(os.path.isdir(each) for each in places)


def _is_a_file(name: str) -> str:
    module = dotted(name)
    cures = [f"give {name} without -m"] if os.path.isfile(name) else []
    cures += [f"-m {module}" if cures else f"give -m {module}"] if module and not_a_module(module) == "" else []
    cure = f"; {', or '.join(cures)}" if cures else ""
    return f"-m takes the name of a module, such as package.train, and {name!r} is that of a file{cure}"


def _places(first: str) -> list[str] | None:
    """The folders of a package that isn't inside another one; [] for a plain module, None where there is neither."""
    try:
        found = PathFinder.find_spec(first, [os.getcwd(), *sys.path]) or importlib.util.find_spec(first)
    except (ImportError, ValueError):
        found = None
    if found is None or found.submodule_search_locations is None:
        return None if found is None else []
    return list(found.submodule_search_locations) or [""]  # a package of which nobody says where it lies


def _within(places: Sequence[str], name: str) -> list[str] | None:
    """The same for a module inside a package."""
    spaces = []
    for place in places:
        path = os.path.join(place, name)
        if any(os.path.isfile(os.path.join(path, f"__init__{suffix}")) for suffix in all_suffixes()):
            return [path]
        if any(os.path.isfile(f"{path}{suffix}") for suffix in all_suffixes()):
            return []
        spaces += [path] if os.path.isdir(path) else []
    return spaces or None


def _missing(package: str, part: str, places: Sequence[str]) -> str:
    if not places:
        return f": {package!r} is not a package"
    meant = difflib.get_close_matches(part, _modules(places), _MOST, 0.6)
    return f" in the package {package!r}{_one_of(package, meant)}"


def _one_of(package: str, names: Sequence[str]) -> str:
    given = " or ".join([f"-m {package}.{each}" for each in names[:_MOST]])
    return f"; give one of its modules: {given}" if given else ""


def _modules(places: Sequence[str]) -> list[str]:
    """Those of a package that may be meant to be run."""
    files = [each for place in places for each in sorted(os.listdir(place))]
    return [each[:-3] for each in dict.fromkeys(files) if each.endswith(".py") and not each.startswith("_")]
