"""Small files that describe something huge: each names its loader, and what makes it huge.

`write(name, folder)` writes one; `drawn(seed)` draws the name of another, with other sizes.
"""

from __future__ import annotations

import io
import itertools
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import onnx

import eagerflow as ef
from tests.hostile.archives import members_of, with_member, zipped
from tests.hostile.bombs import zip_bomb
from tests.hostile.onnx_files import described, length_of, node, tensor
from tests.hostile.traces import _changed

Bomb = Callable[["Folder", int], Path]
BOMBS: dict[str, tuple[str, int, Bomb]] = {}  # the loader, a size, and what writes the file


class Folder:
    """Where files go, and the good ones that they are made of."""

    def __init__(self, place: Path, good: dict[str, Path]) -> None:
        self.place, self.good = place, good

    def written(self, content: bytes, ending: str) -> Path:
        path = self.place / f"bomb.{ending}"
        path.write_bytes(content)
        return path


def bomb(loader: str, size: int) -> Callable[[Bomb], Bomb]:
    def enter(write: Bomb) -> Bomb:
        BOMBS[write.__name__] = loader, size, write
        return write

    return enter


def drawn(seed: int) -> tuple[str, int]:
    """A bomb and a size, up to four times as large or small as usual."""
    rng = random.Random(seed)
    name = rng.choice(sorted(BOMBS))
    return name, max(1, int(BOMBS[name][1] * 4 ** rng.uniform(-1, 1)))


# JSON


def object_of(name: str, config: dict[str, Any], module: str = "keras.layers") -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def sequential(*layers: dict[str, Any], inputs: int = 3) -> dict[str, Any]:
    first = object_of("InputLayer", {"batch_shape": [None, inputs], "dtype": "float32", "name": "x"})
    return object_of("Sequential", {"name": "net", "layers": [first, *layers]}, "keras")


def ref(name: str, call: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, 0]}}


def functional(name: str, *entries: dict[str, Any], output: list[Any], inputs: int = 4) -> dict[str, Any]:
    first = object_of("InputLayer", {"batch_shape": [None, inputs], "dtype": "float32", "name": "x"})
    layers = [{**first, "name": "x", "inbound_nodes": []}, *entries]
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [output]}
    return object_of("Functional", {"name": name, "layers": layers, **ends}, "keras.src.models.functional")


def op(name: str, **kwargs: Any) -> dict[str, Any]:
    call = {"args": [ref("x")], "kwargs": kwargs}
    entry = {"module": "eagerflow.ops", "class_name": name, "config": {"name": "op"}, "name": "op"}
    return functional("net", {**entry, "inbound_nodes": [call]}, output=["op", 0, 0])


def text_of(folder: Folder, config: Any) -> Path:
    return folder.written(json.dumps(config).encode(), "json")


@bomb("model_from_json", 60_000_000)
def weights_of_a_text(folder: Folder, size: int) -> Path:
    return text_of(folder, sequential(object_of("Dense", {"units": size})))


@bomb("model_from_json", 3000)
def orthogonal_weights(folder: Folder, size: int) -> Path:
    rows = object_of("Reshape", {"target_shape": [3, 1]})
    return text_of(folder, sequential(rows, object_of("SimpleRNN", {"units": size})))


@bomb("model_from_json", 40)
def nested_models_called_twice(folder: Folder, size: int) -> Path:
    return text_of(folder, nested(size))


def nested(levels: int) -> dict[str, Any]:
    config = sequential(object_of("Dense", {"units": 4}), inputs=4)
    for i in range(min(levels, 60)):
        calls = [{"args": [ref("x")], "kwargs": {}}, {"args": [ref("f")], "kwargs": {}}]
        config = functional(f"m{i}", {**config, "name": "f", "inbound_nodes": calls}, output=["f", 1, 0])
        config["config"]["layers"][1]["config"]["name"] = "f"
    return config


@bomb("model_from_json", 300_000_000)
def one_hot(folder: Folder, size: int) -> Path:
    return text_of(folder, op("one_hot", num_classes=size))


@bomb("model_from_json", 1_000_000_000)
def differences(folder: Folder, size: int) -> Path:
    return text_of(folder, op("diff", n=size))


@bomb("model_from_json", 40_000)
def a_wide_padding(folder: Folder, size: int) -> Path:
    return text_of(folder, op("pad", pad_width=[[size, 0], [0, size]]))


@bomb("model_from_json", 2000)
def calls_in_the_wrong_order(folder: Folder, size: int) -> Path:
    names = ["x", *[f"r{i}" for i in range(size)]]
    entries = [
        {**object_of("ReLU", {"name": new}), "name": new, "inbound_nodes": [{"args": [ref(old)], "kwargs": {}}]}
        for old, new in itertools.pairwise(names)
    ]
    return text_of(folder, functional("net", *reversed(entries), output=[names[-1], 0, 0]))


@bomb("model_from_json", 30)
def a_pattern_of_a_policy(folder: Folder, size: int) -> Path:
    policies = {"(.*a+)+$": object_of("DTypePolicy", {"name": "float32"}, "keras")}
    policy = object_of("DTypePolicyMap", {"default_policy": None, "policy_map": policies}, "keras.dtype_policies")
    return text_of(folder, sequential(object_of("Dense", {"units": 2, "name": "a" * size + "b", "dtype": policy})))


@bomb("model_from_json", 100_000_000)
def sequences_of_very_many_words(folder: Folder, size: int) -> Path:
    return text_of(folder, of_texts("TextVectorization", vocabulary=["a"], ngrams=size))


@bomb("model_from_json", 1_000_000_000)
def indices_of_unknown_strings(folder: Folder, size: int) -> Path:
    return text_of(folder, of_texts("StringLookup", vocabulary=["a"], num_oov_indices=size, output_mode="multi_hot"))


@bomb("model_from_json", 1_000_000_000)
def indices_of_unknown_integers(folder: Folder, size: int) -> Path:
    settings = {"vocabulary": [1], "num_oov_indices": size, "output_mode": "multi_hot"}
    return text_of(folder, sequential(object_of("IntegerLookup", settings)))


@bomb("model_from_json", 1_000_000_000)
def weights_of_no_tokens(folder: Folder, size: int) -> Path:
    settings = {"max_tokens": size, "pad_to_max_tokens": True, "output_mode": "tf_idf", "idf_weights": [1.0]}
    return text_of(folder, of_texts("StringLookup", vocabulary=["a"], **settings))


def of_texts(name: str, **settings: Any) -> dict[str, Any]:
    config = sequential(object_of(name, settings))
    config["config"]["layers"][0]["config"].update(batch_shape=[None, 1], dtype="string")
    return config


@bomb("model_from_json", 100_000_000)
def states_of_an_lstm(folder: Folder, size: int) -> Path:
    return text_of(folder, of_batch([size, 3, 2], object_of("LSTM", {"units": 8, "stateful": True})))


@bomb("model_from_json", 100_000_000)
def states_of_both_directions(folder: Folder, size: int) -> Path:
    layer = object_of("GRU", {"units": 8, "stateful": True})
    return text_of(folder, of_batch([size, 3, 2], object_of("Bidirectional", {"layer": layer})))


@bomb("model_from_json", 20_000)
def states_of_images(folder: Folder, size: int) -> Path:
    settings = {"filters": 2, "kernel_size": [1, 1], "stateful": True}
    return text_of(folder, of_batch([1, 2, size, size, 1], object_of("ConvLSTM2D", settings)))


def of_batch(shape: list[int], layer: dict[str, Any]) -> dict[str, Any]:
    config = sequential(layer)
    config["config"]["layers"][0]["config"]["batch_shape"] = shape
    return config


# Archives


def archive_of(folder: Folder, config: dict[str, Any]) -> Path:
    return folder.written(with_member(folder.good["keras"], "config.json", json.dumps(config).encode()), "keras")


def changed(folder: Folder, change: Callable[[dict[str, Any]], Any]) -> Path:
    config = json.loads(members_of(folder.good["keras"].read_bytes())["config.json"])
    change(config)
    return archive_of(folder, config)


@bomb("load_model", 30)
def a_pattern_of_an_optimizer(folder: Folder, size: int) -> Path:
    config = sequential(object_of("Dense", {"units": 4, "name": "a" * size + "b"}))
    optimizer = object_of("Muon", {"exclude_layers": ["(a+)+c"]}, "keras.optimizers")
    return archive_of(folder, {**config, "compile_config": {"optimizer": optimizer, "loss": "mse"}})


@bomb("load_model", 100_000_000)
def thresholds_of_a_metric(folder: Folder, size: int) -> Path:
    metric = object_of("AUC", {"num_thresholds": size}, "keras.metrics")
    return changed(folder, lambda config: config["compile_config"].update(metrics=[metric]))


@bomb("load_model", 200_000)
def very_many_metrics(folder: Folder, size: int) -> Path:
    return compiled(folder, metrics=["mae"] * size)


@bomb("load_model", 200_000)
def very_many_losses(folder: Folder, size: int) -> Path:
    return compiled(folder, loss=["mse"] * size)


def compiled(folder: Folder, **settings: Any) -> Path:
    config = sequential(object_of("Dense", {"units": 4}))
    return deflated(folder, "config.json", json.dumps({**config, "compile_config": settings}).encode())


@bomb("load_model", 20)
def quotes_without_an_end(folder: Folder, size: int) -> Path:
    return deflated(folder, "config.json", b'{"a": "' + b'\\"' * (size * 2**19))


@bomb("load_model", 60)
def json_of_nothing(folder: Folder, size: int) -> Path:
    return deflated(folder, "config.json", b'{"a": [' + b"[]," * (size * 2**20 // 3) + b"0]}")


@bomb("load_model", 75_000)
def very_many_layers(folder: Folder, size: int) -> Path:
    layers = ",".join(['{"class_name": "Dense", "config": {"units": 1}}'] * size)
    first = json.dumps(sequential())
    return deflated(folder, "config.json", first.replace('"x"}, "registered_name": null}', '"x"}}, ' + layers).encode())


def deflated(folder: Folder, name: str, content: bytes) -> Path:
    members = members_of(folder.good["keras"].read_bytes()) | {name: content}
    return folder.written(zipped([*members.items()], zipfile.ZIP_DEFLATED), "keras")


@bomb("load_model", 400)
def assets_of_nothing(folder: Folder, size: int) -> Path:
    members = members_of(vocabulary(folder).read_bytes())
    return folder.written(zip_bomb(members, next(n for n in members if n.startswith("assets")), size), "keras")


@bomb("load_model", 20)
def assets_of_lines(folder: Folder, size: int) -> Path:
    members = members_of(vocabulary(folder).read_bytes())
    name = next(n for n in members if n.startswith("assets"))
    lines = b"\n".join([b"%x" % i for i in range(1000)]) + b"\n"
    members[name] = lines * (size * 2**20 // len(lines))
    return folder.written(zipped([*members.items()], zipfile.ZIP_DEFLATED), "keras")


def vocabulary(folder: Folder) -> Path:
    path = folder.place / "vocabulary.keras"
    lookup = ef.layers.StringLookup()
    lookup.adapt(["a", "b"])
    ef.Sequential([ef.Input((1,), dtype="string"), lookup, ef.layers.Embedding(3, 2)]).save(path)
    return path


@bomb("load_model", 1200)
def weights_of_zeros(folder: Folder, size: int) -> Path:
    """An array of as many megabytes, in packed chunks, for a layer of that size."""
    config = sequential(object_of("Dense", {"units": size * 2**16, "use_bias": False, "name": "d"}), inputs=4)
    members = {**members_of(folder.good["keras"].read_bytes()), "config.json": json.dumps(config).encode()}
    with h5py.File(target := io.BytesIO(), "w") as file:
        zeros(file, "layers/dense/vars/0", (4, size * 2**16))
    return folder.written(zipped([*(members | {"model.weights.h5": target.getvalue()}).items()], 8), "keras")


def zeros(file: Any, name: str, shape: tuple[int, int]) -> None:
    """An array that is stored as one packed chunk, again and again."""
    chunk = (shape[0], 2**16)
    made = file.create_dataset(name, shape, "f4", chunks=chunk, compression="gzip")
    packed = zlib.compress(bytes(4 * chunk[0] * chunk[1]), 9)
    for start in range(0, shape[1], chunk[1]):
        made.id.write_direct_chunk((0, start), packed)


# HDF5


@bomb("read_weights", 5000)
def links_to_one_array(folder: Folder, size: int) -> Path:
    with h5py.File(target := io.BytesIO(), "w") as file:
        zeros(file, "vars/0", (4, 2**21))
        for i in range(1, size):
            file[f"vars/{i}"] = file["vars/0"]
    return folder.written(target.getvalue(), "weights.h5")


@bomb("read_weights", 1000)
def a_chunk_larger_than_its_array(folder: Folder, size: int) -> Path:
    with h5py.File(target := io.BytesIO(), "w") as file:
        made = file.create_dataset("vars/0", (4,), "f4", chunks=(size * 2**18,), maxshape=(None,), compression="gzip")
        packer = zlib.compressobj(9)
        made.id.write_direct_chunk(
            (0,), b"".join([packer.compress(bytes(2**20)) for _ in range(size)]) + packer.flush()
        )
    return folder.written(target.getvalue(), "weights.h5")


@bomb("load_model", 20_000)
def texts_that_are_one(folder: Folder, size: int) -> Path:
    """Names of layers, all of which are the same text of 100,000 letters."""
    target = io.BytesIO(folder.good["h5"].read_bytes())
    with h5py.File(target, "r+") as file:
        group = file["model_weights"]
        del group.attrs["layer_names"]
        names = np.array(["x" * 100_000, *["y"] * min(size, 3500)], object)
        group.attrs.create("layer_names", names, dtype=h5py.string_dtype())
    content = target.getvalue()
    at = content.index(struct.pack("<I", 100_000))
    first, count = content[at : at + 16], min(size, 3500)
    return folder.written(content[:at] + first * (1 + count) + content[at + 16 * (1 + count) :], "h5")


@bomb("load_model", 20_000)
def heaps_in_heaps(folder: Folder, size: int) -> Path:
    content = folder.good["h5"].read_bytes()
    content += bytes(-len(content) % 32)
    end = len(content) + 32 * size
    parts = []
    for i in range(size):  # the first bytes of each heap lie in an object of the one before it
        start = len(content) + 32 * i
        parts.append(b"GCOL\x01\0\0\0" + struct.pack("<Q", end - start) + struct.pack("<HHIQ", 1, 1, 0, 16))
    parts[-1] = parts[-1][:16] + struct.pack("<HHIQ", 0, 0, 0, 16)
    return folder.written(content + b"".join(parts), "h5")


# ONNX


def onnx_file(folder: Folder, nodes: list[Any], functions: Any = ()) -> Path:
    graph = onnx.GraphProto(name="net")
    graph.node.extend(nodes)
    graph.input.extend([described("x")])
    graph.output.extend([described("y", shape=())])
    made = onnx.ModelProto(ir_version=8, graph=graph)
    made.opset_import.extend([onnx.OperatorSetIdProto(version=17), onnx.OperatorSetIdProto(domain="own", version=1)])
    made.functions.extend(functions)
    return folder.written(made.SerializeToString(), "onnx")


@bomb("load_onnx", 2000)
def constants_of_a_function(folder: Folder, size: int) -> Path:
    made = onnx.FunctionProto(name="f", domain="own")
    made.input.extend(["a"])
    made.output.extend(["b"])
    made.opset_import.extend([onnx.OperatorSetIdProto(version=17)])
    constant = tensor("", np.zeros((16_000, 3)), "float32")
    made.node.extend([node("Constant", "", "c", value=constant), node("Mul", "a c", "b")])
    calls = [node("f", "x" if not i else f"v{i}", f"v{i + 1}", "own") for i in range(size)]
    return onnx_file(folder, [*calls, node("Identity", f"v{size}", "y")], [made])


@bomb("load_onnx", 100)
def results_that_stay(folder: Folder, size: int) -> Path:
    shape = node("Constant", "", "s", value=tensor("", [1_000_000, 3]))
    wide = [node("Expand", "x s", f"e{i}") for i in range(size)]
    sums = [node("ReduceSum", f"e{i}", f"r{i}", keepdims=0) for i in range(size)]
    return onnx_file(
        folder,
        [
            shape,
            *wide,
            *[node("Neg", f"e{i}", f"n{i}") for i in range(size)],
            *sums,
            node("Sum", [f"n{i}" for i in range(size)], "y"),
        ],
    )


@bomb("load_onnx", 12)
def functions_that_call_twice(folder: Folder, size: int) -> Path:
    functions = []
    for i in range(7):
        made = onnx.FunctionProto(name=f"f{i}", domain="own")
        made.input.extend(["a"])
        made.output.extend(["b"])
        made.opset_import.extend(
            [onnx.OperatorSetIdProto(version=17), onnx.OperatorSetIdProto(domain="own", version=1)]
        )
        inner = ("Neg", "") if not i else (f"f{i - 1}", "own")
        names = ["a", *[f"v{k}" for k in range(size)]]
        calls = [node(inner[0], one, other, inner[1]) for one, other in itertools.pairwise(names)]
        made.node.extend([*calls, node("Identity", names[-1], "b")])
        functions.append(made)
    return onnx_file(folder, [node("f6", "x", "y", "own")], functions)


@bomb("load_onnx", 3_000_000)
def parts_of_nothing(folder: Folder, size: int) -> Path:
    return folder.written(onnx_parts(b"\x0a\x00" * size), "onnx")


@bomb("load_onnx", 60_000_000)
def numbers_in_a_byte_each(folder: Folder, size: int) -> Path:
    numbers = onnx.TensorProto(dims=[size], data_type=7, name="a").SerializeToString()
    numbers += b"\x3a" + length_of(size) + bytes(size)
    return folder.written(onnx_parts(b"\x2a" + length_of(len(numbers)) + numbers), "onnx")


@bomb("load_onnx", 20_000)
def a_long_text_among_short_ones(folder: Folder, size: int) -> Path:
    text = onnx.TensorProto(dims=[size + 1], data_type=8, string_data=[b"x" * 2**20, *[b"y"] * size])
    return onnx_file(folder, [node("Constant", "", "c", value=text), node("Shape", "c", "s"), node("Sum", "x s", "y")])


def onnx_parts(graph: bytes) -> bytes:
    """A model with a graph of these bytes."""
    return b"\x08\x08\x3a" + length_of(len(graph)) + graph


# Recordings


def recording(folder: Folder, header: Callable[[Any], Any], columns: Callable[[Any], Any] = lambda c: None) -> Path:
    members = members_of(folder.good["efz"].read_bytes())
    text = json.loads(members["trace.json"])
    header(text)
    changed_ones = {"trace.json": json.dumps(text).encode(), "columns.npz": _changed(members, columns)}
    return folder.written(zipped([*(members | changed_ones).items()], zipfile.ZIP_DEFLATED), "efz")


@bomb("viz.load", 3_000_000)
def very_many_tensors(folder: Folder, size: int) -> Path:
    def longer(columns: Any) -> None:
        for name, column in columns.items():
            if name.startswith(("Op.", "TensorInfo.")) and name.partition("@")[0].partition(".")[2]:
                columns[name] = np.concatenate([column, np.repeat(column[-1:], size)])

    def counts(header: Any) -> None:
        for name in ("ops", "tensors"):
            header["counts"][name] += size

    return recording(folder, counts, longer)


@bomb("viz.load", 20_000)
def very_deep_scopes(folder: Folder, size: int) -> Path:
    def deeper(columns: Any) -> None:
        for name in [name for name in columns if name.startswith("Scope.")]:
            columns[name] = np.concatenate([columns[name], np.repeat(columns[name][-1:], size)])
        columns["Scope.parent"] = np.arange(len(columns["Scope.parent"])) - 1
        columns["Scope.parent"][0] = -(2**63)

    return recording(folder, lambda header: header["counts"].update(scopes=header["counts"]["scopes"] + size), deeper)


@bomb("viz.load", 2_000_000)
def very_long_names(folder: Folder, size: int) -> Path:
    return recording(folder, lambda header: header.update(texts=["n" * size for _ in header["texts"]]))


@bomb("viz.load", 20_000_000)
def a_header_of_nothing(folder: Folder, size: int) -> Path:
    return recording(folder, lambda header: header.update(logs=[[]] * (size // 4)))


# Steps to replay


def steps(folder: Folder, change: Callable[[Any], Any], **more: bytes) -> Path:
    members = members_of(folder.good["efr"].read_bytes())
    header = json.loads(members["step.json"])
    change(header)
    members |= {"step.json": json.dumps(header).encode()}
    return folder.written(zipped([*members.items()], zipfile.ZIP_DEFLATED), "efr")


@bomb("replay", 3_000_000)
def a_batch_of_very_many_arrays(folder: Folder, size: int) -> Path:
    return steps(folder, lambda header: header["steps"][0].update(rows=[7] * size, batch=[["x", 0]] * (size // 4)))


@bomb("model_from_json", 30_000)
def an_outer_product(folder: Folder, size: int) -> Path:
    call = {"args": [ref("x"), ref("x")], "kwargs": {}}
    entry = {"module": "eagerflow.ops", "class_name": "outer", "config": {"name": "op"}, "name": "op"}
    return text_of(folder, functional("net", {**entry, "inbound_nodes": [call]}, output=["op", 0, 0], inputs=size))


@bomb("model_from_json", 300)
def many_short_repetitions(folder: Folder, size: int) -> Path:
    return text_of(folder, op("tile", repeats=[size, 20, 20, 20]))


@bomb("model_from_json", 300_000_000)
def a_long_row(folder: Folder, size: int) -> Path:
    return text_of(folder, op("arange", stop=size))


@bomb("replay", 100)
def ops_that_make_much(folder: Folder, size: int) -> Path:
    def more(header: Any) -> None:
        wide = {"op": "broadcast_to", "in": [{"n": 1.0}], "set": [{"tuple": [4000, 4000]}], "tape": True, "at": None}
        twice = {"op": "negative", "set": [], "tape": True, "at": None}
        events = header["steps"][0]["events"]
        many = [{**twice, "in": [900_000], "out": [900_001 + i]} for i in range(size)]
        header["steps"][0]["events"] = [{**wide, "out": [900_000]}, *many, *events]

    return steps(folder, more)


def write(name: str, size: int, folder: Folder) -> Path:
    return BOMBS[name][2](folder, size)
