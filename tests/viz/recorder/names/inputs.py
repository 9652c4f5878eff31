"""What pictures call the things that come from outside."""

from __future__ import annotations

import viz
from eagerflow import layers
from eagerflow.models import Sequential


def net(width=2):
    return Sequential([layers.Input((3,)), layers.Dense(width)])


def called(recording):
    """The names of the boxes of what comes from outside."""
    return sorted(node.title for node in recording.draw().graph.nodes.values() if node.kind == "input")


def run(call):
    with viz.trace() as t:
        call()
    return called(t)
