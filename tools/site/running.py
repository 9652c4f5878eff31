"""The Python blocks of all pages, run by several processes at once; what ran before isn't run again."""

from __future__ import annotations

import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tools.site import figures
from tools.site.cache import Cache
from tools.site.names import ROOT
from tools.site.progress import counted
from tools.site.run_page import blocks
from tools.site.warm import Warm

SECONDS = 300  # the most that a page may take
COLUMNS = 100  # of what programs print: `site.css` makes its signs small enough for a page to show them


class BlockFailed(Exception):
    """A block of a page raised; says on which line, and what."""


class Page(NamedTuple):
    """A page with blocks to run: its name in the site, and the text and file that it comes from."""

    name: str
    text: str
    origin: str


def run_all(pages: list[Page], cache: Cache, processes: int = 2) -> dict[str, list[list[dict[str, str]]]]:
    """By page: what each of its blocks shows.

    Raises:
        BlockFailed: when blocks fail: all of them, with page, line and error.
    """
    pages = [page for page in pages if blocks(page.text)]
    with ThreadPoolExecutor(processes) as pool, warm(processes) as programs:
        results = counted(pool, lambda page: _run(page, cache, programs), pages, "pages whose blocks have run")
    failed = [
        f"{page.origin}:{result['line']}: this block fails at build time\n{result['error']}"
        for page, result in zip(pages, results)
        if "error" in result
    ]
    if failed:
        raise BlockFailed("\n".join(failed))
    return {page.name: result["outputs"] for page, result in zip(pages, results)}


def warm(count: int = 1) -> Warm:
    """Programs in whose forks pages run."""
    loaded = ["tools.site.run_page", "tools.site.placements:keep"]
    if find_spec("matplotlib") is not None:  # the site's environment has it, that of the tests need not
        loaded.append("matplotlib.pyplot")
    return Warm(tuple(loaded), environment(), count)


def _run(page: Page, cache: Cache, programs: Warm) -> dict[str, Any]:
    known = cache.get("page", page.text)
    if known is not None:
        return known
    result = run_apart(page, programs)
    if "error" not in result:
        cache.put(result, "page", page.text)
    return result


def run_apart(page: Page, programs: Warm) -> dict[str, Any]:
    """What the blocks of one page show, run in a process and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        scratch.mkdir()
        source, target = Path(folder) / Path(page.origin).name, Path(folder) / "result.json"
        source.write_text(page.text, encoding="utf-8")
        done = programs.run("tools.site.run_page:main", [str(source), str(target)], scratch, SECONDS)
        if done.code is None:
            return {"line": 1, "error": f"its blocks take more than {SECONDS} s", "outputs": []}
        if not target.exists():
            return {"line": 1, "error": done.told or f"exit code {done.code}", "outputs": []}
        return json.loads(target.read_text(encoding="utf-8"))


def environment() -> dict[str, str]:
    """What processes that run examples see: our packages, nobody's settings, no window, no colours.

    One that crashes says where.
    """
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    home = str(ROOT / "build" / "home")
    shown = {"MATPLOTLIBRC": str(figures.SETTINGS), "COLUMNS": str(COLUMNS), "NO_COLOR": "1", "EAGERFLOW_HOME": home}
    shown["EAGERFLOW_NUM_THREADS"] = shown["OPENBLAS_NUM_THREADS"] = "1"  # pages run beside each other, and print times
    python = {"PYTHONPATH": paths, "PYTHONFAULTHANDLER": "1", "PYTHONDONTWRITEBYTECODE": ""}  # not compiled for each
    return {**os.environ, **shown, **python}
