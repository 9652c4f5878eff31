"""A user's own file called `viz.py` or `eagerflow.py`, which Python finds in place of the package, or the other way."""

from __future__ import annotations

import os
import sys

__all__ = ["explained", "own_modules"]

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
    ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if os.path.realpath(folder) == os.path.realpath(ours):
        return []
    try:
        with open(script, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return [
        f"{name} is the package here, and not your own {os.path.join(folder, own)!r}: `import {name}` gives the "
        "package while viz runs a script; rename your file if the script needs it"
        for name in _NAMES
        for own in (f"{name}.py", os.path.join(name, "__init__.py"))
        if os.path.isfile(os.path.join(folder, own)) and (f"import {name}" in text or f"from {name} " in text)
    ]
