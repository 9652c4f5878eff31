"""The doctor and the search for NaN call steps by the numbers that recordings have for them."""

from __future__ import annotations

import pytest

from eagerflow.core import observe
from tests.viz.recorder.loops.test_own_steps import by_hand, captured, gan, gan_of_two_tapes, plain
from viz.recorder.step_count import StepCount


class Counting(observe.Observer):
    """What hears what the doctor hears."""

    def __init__(self):
        self.steps, self.seen = StepCount(), []

    def on_op(self, op, inputs, settings, outputs, started, ended, error=None):
        if not self.steps.begun:
            self.steps.on_op(outputs)
        self.seen.append(self.steps.running(outputs))

    def on_gradient(self, targets, sources, results):
        self.steps.on_gradient(sources)

    def on_scope_begin(self, scope):
        self.steps.on_scope_begin(scope)

    def on_scope_end(self, scope, outputs, error=None):
        self.steps.on_scope_end(scope)


@pytest.mark.parametrize("loop", [plain, by_hand, gan, gan_of_two_tapes, captured], ids=lambda loop: loop.__name__)
def test_ops_of_a_loop_are_of_the_steps_of_its_recording(loop):
    counting = Counting()
    with observe.observing(counting):
        loop(5)
    assert {number for number in counting.seen if number is not None} == set(range(5))
