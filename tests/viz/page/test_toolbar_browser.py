"""The bar on top: it has one row in a usual window, and its search keeps what was found."""

from __future__ import annotations

import pytest

import eagerflow as ef
import viz
from tests.viz.nets import Trainer, mlp
from tests.viz.page.test_panels_browser import training_and_evaluation

pytestmark = pytest.mark.slow


@pytest.fixture
def compared(shown, pages, tmp_path_factory):
    """A page of several steps, of training and evaluation, which compares with another recording."""
    path = tmp_path_factory.mktemp("compared") / "compared.html"
    training_and_evaluation().to_html(path, diff=training_and_evaluation())
    shown.size(1400, 900)
    shown.show(path)
    return shown


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


def test_what_stands_out_needs_a_box_and_says_so(compared):
    compared.run("v.select(null)")
    compared.press("a")
    warning = "document.querySelector('.toolbar-warning')"
    assert compared.run(f"[{warning}.hidden, {warning}.textContent]") == [
        False,
        "Select a box: then what it depends on stands out.",
    ]
    compared.press("a")


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


def scheduled() -> viz.Recording:
    """Three steps, whose learning rate is halved after each."""
    schedule = ef.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    trainer = Trainer(mlp(), ef.optimizers.SGD(schedule, clipnorm=2.0))
    with viz.trace() as t:
        for _ in range(3):
            trainer.step()
    return t


def test_the_search_finds_optimizers_by_their_settings_with_the_learning_rate_of_the_step(shown, pages):
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
