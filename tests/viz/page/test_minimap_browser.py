"""The map of the whole graph in a corner of the page hides no box."""

from __future__ import annotations

import pytest

from tests.viz import browser
from tests.viz.picture.architectures import two_noises

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]

# Is a box under the map, and can it be seen and clicked through it?
STATE = """(() => {
  const map = document.querySelector('.minimap'), m = map.getBoundingClientRect(), style = getComputedStyle(map);
  const under = [...document.querySelectorAll('g.node')].filter(node => {
    const r = node.querySelector('rect, path').getBoundingClientRect();
    return r.left < m.right && m.left < r.right && r.top < m.bottom && m.top < r.bottom;
  });
  return [under.length > 0, Number(style.opacity) < 0.5 && style.pointerEvents === 'none', m.width > 0];
})()"""


@pytest.fixture
def seen(shown, pages):
    shown.size(1400, 900)
    shown.show(pages("two_noises", two_noises))
    yield shown
    assert shown.wrong == []


def test_wherever_the_view_is_no_box_is_hidden(seen):
    states = set()
    for x in range(-1500, 301, 300):
        for y in range(-900, 101, 200):
            seen.run(f"v.canvas.setView({{ x: {x}, y: {y}, scale: 0.9 }})")
            seen.rest()
            covers, faint, is_shown = seen.run(STATE)
            assert not covers or faint, (x, y)
            states.add((faint, is_shown))
    assert (False, True) in states


def test_it_stands_right_below_where_there_is_room(seen):
    seen.run("v.canvas.setView({ x: -9000, y: 0, scale: 0.9 })")
    seen.rest()
    assert seen.run("document.querySelector('.minimap').className") == "minimap"


def test_it_is_faint_where_each_corner_has_boxes(seen):
    seen.run("v.canvas.setView({ x: 0, y: 0, scale: 1 }); v.scene.grid.meets = () => true; v.minimap.showView()")
    assert seen.run(STATE)[1:] == [True, True]
