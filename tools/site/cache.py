"""Results kept between builds, by all that they follow from.

That is their own text, every file of both packages, and the modules of this folder that make them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from tools.site.names import PACKAGES, ROOT


@cache
def packages_mark() -> str:
    """A mark of the two packages, another one when any of their files changes."""
    return _mark(found for package in PACKAGES for found in (ROOT / package).rglob("*"))


@cache
def tools_mark(*names: str) -> str:
    """A mark of modules of this folder."""
    return _mark(Path(__file__).with_name(f"{name}.py") for name in names)


def _mark(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.suffix in (".py", ".js", ".css", ".html", ".txt"):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


class Cache:
    """A folder of results.

    Args:
        folder: where they lie.
        made_by: the modules of this folder that make them.
        of_packages: whether they depend on our packages, too.
    """

    def __init__(self, folder: Path, made_by: tuple[str, ...] = (), of_packages: bool = True) -> None:
        self.folder = Path(folder)
        self._mark = tools_mark(*made_by) + (packages_mark() if of_packages else "")
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, *of: str) -> Path:
        """Where the result of these texts is, or will be."""
        digest = hashlib.sha256("\0".join([self._mark, *of]).encode())
        return self.folder / f"{digest.hexdigest()[:32]}.json"

    def get(self, *of: str) -> Any:
        """The result, or None."""
        path = self.path(*of)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def put(self, result: Any, *of: str) -> None:
        """Keep a result."""
        path = self.path(*of)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(result), encoding="utf-8")
        unfinished.replace(path)

    def forget_others(self, used: Iterable[Path]) -> None:
        """Remove what no page of this build needed."""
        kept = set(used)
        for path in self.folder.glob("*.json"):
            if path not in kept:
                path.unlink()
