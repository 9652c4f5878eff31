"""Load ONNX files that PyTorch and TensorFlow wrote: `make interop`.

    python tools/interop_loaded.py PYTHON_WITH_PEERS

The peer makes models, writes them by both of PyTorch's exporters and tf2onnx, and what they give for made-up
inputs; what it doesn't have is left out. Here each file is loaded, compared with what the peer computed, traced by viz,
trained for some steps, exported again, and that file compared as well.

    PYTHON_WITH_TORCH tools/interop_loaded.py fixtures

writes tests/fixtures/onnx: a MobileNet and a BERT of PyTorch, by both exporters, small enough to be kept.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "fixtures" / "onnx"
TOLERANCE = 4e-6  # of the largest output


# ---------------------------------------------------------------------- what the peer does


def small_mobilenet(torch):
    """Inverted residuals with depthwise convolutions and batch normalization, as torchvision builds them."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[name-defined]
        def __init__(self, before, after, stride):
            super().__init__()
            wide = 4 * before
            self.conv = nn.Sequential(
                *(nn.Conv2d(before, wide, 1, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()),
                *(nn.Conv2d(wide, wide, 3, stride, 1, groups=wide, bias=False), nn.BatchNorm2d(wide), nn.ReLU6()),
                *(nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after)),
            )
            self.same = stride == 1 and before == after

        def forward(self, x):
            return x + self.conv(x) if self.same else self.conv(x)

    features = [nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()]
    features += [Block(8, 8, 1), Block(8, 12, 2), Block(12, 12, 1)]
    return nn.Sequential(nn.Sequential(*features), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 5))


def small_bert(torch, transformers):
    """Two blocks of BERT with a head for three classes."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    settings = transformers.BertConfig(
        vocab_size=40, max_position_embeddings=24, num_labels=3, attn_implementation="eager", **sizes
    )

    class Classifier(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self):
            super().__init__()
            self.model = transformers.BertForSequenceClassification(settings)

        def forward(self, ids, mask):
            return self.model(input_ids=ids, attention_mask=mask).logits

    return Classifier()


def write_torch(name, model, inputs, names, lengths, folder, dynamo):
    """One model by one of the exporters; `lengths`: names of open axes for each input."""
    import torch

    model.eval()
    path = str(folder / f"{name}.onnx")
    tensors = tuple([torch.from_numpy(x) for x in inputs])
    if dynamo:
        dims = {key: torch.export.Dim(key) for each in lengths for key in each.values()}
        open_ones = tuple([{axis: dims[key] for axis, key in each.items()} for each in lengths])
        made = torch.onnx.export(
            model, tensors, input_names=names, dynamic_shapes=open_ones, dynamo=True, verbose=False
        )
        made.save(path, external_data=False)
    else:
        torch.onnx.export(model, tensors, path, input_names=names, dynamic_axes=dict(zip(names, lengths)), dynamo=False)
    with torch.no_grad():
        found = model(*tensors)
    outputs = found if isinstance(found, (list, tuple)) else [found]
    keep(folder / f"{name}.npz", inputs, [x.numpy() for x in outputs])


def keep(path, inputs, outputs):
    arrays = {f"in{i}": x for i, x in enumerate(inputs)} | {f"out{i}": x for i, x in enumerate(outputs)}
    np.savez(path, **arrays)


def torch_models():
    """Name, model, inputs, names of inputs, open axes."""
    import torch

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    image, rows = rng.normal(size=(2, 3, 32, 32)).astype("float32"), rng.normal(size=(2, 5, 8)).astype("float32")
    ids, mask = rng.integers(0, 40, (2, 7)), np.array([[1] * 7, [1] * 5 + [0] * 2])
    net = small_mobilenet(torch)
    for module in net.modules():  # moving averages as after some training
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    yield "mobilenet", net, [image], ["x"], [{0: "batch"}]
    with contextlib.suppress(ImportError):
        import transformers

        lengths = {0: "batch", 1: "time"}
        yield "bert", small_bert(torch, transformers), [ids, mask], ["ids", "mask"], [lengths, lengths]
    for kind in ("LSTM", "GRU", "RNN"):
        yield kind.lower(), recurrent(torch, kind), [rows], ["x"], [{0: "batch"}]
    models = torchvision_models()
    if models is not None:
        for name in "mobilenet_v2 mobilenet_v3_small resnet18 shufflenet_v2_x0_5 squeezenet1_1 convnext_tiny".split():
            yield name, getattr(models, name)(num_classes=5), [image], ["x"], [{0: "batch"}]


def torchvision_models():
    try:
        from torchvision import models
    except (ImportError, RuntimeError) as error:  # the latter from a build for another PyTorch
        return print(f"left out: torchvision ({error})")
    return models


def recurrent(torch, kind):
    class Net(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self):
            super().__init__()
            self.inner = getattr(torch.nn, kind)(8, 6, num_layers=2, batch_first=True, bidirectional=True)
            self.head = torch.nn.Linear(12, 3)

        def forward(self, x):
            return self.head(self.inner(x)[0][:, -1])

    return Net()


def write_tensorflow(folder):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras
    import tensorflow as tf
    import tf2onnx
    from keras import layers as L

    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    image, rows = rng.normal(size=(2, 16, 16, 3)).astype("float32"), rng.normal(size=(2, 7, 5)).astype("float32")
    cnn = [L.Conv2D(8, 3, strides=2, padding="same"), L.BatchNormalization(), L.ReLU(6.0), L.MaxPool2D(padding="same")]
    cnn += [L.UpSampling2D(), L.Conv2DTranspose(4, 3, strides=2, padding="same"), L.Flatten(), L.Dense(3)]
    rnn = [L.LSTM(6, return_sequences=True), L.Bidirectional(L.GRU(4)), L.Dense(2)]
    for name, layers, x in (("cnn", cnn, image), ("rnn", rnn, rows)):
        model = keras.Sequential([L.Input(x.shape[1:]), *layers])

        @tf.function
        def run(x, model=model):
            return model(x, training=False)

        for opset in (11, 13, 15, 17):
            spec = [tf.TensorSpec([None, *x.shape[1:]], x.dtype)]
            path = str(folder / f"tensorflow_{name}_{opset}.onnx")
            tf2onnx.convert.from_function(run, input_signature=spec, opset=opset, output_path=path)
            keep(folder / f"tensorflow_{name}_{opset}.npz", [x], [run(x).numpy()])


def make(folder):
    """Write all that this interpreter can."""
    warnings.simplefilter("ignore")
    for part in (write_all_of_torch, write_tensorflow):
        try:
            part(folder)
        except ImportError as error:
            print(f"left out: {part.__name__.rpartition('_')[2]} ({error})")


def write_all_of_torch(folder):
    for name, model, inputs, names, lengths in torch_models():
        for dynamo in (False, True):
            stem = f"torch_{name}_{'dynamo' if dynamo else 'script'}"
            write_torch(stem, model, inputs, names, lengths, folder, dynamo)


def write_fixtures():
    """The two models that tests hold, without what PyTorch notes of its source."""
    import onnx

    FIXTURES.mkdir(exist_ok=True)
    for name, model, inputs, names, lengths in torch_models():
        if name not in ("mobilenet", "bert"):
            continue
        for dynamo in (False, True):
            stem = f"{name}_{'dynamo' if dynamo else 'script'}"
            write_torch(stem, model, inputs, names, lengths, FIXTURES, dynamo)
            made = onnx.load(FIXTURES / f"{stem}.onnx")
            del made.metadata_props[:], made.graph.metadata_props[:], made.functions[:]
            for node in made.graph.node:
                kept = [pair for pair in node.metadata_props if pair.key.endswith("name_scopes")]
                del node.metadata_props[:]
                node.metadata_props.extend(kept)
                node.doc_string = ""
            for info in [*made.graph.value_info, *made.graph.input, *made.graph.output]:
                del info.metadata_props[:]
            onnx.save(made, FIXTURES / f"{stem}.onnx")


# ---------------------------------------------------------------------- what happens here


def check(path, folder):
    """What a file's model gives, learns and becomes; raises where something is wrong, tells in words how it was."""
    import eagerflow as ef
    import viz

    arrays = np.load(path.with_suffix(".npz"))
    inputs = [arrays[key] for key in sorted(arrays) if key.startswith("in")]
    wanted = [arrays[key] for key in sorted(arrays) if key.startswith("out")]
    given = inputs[0] if len(inputs) == 1 else inputs
    model = ef.models.load_onnx(path)
    with viz.trace(path.stem) as recording:
        found = several(model(given))
    apart = difference(found, wanted)
    model.export(folder / "again.onnx")
    again = difference(several(ef.models.load_onnx(folder / "again.onnx")(given)), wanted)
    assert max(apart, again) <= TOLERANCE, f"differs by {apart:.1e}, exported again by {again:.1e}"
    if model.trainable_weights:
        before, after = train(ef, model, given)
        assert after < before, f"the loss went from {before} to {after}"
    return f"{len(model.weights)} weights, {len(recording.ops)} ops, {apart:.0e}, again {again:.0e}"


def train(ef, model, given):
    """The loss before and after a step against the gradient: one that is to take a twentieth of it away, or shorter."""
    targets = [ef.stop_gradient(0.9 * x) if x.dtype.kind == "f" else None for x in several(model(given))]

    def loss():
        pairs = [(x, t) for x, t in zip(several(model(given)), targets) if t is not None]
        return sum([ef.ops.mean((x - t) ** 2) for x, t in pairs])

    with ef.GradientTape() as tape:
        before = loss()
    found = [
        (g, w) for g, w in zip(tape.gradient(before, model.trainable_weights), model.trainable_weights) if g is not None
    ]
    whole = float(before) / sum([float(ef.ops.sum(ef.ops.cast(g, "float64") ** 2)) for g, _ in found])
    first = [w.numpy() for _, w in found]
    for part in (0.05, 0.005, 0.0005):  # where a loss is curved, a long step leads up again
        for (g, w), start in zip(found, first):
            w.assign(start - part * whole * g)
        after = float(loss())
        if after < float(before):
            break
    return float(before), after


def several(found):
    return list(found) if isinstance(found, (list, tuple)) else [found]


def difference(ours, theirs):
    """The largest difference, relative to the largest number."""
    return max(
        float(np.abs(np.asarray(x, "float64") - y).max() / max(np.abs(y).max(), 1e-30)) for x, y in zip(ours, theirs)
    )


def main(peer):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not Path(peer).exists():
            print(f"ONNX files of others: left out, there is no {peer} (make bench installs PyTorch)")
            return 0
        subprocess.run([peer, __file__, "make", name], check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"})
        failed = 0
        for path in sorted(folder.glob("*.onnx")):
            try:
                print(f"{path.stem:40} {check(path, folder)}", flush=True)
            except Exception as error:
                failed += 1
                print(f"{path.stem:40} FAILED: {type(error).__name__}: {error}", flush=True)
        return 1 if failed else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:2] == ["make"]:
        make(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["fixtures"]:
        write_fixtures()
    else:
        sys.exit(main(sys.argv[1]))
