"""A recording of a loop of one's own has the losses of its steps, as it has those that `fit` reports."""

from __future__ import annotations

import json

import numpy as np

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.recorder.loops import test_own_steps as loops
from viz import page
from viz.facts.overview import overview


def told(t: viz.Recording) -> list[tuple[str, int, dict[str, float]]]:
    return [(log.kind, log.step, log.values) for log in t.logs]


def test_each_step_has_the_number_whose_gradient_was_asked_by_its_name():
    seen = []
    weight = ef.Variable([3.0, 1.0])
    with viz.trace() as t:
        for _ in range(3):
            with ef.GradientTape() as tape:
                error = ops.sum(weight**2)
            weight.assign_sub(0.1 * tape.gradient(error, weight))
            seen.append(float(error))
    assert told(t) == [("step", i, {"error": seen[i]}) for i in range(3)]
    assert [log.time for log in t.logs] == [step.end for step in t.steps]


def test_chosen_steps_keep_their_numbers_and_losses_of_one_name_are_told_apart():
    with viz.trace(steps=(1, 3)) as t:
        loops.gan(4)
    assert [(kind, step, list(values)) for kind, step, values in told(t)] == [
        ("step", 1, ["value", "value 2"]),
        ("step", 3, ["value", "value 2"]),
    ]


def test_batches_whose_gradients_are_summed_have_their_mean():
    weight, seen = ef.Variable([3.0, 1.0]), []
    optimizer = ef.optimizers.SGD(0.1)
    with viz.trace() as t:
        for _ in range(2):
            total = 0.0
            for scale in (1.0, 2.0):
                with ef.GradientTape() as tape:
                    loss = ops.sum(scale * weight**2)
                seen.append(float(loss))
                total = total + tape.gradient(loss, weight)
            optimizer.apply([total], [weight])
    np.testing.assert_allclose([values["loss"] for _, _, values in told(t)], [sum(seen[:2]) / 2, sum(seen[2:]) / 2])


def test_two_recordings_are_compared_by_them():
    def run(rate):
        ef.utils.set_random_seed(1)
        with viz.trace() as t:
            weight = ef.Variable([3.0, 1.0])
            for _ in range(16):
                with ef.GradientTape() as tape:
                    loss = ops.sum(weight**2)
                weight.assign_sub(rate * tape.gradient(loss, weight))
        return t

    difference = viz.diff(run(0.1), run(0.01))
    (verdict,) = difference.check("loss>10%")
    assert verdict.failed
    assert "reported last:\n  loss  0.01238" in str(difference)


def test_the_course_stands_in_tables_on_the_page_and_in_files(tmp_path):
    with viz.trace() as t:
        loops.by_hand(6)
    (course,) = overview(t)["course"]
    assert (course["name"], course["by"], course["count"]) == ("loss", "step", 6)
    assert [log[:2] for log in json.loads(json.dumps(page.data(t)["logs"]))] == [["step", i] for i in range(6)]
    t.save(tmp_path / "t.efz")
    assert told(viz.load(tmp_path / "t.efz")) == told(t)
