"""Calls as they stand in the user's files: where something was made, what was shuffled."""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Iterator

from viz.doctor.user_code import Place
from viz.source_trees import parsed_source

__all__ = ["last_name", "later_fits", "names_in", "only_call", "other_gradients", "tape_around", "tree_of"]
__all__ += ["unseeded_generators"]


@functools.lru_cache(8)
def tree_of(file: str) -> ast.Module | None:
    """A file's code; None for what Python can't read."""
    try:
        return parsed_source("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # a notebook's magics, say
        return None


def _calls(file: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call, with the last part of its function's name."""
    tree = tree_of(file)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Call):
            yield last_name(node.func), node


def last_name(node: ast.expr) -> str:
    """The last part of a name, `fit` of `model.fit`; empty for what has none."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def names_in(node: ast.AST) -> set[str]:
    """All names in a piece of code, without their attributes."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def only_call(file: str, name: str) -> Place | None:
    """The line of the one call of this name in a file; None where there is none, or more than one."""
    found = [node.lineno for called, node in _calls(file) if called == name]
    return Place(file, found[0]) if len(found) == 1 else None


def later_fits(place: Place) -> list[int]:
    """The lines of a file, behind one, on which a network is trained by `fit`, too; its settings tell."""
    own = ("epochs", "batch_size", "validation_data", "validation_split", "steps_per_epoch", "callbacks", "verbose")
    calls = [node for name, node in _calls(place.file) if name == "fit" and node.lineno > place.line]
    return sorted({node.lineno for node in calls if any(each.arg in own for each in node.keywords)})


def other_gradients(place: Place) -> list[int]:
    """The other lines of a file on which gradients are asked for: of a loop that trains several networks, say."""
    calls = [call for name, call in _calls(place.file) if name in ("gradient", "minimize")]
    return sorted({each.lineno for each in calls if not each.lineno <= place.line <= (each.end_lineno or each.lineno)})


def tape_around(place: Place) -> bool:
    """Does a line stand in the block of a tape?"""
    tree = tree_of(place.file)
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)] if tree is not None else []
    tapes = [node for node in blocks if any("GradientTape" in ast.unparse(item.context_expr) for item in node.items)]
    return any(node.lineno <= place.line <= (node.end_lineno or node.lineno) for node in tapes)


def unseeded_generators(file: str) -> list[int]:
    """The lines on which NumPy's or Python's generators are made without a seed."""
    names = ("default_rng", "RandomState", "Random")
    return [node.lineno for called, node in _calls(file) if called in names and not node.args and not node.keywords]
