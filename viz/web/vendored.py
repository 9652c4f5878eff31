"""The copy of onnxruntime-web that pages carry."""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.resources
import json
import lzma
from typing import Any

__all__ = ["about", "notice", "packed_program", "program", "script", "third_party"]

_FOLDER = importlib.resources.files("viz.web") / "runtime"
_SCRIPT, _PROGRAM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"


@functools.cache
def about() -> dict[str, Any]:
    """Its package, version and checksums."""
    found: dict[str, Any] = json.loads((_FOLDER / "runtime.json").read_text("utf-8"))
    return found


def _checked(name: str, content: bytes) -> bytes:
    if hashlib.sha256(content).hexdigest() != about()["sha256"][name]:
        raise RuntimeError(f"viz/web/runtime/{name} has been changed: install viz again, or run `make web-runtime`.")
    return content


def script() -> bytes:
    """Its JavaScript, without the line that names a file for debuggers, which browsers would ask the network for."""
    content = _checked(_SCRIPT, (_FOLDER / _SCRIPT).read_bytes())
    kept = [line for line in content.splitlines() if not line.startswith(b"//# sourceMappingURL=")]
    return b"\n".join(kept) + b"\n"


def notice() -> str:
    """Its licence, which goes wherever it goes."""
    return (_FOLDER / "LICENSE.txt").read_text("utf-8")


def third_party() -> str:
    """The notices of what it is made with, which go along, too."""
    return (_FOLDER / "ThirdPartyNotices.txt").read_text("utf-8")


def program() -> bytes:
    """Its WebAssembly, which is stored with xz: a third smaller than with gzip."""
    return _checked(_PROGRAM, lzma.decompress((_FOLDER / f"{_PROGRAM}.xz").read_bytes()))


@functools.cache
def packed_program() -> bytes:
    """Its WebAssembly, packed with gzip, which browsers unpack by themselves."""
    return gzip.compress(program(), 6, mtime=0)
