"""The film of a kept step on its page: play, pause, forward, back, in a real browser."""

import json
import time

import pytest

from tools.replay_picture import kept_step

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return kept_step(tmp_path_factory.mktemp("film"))


def at(shown):
    return int(shown.texts(".film .count")[0].split()[0])


def test_frames_go_forward_and_back_with_the_graph(shown, page):
    shown.show(page)
    shown.press(".")
    assert at(shown) == 2
    assert shown.run("v.state.selected.id") == 1
    shown.press(".")
    shown.press(",")
    assert at(shown) == 2
    shown.click(".film-bar button:first-child")
    assert at(shown) == 1
    assert shown.run("document.querySelector('.film-bar button').disabled")


def test_a_rule_shows_upstream_local_and_gradient(shown, page):
    shown.show(page)
    for _ in range(30):
        shown.press(".")
        if "gradient of dense" in shown.texts(".film h3")[0]:
            break
    text = "".join(shown.texts(".film-lines"))
    assert "upstream × local = gradient" in text
    assert "local: [" in text
    assert "gradient: [" in text
    assert "backward" in shown.texts(".film .count")[0]


def test_it_plays_until_it_is_paused(shown, page):
    shown.show(page)
    shown.press("k")
    shown.run("(() => { const film = v.dock.tabs.get('film').owner; film.pace = 30; film.start(); })()")
    until = time.monotonic() + 10
    while at(shown) < 5 and time.monotonic() < until:
        time.sleep(0.02)
    assert at(shown) >= 5
    shown.press("k")
    assert shown.run("v.dock.tabs.get('film').owner.timer") is None
    before = at(shown)
    time.sleep(0.2)
    assert at(shown) == before
    assert shown.texts(".film .play") == ["▶ play"]


def test_what_is_selected_in_the_graph_is_the_frame(shown, page):
    shown.show(page)
    shown.press(".")
    shown.run("v.select({ kind: 'op', id: 6 })")
    assert at(shown) == 7


@pytest.mark.parametrize("film", [3, "x", [None], [{"op": 10**9}], [{"op": 0, "title": [], "lines": "x"}], {"0": 1}])
def test_a_strange_film_is_no_tab(shown, page, film):
    shown.show(page)
    meta = f"{{...v.data.meta, film: {json.dumps(film)}}}"
    shown.run(f"eagerflowViewer.show({{...v.data, meta: {meta}}})")
    shown.rest()
    assert shown.run("v.dock.tabs.get('film').tab.hidden")
    shown.press(".")
