"""Bytes that ops made: the same in all tables, in the picture and in the page."""

from __future__ import annotations

import json

import numpy
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from viz.compare.step_figures import figures_of
from viz.facts.digest.made import Made
from viz.facts.tables.summary import rows
from viz.facts.tables.top import top_rows
from viz.page.data import data

ROWS, WIDTH = 32, 64
NEW = ROWS * WIDTH * 4


def made_by_op(recording):
    made = Made(recording)
    return [(op.name, made.by(op)) for op in recording.ops]


def test_views_and_casts_to_the_same_type_make_nothing():
    x = ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))
    with viz.trace() as t:
        y = ops.exp(x)
        z = ops.reshape(ops.cast(y, "float32"), (WIDTH, ROWS))
        ops.transpose(z)
        ops.sum(y, axis=0)
    found = made_by_op(t)
    assert found[0] == ("exp", NEW)
    assert found[-1] == ("sum", WIDTH * 4)
    assert {size for _, size in found[1:-1]} == {0}


def test_a_part_of_a_new_array_counts_as_the_array_that_is_kept():
    with viz.trace() as t:
        kept = ops.get_item(ops.exp(ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))), 0)
    assert dict(made_by_op(t))["exp"] == NEW
    assert sum(size for _, size in made_by_op(t)) == NEW
    assert kept.shape == (WIDTH,)


def test_without_recorded_memory_sizes_stand_for_it():
    with viz.trace(memory=False) as t:
        ops.reshape(ops.exp(ef.Tensor(numpy.ones((ROWS, WIDTH), "float32"))), (-1,))
    assert [size for _, size in made_by_op(t)] == [NEW, NEW]


@pytest.fixture(scope="module")
def trained():
    x = numpy.random.default_rng(0).normal(size=(2 * ROWS, 8, 8)).astype("float32")
    dense = [ef.layers.Dense(16, activation="relu"), ef.layers.BatchNormalization(), ef.layers.Dense(3)]
    model = ef.Sequential([ef.layers.Flatten(), *dense])
    model.compile("sgd", ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    with viz.trace() as t:
        model.fit(x, numpy.arange(2 * ROWS) % 3, batch_size=ROWS, epochs=1, verbose=0)
    return t


def test_tables_page_and_difference_say_the_same(trained, tmp_path):
    made = Made(trained)
    whole = made.by_all(trained.ops)
    for by in ("layer", "name", "source", "memory"):
        assert sum(row["memory"] for row in top_rows(trained, by, 1000)) == whole
    assert sum(data(trained)["ops"]["made"]) == whole
    trained.to_perfetto(tmp_path / "t.json")
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert sum(event["args"]["bytes"] for event in events if "in" in event.get("args", {})) == whole
    a_step = made.by_all(op for op in trained.ops if op.step == 1)
    assert figures_of(trained, frozenset([1])).exact["memory"] == a_step
    layers = viz.diff(trained, trained).layers
    assert sum(cost.memory_b for cost in layers) == whole


def test_a_layer_that_gives_a_view_makes_no_activations(trained):
    found = [(row.name.strip(), row.activations) for row in rows(trained)]
    assert [made for name, made in found if name.startswith("flatten")] == [0]
    assert [made for name, made in found if name.startswith("dense")] == [ROWS * 16 * 4, ROWS * 3 * 4]
