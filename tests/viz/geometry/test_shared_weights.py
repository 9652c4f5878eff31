"""Networks that run twice stand side by side: the arrows of their weights, and to what updates these, are short."""

from __future__ import annotations

from tests.viz.picture.architectures import ALL
from viz.geometry.frame_links import with_same_weights
from viz.geometry.graph import Edge, Graph, Node
from viz.geometry.layer_order import Link, depths
from viz.geometry.placement import place


def test_both_calls_of_each_network_of_a_gan_stand_side_by_side():
    graph = ALL["gan"]()[0].draw().graph
    placed = place(graph)
    frames = {frame.title: placed.layout.frames[id_] for id_, frame in graph.clusters.items()}
    for name in ("generator", "discriminator"):
        first, second = frames[name], frames[f"{name} (call 2)"]
        assert second.x > first.x + first.w
        assert abs(first.middle[1] - second.middle[1]) < 20
    assert placed.area.h < 1500  # it took 1634


def test_a_later_call_is_not_above_the_first_one():
    links = [Link(0, 1), Link(1, 2), Link(3, 4)]
    assert depths([False] * 5, links) == [0, 1, 2, 0, 1]
    assert depths([False] * 5, links, [(2, 3)]) == [0, 1, 2, 2, 3]


def test_units_share_weights_that_one_reads_or_updates():
    nodes = [Node("w", "parameter", "w"), Node("u", "update", "u", lane="update"), Node("a", "op", "a")]
    graph = Graph(nodes={node.id: node for node in nodes} | {"b": Node("b", "op", "b")})
    graph.edges = [Edge("w", "a", "parameter"), Edge("b", "u", "gradient"), Edge("a", "b", "data")]
    assert with_same_weights(graph, [["w", "u"], ["a"], ["b"]]) == [(0, 1), (0, 2)]
