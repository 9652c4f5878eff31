"""Where everything in a picture is, kept between builds: looking for it takes nearly all of the time of drawing.

It follows from what the picture shows and from the modules of `viz/geometry`, which change seldom: so a change
elsewhere in our packages, after which all examples run again, needn't be waited for long.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import viz.geometry.placement as placement

__all__ = ["FOLDER", "keep", "kept"]

FOLDER = "SITE_PLACEMENTS"  # the variable of the environment that names the folder; without it nothing is kept


def keep() -> None:
    """From now on, placements of this process, and of its forks, are those in the folder, or put there."""
    folder = os.environ.get(FOLDER)
    if folder:
        module: Any = placement
        module._placed = kept(module._placed, Path(folder))


def kept(best: Callable[..., Any], folder: Path) -> Callable[..., Any]:
    """`best`, which finds a placement, with a folder of those that it has found.

    Args:
        best: takes a graph and the direction of the forward pass.
        folder: only what this function wrote may be in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = [path.read_bytes() for path in sorted(Path(placement.__file__).parent.glob("*.py"))]
    mark = hashlib.sha256(b"\0".join(sources)).hexdigest()

    def known_or_best(graph: Any, rankdir: str) -> Any:
        text = repr((mark, rankdir, placement._shape(graph)))
        path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.pickle"
        if path.exists():
            return pickle.loads(path.read_bytes())
        found = best(graph, rankdir)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as unfinished:
            pickle.dump(found, unfinished)
        os.replace(unfinished.name, path)
        return found

    return known_or_best
