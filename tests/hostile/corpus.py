"""Damaged and hostile files, made from good ones in every format that is read.

    python -m tests.hostile.corpus FOLDER

writes them all. Each has a name that says what was done; what draws at random is seeded by the name.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import eagerflow as ef

Change = Callable[[bytes], bytes]


def good_model() -> Any:
    """The model whose files are spoilt."""
    ef.utils.set_random_seed(1)
    layers = [ef.layers.Dense(4, "relu", name="first"), ef.layers.BatchNormalization(name="middle")]
    made = ef.Sequential([ef.Input((3,)), *layers, ef.layers.Dense(2, name="last")], name="net")
    made.compile("adam", "mse", metrics=["mae"])
    made.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    return made


def write_good(folder: Path) -> dict[str, Path]:
    """One good file in each format."""
    made = good_model()
    paths = {name: folder / f"good.{name}" for name in ("keras", "h5", "safetensors", "weights.h5", "json")}
    for name in ("keras", "h5", "safetensors"):
        made.save(paths[name])
    made.save_weights(paths["weights.h5"])
    paths["json"].write_text(made.to_json(), encoding="utf-8")
    return paths


def corpus(folder: Path) -> Iterator[Path]:
    """Write all files into `folder`, one at a time."""
    good = write_good(folder)
    for ending, path in good.items():
        whole = path.read_bytes()
        for name, change in _damage(ending):
            yield _written(folder / f"{name}.{ending}", change(whole))
    for name, content in _archives(good["keras"].read_bytes()):
        yield _written(folder / f"{name}.keras", content)
    for name, content in _configurations(good["json"].read_bytes()):
        yield _written(folder / f"{name}.json", content)
        yield _written(folder / f"{name}.keras", _with_member(good["keras"], "config.json", content))
        yield _written(folder / f"{name}.h5", _with_legacy_config(good["h5"], content))
    for name, content in _hdf5_files(good["weights.h5"].read_bytes(), folder):
        yield _written(folder / f"{name}.weights.h5", content)
        yield _written(folder / f"{name}.keras", _with_member(good["keras"], "model.weights.h5", content))
    for name, content in _safetensors(good["safetensors"].read_bytes()):
        yield _written(folder / f"{name}.safetensors", content)
    yield from _no_files(folder)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


# Blind damage


def _damage(ending: str) -> Iterator[tuple[str, Change]]:
    for part in (0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        yield f"cut_{part}", lambda b, part=part: b[: int(len(b) * part)]
    for missing in (1, 2, 22):
        yield f"cut_end_{missing}", lambda b, n=missing: b[:-n]
    for i in range(24):
        yield f"flip_{i}", lambda b, i=i: _flipped(b, f"{ending}{i}")
    for i in range(6):
        yield f"zeros_{i}", lambda b, i=i: _overwritten(b, f"{ending}{i}", lambda n, _: bytes(n))
        yield f"noise_{i}", lambda b, i=i: _overwritten(b, f"{ending}{i}", lambda n, rng: rng.bytes(n))
    yield "twice", lambda b: b + b
    yield "garbage_before", lambda b: b"garbage " * 16 + b
    yield "middle_missing", lambda b: b[: len(b) // 3] + b[len(b) // 2 :]


def _draw(name: str) -> np.random.RandomState:
    return np.random.RandomState(zlib.crc32(name.encode()))


def _flipped(content: bytes, name: str) -> bytes:
    rng, damaged = _draw(name), bytearray(content)
    damaged[rng.randint(len(damaged))] ^= 1 << rng.randint(8)
    return bytes(damaged)


def _overwritten(content: bytes, name: str, fill: Callable[[int, Any], bytes]) -> bytes:
    rng = _draw(name)
    start, length = rng.randint(len(content)), rng.randint(1, 64)
    piece = fill(len(content[start : start + length]), rng)
    return content[:start] + piece + content[start + len(piece) :]


# Archives


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


def _with_member(good: Path, name: str, content: bytes) -> bytes:
    return _zipped([*(_members(good.read_bytes()) | {name: content}).items()])


def _archives(content: bytes) -> Iterator[tuple[str, bytes]]:
    members = _members(content)
    names = list(members)
    for name in names:
        yield f"without_{name}", _zipped([(k, v) for k, v in members.items() if k != name])
        yield f"empty_{name}", _zipped([(k, b"" if k == name else v) for k, v in members.items()])
        bomb = {**members, name: bytes(40 * 2**20)}
        yield f"bomb_{name}", _zipped([*bomb.items()], zipfile.ZIP_DEFLATED)
    yield "swapped", _zipped([(k, members[n]) for k, n in zip(names, names[1:] + names[:1])])
    for extra in (
        "../../escaped",
        "/etc/escaped",
        "assets/../../escaped",
        "assets/first/vocabulary.txt",
        "C:\\escaped",
    ):
        yield f"extra_{zlib.crc32(extra.encode())}", _zipped([*members.items(), (extra, b"x")])
    yield "two_configs", _two_of_one_name(members)
    yield "no_members", _zipped([])
    yield "newer", _zipped([*(members | {"metadata.json": b'{"eagerflow_format": 99}'}).items()])
    yield "keras_4", _zipped([*(members | {"metadata.json": b'{"keras_version": "4.0"}'}).items()])
    yield (
        "lying_size",
        content.replace(struct.pack("<L", len(members["config.json"])), struct.pack("<L", 2**31)),
    )


def _two_of_one_name(members: dict[str, bytes]) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _zipped([*members.items(), ("config.json", b"{}")])


# Configurations


def _configurations(text: bytes) -> Iterator[tuple[str, bytes]]:
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
        "activation_dict": lambda c: _first(c).update(activation=_function("os", "system")),
        "initializer_eval": lambda c: _first(c).update(kernel_initializer=_object("builtins", "eval", "1")),
        "initializer_huge": lambda c: _first(c).update(
            kernel_initializer=_object("keras.initializers", "Constant", {"value": [0] * 100000})
        ),
        "name_list": lambda c: _first(c).update(name=["a"]),
        "name_long": lambda c: _first(c).update(name="n" * 10**6),
        "name_path": lambda c: _first(c).update(name="../../etc/passwd"),
        "dtype_object": lambda c: _first(c).update(dtype="object"),
        "class_os": lambda c: c["config"]["layers"].__setitem__(
            1, _object("os", "system", {"command": "true"})
        ),
        "class_numpy": lambda c: c["config"]["layers"].__setitem__(
            1, _object("numpy", "load", {"file": "x"})
        ),
        "class_custom": lambda c: c["config"]["layers"][1].update(
            class_name="Mine", registered_name="mine>Mine"
        ),
        "class_ours": lambda c: c.update(class_name="get_file", module="keras.utils"),
        "class_metric": lambda c: c.update(class_name="Mean", module="keras.metrics"),
        "class_number": lambda c: c.update(class_name=3),
        "shape_huge": lambda c: c.update(build_config={"input_shape": [None, 10**12]}),
        "shape_text": lambda c: c.update(build_config={"input_shape": "abc"}),
        "input_huge": lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[10**9, 10**9]),
        "lambda": lambda c: c["config"]["layers"].append(_lambda(["4wEAAAA=", None, None])),
        "lambda_marshal": lambda c: c["config"]["layers"].append(
            _lambda({"class_name": "__lambda__", "config": {"code": "4wEAAAA="}})
        ),
        "lambda_function": lambda c: c["config"]["layers"].append(_lambda(_function("os", "system"))),
        "lambda_argument": lambda c: _first(c).update(activation={"class_name": "__lambda__", "config": {}}),
        "wrapped_lambda": lambda c: c["config"]["layers"].append(
            _object("keras.layers", "TimeDistributed", {"layer": _lambda(["4wEAAAA=", None, None])})
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


def _object(module: str, name: str, config: Any) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": name}


def _function(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _lambda(function: Any) -> dict[str, Any]:
    return _object("keras.layers", "Lambda", {"name": "code", "function": function})


def _with_legacy_config(good: Path, content: bytes) -> bytes:
    target = io.BytesIO(good.read_bytes())
    with h5py.File(target, "r+") as file:
        del file.attrs["eagerflow_crc32"]
        file.attrs["model_config"] = (
            np.void(content) if b"\0" in content or b"\xff" in content else content.decode()
        )
    return target.getvalue()


# HDF5


def _hdf5_files(content: bytes, folder: Path) -> Iterator[tuple[str, bytes]]:
    for name, change in _HDF5.items():
        target = io.BytesIO(content)
        with h5py.File(target, "r+") as file:
            change(file)
        yield f"hdf5_{name}", target.getvalue()


KERNEL = "layers/dense/vars/0"


def _replace(values: Any, **options: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, data=values, **options)

    return change


def _declared(shape: tuple[int, ...]) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, shape, "f4", chunks=tuple([min(n, 64) for n in shape]))

    return change


def _deep(file: Any) -> None:
    group = file
    for _ in range(300):
        group = group.create_group("deeper")


def _virtual(file: Any) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (3, 4))
    file.create_virtual_dataset(KERNEL, layout)


def _moved(file: Any) -> None:
    file.move("layers/dense", "layers/elsewhere")


def _linked(link: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[KERNEL]
        file[KERNEL] = link

    return change


def _cycle(file: Any) -> None:
    file["layers/dense/again"] = file["layers"]


def _external(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 4), "f4", external=[("/etc/passwd", 0, 48)])


def _array_dropped(file: Any) -> None:
    del file[KERNEL]


def _big_attribute(file: Any) -> None:
    file["layers/dense/vars"].attrs["name"] = "n" * 60_000


def _text(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, data=np.array([b"text"] * 12).reshape(3, 4))


def _references(file: Any) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (3, 4), h5py.ref_dtype)


def _named_type(file: Any) -> None:
    file["layers/dense/type"] = np.dtype("f4")


_HDF5: dict[str, Callable[[Any], None]] = {
    "wrong_shape": _replace(np.ones((4, 3), "f4")),
    "scalar": _replace(np.float32(1)),
    "empty": _replace(h5py.Empty("f4")),
    "no_rows": _replace(np.ones((0, 4), "f4")),
    "complex": _replace(np.ones((3, 4), "c8")),
    "bool": _replace(np.ones((3, 4), bool)),
    "integers": _replace(np.ones((3, 4), "i4")),
    "void": _replace(np.ones((3, 4), "V4")),
    "compound": _replace(np.ones((3, 4), [("a", "f4")])),
    "not_a_number": _replace(np.full((3, 4), np.nan, "f4")),
    "bomb": _replace(np.zeros((2000, 2000), "f4"), compression="gzip", chunks=(2000, 2000)),
    "declared": _declared((10**6, 10**6)), "declared_more": _declared((2**40, 2**20)),
    "array_dropped": _array_dropped, "moved": _moved, "deep": _deep, "virtual": _virtual, "cycle": _cycle,
    "soft_link": _linked(h5py.SoftLink("/layers/dense/vars/1")), "broken_link": _linked(h5py.SoftLink("/nowhere")),
    "external_link": _linked(h5py.ExternalLink("/etc/passwd", "/x")), "external": _external,
    "text": _text, "references": _references, "named_type": _named_type, "big_attribute": _big_attribute,
    "extra_array": lambda file: file.create_dataset("layers/dense/vars/7", data=np.ones(3)),
    "extra_layer": lambda file: file.create_dataset("layers/more/vars/0", data=np.ones(3)),
    "group_for_array": lambda file: (file.__delitem__(KERNEL), file.create_group(KERNEL)),
    "no_optimizer": lambda file: file.__delitem__("optimizer"),
    "wrong_step": lambda file: (
        file.__delitem__("optimizer/vars/0"), file.create_dataset("optimizer/vars/0", data=np.ones(3)),
    ),
}  # fmt: skip


# Safetensors


def _safetensors(content: bytes) -> Iterator[tuple[str, bytes]]:
    length = struct.unpack("<Q", content[:8])[0]
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    name = next(k for k in header if k != "__metadata__")

    def changed(**fields: Any) -> bytes:
        return _headed({**header, name: {**header[name], **fields}}, body)

    yield "st_header_huge", struct.pack("<Q", 2**62) + content[8:]
    yield "st_header_long", struct.pack("<Q", length + 10**6) + content[8:]
    yield "st_header_zero", struct.pack("<Q", 0) + content[8:]
    yield "st_offsets_negative", changed(data_offsets=[-8, 4])
    yield "st_offsets_far", changed(data_offsets=[10**15, 10**15 + 48])
    yield "st_offsets_overlap", _headed({**header, "twin": header[name]}, body)
    yield "st_offsets_text", changed(data_offsets="ab")
    yield "st_shape_huge", changed(shape=[10**9, 10**9])
    yield "st_shape_negative", changed(shape=[-3, -4])
    yield "st_shape_text", changed(shape="34")
    yield "st_shape_float", changed(shape=[3.0, 4.0])
    yield "st_type", changed(dtype="PY")
    yield "st_type_number", changed(dtype=3)
    yield "st_no_metadata", _headed({k: v for k, v in header.items() if k != "__metadata__"}, body)
    yield "st_metadata_list", _headed({**header, "__metadata__": [1]}, body)
    yield "st_dropped", _headed({k: v for k, v in header.items() if k != name}, body)
    yield "st_entry_list", _headed({**header, name: [1, 2]}, body)


def _headed(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


# What is no file at all


def _no_files(folder: Path) -> Iterator[Path]:
    for ending in ("keras", "h5", "safetensors", "weights.h5"):
        os.mkfifo(folder / f"pipe.{ending}")
        (folder / f"zero.{ending}").symlink_to("/dev/zero")
        (folder / f"loop.{ending}").symlink_to(folder / f"loop.{ending}")
        (folder / f"folder.{ending}").mkdir()
        (folder / f"text.{ending}").write_text("no model at all", encoding="utf-8")
        yield from [folder / f"{name}.{ending}" for name in ("pipe", "zero", "loop", "folder", "text")]


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    print(sum(1 for _ in corpus(Path(sys.argv[1]))), "files")
