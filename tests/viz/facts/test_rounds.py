"""Loops of one's own: what is drawn once, or unfolded in groups, are whole rounds from the loop's first line on."""

from __future__ import annotations

import eagerflow as ef
import viz
from eagerflow import layers, ops
from viz import page
from viz.facts.blocks import all_blocks, tree
from viz.facts.folding.runs import find_runs
from viz.facts.selection import Selection
from viz.picture.graph_builder import graph


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
