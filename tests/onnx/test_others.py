"""Models that PyTorch exported, by both of its exporters: the same numbers, traced, trained, exported again.

`python tools/interop_loaded.py fixtures` wrote them; `make interop` does the same with more models, and with those of
scikit-learn and TensorFlow.
"""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.models import load_onnx
from tests.sources import ROOT

FILES = sorted((ROOT / "tests" / "fixtures" / "onnx").glob("*.onnx"))


SLOWER = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem.endswith("dynamo") else [], id=path.stem) for path in FILES
]


def read(path):
    """A model, its inputs, and what PyTorch gave."""
    arrays = np.load(path.with_suffix(".npz"))
    inputs = [arrays[key] for key in sorted(arrays) if key.startswith("in")]
    return load_onnx(path), inputs[0] if len(inputs) == 1 else inputs, arrays["out0"]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def case(request):
    return read(request.param)


def test_the_numbers_are_pytorchs(case, tmp_path):
    model, inputs, wanted = case
    np.testing.assert_allclose(model(inputs), wanted, atol=2e-6 * np.abs(wanted).max())
    model.export(tmp_path / "again.onnx")
    np.testing.assert_allclose(load_onnx(tmp_path / "again.onnx")(inputs), wanted, atol=2e-6 * np.abs(wanted).max())


def test_any_batch_and_length_goes(case):
    model, inputs, _ = case
    if isinstance(inputs, list):
        whole = [np.tile(x, (3, 2)) for x in inputs]
        parts = [model([x[i : i + 1] for x in whole]).numpy() for i in range(6)]
    else:
        whole = np.concatenate([inputs, -inputs])
        parts = [model(whole[i : i + 1]).numpy() for i in range(4)]
    np.testing.assert_allclose(model(whole), np.concatenate(parts), atol=2e-6)


@pytest.mark.parametrize("path", SLOWER)
def test_it_is_fine_tuned(path):
    model, inputs, _ = read(path)
    x, labels = (inputs, np.array([0, 1]))
    frozen = {w.path: w.numpy() for w in model.non_trainable_weights}
    model.compile(ef.optimizers.Adam(5e-3), ef.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(x, labels, batch_size=2, epochs=25, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]
    assert all(np.array_equal(frozen[w.path], w) for w in model.non_trainable_weights)


def test_a_part_is_found_by_its_path_and_frozen():
    model = load_onnx(ROOT / "tests" / "fixtures" / "onnx" / "bert_dynamo.onnx")
    encoder = model.get_layer("model/bert/encoder")
    encoder.trainable = False
    assert {w.path for w in model.trainable_weights} == {w.path for w in model.weights} - {
        w.path for w in encoder.weights
    }
    assert len(encoder.weights) > 10
    with pytest.raises(ValueError, match="'bert' has no 'encode'"):
        model.get_layer("model/bert/encode")


def test_viz_sees_its_modules_and_what_each_costs(case):
    model, inputs, _ = case
    with viz.trace("others") as recording:
        model(inputs)
    summary = recording.summary()
    parts = (
        ("(Gather)", "(MatMul)", "attention") if isinstance(inputs, list) else ("(Conv)", "(Clip)", "conv (OnnxLayer)")
    )
    assert all(part in summary for part in parts)
    assert f"trained: {sum(w.size for w in model.trainable_weights):,} numbers" in summary
