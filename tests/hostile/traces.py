"""Traces (`.efz`) that refer to nothing, claim too much, or hold something else than a recording."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.hostile.archives import members_of, two_of_each, zipped
from tests.hostile.bombs import zip_bomb

Columns = dict[str, np.ndarray]


def traces(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Hostile traces, by name."""
    members = members_of(content)
    for name in members:
        yield f"trace_without_{name}", zipped([(k, v) for k, v in members.items() if k != name])
        yield f"trace_empty_{name}", zipped([(k, b"" if k == name else v) for k, v in members.items()])
        yield f"trace_bomb_{name}", zip_bomb(members, name, 3000)
        for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            yield f"trace_method_{method}_{name}", _spoilt(zipped([*members.items()], method))
    yield "trace_extra", zipped([*members.items(), ("../../escaped", b"x")])
    yield "trace_twice", two_of_each(members)
    yield "trace_encrypted", _encrypted(content)
    for name, change in _HEADERS.items():
        header = json.loads(members["trace.json"])
        change(header)
        yield f"trace_{name}", zipped([*(members | {"trace.json": json.dumps(header).encode()}).items()])
    for name, text in _TEXTS.items():
        yield f"trace_{name}", zipped([*(members | {"trace.json": text}).items()])
    for name, change_columns in _COLUMNS.items():
        yield (f"trace_{name}", zipped([*(members | {"columns.npz": _changed(members, change_columns)}).items()]))
    for name, settings in _SETTINGS.items():
        yield f"trace_settings_{name}", _with_settings(members, settings)
    for name, array in npy_files():
        inner = members_of(members["columns.npz"]) | {"Op.name.npy": array}
        yield f"trace_{name}", zipped([*(members | {"columns.npz": zipped([*inner.items()])}).items()])
        inner = members_of(members["values.npz"])
        inner |= {next(iter(inner)): array}
        yield f"trace_value_{name}", zipped([*(members | {"values.npz": zipped([*inner.items()])}).items()])


def _changed(members: dict[str, bytes], change: Callable[[Columns], Any]) -> bytes:
    columns = dict(np.load(io.BytesIO(members["columns.npz"])))
    change(columns)
    packed = io.BytesIO()
    np.savez_compressed(packed, **columns)
    return packed.getvalue()


_SETTINGS = {
    "deep": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "long": json.dumps({str(i): i for i in range(300_000)}),
    "list": "[1]",
    "cut": '{"a"',
    "keys": '{"x": {"y": [null, true, 1e999]}}',
}


def _with_settings(members: dict[str, bytes], settings: str) -> bytes:
    """With one text that the settings of all ops are read from."""
    header = json.loads(members["trace.json"])
    header["texts"].append(settings)
    last = len(header["texts"]) - 1
    columns = _changed(members, _column("Op.settings", lambda a: np.full_like(a, last)))
    changed = {"trace.json": json.dumps(header).encode(), "columns.npz": columns}
    return zipped([*(members | changed).items()], zipfile.ZIP_DEFLATED)


def _spoilt(content: bytes) -> bytes:
    return content[:60] + b"\xff" * 8 + content[68:]


def _encrypted(content: bytes) -> bytes:
    """With the flag for encryption set on every member, in both headers."""
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        where = -1
        while (where := content.find(mark, where + 1)) >= 0:
            content = content[: where + at] + b"\x01" + content[where + at + 1 :]
    return content


def npy_files() -> Iterator[tuple[str, bytes]]:
    """`.npy` files whose headers lie, or are no headers."""
    for name, header in {
        "huge": "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "zero_and_huge": "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 10000000000000000000000), }",
        "negative": "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -1), }",
        "objects": "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "no_bytes": "{'descr': '|V0', 'fortran_order': False, 'shape': (1000000000000,), }",
        "fields": "{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }",
        "text": "{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }",
        "dates": "{'descr': '<M8[s]', 'fortran_order': False, 'shape': (1,), }",
        "unknown": "{'descr': 'os.system', 'fortran_order': False, 'shape': (1,), }",
        "open": "{'descr': '<f8', 'fortran_order': False, 'shape': (1,",
        "deep": "(" * 9000,
        "minus": "-" * 9000 + "1",
        "code": "__import__('os').system('true')",
        "quote": "'''",
        "many_axes": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'1, ' * 100}), }}",
        "digits": f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({'9' * 8000},), }}",
        "true": "{'descr': '<f8', 'fortran_order': 3, 'shape': (True,), }",
    }.items():
        raw = header.encode()
        yield f"npy_{name}", b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw + bytes(8)
    yield "npy_version", b"\x93NUMPY\x09\x00\x10\x00" + b" " * 16
    yield "npy_long_header", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 64
    yield "npy_pickle", b"\x80\x04cos\nsystem\n."
    yield "npy_none", b""


_HEADERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "newer": lambda h: h.update(version=99),
    "version_zero": lambda h: h.update(version=0),
    "version_text": lambda h: h.update(version="1"),
    "kind_long": lambda h: h.update(kind="k" * 10**6),
    "no_counts": lambda h: h.pop("counts"),
    "counts_huge": lambda h: h["counts"].update(ops=10**12),
    "counts_negative": lambda h: h["counts"].update(ops=-1),
    "counts_text": lambda h: h.update(counts="many"),
    "no_scopes": lambda h: h["counts"].update(scopes=0),
    "frames_lists": lambda h: h.update(frames=[[["a"], {}, [], 3]] * len(h["frames"])),
    "frames_short": lambda h: h.update(frames=[[]] * len(h["frames"])),
    "frames_none": lambda h: h.update(frames=None),
    "frames_line_text": lambda h: h["frames"][0].__setitem__(1, "one"),
    "texts_numbers": lambda h: h.update(texts=[*range(len(h["texts"]))]),
    "texts_lists": lambda h: h.update(texts=[[t] for t in h["texts"]]),
    "texts_short": lambda h: h.update(texts=h["texts"][:1]),
    "texts_one": lambda h: h.update(texts="abc"),
    "meta_list": lambda h: h.update(meta=[1]),
    "meta_text": lambda h: h.update(meta="text"),
    "meta_name_list": lambda h: h["meta"].update(name=["a"]),
    "meta_values": lambda h: h.update(meta={k: [k] for k in h["meta"]}),
    "meta_numbers": lambda h: h.update(meta=dict.fromkeys(h["meta"], -1)),
    "steps_number": lambda h: h.update(steps=4),
    "steps_far": lambda h: h["steps"].append({"index": 0, "scope": 10**9}),
    "steps_text": lambda h: h["steps"].append({"index": "0", "scope": 0}),
    "steps_times": lambda h: h["steps"].append({"index": 1, "scope": 0, "start": "a", "end": []}),
    "logs_text": lambda h: h["logs"].append({"kind": "epoch", "step": 0, "values": "loss"}),
    "logs_lists": lambda h: h["logs"].append({"kind": "epoch", "step": 0, "values": {"loss": [1]}}),
    "logs_step_text": lambda h: h["logs"].append({"kind": "epoch", "step": "0", "values": {}}),
    "notes_text": lambda h: h.update(notes="note"),
    "notes_numbers": lambda h: h.update(notes=[1, {}]),
    "labels_list": lambda h: h.update(labels=[1]),
    "labels_far": lambda h: h.update(labels={"99999999": "x"}),
    "labels_text": lambda h: h.update(labels={"x": "x"}),
}

_TEXTS = {
    "json_deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "json_list": b"[1, 2]",
    "json_null": b"null",
    "json_digits": b'{"kind": ' + b"9" * 10_000 + b"}",
    "json_bytes": b'{"kind": "\xff\xfe"}',
    "json_cut": b'{"kind": "eagerflow trace"',
}


def _column(name: str, change: Callable[[Any], Any]) -> Callable[[Columns], None]:
    def apply(columns: Columns) -> None:
        columns[name] = np.asarray(change(columns[name]))

    return apply


_COLUMNS: dict[str, Callable[[Columns], Any]] = {
    "column_missing": lambda c: c.pop("Op.name"),
    "column_short": _column("Op.name", lambda a: a[:-1]),
    "column_long": _column("Op.name", lambda a: np.append(a, 0)),
    "column_float": _column("Op.name", lambda a: a.astype(float)),
    "column_unsigned": _column("Op.name", lambda a: a.astype("u8")),
    "column_flat": _column("Op.name", lambda a: a.reshape(1, -1)),
    "column_text": _column("Op.name", lambda a: a.astype("U9")),
    "column_zeros": _column("Op.name", lambda a: np.zeros(40 * 2**20, "i8")),
    "name_far": _column("Op.name", lambda a: a + 10**9),
    "name_none": _column("Op.name", lambda a: np.full_like(a, -(2**63))),
    "dtype_none": _column("TensorInfo.dtype", lambda a: np.full_like(a, -(2**63))),
    "nbytes_none": _column("TensorInfo.nbytes", lambda a: np.full_like(a, -(2**63))),
    "nbytes_negative": _column("TensorInfo.nbytes", lambda a: -a - 1),
    "shape_negative": _column("TensorInfo.shape", lambda a: -a - 1),
    "shape_none": _column("TensorInfo.shape", lambda a: np.full_like(a, -(2**63))),
    "role_wrong": _column("TensorInfo.role", lambda a: a * 0),
    "phase_none": _column("Op.phase", lambda a: np.full_like(a, -(2**63))),
    "inputs_far": _column("Op.inputs", lambda a: a + 10**9),
    "inputs_negative": _column("Op.inputs", lambda a: -a - 1),
    "inputs_cut": _column("Op.inputs@", lambda a: a[::-1]),
    "inputs_starts_empty": _column("Op.inputs@", lambda a: a[:0]),
    "names_few": _column("Op.input_names@", lambda a: a * 0),
    "producer_far": _column("TensorInfo.producer", lambda a: a + 10**9),
    "producer_itself": _column("TensorInfo.producer", lambda a: a * 0),
    "storage_far": _column("TensorInfo.storage", lambda a: np.abs(a) + 10**9),
    "forward_negative": _column("Op.forward", lambda a: a * 0 - 5),
    "scope_itself": _column("Scope.parent", lambda a: np.arange(len(a))),
    "scope_parent_far": _column("Scope.parent", lambda a: np.full_like(a, 10**9)),
    "scope_name_float": _column("Scope.name", lambda a: a.astype(float)),
    "scope_name_none": _column("Scope.name", lambda a: np.full_like(a, -(2**63))),
    "scope_kind_far": _column("Scope.kind", lambda a: a + 10**9),
    "scope_config_far": _column("Scope.config", lambda a: a + 10**9),
    "scope_config_name": _column("Scope.config", lambda a: a * 0),
    "scope_config_none": _column("Scope.config", lambda a: np.full_like(a, -(2**63))),
    "scope_call_none": _column("Scope.call", lambda a: np.full_like(a, -(2**63))),
    "scope_start_huge": _column("Scope.start", lambda a: np.full_like(a, 2**63 - 1)),
    "scope_created_far": _column("Scope.created_at", lambda a: np.full_like(a, 10**9)),
    "scope_inputs_far": _column("Scope.inputs", lambda a: a + 10**9),
    "scope_inputs_negative": _column("Scope.inputs", lambda a: -a - 1),
    "scope_inputs_float": _column("Scope.inputs", lambda a: a + 0.5),
    "scope_stack_far": _column("Scope.stack", lambda a: a + 10**9),
    "scope_called_none": _column("Scope.called", lambda a: np.full_like(a, -(2**63))),
    "scope_params_text": _column("Scope.params", lambda a: a.astype("U9")),
    "scope_short": _column("Scope.owner", lambda a: a[:-1]),
    "start_none": _column("Op.start", lambda a: np.full_like(a, -(2**63))),
    "start_huge": _column("Op.start", lambda a: np.full_like(a, 2**63 - 1)),
    "thread_none": _column("Op.thread", lambda a: np.full_like(a, -(2**63))),
    "version_none": _column("TensorInfo.version", lambda a: np.full_like(a, -(2**63))),
    "stats_far": _column("Stats.tensor", lambda a: a + 10**9),
    "stats_negative": _column("Stats.tensor", lambda a: -a - 1),
    "stats_short": _column("Stats.tensor", lambda a: a[:-1]),
    "stats_nan_none": _column("Stats.nan", lambda a: np.full_like(a, -(2**63))),
    "stats_endless": _column("Stats.max", lambda a: np.full_like(a, np.inf)),
    "histogram_negative": _column("Stats.histogram", lambda a: -a - 1),
    "histogram_none": _column("Stats.histogram", lambda a: np.full_like(a, -(2**63))),
}
