"""How long the interactive page takes in Chromium: until the first picture, to open a layer, to open everything.

python -m benchmarks.viz_page [trace.efz]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

import viz
from tests.viz.browser import find
from tests.viz.page.pages import PageBrowser
from tests.viz.page.test_page_browser import large

OPEN_ONE = "v.toggle([...v.scene.nodes.values()].find(n => n.key && n.lane === 'forward').id)"
OPEN_ALL = "v.setOpen(new Set(v.index.blocks.keys()))"
TIMED = (
    "(async () => {{ const began = performance.now(); {}; await new Promise(requestAnimationFrame); "
    "return performance.now() - began; }})()"
)
OPEN_ALL_BUT_ONE = "v.setOpen(new Set([...v.index.blocks.keys()].slice(0, -1)))"


def say(what: str, times: list[float]) -> None:
    """Milliseconds: the median, and the extremes."""
    print(f"{what}: {statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})")


def main() -> None:
    program = find()
    if program is None:
        sys.exit("no browser")
    recording = viz.load(sys.argv[1]) if len(sys.argv) > 1 else large()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page.html"
        began = time.perf_counter()
        recording.to_html(path)
        took, size = time.perf_counter() - began, path.stat().st_size / 1e6
        print(f"{len(recording.ops):,} ops: written in {took:.2f} s, {size:.2f} MB")
        page = PageBrowser(program, Path(folder) / "profile")
        try:
            firsts = []
            for _ in range(5):
                page.show(path)
                page.rest()
                firsts.append(page.run("Number(document.documentElement.dataset.ready)"))
            say("first picture after the navigation began", firsts)
            say("open or close a layer", [page.run(TIMED.format(OPEN_ONE)) for _ in range(20)])
            say("open everything", [page.run(TIMED.format(OPEN_ALL))])
            print(f"  {len(page.boxes()):,} boxes")
            say("then close one layer", [page.run(TIMED.format(OPEN_ALL_BUT_ONE)) for _ in range(5)])
            moves = [f"v.canvas.setView({{x: 300, y: {-2000 * i}, scale: 0.5}})" for i in range(20)]
            say("move through it", [page.run(TIMED.format(move)) for move in moves])
        finally:
            page.close()


if __name__ == "__main__":
    main()
