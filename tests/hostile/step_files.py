"""Kept steps (`.efr`) that refer to nothing, ask for too much, or for what isn't an op."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.hostile.archives import members_of, two_of_each, zipped
from tests.hostile.bombs import zip_bomb
from tests.hostile.traces import npy_files


def step_files(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Hostile files, by name."""
    members = members_of(content)
    for name in ("step.json", "arrays/0.npy"):
        short = name.replace("/", "_")
        yield f"steps_without_{short}", zipped([(k, v) for k, v in members.items() if k != name])
        yield f"steps_empty_{short}", zipped([(k, b"" if k == name else v) for k, v in members.items()])
        yield f"steps_bomb_{short}", zip_bomb(members, name, 3000)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield f"steps_method_{method}", zipped([*members.items()], method)
    yield "steps_extra", zipped([*members.items(), ("../../escaped", b"x")])
    yield "steps_twice", two_of_each(members)
    for name, array in npy_files():
        yield f"steps_array_{name}", zipped([*(members | {"arrays/0.npy": array}).items()])
    for name, text in {"no_json": b"{", "list": b"[]", "deep": b"[" * 90_000}.items():
        yield f"steps_{name}", zipped([*(members | {"step.json": text}).items()])
    for name, change in _HEADERS.items():
        header = json.loads(members["step.json"])
        change(header)
        yield f"steps_{name}", zipped([*(members | {"step.json": json.dumps(header).encode()}).items()])


def _ops(header: dict[str, Any]) -> list[dict[str, Any]]:
    return [event for step in header["steps"] for event in step["events"] if "op" in event]


def _each_op(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        for event in _ops(header):
            event.update(changes)

    return change


def _called(name: str, given: list[Any], settings: list[Any]) -> Callable[[dict[str, Any]], None]:
    """With one more op in front of all."""

    def change(header: dict[str, Any]) -> None:
        event = {"op": name, "in": given, "set": settings, "out": [999], "tape": True, "at": None}
        header["steps"][0]["events"].insert(0, event)

    return change


def _set(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        for key in path[:-1]:
            header = header[key]
        header[path[-1]] = to

    return change


_FIRST = ("steps", 0, "events")
_HEADERS: dict[str, Callable[[dict[str, Any]], None]] = {
    "version": _set("version", to=99),
    "kind": _set("kind", to="else"),
    "system": _each_op(op="system"),
    "op_of_path": _each_op(op="os.system"),
    "op_number": _each_op(op=3),
    "no_arguments": _each_op(**{"in": []}),
    "tensor_of_later": _each_op(**{"in": [77, 78, 79]}),
    "tensor_below": _each_op(out=[-1]),
    "tensor_huge": _each_op(out=[10**12]),
    "array_of_nothing": _each_op(**{"in": [{"a": 10**9}, {"a": -7}, {"a": 0}]}),
    "strange_argument": _each_op(**{"in": [{"code": "print(1)"}]}),
    "strange_settings": _each_op(set=[{"python": "x"}, {"lambda": "x"}]),
    "place_of_nothing": _each_op(at=10**6),
    "huge_broadcast": _called("broadcast_to", [{"n": 1.0}], [{"tuple": [1 << 20, 1 << 20, 1 << 20]}]),
    "huge_pad": _called("pad", [{"a": 0}], [{"tuple": [{"tuple": [1 << 40, 0]}]}, "constant", None]),
    "huge_repeat": _called("one_hot", [{"n": 1}], [1 << 30]),
    "wrong_shape": _called("reshape", [{"a": 0}], [{"tuple": [7, 7, 7]}]),
    "dtype_of_objects": _called("cast", [{"a": 0}], ["object"]),
    "events_no_list": _set("steps", 0, "events", to={}),
    "event_of_nothing": _set(*_FIRST, 0, to={"exec": "1"}),
    "event_number": _set(*_FIRST, 0, to=3),
    "ends_first": _set(*_FIRST, 0, to={"end": []}),
    "no_steps": _set("steps", to=[]),
    "steps_number": _set("steps", to=3),
    "optimizer_of_python": _set("optimizers", 0, "config", to={"class_name": "os.system", "config": {}}),
    "optimizer_lambda": _set("optimizers", 0, "config", to={"class_name": "__lambda__", "config": {"value": "x"}}),
    "optimizer_module": _set(
        "optimizers", 0, "config", to={"module": "os", "class_name": "system", "config": {}, "registered_name": "x"}
    ),
    "optimizer_state": _set("optimizers", 0, "state", to=[0, 0, 0]),
    "optimizer_trained": _set("optimizers", 0, "trained", to=[10**6]),
    "variable_array": _set("variables", 0, "array", to=10**6),
    "variable_path": _set("variables", 0, "path", to=[1]),
    "after_nothing": _set("after", to={"99999": 0}),
    "digest_nothing": _set("digests", to={"x": "y"}),
    "arrays_many": _set("arrays", to=10**9),
    "arrays_text": _set("arrays", to="x"),
    "keep_none": _set("meta", "keep", to=None),
    "keep_negative": _set("meta", "keep", to=-5),
    "machine_text": _set("meta", "machine", to="x"),
    "narrow_objects": _set("narrow", to={"0": "object"}),
    "narrow_nothing": _set("narrow", to={"999999": "bfloat16"}),
    "places_short": _set("places", to=[["a"]]),
}
