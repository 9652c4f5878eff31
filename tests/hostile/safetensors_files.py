"""`.safetensors` files whose headers lie."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any


def safetensors_files(content: bytes) -> Iterator[tuple[str, bytes]]:
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
