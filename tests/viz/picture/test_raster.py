"""Charts as PNG: by whatever here turns SVG into pixels, and a clear word where nothing does."""

from __future__ import annotations

import sys
import types

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.picture import raster
from viz.picture.render import RendererMissing

PNG = b"\x89PNG\r\n\x1a\n"


def explanation():
    model = ef.Sequential([layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(3)])
    return viz.explain(model, ef.random.normal((2, 4, 4, 1)))


@pytest.fixture
def cairo(monkeypatch):
    """A stand-in for CairoSVG; what it is given."""
    given = []

    def svg2png(bytestring, scale):
        given.append((bytestring.decode(), scale))
        return PNG

    monkeypatch.setitem(sys.modules, "cairosvg", types.SimpleNamespace(svg2png=svg2png))
    return given


def test_an_explanation_is_drawn_by_cairosvg_where_it_is(tmp_path, cairo):
    svg = explanation().draw(tmp_path / "why.png")
    assert (tmp_path / "why.png").read_bytes() == PNG
    (drawn, scale), *_ = cairo
    assert scale == 2
    assert drawn.count('image-rendering="optimizeSpeed"') == svg.count("image-rendering:pixelated") == 4


def test_without_anything_that_can_the_error_says_what_would_help(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RendererMissing, match=r"pip install cairosvg.*\.svg, which needs nothing"):
        explanation().draw(tmp_path / "why.png")
    assert not list(tmp_path.iterdir())


def test_librsvgs_program_is_the_second_choice(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    program = tmp_path / "rsvg-convert"
    program.write_text("#!/bin/sh\nprintf 'drawn'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert raster.png_of("<svg/>") == b"drawn"
