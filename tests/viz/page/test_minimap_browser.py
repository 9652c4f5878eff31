"""The map of the whole graph in a corner of the page: a panel that hides nothing that is selected."""

from __future__ import annotations

import pytest

from tests.viz.picture.architectures import two_noises

pytestmark = pytest.mark.slow

# Is a box under the map, is the selected one, and is the map shown, as a panel that nothing is seen through?
STATE = """(() => {
  const map = document.querySelector('.minimap'), m = map.getBoundingClientRect(), style = getComputedStyle(map);
  const under = (what) => [...document.querySelectorAll(what)].some(node => {
    const r = node.querySelector('rect, path').getBoundingClientRect();
    return r.left < m.right && m.left < r.right && r.top < m.bottom && m.top < r.bottom;
  });
  const opaque = style.opacity === '1' && /^rgb\\(/.test(style.backgroundColor) && parseFloat(style.borderWidth) > 0;
  return [under('g.node'), under('g.node.selected'), m.width > 0, opaque];
})()"""


@pytest.fixture
def seen(shown, pages):
    shown.show(pages("two_noises", two_noises))
    return shown


def look(seen, x, y, scale=0.9):
    seen.run(f"v.canvas.setView({{ x: {x}, y: {y}, scale: {scale} }})")
    seen.rest()
    return seen.run(STATE)


def test_it_never_hides_what_is_selected(seen):
    for node in seen.run("[...v.scene.nodes.keys()]")[::3]:
        seen.run(f"v.selectNode({node!r})")
        for right, below in ((20, 20), (20, 300), (500, 20)):
            where = f"v.scene.nodes.get({node!r})"
            seen.run(
                f"(() => {{ const {{ x, y, w, h }} = {where}, size = v.canvas.size(); v.canvas.setView({{ scale: 1,"
                f" x: size.w - x - w - {right}, y: size.h - y - h - {below} }}); }})()"
            )
            seen.rest()
            _, hides, is_shown, _ = seen.run(STATE)
            assert not (hides and is_shown), (node, right, below)


# The boxes that the map or the buttons hide a part of, and whether any is selected.


def test_it_is_not_there_where_all_is_seen_nor_on_a_phone(seen):
    seen.run("v.canvas.fit(false, true)")
    seen.rest()
    assert seen.run(STATE)[2] is False
    assert look(seen, -300, -100)[2] is True
    seen.size(390, 844)
    assert look(seen, -300, -100)[2] is False
