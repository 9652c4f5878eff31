"""What was meant by a name that isn't there: the table `hints.toml`, else the nearest name that is.

`hint_for` is asked in three places: for an unknown attribute, an unknown argument, and an unknown name.
"""

from __future__ import annotations

import difflib
import functools
import pkgutil
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from eagerflow.base.legacy import legacy

__all__ = ["did_you_mean", "hint_for", "nearest", "table"]

Kind = Literal["attribute", "argument", "name"]

# Where names stand that are looked for in other modules.
_HOMES = {
    "eagerflow": "eagerflow.ops",
    "eagerflow.backend": "eagerflow.ops",
    "eagerflow.layer": "eagerflow.layers",
    "eagerflow.layers.convolutional": "eagerflow.layers",
    "eagerflow.layers.core": "eagerflow.layers",
}


@functools.cache
def table() -> dict[str, dict[str, dict[str, str | list[str]]]]:
    """The hints by kind, by owner, and by name; read when the first one is needed."""
    return tomllib.loads((pkgutil.get_data(__package__, "hints.toml") or b"").decode())  # also out of a zip file


def hint_for(kind: Kind, owner: Any, name: str, known: Iterable[str] = (), value: Any = None) -> str:
    """A sentence on what to write instead of a name, with a blank in front; or an empty string.

    Args:
        kind: what has the name.
        owner: the object whose attribute it is; the function or class that takes the argument, by its name; the module
            that the name is imported from, or what it names, such as "initializer".
        name: the unknown name.
        known: the names that the owner has, of which the nearest is suggested if the table has no hint.
        value: the value of an argument.

    >>> from eagerflow.base.text.hints import hint_for
    >>> hint_for("name", "eagerflow.ops", "cat")
    ' Use `ef.ops.concatenate(tensors, axis)`.'
    >>> hint_for("argument", "LSTM", "hidden_size", ["units"], 8)
    ' Use units=8.'
    >>> hint_for("attribute", ef.layers.Dense(3), "parameters")
    ' Use `layer.trainable_weights`, or `layer.weights` with all others.'
    """
    known = [*known]
    shown = repr(value) if isinstance(value, (bool, int, float, str)) and len(repr(value)) <= 20 else ""
    for place in _places(kind, owner):
        hint = table()[kind].get(place, {}).get(name)
        if isinstance(hint, str):
            return f" {hint.format(name=name, owner=owner, value=shown or '...')}" if kind == "argument" else f" {hint}"
        meant = next((each for each in hint or () if each in known), None)
        if meant is not None:
            return f" Use {meant}={shown}."
    if kind == "name":
        home = _home(owner, name)
        return f" Use `{home}`." if home else did_you_mean(name, known)
    return legacy.hint(kind, name, known, shown or "...") or did_you_mean(name, known)


def _places(kind: Kind, owner: Any) -> Iterator[str]:
    """The sections of the table that may have a hint."""
    if kind == "attribute":
        return (cls.__name__ for cls in type(owner).__mro__)
    return iter((owner, "*") if kind == "argument" else (owner,))


def _home(face: str, name: str) -> str:
    """The path of a name of ours that was looked for in another module; empty for any other name."""
    for home in (_HOMES.get(face, ""), "eagerflow"):
        if home != face and not name.startswith("__") and name in getattr(sys.modules.get(home), "__all__", ()):
            return f"{home.replace('eagerflow', 'ef', 1)}.{name}"
    return ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`" Did you mean 'relu'?"` for the nearest of `known`, or an empty string.

    First come names with two neighbouring letters swapped and names that hardly differ, then those that have all words
    of a name of several words, then the nearest, then the only one that begins so.

    >>> from eagerflow.base.text.hints import did_you_mean
    >>> did_you_mean("adma", ["adamax", "adam"])
    " Did you mean 'adam'?"
    >>> did_you_mean("sparse_crossentropy", ["binary_crossentropy", "sparse_categorical_crossentropy"])
    " Did you mean 'sparse_categorical_crossentropy'?"
    >>> did_you_mean("f1", ["F1Score", "FBetaScore"])
    " Did you mean 'F1Score'?"
    """
    found = nearest(name, known)
    return "" if found is None else f" Did you mean {found!r}?"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The nearest of `known`, as `did_you_mean` has it, or None.

    >>> from eagerflow.base.text.hints import nearest
    >>> nearest("early_stopping", ["EarlyStopping", "History"])
    'EarlyStopping'
    """
    known = [k for k in known if isinstance(k, str)]
    if len(name) > 100:
        return None
    swapped = {name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in range(len(name) - 1)} - {name}
    words = _words(name)
    complete = [k for k in known if words <= _words(k)] if len(words) > 1 else []
    found = [k for k in known if k in swapped] or difflib.get_close_matches(name, known, n=1, cutoff=0.9)
    found = found or difflib.get_close_matches(name, complete, n=1, cutoff=0.0)
    found = found or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not found:
        lower = {k.lower(): k for k in known}
        found = [lower[k] for k in difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.6)]
    if not found and len(name) > 1:  # the beginning of one name, in whatever letters it is written
        begun = {k.lower().replace("_", ""): k for k in known if k.lower().startswith(name.lower())}
        found = list(begun.values()) if len(begun) == 1 else []
    return found[0] if found else None


def _words(name: str) -> set[str]:
    """The words of a name, in small letters: those of `sparse_loss` and of `SparseLoss` are the same."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W_A-Z]+", name)}
