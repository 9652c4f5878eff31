"""Nothing in the page's drawing lies on anything else: its scripts are run by node, and what they place is measured."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from tests.viz.page.test_both_sides import SCENES, run
from tests.viz.picture.architectures import ALL, conv, fitted, numbers
from tests.viz.picture.geometry import Arrow, Box, Picture, curve, faults
from tests.viz.picture.loops import LOOPS
from tests.viz.picture.test_geometry import NONE
from viz import page
from viz.page import document

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the scripts are run by node")

PLACES = [
    f"graph/{name}.js"
    for name in (
        "sizes ordering alignment weight_branches exits heads layout lines channels rooms routes labels coarse_routes"
    ).split()
]
SHOWN = """
const model = new Model(given.data);
document.documentElement = {dataset: {theme: "light"}};
return given.views.map((view) => {
  const selection = new Selection(model, given.step, view);
  chooseParts(selection.blocks, () => !given.unfolded);
  const index = indexBlocks(selection.tree);
  const depth = given.depth ?? selection.depths[given.unfolded ? 1 : 0],
    open = [...openTo(index, depth)].filter((key) => given.parts || !index.opening.has(key));
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


FIRST = None  # the depth of the first view


def scenes(recording, views, unfolded=False, parts=False, depth=99):
    """What the page draws of each view, everything open, or as deep as is said."""
    given = {
        "data": page.data(recording),
        "views": views,
        "step": recording.steps[-1].index if recording.steps else None,
    }
    given |= {"rules": document.rules(), "unfolded": unfolded, "parts": parts, "depth": depth}
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


NEVER = (*NONE, "through frames", "past their own box")
# Where many arrows meet there isn't always room for the label of each.
# Gradients of a second call, which stands beside the first, that lead over it to the update of the weights.
MOST_PAST = {"actor_critic": 1, "gan": 2, "shared_layers": 1}
MOST_ON_LINES = {"triplet": 1}
MOST_UNLABELLED = {"densenet": 1, "inception": 3, "control_flow": 1, "triplet": 1}


def check(seen, unlabelled=0, past=0, on_lines=0):
    found = faults(seen)
    found["lines on lines"] = max(0, found["lines on lines"] - on_lines)
    found["labels missing"] = max(0, found["labels missing"] - unlabelled)
    found["past their own box"] = max(0, past_their_own_box(seen) - past)
    assert {name: found[name] for name in NEVER if found[name]} == {}


def past_their_own_box(seen):
    """How many arrows to what stands below lead up past the box that they leave, or down where they lead up."""
    count = 0
    for arrow in seen.arrows:
        tail, head = seen.boxes[arrow.tail], seen.boxes[arrow.head]
        heights = [y for _, y in arrow.points]
        down, up = head.top >= tail.bottom, head.bottom <= tail.top
        of_weights = not arrow.label  # which may leave on any side
        count += not of_weights and ((down and min(heights) < tail.top - 1) or (up and max(heights) > tail.bottom + 1))
    return count


@pytest.mark.parametrize("name", ["siamese", "seq2seq"])
def test_the_page_keeps_arrows_and_labels_off_everything(name):
    recording, _ = ALL[name]()
    for seen in scenes(recording, ["forward"]):
        check(seen)


@pytest.mark.parametrize(("name", "depth"), [("triplet", FIRST), ("siamese", 99), ("two_losses", 1)])
def test_no_arrow_leads_through_a_foreign_frame(name, depth):
    """Where one did, and where it goes around now."""
    recording, _ = (ALL | LOOPS)[name]()
    for seen in scenes(recording, ["both"], depth=depth):
        assert faults(seen)["through frames"] == 0
        assert past_their_own_box(seen) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ALL, *LOOPS])
def test_the_page_is_without_a_flaw(name):
    """In each view: as it is at first, and with one level, two and everything open."""
    recording, _ = (ALL | LOOPS)[name]()
    views = ["both", "forward", "backward"]
    for depth in (FIRST, 0, 1, 2, 99):
        for seen in scenes(recording, views, depth=depth):
            check(seen, MOST_UNLABELLED.get(name, 0), MOST_PAST.get(name, 0), MOST_ON_LINES.get(name, 0))
    for seen in scenes(recording, views, unfolded=True):
        check(seen, past=MOST_PAST.get(name, 0))


# ---------------------------------------------------------------------- hundreds of boxes


def deep_transformer():
    x = start = layers.Input((6,), dtype="int32")
    x = layers.Embedding(20, 8)(x)
    for _ in range(10):
        x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
        x = layers.LayerNormalization()(layers.Add()([x, layers.Dense(8)(layers.Dense(16, "gelu")(x))]))
    tokens = np.zeros((2, 6), int)
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    return fitted(ef.Model(start, layers.Dense(20)(x)), tokens, tokens, loss)


def deep_resnet():
    x = start = layers.Input((8, 8, 2))
    x = conv(4)(x)
    for _ in range(16):
        inner = layers.ReLU()(layers.BatchNormalization()(conv(4)(x)))
        x = layers.ReLU()(layers.Add()([x, layers.BatchNormalization()(conv(4)(inner))]))
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x), numbers(2, 8, 8, 2), numbers(2, 2))


def wide_inception():
    x = start = layers.Input((8, 8, 3))
    for _ in range(12):
        pooled = layers.MaxPooling2D(3, 1, padding="same")(x)
        towers = [conv(2, n, activation="relu")(conv(2, 1, activation="relu")(x)) for n in (3, 5)]
        x = layers.Concatenate()([conv(2, 1, activation="relu")(x), *towers, conv(2, 1, activation="relu")(pooled)])
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(x))
    return fitted(ef.Model(start, x), numbers(2, 8, 8, 3), numbers(2, 2))


def deep_densenet():
    """So many long arrows that there is no time to look for all their ways."""
    found = [start := layers.Input((8, 8, 2))]
    for _ in range(14):
        x = layers.Concatenate()(found) if len(found) > 1 else found[0]
        found.append(conv(2)(layers.ReLU()(layers.BatchNormalization()(x))))
    x = layers.Dense(2)(layers.GlobalAveragePooling2D()(layers.Concatenate()(found)))
    return fitted(ef.Model(start, x), numbers(2, 8, 8, 2), numbers(2, 2))


@pytest.mark.slow
@pytest.mark.parametrize("make", [deep_transformer, deep_resnet, wide_inception, deep_densenet])
def test_hundreds_of_open_boxes_stay_readable(make):
    recording, _ = make()
    (seen,) = scenes(recording, ["both"], unfolded=True)
    assert len(seen.boxes) > 150
    found = faults(seen, crossed=False)
    assert {name: found[name] for name in NONE if found[name]} == {}
    assert seen.size.right - seen.size.left < 6000


def test_ways_that_there_is_no_time_for_keep_off_boxes_too(monkeypatch):
    """All by the router for very large drawings, as if each look were one too many."""
    monkeypatch.setattr("tests.viz.page.test_page_geometry.SHOWN", "Channels.prototype.search = () => [];" + SHOWN)
    recording, _ = ALL["resnet"]()
    (seen,) = scenes(recording, ["both"], unfolded=True)
    found = faults(seen)
    never = [name for name in NONE if name != "labels missing"]
    assert {name: found[name] for name in never if found[name]} == {}


def test_blocks_in_a_run_of_many_layers_have_keys_of_their_own():
    recording, _ = deep_transformer()
    program = """
    const selection = new Selection(new Model(given.data), given.step, "both");
    chooseParts(selection.blocks, () => false);
    const keys = [], walk = (block) => block.children.filter(isBlock).forEach((child) => {
      keys.push(child.key);
      walk(child);
    });
    walk(selection.tree);
    return keys;
    """
    keys = run(SCENES, program, {"data": page.data(recording), "step": recording.steps[-1].index})
    assert len(keys) == len(set(keys)) > 50
    assert not [key for key in keys if "undefined" in key]
