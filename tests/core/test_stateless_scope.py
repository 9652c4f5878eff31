"""Variables with other values for a while."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow.core.stateless_scope import StatelessScope


def test_values_and_assignments_end_with_the_block():
    a, b, c = ef.Variable(1.0), ef.Variable(2.0), ef.Variable(3.0)
    with StatelessScope([(a, 10.0)]) as scope:
        assert float(a * b) == 20.0
        b.assign_add(1.0)
        scope.add_update((a, 7.0))
        assert float(a) == float(scope.get_current_value(a)) == 7.0
        assert float(scope.get_current_value(b)) == 3.0
    assert [float(v) for v in (a, b, c)] == [1.0, 2.0, 3.0]
    assert [float(scope.get_current_value(v)) for v in (a, b)] == [7.0, 3.0]
    assert scope.get_current_value(c) is None


def test_gradients_flow_to_the_values_given():
    variable, value = ef.Variable(1.0), ef.Variable(3.0)
    with ef.GradientTape() as tape, StatelessScope([(variable, value)]):
        y = variable * variable
    assert float(tape.gradient(y, value)) == 6.0


def test_an_error_inside_restores_the_values():
    variable = ef.Variable(1.0)
    with pytest.raises(ValueError, match="expected shape"), StatelessScope([(variable, 2.0)]):
        variable.assign([3.0, 4.0])
    assert float(variable) == 1.0


def test_losses_added_inside_are_collected():
    layer = ef.layers.ActivityRegularization(l1=1.0)
    for collected in (True, False):
        with StatelessScope(collect_losses=collected) as scope:
            layer(ef.ops.ones((1, 3)))
        assert [float(x) for x in scope.losses] == [3.0] * collected


def test_what_is_refused():
    with pytest.raises(TypeError, match="expected variables"):
        StatelessScope([(1.0, 2.0)])
    with pytest.raises(ValueError, match=r"has shape \(\); got"):
        StatelessScope([(ef.Variable(1.0), [1.0, 2.0])])
