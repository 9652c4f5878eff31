"""The map of the whole graph in a corner of the page: a panel that hides nothing that is selected."""

from __future__ import annotations

import pytest

from tests.viz import browser
from tests.viz.picture.architectures import ALL, two_noises

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]

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
TITLES_UNDER = """(() => {
  const m = document.querySelector('.minimap').getBoundingClientRect();
  return [...document.querySelectorAll('.head text, .sign text')].filter(text => {
    const r = text.getBoundingClientRect();
    return r.left < m.right && m.left < r.right && r.top < m.bottom && m.top < r.bottom;
  }).map(text => text.textContent);
})()"""
PLACES = [(x, y) for x in range(-1500, 301, 300) for y in range(-900, 101, 200)]


@pytest.fixture
def seen(shown, pages):
    shown.size(1400, 900)
    shown.show(pages("two_noises", two_noises))
    yield shown
    assert shown.wrong == []


def look(seen, x, y, scale=0.9):
    seen.run(f"v.canvas.setView({{ x: {x}, y: {y}, scale: {scale} }})")
    seen.rest()
    return seen.run(STATE)


def test_it_is_a_panel_that_stands_where_no_box_is_wherever_there_is_such_a_corner(seen):
    shown = [state for place in PLACES if (state := look(seen, *place))[2]]
    assert len(shown) > 10
    assert all(opaque for *_, opaque in shown)
    assert sum(covers for covers, *_ in shown) < len(shown) / 2


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


def test_it_never_hides_a_corner_of_the_frame_that_is_selected(seen):
    frame = "[...v.scene.frames.values()].find(({ title }) => title)"
    seen.run(f"v.select({{ kind: 'scope', key: {frame}.id.replace('frame:', '') }})")
    seen.rest()
    assert seen.run("document.querySelectorAll('.ring.selected').length") == 1
    for right, below in ((20, 30), (60, 50), (100, 60), (40, 90)):  # its upper right corner is where the map stands
        seen.run(
            f"(() => {{ const {{ x, y, w }} = {frame}, size = v.canvas.size(); v.canvas.setView({{ scale: 1,"
            f" x: size.w - {right} - x - w, y: size.h - {below} - y }}) }})()"
        )
        seen.rest()
        covers = seen.run("""(() => {
          const box = (what) => document.querySelector(what).getBoundingClientRect(),
            [m, r] = ['.minimap', '.ring.selected'].map(box),
            meets = r.left < m.right && m.left < r.right && r.top < m.bottom && m.top < r.bottom,
            around = r.left < m.left && r.right > m.right && r.top < m.top && r.bottom > m.bottom;
          return m.width > 0 && meets && !around; })()""")
        assert not covers, (right, below)


def test_it_stands_right_below_where_there_is_room(seen):
    look(seen, -9000, 0)
    assert seen.run("document.querySelector('.minimap').className") == "minimap"


@pytest.mark.parametrize("name", ["gan", "siamese", "densenet", "vae", "inception"])
def test_on_opening_it_covers_no_box_and_no_title_and_comes_when_the_reader_moves(shown, pages, name):
    shown.size(1400, 900)
    shown.show(pages(f"opened_{name}", lambda: ALL[name]()[0]))
    covers, _, is_shown, _ = shown.run(STATE)
    assert not (covers and is_shown)
    assert shown.run(TITLES_UNDER) == []
    shown.run("v.canvas.pan(-9, 0)")
    shown.rest()
    assert shown.run(STATE)[2] or shown.run("document.querySelector('.minimap').classList.contains('all')")
    assert shown.wrong == []


# The boxes that the map or the buttons hide a part of, and whether any is selected.
HIDDEN = """(() => {
  const covers = ['.minimap', '.zoom'].map(name => document.querySelector(name).getBoundingClientRect());
  const meets = (r) => covers.some(m => r.left < m.right && m.left < r.right && r.top < m.bottom && m.top < r.bottom);
  const isHidden = (node) => meets(node.querySelector('rect, path').getBoundingClientRect());
  const nodes = [...document.querySelectorAll('g.node')].filter(isHidden);
  return nodes.map(n => [n.textContent, n.classList.contains('selected')]);
})()"""


def test_neither_map_nor_buttons_hide_anything_of_what_a_jump_leads_to(shown, pages):
    shown.prefer("prefers-reduced-motion", "reduce")
    shown.size(1400, 900)
    shown.show(pages("jumps_gan", lambda: ALL["gan"]()[0]))
    passes = shown.run(
        "[...v.selection.ops.filter(op => op.pass && v.scene.nodeOf.has(op.id)).reduce((found, op) =>"
        " found.set(op.pass, [...(found.get(op.pass) || []), op.id]), new Map()).values()]"
    )
    for ids in passes:
        shown.run("v.canvas.fit()")
        shown.run(f"v.select({{ kind: 'ops', id: {ids[0]}, ids: {ids} }})")
        shown.rest()
        assert shown.run(HIDDEN) == []
        assert shown.run(TITLES_UNDER) == []
    shown.show(pages("jumps_inception", lambda: ALL["inception"]()[0]))
    shown.press("/")
    shown.type("concat")
    for key in ("Enter", "g"):
        shown.press(key)
        assert shown.run("v.state.selected") is not None
        assert shown.run(HIDDEN) == []
        assert shown.run(TITLES_UNDER) == []
    shown.prefer("prefers-reduced-motion", "")
    assert shown.wrong == []


def test_a_selected_box_under_the_buttons_comes_out_from_under_them(seen):
    """Also where all of what is selected is in the window."""
    seen.prefer("prefers-reduced-motion", "reduce")
    ids = seen.run("v.selection.ops.filter(op => v.scene.nodeOf.has(op.id)).slice(0, 2).map(op => op.id)")
    seen.run(
        f"(() => {{ const {{ x, y, w }} = v.scene.nodes.get(v.scene.nodeOf.get({ids[0]})), size = v.canvas.size();"
        " v.canvas.setView({ scale: 0.8, x: size.w - 2 - (x + w) * 0.8, y: 30 - y * 0.8 }); })()"
    )
    seen.rest()
    seen.run(f"v.select({{ kind: 'ops', id: {ids[0]}, ids: {ids} }})")
    seen.rest()
    assert [text for text, is_selected in seen.run(HIDDEN) if is_selected] == []
    seen.prefer("prefers-reduced-motion", "")


def test_it_is_not_there_where_all_is_seen_nor_on_a_phone(seen):
    seen.run("v.canvas.fit(false, true)")
    seen.rest()
    assert seen.run(STATE)[2] is False
    assert look(seen, -300, -100)[2] is True
    seen.size(390, 844)
    assert look(seen, -300, -100)[2] is False


def test_over_boxes_it_stays_only_while_the_reader_moves(seen, pages):
    """Somewhere in a wide graph, where boxes stand in all corners."""
    seen.show(pages("lingering_inception", lambda: ALL["inception"]()[0]))
    for x, y in PLACES:
        look(seen, x, y, 0.8)
        seen.run("v.canvas.pan(0, 0)")
        seen.rest()
        covers, _, is_shown, _ = seen.run(STATE)
        if covers and is_shown:
            break
    else:
        pytest.fail("nowhere does the map lie over a box")
    seen.run("v.canvas.movedAt -= 2000, v.minimap.draw()")
    assert seen.run(STATE)[2] is False
    seen.run("v.canvas.pan(-1, 0)")
    seen.rest()
    assert seen.run(STATE)[2] is True
