"""Which versions of the site there are, for the switcher at the top of each page.

    python -m tools.site.versions FOLDER     # take build/site/html into FOLDER as its version, beside the others

Each version has a folder. All of them have the same list, in a script beside their pages, so that it is there also for
pages that are opened from a disk, and old versions know of newer ones.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eagerflow import __version__
from tools.site.names import ROOT


def script(versions: Iterable[str]) -> str:
    r"""The list as a script, newest first.

    >>> script(["0.9.0", "0.10.0"])
    'window.siteVersions = ["0.10.0", "0.9.0"];\n'
    """
    newest = sorted(versions, key=lambda version: [int(part) if part.isdigit() else -1 for part in version.split(".")])
    return f"window.siteVersions = {json.dumps(newest[::-1])};\n"


def write(app: Any, exception: Exception | None) -> None:
    """Sphinx has built a site: it knows of itself."""
    if exception is None and app.builder.format == "html":
        (Path(app.outdir) / "_static" / "versions.js").write_text(script([app.config.version]), encoding="utf-8")


def publish(built: Path, folder: Path, version: str = __version__) -> None:
    """Take a site into a folder of several versions, and tell each of all.

    Args:
        built: the site.
        folder: has a folder for each version.
        version: that of the site; one that is there already is replaced.
    """
    target = folder / version
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(built, target)
    there = [path.parent.parent for path in folder.glob("*/_static/versions.js")]
    for path in there:
        (path / "_static" / "versions.js").write_text(script(found.name for found in there), encoding="utf-8")


if __name__ == "__main__":
    publish(ROOT / "build" / "site" / "html", Path(sys.argv[1]))
