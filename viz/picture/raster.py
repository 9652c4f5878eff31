"""SVG as PNG: by CairoSVG (a Python package) or librsvg's program, whichever is there."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess

from viz.facts.text_files import write_text
from viz.picture.font import ensure_font
from viz.picture.render import RendererMissing

__all__ = ["png_of", "write_picture"]

_PROGRAM = "rsvg-convert"
_PIXELATED = 'style="image-rendering:pixelated"'
_SCALE = 2.0  # pixels for one of the picture's: sharp on today's screens


def png_of(svg: str) -> bytes:
    """A picture that we draw as SVG alone (charts, explanations), as a PNG file.

    Pictures of graphs are drawn by Graphviz instead; see `viz.picture.render`.

    Raises:
        RendererMissing: when nothing here can do it; says what would help.
    """
    ensure_font()
    try:
        import cairosvg
    except (ImportError, OSError) as error:  # the second: its C library is missing
        tried = f"cairosvg (cannot be imported: {error})"
    else:
        sharp = svg.replace(_PIXELATED, 'image-rendering="optimizeSpeed"')  # the name by which CairoSVG knows it
        return bytes(cairosvg.svg2png(bytestring=sharp.encode(), scale=_SCALE))
    if shutil.which(_PROGRAM) is None:
        raise RendererMissing(
            f"cannot write PNG: nothing here turns SVG into pixels. Tried: {tried}; {_PROGRAM} (not on the PATH). Fix: "
            "pip install cairosvg, or install librsvg (apt install librsvg2-bin, brew install librsvg); or write .svg, "
            "which needs nothing."
        )
    done = subprocess.run([_PROGRAM, "--zoom", str(_SCALE)], input=svg.encode(), capture_output=True, check=False)
    if done.returncode:
        raise RendererMissing(f"cannot write PNG: {_PROGRAM} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def write_picture(path: str | os.PathLike[str], svg: str) -> pathlib.Path:
    """Write a picture: as PNG where the name ends so, else as SVG.

    Raises:
        RendererMissing: when no PNG can be made here.
    """
    target = pathlib.Path(path)
    if target.suffix.lower() == ".png":
        data = png_of(svg)
        target.write_bytes(data)
        return target
    return write_text(target, svg)
