"""What a metric computes for its result, asked for outside of `fit`, is a part of the metric's box."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers

GIVEN = np.linspace(0, 1, 24, dtype="float32").reshape(4, 6)
LABELS = (GIVEN > 0.4).astype("float32")


@pytest.fixture
def recording():
    metric, layer = ef.metrics.BinaryIoU(target_class_ids=[1], name="overlap"), layers.Dense(6, activation="sigmoid")
    metric.update_state(LABELS, layer(GIVEN))
    with viz.trace() as t:
        metric.update_state(LABELS, layer(GIVEN))
        float(metric.result())
    return t


def test_it_is_one_box_with_what_takes_in_a_batch(recording):
    boxes = [node for node in recording.draw().graph.nodes.values() if node.phase == "metric"]
    assert [box.title for box in boxes] == ["overlap"]
    assert any("read by Python" in line for line in boxes[0].lines)


def test_opened_it_shows_what_was_gathered_by_its_name(recording):
    graph = recording.draw(depth=9).graph
    states = [node for node in graph.nodes.values() if node.kind == "parameter" and node.phase == "state"]
    assert [(state.title, graph.clusters[state.cluster].title) for state in states] == [
        ("total_confusion_matrix", "overlap")
    ]
    assert not [node for node in graph.nodes.values() if node.title == "input"]


def test_a_result_alone_is_a_box_of_its_metric():
    metric = ef.metrics.BinaryIoU(name="overlap")
    metric.update_state(LABELS, GIVEN)
    with viz.trace() as t:
        metric.result()
    assert [node.title for node in t.draw().graph.nodes.values()] == ["overlap result"]
