"""How recurrent kernels lay out sequences, and cut them."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from eagerflow.kernels.recurrent.sequences import batch_first, one_below_the_other, steps_at_once, steps_together

LENGTHS = st.integers(0, 7)


@pytest.mark.parametrize(
    ("shape", "length"), [((200, 32, 32), 50), ((200, 16, 8), 200), ((100, 128, 32), 25), ((9, 40, 600), 2)]
)
def test_blocks_of_usual_sequences(shape, length):
    assert steps_at_once(*shape) == length


@given(LENGTHS, LENGTHS, LENGTHS, LENGTHS)
def test_layouts(steps, rows, batch, more):
    a = np.random.default_rng(0).normal(size=(steps, rows, batch))
    other = np.random.default_rng(1).normal(size=(steps, batch, more))
    np.testing.assert_array_equal(batch_first([a], 2.0), a.transpose(2, 0, 1) * 2)
    np.testing.assert_array_equal(steps_together("test", [a]), a.transpose(1, 0, 2).reshape(rows, steps * batch))
    both = np.concatenate([a.swapaxes(1, 2), other], axis=2).reshape(steps * batch, rows + more)
    np.testing.assert_array_equal(one_below_the_other("test", [[a.swapaxes(1, 2)], [other]]), both)


def test_strips_of_a_batch_lie_beside_each_other():
    a = np.random.default_rng(0).normal(size=(5, 3, 8))
    strips = [a[..., :4], a[..., 4:]]
    np.testing.assert_array_equal(batch_first(strips), batch_first([a]))
    np.testing.assert_array_equal(steps_together("test", strips), a.transpose(1, 0, 2).reshape(3, 40))
    turned_strips = [strip.swapaxes(1, 2) for strip in strips]
    both = one_below_the_other("test", [[a.swapaxes(1, 2)], turned_strips])
    np.testing.assert_array_equal(both, np.concatenate([a, a], axis=1).swapaxes(1, 2).reshape(40, 6))
