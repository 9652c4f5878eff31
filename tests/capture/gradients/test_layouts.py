"""Rules of arrays that have gaps in memory are computed a second time on arrays with the same gaps."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers
from eagerflow.capture.backward import _copied
from tests.capture.steps import bits

LAYOUTS = {
    "rows": lambda a: a,
    "columns": lambda a: a.T,
    "a part of each row": lambda a: a[:, :3],
    "every second row": lambda a: a[::2],
    "backwards": lambda a: a[::-1, ::-2],
    "broadcast": lambda a: np.broadcast_to(a[:, None], (4, 5, 6)),
    "broadcast with gaps": lambda a: np.broadcast_to(a[::2, None, 1:4], (2, 5, 3)),
    "other axes": lambda a: a.reshape(2, 2, 6)[:, :1].transpose(2, 0, 1),
    "empty": lambda a: a[:0, ::2],
    "one number": lambda a: a[1, 1:2],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_copy_lies_in_memory_as_the_array_does(name):
    array = LAYOUTS[name](np.arange(24.0).reshape(4, 6))
    copy = _copied(array)
    assert not np.shares_memory(copy, array)
    assert (copy.shape, copy.dtype, copy.tolist()) == (array.shape, array.dtype, array.tolist())
    if array.size:
        longer = [i for i, n in enumerate(array.shape) if n > 1]
        assert [copy.strides[i] for i in longer] == [array.strides[i] for i in longer]


def test_a_convolution_of_each_step_of_a_recurrent_one_is_captured():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 8, 3, 5, 5, 1)).astype("float32")
    found = []
    for captures in (False, True):
        ef.utils.set_random_seed(3)
        recurrent = layers.ConvLSTM2D(2, 3, padding="same", return_sequences=True)
        model = ef.Sequential([recurrent, layers.TimeDistributed(layers.Conv2D(1, 1))])
        model.compile("sgd", "mse", jit_compile=captures)
        found.append((model.fit(x, y, batch_size=4, epochs=3, verbose=0).history, bits(model.get_weights())))
    assert found[0] == found[1]
    step = model.captured_steps["the training step"]
    assert step.why_eager is None
    assert step.replays >= 3
