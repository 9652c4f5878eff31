"""Messages in the words of the script that made the mistake: by the names that it has imported.

A cure is written as `ef.ops.sum(x)` or `layers.Dense(3)`. A script that says `import keras`, or `from eagerflow.layers
import Dense`, has no `ef` and no `layers`; what it reads is `keras.ops.sum(x)` and `Dense(3)`.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from eagerflow.base import notebook
from eagerflow.base.machine.source_trees import parsed_source

__all__ = ["in_names_of", "in_own_names"]

_MODULES = (
    "activations backend callbacks config constraints data distribution export initializers layers losses metrics "
    "models ops optimizers preprocessing quantizers random regularizers saving utils"
)
_OTHERS = ("numpy", "pandas")
_ARTICLE = re.compile(r"\b([Aa]) (?=e(?:f|agerflow)\.)")  # `a data.Dataset` is an `ef.data.Dataset`
# Not within a path, a word in quotes, or another name.
_NAME = re.compile(rf"(?<![\w.'\"/])(ef|keras|{'|'.join(_OTHERS)}|{'|'.join(_MODULES.split())})((?:\.[A-Za-z_]\w*)+)")
_NOT_THE_USERS = (
    f"{Path(__file__).resolve().parents[2]}{os.sep}",
    contextlib.__file__,
    functools.__file__,
    "<eagerflow",
    "<frozen",
)
_FACES = re.compile(r"^(?:eagerflow|tensorflow(?:\.compat\.v\d|\.python)?\.keras|tf_keras|keras)(?:\.|$)")


def in_own_names(text: str, frame: FrameType | None = None) -> str:
    """`text` with the names of eagerflow's functions and classes as the user's file knows them.

    Args:
        text: a message.
        frame: where to begin to look for the user's code, outwards; default: the caller's.

    >>> from eagerflow.base.wording.own_names import in_own_names
    >>> in_own_names("Use ef.ops.sum(x).")  # this example has imported eagerflow as ef
    'Use ef.ops.sum(x).'
    """
    if not _NAME.search(text):
        return text
    frame = frame or sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((*_NOT_THE_USERS, *notebook.folders)):
        frame = frame.f_back
    if frame is None:
        return text
    return _in_names(text, {**frame.f_globals, **frame.f_locals})


def in_names_of(text: str, file: str) -> str:
    """The same for a script that doesn't run here, by what it imports.

    Args:
        text: a message.
        file: the script; the text stays as it is where there is none that Python can read.

    >>> from eagerflow.base.wording.own_names import in_names_of
    >>> from pathlib import Path
    >>> _ = Path("train.py").write_text("from tensorflow import keras as k", encoding="utf-8")
    >>> in_names_of("Call ef.utils.set_random_seed(1).", "train.py")
    'Call k.utils.set_random_seed(1).'
    """
    if not _NAME.search(text):
        return text
    try:
        with tokenize.open(file) as source:
            tree = parsed_source(source.read())
    except (OSError, SyntaxError, ValueError):  # a module's name, a notebook
        return text
    return _in_names(text, {name: thing for node in ast.walk(tree) for name, thing in _imported(node)})


def _imported(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """The names of ours that an import gives to a file, and what they stand for."""
    if isinstance(node, ast.Import):
        for each in node.names:
            path = each.name if each.asname else each.name.partition(".")[0]
            if (thing := _standing_for(path)) is not None:
                yield each.asname or path, thing
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for each in node.names:
            if (thing := _standing_for(f"{node.module}.{each.name}")) is not None:
                yield each.asname or each.name, thing


def _standing_for(path: str) -> Any:
    """What of eagerflow a dotted name is, by whichever of its faces; None for what is none of ours."""
    package = sys.modules.get("eagerflow")
    if path == "tensorflow":
        face = ModuleType("tensorflow")
        vars(face)["keras"] = package
        return face
    found = _FACES.match(path)
    if found is None:
        return None
    below = path[found.end() :]
    return _at(package, below) if below else package


def _in_names(text: str, known: Mapping[str, Any]) -> str:
    """`text` in the names that a file knows."""
    missing: set[str] = set()

    def written(found: re.Match[str]) -> str:
        if not found.start() or (found[1] in _OTHERS and text[found.end() : found.end() + 1] != "("):
            return found[0]  # the function that the message is about
        return _written(found[0], found[1], found[2], known, missing)

    said = _ARTICLE.sub(r"\1n ", _NAME.sub(written, text))
    for line in sorted(missing):
        if line not in said:
            said = f"{said.rstrip('.')} ({line})."
    return said


def _written(whole: str, first: str, rest: str, known: Mapping[str, Any], missing: set[str]) -> str:
    """How the user's file would write a name; as it was for what is no name of ours."""
    if first in _OTHERS:
        other = sys.modules.get(first)
        return next((f"{name}{rest}" for name, value in known.items() if other is not None and value is other), whole)
    below = rest[1:] if first in ("ef", "keras") else f"{first}{rest}"
    thing = _at(sys.modules.get("eagerflow"), below)
    if thing is None:
        return whole
    module, _, last = below.rpartition(".")
    if known.get(last) is thing and not isinstance(thing, ModuleType):
        return last
    roots = [(name, value) for name, value in known.items() if isinstance(value, ModuleType) and name[:1] != "_"]
    for name, value in roots:
        if module and _face_of(value) == module:
            return f"{name}.{last}"
    ways = [name for name, value in roots if _face_of(value) == "" and _at(value, below) is not None]
    tensorflow = [(name, value) for name, value in roots if getattr(value, "__name__", "") == "tensorflow"]
    inner = [f"{way}{below}" for way in (("keras.", "") if module else ("", "keras."))]
    ways = [f"{name}.{below}" for name in ways]
    ways += [f"{name}.{path}" for name, value in tensorflow for path in inner if _at(value, path) is not None]
    if ways:
        return ways[0]
    if first == "ef":
        missing.add("after `import eagerflow as ef`")
        return whole
    if first == "keras":
        return whole
    missing.add(f"after `from {'keras' if 'keras' in known else 'eagerflow'} import {first}`")
    return whole


def _face_of(module: ModuleType) -> str | None:
    """Which module of eagerflow one is or stands for: `""` for the whole package; None for any other module."""
    path = getattr(module, "__name__", "")
    found = _FACES.match(path)
    return None if found is None else path[found.end() :]


def _at(thing: Any, path: str) -> Any:
    """What a dotted name leads to; None for nothing."""
    for name in path.split("."):
        if isinstance(thing, ModuleType) and name not in vars(thing) and name not in dir(thing):
            return None  # to ask for it would be answered with a message that has names in it again
        try:
            thing = getattr(thing, name, None)
        except ImportError:  # of a part that needs another package
            return None
    return thing
