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


def test_operands_of_an_attention_that_is_one_op_are_one_arrow_that_counts_them():
    projections, x = projected()
    graph = drawn(lambda: ops.dot_product_attention(*heads(projections, x)))
    assert frames(graph)[0] == "query … value  ×3, side by side"
    (into,) = [e for e in graph.edges if graph.nodes[e.head].title == "dot_product_attention"]
    assert into.label == "2×2×5×4 f32  ×3"


def test_those_that_are_joined_again_still_share_one():
    projections, x = projected()
    graph = drawn(lambda: ops.concatenate([layer(x) for layer in projections]))
    assert frames(graph) == ["query … value  ×3, side by side"]


def test_and_those_whose_results_nobody_reads():
    projections, x = projected()
    assert frames(drawn(lambda: [layer(x) for layer in projections])) == ["query … value  ×3, side by side"]
