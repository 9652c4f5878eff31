"""A picture of the interactive page for the documentation, taken by Chromium without a window.

python -m tools.page_picture docs/images/viz_page.png
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from examples.viz_page import main as write_pages
from tests.viz.browser import NONE_FOUND, find

SHOWN = "#sel=op:0:forward:normalize_batch:digits / norm".replace(" ", "%20")
SIZE = "1480,900"


def picture(target: Path) -> None:
    """Photograph the page of `examples/viz_page.py`."""
    with tempfile.TemporaryDirectory() as folder:
        write_pages(Path(folder))
        photograph((Path(folder) / "viz_page.html").as_uri() + SHOWN, SIZE, target)


def photograph(address: str, size: str, target: Path) -> None:
    """Open a page in a window of `"width,height"` pixels, and write what it shows as a PNG file."""
    browser = find()
    if browser is None:
        sys.exit(NONE_FOUND)
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={size}"]
        places = [f"--user-data-dir={profile}", f"--screenshot={target.resolve()}", address]
        subprocess.run(
            [browser, *options, "--virtual-time-budget=3000", *places], check=True, stderr=subprocess.DEVNULL
        )
    reduce(target)


def reduce(picture: Path) -> None:
    """Let a PNG file keep 256 colours: a picture of the documentation takes a third of the bytes then."""
    with Image.open(picture) as taken:
        reduced = taken.convert("RGB").quantize(256)
    reduced.save(picture, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the PNG file to write")
    picture(parser.parse_args().target)
