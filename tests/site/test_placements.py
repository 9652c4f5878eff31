"""Places in pictures that are kept between builds of the site."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
import viz
from tools.site.placements import kept
from viz.geometry import placement


def drawn(units):
    layer = ef.layers.Dense(units, name="dense")
    with viz.trace(time=False, memory=False, source=False) as recording, ef.GradientTape() as tape:
        tape.gradient(layer(np.ones((2, 3), "float32")), layer.weights)
    return recording.draw().svg


def test_a_picture_that_is_drawn_again_is_the_same_and_nothing_is_looked_for(tmp_path, monkeypatch):
    asked = []

    def best(graph, rankdir):
        asked.append(rankdir)
        return found(graph, rankdir)

    found = placement._placed
    plain = drawn(4)
    for _ in range(2):  # two builds
        placement._known.clear()
        monkeypatch.setattr(placement, "_placed", kept(best, tmp_path))
        assert drawn(4) == plain
    assert asked == ["TB"]
    drawn(4096)  # another text in a box
    assert asked == ["TB", "TB"]
    assert len(list(tmp_path.iterdir())) == 2
