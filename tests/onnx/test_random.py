"""Random numbers in inference: refused, but for those with an integer as their seed; never silently fixed."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L, ops
from eagerflow.onnx import ExportError, export
from tests.onnx.test_export import session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def test_an_integer_seed_is_a_constant(tmp_path):
    path = export(lambda x: x + ef.random.normal((4,), seed=1), tmp_path / "m.onnx", [(None, 4)])
    zeros = np.zeros((3, 4), "float32")
    (found,) = session(path).run(None, {"input_0": zeros})
    np.testing.assert_allclose(found, zeros + ef.random.normal((4,), seed=1).numpy())


REFUSED = {
    "normal": lambda x: x + ef.random.normal(ops.shape(x), 2.0, 0.5),
    "uniform": lambda x: x + ef.random.uniform(ops.shape(x), -1, 3),
    "integers": lambda x: x + ops.cast(ef.random.randint(ops.shape(x), 2, 7), "float32"),
    "dropout": lambda x: ef.random.dropout(x + 1, 0.25),
    "noise": lambda x: L.GaussianNoise(0.3)(x, training=True),
    "shuffled": lambda x: ef.random.shuffle(x + ops.arange(4.0), axis=1),
    "truncated": lambda x: x + ef.random.truncated_normal(ops.shape(x)),
    "gamma": lambda x: x + ef.random.gamma(ops.shape(x), 2.0),
    "beta": lambda x: x + ef.random.beta((4,), 2.0, 1.0),
    "binomial": lambda x: x + ef.random.binomial((4,), 9, 0.5),
    "categorical": lambda x: ef.random.categorical(x, 2),
    "an array of means": lambda x: x + ef.random.normal((4,), np.arange(4.0)),
    "NumPy": lambda x: x + np.random.normal(size=4).astype("float32"),  # noqa: NPY002 - what users write
    "NumPy, for each example": lambda x: x + np.random.normal(size=x.shape).astype("float32"),  # noqa: NPY002
    "a seed for each example": lambda x: x + ef.random.normal(ops.shape(x), seed=1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_form_is_refused(name, tmp_path):
    with pytest.raises(ExportError) as error:
        export(REFUSED[name], tmp_path / "m.onnx", [(None, 4)])
    assert len(str(error.value)) <= 500
    assert not list(tmp_path.iterdir())
