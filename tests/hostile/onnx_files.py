"""Hostile ONNX files: graphs that lead nowhere, ask for terabytes, go round without end, or hide in each other."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx

from eagerflow.onnx.messages import TYPES

HUGE = 10**12
Model = Any


def tensor(name: str, values: Any, dtype: str = "int64", /, **changed: Any) -> Any:
    array = np.asarray(values, dtype)
    given = {"dims": array.shape, "data_type": TYPES[dtype], "name": name, "raw_data": array.tobytes()} | changed
    return onnx.TensorProto(**given)


def node(
    kind: str, inputs: str | list[str], outputs: str | list[str], domain: str = "", name: str = "", **attributes: Any
) -> Any:
    """A node; names of inputs and outputs are in lists, or parted by blanks with `-` for none."""
    made = onnx.NodeProto(op_type=kind, domain=domain, name=name)
    made.input.extend([p.replace("-", "") for p in inputs.split()] if isinstance(inputs, str) else inputs)
    made.output.extend(outputs.split() if isinstance(outputs, str) else outputs)
    made.attribute.extend([attribute(key, value) for key, value in attributes.items()])
    return made


def attribute(name: str, value: Any) -> Any:
    made = onnx.AttributeProto(name=name)
    if isinstance(value, int):
        made.i, made.type = value, 2
    elif isinstance(value, float):
        made.f, made.type = value, 1
    elif isinstance(value, str):
        made.s, made.type = value.encode(), 3
    elif isinstance(value, onnx.GraphProto):
        made.g.CopyFrom(value)
        made.type = 5
    elif isinstance(value, onnx.TensorProto):
        made.t.CopyFrom(value)
        made.type = 4
    elif value and isinstance(value[0], float):
        made.floats.extend(value)
        made.type = 6
    else:
        made.ints.extend(value)
        made.type = 7
    return made


def described(name: str, dtype: int = 1, shape: Sequence[Any] = (None, 3)) -> Any:
    dims = onnx.TensorShapeProto()
    for length in shape:
        dims.dim.add(**({"dim_value": length} if isinstance(length, int) else {"dim_param": "n"}))
    about = onnx.TypeProto.Tensor(elem_type=dtype, shape=dims)
    return onnx.ValueInfoProto(name=name, type=onnx.TypeProto(tensor_type=about))


def graph(nodes: Sequence[Any], arrays: Sequence[Any] = (), outputs: str = "y", inputs: str = "x") -> Any:
    made = onnx.GraphProto(name="net", node=nodes, initializer=arrays)
    made.input.extend([described(name) for name in inputs.split()])
    made.output.extend([described(name) for name in outputs.split()])
    return made


def model(body: Any, opset: int = 18, **fields: Any) -> Model:
    made = onnx.ModelProto(ir_version=8, graph=body, **fields)
    made.opset_import.add(domain="", version=opset)
    made.opset_import.add(domain="mine", version=1)
    return made


def of(*nodes: Any, arrays: Sequence[Any] = (), **how: Any) -> Model:
    return model(graph(nodes, arrays), **how)


def onnx_files() -> Iterator[tuple[str, bytes]]:
    """Each by its name."""
    for name, made in itertools.chain(_graphs(), _tensors(), _sizes(), _loops(), _attributes()):
        yield f"onnx_{name}", made if isinstance(made, bytes) else made.SerializeToString()


def _graphs() -> Iterator[tuple[str, Any]]:
    relu = node("Relu", "x", "y")
    yield "empty", b""
    yield "no_graph", onnx.ModelProto(ir_version=8)
    yield "no_opset", onnx.ModelProto(ir_version=8, graph=graph([relu]))
    yield "opset_99", of(relu, opset=99)
    yield "opset_negative", of(relu, opset=-1)
    yield "itself", of(node("Add", "x y", "y"))
    yield "circle", of(node("Relu", "b", "a"), node("Relu", "a", "b"), node("Add", "a x", "y"))
    yield "nowhere", of(node("Add", "x gone", "y"))
    yield "no_output", of(node("Relu", "x", "z"))
    yield "twice", of(relu, node("Tanh", "x", "y"))
    yield "as_input", of(node("Relu", "x", "x"), node("Relu", "x", "y"))
    yield "two_inputs", model(graph([relu], inputs="x x"))
    yield "two_arrays", of(node("Add", "x a", "y"), arrays=[tensor("a", [1.0], "float32")] * 2)
    yield "unknown_node", of(node("Frobnicate\x1b[31m", "x", "y"))
    yield "unknown_domain", of(node("Run", "x", "y", "mine"))
    yield "undeclared_domain", of(node("Run", "x", "y", "os.system"))
    yield "eval", of(node("__import__('os').system('true')", "x", "y"))
    yield "long_name", of(node("Relu", "x", "y", name="n" * 10**7))
    yield "signs", of(node("Relu", "x", "y", name="\x1b]0;own\x07<script>alert(1)</script>\x1b[2J\u202egnp.exe"))
    yield "path_name", of(node("Relu", "x", "y", name="../../etc/" + "a/" * 3000 + "passwd"))
    yield "unordered", of(node("Relu", "a", "y"), node("Tanh", "x", "a"))
    yield "many_nodes", b"\x08\x08\x3a" + length_of(2 * 10**6) + b"\x0a\x00" * 10**6
    yield "deep_messages", _nested(5000)
    yield "deep_graphs", of(_branches(20))
    yield "recursion", of(node("F", "x", "y", "mine"), functions=[_function("F", node("F", "a", "b", "mine"))])
    yield "doubling_functions", of(node("F30", "x", "y", "mine"), functions=list(_doubling(30)))
    chain = [node("Relu", f"v{i}", f"v{i + 1}") for i in range(3000)]
    yield "long_chain", of(node("Relu", "x", "v0"), *chain, node("Relu", "v3000", "y"))


def length_of(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def _nested(depth: int) -> bytes:
    """Graphs in attributes of nodes in graphs, without the names that would make them models."""
    inner = b""
    for i in range(depth):
        inner = bytes([(0x0A, 0x2A, 0x32)[i % 3]]) + length_of(len(inner)) + inner
    return b"\x3a" + length_of(len(inner)) + inner


def _branches(depth: int) -> Any:
    made = node("Relu", "x", "y")
    for _ in range(depth):
        other = graph([node("Relu", "x", "y")], inputs="")
        made = node("If", "x", "y", then_branch=graph([made], inputs=""), else_branch=other)
    return made


def _function(name: str, *nodes: Any) -> Any:
    made = onnx.FunctionProto(name=name, domain="mine", input=["a"], output=["b"], node=nodes)
    made.opset_import.add(domain="mine", version=1)
    made.opset_import.add(domain="", version=18)
    return made


def _doubling(count: int) -> Iterator[Any]:
    yield _function("F0", node("Relu", "a", "b"))
    for i in range(1, count + 1):
        yield _function(f"F{i}", node(f"F{i - 1}", "a", "c", "mine"), node(f"F{i - 1}", "c", "b", "mine"))


def _tensors() -> Iterator[tuple[str, Any]]:
    changes: dict[str, dict[str, Any]] = {
        "huge": {"dims": [HUGE]},
        "huge_zero": {"dims": [HUGE, HUGE, 0]},
        "negative": {"dims": [-1, -3]},
        "overflow": {"dims": [2**32, 2**32]},
        "many_axes": {"dims": [1] * 5000},
        "short": {"raw_data": b"\0" * 5},
        "type_0": {"data_type": 0},
        "type_99": {"data_type": 99},
        "text": {"data_type": 8},
        "complex": {"data_type": 14},
        "float8": {"data_type": 17},
        "no_name": {"name": ""},
        "outside": {"data_location": 1},
    }
    for name, change in changes.items():
        yield f"tensor_{name}", of(node("Add", "x a", "y"), arrays=[tensor("a", [1.0, 2.0, 3.0], "float32", **change)])
    pair = onnx.StringStringEntryProto
    for i, place in enumerate(
        ("/etc/passwd", "../good.onnx", "a/../../b", "C:\\x", "\\\\host\\x", "", "a\0b", "/dev/zero")
    ):
        where = [pair(key="location", value=place), pair(key="offset", value="-1" if i == 5 else "0")]
        far = tensor("a", [1.0, 2.0, 3.0], "float32", data_location=1, external_data=where, raw_data=b"")
        yield f"beside_{i}", of(node("Add", "x a", "y"), arrays=[far])
    one_by_one = onnx.TensorProto(dims=[10**7], data_type=7, name="a", int64_data=[1] * 10**6)
    yield "tensor_one_by_one", of(node("Add", "x a", "y"), arrays=[one_by_one])


def _sizes() -> Iterator[tuple[str, Any]]:
    """Nodes whose results would be far larger than the file."""
    far = [tensor("n", [HUGE]), tensor("two", [HUGE, 3]), tensor("one", 1), tensor("end", HUGE), tensor("zero", 0)]
    far += [tensor("row", np.ones((1, 30000)), "float32"), tensor("column", np.ones((30000, 1)), "float32")]
    far += [tensor("pads", [0, 0, HUGE, 0]), tensor("minus", [-HUGE, 0, 0, 0]), tensor("scales", [1e9, 1e9], "float32")]
    far += [tensor("w", np.ones((1, 1, 1)), "float32"), tensor("values", [0.0, 1.0], "float32"), tensor("in", [0])]
    far += [tensor("many", [10**6, 10**6, 10**6]), tensor("image", np.ones((1, 1, 4)), "float32")]
    cases = {
        "constant": [node("ConstantOfShape", "n", "y")],
        "constants": [node("ConstantOfShape", "many", "y")],
        "expand": [node("Expand", "x two", "y")],
        "tile": [node("Tile", "x two", "y")],
        "range": [node("Range", "zero end one", "y")],
        "range_0": [node("Range", "zero end zero", "y")],
        "pad": [node("Pad", "x pads", "y")],
        "pad_away": [node("Pad", "x minus", "y")],
        "resize": [node("Resize", "x - scales", "y")],
        "resize_sizes": [node("Resize", "x - - two", "y", mode="linear")],
        "upsample": [node("Upsample", "x scales", "y")],
        "one_hot": [node("OneHot", "in end values", "y")],
        "outer": [node("Mul", "row column", "a"), node("Mul", "a a", "y")],
        "product": [node("MatMul", "column row", "a"), node("MatMul", "a a", "y")],
        "eye": [node("Expand", "x two", "a"), node("EyeLike", "a", "y")],
        "conv": [node("Conv", "image w", "y", pads=[HUGE, HUGE])],
        "conv_transpose": [node("ConvTranspose", "image w", "y", strides=[HUGE])],
        "pool": [node("MaxPool", "image", "y", kernel_shape=[HUGE])],
        "pool_pads": [node("AveragePool", "image", "y", kernel_shape=[HUGE + 1], pads=[HUGE, HUGE])],
        "neighbours": [node("LRN", "image", "y", size=HUGE)],
        "top": [node("TopK", "x n", "y z")],
        "random": [node("RandomNormal", "", "y", shape=[HUGE, HUGE])],
        "crop": [node("CenterCropPad", "x two", "y")],
        "einsum": [node("Einsum", "row row", "y", equation="ab,cd->abcd")],
        "gather": [node("ConstantOfShape", "n", "a"), node("Gather", "x a", "y")],
        "loop_of_concat": _doubled("Concat", axis=0),
        "loop_of_add": [node("Unsqueeze", "x in", "v0"), *_grown(12)],
    }
    for name, nodes in cases.items():
        yield f"size_{name}", of(*nodes, arrays=far)


def _doubled(kind: str, **how: Any) -> list[Any]:
    names = ["x", *[f"v{i}" for i in range(60)], "y"]
    return [node(kind, f"{a} {a}", b, **how) for a, b in itertools.pairwise(names)]


def _grown(count: int) -> list[Any]:
    """Outer products of outer products."""
    made = []
    for i in range(count):
        made += [node("Unsqueeze", f"v{i} in", f"a{i}"), node("Transpose", f"a{i}", f"b{i}")]
        made.append(node("Add", f"a{i} b{i}", f"v{i + 1}" if i < count - 1 else "y"))
    return made


def _loops() -> Iterator[tuple[str, Any]]:
    true = tensor("true", True, "bool")
    same = [node("Identity", "c", "d"), node("Identity", "v", "w")]
    body = graph(same, outputs="d w", inputs="i c v")
    yield "loop_forever", of(node("Loop", "- true x", "y", body=body), arrays=[true])
    yield "loop_long", of(node("Loop", "end - x", "y", body=body), arrays=[tensor("end", HUGE)])
    inner = body
    for _ in range(3):
        inner = graph(
            [node("Loop", "end - v", "w", body=inner), node("Identity", "c", "d")], outputs="d w", inputs="i c v"
        )
    yield "loops_in_loops", of(node("Loop", "end - x", "y", body=inner), arrays=[tensor("end", 10**6)])
    more = graph([node("Identity", "c", "d"), node("Concat", "v v", "w", axis=0)], outputs="d w", inputs="i c v")
    yield "loop_that_doubles", of(node("Loop", "end - x", "y", body=more), arrays=[tensor("end", 1000)])
    yield "loop_no_body", of(node("Loop", "- true x", "y"), arrays=[true])
    yield "if_no_branch", of(node("If", "true", "y", then_branch=graph([], outputs="x", inputs="")), arrays=[true])
    yield "scan_nothing", of(node("Scan", "x", "y", body=body, num_scan_inputs=HUGE))


def _attributes() -> Iterator[tuple[str, Any]]:
    """Attributes of other kinds, unknown ones, and numbers that make no sense."""
    image, w = tensor("image", np.ones((1, 2, 4, 4)), "float32"), tensor("w", np.ones((2, 2, 1, 1)), "float32")
    cases = {
        "text": node("Softmax", "x", "y", axis="one"),
        "list": node("Softmax", "x", "y", axis=[1]),
        "unknown": node("Softmax", "x", "y", trust=1),
        "far_axis": node("Softmax", "x", "y", axis=HUGE),
        "needed": node("Concat", "x", "y", axes=1),
        "many_inputs": node("Relu", "x x x", "y"),
        "no_inputs": node("Add", "", "y"),
        "many_outputs": node("Relu", "x", "y a b c"),
        "group_0": node("Conv", "image w", "y", group=0),
        "strides_0": node("Conv", "image w", "y", strides=[0, 0]),
        "strides_text": node("Conv", "image w", "y", strides="ab"),
        "pads_short": node("Conv", "image w", "y", pads=[1]),
        "dilations_negative": node("Conv", "image w", "y", dilations=[-1, -1]),
        "auto_pad": node("Conv", "image w", "y", auto_pad="\x1b[31m" * 1000),
        "kernel_none": node("MaxPool", "image", "y", kernel_shape=[]),
        "blocks_0": node("DepthToSpace", "image", "y", blocksize=0),
        "groups_0": node("GroupNormalization", "image w w", "y", num_groups=0),
        "cast": node("Cast", "x", "y", to=8),
        "cast_text": node("Cast", "x", "y", to="os"),
        "perm": node("Transpose", "x", "y", perm=[0, 0]),
        "axes": node("ReduceSum", "x", "y", axes=[5]),
        "equation": node("Einsum", "x", "y", equation="a" * 999 + "->"),
        "mode": node("Resize", "image - - -", "y", mode="evil"),
        "lstm": node("LSTM", "image w w", "y", hidden_size=HUGE),
        "activations": node("RNN", "x x x", "y", activations=[1]),
        "split": node("Split", "x", "y", num_outputs=0),
        "reference": _referring(),
        "twice": _twice(),
    }
    for name, each in cases.items():
        yield f"attribute_{name}", of(each, arrays=[image, w])


def _referring() -> Any:
    made = node("Softmax", "x", "y", axis=0)
    made.attribute[0].ref_attr_name = "nothing"
    return made


def _twice() -> Any:
    made = node("Softmax", "x", "y", axis=0)
    made.attribute.append(attribute("axis", 1))
    return made
