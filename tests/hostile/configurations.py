"""Hostile configurations of models, and of the layers in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def configurations(text: bytes) -> Iterator[tuple[str, bytes]]:
    changes: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no_layers": lambda c: c["config"].update(layers=[]),
        "layers_none": lambda c: c["config"].update(layers=None),
        "layers_number": lambda c: c["config"].update(layers=7),
        "layer_dropped": lambda c: c["config"]["layers"].pop(1),
        "layer_doubled": lambda c: c["config"]["layers"].append(c["config"]["layers"][1]),
        "layers_reversed": lambda c: c["config"]["layers"].reverse(),
        "itself": lambda c: c["config"]["layers"].append(json.loads(text)),
        "huge": lambda c: _first(c).update(units=10**9),
        "huger": lambda c: _first(c).update(units=10**30),
        "negative": lambda c: _first(c).update(units=-1),
        "text_units": lambda c: _first(c).update(units="4"),
        "no_units": lambda c: _first(c).pop("units"),
        "more_units": lambda c: _first(c).update(units=5),
        "unknown_argument": lambda c: _first(c).update(rm="-rf"),
        "activation_os": lambda c: _first(c).update(activation="os.system"),
        "activation_dict": lambda c: _first(c).update(activation=function_of("os", "system")),
        "initializer_eval": lambda c: _first(c).update(kernel_initializer=object_of("builtins", "eval", "1")),
        "initializer_huge": lambda c: _first(c).update(
            kernel_initializer=object_of("keras.initializers", "Constant", {"value": [0] * 100000})
        ),
        "name_list": lambda c: _first(c).update(name=["a"]),
        "name_long": lambda c: _first(c).update(name="n" * 10**6),
        "name_path": lambda c: _first(c).update(name="../../etc/passwd"),
        "dtype_object": lambda c: _first(c).update(dtype="object"),
        "class_os": lambda c: c["config"]["layers"].__setitem__(1, object_of("os", "system", {"command": "true"})),
        "class_numpy": lambda c: c["config"]["layers"].__setitem__(1, object_of("numpy", "load", {"file": "x"})),
        "class_custom": lambda c: c["config"]["layers"][1].update(class_name="Mine", registered_name="mine>Mine"),
        "class_ours": lambda c: c.update(class_name="get_file", module="keras.utils"),
        "class_metric": lambda c: c.update(class_name="Mean", module="keras.metrics"),
        "class_number": lambda c: c.update(class_name=3),
        "shape_huge": lambda c: c.update(build_config={"input_shape": [None, 10**12]}),
        "shape_text": lambda c: c.update(build_config={"input_shape": "abc"}),
        "input_huge": lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[10**9, 10**9]),
        "lambda": lambda c: c["config"]["layers"].append(lambda_layer(["4wEAAAA=", None, None])),
        "lambda_marshal": lambda c: c["config"]["layers"].append(
            lambda_layer({"class_name": "__lambda__", "config": {"code": "4wEAAAA="}})
        ),
        "lambda_function": lambda c: c["config"]["layers"].append(lambda_layer(function_of("os", "system"))),
        "lambda_argument": lambda c: _first(c).update(activation={"class_name": "__lambda__", "config": {}}),
        "wrapped_lambda": lambda c: c["config"]["layers"].append(
            object_of("keras.layers", "TimeDistributed", {"layer": lambda_layer(["4wEAAAA=", None, None])})
        ),
    }
    for name, change in changes.items():
        config = json.loads(text)
        change(config)
        yield f"config_{name}", json.dumps(config).encode()
    yield "config_deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "config_list", b"[1, 2]"
    yield "config_null", b"null"
    yield "config_infinity", b'{"class_name": Infinity}'
    yield "config_digits", b'{"class_name": ' + b"9" * 10_000 + b"}"
    yield "config_utf16", json.dumps(json.loads(text)).encode("utf-16")
    yield "config_bytes", b'{"class_name": "\xff\xfe"}'


def _first(config: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][1]["config"]
    return found


def object_of(module: str, name: str, config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": name}


def function_of(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def lambda_layer(function: Any) -> dict[str, Any]:
    return object_of("keras.layers", "Lambda", {"name": "code", "function": function})


def with_legacy_config(good: Path, content: bytes) -> bytes:
    target = io.BytesIO(good.read_bytes())
    with h5py.File(target, "r+") as file:
        del file.attrs["eagerflow_crc32"]
        file.attrs["model_config"] = np.void(content) if b"\0" in content or b"\xff" in content else content.decode()
    return target.getvalue()
