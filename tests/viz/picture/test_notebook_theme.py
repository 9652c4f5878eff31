"""Pictures follow the notebook around them, light or dark."""

from __future__ import annotations

import re
import sys
from html import unescape
from types import SimpleNamespace

import pytest

import eagerflow as ef
import viz
from tests.viz import browser
from tests.viz.picture.shown import pictures, words
from viz.facts import formatting
from viz.picture.notebook_theme import darkened, on_any_ground
from viz.picture.palette import DARK, LIGHT
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


def test_on_a_light_page_a_picture_is_light_where_the_system_is_dark():
    html = on_any_ground(LIGHT_SVG, DARK_SVG)
    assert '}[data-jp-theme-light="true"] .eagerflow-picture,.vscode-light .eagerflow-picture' in html
    assert "{color-scheme:light}" in html


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


def test_a_picture_becomes_a_little_smaller_before_it_scrolls(recording):
    html = recording.draw()._repr_html_()
    ((width, least),) = re.findall(r'width="(\d+)" style="max-width:100%;min-width:(\d+)px;height:auto"', html)
    assert int(least) == round(0.75 * int(width))
    assert f"display:inline-block;max-width:100%;min-width:{least}px" in html  # the tooltips' ground shrinks with it


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


def test_what_is_shown_of_a_recording_leaves_the_ground_alone(recording):
    html = recording._repr_html_()
    assert "background:white" not in html
    assert f"color:{LIGHT.ink}" not in html
    assert DARK.page in pictures(html)[0]
    assert len(pictures(recording.grad_flow()._repr_html_())) == 1


def test_places_in_cells_are_named_as_the_notebook_names_them(monkeypatch):
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"/tmp/ipykernel_1/2.py": 4}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert formatting.near("/tmp/ipykernel_1/2.py") == "In [4]"
    assert formatting.near("/tmp/ipykernel_1/3.py") == "/tmp/ipykernel_1/3.py"
    finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="/tmp/ipykernel_1/2.py", line=3)
    assert finding.where == "In [4]:3"


@pytest.mark.slow
@pytest.mark.skipif(browser.find() is None, reason=browser.NONE_FOUND)
def test_what_is_too_wide_fades_at_the_edges_behind_which_it_goes_on(steps, tmp_path):
    page = tmp_path / "notebook.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{steps.draw()._repr_html_()}{steps.summary()._repr_html_()}")
    seen = browser.Browser(browser.find(), tmp_path / "profile")
    try:
        seen.open(page.as_uri())
        seen.wait("document.readyState === 'complete' && document.images[0]?.complete")
        fades = """(async () => {
          document.body.style.width = %r;
          const isScroller = (e) => getComputedStyle(e).overflowX === "auto";
          const places = [...document.body.children].filter(isScroller), found = [];
          for (const far of [0, 50, 9999]) {
            places.forEach((e) => { e.scrollLeft = far; });
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            for (const mask of places.map((e) => getComputedStyle(e).maskImage))
              found.push([/to right, rgba/, /0\\)\\)$/].map((edge) => edge.test(mask)));
          }
          return found; })()"""
        neither, right, both, left = [[x, y] for x, y in ((False, False), (False, True), (True, True), (True, False))]
        assert seen.run(fades % "4000px") == [neither] * 6
        assert seen.run(fades % "300px") == [right, right, both, both, left, left]
    finally:
        seen.close()
