"""SVG as PNG: by CairoSVG (a Python package) or librsvg's program, whichever is there."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

from eagerflow.base.files import replacing
from viz.facts.text_files import write_text
from viz.picture.font import ensure_font
from viz.picture.render import RendererMissing

__all__ = ["check_picture_name", "png_of", "write_picture"]

_PROGRAM = "rsvg-convert"
_PIXELATED = 'style="image-rendering:pixelated"'
_SCALE = 2.0  # pixels for one of the picture's: sharp on today's screens


def png_of(svg: str) -> bytes:
    """A picture that we draw as SVG alone (charts, explanations), as a PNG file.

    Pictures of graphs are drawn by Graphviz instead; see `viz.picture.render`.

    Raises:
        RendererMissing: when nothing here can do it; says what would help.
    """
    renderer = _renderer()
    ensure_font()
    return renderer(svg)


def check_picture_name(path: str | os.PathLike[str]) -> None:
    """Refuse the name of a picture that couldn't be written, before the picture is made.

    Raises:
        ValueError: for an ending other than `.svg` and `.png`.
        RendererMissing: for PNG, when nothing here can make it.
    """
    ending = pathlib.Path(path).suffix.lower()
    if ending not in (".svg", ".png"):
        raise ValueError(f"cannot draw {os.fspath(path)!r}: the name must end in .svg or .png")
    if ending == ".png":
        _renderer()


def write_picture(path: str | os.PathLike[str], svg: str) -> pathlib.Path:
    """Write a picture: as PNG where the name ends so, else as SVG; whole or not at all.

    Raises:
        RendererMissing: when no PNG can be made here.
    """
    target = pathlib.Path(path)
    if target.suffix.lower() != ".png":
        return write_text(target, svg)
    data = png_of(svg)
    with replacing(target) as file:
        file.write(data)
    return target


def _renderer() -> Callable[[str], bytes]:
    """What turns SVG into PNG here."""
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError) as error:  # the second: its C library is missing
        tried = f"cairosvg (cannot be imported: {error})"
    else:
        return _by_cairosvg
    if shutil.which(_PROGRAM):
        return _by_librsvg
    raise RendererMissing(
        f"cannot write PNG: nothing here turns SVG into pixels. Tried: {tried}; {_PROGRAM} (not on the PATH). Fix: "
        "pip install cairosvg, or install librsvg (apt install librsvg2-bin, brew install librsvg); or write .svg, "
        "which needs nothing."
    )


def _by_cairosvg(svg: str) -> bytes:
    import cairosvg

    sharp = svg.replace(_PIXELATED, 'image-rendering="optimizeSpeed"')  # the name by which CairoSVG knows it
    return bytes(cairosvg.svg2png(bytestring=sharp.encode(), scale=_SCALE))


def _by_librsvg(svg: str) -> bytes:
    done = subprocess.run([_PROGRAM, "--zoom", str(_SCALE)], input=svg.encode(), capture_output=True, check=False)
    if done.returncode:
        raise RendererMissing(f"cannot write PNG: {_PROGRAM} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
