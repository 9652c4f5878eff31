"""Keras itself with `KERAS_BACKEND=eagerflow`, each script in a process of its own: Keras chooses its backend once."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(code, folder, *, backend="eagerflow", command=(), expected=0):
    """What a script prints as JSON in its last line; it begins with the imports that all of them need."""
    script = folder / "script.py"
    script.write_text("import json, warnings\nimport numpy as np\n" + code, encoding="utf-8")
    settings = {"KERAS_HOME": str(folder), "PYTHONPATH": str(ROOT), "KERAS_BACKEND": backend}
    told = subprocess.run(
        [sys.executable, *(command or ("-c", "import eagerflow.keras_backend, runpy; runpy.run_path('script.py')"))],
        cwd=folder,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert told.returncode == (expected or 0), told.stderr
    return json.loads(told.stdout.splitlines()[-1]) if expected == 0 else told.stdout + told.stderr


DATA = """
import keras
rng = np.random.default_rng(0)
x = rng.normal(size=(128, 6)).astype("float32")
y = (x @ rng.normal(size=(6, 3))).argmax(-1)
keras.utils.set_random_seed(1)
"""


def test_fit_evaluate_predict_and_files(tmp_path):
    found = run(
        DATA
        + """
inputs = keras.Input((6,))
hidden = keras.layers.Dense(32, activation="relu", kernel_regularizer="l2")(inputs)
hidden = keras.layers.Dropout(0.1)(keras.layers.BatchNormalization()(hidden))
model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, epochs=20, batch_size=32, validation_split=0.25, verbose=0).history
loss, accuracy = model.evaluate(x, y, verbose=0)
predicted = model.predict(x, verbose=0)
model.save("model.keras")
again = keras.models.load_model("model.keras")
model.save_weights("model.weights.h5")
more = again.fit(x, y, epochs=1, verbose=0).history
print(json.dumps({
    "backend": keras.backend.backend(), "config": keras.config.backend(), "first": history["loss"][0],
    "last": history["loss"][-1], "keys": sorted(history), "accuracy": accuracy, "sum": float(predicted.sum(-1).mean()),
    "same": bool((again.predict(x, verbose=0) != predicted).any()), "more": more["loss"][0],
    "steps": int(model.optimizer.iterations.numpy()),
}))
""",
        tmp_path,
    )
    assert (found["backend"], found["config"]) == ("eagerflow", "eagerflow")
    assert found["last"] < 0.5 * found["first"]
    assert found["accuracy"] > 0.9
    assert found["keys"] == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert found["sum"] == pytest.approx(1.0, abs=1e-6)
    assert found["more"] < 1.5 * found["last"]  # the optimizer's state came with the file
    assert found["steps"] == 20 * 3


def test_a_training_gives_the_numbers_that_the_same_steps_give_in_numpy(tmp_path):
    found = run(
        DATA
        + """
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])
kernel, bias = (w.numpy().astype("float64") for w in model.weights)
model.compile(keras.optimizers.SGD(0.1, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
losses = [model.train_on_batch(x, y) for _ in range(5)]
slots = [np.zeros_like(kernel), np.zeros_like(bias)]
for _ in range(5):
    logits = x @ kernel + bias
    p = np.exp(logits - logits.max(-1, keepdims=True))
    g = (p / p.sum(-1, keepdims=True) - np.eye(3)[y]) / len(x)
    slots = [0.9 * slots[0] - 0.1 * x.T @ g, 0.9 * slots[1] - 0.1 * g.sum(0)]
    kernel, bias = kernel + slots[0], bias + slots[1]
print(json.dumps(float(max(abs(a - b.numpy()).max() for a, b in zip((kernel, bias), model.weights)))))
""",
        tmp_path,
    )
    assert found < 1e-5


def test_layers_that_carry_state_or_masks_learn(tmp_path):
    found = run(
        """
import keras
from keras import layers
keras.utils.set_random_seed(1)
rng = np.random.default_rng(0)
tokens = rng.integers(1, 9, (64, 7)) * (np.arange(7) < rng.integers(2, 8, (64, 1)))
labels = tokens[:, :1]
images = rng.normal(size=(32, 8, 8, 3)).astype("float32")
texts = {
    "lstm": [layers.LSTM(6)], "gru": [layers.GRU(6, return_sequences=True), layers.GlobalAveragePooling1D()],
    "both": [layers.Bidirectional(layers.LSTM(4, activation="relu"))], "simple": [layers.SimpleRNN(5)],
}
pictures = [layers.DepthwiseConv2D(3), layers.Conv2DTranspose(4, 3), layers.GroupNormalization(2), layers.Flatten()]
def moved(model, x, y):
    model.predict(x, verbose=0)
    before = [w.numpy() for w in model.trainable_weights]
    model.compile("rmsprop", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    return bool(min(abs(a - b.numpy()).max() for a, b in zip(before, model.trainable_weights)) > 0)
found = {
    name: moved(keras.Sequential([layers.Embedding(9, 4, mask_zero=True), *rest, layers.Dense(1)]), tokens, labels)
    for name, rest in texts.items()
}
of_pictures = keras.Sequential([keras.Input((8, 8, 3)), *pictures, layers.Dense(1)])
found["pictures"] = moved(of_pictures, images, images[:, 0, 0, :1])
inputs = keras.Input((7, 4))
attended = layers.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)
attended = layers.LayerNormalization()(layers.Add()([inputs, attended]))
found["attention"] = moved(keras.Model(inputs, attended), rng.normal(size=(16, 7, 4)), rng.normal(size=(16, 7, 4)))
masked = keras.Sequential([layers.Embedding(9, 4, mask_zero=True), layers.LSTM(6)])
short, long = np.array([[3, 4, 0, 0]]), np.array([[3, 4]])
found["masked"] = float(abs(masked.predict(short, verbose=0) - masked.predict(long, verbose=0)).max())
print(json.dumps(found))
""",
        tmp_path,
    )
    assert found.pop("masked") < 1e-6
    assert found == dict.fromkeys(found, True)
    assert len(found) == 6


def test_variables_and_tensors_mix_with_their_gradients_in_loops_by_hand(tmp_path):
    found = run(
        """
import keras
import eagerflow as ef
v = keras.Variable([1.0, 2.0], name="scale")
t = ef.Tensor([3.0, 4.0])
cases = {
    "tensor * v": lambda: t * v, "v * tensor": lambda: v * t, "ops": lambda: keras.ops.multiply(t, v),
    "tensor - v": lambda: 2.0 * t - v * v, "list": lambda: keras.ops.stack([v, t]) * 2.0,
    "ours": lambda: ef.ops.exp(ef.ops.concatenate([v, t])), "power": lambda: t**v, "matmul": lambda: t @ v,
}
found = {}
for name, case in cases.items():
    with ef.GradientTape() as tape:
        loss = keras.ops.sum(case())
    found[name] = tape.gradient(loss, v).tolist()
layer, optimizer = keras.layers.Dense(1), keras.optimizers.Adam(0.05)
x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
for step in range(200):
    with ef.GradientTape() as tape:
        loss = keras.ops.mean(keras.losses.mean_squared_error(2 * x + 1, layer(x)))
    optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
found["weights"] = [w.numpy().ravel().tolist() for w in layer.weights]
v.trainable = False
with ef.GradientTape() as tape:
    loss = keras.ops.sum(v * t)
found["frozen"] = tape.gradient(loss, v) is None
print(json.dumps(found))
""",
        tmp_path,
    )
    assert found.pop("frozen") is True
    assert found.pop("weights") == [[pytest.approx(2, abs=0.05)], [pytest.approx(1, abs=0.05)]]
    assert found.pop("ours") == pytest.approx([2.718282, 7.389056], rel=1e-5)
    assert found.pop("power") == pytest.approx([3 * 1.098612, 16 * 1.386294], rel=1e-5)
    assert found.pop("tensor - v") == [-2.0, -4.0]
    assert found.pop("list") == [2.0, 2.0]
    assert found == {name: [3.0, 4.0] for name in ("tensor * v", "v * tensor", "ops", "matmul")}


def test_symbols_mix_with_tensors_and_variables(tmp_path):
    found = run(
        """
import operator
import keras
import eagerflow as ef
names = "add sub mul truediv floordiv mod pow matmul lt le gt ge".split()
x, tensor = keras.Input((3,), batch_size=3), ef.Tensor(np.arange(1, 10, dtype="float32").reshape(3, 3))
pairs = [(getattr(operator, name), y) for name in names for y in (tensor, keras.Variable(tensor + 1.0))]
mixed = [keras.ops.cast(f(y, x), "float32") for f, y in pairs]
plain = [keras.ops.cast(f(keras.ops.zeros_like(x) + keras.ops.convert_to_tensor(y), x), "float32") for f, y in pairs]
left, right = keras.Model(x, mixed), keras.Model(x, plain)
x = np.linspace(0.5, 2, 9, dtype="float32").reshape(3, 3)
found = [float(abs(np.array(a) - np.array(b)).max()) for a, b in zip(left(x), right(x), strict=True)]
print(json.dumps([found, ef.Tensor(1.0) == keras.Input(()), keras.Variable(1.0) == keras.Input(())]))
""",
        tmp_path,
    )
    assert found == [[0.0] * 24, False, False]


def test_functions_are_called_as_keras_calls_them_and_fail_in_its_words(tmp_path):
    found = run(
        """
import inspect
import keras
from keras.src import backend, ops
from keras.src.utils.backend_utils import DynamicBackend
def arguments(function):
    return [(each.name, repr(each.default)) for each in inspect.signature(function).parameters.values()]
found = {"different": [], "compared": 0, "errors": []}
for part in "core image linalg math nn numpy".split():
    ours, theirs = getattr(backend, part), getattr(ops, part)
    own = [n for n, f in vars(theirs).items() if inspect.isfunction(f) and f.__module__ == theirs.__name__]
    for name in own:
        if not name.startswith("_") and f"_{name}" not in own and hasattr(ours, name) and name != "multi_hot":
            found["compared"] += 1
            if arguments(getattr(ours, name)) != arguments(getattr(theirs, name)):
                found["different"].append(name)
for wrong in (
    lambda: keras.ops.image.gaussian_blur(np.ones((3, 3))),
    lambda: keras.losses.binary_crossentropy(np.ones((3, 1)), np.ones((3, 3))),
    lambda: keras.ops.scan(3, 0.0, np.ones(3)),
    lambda: DynamicBackend("numpy").numpy,
):
    try:
        wrong()
    except Exception as error:
        found["errors"].append(f"{type(error).__name__}: {error}")
layer = keras.layers.Embedding(50, 64)
layer.build()
layer.quantize("int4")
layer.enable_lora(4)
whole = keras.ops.ones((2, 2), "int8")
results = keras.ops.sum(whole), keras.ops.prod(whole == 1), keras.ops.nonzero(whole)[0], keras.ops.sum([1, 2])
found["types"] = [str(x.dtype) for x in results]
found["trainable"] = [weight.path.rpartition("/")[2] for weight in layer.trainable_weights]
print(json.dumps(found))
""",
        tmp_path,
    )
    assert found["different"] == []
    assert found["compared"] > 300
    assert "ValueError: Invalid images rank: expected rank 3 (single image) or rank 4" in found["errors"][0]
    assert "got float64[3, 3]" in found["errors"][0]
    assert "must have the same shape" in found["errors"][1]
    assert "TypeError: `f` should be a callable. scan: f: expected a function; got int." in found["errors"][2]
    assert "NotImplementedError" in found["errors"][3]
    assert found["types"] == ["int32"] * 4
    assert found["trainable"] == ["lora_embeddings_a", "lora_embeddings_b"]


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    code = """
import keras
def draws():
    keras.utils.set_random_seed(7)
    seeds = keras.random.SeedGenerator(3)
    found = [keras.random.normal((2,), seed=1), *[keras.random.uniform((2,), seed=seeds) for _ in range(2)]]
    found += [keras.random.randint((2,), 0, 100), keras.layers.Dropout(0.5)(np.ones((1, 8), "float32"), training=True)]
    return [keras.ops.convert_to_numpy(each).ravel().tolist() for each in found]
print(json.dumps([draws(), draws()]))
"""
    first, again = run(code, tmp_path)
    assert first == again == run(code, tmp_path)[0]
    assert first[1] != first[2]


def test_viz_shows_layers_of_keras_and_lines_of_the_script(tmp_path):
    found = run(
        DATA
        + """
import viz
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="hidden"), keras.layers.Dense(3, name="out")])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x[:32], y[:32], verbose=0)
with viz.trace() as recording:
    model.fit(x[:32], y[:32], verbose=0)
recording.to_html("page.html")
lines = {frame.file.rpartition("/")[2] for op in recording.ops for frame in op.stack}
import eagerflow as ef
import viz.callbacks
board, steps, doctor = viz.callbacks.TensorBoard("logs", 1), viz.callbacks.Trace(1), ef.callbacks.Doctor(verbose=0)
model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=6, validation_split=0.25, verbose=0, callbacks=[board, steps, doctor])
kinds = doctor.diagnosis.kinds
print(json.dumps([str(recording), recording.summary(), sorted(lines), steps.recordings[1].summary(), kinds]))
""",
        tmp_path,
    )
    assert "1 step" in found[0]
    assert "layers" in found[0]
    for told in ("hidden (Dense)", "out (Dense)", "adam (Adam)", "28", "15"):
        assert told in found[1]
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert found[2] == ["script.py"]  # none of Keras' own
    assert "sparse_categorical_crossentropy " in found[3]
    assert "accuracy (SparseCategoricalAccuracy)" in found[3]
    assert "loss_mismatch" in found[4]  # logits for a loss that takes probabilities; none above, with from_logits=True
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"train", "validation"}


def test_the_doctor_knows_layers_losses_and_weights_of_keras(tmp_path):
    found = run(
        DATA
        + """
from keras import layers
from viz.doctor.watcher import Watcher
amounts, signs, zeros = x[:, :1], np.sign(x[:, :1]), {"kernel_initializer": "zeros"}
logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
def train(*last, loss=logits, y=y, optimizer="adam", trainable=True):
    model = keras.Sequential([keras.Input((6,)), *last])
    model.trainable = trainable
    model.compile(optimizer, loss)
    model.fit(x, y, epochs=6, verbose=0)
dense = lambda units, **options: layers.Dense(units, activation="relu", **options)
cases = {
    "": lambda: train(dense(16), layers.BatchNormalization(), layers.Dropout(0.1), layers.Dense(3)),
    "label_range": lambda: train(layers.Dense(1, activation="sigmoid"), loss="binary_crossentropy", y=signs),
    "initial_weights": lambda: train(dense(8, **zeros), dense(8, **zeros), layers.Dense(3)),
    "frozen": lambda: train(dense(8), layers.Dense(3), trainable=False),
    "lr_too_high": lambda: train(dense(8), layers.Dense(1), loss="mse", y=amounts, optimizer=keras.optimizers.SGD(5.0)),
    "linear_stack": lambda: train(layers.Dense(8), layers.Dense(3)),
}
found = {}
for name, case in cases.items():
    with warnings.catch_warnings(), Watcher() as watcher:
        warnings.simplefilter("ignore")
        case()
    found[name] = [finding.kind for finding in watcher.findings if finding.severity != "info"], len(watcher.failures)
print(json.dumps(found))
""",
        tmp_path,
    )
    assert found.pop("") == [[], 0]
    assert {name: name in kinds for name, (kinds, _) in found.items()} == dict.fromkeys(found, True)
    assert sum(failures for _, failures in found.values()) == 0


def test_the_command_runs_a_script_on_keras_itself(tmp_path):
    code = "import keras, sys\nprint(json.dumps([keras.backend.backend(), keras.__version__ >= '3.12', sys.argv[1:]]))"
    command = ("-m", "eagerflow", "keras", "script.py", "--epochs", "3")
    assert run(code, tmp_path, backend="", command=command) == ["eagerflow", True, ["--epochs", "3"]]


def test_commands_of_viz_run_scripts_on_keras_itself(tmp_path):
    code = (
        DATA
        + """
model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, y, verbose=0)
with open("told.json", "w") as file:
    json.dump([keras.backend.backend(), keras.__name__, type(model).__module__], file)
"""
    )
    told = run(code, tmp_path, command=("-m", "viz", "nonfinite", "script.py"), expected=None)
    assert "all finite in 4 steps" in told
    assert json.loads((tmp_path / "told.json").read_text()) == ["eagerflow", "keras", "keras.src.models.sequential"]


TRAINING = """
import keras
import numpy as np
from keras import layers
keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(96, 6)).astype("float32")
y = (x @ np.ones((6, 3)) * [1, 0, -1]).argmax(-1)
model = keras.Sequential([
    keras.Input((6,)),
    layers.Dense(16, activation="relu"),
    layers.BatchNormalization(),
    layers.Dropout(0.2),
    layers.Dense(3),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
"""
FIT = """
stops = keras.callbacks.EarlyStopping("val_accuracy", mode="min")
model.fit(x, y, epochs=2, validation_split=0.25, verbose=0, callbacks=[stops])
"""
LOOP = """
import eagerflow as ef
optimizer, loss_of = model.optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for step in range(3):
    with ef.GradientTape() as tape:
        loss = loss_of(y, model(x, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
"""
COMMANDS = """
import contextlib, io
import eagerflow, viz
from viz.cli import main
def told(*words):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        main([words[0], "--json", *words[1:]])
    return json.loads(out.getvalue())
"""


def test_questions_about_a_training_are_answered_as_for_our_own_models(tmp_path):
    (tmp_path / "train.py").write_text(TRAINING + FIT, encoding="utf-8")
    found = run(
        COMMANDS
        + """
found = {command: told(command, "train.py") for command in ("gap", "data", "estimate")}
exec(open("train.py").read())
explained = viz.explain(model, x[:2], "integrated")
found["explained"] = [explained.gap.tolist(), explained.values.shape]
cockpit = eagerflow.callbacks.Cockpit(every=2, verbose=0)
model.fit(x, y, verbose=0, callbacks=[cockpit])
found["cockpit"] = cockpit.history["step"]
print(json.dumps(found))
""",
        tmp_path,
    )
    (gap,) = found["gap"]["gaps"]
    parts = gap["numbers"]["loss"]["parts"]
    assert set(parts) == {"running mean", "dropout", "batch norm"}
    assert sum(parts.values()) == pytest.approx(gap["numbers"]["loss"]["fit"] - gap["numbers"]["loss"]["evaluate"])
    assert "accuracy" in gap["numbers"]
    assert len(found["data"]["samples"]) == 72
    assert found["estimate"]["batch_size"] == 32
    assert found["estimate"]["weights_bytes"] > 4 * (6 * 16 + 16 * 3)
    assert max(map(abs, found["explained"][0])) < 0.01
    assert found["explained"][1] == [2, 6]
    assert found["cockpit"] == [2]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "faults"), [(FIT, {"validation data"}), (LOOP, set())], ids=["fit", "loop"])
def test_check_judges_a_training_as_our_own(ending, faults, tmp_path):
    (tmp_path / "train.py").write_text(TRAINING + ending, encoding="utf-8")
    checked = run(COMMANDS + 'print(json.dumps(told("check", "train.py")))', tmp_path)
    rows = {row["name"]: row for row in checked["rows"]}
    assert {name for name, row in rows.items() if row["verdict"] == "fault"} == faults
    assert (rows["inputs"]["message"].split()[0], rows["inputs"]["line"]) == ("'sequential/dense'", 10)
    opened = {name for name, row in rows.items() if row["verdict"] == "open"}
    assert opened - faults <= {"augmentation", "repeatable", "validation data"}
    if faults:
        assert rows["validation data"]["message"].startswith("EarlyStopping takes lower values of 'val_accuracy'")


def test_with_another_backend_nothing_of_ours_is_loaded(tmp_path):
    code = """
import sys
try:
    import keras
except ModuleNotFoundError as error:
    missing = error.name
print(json.dumps([missing, [name for name in sys.modules if name.startswith("eagerflow.keras_backend.backend")]]))
"""
    assert run(code, tmp_path, backend="jax") == ["jax", []]  # which isn't installed for our tests


def test_keras_that_was_imported_with_another_backend_before_is_named(tmp_path):
    code = """
import sys, types
sys.modules["keras.src.backend"] = types.SimpleNamespace(backend=lambda: "jax")
import eagerflow.keras_backend
"""
    error = run(code, tmp_path, command=("script.py",), expected=1)
    assert "Keras was already imported with the backend 'jax'. Import eagerflow.keras_backend first" in error


def test_examples_of_the_page_run(tmp_path):
    page = (ROOT / "docs" / "keras_backend.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```py\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    assert run(code, tmp_path, backend="", command=("script.py",)) < 1.2


def test_models_are_exported_as_onnx_and_other_ways_out_are_refused_in_a_sentence(tmp_path):
    found = run(
        """
import keras
import onnxruntime
from keras import layers
rng = np.random.default_rng(0)
tokens = keras.Input((None,), dtype="int32", name="tokens")
hidden = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(layers.Embedding(20, 8, mask_zero=True)(tokens))
attended = layers.MultiHeadAttention(2, 4)(hidden, hidden)
of_texts = keras.Model(tokens, [layers.Dense(2)(layers.GRU(5)(hidden)), attended])
of_pictures = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.BatchNormalization(),
    layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5), layers.Dense(3, activation="softmax")])
found = {"apart": [], "refused": []}
images = rng.normal(size=(5, 8, 8, 3)).astype("float32")
for model, x in ((of_texts, rng.integers(0, 20, (3, 9)).astype("int32")), (of_pictures, images)):
    wanted = keras.tree.flatten(model(x, training=False))
    model.export("model.onnx", format="onnx", verbose=False)
    session = onnxruntime.InferenceSession("model.onnx")
    outputs = session.run(None, {session.get_inputs()[0].name: x})
    found["apart"] += [float(abs(a - np.array(b)).max()) for a, b in zip(outputs, wanted, strict=True)]
openvino = lambda: model.export("model.xml", format="openvino")
for way in (lambda: model.export("model"), openvino, keras.distribution.DataParallel):
    try:
        way()
    except NotImplementedError as error:
        found["refused"].append(str(error))
found["devices"] = keras.distribution.list_devices("cpu")
print(json.dumps(found))
""",
        tmp_path,
    )
    assert len(found["apart"]) == 3
    assert max(found["apart"]) < 1e-5
    assert ["format='onnx'" in error for error in found["refused"]] == [True, True, False]
    assert "eagerflow.distribution" in found["refused"][2]
    assert found["devices"] == ["cpu:0"]


def test_masked_sequences_of_one_op_are_those_of_the_cell_step_by_step(tmp_path):
    found = run(
        """
import keras
import eagerflow as ef
x = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")
mask = np.arange(6) < np.array([[6], [3], [1], [4]])
def run(layer):
    with ef.GradientTape() as tape:
        outputs = layer(x, mask=mask)
        loss = sum(keras.ops.sum(keras.ops.sin(part * (i + 1))) for i, part in enumerate(outputs))
    return [np.array(part) for part in (*outputs, *tape.gradient(loss, layer.trainable_weights))]
found = []
for cell in (keras.layers.LSTM, keras.layers.GRU):
    for sequences, zeros in ((True, True), (False, True), (True, False)):
        options = dict(return_sequences=sequences, zero_output_for_mask=zeros, go_backwards=sequences)
        options["return_state"] = True
        one, steps = cell(5, **options), cell(5, activation=lambda x: keras.ops.tanh(x), **options)
        one.build(x.shape), steps.build(x.shape)
        steps.set_weights(one.get_weights())
        found.append(float(max(abs(a - b).max() for a, b in zip(run(one), run(steps), strict=True))))
print(json.dumps(found))
""",
        tmp_path,
    )
    assert len(found) == 6
    assert max(found) < 2e-5


def test_a_captured_training_has_the_same_bits(tmp_path):
    found = run(
        DATA
        + """
def trained(jit_compile):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Dense(8, activation="relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.3)]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=jit_compile, metrics=["accuracy"])
    history = model.fit(x, y, epochs=4, verbose=0).history
    return history["loss"], [w.numpy() for w in model.weights]
with warnings.catch_warnings():
    warnings.simplefilter("error")  # as one that a step can't be captured
    (losses, weights), (captured_losses, captured) = trained(False), trained(True)
print(json.dumps([losses == captured_losses, all((a == b).all() for a, b in zip(weights, captured))]))
""",
        tmp_path,
    )
    assert found == [True, True]
