"""The site's own scripts, in a browser: the box that answers while one types, and pictures that open in a window."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.viz.browser import NONE_FOUND, Browser, find
from tools.site import search_pages

pytestmark = [pytest.mark.slow, pytest.mark.skipif(find() is None, reason=NONE_FOUND)]

STATIC = Path(search_pages.__file__).parent / "static"
BOX = """<dialog id="pst-search-dialog"><form><input type="search" name="q"></form></dialog>
<script src="{script}"></script>
<script>
const dialog = document.getElementById("pst-search-dialog");
const answer = names => {{
  const old = document.getElementById("search-results");
  if (old) old.remove();
  const links = names.map(name => `<li><a href="#${{name}}">${{name}}</a><p class="told">${{name}} told</p></li>`);
  const list = `<ul class="search">${{links.join("")}}</ul>`;
  dialog.insertAdjacentHTML("beforeend", `<section id="search-results">${{list}}</section>`);
}};
const press = key => dialog.querySelector("input").dispatchEvent(
  new KeyboardEvent("keydown", {{key, bubbles: true, cancelable: true}}));
const chosen = () => {{
  const id = dialog.querySelector("input").getAttribute("aria-activedescendant");
  const answer = id && document.getElementById(id);
  return answer && answer.getAttribute("aria-selected") === "true" ? answer.textContent : null;
}};
</script>"""
PICTURES = """<style>.place {{ width: 800px; height: 500px; overflow: auto }} body.phone .place {{ width: 360px }}
.place svg {{ display: block }}</style><div class="bd-article"><h1>Wide<a class="headerlink" href="#">¶</a></h1>
<div class="picture" style="width: 300px"><svg viewBox="0 0 900 90" style="width: 300px"></svg></div>
<div class="picture"><svg viewBox="0 0 90 90" style="width: 90px"></svg></div>
<div class="picture own-themes"><svg viewBox="0 0 90 90" style="width: 90px"></svg>
<template><svg id="whole" viewBox="0 0 500 500"></svg></template></div>
<div class="picture own-themes"><svg viewBox="0 0 90 90" style="width: 90px"></svg>
<template><svg viewBox="0 0 3000 600"><g class="node"><rect stroke-dasharray="5 3" x="900" width="90" height="50"/></g>
<g class="legend"><rect x="1200" width="300" height="20"/></g></svg></template></div>
</div><script src="{script}"></script>"""


@pytest.fixture
def page(tmp_path):
    browser = Browser(find(), tmp_path / "profile")

    def opened(html, script):
        path = tmp_path / "page.html"
        path.write_text(
            f"<!DOCTYPE html><body>{html.format(script=(STATIC / script).as_uri())}</body>", encoding="utf-8"
        )
        browser.open(path.as_uri())
        browser.wait("document.readyState === 'complete' && location.href.endsWith('page.html')")
        return browser

    yield opened
    browser.close()


def test_arrow_keys_go_through_the_answers_and_enter_opens_the_chosen_one(page):
    browser = page(BOX, "choose.js")
    browser.run("dialog.showModal(); answer(['one', 'two'])")
    browser.wait("dialog.querySelectorAll('[role=listbox] [role=option]').length === 2")
    assert browser.run("dialog.querySelector('[role=combobox]').getAttribute('aria-expanded')") == "true"
    steps = ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "ArrowUp"]
    on_enter = "dialog.querySelector('.search-keys span').textContent"
    assert browser.run(on_enter) == "all answers"
    seen = [browser.run(f"press('{key}'); chosen()") for key in steps]
    assert browser.run(on_enter) == "open"
    assert seen == ["one", "two", None, "two", "one"]  # behind the last one is the box again
    told = "document.getElementById(dialog.querySelector('a').getAttribute('aria-describedby')).textContent"
    assert browser.run(told) == "one told"
    assert browser.run("press('Enter'); location.hash") == "#one"
    assert browser.run("dialog.open") is False


def test_answers_of_another_question_are_not_chosen_yet(page):
    browser = page(BOX, "choose.js")
    browser.run("dialog.showModal(); answer(['one', 'two'])")
    browser.wait("dialog.querySelectorAll('[role=option]').length === 2")
    browser.run("press('ArrowDown'); answer(['three'])")
    browser.wait("dialog.querySelector('[role=option]')?.textContent === 'three'")
    assert browser.run("dialog.querySelector('input').hasAttribute('aria-activedescendant')") is False
    assert browser.run("press('Enter'); location.hash") == ""  # the page of all answers is asked for, by the form


def test_pictures_that_are_shown_small_or_in_part_open_in_a_window(page):
    browser = page(PICTURES, "zoom.js")
    buttons = "[...document.querySelectorAll('button.zoom')]"
    assert browser.run(f"{buttons}.map(button => button.textContent).join()") == "Enlarge,Show every op,Show every op"
    browser.run(f"{buttons}[0].click()")
    width = "document.querySelector('dialog.zoomed .place svg').getBoundingClientRect().width"
    before = browser.run(width)
    assert before == pytest.approx(800)
    assert browser.run(f"document.querySelector('[data-by=\"0.8\"]').click(); {width}") == pytest.approx(0.8 * before)
    browser.run("document.querySelector('dialog.zoomed [data-close]').click()")
    browser.wait("!document.querySelector('dialog.zoomed').open && !document.querySelector('dialog.zoomed svg')")
    browser.run(f"{buttons}[1].click()")
    assert browser.run("document.querySelector('dialog.zoomed .place').firstElementChild.id") == "whole"


WIDE = """
document.querySelectorAll("button.zoom")[2].click();
const place = document.querySelector("dialog.zoomed .place").getBoundingClientRect();
const shown = part => {
  const { left, right } = document.querySelector(`dialog.zoomed ${part}`).getBoundingClientRect();
  return place.left <= left && right <= place.right;
};
"""


def test_a_wide_picture_is_shown_as_a_whole_under_the_name_of_its_page(page):
    browser = page(PICTURES, "zoom.js")
    assert browser.run(f"{WIDE} shown('svg')")
    assert browser.run("document.querySelector('dialog.zoomed .name').textContent") == "Wide"


def test_on_a_phone_it_is_shown_at_its_input_with_the_whole_legend(page):
    browser = page(PICTURES, "zoom.js")
    browser.run("document.body.className = 'phone'")
    assert browser.run(f"{WIDE} [shown('svg'), shown('.legend'), shown('.node')]") == [False, True, True]
