"""Pictures follow the notebook around them, light or dark."""

from __future__ import annotations

import re
import sys
from html import unescape
from types import SimpleNamespace

import pytest

import eagerflow as ef
import viz
from tests.viz.picture.shown import pictures, words
from viz.facts import formatting
from viz.picture.notebook_theme import darkened, on_any_ground
from viz.picture.svg import svg

PICTURE = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">'
PICTURE += '<rect fill="{}"/><path stroke="{}" fill="none"/><g fill="#0072b2"/></svg>'
LIGHT_SVG, DARK_SVG = PICTURE.format("white", "#0072b2"), PICTURE.format("#12181f", "#56b4e9")


def test_each_colour_has_the_one_of_the_other_ground():
    html = on_any_ground(LIGHT_SVG, DARK_SVG)
    (picture,) = pictures(html)
    assert 'fill="var(--ef-white-12181f,white)"' in picture
    assert 'stroke="var(--ef-0072b2-56b4e9,#0072b2)"' in picture
    assert '<g fill="#0072b2"/>' in picture  # the same on both
    assert "(prefers-color-scheme:dark){svg{--ef-white-12181f:#12181f;--ef-0072b2-56b4e9:#56b4e9;}}" in picture
    assert '[data-jp-theme-light="false"] .eagerflow-picture,.vscode-dark .eagerflow-picture' in html
    assert "{color-scheme:dark}" in html
    assert "<?xml" not in picture


def test_another_picture_is_no_dark_one():
    html = on_any_ground(LIGHT_SVG, DARK_SVG.replace("<g", "<g id='a'"))
    assert "color-scheme" not in html
    assert "var(" not in pictures(html)[0]


def test_a_notebook_that_is_not_trusted_shows_the_picture_and_none_of_its_words(recording):
    assert words(recording.draw()._repr_html_()) == words(recording.grad_flow()._repr_html_()) == ""
    html = recording._repr_html_()
    assert "<svg" not in html  # which would be left out, but for the words in it
    assert "<title" not in html
    assert "kernel_initializer" not in words(html)
    assert words(html).startswith("recording: ")


def test_tooltips_lie_on_the_picture(recording):
    html = recording.draw()._repr_html_()
    told = {unescape(text): style for text, style in re.findall(r'<span title="([^"]*)" style="([^"]*)"', html)}
    (layer,) = [style for text, style in told.items() if text.startswith("layer first (")]
    (weight,) = [style for text, style in told.items() if text.startswith("small/first/kernel: 8×4 f32")]
    (left, top, wide, high), (x, y, *_) = ([float(n) for n in re.findall(r"([\d.]+)%", s)] for s in (layer, weight))
    assert left < x < left + wide <= 100
    assert top < y < top + high <= 100


@pytest.fixture
def recording():
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(4, "relu", name="first"), ef.layers.Dense(3)], name="small")
    model.compile("adam", "mse")
    with viz.trace(stats="basic") as t:
        model.train_on_batch(ef.ops.ones((2, 8)), ef.ops.ones((2, 3)))
    return t


@pytest.mark.parametrize("color_by", ["op", "time", "memory", "dtype", "grad", "nonfinite"])
def test_a_picture_is_drawn_dark_as_if_that_had_been_asked_for(recording, color_by):
    viz.set_engine("builtin")
    try:
        light, dark = (recording.draw(color_by=color_by, theme=theme) for theme in ("light", "dark"))
    finally:
        viz.set_engine(None)
    assert svg(darkened(light.graph)) == svg(dark.graph)
    (picture,) = pictures(light._repr_html_())
    assert "var(--ef-white-12181f,white)" in picture
    known = set(re.findall(r"#[0-9a-f]{6}", svg(dark.graph)))
    assert set(re.findall(r":(#[0-9a-f]{6});", picture)) <= known
    assert "var(" not in pictures(dark._repr_html_())[0]


def test_places_in_cells_are_named_as_the_notebook_names_them(monkeypatch):
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"/tmp/ipykernel_1/2.py": 4}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert formatting.near("/tmp/ipykernel_1/2.py") == "In [4]"
    assert formatting.near("/tmp/ipykernel_1/3.py") == "/tmp/ipykernel_1/3.py"
    finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="/tmp/ipykernel_1/2.py", line=3)
    assert finding.where == "In [4]:3"
