"""Nothing in the page's drawing lies on anything else: its scripts are run by node, and what they place is measured."""

from __future__ import annotations

import shutil

import pytest

from tests.viz.page.test_both_sides import SCENES, run
from tests.viz.picture.architectures import ALL
from tests.viz.picture.geometry import Arrow, Box, Picture, curve, faults
from tests.viz.picture.test_geometry import NONE
from viz import page
from viz.page import document

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the scripts are run by node")

PLACES = [f"graph/{name}.js" for name in ("layout", "channels", "routes", "labels", "coarse_routes")]
SHOWN = """
const model = new Model(given.data);
document.documentElement = {dataset: {theme: "light"}};
return given.views.map((view) => {
  const selection = new Selection(model, given.step, view);
  chooseParts(selection.blocks, () => !given.unfolded);
  const index = indexBlocks(selection.tree);
  const open = [...openTo(index, 99)].filter((key) => given.parts || !index.opening.has(key));
  const scene = new Scene(selection, new Set(open));
  placeScene(scene);
  const box = ({x, y, w, h}) => [x, y, x + w, y + h];
  return {
    size: [scene.left, 0, scene.width, scene.height],
    nodes: [...scene.nodes.values()].map((n) => [n.id, n.row, framesAround(scene, n.id), box(n)]),
    frames: [...scene.frames.values()].map((f) => [f.id, box(f), headOf(f).h ? box(f.head) : null]),
    edges: scene.edges.map((e) => [e.tail, e.head, e.label, e.points, e.labelAt, textWidth(e.label, LABEL_SIZE)]),
  };
});
"""


def scenes(recording, views, unfolded=False, parts=False):
    """What the page draws of each view, everything open."""
    given = {
        "data": page.data(recording),
        "views": views,
        "step": recording.steps[-1].index if recording.steps else None,
    }
    given |= {"themes": document.plain_themes(), "unfolded": unfolded, "parts": parts}
    return [as_picture(scene) for scene in run([*SCENES, *PLACES], SHOWN, given)]


def as_picture(scene):
    row = {id_: row for id_, row, _, _ in scene["nodes"]}
    arrows = []
    for tail, head, label, points, at, width in scene["edges"]:
        written = Box(at[0], at[1] - 0.76 * 9.5, at[0] + width, at[1] + 0.24 * 9.5) if at and label else None
        beside = row[tail] == row[head]
        arrows.append(Arrow(tail, head, curve([tuple(p) for p in points]), "" if beside else label, written))
    return Picture(
        Box(*scene["size"]),
        {id_: Box(*box) for id_, _, _, box in scene["nodes"]},
        {id_: Box(*box) for id_, box, _ in scene["frames"]},
        {id_: set(around) for id_, _, around, _ in scene["nodes"]},
        [Box(*title) for _, _, title in scene["frames"] if title],
        arrows,
    )


def check(seen):
    found = faults(seen)
    assert {name: found[name] for name in NONE if found[name]} == {}


@pytest.mark.parametrize("name", ["siamese", "seq2seq"])
def test_the_page_keeps_arrows_and_labels_off_everything(name):
    recording, _ = ALL[name]()
    for seen in scenes(recording, ["forward"]):
        check(seen)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_the_page_is_without_a_flaw(name):
    """In each view, with everything open that can be opened."""
    recording, _ = ALL[name]()
    for seen in scenes(recording, ["both", "forward", "backward"], unfolded=True):
        check(seen)
