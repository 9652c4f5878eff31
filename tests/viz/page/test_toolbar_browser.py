"""The bar on top: it has one row in a usual window, and its search keeps what was found."""

from __future__ import annotations

import pytest

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
