"""The bar on top: it has one row in a usual window, and its search keeps what was found."""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from tests.viz import browser
from tests.viz.nets import Trainer, mlp
from tests.viz.page.test_panels_browser import training_and_evaluation

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]


@pytest.fixture
def compared(shown, pages, tmp_path_factory):
    """A page of several steps, of training and evaluation, which compares with another recording."""
    path = tmp_path_factory.mktemp("compared") / "compared.html"
    training_and_evaluation().to_html(path, diff=training_and_evaluation())
    shown.size(1400, 900)
    shown.show(path)
    yield shown
    shown.size(1400, 900)
    assert shown.wrong == []


def test_the_bar_has_one_row_and_tells_the_whole_step_where_there_is_room(compared):
    seen = "document.querySelector('.steps output').innerText"
    assert compared.run("[!v.difference, document.querySelector('.steps .segments').hidden]") == [False, False]
    compared.run("v.toolbar.flaw.hidden = false")  # as where there is a NaN, too
    compared.rest()
    assert compared.run("document.querySelector('.toolbar').offsetHeight") < 45
    assert compared.run(seen) == "step 1 (training)"
    assert compared.run("document.querySelector('.steps output').title") == "step 1 of 0–2 (training)"
    compared.size(1700, 900)
    compared.rest()
    assert compared.run(seen) == "step 1 of 0–2 (training)"


def many_steps():
    model = ef.Sequential([ef.Input((4,)), *[ef.layers.Dense(4) for _ in range(4)]], name="network")
    model.compile("adam", "mse")
    rows = np.ones((64, 4), "float32")
    with viz.trace() as t:
        model.fit(rows, rows, batch_size=16, verbose=0)
    return t


@pytest.mark.parametrize("width", [1280, 1366, 1440, 1600, 1920])
def test_the_bar_tells_how_many_ops_a_step_has_and_how_long_they_took(shown, pages, width):
    """Beside a slider and a switch for times: what has no room goes before that."""
    shown.size(width, 900)
    shown.show(pages("many_steps", many_steps))
    assert not shown.run("v.toolbar.steps.times.hidden")
    seen = shown.run(
        "(bottom => [...v.toolbar.caption.children].filter(e => e.getBoundingClientRect().top < bottom)"
        ".map(e => e.innerText).join(''))(v.toolbar.caption.getBoundingClientRect().bottom - 4)"
    )
    which = "" if width <= 1390 else "this step: "
    assert re.match(rf"\d+ ops\s· {which}[\d.]+ [mµ]s in ops", seen), seen
    assert shown.run("v.toolbar.node.offsetHeight") < 45
    assert shown.run("v.toolbar.search.node.offsetWidth") >= 100
    shown.size(1400, 900)
    assert shown.wrong == []


def test_buttons_have_words_where_these_leave_room_for_what_a_step_took(shown, pages):
    def one_step():
        model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(4)], name="network")
        model.compile("adam", "mse")
        with viz.trace() as t:
            model.train_on_batch(np.ones((4, 4), "float32"), np.ones((4, 4), "float32"))
        return t

    words = "[...v.toolbar.views.children].map(each => each.innerText)"
    whole = "v.toolbar.caption.scrollHeight <= v.toolbar.caption.clientHeight + 2"
    shown.size(1440, 900)
    shown.show(pages("one_step", one_step))
    assert shown.run(words) == ["Both", "Forward", "Backward"]
    assert shown.run(whole)
    shown.size(1280, 900)
    shown.rest()
    assert shown.run(words) == ["→←", "→", "←"]
    shown.size(1440, 900)
    shown.rest()
    assert shown.run(words) == ["Both", "Forward", "Backward"]
    shown.size(1400, 900)
    assert shown.wrong == []


@pytest.mark.parametrize(
    ("width", "step", "views"),
    [(at, step, ["→←", "→", "←"]) for at, step in ((1280, "step 1 (training)"), (1100, "step 1"), (901, "step 1"))],
)
def test_a_narrower_bar_has_one_row_with_signs_for_words(compared, width, step, views):
    compared.run("v.toolbar.flaw.hidden = false")
    compared.size(width, 800)
    compared.rest()
    assert compared.run("document.querySelector('.toolbar').offsetHeight") < 45
    assert compared.run("document.querySelector('.steps output').innerText") == step
    assert compared.run("[...v.toolbar.views.children].map(each => each.innerText)") == views
    assert "only the forward pass (v)" in compared.run("v.toolbar.views.children[1].title")
    right = "each => each.getBoundingClientRect().right"
    assert max(compared.run(f"[...document.querySelectorAll('.toolbar :is(button, select)')].map({right})")) <= width


@pytest.mark.parametrize("width", [620, 700, 800, 899])
def test_between_a_phone_and_a_wide_window_the_bar_has_one_row_whose_middle_may_be_moved(compared, width):
    compared.run("v.toolbar.flaw.hidden = false")
    compared.size(width, 700)
    compared.rest()
    assert compared.run("document.querySelector('.toolbar').offsetHeight") < 45
    right = "each => each.getBoundingClientRect().right"
    assert max(compared.run(f"[...document.querySelectorAll('.toolbar .end > *')].map({right})")) <= width
    compared.run("v.toolbar.lineage.scrollIntoView()")
    end, seen = compared.run(f"[v.toolbar.lineage, document.querySelector('.controls')].map({right})")
    assert end <= seen + 1


def test_what_stands_out_needs_a_box_and_says_so(compared):
    compared.run("v.select(null)")
    compared.press("a")
    warning = "document.querySelector('.toolbar-warning')"
    assert compared.run(f"[{warning}.hidden, {warning}.textContent]") == [
        False,
        "Select a box: then what it depends on stands out.",
    ]
    compared.press("a")


@pytest.mark.parametrize("width", [1440, 950])
def test_the_search_field_lies_over_what_it_covers(compared, width):
    compared.size(width, 700)
    compared.press("/")
    compared.type("dense")
    at = compared.run(
        "(({ right, y }) => [right - 12, y + 9])(document.querySelector('.search .field').getBoundingClientRect())"
    )
    assert compared.run(f"document.elementFromPoint({at[0]}, {at[1]}).closest('.search') !== null")
    compared.press("Escape")
    compared.press("Escape")


@pytest.mark.parametrize("width", [1920, 1440, 1280, 1000])
def test_the_search_field_covers_nothing_of_the_bar_in_part(compared, width):
    compared.size(width, 900)
    compared.run("document.activeElement.blur()")
    compared.press("/")
    compared.rest()
    cut = compared.run("""(() => {
      const { right } = document.querySelector('.search .field').getBoundingClientRect(),
        all = [...document.querySelectorAll('.toolbar :is(button, select, output)')],
        boxes = all.map(e => e.getBoundingClientRect()).filter(({ width }) => width);
      return boxes.filter(box => box.left < right - 1 && box.right > right + 1).map(({ left }) => left); })()""")
    assert cut == []
    compared.press("Escape")
    compared.size(1400, 900)


def test_the_graph_keeps_its_height_while_it_is_moved_and_when_all_of_it_is_seen(compared):
    compared.size(1440, 900)
    heights = []
    for move in ("canvas.fit(true)", "canvas.zoom(2.5)", "canvas.zoom(0.3)", "canvas.read(true)"):
        compared.run(f"v.{move}; 1")
        compared.rest()
        heights.append(compared.run("v.canvas.size().h"))
    assert len(set(heights)) == 1


def test_a_narrow_graph_has_one_line_of_legend_that_opens(compared):
    compared.size(950, 700)
    compared.run("v.setColour('op')")
    compared.rest()
    heights = [compared.run("document.querySelector('.legend').offsetHeight")]
    compared.click(".legend-more")
    heights.append(compared.run("document.querySelector('.legend').offsetHeight"))
    compared.click(".legend-more")
    assert heights[0] < 30 <= heights[1]


FOUND = "document.querySelectorAll('.graph .found').length"


def test_what_was_found_stays_marked_until_escape_is_pressed_again(compared):
    for chosen in ([], ["Enter"]):
        compared.press("/")
        compared.type("relu")
        marked = compared.run(FOUND)
        assert marked
        for key in chosen or ["Escape"]:  # each leads back to the graph
            compared.press(key)
            assert compared.run(f"[v.toolbar.search.list.hidden, {FOUND}]") == [True, marked]
        selected = compared.run("v.state.selected")
        assert bool(selected) == bool(chosen)
        compared.press("Escape")
        assert compared.run(f"[v.toolbar.search.input.value, {FOUND}]") == ["", 0]
        assert compared.run("v.state.selected") == selected  # as long as it is not pressed once more
        compared.press("Escape")
        assert compared.run("v.state.selected") is None


@pytest.mark.parametrize("width", [1400, 1100, 390])
def test_a_long_query_is_seen_while_it_is_written_and_begins_with_its_beginning_after_that(compared, width):
    compared.size(width, 900)
    compared.press("/")
    compared.type("layer:hidden phase:backward op:dense")
    field = "v.toolbar.search.input"
    assert compared.run(f"{field}.scrollWidth <= {field}.clientWidth")
    assert compared.run("document.documentElement.scrollWidth") <= width
    compared.press("Escape")
    assert compared.run(f"[{field}.scrollLeft, getComputedStyle({field}).textOverflow]") == [0, "ellipsis"]
    assert compared.run("document.querySelector('.toolbar').offsetHeight") < (45 if width == 1400 else 80)


def scheduled() -> viz.Recording:
    """Three steps, whose learning rate is halved after each."""
    schedule = ef.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    trainer = Trainer(mlp(), ef.optimizers.SGD(schedule, clipnorm=2.0))
    with viz.trace() as t:
        for _ in range(3):
            trainer.step()
    return t


def test_the_search_finds_optimizers_by_their_settings_with_the_learning_rate_of_the_step(shown, pages):
    shown.size(1400, 900)
    shown.show(pages("scheduled", scheduled))
    for step, rate in ((0, 0.5), (1, 0.25), (2, 0.125)):
        shown.run(f"v.select(null); v.setStep({step})")
        shown.rest()
        rows = dict(zip(shown.texts(".panel .facts dt"), shown.texts(".panel .facts dd"), strict=True))
        assert rows["learning rate"] == str(rate)
        for query in ("learning", "lr", "learning rate", "clipnorm", "setting:exponentialdecay"):
            shown.run(f"v.toolbar.search.input.value = {query!r}; v.toolbar.search.look()")
            hit = shown.run("(({ title, what, beside }) => [title, what, beside])(v.toolbar.search.hits[0])")
            assert hit == ["sgd", "optimizer", [f"learning rate {rate}"]]
        shown.run("v.toolbar.search.go(0); v.toolbar.search.close()")
        settings = dict(zip(shown.texts(".panel .mono dt"), shown.texts(".panel .mono dd"), strict=True))
        assert settings["current_learning_rate"] == str(rate)
        assert settings["learning_rate"].startswith("ExponentialDecay")
    assert shown.wrong == []


IN_GRAPH = "document.activeElement === v.canvas.node"
ANSWER = "v.toolbar.search.at"


def test_enter_gives_the_keys_to_the_graph_where_g_leads_on(compared):
    compared.press("/")
    compared.type("dense")
    count = compared.run("v.toolbar.search.hits.length")
    assert count > 2
    compared.press("Enter", "\r")
    assert compared.run(f"[{IN_GRAPH}, {ANSWER}, v.toolbar.search.list.hidden]") == [True, 0, True]
    for key, answer in (("g", 1), ("F3", 2), ("G", 1), ("G", 0), ("G", count - 1), ("g", 0)):
        compared.press(key)
        assert compared.run(f"[{ANSWER}, v.state.selected]") == [
            answer,
            compared.run(f"v.toolbar.search.hits[{answer}].selected"),
        ]
    compared.press("v")  # a command, no letter of the query
    assert compared.run("[v.state.view, v.toolbar.search.input.value]") == ["forward", "dense"]


def test_the_slash_leads_back_to_the_answer_that_was_chosen(compared):
    compared.press("/")
    compared.type("dense")
    compared.press("Enter", "\r")
    compared.press("g")
    compared.press("/")
    assert compared.run("[v.toolbar.search.input.selectionStart, v.toolbar.search.input.selectionEnd]") == [0, 5]
    assert compared.texts(".search .count")[0].startswith("2 / ")
    assert compared.run("[...document.querySelectorAll('.hits [aria-selected=true]')].map(e => e.id)") == ["hit1"]
    compared.press("Enter", "\r")
    assert compared.run(f"[{IN_GRAPH}, {ANSWER}]") == [True, 2]
    compared.press("/")
    compared.press("Enter", "\r", modifiers=8)  # with Shift
    assert compared.run(ANSWER) == 1
    compared.press("/")
    compared.type("dens")
    compared.press("ArrowDown")
    compared.press("ArrowDown")
    compared.press("Enter", "\r")  # chooses what the arrows led to
    assert compared.run(f"[{IN_GRAPH}, {ANSWER}]") == [True, 1]


def test_a_click_on_an_answer_gives_the_keys_to_the_graph(compared):
    compared.press("/")
    compared.type("dense")
    compared.click("#hit1")
    assert compared.run(f"[{IN_GRAPH}, {ANSWER}]") == [True, 1]
    compared.press("/")
    compared.type("no such thing")
    compared.press("Enter", "\r")
    assert not compared.run(IN_GRAPH)  # there is something to write over
