"""Writes ONNX files; weights are streamed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import secrets
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, BinaryIO

import numpy

from eagerflow.base.files import mode_of, replacing
from eagerflow.base.protobuf_messages import message_classes
from eagerflow.onnx.fields import FIELDS
from eagerflow.onnx.graph import Graph, Late, Value, blocks

__all__ = ["TYPES", "write"]

TYPES = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
    "bfloat16": 16,
}
_IR = {17: 8, 18: 8, 19: 9, 20: 9, 21: 10, 22: 10, 23: 11}  # the version of the format that came with each opset
_LARGEST = 1_900_000_000  # bytes of a file; what is beyond lies beside it, as protobuf ends at 2 GiB
_SMALL = 1024  # bytes of an array that stays in the file, such as shapes, which checkers read
_INITIALIZER, _GRAPH = 5, 7  # numbers of fields, which are written by hand
_RAW = 9


@cache
def _messages() -> dict[str, Any]:
    return message_classes("eagerflow_onnx", FIELDS)


def _attribute(name: str, value: Any) -> Any:
    made = _messages()["Attribute"](name=name)
    if isinstance(value, numpy.dtype):
        made.i, made.type = TYPES[value.name], 2
    elif isinstance(value, (bool, int, numpy.integer)):
        made.i, made.type = int(value), 2
    elif isinstance(value, float):
        made.f, made.type = value, 1
    elif isinstance(value, str):
        made.s, made.type = value.encode(), 3
    elif isinstance(value[0] if value else 0, str):
        made.strings.extend([x.encode() for x in value])
        made.type = 8
    elif isinstance(value[0] if value else 0, float):
        made.floats.extend(value)
        made.type = 6
    else:
        made.ints.extend([int(x) for x in value])
        made.type = 7
    return made


def _described(name: str, value: Value, symbols: Mapping[Any, str]) -> Any:
    """An input or output: its type and shape, with names for lengths that aren't fixed."""
    kinds = _messages()
    shape = kinds["Shape"]()
    for lengths in value.shape:
        if len(set(lengths)) == 1:
            shape.dim.add(dim_value=lengths[0])
        else:
            shape.dim.add(dim_param=symbols.get(lengths, f"{name}_{len(shape.dim)}"))
    about = kinds["TensorType"](elem_type=TYPES[value.dtype.name], shape=shape)
    return kinds["ValueInfo"](name=name, type=kinds["Type"](tensor_type=about))


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    made.append(number)
    return bytes(made)


def _field(number: int, length: int) -> bytes:
    """The head of a field of so many bytes."""
    return _varint(number << 3 | 2) + _varint(length)


def write(
    graph: Graph,
    path: str | os.PathLike[str],
    name: str,
    version: str,
    symbols: Mapping[Any, str],
    about: Mapping[str, str],
) -> pathlib.Path:
    """Write a graph, whole or not at all.

    Args:
        graph: what is written.
        path: where to.
        name: the name of the model.
        version: of the program that wrote it.
        symbols: names of lengths that aren't fixed.
        about: further facts, as texts.
    """
    kinds, target, old = _messages(), pathlib.Path(path), list[pathlib.Path]()
    body = kinds["Graph"](name=name)
    for node in graph.nodes:
        attributes = [_attribute(key, value) for key, value in node.attributes.items()]
        body.node.add(input=node.inputs, output=node.outputs, name=node.name, op_type=node.kind, attribute=attributes)
    body.input.extend([_described(name, value, symbols) for name, value in graph.inputs.items()])
    body.output.extend([_described(name, value, symbols) for name, value in graph.outputs.items()])
    model = kinds["Model"](ir_version=_IR[graph.opset], producer_name="eagerflow", producer_version=version)
    model.opset_import.add(domain="", version=graph.opset)
    for key, text in about.items():
        model.metadata_props.add(key=key, value=text)
    large = sum(array.nbytes for array in graph.constants.values()) > _LARGEST
    with replacing(target) as file:
        if large:
            numbers = _free_name(target)
            with replacing(numbers, mode=mode_of(os.fspath(target))) as beside:
                heads = list(_outside(graph, beside, numbers.name))
            old = _numbers_of(target)
        else:
            heads = [(_head(key, array), array) for key, array in graph.constants.items()]
        try:
            _write(file, model.SerializeToString(), body.SerializeToString(), heads)
        except BaseException:
            if large:
                numbers.unlink(missing_ok=True)
            raise
    for former in old:
        with contextlib.suppress(OSError):  # where it is in use, as on Windows
            former.unlink()
    return target


def _free_name(target: pathlib.Path) -> pathlib.Path:
    """A file for the numbers that the present model doesn't refer to: until the new one is there, it stays whole."""
    usual = target.with_name(f"{target.name}.data")
    unique = target.with_name(f"{target.name}.{secrets.token_hex(4)}.data")
    return unique if target.exists() or usual.exists() else usual


def _numbers_of(target: pathlib.Path) -> list[pathlib.Path]:
    """The files of numbers that a model refers to, as far as their names show that they belong to it."""
    pattern = re.compile(re.escape(target.name) + r"(\.[0-9a-f]{8})?\.data")
    beside = [path for path in target.parent.iterdir() if pattern.fullmatch(path.name)]
    content = target.read_bytes() if beside and target.exists() else b""
    return [path for path in beside if path.name.encode() in content]


def _head(name: str, array: Any) -> bytes:
    """A tensor without its numbers."""
    made = _messages()["Tensor"](dims=array.shape, data_type=TYPES[array.dtype.name], name=name)
    return bytes(made.SerializeToString())


def _outside(graph: Graph, file: BinaryIO, name: str) -> Iterator[tuple[bytes, Any]]:
    """Tensors whose numbers are written to another file."""
    for key, array in graph.constants.items():
        if array.nbytes <= _SMALL:
            yield _head(key, array), array
            continue
        begin = file.tell()
        _write_numbers(file, array)
        made = _messages()["Tensor"](dims=array.shape, data_type=TYPES[array.dtype.name], name=key, data_location=1)
        for word, text in (("location", name), ("offset", str(begin)), ("length", str(array.nbytes))):
            made.external_data.add(key=word, value=text)
        yield bytes(made.SerializeToString()), None


def _write(file: BinaryIO, model: bytes, body: bytes, tensors: list[tuple[bytes, Any]]) -> None:
    """The model around the graph around the tensors, each with its length before it."""
    sizes = []
    for head, array in tensors:
        raw = 0 if array is None else len(_field(_RAW, array.nbytes)) + array.nbytes
        sizes.append(len(head) + raw)
    whole = len(body) + sum([len(_field(_INITIALIZER, size)) + size for size in sizes])
    file.write(model + _field(_GRAPH, whole) + body)
    for (head, array), size in zip(tensors, sizes, strict=True):
        file.write(_field(_INITIALIZER, size) + head)
        if array is not None:
            file.write(_field(_RAW, array.nbytes))
            _write_numbers(file, array)


def _write_numbers(file: BinaryIO, array: Any) -> None:
    """The numbers in little-endian order, a piece at a time where they have to be copied for it."""
    swapped = array.dtype.byteorder == ">"
    if not isinstance(array, Late) and array.flags.c_contiguous and not swapped:
        file.write(array.reshape(-1).view(numpy.uint8).data if array.nbytes else b"")
        return
    for index in blocks(array.shape):
        part = array[index]
        file.write((part.astype(part.dtype.newbyteorder("<")) if swapped else part).tobytes())
