"""Equal parts that are drawn once begin where the blocks of the network begin."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.facts.blocks import all_blocks, tree
from viz.facts.folding.runs import fold
from viz.facts.selection import Selection


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
