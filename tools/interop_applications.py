"""Compare the model zoo with Keras': `make interop`.

    PYTHON_WITH_KERAS tools/interop_applications.py [NAME ...]

For each architecture, with its top and without, one side builds a model with weights of its own and writes them to
`.weights.h5` and to legacy `.h5`, with the names of layers, the shapes of weights, and what the model gives for a
small image; the other side builds the same, reads both files, and compares: names, shapes and weights exactly, outputs
to 2e-6 of the largest (4e-6 with weights of ours). Where two images differ by more, Keras computes 16 in float64, and
the difference counts if ours are much further from that than Keras' in float32 (two images tell little). Then they
change places. One architecture at a time, for the largest has 1.4 GB of weights.

    PYTHON_WITH_KERAS tools/interop_applications.py figures

writes tests/fixtures/applications.json: parameters, layers and a hash of names and shapes of each architecture.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "tests" / "fixtures" / "applications.json"
FORMATS = ("weights.h5", "h5")
# By who drew the weights. Keras on torch and on TensorFlow differ by 2.3e-6 from each other, with the same weights.
# Ours lead to larger logits in EfficientNetB7, where we are 3.7e-6 from float64.
TOLERANCES = {"keras": 2e-6, "eagerflow": 4e-6}

IMAGES = 16  # that are computed in float64
# Times Keras' distance from float64, as a root mean square. The sums of 1,280 products in a dense layer of NumPy's are
# 2.3 times as far from it as those of TensorFlow and PyTorch, and in EfficientNetV2S with weights of ours this is most;
# those of 1,792 products in EfficientNetB4 2.6 times (7e-7 of the largest).
FURTHER = 3.0

# Networks whose sums of blocks grow to 1e5 with random weights, and then tell nothing but how sums were rounded: there
# the last normalization of a block that is added gets this factor.
DAMPED = dict.fromkeys(("EfficientNetV2M", "EfficientNetV2L"), 0.4)

# The smallest sides of images; the others take 32.
SIDES = {"Xception": 71, "InceptionV3": 75, "InceptionResNetV2": 75}


def names(keras):
    return [name for name in dir(keras.applications) if name[0].isupper()]


def make(keras, name, top):
    keras.utils.clear_session()
    keras.utils.set_random_seed(1)
    side = SIDES.get(name, 32)
    settings = {"classes": 10} if top else {"pooling": "avg"}
    return getattr(keras.applications, name)(weights=None, include_top=top, input_shape=(side, side, 3), **settings)


def perturb(made, damped=1.0):
    """Other first values than zeros and ones, so that a weight in another's place is noticed."""
    added = {layer.name.removesuffix("add") for layer in made.layers if layer.name.endswith("_add")}
    rng = np.random.default_rng(1)
    for weight in made.weights:
        if len(weight.shape) == 1:
            first = np.asarray(weight.numpy())
            weight.assign(first * rng.uniform(0.8, 1.2, first.shape) + (first == 0) * rng.normal(0.0, 0.1, first.shape))
    for layer in made.layers:
        if damped != 1 and layer.name.endswith("project_bn") and layer.name.removesuffix("project_bn") in added:
            layer.gamma.assign(np.asarray(layer.gamma.numpy()) * damped)
    settle(made)


def settle(made):
    """Keras' Normalization computes with the weights that it was built with, until it is told that they changed."""
    for layer in made.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def contents(made):
    """A hash of each weight."""
    arrays = [np.ascontiguousarray(weight.numpy(), "float32") for weight in made.weights]
    return json.dumps([hashlib.md5(array.tobytes()).hexdigest() for array in arrays])


def image(made, count=2):
    prepares = any(type(layer).__name__ in ("Rescaling", "Normalization") for layer in made.layers)
    low, high = (0, 255) if prepares else (-1, 1)
    return np.random.default_rng(2).uniform(low, high, (count, *made.input_shape[1:])).astype("float32")


def outputs(made):
    return np.asarray(made(image(made), training=False))


def inexact(keras, eagerflow, name, top, weights):
    """How far both are from float64 with these weights: the root mean square, of the largest output."""

    def outputs_of(framework, kind):
        framework.config.set_floatx(kind)
        try:
            made = make(framework, name, top)
            made.set_weights([weight.astype(kind) for weight in weights])
            settle(made)
            return np.asarray(made(image(made, IMAGES).astype(kind), training=False), "float64")
        finally:
            framework.config.set_floatx("float32")

    exact = outputs_of(keras, "float64")
    found = [outputs_of(framework, "float32") for framework in (eagerflow, keras)]
    return [float(np.sqrt(np.mean((each - exact) ** 2)) / np.abs(exact).max()) for each in found]


def distance(found, expected):
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def figures(made):
    """Parameters, layers, and a hash of the names of layers and of the shapes of weights, in order."""
    told = json.dumps([[x.name for x in made.layers], [list(map(int, w.shape)) for w in made.weights]])
    return [made.count_params(), len(made.layers), hashlib.sha256(told.encode()).hexdigest()[:16]]


def write(keras, folder, name):
    for top in (True, False):
        made = make(keras, name, top)
        perturb(made, DAMPED.get(name, 1.0))
        path = f"{folder}/{'top' if top else 'features'}"
        made.save_weights(f"{path}.weights.h5")
        made.save(f"{path}.h5")
        told = {"figures": json.dumps(figures(made)), "contents": contents(made)}
        np.savez(f"{path}.npz", out=outputs(made), figures=told["figures"], contents=told["contents"])


def read(reader, keras, eagerflow, folder, name):
    failed, tolerance = 0, TOLERANCES["eagerflow" if reader is keras else "keras"]
    for top in (True, False):
        path = f"{folder}/{'top' if top else 'features'}"
        expected = np.load(f"{path}.npz")
        made = make(reader, name, top)
        for ending in FORMATS:
            made.set_weights(
                [np.zeros(tuple(weight.shape), "float32") for weight in made.weights]
            )  # of the file before
            label = f"{name} {'with' if top else 'without'} top .{ending}"
            if json.dumps(figures(made)) != str(expected["figures"]):
                print(f"DIFFERS: {label}: {expected['figures']} became {figures(made)}")
                failed += 1
            made.load_weights(f"{path}.{ending}")
            if reader is keras:
                settle(made)
            theirs, own = expected["out"], outputs(made)
            off, more = distance(own, theirs), ""
            good = off <= tolerance
            if not good:
                weights = [np.asarray(weight.numpy()) for weight in made.weights]
                ours, kerass = inexact(keras, eagerflow, name, top, weights)
                good = ours <= FURTHER * kerass
                more = f"; {IMAGES} images are {ours:.1e} from float64 by us, {kerass:.1e} by Keras"
            good = good and contents(made) == str(expected["contents"])
            failed += not good
            print(f"{'' if good else 'DIFFERS: '}{label}: {off:.1e}{more}", flush=True)
    return failed


def record(keras):
    found = {}
    for name in names(keras):
        for top in (True, False):
            keras.utils.clear_session()
            # Without its top and a shape, Keras' NASNetLarge is another network, which can't run.
            shape = {"input_shape": (331, 331, 3)} if name == "NASNetLarge" else {}
            made = getattr(keras.applications, name)(weights=None, include_top=top, pooling="avg", **shape)
            found[f"{name} {'with' if top else 'without'} top"] = figures(made)
            print(name, flush=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items()]
    FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def exchange(keras, eagerflow, name):
    failed = 0
    for writer, reader in ((keras, eagerflow), (eagerflow, keras)):
        print(f"Written by {writer.__name__}, read by {reader.__name__}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            write(writer, folder, name)
            failed += read(reader, keras, eagerflow, folder, name)
    return failed


def main():
    sys.path.insert(0, str(ROOT))
    warnings.simplefilter("ignore")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")  # Keras on torch refuses NASNetMobile
    import keras

    import eagerflow

    if sys.argv[1:] == ["figures"]:
        return record(keras)
    failed = sum([exchange(keras, eagerflow, name) for name in sys.argv[1:] or names(eagerflow)])
    print(f"{failed} files of the model zoo don't agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
