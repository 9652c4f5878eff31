"""Layers that read the same and lead to different places have a box each: one wouldn't say which leads where."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from eagerflow import layers, ops


def drawn(run):
    with viz.trace() as t:
        run()
    return t.draw().graph


def frames(graph):
    return [frame.title for frame in graph.clusters.values()]


def heads(projections, x):
    """What each projection makes of `x`, with an axis for two heads."""
    return [ops.transpose(ops.reshape(layer(x), (2, 5, 2, 4)), (0, 2, 1, 3)) for layer in projections]


def projected():
    x = ef.Tensor(np.ones((2, 5, 8), "float32"))
    found = [layers.Dense(8, name=name) for name in ("query", "key", "value")]
    for layer in found:
        layer.build((2, 5, 8))
    return found, x


def test_query_key_and_value_of_an_attention_written_by_hand():
    projections, x = projected()

    def attend():
        q, k, v = heads(projections, x)
        scores = ops.softmax(ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))))
        return ops.matmul(scores, v)

    graph = drawn(attend)
    assert frames(graph)[:3] == ["query", "key", "value"]
    assert [node.title for node in graph.nodes.values()].count("reshape") == 3
