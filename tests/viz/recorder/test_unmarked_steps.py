"""A loop of one's own that doesn't mark its steps is told so, where there are several in one recording."""

from __future__ import annotations

import contextlib

import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from viz import page


def traced(rounds, optimizers=1, marked=False):
    """A recording of a loop in which each optimizer updates weights of its own, once in a round."""
    weights = [ef.Variable([1.0, 2.0], name=f"w{i}") for i in range(optimizers)]
    of_each = [ef.optimizers.SGD(0.1) for _ in weights]
    with viz.trace() as t:
        for _ in range(rounds):
            with viz.step() if marked else contextlib.nullcontext():
                for weight, optimizer in zip(weights, of_each):
                    with ef.GradientTape() as tape:
                        loss = ops.sum(weight**2)
                    optimizer.apply(tape.gradient(loss, [weight]), [weight])
    return t


def test_several_updates_without_a_mark_are_counted_in_a_note_a_picture_and_the_page():
    t = traced(3)
    (note,) = t.notes
    assert note.startswith("sgd updated weights 3 times, and no step is marked")
    words = "3 updates: mark steps with viz.step"
    assert words in t.draw().graph.caption
    data = page.data(t)
    ((_, view),) = data["views"]
    assert words in data["texts"][view["caption"]]


@pytest.mark.parametrize("about", [{"rounds": 1}, {"rounds": 1, "optimizers": 2}, {"rounds": 3, "marked": True}])
def test_one_round_and_marked_steps_get_no_note(about):
    t = traced(**about)
    assert t.notes == []
    assert "updates" not in t.draw().graph.caption
