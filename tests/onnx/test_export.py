"""Exported files, by onnx' checker and onnxruntime: valid, and equal to the model at sizes they weren't made at."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import Input, InputSpec, Sequential, layers as L, ops
from eagerflow.onnx import ExportError, export, messages
from tests.onnx.cases import FUNCTIONS, MODELS, called

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def session(path):
    onnx.checker.check_model(str(path), full_check=True)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def numbers(about, batch, length):
    """Something for an input that onnxruntime describes."""
    shape = [(batch if axis == 0 else length) if isinstance(n, str) else n for axis, n in enumerate(about.shape)]
    rng = np.random.default_rng([batch, length])
    kind = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(int32)": "int32"}[about.type]
    return rng.integers(0, 9, shape).astype(kind) if kind == "int32" else rng.normal(size=shape).astype(kind)


def flat(found):
    if isinstance(found, dict):
        return [x for key in sorted(found) for x in flat(found[key])]
    return [x for each in found for x in flat(each)] if isinstance(found, (list, tuple)) else [np.asarray(found)]


def assert_equal_to(path, call, sizes=((1, 8), (5, 12), (32, 16))):
    run = session(path)
    for batch, length in sizes:
        given = {about.name: numbers(about, batch, length) for about in run.get_inputs()}
        found = run.run(None, given)
        tensors = [ef.convert_to_tensor(x) for x in given.values()]
        for ours, theirs in zip(found, flat(call(tensors, given)), strict=True):
            assert ours.shape == theirs.shape
            assert ours.dtype == theirs.dtype
            if ours.dtype.kind == "f":
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * max(np.abs(theirs).max(initial=0), 1e-6))
            else:
                np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", MODELS)
def test_models(name, tmp_path):
    model = MODELS[name]()
    for variable in model.weights:  # moving averages and biases that aren't 0 and 1
        if variable.dtype == "float32" and "seed" not in variable.path:
            variable.assign(variable + 0.1 * np.random.default_rng(1).random(variable.shape, dtype="float32"))
    path = tmp_path / "m.onnx"
    model.export(path)

    def call(tensors, given):
        if name == "dictionaries":
            return model(dict(zip(given, tensors)), training=False)
        return model(tensors[0] if len(tensors) == 1 else tensors, training=False)

    assert_equal_to(path, call)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_tensors(name, tmp_path):
    function, shape = FUNCTIONS[name]
    path = export(function, tmp_path / "f.onnx", [shape])
    assert_equal_to(path, lambda tensors, given: function(tensors[0]))


@pytest.mark.parametrize("opset", range(17, 24))
@pytest.mark.parametrize("name", ["residual", "transformer", "masked lstm", "normalizations"])
def test_every_opset(name, opset, tmp_path):
    if opset > onnx.defs.onnx_opset_version():
        pytest.skip("this onnx is older")
    model = MODELS[name]()
    path = export(model, tmp_path / "m.onnx", opset_version=opset)
    assert onnx.load(path).opset_import[0].version == opset
    assert_equal_to(path, lambda tensors, given: model(tensors[0], training=False), sizes=((3, 8),))


def kinds(path):
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize("name", ["cnn", "residual", "squeeze and excite", "separable", "any size", "unet"])
def test_images_are_turned_at_most_twice(name, tmp_path):
    path = export(MODELS[name](), tmp_path / "m.onnx")
    assert kinds(path).count("Transpose") <= 2


def test_zeros_around_an_image_stay_in_front_of_a_maximum(tmp_path):
    """Which optimizers of runtimes take into it as padding that counts for nothing."""
    parts = [L.Conv2D(3, 1, kernel_initializer="ones"), L.ZeroPadding2D(1), L.MaxPooling2D(3, 2)]
    model = Sequential([Input((9, 9, 2)), *parts])
    run = session(export(model, tmp_path / "m.onnx"))
    x = -1 - np.random.default_rng(0).random((2, 9, 9, 2), dtype="float32")
    np.testing.assert_allclose(run.run(None, {run.get_inputs()[0].name: x})[0], model(x), rtol=1e-6)


def test_text_is_refused_and_the_part_behind_its_layers_is_exported(tmp_path):
    layer = L.TextVectorization(vocabulary=["good", "bad", "film"])
    parts = [L.Embedding(5, 4, mask_zero=True), L.LSTM(3), L.Dense(2)]
    model = Sequential([Input((1,), dtype="string", name="review"), layer, *parts])
    with pytest.raises(ExportError, match=r"'review' is text.*ef\.Model\(layer\.output, model\.output\)"):
        model.export(tmp_path / "m.onnx")
    run = session(export(ef.Model(layer.output, model.output), tmp_path / "m.onnx"))
    texts = np.array([["A good film!"], ["bad"]])
    (found,) = run.run(None, {run.get_inputs()[0].name: layer(texts).numpy()})
    np.testing.assert_allclose(found, model(texts), atol=1e-6)


def amplified(x):
    """What rounding makes much of: each step doubles a difference."""
    for _ in range(60):
        x = 1 - 2 * ops.square(x - 0.1 * ops.mean(x, axis=-1, keepdims=True))
        x = ops.clip(x, -1, 1)
    return x


def test_a_model_that_makes_much_of_rounding_is_compared_op_by_op(tmp_path):
    path = export(amplified, tmp_path / "m.onnx", [(None, 7)])
    x = np.random.default_rng(0).random((3, 7), dtype="float32")
    assert session(path).run(None, {"input_0": x})[0].shape == (3, 7)

    def reads(x):
        return amplified(x) * (1 + float(ops.max(ops.abs(x))))

    path.unlink()
    refused(reads, tmp_path, "Python", input_signature=[(2, 7)])


def test_nodes_are_named_by_layers_and_weights_by_variables(tmp_path):
    model = Sequential([Input((4,)), L.Dense(3, activation="relu", name="wide"), L.Dense(2, name="head")], name="net")
    graph = onnx.load(export(model, tmp_path / "m.onnx")).graph
    assert [node.name for node in graph.node][:3] == ["net/wide/MatMul", "net/wide/Add", "net/wide/Relu"]
    assert {"net/wide/kernel", "net/head/bias"} <= {tensor.name for tensor in graph.initializer}
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert len({node.name for node in graph.node}) == len(graph.node)


def test_recurrent_layers_are_nodes_of_their_own(tmp_path):
    path = export(MODELS["bidirectional lstm"](), tmp_path / "m.onnx")
    assert kinds(path).count("LSTM") == 4


def test_batch_normalization_is_a_factor_and_a_shift(tmp_path):
    model = Sequential([Input((5,)), L.BatchNormalization()])
    assert kinds(export(model, tmp_path / "m.onnx")) == ["Mul", "Add", "Identity"]


def test_any_mask_is_exact(tmp_path):
    x, mask = Input((None, 3), name="x"), Input((None,), dtype="bool", name="mask")
    outputs = L.LSTM(4, return_sequences=True, return_state=True)(x, mask=mask)
    model = ef.Model([x, mask], outputs)
    run = session(export(model, tmp_path / "m.onnx"))
    rng = np.random.default_rng(0)
    for length in (1, 7, 20):
        data = rng.normal(size=(6, length, 3)).astype("float32")
        live = rng.random((6, length)) < 0.5
        live[0], live[1] = False, True
        found = run.run(None, {"x": data, "mask": live})
        for ours, theirs in zip(found, model([data, live]), strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)


# ---------------------------------------------------------------------- what is refused


def refused(model, tmp_path, match, **options):
    path = tmp_path / "m.onnx"
    with pytest.raises(ExportError, match=match) as error:
        export(model, path, **options)
    assert len(str(error.value)) <= 500
    assert not list(tmp_path.iterdir())  # nothing half written
    return str(error.value)


def rows_of(function):
    return Sequential([Input((8,)), L.Lambda(function, name="own")], name="net")


def test_an_op_without_a_form_is_named_with_its_layer(tmp_path):
    text = refused(rows_of(lambda x: ops.real(ops.fft((x, x))[0])), tmp_path, "no ONNX form")
    assert "net/own" in text


def test_values_that_python_read_are_refused(tmp_path):
    refused(rows_of(lambda x: x * float(ops.sum(x))), tmp_path, "read")
    fixed = Sequential([Input(batch_shape=(2, 8)), L.Lambda(lambda x: x * float(ops.sum(x)))])
    refused(fixed, tmp_path, "other numbers")


def test_values_that_python_reads_without_a_difference_are_told(tmp_path):
    def limited(x):
        return x / 1000 if float(ops.max(x)) > 1000 else x  # which no probe reaches

    with pytest.warns(UserWarning, match=r"net/own.*by float.*fixed in the file"):
        rows_of(limited).export(tmp_path / "m.onnx")


def test_printing_is_no_reading(tmp_path, capsys):
    rows_of(lambda x: print(x, f"{x}") or x * 2).export(tmp_path / "m.onnx")
    assert "Tensor(" in capsys.readouterr().out
    assert float(ops.ones(())) == 1.0  # and tensors are read as before


def test_branches_on_values_are_refused(tmp_path):
    def by_sum(x):
        return x * 2 if float(ops.sum(x)) > 0 else x * 3

    refused(Sequential([Input(batch_shape=(2, 8)), L.Lambda(by_sum)]), tmp_path, "other numbers|Python loop")


def test_loops_over_a_length_are_refused(tmp_path):
    def summed(x):
        total = x[:, 0]
        for i in range(1, x.shape[1]):
            total = total + x[:, i]
        return total

    text = refused(summed, tmp_path, "loop", input_signature=[(None, None, 3)])
    assert "InputSpec" in text


def test_layers_that_compute_outside_of_ops_are_refused(tmp_path):
    refused(Sequential([Input((3,), dtype="int64"), L.Hashing(5)], name="net"), tmp_path, "net/hashing.*Hashing")


def test_integers_are_looked_up(tmp_path):
    """With tokens that no small integer is."""
    tokens = [700, -3, 10**12, 5]
    for settings in ({}, {"mask_token": 0}, {"num_oov_indices": 3}, {"output_mode": "multi_hot"}, {"invert": True}):
        model = Sequential([Input((4,), dtype="int64"), L.IntegerLookup(vocabulary=tokens, **settings)])
        run = session(export(model, tmp_path / "m.onnx"))
        data = np.array([[700, 5, 0, 3], [10**12, 8, -3, 1]])
        np.testing.assert_array_equal(run.run(None, {run.get_inputs()[0].name: data})[0], model(data))
    (tmp_path / "m.onnx").unlink()


def test_layers_with_states_are_refused(tmp_path):
    model = Sequential([L.LSTM(3, stateful=True)])
    refused(model, tmp_path, "is changed in inference", input_signature=[(2, 4, 3)])


class OfTwo(ef.Model):
    def call(self, a, b, training=None):
        return a * 2 - b


def test_several_arguments_are_several_inputs(tmp_path):
    a, b = np.float32([[1, 2, 3]]), np.float32([[5, 5, 4]])
    for function in (OfTwo(), lambda a, b: a * 2 - b):
        run = session(export(function, tmp_path / "m.onnx", [(None, 3), (None, 3)]))
        np.testing.assert_array_equal(run.run(None, {"input_0": a, "input_1": b})[0], a * 2 - b)


def test_layers_and_ops_are_exported_too(tmp_path):
    x = np.random.default_rng(0).random((3, 4), dtype="float32")
    for function in (ops.softmax, L.UnitNormalization(), L.Dense(2)):
        run = session(export(function, tmp_path / "m.onnx", x))
        np.testing.assert_allclose(run.run(None, {"input_0": x})[0], np.asarray(function(x)), rtol=1e-6)


def test_a_subclass_that_never_ran_asks_for_a_signature(tmp_path):
    model = type(called())()
    with pytest.raises(ValueError, match="input_signature"):
        model.export(tmp_path / "m.onnx")
    model.export(tmp_path / "m.onnx", input_signature=[InputSpec(shape=(None, 5), dtype="float32")])
    assert_equal_to(tmp_path / "m.onnx", lambda tensors, given: model(tensors[0]))


@pytest.mark.parametrize("opset", [16, 24, "18"])
def test_unknown_opsets_are_refused(opset, tmp_path):
    with pytest.raises(ValueError, match="opset_version"):
        export(lambda x: x, tmp_path / "m.onnx", [(2, 3)], opset_version=opset)


@pytest.mark.parametrize("kind", ["tf_saved_model", "litert", "openvino", "torch"])
def test_other_formats_are_refused_with_the_way(kind, tmp_path):
    with pytest.raises(ValueError, match="onnx"):
        MODELS["mlp"]().export(tmp_path / "m", format=kind)


def test_names_without_the_ending_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.onnx"):
        MODELS["mlp"]().export(tmp_path / "saved_model")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- files


def test_weights_beyond_the_limit_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "_LARGEST", 500)
    with pytest.raises(ExportError, match="ONNX files end at 2 GiB"):
        export(MODELS["cnn"](), tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_the_place_is_said_when_asked(tmp_path, capsys):
    MODELS["mlp"]().export(tmp_path / "m.onnx", verbose=True)
    assert "m.onnx" in capsys.readouterr().out


def test_neither_onnx_nor_a_runtime_is_needed(tmp_path):
    import subprocess
    import sys

    program = (
        "import sys; sys.modules.update(onnx=None, onnxruntime=None); import eagerflow as ef; "
        "ef.Sequential([ef.Input((4,)), ef.layers.Dense(2)]).export(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "m.onnx")], check=True, timeout=120)
    session(tmp_path / "m.onnx")


def test_a_converted_graph_tells_where_it_has_what_ran(tmp_path):
    """By name, and with the channels on axis 1 where convolutions left them."""
    seen = []
    image = ef.Input((6, 6, 2))
    x = L.Conv2D(3, 3)(image)
    x = L.Lambda(lambda y: seen.append(y) or y)(x)
    x = L.Flatten()(x)
    x = L.Lambda(lambda y: seen.append(y) or seen.append(ops.ones((2,))) or y)(x)
    model = ef.Model(image, L.Dense(2)(x))
    seen.clear()
    made = ef.onnx.convert(model)
    conv, flat, ones = made.places([tensor.data for tensor in seen[:3]])
    assert conv == (f"{model.name}/{model.layers[1].name}/Conv:0", True)
    assert flat == (f"{model.name}/{model.layers[3].name}/Reshape:0", False)
    assert ones is None
    names = [output.name for output in onnx.load(made.write(tmp_path / "m.onnx")).graph.output]
    assert names == list(made.graph.outputs)


def test_a_window_longer_than_the_inputs_that_are_made_up_asks_for_a_signature(tmp_path):
    model = Sequential([Input((None, 3)), L.Conv1D(2, 250), L.GlobalMaxPooling1D()])
    with pytest.raises(ValueError, match=r"such as \S+ \(2, 7, 3\): .*doesn't fit.* Say which .*: input_signature="):
        model.export(tmp_path / "m.onnx", verbose=False)
    model.export(tmp_path / "m.onnx", input_signature=[InputSpec(shape=(None, 700, 3))], verbose=False)
