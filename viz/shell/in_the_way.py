"""A user's own file called `viz.py` or `eagerflow.py`, which Python finds in place of the package, or the other way."""

from __future__ import annotations

import os
import re
import sys

__all__ = ["explained", "missed", "own_modules"]

_NAMES = ("viz", "eagerflow")


def explained() -> str:
    """What to do about a file that was imported in place of eagerflow; an empty text where there is none."""
    found = sys.modules.get("eagerflow")
    file = getattr(found, "__file__", None)
    if found is None or file is None or hasattr(found, "__path__"):
        return ""
    return (
        f"{file!r} is imported in place of the package eagerflow, as it lies in the folder from which Python imports "
        "first; rename it"
    )


def own_modules(script: str) -> list[str]:
    """What to say of files beside a script that have the names of our packages and that it seems to import.

    While a command of viz runs the script, these names mean the packages.
    """
    folder = os.path.dirname(os.path.abspath(script))
    try:
        with open(script, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return [
        f"{name} is the package here, and not your own {own!r}: `import {name}` gives the package while viz runs a "
        "script; rename yours if the script needs it"
        for name in _NAMES
        for own in _own(name, folder)
        if re.search(rf"^\s*(import|from)\s.*\b{name}\b", text, re.MULTILINE)
    ]


def missed(error: BaseException, script: str) -> list[str]:
    """What to say where a script looked in one of our packages for what its own file of that name holds.

    Args:
        error: what ended the script.
        script: its file, or the name of a module, which is found from the current folder.
    """
    if not isinstance(error, (AttributeError, ImportError)):
        return []
    folder = os.path.dirname(os.path.abspath(script))
    return [
        f"`import {name}` gives the package {name} while viz runs a script, and not your own {own!r}. Rename yours, "
        f"and import it under its new name: my_{name}, for example"
        for name in _NAMES
        for own in _own(name, folder)
        if f"'{name}'" in str(error) or f"'{name}." in str(error)
    ]


def _own(name: str, folder: str) -> list[str]:
    """The user's own module or package of this name in a folder: none or one, the first that Python would take."""
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if os.path.realpath(folder) == os.path.realpath(ours):
        return []
    package, module = os.path.join(folder, name), os.path.join(folder, f"{name}.py")
    holds_modules = os.path.isdir(package) and any(each.endswith(".py") for each in os.listdir(package))
    named = os.path.isfile(os.path.join(package, "__init__.py"))  # a folder without it comes after a file
    found = [package] if holds_modules and named else [module] if os.path.isfile(module) else []
    return found or [package] * holds_modules
