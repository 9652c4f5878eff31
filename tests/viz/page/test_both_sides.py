"""What the page's scripts compute again is what Python computes: run by node, where there is one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from tests.viz.nets import Trainer, mlp
from tests.viz.picture.architectures import ALL, fitted, numbers
from tests.viz.picture.loops import LOOPS, dense_net
from viz import page
from viz.facts import formatting
from viz.page import document, modules
from viz.picture import box_texts
from viz.picture.coloring import COLORINGS
from viz.picture.graph_builder import graph
from viz.picture.palette import THEMES, fill_and_line, heat

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="the scripts are run by node")


FOUND = """
const wide = (c) => ("iljtfrI.,:;'|!()[]/ ".includes(c) ? 0.36 : c > "Z" || c < "A" ? 0.6 : 0.8);
const document = {
  getElementById: () => ({textContent: JSON.stringify(given.rules || {})}),
  createElement: () => ({getContext: () => ({font: "", measureText(text) {
    return {width: [...text].reduce((sum, c) => sum + wide(c), 0) * parseFloat(/([\\d.]+)px/.exec(this.font)[1])};
  }})}),
};
"""


def run(scripts, program, given):
    """What the page's scripts and the program behind them answer, as plain data."""
    before = f"const given = {json.dumps(given)};\n{FOUND}\n"  # what the scripts find in the page
    after = "\nprocess.stdout.write(JSON.stringify((() => {" + program + "})()));\n"
    source = before + modules.joined(*[f"page/assets/{script}" for script in scripts]) + after
    done = subprocess.run(
        [NODE, "--input-type=module", "-"],
        input=source,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


SCENES = [
    f"{name}.js"
    for name in """
    recording/formatting recording/usual_times recording/model recording/selection recording/blocks app/state
    recording/flaws recording/gradient_sizes
    recording/rounds graph/passes graph/outputs graph/assembly graph/operands graph/colours
    """.split()
]

# ---------------------------------------------------------------------- words

NUMBERS = "0 1 9 9.94 9.95 9.996 12.34 99.94 99.96 870 999.4 1023.4 1023.6 1536 12340 1.5e6 5e12 0.004"
HALVES = "12.25 12.75 12250 100.5 101.5 100500 101500"


def test_numbers_in_words():
    numbers = [float(number) for number in f"{NUMBERS} {HALVES}".split()]
    whole = [int(number) for number in numbers]
    found = run(
        ["recording/formatting.js"],
        "const {numbers, whole} = given;"
        "return {seconds: numbers.map(seconds), sizes: numbers.map(magnitude), nbytes: numbers.map(nbytes),"
        " short: numbers.map(short), amount: whole.map(amount), count: whole.map((n) => counted(n, 'op'))};",
        {"numbers": numbers, "whole": whole},
    )
    assert found["seconds"] == [formatting.seconds(number) for number in numbers]
    assert found["sizes"] == [formatting.magnitude(number) for number in numbers]
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


def test_names_in_words():
    found = run(
        ["recording/formatting.js"],
        "return {names: given.names.map((n) => clean(n)), short: given.names.map((n) => clean(n, 12))};",
        {"names": NAMES},
    )
    assert found["names"] == [formatting.clean(name) for name in NAMES]
    assert found["short"] == [formatting.clean(name, 12) for name in NAMES]


USUAL = ["recording/formatting.js", "recording/usual_times.js"]


def test_ops_that_did_not_all_run_in_the_same_steps_take_no_more_than_the_whole():
    """The medians of each are added; what they took together in one step isn't known of all."""
    program = """
      const times = [[0, 20, 20, 10, 90], [0, 5, 5, 50, 5], [1, 6, 6, 8]],
        [one, other, rare] = usualTimes({steps: [[2, 1, 3], [3, 1]], times}),
        ops = [{usual: one, took: 20}, {usual: other, took: 5}, {usual: rare, took: 8}, {usual: null, took: 7}];
      return [usualTime(ops.slice(0, 2)), rangeOf(ops.slice(0, 2)), usualTime(ops), rangeOf(ops), tookOf(ops)];
    """
    assert run(USUAL, program, {}) == [20 + 5, {"least": 25, "most": 95}, 25 + 6 + 7, None, 40]


# ---------------------------------------------------------------------- colours


def test_colours():
    shares = [i / 170 for i in range(171)]
    found = run(
        ["graph/colours.js"],
        "return ['light', 'dark'].map((name) => given.shares.map((share) => heat(share, rules.themes[name])));",
        {"shares": shares, "rules": document.rules()},
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
    x = start = layers.Input((5,), name="a_name_longer_than_what_a_box_shows")
    for _ in range(5):
        x = once(x)
    return ef.Model(start, layers.Dense(3)(x), name="shared")


def casting():
    """Inputs and weights are cast: in each of five equal layers, and for a layer of another type."""
    hidden = [layers.Dense(5, name=f"h{i}", dtype="mixed_float16") for i in range(5)]
    norms = [layers.LayerNormalization(dtype="mixed_float16"), layers.Dense(3, dtype="float32")]
    return ef.Sequential([*hidden, *norms], name="casting")


class Rounds(ef.Model):
    """One layer in a loop, beside ops of no layer that look at what it made."""

    def __init__(self):
        super().__init__(name="rounds")
        self.cell, self.head = layers.Dense(5, activation="tanh", name="cell"), layers.Dense(3, name="head")

    def call(self, x):
        for _ in range(4):
            if float(ops.max(ops.abs(x))) >= 0:
                x = self.cell(x) * 0.8
        return self.head(x)


class Turns(ef.Model):
    """Two layers by a condition, a loop, and a dropout and a normalization that are called twice."""

    def __init__(self):
        super().__init__(name="turns")
        negative = ef.initializers.Identity(-1.0)
        self.of_each = [layers.Dense(5, kernel_initializer=negative, name=name) for name in ("a", "b")]
        self.drop, self.head = layers.Dropout(0.5, name="drop"), layers.Dense(3, name="head")
        self.norm = layers.BatchNormalization(center=False, scale=False, name="norm")

    def call(self, x, training=False):
        for _ in range(4):
            x = self.of_each[float(ops.mean(x)) > 0](x)
        x = ops.while_loop(lambda v: ops.sum(ops.abs(v)) < 1e4, lambda v: (v * 2,), (x,))[0]
        x = self.drop(self.norm(x, training=training), training=training)
        return self.head(self.drop(self.norm(x, training=training), training=training))


def second_order():
    x = ef.Variable([1.0, 2.0], name="x")
    with viz.trace(stats="basic") as t, ef.GradientTape() as outer:
        with ef.GradientTape() as inner:
            y = ops.sum(ops.exp(x) * x)
        (first,) = inner.gradient(y, [x])
        outer.gradient(ops.sum(first * first), [x])
    return t


def played():
    """A policy that is given an observation of its own in each round, then one loss of all that it answered."""
    policy = ef.Sequential([layers.Dense(5, activation="tanh"), layers.Dense(3)], name="policy")
    policy(ops.ones((1, 4)))
    with viz.trace(stats="basic") as t:
        with ef.GradientTape() as tape:
            chosen = [ops.log_softmax(policy(np.full((1, 4), i)))[0, 1] for i in range(4)]
            loss = -ops.sum(ops.stack(chosen))
        ef.optimizers.SGD().apply(tape.gradient(loss, policy.trainable_weights), policy.trainable_weights)
    return t


def rounds_of_rounds():
    weight = ef.Variable([1.0, 2.0], name="weight")
    with viz.trace(stats="basic") as t, ef.GradientTape() as tape:
        losses = []
        for i in range(3):
            y = ef.Tensor([float(i), 1.0])
            for _ in range(4):
                y = ops.tanh(y * weight)
            losses.append(ops.mean(y))
        tape.gradient(ops.sum(ops.stack(losses)), [weight])
    return t


def summed():
    """Rounds of a training that mark no step: of each, gradients summed over batches, and a loss that adds up."""
    model, optimizer = (
        ef.Sequential([layers.Dense(3, activation="tanh"), layers.Dense(1)], name="net"),
        ef.optimizers.SGD(),
    )
    model(ops.ones((1, 4)))
    with viz.trace(stats="basic") as t:
        total, whole = 0.0, None
        for i in range(4):
            with ef.GradientTape() as tape:
                loss = ops.mean(model(np.full((2, 4), i, "float32")) ** 2)
            found = tape.gradient(loss, model.trainable_weights)
            total, whole = total + loss, found if whole is None else [a + b for a, b in zip(whole, found)]
        optimizer.apply(whole, model.trainable_weights)
    return t


def without_a_step():
    with viz.trace() as t:
        for _ in range(4):
            ops.tanh(ops.exp(ops.ones((2, 3))))
    return t


def poisoned():
    """Steps of which one has a row with NaN: later ones read weights with NaN."""
    model, optimizer = dense_net("poisoned", 4, 5, 2), ef.optimizers.SGD()
    with np.errstate(all="ignore"), viz.trace(stats="basic") as t:
        for i in range(3):
            with ef.GradientTape() as tape:
                loss = ops.mean(model(np.where(np.eye(4) * (i == 1), np.nan, 1).astype("float32")) ** 2)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return t


def before_softmax():
    """A loss reads logits, of which the last layer makes probabilities that nothing else reads."""
    model = ef.Sequential([layers.Input((4,)), layers.Dense(5), layers.Dense(3, activation="softmax")], name="net")
    return fitted(model, numbers(4, 4), np.arange(4) % 3, "sparse_categorical_crossentropy")[0]


RUNS = {
    "a deep mlp": lambda: trained(mlp("deep", 13), stats="basic"),
    "batch normalization": lambda: trained(normalized(), stats="basic"),
    "a layer that is called again": lambda: trained(shared(), stats="basic"),
    "a loop": lambda: trained(Rounds(), stats="basic"),
    "layers in turn": lambda: trained(Turns(), count=1),
    "casts": lambda: trained(casting(), stats="basic"),
    "second derivatives": second_order,
    "a policy in a loop": played,
    "a loop within a loop": rounds_of_rounds,
    "sums in a loop": summed,
    "no step": without_a_step,
    "a target network": lambda: LOOPS["polyak"]()[0],
    "averages of weights": lambda: LOOPS["averaged"]()[0],
    "two passes": lambda: LOOPS["two_losses"]()[0],
    "weights with NaN": poisoned,
    "logits": before_softmax,
    "updates by hand": lambda: LOOPS["own_momentum"]()[0],
}


@pytest.fixture(scope="module", params=RUNS.values(), ids=RUNS)
def recording(request):
    return request.param()


BOXES = """
const model = new Model(given.data);
document.documentElement = {dataset: {theme: "light"}};
return given.views.map(([step, view]) => {
  const selection = new Selection(model, step, view);
  chooseParts(selection.blocks, (run) => !given.unfolded);
  const index = indexBlocks(selection.tree);
  const open = [...openTo(index, given.depth)].filter((key) => given.parts || !index.opening.has(key));
  const scene = new Scene(selection, new Set(open));
  const nodes = [...scene.nodes.values()];
  const title = (id) => scene.nodes.get(id).title;
  const colours = Object.fromEntries(given.colours.map((mode) => {
    const legend = colour(scene, mode, null).map((entry) => entry.slice(0, 2));
    return [mode, [mode === "op" ? [] : legend, nodes.map((node) => [node.title, ...coloursOf(node, themeNow())])]];
  }));
  return {
    colours, boxes: nodes.map((node) => [
      node.lane.startsWith("backward") ? "op" : node.kind, node.lane, node.title, node.phase, node.lines,
      node.part === undefined ? [...node.ops].sort((a, b) => a - b) : []]),
    frames: [...scene.frames.values()].map((frame) => [frame.title, frame.subtitle]),
    arrows: scene.edges.map((edge) => [title(edge.tail), title(edge.head), edge.kind, edge.label, edge.mark ?? ""]),
  };
});
"""


@pytest.mark.parametrize(
    ("depth", "unfolded", "parts"),
    [(99, False, False), (99, True, False), (1, False, False), (0, False, False), (99, False, True), (99, True, True)],
)
def test_boxes_arrows_and_their_colours(recording, depth, unfolded, parts):
    steps = [step.index for step in recording.steps] or [None]
    views = [[step, view] for step in steps for view in ("both", "forward", "backward")]
    measured = any(tensor.stats for tensor in recording.tensors)
    colours = [name for name in COLORINGS if measured or name not in ("grad", "nonfinite")]
    colours = ["op"] if parts else colours  # the page gives parts, which took nothing, no colour by quantity
    # A picture tells the times of its step; the page would tell the medians of all.
    given = {"data": page.data(recording, usual={}), "views": views, "colours": colours, "rules": document.rules()}
    given |= {"unfolded": unfolded, "depth": depth, "parts": parts}
    options = {"depth": depth, "max_nodes": 10**6, "collapse_repeats": not unfolded, "parts": parts}
    for (step, view), found in zip(views, run(SCENES, BOXES, given), strict=True):
        for name in colours:
            drawn = graph(recording, view=view, step=step, color_by=name, **options)
            legend, boxes = found["colours"][name]
            assert legend == [list(entry[:2]) for entry in drawn.legend], name
            colored = [[node.title, *fill_and_line(node)] for node in drawn.nodes.values()]
            assert sorted(boxes) == sorted(colored), name
        drawn = graph(recording, view=view, step=step, **options)
        nodes = drawn.nodes
        boxes = [
            [
                n.kind,
                n.lane,
                n.title,
                n.phase,
                list(filter(None, n.lines)),
                [] if re.fullmatch(r"op\d+_\d+", n.id) else sorted(n.ops),
            ]
            for n in nodes.values()
        ]
        arrows = [[nodes[e.tail].title, nodes[e.head].title, e.kind, e.label, e.operand] for e in drawn.edges]
        assert sorted(found["boxes"]) == sorted(boxes)
        assert sorted(found["frames"]) == sorted([each.title, each.subtitle] for each in drawn.clusters.values())
        assert sorted(found["arrows"]) == sorted(arrows)


def test_what_is_closed_at_first_is_closed_on_both_sides():
    test_boxes_arrows_and_their_colours(ALL["penalties"]()[0], depth=1, unfolded=False, parts=False)


def test_limits_of_gradients_are_told_on_both_sides():
    net = ef.Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(1)])
    net.compile(ef.optimizers.SGD(0.1, global_clipnorm=2.0), "mse")
    with viz.trace() as run:
        net.train_on_batch(numbers(4, 3), numbers(4, 1))
    test_boxes_arrows_and_their_colours(run, depth=1, unfolded=False, parts=False)
    assert any("global_clipnorm=2" in node.lines for node in graph(run).nodes.values())


@pytest.mark.parametrize("count", [1, 2, 3])
def test_penalties_of_several_layers_are_told_in_the_same_words_on_both_sides(count):
    inner = [layers.Dense(4 + i, kernel_regularizer="l2", name=f"layer_{i}") for i in range(count)]
    run = fitted(ef.Sequential([layers.Input((3,)), *inner, layers.Dense(1)]), numbers(4, 3), numbers(4, 1))[0]
    test_boxes_arrows_and_their_colours(run, depth=1, unfolded=False, parts=False)
    said = {line for node in graph(run, depth=1).nodes.values() for line in node.lines if line.startswith("reads ")}
    assert said == ({f"reads {count} weights"} if count > 1 else set())


def test_ops_outside_of_layers_say_whose_weight_they_read_and_parts_of_a_fused_op_whose_they_are():
    inner = [layers.Dense(4, kernel_regularizer="l2", name=f"layer_{i}") for i in range(2)]
    run = fitted(ef.Sequential([layers.Input((3,)), *inner]), numbers(4, 3), numbers(4, 4))[0]
    test_boxes_arrows_and_their_colours(run, depth=99, unfolded=True, parts=False)
    drawn = graph(run, depth=99, max_nodes=10**6, collapse_repeats=False)
    said = [node.lines for node in drawn.nodes.values() if node.title == "square"]
    assert [line for lines in said for line in lines if " of " in line] == ["kernel of layer_0", "kernel of layer_1"]
    both = ef.Sequential([layers.Input((4, 3)), layers.Bidirectional(layers.LSTM(2, name="lstm"))])
    run = fitted(both, numbers(2, 4, 3), numbers(2, 4))[0]
    test_boxes_arrows_and_their_colours(run, depth=99, unfolded=True, parts=True)
    drawn = graph(run, parts=True, max_nodes=10**6)
    assert [n.lines[0] for n in drawn.nodes.values() if n.title == "lstm"] == ["of forward_lstm", "of backward_lstm"]


def test_one_arrow_into_a_closed_layer_says_no_number_of_an_operand():
    inner = [layers.Dense(4, use_bias=False, name="plain"), layers.Dense(2)]
    run = fitted(ef.Sequential([layers.Input((3,)), *inner]), numbers(4, 3), numbers(4, 2))[0]
    test_boxes_arrows_and_their_colours(run, depth=1, unfolded=False, parts=False)
    drawn = graph(run, depth=1)
    (arrow,) = [e for e in drawn.edges if drawn.nodes[e.head].title == "plain" and e.kind == "data"]
    assert arrow.operand == ""
    drawn = graph(run)
    (arrow,) = [e for e in drawn.edges if drawn.nodes[e.head].title == "matmul" and e.kind == "data"]
    assert arrow.operand == "1"


def test_the_runs_have_what_is_compared():
    """Each kind of box is there in one run at least, and something is folded."""
    found = [graph(each(), depth=depth, max_nodes=10**6) for each in RUNS.values() for depth in (99, 1)]
    kinds = {node.kind for drawn in found for node in drawn.nodes.values()}
    assert {"op", "scope", "parameter", "update", "input"} <= kinds
    alone = [graph(each(), view="forward") for each in RUNS.values()]
    assert any(node.kind == "gradient" for drawn in alone for node in drawn.nodes.values())
    assert any(edge.operand for drawn in found for edge in drawn.edges)
    assert any(box_texts.FIRST in edge.label for drawn in found for edge in drawn.edges)
    assert any(edge.label == "state" for drawn in found for edge in drawn.edges)
    assert any("×" in each.title for drawn in found for each in drawn.clusters.values())
    again = {(n.kind, n.lane) for drawn in found for n in drawn.nodes.values() if box_texts.AGAIN in n.lines}
    assert {("op", "forward"), ("scope", "forward"), ("op", "backward")} <= again  # boxes of gradients are "op"
    assert {edge.kind for drawn in found for edge in drawn.edges} == {"data", "gradient", "parameter", "update", "link"}


def test_numbers_that_follow_each_other_are_ranges():
    cases = [([], 2), ([4], 2), ([1, 2], 2), ([1, 2], 3), ([1, 2, 4, 5, 6], 3), ([3, 7, 8, 9, 11, 12], 2)]
    found = run(["recording/formatting.js"], "return given.map(([numbers, least]) => ranges(numbers, least));", cases)
    assert found == [formatting.ranges(numbers, least=least) for numbers, least in cases]


@pytest.mark.parametrize(
    ("title", "cut"),
    [
        ("blocks[0] … blocks[3]  ×4", "blocks[0]…  ×4"),
        ("discriminator (call 2)", "discri… (call 2)"),
        ("discriminator (call 2)  ×3", "dis… (call 2)  ×3"),
        ("discriminator", "discriminat…"),
        ("discriminator (call 2)", "discr… (2)"),
        ("discriminator (calls 2–5)  ×3", "disc… (2–5)  ×3"),
        ("discriminator (call 2)", "dis… (2)"),
        ("discriminator (call 2)", "dis…"),
    ],
)
def test_of_a_title_that_is_cut_the_end_is_kept(title, cut):
    given = {"title": title, "width": 0}
    scripts = ["recording/formatting.js", "graph/sizes.js", "graph/titles.js"]
    program = "return shortened(given.title, textWidth(given.cut, 13, true) + 0.1, 13);"
    assert run(scripts, program, given | {"cut": cut}) == cut
