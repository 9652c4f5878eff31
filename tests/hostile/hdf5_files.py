"""HDF5 files with other arrays, links and claims."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import h5py
import numpy as np


def hdf5_files(content: bytes) -> Iterator[tuple[str, bytes]]:
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
    "declared": _declared((10**6, 10**6)),
    "declared_more": _declared((2**40, 2**20)),
    "array_dropped": _array_dropped,
    "moved": _moved,
    "deep": _deep,
    "virtual": _virtual,
    "cycle": _cycle,
    "soft_link": _linked(h5py.SoftLink("/layers/dense/vars/1")),
    "broken_link": _linked(h5py.SoftLink("/nowhere")),
    "external_link": _linked(h5py.ExternalLink("/etc/passwd", "/x")),
    "external": _external,
    "text": _text,
    "references": _references,
    "named_type": _named_type,
    "big_attribute": _big_attribute,
    "extra_array": lambda file: file.create_dataset("layers/dense/vars/7", data=np.ones(3)),
    "extra_layer": lambda file: file.create_dataset("layers/more/vars/0", data=np.ones(3)),
    "group_for_array": lambda file: (file.__delitem__(KERNEL), file.create_group(KERNEL)),
    "no_optimizer": lambda file: file.__delitem__("optimizer"),
    "wrong_step": lambda file: (
        file.__delitem__("optimizer/vars/0"),
        file.create_dataset("optimizer/vars/0", data=np.ones(3)),
    ),
}
