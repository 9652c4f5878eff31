"""Charts as PNG: by whatever here turns SVG into pixels, and a clear word where nothing does."""

from __future__ import annotations

import re
import struct
import sys
import types

import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.cli import main
from viz.picture.rendering import raster
from viz.picture.rendering.raster import RendererMissing
from viz.picture.svg_document import text_at

PNG, PDF = b"\x89PNG\r\n\x1a\n", b"%PDF-1.5"


def explanation():
    model = ef.Sequential([layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(3)])
    return viz.explain(model, ef.random.normal((2, 4, 4, 1)))


@pytest.fixture
def cairo(monkeypatch):
    """A stand-in for CairoSVG; what it is given."""
    given = []

    def svg2pdf(bytestring):
        given.append(bytestring.decode())
        return PDF

    monkeypatch.setitem(sys.modules, "cairosvg", types.SimpleNamespace(svg2pdf=svg2pdf))
    return given


def size(path):
    """Width and height of a PNG file."""
    data = path.read_bytes()
    assert data.startswith(PNG)
    return struct.unpack(">II", data[16:24])


def test_an_explanation_is_drawn_as_png_with_its_images(tmp_path):
    drawn = explanation().draw(tmp_path / "why.png").svg
    width, height = (
        2 * round(float(each)) for each in re.search(r'width="([\d.]+)" height="([\d.]+)"', drawn).groups()
    )
    assert size(tmp_path / "why.png") == (width, height)
    without = re.sub(r"<image [^>]*/>", "", drawn)
    assert without != drawn
    assert raster.converted(without, "png") != (tmp_path / "why.png").read_bytes()


def test_cairosvg_is_given_halos_as_texts_of_their_own_as_it_draws_them_in_front(tmp_path, cairo):
    text = text_at(1, 2, "a & b", "black", 9, halo="white")
    raster.converted(f"<svg>{text}</svg>", "pdf")
    assert cairo[0] == (
        '<svg><text x="1.0" y="2.0" font-size="9" fill="black" stroke="white" stroke-width="4">a &amp; b</text>\n'
        '<text x="1.0" y="2.0" font-size="9" fill="black">a &amp; b</text></svg>'
    )


def test_charts_are_drawn_as_png_and_pdf_too(tmp_path, cairo):
    model = ef.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = ef.ops.ones((4, 2)), ef.ops.ones((4, 1))
    viz.gap(model, x, y).draw(tmp_path / "gap.png")
    with viz.trace(stats="basic") as t:
        model.train_on_batch(x, y)
    t.grad_flow(tmp_path / "flow.png")
    assert min(size(tmp_path / "gap.png") + size(tmp_path / "flow.png")) > 100
    t.grad_flow(tmp_path / "flow.pdf")
    assert (tmp_path / "flow.pdf").read_bytes() == PDF
    assert "gradient norms" in cairo[0]
    t.draw(tmp_path / "step.pdf")
    assert (tmp_path / "step.pdf").read_bytes() == PDF
    assert "subtract" in cairo[1]


def test_a_picture_that_cannot_be_made_is_refused_before_the_script_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    monkeypatch.setenv("PATH", "")
    script = tmp_path / "train.py"
    script.write_text("raise SystemExit('ran')")
    assert main(["check", "--augmented", str(tmp_path / "rows.pdf"), str(script)]) == 3
    assert "cannot write PDF" in capsys.readouterr().err


def test_without_anything_that_can_the_error_says_what_would_help(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RendererMissing, match=r"pip install .cairosvg>=2.7.*\.svg or \.png, which need nothing"):
        raster.write_picture(tmp_path / "why.pdf", "<svg/>")
    with pytest.raises(RendererMissing, match=r"resvg cannot be imported.*pip install 'resvg-py>=0.5'"):
        explanation().draw(tmp_path / "why.png")
    assert not list(tmp_path.iterdir())


def test_librsvgs_program_is_the_second_choice_for_pdf(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    program = tmp_path / "rsvg-convert"
    program.write_text('#!/bin/sh\necho "$*"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert raster.converted("<svg/>", "pdf") == b"--format pdf\n"
