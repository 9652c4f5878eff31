"""Groups of neighbours, for what has too many parts to look at."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page
from viz.facts.blocks import Block, all_blocks, tree
from viz.facts.folding.grouping import grouped, groups
from viz.facts.folding.runs import find_runs, fold
from viz.facts.schema import Frame, Op, Record, Scope
from viz.facts.selection import Selection
from viz.picture.graph_builder import graph


def record_of(lines: str) -> Record:
    """An op for each letter, from the line of that letter; capitals are of a function of their own."""
    frames = {c: Frame("net.py", ord(c), "other" if c.isupper() else "call") for c in set(lines)}
    return Record(ops=[Op(i, "exp", stack=(frames[c],)) for i, c in enumerate(lines)])


def names(lines: str, most: int, least: int = 1) -> list[tuple[str, int]]:
    record = record_of(lines)
    return [(name, len(group)) for name, group in groups(record, list(range(len(lines))), most, least)]


def test_neighbours_from_the_same_line_belong_together():
    assert names("aaabbbba", 3) == [("net.py:97", 3), ("net.py:98", 4), ("net.py:97", 1)]


def test_where_there_are_too_many_lines_functions_count():
    assert names("abcdABCDab", 3) == [("call in net.py", 4), ("other in net.py", 4), ("call in net.py", 2)]


def test_what_is_all_from_one_line_is_divided_into_parts():
    assert names("a" * 10, 4) == [("part 1 of 4", 3), ("part 2 of 4", 3), ("part 3 of 4", 3), ("part 4 of 4", 1)]
    assert [count for _, count in names("a" * 10, 4, least=6)] == [6, 4]


def test_parts_are_called_by_their_first_and_last_layers():
    record = Record()
    children = [Block(f"layer_{i}", Scope(i, "layer", f"layer_{i}")) for i in range(6)]
    found = grouped(record, children, 2)
    assert [block.title for block in found] == ["layer_0 … layer_2", "layer_3 … layer_5"]
    assert all(block.is_group for block in found)


def groups_of(*files: str) -> list[str]:
    ops = [Op(i, "exp", stack=(Frame(file, 7 + i, "step"),)) for i, file in enumerate(files)]
    return [name for name, _ in groups(Record(ops=ops), list(range(len(ops))), len(ops))]


def test_groups_are_called_by_files_without_the_folders_that_lie_elsewhere():
    assert groups_of("/home/me/a b/train.py", r"C:\work\net.py") == ["train.py:7", "net.py:8"]
    assert groups_of("models/net.py", "train.py") == ["models/net.py:7", "train.py:8"]


def parts(inputs, outputs) -> list[tuple[int, list[str]]]:
    """Of each folded run, how many parts it stands for, and the names of the layers in the first."""
    model = ef.Model(inputs, outputs)
    with viz.trace() as recording:
        model(np.zeros((1, *inputs.shape[1:]), "float32"))
    selection = Selection(recording, None, backward=False)
    root = tree(recording, selection.forward)
    fold(recording, root, selection.signature, selection.wiring())
    runs = [block for block in all_blocks(root) if block.repeats > 1]
    return [(run.repeats, [child.title for child in run.children if not isinstance(child, int)]) for run in runs]


def scaled(name: str, x, is_last: bool = False):
    x = layers.Dense(8, name=f"{name}_dense")(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return x if is_last else layers.ReLU(name=f"{name}_relu")(x)


def residual(name: str, x, projects: bool):
    """A block of a ResNet, of which the first changes the width."""
    shortcut = layers.Dense(8, name=f"{name}_shortcut")(x) if projects else x
    x = scaled(f"{name}_1", x)
    x = scaled(f"{name}_2", x, is_last=True)
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


@pytest.mark.parametrize("blocks", [3, 4])
def test_a_residual_block_is_folded_from_where_its_shortcut_leaves(blocks):
    x = inputs = layers.Input((3,))
    for i in range(blocks):
        x = residual(f"block{i}", x, projects=i == 0)
    last = ["1_dense", "1_norm", "1_relu", "2_dense", "2_norm", "add", "out"]
    assert parts(inputs, layers.Dense(2)(x)) == [(blocks - 1, [f"block1_{name}" for name in last])]


def test_branches_that_come_together_are_folded_from_where_they_part():
    x = inputs = layers.Input((3,))
    for i in range(4):
        wide = layers.Dense(4, name=f"block{i}_wide")(x)
        deep = layers.Dense(4, activation="relu", name=f"block{i}_deep")(x)
        deep = layers.Dense(4, name=f"block{i}_deeper")(deep)
        x = layers.Concatenate(name=f"block{i}_joined")([wide, deep])
    assert parts(inputs, x) == [(3, [f"block1_{name}" for name in ("wide", "deep", "deeper", "joined")])]


def test_a_row_that_ends_too_soon_is_folded_all_the_same():
    x = inputs = layers.Input((3,))
    for i in range(4):
        x = scaled(f"layer{i}", x)
    assert [count for count, _ in parts(inputs, layers.Dense(8)(x))] == [4]


class Recurrent(ef.Model):
    def __init__(self):
        super().__init__(name="recurrent")
        self.inp, self.rec = layers.Dense(4, name="inp"), layers.Dense(4, use_bias=False, name="rec")

    def call(self, x):
        h = ops.zeros((x.shape[0], 4))
        for i in range(x.shape[1]):
            h = ops.tanh(self.inp(x[:, i]) + self.rec(h))
        return h


def of_rounds(count: int) -> viz.Recording:
    model = Recurrent()
    with viz.trace("rounds") as t:
        x = ops.ones((2, count, 3))
        with ef.GradientTape() as tape:
            loss = ops.mean(model(x))
        tape.gradient(loss, model.trainable_variables)
    return t


def test_a_run_begins_with_the_loop_though_its_first_round_gives_no_gradient_to_the_state():
    selection = Selection(of_rounds(6), None, True)
    root = tree(selection.record, selection.forward)
    find_runs(root, selection.signature, selection.wiring())
    (block,) = [each for each in all_blocks(root) if each.runs]
    ((at, period, count),) = block.runs
    names = [
        selection.record.ops[child].name if isinstance(child, int) else child.scope.shown for child in block.children
    ]
    assert (at, period, count) == (5, 5, 5)
    assert names[at : at + period] == names[:at] == ["take_index", "inp", "rec", "add", "tanh"]


def unfolded(count: int) -> list[list[str]]:
    """What the page shows of the unfolded loop: titles of groups, then of what is in the first of them, and so on."""
    data = page.data(of_rounds(count))
    ((_, view),) = data["views"]
    blocks = view["tree"]["blocks"]
    kinds, titles = ([data["texts"][each] for each in blocks[name]] for name in ("kind", "title"))
    found, inner = [], [-child for child in blocks["children"][kinds.index("run")]]
    while all(child > 0 and kinds[child] == "group" for child in inner):
        found.append([titles[child] for child in inner])
        inner = [-child for child in blocks["children"][inner[0]]]
    assert len(inner) == 5  # a round
    return found


def test_a_long_loop_is_unfolded_by_its_rounds():
    assert unfolded(12) == [[f"round {i}" for i in range(2, 13)]]


def test_a_very_long_loop_is_unfolded_by_rounds_in_groups():
    groups, rounds = unfolded(100)
    assert (groups[0], groups[-1], len(groups)) == ("rounds 2–4", "rounds 98–100", 33)
    assert rounds == ["round 2", "round 3", "round 4"]


def drawn(count: int) -> list[str]:
    """The boxes of a picture of the unfolded loop, but for those of gradients."""
    made = graph(of_rounds(count), collapse_repeats=False, max_nodes=40)
    return [node.title for node in made.nodes.values() if node.title.startswith("round")]


def test_pictures_of_an_unfolded_loop_close_whole_rounds_of_it():
    assert drawn(12) == [f"round {i}" for i in range(2, 13)]
    assert drawn(60)[:2] == ["rounds 2–3", "rounds 4–5"]
