"""What NumPy computes under a tape has no gradient, and it is said where one is missing."""

import warnings

import numpy as np
import pytest

import eagerflow as ef

A = np.ones((4, 3), "float32")


class Foreign:
    """Multiplies by itself, with NumPy."""

    def __rmul__(self, other):
        return NotImplemented

    def times(self, other):
        return ef.Tensor(A * 2.0 @ np.asarray(other))


@pytest.mark.parametrize(
    "compute",
    [A.dot, lambda w: ef.Tensor(np.array(w * 2)), Foreign().times, lambda w: A.dot(w * 2.0)],
    ids=["dot", "array", "foreign", "dot of what was computed"],
)
def test_a_gradient_that_numpy_lost_is_told_with_the_place(compute):
    w = ef.Variable(np.ones((3, 2), "float32"))
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(ef.ops.convert_to_tensor(compute(w)))
    with pytest.warns(UserWarning, match=rf"a source has none. At {__file__}, line \d+ a tensor became"):
        assert tape.gradient(loss, w) is None


@pytest.mark.parametrize("reduce", [np.sum, np.mean, np.max, np.prod])
def test_a_reduction_of_a_list_by_numpy_is_told_at_once(reduce):
    """The rest of the loss has a gradient: nothing would be missing at the end."""
    w = ef.Variable(2.0)
    with ef.GradientTape() as tape:
        with pytest.warns(UserWarning, match="list of tensors.*no gradient flows through that"):
            penalty = reduce([w * w, w * 3.0])
        loss = w * 5.0 + penalty
    assert float(tape.gradient(loss, w)) == 5.0


def test_arrays_for_other_uses_are_left_alone():
    w, unused = ef.Variable(np.ones(3, "float32")), ef.Variable(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.sum([ef.Tensor(1.0), ef.Tensor(2.0)])
        with ef.GradientTape() as tape:
            np.random.default_rng(0).normal(np.squeeze(ef.ops.softmax(w)))
            loss = ef.ops.sum(w * np.sum([1.0, 2.0])) + np.sum(w)
        assert tape.gradient(loss, w).tolist() == [4.0] * 3
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(w) + w.numpy().sum()
        assert tape.gradient(loss, [w, unused])[1] is None
