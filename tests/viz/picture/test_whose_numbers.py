"""Boxes say whose their numbers are.

An update that ran as one pass over all weights has no time per weight: what boxes show is a share. And those that stand
for several equal ones tell the numbers of all of these together.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core import observe
from tests.viz.nets import Trainer, mlp
from viz.facts.selection import update_passes


@pytest.fixture(scope="module")
def trained():
    trainer = Trainer(mlp("net", 2), ef.optimizers.Adam(0.01))
    trainer.step()
    with viz.trace() as t:
        trainer.step()
    return t


def costs(recording, **options):
    """What the boxes of updates say."""
    nodes = recording.draw(**options).graph.nodes.values()
    return [(node.lines[-1], node.tooltip) for node in nodes if node.kind == "update"]


def test_parts_of_a_pass_are_known_by_their_times(trained):
    (ran,) = update_passes(trained)
    assert [trained.ops[i].name for i in ran] == ["adam_update"] * 6


def test_boxes_of_single_weights_show_a_share(trained):
    found = costs(trained)
    assert len(found) == 3
    for text, tooltip in found:
        assert re.fullmatch(r"2 ops · .+ \(share\)", text)
        assert "in one pass: this is a share of its time" in tooltip


def test_the_box_of_the_whole_pass_shows_its_time(trained):
    ((text, tooltip),) = costs(trained, depth=0)
    assert re.fullmatch(r"6 ops · [^()]+", text)
    assert "in one pass" not in tooltip


def test_updates_that_were_measured_one_by_one_are_no_shares():
    weights = [ef.Variable([1.0, 2.0], name=name) for name in ("a", "b")]
    with viz.trace() as t, observe.scope("optimizer", "by hand"):
        for weight in weights:
            weight.assign_add(ef.ops.ones(2))
    assert [op.phase for op in t.ops if op.name == "assign_add"] == ["update", "update"]
    assert update_passes(t) == []


@pytest.fixture(scope="module")
def equal():
    """A training step of four equal layers between two others."""
    model = ef.Sequential([layers.Dense(6, name="first", activation="relu"), *[layers.Dense(6) for _ in range(4)]])
    model.add(layers.Dense(2, name="last"))
    model.compile("adam", "mse")
    x, y = np.ones((3, 5), "float32"), np.ones((3, 2), "float32")
    model.train_on_batch(x, y)
    with viz.trace() as recording:
        model.train_on_batch(x, y)
    return recording


def told(graph) -> dict[str, list[str]]:
    """For each frame of a layer, what it and the boxes in it say that is no shape."""
    found = {}
    for frame in graph.clusters.values():
        boxes = [node for node in graph.nodes.values() if node.cluster == frame.id]
        found[frame.title] = [frame.subtitle, *[node.lines[-1] for node in boxes]]
    return found


def test_all_numbers_of_a_folded_frame_are_said_to_be_together(equal):
    frames = told(equal.draw().graph)
    (title,) = [title for title in frames if "×4" in title]
    assert "168 parameters together" in frames[title][0]
    assert all(said.endswith(" together") for said in frames[title])
    assert any("672 B together" in said for said in frames[title])
    assert not any("together" in said for name in ("first", "last") for said in frames[name])
