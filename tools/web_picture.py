"""A picture of the page of a model for the documentation: a digit is drawn, in Chromium without a window.

python -m tools.web_picture docs/images/web_page.png
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

import eagerflow as ef
from examples.viz_web import digits
from tests.viz import browser
from tests.viz.web.models_browser import ModelBrowser
from tools.page_picture import reduce

SIZE = 1240, 910


def three() -> list[tuple[float, float]]:
    """A 3 as places on the pad: two arcs."""
    upper = [(0.5 + 0.17 * math.sin(a / 10), 0.32 - 0.14 * math.cos(a / 10)) for a in range(-9, 30)]
    lower = [(0.5 + 0.2 * math.sin(a / 10), 0.63 - 0.17 * math.cos(a / 10)) for a in range(2, 41)]
    return upper + lower


def picture(target: Path) -> None:
    """Draw a digit on the page of `examples/viz_web.py`, and photograph it."""
    program = browser.find()
    if program is None:
        sys.exit(browser.NONE_FOUND)
    with tempfile.TemporaryDirectory() as folder:
        ef.utils.set_random_seed(4)
        path = digits(Path(folder), epochs=20)
        page = ModelBrowser(program, Path(folder) / "profile")
        try:
            page.size(*SIZE)
            page.call("Emulation.setScrollbarsHidden", hidden=True)
            page.begin(path.as_uri())
            page.drag("canvas.pad", *three())
            page.screenshot(target)
            reduce(target)
        finally:
            page.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the PNG file to write")
    picture(parser.parse_args().target)
