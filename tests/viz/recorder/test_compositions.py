"""What fused ops are made of: derived from their references, kept in the recording and its file."""

from __future__ import annotations

import json
import warnings
import zipfile

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from eagerflow.core.primitive import registry
from viz.facts.parts import part_names, parts_of
from viz.recorder.compositions import composition_of


def traced(layer, *shape, **options):
    x = np.ones(shape, "float32")
    layer(x)
    with viz.trace(**options) as t:
        layer(x)
    return t


CASES = [
    (lambda: layers.Dense(3), (4, 5), "dense", ["matmul", "add"]),
    (lambda: layers.Dense(3, activation="relu"), (4, 7, 5), "dense", ["matmul", "add", "relu"]),
    (lambda: layers.Dense(3, activation="tanh"), (0, 5), "dense", ["matmul", "add"]),
    (lambda: layers.Conv2D(3, 2, strides=2, activation="relu"), (4, 8, 8, 2), "conv_bias", ["conv", "add", "relu"]),
    (lambda: layers.Conv1D(3, 2, data_format="channels_first"), (4, 2, 9), "conv_bias", ["conv", "reshape", "add"]),
    (lambda: layers.Conv1DTranspose(3, 2), (4, 9, 2), "conv_transpose_bias", ["conv_transpose", "add"]),
    (lambda: layers.Bidirectional(layers.LSTM(3)), (4, 6, 2), "lstm_pair", ["lstm", "lstm"]),
    (lambda: layers.Bidirectional(layers.GRU(3, return_sequences=True)), (4, 6, 2), "gru_pair", ["gru", "gru"]),
]


@pytest.mark.parametrize(("make", "shape", "name", "names"), CASES)
def test_parts_lead_from_the_inputs_of_the_op_to_its_outputs(make, shape, name, names):
    layer = make()
    t = traced(layer, *shape)
    (op,) = [op for op in t.ops if op.name == name]
    parts = parts_of(t, op)
    assert [part.op.name for part in parts] == names == part_names(t, op)
    read = {i for part in parts for i in part.op.inputs}
    made = {i for part in parts for i in part.op.outputs}
    assert {i for i in read if i >= 0} == set(op.inputs)
    assert {i for i in made if i >= 0} == set(op.outputs)
    assert {i for i in read if i < 0} <= made
    for part in parts:
        assert part.op.start is None
        assert [info.id for info in part.made] == list(part.op.outputs)
        assert all(info.nbytes == np.prod(info.shape, dtype=int) * 4 for info in part.made)


@pytest.mark.parametrize(("make", "shape", "name", "names"), [case for case in CASES if 0 not in case[1]])
def test_shapes_between_parts_are_those_of_the_single_ops(make, shape, name, names):
    layer = make()
    t = traced(layer, *shape, values="")
    (op,) = [op for op in t.ops if op.name == name]
    single = registry[name]
    given = dict(zip(op.input_names, [ef.Tensor(t.values[i]) for i in op.inputs]))
    with viz.trace() as plain:
        single.reference(*[given.get(array) for array in single.arrays], *[op.settings[s] for s in single.settings])
    ran = [one for one in plain.ops if one.name in names]
    for part, one in zip(parts_of(t, op), ran, strict=True):
        assert part.op.name == one.name
        assert [info.shape for info in part.made] == [plain.tensors[i].shape for i in one.outputs]


def test_what_is_no_fused_op_has_no_parts():
    with viz.trace() as t:
        ef.ops.tanh(ef.ops.ones((2, 3)))
    assert all(op.composition is None and parts_of(t, op) == [] for op in t.ops)
    assert composition_of(registry["tanh"], [((2, 3), np.dtype("float32"))], ()) is None


def test_a_fused_op_that_failed_has_no_parts():
    with pytest.raises(ValueError, match="dense"), viz.trace() as t:
        ef.ops.neural.fused.dense(ef.ops.ones((2, 3)), ef.ops.ones((4, 5)), ef.ops.ones(5))
    assert [op.name for op in t.ops if op.error] == ["dense"]
    assert all(op.composition is None for op in t.ops)


def rewritten(path, change):
    """The same file with another header."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = json.loads(members["trace.json"])
    change(header)
    members["trace.json"] = json.dumps(header).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header["compositions"].clear(),
        lambda header: header["compositions"][0]["parts"].clear(),
        lambda header: header["compositions"][0]["parts"][0].update(inputs=[99]),
        lambda header: header["compositions"][0]["parts"][0].update(outputs=[-1]),
        lambda header: header["compositions"][0].update(results=[99]),
        lambda header: header["compositions"][0].update(shapes=header["compositions"][0]["shapes"][:2]),
        lambda header: header["compositions"][0]["shapes"].__setitem__(0, [-5]),
        lambda header: header["compositions"][0]["dtypes"].__setitem__(0, "V" * 1000),
        lambda header: header["compositions"][0].update(dtypes=7),
        lambda header: header.update(compositions={"a": 1}),
    ],
)
def test_damaged_parts_are_refused(tmp_path, change):
    path = traced(layers.Dense(3), 4, 5).save(tmp_path / "a.efz")
    with pytest.raises(viz.TraceFileError):
        viz.load(rewritten(path, change))


def test_the_guilty_part_is_named_by_statistics_and_by_a_guard():
    layer = layers.Dense(3, name="wide")
    x = np.full((2, 4), 1e30, "float32")
    layer(x)
    layer.kernel.assign(layer.kernel * 0 + 1e30)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with viz.trace(stats="basic") as t:
            layer(x)
        found = viz.find_nonfinite(t)
        with pytest.raises(viz.NonfiniteError) as raised, viz.trace(on_nonfinite="raise"):
            layer(x)
    for each in (found, raised.value.found):
        assert (each.op, each.part) == ("dense", "matmul")
        assert each.message.startswith("matmul, a part of dense, made 6 infinite of 6 elements from finite numbers")
        assert "smaller learning rate" in each.fix


@pytest.mark.parametrize("changed", [False, True])
def test_the_part_whose_gradient_is_not_finite_is_named(changed):
    layer = layers.Dense(3)
    x = ef.Tensor(np.full((2, 4), 1e30, "float32"))
    layer(x)
    layer.kernel.assign(layer.kernel * 0 + 1e-30)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with viz.trace(stats="basic") as t:
            if changed:  # as in the second step of a training
                layer.kernel.assign(layer.kernel * 1)
            with ef.GradientTape() as tape:
                y = (layer(x) * 1e20).sum()
            tape.gradient(y, layer.trainable_weights)
        found = viz.find_nonfinite(t)
    assert (found.op, found.phase, found.part) == ("dense", "backward", "matmul")
    assert "the gradient of matmul, a part of dense," in found.message


def test_recording_within_a_tape_records_no_part_on_it():
    layer = layers.Dense(3)
    x = ef.Tensor(np.ones((2, 4), "float32"))
    layer(x)
    with ef.GradientTape() as tape:
        with viz.trace():
            y = layer(x).sum()
        seen = tape._length()
    assert tape.gradient(y, layer.kernel).shape == (4, 3)
    assert seen == 2
