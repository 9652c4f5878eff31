"""A metric that counts with NumPy is seen to read the predictions, although no op does."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.geometry.layout import arrange

METRICS = {
    "AUC": ef.metrics.AUC,
    "Precision": ef.metrics.Precision,
    "MeanIoU": lambda: ef.metrics.MeanIoU(2, sparse_y_pred=False, sparse_y_true=True),
}


def recorded(metric, activation="sigmoid", units=1):
    model = ef.Sequential([layers.Dense(units, activation=activation, name="out")], name="net")
    model.compile("sgd", "mse", metrics=[metric])
    x, y = np.ones((4, 3), "float32"), np.array([[0.0], [1.0], [1.0], [0.0]], "float32")
    model.train_on_batch(x, y)
    with viz.trace() as t:
        model.train_on_batch(x, y)
    return t


@pytest.mark.parametrize("metric", METRICS)
def test_predictions_lead_to_the_metric(metric):
    t = recorded(METRICS[metric](), units=1)
    (made,) = [op.outputs[0] for op in t.ops if op.name == "sigmoid" and op.phase == "forward"]
    scopes = [scope.id for scope in t.scopes if scope.kind == "metric" and made in scope.inputs]
    readers = [op for op in t.ops if made in op.inputs and op.phase == "metric"]
    assert scopes
    assert [any(scope.id in scopes for scope in t.ancestors(op.scope)) for op in readers] == [True]
    graph = t.draw().graph
    (box,) = [node.id for node in graph.nodes.values() if node.phase == "metric"]
    assert [graph.nodes[edge.tail].title for edge in graph.edges if edge.head == box].count("sigmoid") == 1


def test_a_metric_called_as_its_class_says_so_once():
    graph = recorded("AUC").draw().graph
    (box,) = [node for node in graph.nodes.values() if node.phase == "metric"]
    assert box.title == "AUC"
    assert "AUC" not in box.lines


def test_a_metric_stands_on_the_side_where_what_it_reads_is_made():
    given = ef.Input((3,))
    hidden = layers.Dense(4)(given)
    units = {"left": 1, "middle": 2, "right": 3}
    outputs = {name: layers.Dense(n, activation="sigmoid", name=name)(hidden) for name, n in units.items()}
    model = ef.Model(given, outputs, name="net")
    losses = dict.fromkeys(outputs, "mse")
    model.compile("sgd", losses, metrics={name: [ef.metrics.AUC(name=f"auc_{name}")] for name in ("left", "right")})
    x, y = np.ones((4, 3), "float32"), {name: np.ones((4, n), "float32") for name, n in units.items()}
    with viz.trace() as t:
        model.train_on_batch(x, y)
    graph = t.draw().graph
    layout = arrange(graph)
    at = {node.title: layout.nodes[node.id].middle[0] for node in graph.nodes.values() if node.phase == "metric"}
    frames = {frame.title: layout.frames[frame.id].middle[0] for frame in graph.clusters.values()}
    assert (at["auc_left"] < at["auc_right"]) == (frames["left"] < frames["right"])
    middle = frames["net"]
    assert min(at.values()) < middle < max(at.values())


def test_a_metric_is_announced_once():
    """When it is called, and when it calls what its base class does."""

    class Twice(ef.metrics.Mean):
        def update_state(self, values, sample_weight=None):
            super().update_state(2 * values, sample_weight)

    metric = Twice(name="twice")
    with viz.trace() as t:
        metric(ef.ops.ones((3,)))
        metric.update_state(ef.ops.ones((3,)))
    assert [scope.kind for scope in t.scopes] == ["metric", "metric"]
    with viz.trace() as t, pytest.raises((TypeError, ValueError)):
        metric.update_state("words")
    with viz.trace() as t:
        metric.update_state(ef.ops.ones((3,)))  # after one that failed, too
    assert [scope.kind for scope in t.scopes] == ["metric"]
