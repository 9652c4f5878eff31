"""SVG as PNG, by resvg, or as PDF, by CairoSVG (a Python package) or librsvg's program, whichever is there."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
from collections.abc import Callable

from eagerflow.base.files import replacing
from viz.choices import CHARTS
from viz.facts.text_files import write_text
from viz.picture.dot import FONT
from viz.shell.statuses import Impossible

__all__ = ["CHARTS", "RendererMissing", "check_picture_name", "converted", "write_picture"]

_PROGRAM = "rsvg-convert"
_HALO = re.compile(r'<text([^>]*?) paint-order="stroke"( stroke="[^"]*" stroke-width="[^"]*")(>[^<]*</text>)')
FONTS = pathlib.Path(__file__).parent / "fonts"
RESVG = "resvg-py>=0.5"  # as pip knows it, and pyproject.toml has it


class RendererMissing(Impossible, RuntimeError):
    """Raised when nothing on this machine can make a picture in the requested format.

    >>> import eagerflow as ef
    >>> import viz
    >>> issubclass(viz.RendererMissing, RuntimeError)
    True
    """


def converted(svg: str, kind: str, zoom: float = 2.0) -> bytes:
    """A picture that was drawn as SVG, as a PNG or PDF file.

    Args:
        svg: the picture.
        kind: `"png"` or `"pdf"`.
        zoom: pixels of a PNG file for one of the picture's; the default is sharp on today's screens.

    Raises:
        RendererMissing: when nothing here can do it; says what would help.
    """
    return _by_resvg(svg, zoom) if kind == "png" else _pdf_renderer()(svg)


def check_picture_name(path: str | os.PathLike[str]) -> None:
    """Refuse the name of a picture that couldn't be written, before the picture is made.

    Raises:
        ValueError: for an ending other than `.svg`, `.png` and `.pdf`.
        RendererMissing: for PDF, when nothing here can make it.
    """
    kind = _kind(path)
    if kind not in CHARTS:
        raise ValueError(f"cannot draw {os.fspath(path)!r}: the name must end in .svg, .png or .pdf")
    if kind == "pdf":
        _pdf_renderer()


def write_picture(path: str | os.PathLike[str], svg: str) -> pathlib.Path:
    """Write a picture: as PNG or PDF where the name ends so, else as SVG; whole or not at all.

    Raises:
        RendererMissing: when no PNG or PDF can be made here.
    """
    target, kind = pathlib.Path(path), _kind(path)
    if kind not in ("png", "pdf"):
        return write_text(target, svg)
    data = converted(svg, kind)
    with replacing(target) as file:
        file.write(data)
    return target


def _kind(path: str | os.PathLike[str]) -> str:
    return pathlib.Path(path).suffix.lower().removeprefix(".")


def _by_resvg(svg: str, zoom: float) -> bytes:
    """Texts are in the font that we ship; letters that it hasn't come from the machine's fonts."""
    try:
        from resvg_py import svg_to_bytes

        fonts = [str(path) for path in sorted(FONTS.glob("*.ttf"))]
        return bytes(svg_to_bytes(svg, zoom=zoom, font_files=fonts, font_family=FONT, sans_serif_family=FONT))
    except (ImportError, ValueError) as error:  # the second: the picture is larger than it can draw
        reason = f"cannot be imported: {error}" if isinstance(error, ImportError) else str(error)
        raise RendererMissing(
            f"cannot write PNG: resvg {reason}. Fix: pip install '{RESVG}'; or write .svg, which needs nothing."
        ) from None


def _pdf_renderer() -> Callable[[str], bytes]:
    """What turns SVG into PDF here."""
    try:
        import cairosvg  # noqa: F401
    except (ImportError, OSError) as error:  # the second: its C library is missing
        tried = f"cairosvg (cannot be imported: {error})"
    else:
        return _by_cairosvg
    if shutil.which(_PROGRAM):
        return _by_librsvg
    raise RendererMissing(
        f"cannot write PDF: nothing here makes that of SVG. Tried: {tried}; {_PROGRAM} (not on the PATH). "
        "Fix: pip install 'cairosvg>=2.7' ('eagerflow[pdf]' brings it), or install librsvg (apt install librsvg2-bin, "
        "brew install librsvg); or write .svg or .png, which need nothing."
    )


def _without_halos(svg: str) -> str:
    """The same picture with halos of texts as texts of their own: CairoSVG draws all halos in front."""
    return _HALO.sub(r"<text\1\2\3\n<text\1\3", svg)


def _by_cairosvg(svg: str) -> bytes:
    import cairosvg

    return bytes(cairosvg.svg2pdf(bytestring=_without_halos(svg).encode()))


def _by_librsvg(svg: str) -> bytes:
    done = subprocess.run([_PROGRAM, "--format", "pdf"], input=svg.encode(), capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise RendererMissing(f"cannot write PDF: {_PROGRAM} failed: {said}")
    return done.stdout
