"""The messages of ONNX files: for each field its number, its type and whether it may come several times.

The numbers are those of onnx.proto, https://github.com/onnx/onnx (Apache 2.0).
"""

from __future__ import annotations

__all__ = ["FIELDS"]

_ONE, _MANY = False, True

FIELDS: dict[str, dict[str, tuple[int, str, bool]]] = {
    "Pair": {"key": (1, "string", _ONE), "value": (2, "string", _ONE)},
    "Opset": {"domain": (1, "string", _ONE), "version": (2, "int64", _ONE)},
    "Tensor": {
        "dims": (1, "int64", _MANY),
        "data_type": (2, "int32", _ONE),
        "float_data": (4, "float", _MANY),
        "int32_data": (5, "int32", _MANY),
        "string_data": (6, "bytes", _MANY),
        "int64_data": (7, "int64", _MANY),
        "name": (8, "string", _ONE),
        "raw_data": (9, "bytes", _ONE),
        "double_data": (10, "double", _MANY),
        "uint64_data": (11, "uint64", _MANY),
        "external_data": (13, "Pair", _MANY),
        "data_location": (14, "int32", _ONE),
    },
    "Dimension": {"dim_value": (1, "int64", _ONE), "dim_param": (2, "string", _ONE)},
    "Shape": {"dim": (1, "Dimension", _MANY)},
    "TensorType": {"elem_type": (1, "int32", _ONE), "shape": (2, "Shape", _ONE)},
    "Type": {"tensor_type": (1, "TensorType", _ONE)},
    "ValueInfo": {"name": (1, "string", _ONE), "type": (2, "Type", _ONE)},
    "Attribute": {
        "name": (1, "string", _ONE),
        "f": (2, "float", _ONE),
        "i": (3, "int64", _ONE),
        "s": (4, "bytes", _ONE),
        "t": (5, "Tensor", _ONE),
        "g": (6, "Graph", _ONE),
        "floats": (7, "float", _MANY),
        "ints": (8, "int64", _MANY),
        "strings": (9, "bytes", _MANY),
        "type": (20, "int32", _ONE),
        "ref_attr_name": (21, "string", _ONE),
    },
    "Node": {
        "input": (1, "string", _MANY),
        "output": (2, "string", _MANY),
        "name": (3, "string", _ONE),
        "op_type": (4, "string", _ONE),
        "attribute": (5, "Attribute", _MANY),
        "domain": (7, "string", _ONE),
        "metadata_props": (9, "Pair", _MANY),
    },
    "Graph": {
        "node": (1, "Node", _MANY),
        "name": (2, "string", _ONE),
        "initializer": (5, "Tensor", _MANY),
        "input": (11, "ValueInfo", _MANY),
        "output": (12, "ValueInfo", _MANY),
        "value_info": (13, "ValueInfo", _MANY),
        "sparse_initializer": (15, "bytes", _MANY),
    },
    "Function": {
        "name": (1, "string", _ONE),
        "input": (4, "string", _MANY),
        "output": (5, "string", _MANY),
        "node": (7, "Node", _MANY),
        "opset_import": (9, "Opset", _MANY),
        "domain": (10, "string", _ONE),
        "attribute_proto": (11, "Attribute", _MANY),
    },
    "Model": {
        "ir_version": (1, "int64", _ONE),
        "producer_name": (2, "string", _ONE),
        "producer_version": (3, "string", _ONE),
        "graph": (7, "Graph", _ONE),
        "opset_import": (8, "Opset", _MANY),
        "metadata_props": (14, "Pair", _MANY),
        "functions": (25, "Function", _MANY),
    },
}
