"""Objects of other libraries with `__eagerflow_tensor__()` may stand wherever a tensor may."""

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import ops


class Weight:
    """As another library keeps a weight; NumPy can read it, too."""

    def __init__(self, values):
        self.held = ef.Variable(values)

    def __eagerflow_tensor__(self):
        return self.held

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.held, dtype)


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda t, w: t * w, [3.0, 4.0]),
        (lambda t, w: t - ops.square(w), [-2.0, -4.0]),
        (lambda t, w: t @ w, [3.0, 4.0]),
        (lambda t, w: ops.stack([t, w, w]), [2.0, 2.0]),
        (lambda t, w: ef.Tensor([[1.0, 2.0], w]) * 3.0, [3.0, 3.0]),
        (lambda t, w: ef.convert_to_tensor(w) * 2.0, [2.0, 2.0]),
        (lambda t, w: ef.Tensor(w) * 2.0, [2.0, 2.0]),
        (lambda t, w: ops.where(t > 3.5, w, t), [0.0, 1.0]),
        (lambda t, w: ops.logsumexp(w), [0.26894142, 0.7310586]),
    ],
)
def test_gradients_flow_to_their_tensors(loss, expected):
    t, w = ef.Tensor([3.0, 4.0]), Weight([1.0, 2.0])
    with ef.GradientTape() as tape:
        value = ops.sum(loss(t, w))
    np.testing.assert_allclose(tape.gradient(value, w), expected, rtol=1e-6)


def test_tapes_watch_them_and_give_gradients_in_their_structure():
    w = Weight([1.0, 2.0])
    w.held.trainable = False
    with ef.GradientTape() as tape:
        tape.watch(w)
        value = ops.sum(w.held * w.held)
    assert tape.gradient(value, {"w": w, "same": w.held})["w"].tolist() == [2.0, 4.0]


def test_types_are_those_of_tensors():
    w = Weight([1.0, 2.0])
    assert ef.convert_to_tensor(w) is w.held
    assert ef.convert_to_tensor(w, "float16").dtype == "float16"
    assert ef.Tensor([w, w], dtype="float64").dtype == "float64"
    assert ops.shape(ops.concatenate([w, w])) == (4,)
