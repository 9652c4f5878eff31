"""ONNX files from anywhere: what lies beside them, names in them, and what they ask for."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import onnx
import pytest

import viz
from eagerflow import Input, Sequential, layers as L
from eagerflow.models import load_onnx
from eagerflow.onnx import LoadError
from eagerflow.saving import LoadLimitError
from tests.hostile.onnx_files import attribute, described, graph, length_of, model, node, of, tensor
from tests.sources import ROOT


def written(path, made):
    path.write_bytes(made.SerializeToString())
    return path


def refused(path, match):
    with pytest.raises(LoadError, match=match) as error:
        load_onnx(path)(np.zeros((2, 3), "float32"))
    text = str(error.value)
    assert len(text) <= 500
    assert text.isprintable()
    return text


# ---------------------------------------------------------------------- files beside


@pytest.fixture
def beside(tmp_path):
    """A model whose weights lie in another file, in a folder of its own."""
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / "m.onnx"
    Sequential([Input((3,)), L.Dense(2, name="dense")], name="net").export(path)
    made = onnx.load(path)
    onnx.save(made, path, save_as_external_data=True, location="m.onnx.data", size_threshold=0)
    return tmp_path / "model"


def test_weights_are_read_from_the_file_beside(beside):
    assert {path.name for path in beside.iterdir()} == {"m.onnx", "m.onnx.data"}
    loaded = load_onnx(beside / "m.onnx")
    assert [tuple(w.shape) for w in loaded.weights] == [(3, 2), (2,)]
    os.remove(beside / "m.onnx.data")  # everything has been read
    assert loaded(np.ones((1, 3), "float32")).shape == (1, 2)


def test_links_are_not_followed(beside):
    os.rename(beside / "m.onnx.data", beside.parent / "far")
    refused(beside / "m.onnx", "no file 'm.onnx.data' in the model")
    os.symlink(beside.parent / "far", beside / "m.onnx.data")
    refused(beside / "m.onnx", "is a link")
    os.remove(beside / "m.onnx.data")
    os.link(beside.parent / "far", beside / "m.onnx.data")
    refused(beside / "m.onnx", "no plain file with one name")


def test_linked_folders_are_not_entered(beside):
    os.symlink(beside.parent, beside / "up")
    (beside.parent / "far").write_bytes(bytes(100))
    where = [onnx.StringStringEntryProto(key="location", value="up/far")]
    far = tensor("a", [1.0, 2.0, 3.0], "float32", data_location=1, external_data=where, raw_data=b"")
    refused(written(beside / "n.onnx", of(node("Add", "x a", "y"), arrays=[far])), "is a link")


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../far", "a/../../far", "a//far", "C:far", "a\\far", "", "a\0b", "."]
)
def test_names_that_lead_elsewhere_are_refused(place, tmp_path):
    (tmp_path.parent / "far").write_bytes(bytes(100))
    where = [onnx.StringStringEntryProto(key="location", value=place)]
    far = tensor("a", [1.0, 2.0, 3.0], "float32", data_location=1, external_data=where, raw_data=b"")
    refused(written(tmp_path / "m.onnx", of(node("Add", "x a", "y"), arrays=[far])), "file")


@pytest.mark.parametrize(("offset", "length"), [("0", "8"), ("95", "12"), ("-1", "12"), ("9" * 30, "12"), ("x", "12")])
def test_parts_that_are_not_there_are_refused(offset, length, tmp_path):
    (tmp_path / "far").write_bytes(bytes(100))
    pairs = {"location": "far", "offset": offset, "length": length}
    where = [onnx.StringStringEntryProto(key=key, value=value) for key, value in pairs.items()]
    far = tensor("a", [1.0, 2.0, 3.0], "float32", data_location=1, external_data=where, raw_data=b"")
    refused(written(tmp_path / "m.onnx", of(node("Add", "x a", "y"), arrays=[far])), "bytes")


def test_pipes_and_folders_are_no_models(tmp_path):
    refused(tmp_path, "is a folder")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.onnx")
        refused(tmp_path / "pipe.onnx", "is a pipe")
    with pytest.raises(FileNotFoundError):
        load_onnx(tmp_path / "nothing.onnx")


def test_files_that_are_too_large_are_not_read(tmp_path):
    with open(tmp_path / "m.onnx", "wb") as file:
        file.truncate(2**31 + 1)  # nothing of it is on the disk
    refused(tmp_path / "m.onnx", "ONNX files end at")


def test_small_files_of_many_empty_parts_are_refused_before_they_take_memory(tmp_path):
    count = 1_000_000
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x3a" + length_of(2 * count) + b"\x0a\x00" * count)
    tracemalloc.start()
    try:
        with pytest.raises(LoadLimitError, match="all of its parts would take"):
            load_onnx(tmp_path / "m.onnx")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 2**28


def test_loading_takes_little_more_than_twice_the_file(tmp_path):
    made = Sequential([Input((1000,)), L.Dense(4000), L.Dense(500)])
    made.export(tmp_path / "m.onnx")
    load_onnx(tmp_path / "m.onnx")  # what is imported and kept once
    size = (tmp_path / "m.onnx").stat().st_size
    tracemalloc.start()
    try:
        loaded = load_onnx(tmp_path / "m.onnx")
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert loaded.count_params() == 6_004_500
    assert kept <= 1.05 * size
    assert peak <= 2.1 * size


def test_without_the_onnx_package_one_error_says_what_brings_it(beside, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"'eagerflow\[onnx\]' brings it\. Fix: pip install 'onnx>="):
        load_onnx(beside / "m.onnx")


def test_files_and_pages_are_written_without_the_onnx_package(tmp_path):
    program = """
import sys
sys.modules["onnx"] = None
import eagerflow as ef
model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
model.export("m.onnx")
model.export("m.html", format="web")
"""
    subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True
    )
    assert {path.name for path in tmp_path.iterdir()} == {"m.onnx", "m.html"}


# ---------------------------------------------------------------------- names

EVIL = "</script><img src=x onerror=alert(1)>\x1b[31m\x07\u202e"


@pytest.fixture
def evil(tmp_path):
    """A model with markup and control signs wherever names may stand."""
    add = node("Add", ["x", EVIL], [f"{EVIL}y"], name=f"{EVIL}/b/add")
    relu = node("Relu", [f"{EVIL}y"], [f"{EVIL}z"], name=EVIL)
    body = graph([add, relu, node(f"{EVIL}F", [f"{EVIL}z"], "y", "mine")], [tensor(EVIL, [1.0, 2.0, 3.0], "float32")])
    body.name = EVIL
    body.value_info.append(described(f"{EVIL}y"))
    function = onnx.FunctionProto(
        name=f"{EVIL}F", domain="mine", input=["a"], output=["b"], node=[node("Relu", "a", "b", name=EVIL)]
    )
    function.opset_import.add(domain="", version=18)
    return written(tmp_path / "m.onnx", model(body, functions=[function]))


def test_names_are_text_in_pages_pictures_and_terminals(evil, capsys):
    loaded = load_onnx(evil)
    loaded.summary(expand_nested=True)
    with viz.trace(loaded.name) as recording:
        loaded(np.zeros((2, 3), "float32"))
    shown = [capsys.readouterr().out, recording.summary(), str(recording)]
    assert all(c.isprintable() or c == "\n" for text in shown for c in text)
    for markup in (recording.to_html(), recording.draw().svg):
        assert "<img src=x" not in str(markup)
        assert "\x1b" not in str(markup)


def test_messages_are_printable_and_short(tmp_path):
    for kind, made in {
        "aren't known": of(node(EVIL * 50, "x", "y")),
        "nowhere": of(node("Add", ["x", EVIL * 50], "y", name=EVIL * 50)),
        "attribute": of(node("Softmax", "x", "y", **{EVIL * 50: 1})),
        "two things": of(node("Relu", "x", [EVIL]), node("Relu", "x", [EVIL]), node("Relu", [EVIL], "y")),
    }.items():
        refused(written(tmp_path / "m.onnx", made), kind)


# ---------------------------------------------------------------------- nodes


def test_unknown_domains_are_named(tmp_path):
    made = of(node("Run", "x", "a", "mine"), node("Run", "a", "y", "mine"))
    assert "mine.Run (2)" in refused(written(tmp_path / "m.onnx", made), "domains mine that aren't known")


def test_nodes_that_no_output_needs_may_be_unknown(tmp_path):
    made = of(node("Run", "x", "a", "mine"), node("Relu", "x", "y"))
    assert load_onnx(written(tmp_path / "m.onnx", made))(np.ones((1, 3), "float32")).tolist() == [[1.0, 1.0, 1.0]]


def test_attributes_that_are_not_known_are_refused_rather_than_ignored(tmp_path):
    refused(written(tmp_path / "m.onnx", of(node("Relu", "x", "y", alpha=2.0))), r"\['alpha'\]")


def test_branches_and_loops_run(tmp_path):
    double = graph([node("Add", "x x", "z")], outputs="z", inputs="")
    same = graph([node("Identity", "x", "z")], outputs="z", inputs="")
    nodes = [node("ReduceSum", "x", "s", keepdims=0), node("Greater", "s zero", "c")]
    nodes.append(node("If", "c", "w", then_branch=double, else_branch=same))
    step = graph([node("Identity", "k", "l"), node("Add", "v x", "u")], outputs="l u", inputs="i k v")
    nodes.append(node("Loop", "three - w", "y", body=step))
    made = of(*nodes, arrays=[tensor("zero", 0.0, "float32"), tensor("three", 3)])
    loaded = load_onnx(written(tmp_path / "m.onnx", made))
    assert loaded(np.ones((1, 3), "float32")).tolist() == [[5.0, 5.0, 5.0]]
    assert loaded(-np.ones((1, 3), "float32")).tolist() == [[-4.0, -4.0, -4.0]]


def test_functions_of_the_file_run_with_the_attributes_they_are_called_with(tmp_path):
    inner = node("LeakyRelu", "a", "b")
    inner.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="slope", type=1))
    function = onnx.FunctionProto(name="Leak", domain="mine", input=["a"], output=["b"], node=[inner])
    function.attribute_proto.append(attribute("slope", 0.5))
    function.opset_import.add(domain="", version=18)
    calls = [node("Leak", "x", "a", "mine"), node("Leak", "a", "y", "mine", slope=0.25)]
    loaded = load_onnx(written(tmp_path / "m.onnx", of(*calls, functions=[function])))
    assert loaded(np.full((1, 3), -8, "float32")).tolist() == [[-1.0, -1.0, -1.0]]


def test_nodes_that_onnx_describes_by_others_are_computed_so_and_trained(tmp_path):
    weight = tensor("w", np.eye(3), "float32")
    nodes = [node("MatMul", "x w", "a"), node("Selu", "a", "b", name="act"), node("Celu", "b", "y", alpha=2.0)]
    loaded = load_onnx(written(tmp_path / "m.onnx", of(*nodes, arrays=[weight])))
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    selu = np.where(x > 0, x, 1.6732632 * np.expm1(x)) * 1.0507010
    wanted = np.maximum(selu, 0) + np.minimum(0, 2 * np.expm1(selu / 2))
    for each in (loaded, pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_allclose(each(x), wanted, atol=1e-6)
    assert type(loaded.get_layer("act")).__name__ == "Selu"
    loaded.compile("sgd", "mse")
    losses = loaded.fit(x, 0 * x, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    refused(written(tmp_path / "n.onnx", of(node("Selu", "x", "y", beta=1.0))), "Unrecognized attribute: beta")
    refused(written(tmp_path / "n.onnx", of(node("Selu", "x x", "y"))), "input size 2")


def test_older_meanings_follow_the_version(tmp_path):
    x = np.arange(24, dtype="float32").reshape(2, 3, 4)
    body = graph([node("Softmax", "x", "y")])
    body.input[0].CopyFrom(described("x", shape=(2, 3, 4)))
    older = load_onnx(written(tmp_path / "a.onnx", model(body, opset=11)))(x).numpy()
    newer = load_onnx(written(tmp_path / "b.onnx", model(body, opset=13)))(x).numpy()
    np.testing.assert_allclose(older.sum((1, 2)), 1, rtol=1e-6)
    np.testing.assert_allclose(newer.sum(2), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "attributes", "says"),
    [
        ("RNN", {"activations": ["Affine"]}, "Affine' aren't known here; Tanh are"),
        ("LSTM", {"activations": ["Sigmoid", "Relu", "Tanh"]}, "Sigmoid, Relu, Tanh"),
        ("GRU", {"clip": 1.0}, "peepholes, clip and input_forget"),
    ],
)
def test_recurrent_nodes_that_are_not_ours_are_refused(kind, attributes, says, tmp_path):
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[kind]
    weights = [tensor(n, np.ones((1, 2 * gates, k)), "float32") for n, k in (("w", 3), ("r", 2))]
    nodes = [
        node("Unsqueeze", "x a", "s"),
        onnx.helper.make_node(kind, ["s", "w", "r"], ["y"], hidden_size=2, **attributes),
    ]
    refused(written(tmp_path / "m.onnx", of(*nodes, arrays=[tensor("a", [0], "int64"), *weights])), says)
