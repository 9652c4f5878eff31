"""Exchange files with real Keras, both ways: `make interop`.

    python tools/interop.py PYTHON_WITH_KERAS [NAME ...]

One side writes models in every format, with perturbed weights and optimizer state, and what they predict; the
other side loads them and compares: predictions to 1e-5 of the largest, weights and state exactly, compiled
settings, and the weights after one more step of training. Layers for preprocessing are compared by what they give
after loading, their vocabularies and settings. Then they change places.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback
import warnings

import numpy as np

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
warnings.simplefilter("ignore")

from tests.fixtures.cases import layer_cases, model_cases  # noqa: E402
from tools import interop_prepared  # noqa: E402

FORMATS = ("keras", "weights.h5", "folder", "weights.json", "h5")  # Keras forgets the optimizer when it writes .h5
FOR_ALL = ("keras", "weights.h5", "h5")  # the others are only for whole models
SHARD = 2e-6  # gigabytes
DICTS = ("ends_in_dicts",)
RANDOM = {
    "mlp_regularized",
    "cnn",
    "cnn_flat",
    "stacked_cells",
    "transformer",
    "time_series",
    "mixed_precision",
    "noisy_sequence",
    "noisy_volume",
}  # dropout and noise
# What a step does depends on the backend of Keras: JAX loses the kernel that SpectralNormalization assigns to.
RANDOM |= {"normalizations"}
RANDOM |= {"quantized_int8"}  # inputs are rounded to integers, and the last digit decides which way one falls
TRAINED = sorted(set(model_cases.MODELS) - RANDOM)
# What Keras 3.15 can't do itself: read "lamb" or an Ellipsis from .h5; restore the state of an optimizer from .h5;
# write two weights of one path into .h5.
LIMITS = ("Could not interpret optimizer identifier: lamb", "name already exists", "Could not parse config: Ellipsis")
# Names in .h5 files are written as the objects they stand for.
SAME = {"mse": "MeanSquaredError", "mae": "MeanAbsoluteError"}


def names(chosen):
    """Whole models, and every case of a single layer that takes plain arrays."""
    layers = [f"layer {c.name}" for c in layer_cases.CASES if c.mask is None and not c.states]
    prepared = [f"prepared {c.name}" for c in interop_prepared.CASES]
    every = [*model_cases.MODELS, *layers, *prepared]
    return [n for n in every if not chosen or any(part in n for part in chosen)]


def make(keras, name):
    """The model, with its own weights."""
    if not name.startswith("layer "):
        return model_cases.MODELS[name](keras)
    case = next(c for c in layer_cases.CASES if f"layer {c.name}" == name)
    kind = "int32" if case.integers else "float32"
    inputs = [keras.Input(batch_shape=shape, dtype=kind) for shape in case.shapes]
    call = {k: v for k, v in case.call.items() if k != "training"}
    outputs = case.make(keras.layers)(*case.arguments(inputs), **call)
    return keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs)


def inputs_of(name, made):
    if name.startswith("layer "):
        case = next(c for c in layer_cases.CASES if f"layer {c.name}" == name)
        kind = "int32" if case.integers else "float32"
        found = [x.astype(kind) for x in layer_cases.inputs_of(case)]
        return found[0] if len(found) == 1 else found
    if name == "subclassed":
        return model_cases.generator(name).standard_normal((4, 4)).astype("float32")
    found = model_cases.inputs_of(name, made)
    return dict(zip([x.name for x in made.inputs], found)) if name in DICTS else found


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(outputs[k]) for k in sorted(outputs)]
    return [np.asarray(o) for o in outputs] if isinstance(outputs, (list, tuple)) else [np.asarray(outputs)]


def custom(keras, name):
    return model_cases.CUSTOM[name](keras) if name in model_cases.CUSTOM else None


def predict(made, name):
    x = inputs_of(name, made)
    if name.startswith("layer "):
        return flat(made.predict_on_batch(x))
    return flat(made.predict(x, verbose=0))


def step(keras, made, name):
    """The weights after one more step of training."""
    keras.utils.set_random_seed(1)
    targets = [np.ones_like(o) * 0.3 for o in predict(made, name)]
    named = dict(zip(("first", "second"), targets))
    made.train_on_batch(inputs_of(name, made), named if name in DICTS else targets[0] if len(targets) == 1 else targets)
    return [np.asarray(w.numpy()) for w in made.weights]


def compiled(keras, name, made):
    settings = {"optimizer": model_cases.optimizer_for(keras, name), "loss": "mse"}
    if name in ("logistic", "mlp_regularized"):
        settings.update(loss=keras.losses.Huber(0.7), metrics=["mae", keras.metrics.MeanSquaredError(name="m")])
    if name == "many_ends":
        settings.update(
            loss={"one": "mse", "two": keras.losses.LogCosh()},
            loss_weights={"one": 0.3, "two": 2.0},
            metrics={"one": ["mae"], "two": [keras.metrics.RootMeanSquaredError()]},
        )
    made.compile(**settings)
    made.optimizer.build(made.trainable_variables)
    model_cases.perturb_optimizer(name, made.optimizer)


def settings_of(made):
    config = made.get_compile_config()
    kept = {k: config[k] for k in ("optimizer", "loss", "loss_weights", "metrics")}
    return json.dumps(kept, sort_keys=True, default=str)


def write(keras, folder, chosen):
    for name in names(chosen):
        if name.startswith("prepared "):
            interop_prepared.write(keras, folder, name)
            continue
        try:
            made = make(keras, name)
            model_cases.perturb(name, made)
            compiled(keras, name, made)
            path = f"{folder}/{name.replace(' ', '_')}"
            state = {f"w{i}": np.asarray(w.numpy()) for i, w in enumerate(made.weights)}
            state |= {f"o{i}": np.asarray(v.numpy()) for i, v in enumerate(made.optimizer.variables)}
            state |= {f"p{i}": p for i, p in enumerate(predict(made, name))}
            state["settings"] = np.array(settings_of(made))
            save(made, name, path)
            if name in TRAINED:
                state |= {f"s{i}": w for i, w in enumerate(step(keras, made, name))}
            np.savez(f"{path}.npz", **state)  # type: ignore[arg-type]
        except Exception as error:
            print(f"WRITE {name}: {type(error).__name__}: {error!s:.300}")
            if chosen:
                traceback.print_exc()


def save(made, name, path):
    for ending in FOR_ALL if name.startswith("layer ") else FORMATS:
        try:
            if ending == "weights.h5":
                made.save_weights(f"{path}.weights.h5")
            elif ending == "weights.json":
                made.save_weights(f"{path}.weights.json", max_shard_size=SHARD)
            elif ending == "folder":
                made.save(f"{path}.folder", zipped=False)
            elif not (ending == "h5" and name == "subclassed"):
                made.save(f"{path}.{ending}")
        except Exception as error:
            if not any(limit in str(error) for limit in LIMITS):
                print(f"WRITE {name} .{ending}: {type(error).__name__}: {error!s:.300}")
            if ending != "folder":
                pathlib.Path(f"{path}.{ending}").unlink(missing_ok=True)


def read(keras, folder, chosen):
    failed = done = 0
    for name in names(chosen):
        path = f"{folder}/{name.replace(' ', '_')}"
        if not os.path.exists(f"{path}.npz"):
            failed += 1
            continue
        if name.startswith("prepared "):
            good = interop_prepared.read(keras, path, name)
            done, failed = done + good, failed + (not good)
            continue
        expected = dict(np.load(f"{path}.npz"))
        for ending in FORMATS:
            if not os.path.exists(f"{path}.{ending}"):
                continue
            try:
                compare(keras, name, f"{path}.{ending}", expected)
                done += 1
            except Exception as error:
                if any(limit in str(error) for limit in LIMITS):
                    continue
                failed += 1
                print(f"READ {name} .{ending}: {type(error).__name__}: {error!s:.300}")
                if chosen:
                    traceback.print_exc()
    print(f"{done} files agree, {failed} don't")
    return failed


def numbered(expected, letter):
    return [expected[f"{letter}{i}"] for i in range(len(expected)) if f"{letter}{i}" in expected]


def compare(keras, name, path, expected):
    weights = path.endswith((".weights.h5", ".weights.json"))
    if weights:
        made = make(keras, name)
        made.load_weights(path)
    else:
        made = keras.models.load_model(path, custom_objects=custom(keras, name))
    same("weights", numbered(expected, "w"), [w.numpy() for w in made.weights], exact=True)
    same("predictions", numbered(expected, "p"), predict(made, name))
    if weights:
        return
    compare_settings(str(expected["settings"]), settings_of(made))
    if path.endswith(".h5") and keras.__name__ == "keras":
        return
    own = [v.numpy() for v in made.optimizer.variables]
    same("optimizer", numbered(expected, "o"), own, exact=True)
    if name in TRAINED:
        same("a step", numbered(expected, "s"), step(keras, made, name), tolerance=2e-4)


def compare_settings(theirs, own):
    theirs, own = json.loads(theirs), json.loads(own)
    for side in (theirs, own):
        config = side["optimizer"]["config"]
        config.pop("name", None)
        for key, value in list(config.items()):
            if isinstance(value, float):
                config[key] = round(value, 6)
    if theirs["optimizer"]["class_name"] != own["optimizer"]["class_name"]:
        raise AssertionError(f"optimizer {theirs['optimizer']} became {own['optimizer']}")
    a, b = theirs["optimizer"]["config"], own["optimizer"]["config"]
    different = {k: (a[k], b.get(k)) for k in a if k in b and a[k] != b[k] and not isinstance(a[k], (dict, list))}
    if different or theirs["loss_weights"] != own["loss_weights"]:
        raise AssertionError(f"settings: {different} {theirs['loss_weights']} {own['loss_weights']}")
    for key in ("loss", "metrics"):
        if shape_of(theirs[key]) != shape_of(own[key]):
            raise AssertionError(f"{key}: {theirs[key]} became {own[key]}")


def shape_of(value):
    """Names of classes in their structure."""
    if isinstance(value, dict):
        return value["class_name"] if "class_name" in value else {k: shape_of(v) for k, v in value.items()}
    return [shape_of(v) for v in value] if isinstance(value, list) else SAME.get(value, value)


def same(what, theirs, own, exact=False, tolerance=1e-5):
    if len(theirs) != len(own):
        raise AssertionError(f"{what}: {len(theirs)} arrays became {len(own)}")
    for i, (a, b) in enumerate(zip(theirs, own)):
        b = np.asarray(b)
        if a.shape != b.shape:
            raise AssertionError(f"{what} {i}: {a.shape} became {b.shape}")
        if exact and a.dtype.kind == "f":  # Keras may keep in float32 what is float64 here
            a, b = a.astype("float32"), b.astype("float32")
        off = float(np.max(np.abs(a.astype("float64") - b.astype("float64")), initial=0))
        scale = float(np.max(np.abs(a.astype("float64")), initial=1e-3))
        if off > (0 if exact else tolerance * scale) or not np.isfinite(b.astype("float64")).all():
            raise AssertionError(f"{what} {i}: differs by {off / scale:.2e} of {scale:.3g}")


def side(role, action, folder, chosen):
    if role == "keras":
        os.environ.setdefault("KERAS_BACKEND", "jax")
        import keras
    else:
        import eagerflow as keras
    return {"write": write, "read": read}[action](keras, folder, chosen)


def main():
    if sys.argv[1] in ("keras", "eagerflow"):
        return 1 if side(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]) else 0
    pythons, chosen, failed = {"keras": sys.argv[1], "eagerflow": sys.executable}, sys.argv[2:], 0
    for writer, reader in (("keras", "eagerflow"), ("eagerflow", "keras")):
        with tempfile.TemporaryDirectory() as folder:
            print(f"Written by {writer}, read by {reader}:", flush=True)
            for role, action in ((writer, "write"), (reader, "read")):
                command = [pythons[role], __file__, role, action, folder, *chosen]
                failed += subprocess.run(command, check=False).returncode
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
