"""SVG as PNG: by resvg, whose wheel needs nothing else and draws what browsers draw."""

from __future__ import annotations

import pathlib

from viz.picture.dot import FONT

__all__ = ["RESVG", "ResvgFailed", "png_of"]

FONTS = pathlib.Path(__file__).parent / "fonts"
RESVG = "resvg-py>=0.5"  # as pip knows it, and pyproject.toml has it


class ResvgFailed(Exception):
    """resvg isn't here, or can't draw this picture; says why."""


def png_of(svg: str, zoom: float) -> bytes:
    """A picture as PNG.

    Texts are in the font that we ship; letters that it hasn't come from the machine's fonts.

    Args:
        svg: the picture.
        zoom: pixels for one of the picture's.

    Raises:
        ResvgFailed: where the package is missing, or the picture is larger than it can draw.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise ResvgFailed(f"cannot be imported: {error}") from None
    fonts = [str(path) for path in sorted(FONTS.glob("*.ttf"))]
    try:
        return bytes(svg_to_bytes(svg, zoom=zoom, font_files=fonts, font_family=FONT, sans_serif_family=FONT))
    except ValueError as error:
        raise ResvgFailed(str(error)) from None
