"""What the page's scripts compute again is what Python computes: run by node, where there is one."""

from __future__ import annotations

import json
import math
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import Trainer, mlp
from viz import page
from viz.facts import blocks, formatting
from viz.facts.derived_stats import norm
from viz.facts.schema import Record
from viz.facts.selection import Selection, variables_of
from viz.page import document
from viz.picture.coloring import COLORINGS
from viz.picture.graph_builder import graph
from viz.picture.palette import THEMES, fill_and_line, heat

ASSETS = pathlib.Path(page.__file__).parent / "assets"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="the scripts are run by node")


def run(scripts, program, given):
    """What the page's scripts and the program behind them answer, as plain data."""
    parts = [(ASSETS / script).read_text(encoding="utf-8") for script in scripts]
    # What the scripts find in the page.
    themes = "{getElementById: () => ({textContent: JSON.stringify(given.themes || {})})}"
    before = f"const given = {json.dumps(given)};\nconst document = {themes};\n"
    after = "\nprocess.stdout.write(JSON.stringify((() => {" + program + "})()));\n"
    source = '"use strict";\n' + before + "\n".join(parts) + after
    done = subprocess.run(
        [NODE, "-"], input=source, capture_output=True, text=True, encoding="utf-8", check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


RECORDING = ("recording/formatting.js", "recording/model.js", "recording/selection.js", "recording/blocks.js")

# ---------------------------------------------------------------------- words

NUMBERS = "0 1 9 9.94 9.95 9.996 12.34 99.94 99.96 870 999.4 1023.4 1023.6 1536 12340 1.5e6 5e12 0.004"
HALVES = "12.25 12.75 12250 100.5 101.5 100500 101500"


def test_numbers_in_words():
    numbers = [float(number) for number in f"{NUMBERS} {HALVES}".split()]
    whole = [int(number) for number in numbers]
    found = run(
        ["recording/formatting.js"],
        "const {numbers, whole} = given;"
        "return {seconds: numbers.map(seconds), nbytes: numbers.map(nbytes), short: numbers.map(short),"
        " amount: whole.map(amount), count: whole.map((n) => counted(n, 'op'))};",
        {"numbers": numbers, "whole": whole},
    )
    assert found["seconds"] == [formatting.seconds(number) for number in numbers]
    assert found["nbytes"] == [formatting.nbytes(number) for number in numbers]
    assert found["short"] == [formatting.short(number) for number in numbers]
    assert found["amount"] == [formatting.amount(number) for number in whole]
    assert found["count"] == [formatting.count(number, "op") for number in whole]


NAMES = [
    "dense",
    "a\nb\tc",
    "x" * 61,
    "x" * 60,
    "y" * 500,
    "\u202eevil\u2069",
    "  many   spaces ",
    "日本語" * 30,
    "",
    "ab" * 31,
]


def test_names_and_types_in_words():
    dtypes = ["float32", "bfloat16", "uint8", "int64", "complex128", "bool", "object"]
    shapes = [[], [3], [2, 3, 4]]
    found = run(
        ["recording/formatting.js"],
        "return {names: given.names.map((n) => clean(n)), short: given.names.map((n) => clean(n, 12)),"
        " dtypes: given.dtypes.map(dtypeName), shapes: given.shapes.map(shapeName)};",
        {"names": NAMES, "dtypes": dtypes, "shapes": shapes},
    )
    assert found["names"] == [formatting.clean(name) for name in NAMES]
    assert found["short"] == [formatting.clean(name, 12) for name in NAMES]
    assert found["dtypes"] == [formatting.dtype(name) for name in dtypes]
    assert found["shapes"] == [formatting.shape(tuple(lengths)) for lengths in shapes]


# ---------------------------------------------------------------------- colours


def test_colours():
    shares = [i / 170 for i in range(171)]
    found = run(
        ["graph/colours.js"],
        "return ['light', 'dark'].map((name) => given.shares.map((share) => heat(share, themes[name])));",
        {"shares": shares, "themes": document.plain_themes()},
    )
    assert found == [[heat(share, THEMES[name]) for share in shares] for name in ("light", "dark")]


# ---------------------------------------------------------------------- the recording


def trained(model, count=2, **options):
    trainer = Trainer(model, ef.optimizers.Adam(0.01))
    trainer.step()
    with viz.trace(**options) as t:
        for _ in range(count):
            trainer.step()
    return t


def normalized():
    hidden = [
        each for i in range(4) for each in (layers.Dense(8, name=f"d{i}"), layers.BatchNormalization(name=f"n{i}"))
    ]
    return ef.Sequential([*hidden, layers.Dropout(0.5), layers.Dense(3)], name="normalized")


def shared():
    once = layers.Dense(5, activation="relu", name="again")
    x = start = layers.Input((5,))
    for _ in range(5):
        x = once(x)
    return ef.Model(start, layers.Dense(3)(x), name="shared")


def second_order():
    x = ef.Variable([1.0, 2.0], name="x")
    with viz.trace(stats="basic") as t, ef.GradientTape() as outer:
        with ef.GradientTape() as inner:
            y = ops.sum(ops.exp(x) * x)
        (first,) = inner.gradient(y, [x])
        outer.gradient(ops.sum(first * first), [x])
    return t


def without_a_step():
    with viz.trace() as t:
        for _ in range(4):
            ops.tanh(ops.exp(ops.ones((2, 3))))
    return t


RUNS = {
    "a deep mlp": lambda: trained(mlp("deep", 13), stats="basic"),
    "batch normalization": lambda: trained(normalized(), stats="basic"),
    "a layer that is called again": lambda: trained(shared()),
    "second derivatives": second_order,
    "no step": without_a_step,
}


@pytest.fixture(scope="module", params=RUNS.values(), ids=RUNS)
def recording(request):
    return request.param()


def rows(found):
    return [[key, list(values)] for key, values in found.items()]


def by_python(record: Record, step: int | None, backward: bool):
    """The selection, and the folded tree in a form that both sides share."""
    selection = Selection(record, step, backward)
    root = blocks.tree(record, selection.forward)
    stands_for = blocks.fold(root, selection.signature)
    return {
        "ops": [op.id for op in selection.ops],
        "forward": sorted([op.id for op in selection.forward]),
        "backward_of": rows(selection.backward_of),
        "riders_of": rows(selection.riders_of),
        "weights_of": rows(selection.weights_of),
        "updates_of": rows(selection.updates_of),
        "tree": shape_of(root),
        "stands_for": sorted(map(list, stands_for.items())),
    }


def shape_of(child):
    if isinstance(child, int):
        return child
    return {
        "title": child.title,
        "kind": child.kind,
        "repeats": child.repeats,
        "names": list(child.names),
        "objects": child.objects,
        "children": [shape_of(each) for each in child.children],
        "folded": [list(blocks.leaves(blocks.Block("", None, other))) for other in child.others],
    }


BY_SCRIPTS = """
const model = new Model(given.data);
const rows = (map) => [...map];
const shape = (child) => typeof child === "number" ? child : {
  title: child.title, kind: child.kind, repeats: child.repeats, names: child.names, objects: child.objects,
  children: child.children.map(shape), folded: child.others.map((other) => other.flatMap((each) => leavesOf(each))),
};
const norms = model.tensors.map((t) => model.norm(t));
const found = given.views.map(([step, view]) => {
  const selection = new Selection(model, step, view);
  const root = treeOf(model, selection.tree);
  const leaves = leavesOf(root).sort((a, b) => a - b);
  const standsFor = foldTree(root, new Set());
  return {
    ops: selection.ops.map((op) => op.id), forward: leaves,
    backward_of: rows(selection.backwardOf), riders_of: rows(selection.ridersOf),
    weights_of: rows(selection.weightsOf), updates_of: rows(selection.updatesOf),
    tree: shape(root), stands_for: rows(standsFor).sort((a, b) => a[0] - b[0]),
  };
});
return {found, norms, variables: rows(model.variables)};
"""


def test_selections_and_blocks(recording):
    steps = [step.index for step in recording.steps] or [None]
    views = [[step, view] for step in steps for view in ("both", "forward")]
    answer = run(RECORDING, BY_SCRIPTS, {"data": page.data(recording), "views": views})
    for (step, view), found in zip(views, answer["found"], strict=True):
        assert found == by_python(recording, step, view == "both"), (step, view)
    assert dict(answer["variables"]) == variables_of(recording)
    for mine, theirs in zip(answer["norms"], map(norm, recording.tensors), strict=True):
        assert (mine is None) == (theirs is None)
        assert mine is None or math.isclose(mine, theirs, rel_tol=1e-5, abs_tol=1e-30)


BOXES = """
const model = new Model(given.data);
document.documentElement = {dataset: {theme: "light"}};
return given.views.map(([step, view]) => {
  const selection = new Selection(model, step, view);
  const root = treeOf(model, selection.tree);
  const standsFor = foldTree(root, new Set());
  const scene = new Scene(selection, root, standsFor, openTo(root, 99));
  const nodes = [...scene.nodes.values()];
  const title = (id) => scene.nodes.get(id).title;
  const colours = Object.fromEntries(given.colours.map((mode) => {
    const legend = colour(scene, mode, null).map((entry) => entry.slice(0, 2));
    return [mode, [mode === "op" ? [] : legend, nodes.map((node) => [node.title, ...coloursOf(node, themeNow())])]];
  }));
  return {
    colours, boxes: nodes.map((node) => [node.kind, node.title, node.phase, node.lines, node.ops]),
    frames: [...scene.frames.values()].map((frame) => frame.title),
    arrows: scene.edges.map((edge) => [title(edge.tail), title(edge.head), edge.kind]),
  };
});
"""


def test_boxes_arrows_and_their_colours(recording):
    steps = [step.index for step in recording.steps] or [None]
    views = [[step, view] for step in steps for view in ("both", "forward")]
    measured = any(tensor.stats for tensor in recording.tensors)
    colours = [name for name in COLORINGS if measured or name not in ("grad", "nonfinite")]
    themes = document.plain_themes()
    given = {"data": page.data(recording), "views": views, "colours": colours, "themes": themes}
    scripts = ("app/state.js", "recording/flaws.js", "graph/assembly.js", "graph/colours.js")
    for (step, view), found in zip(views, run((*RECORDING, *scripts), BOXES, given), strict=True):
        for name in colours:
            drawn = graph(recording, view=view, step=step, depth=99, max_nodes=10**6, color_by=name)
            nodes = drawn.nodes
            legend, boxes = found["colours"][name]
            assert legend == [list(entry[:2]) for entry in drawn.legend], name
            assert sorted(boxes) == sorted([node.title, *fill_and_line(node)] for node in nodes.values()), name
        drawn = graph(recording, view=view, step=step, depth=99, max_nodes=10**6)
        nodes = drawn.nodes
        boxes = [[n.kind, n.title, n.phase, n.lines, list(n.ops)] for n in nodes.values()]
        arrows = [[nodes[e.tail].title, nodes[e.head].title, e.kind] for e in drawn.edges]
        assert sorted(found["boxes"]) == sorted(boxes)
        assert sorted(found["frames"]) == sorted(cluster.title for cluster in drawn.clusters.values())
        assert sorted(found["arrows"]) == sorted(arrows)


def test_the_runs_have_what_is_compared():
    """Each map is filled in one run at least, and something is folded."""
    found = [by_python(each(), None, True) for each in RUNS.values()]
    for name in ("backward_of", "riders_of", "weights_of", "updates_of", "stands_for"):
        assert any(each[name] for each in found), name
    assert np.any([len(each["forward"]) != len(each["ops"]) for each in found])
