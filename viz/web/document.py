"""The page of a model: one file with everything in it, or a folder of files for a web server."""

from __future__ import annotations

import base64
import gzip
import pathlib
from html import escape
from typing import Any

from eagerflow.base.files import replacing
from viz.page.document import document, inert, page_styles
from viz.page.modules import asset, joined
from viz.web import vendored

__all__ = ["HEADERS", "write"]

MODULES = ("page/assets/app/start.js", "web/assets/page.js")
STYLES = ("web/assets/web.css", "web/assets/controls.css")

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""What a web server sends with every file; the first two let the runtime use several threads."""

_IN_FOLDER = '<meta name="files" content="folder">'  # files lie next to the page, in its folder
_LARGEST_PAGE = 320_000_000  # bytes of a model: browsers hold texts of up to 512 MB
_HERE = b"<!-- bytes -->"  # where elements with bytes are put in


def write(target: pathlib.Path, content: dict[str, Any], model: bytes, numbers: bytes) -> None:
    """Write the page, or the folder where the path doesn't end in `.html`.

    Args:
        target: the path.
        content: the page's data.
        model: the ONNX file.
        numbers: arrays.
    """
    if target.suffix.lower() not in (".html", ".htm"):
        _write_folder(target, content, model, numbers)
        return
    if len(model) > _LARGEST_PAGE:
        raise ValueError(
            f"export({str(target)!r:.80}, format='web'): the model takes {len(model) / 1e6:.0f} MB, and browsers "
            f"open pages with up to {_LARGEST_PAGE / 1e6:.0f} MB. Give a path without .html for a folder of files."
        )
    packed = {
        "runtime-script": _zipped(vendored.script()),
        "runtime-program": vendored.packed_program(),
        "runtime-third-party": _zipped(vendored.third_party().encode()),
        "model": _zipped(model),
        "numbers": _zipped(numbers),
    }
    notice = f'<script type="text/plain" id="notice">{escape(vendored.notice())}</script>\n'
    page = _page(content, notice + _HERE.decode(), "'none'", "blob: 'wasm-unsafe-eval'")
    before, _, after = page.rpartition(_HERE)  # only our own scripts follow
    with replacing(target) as file:
        file.write(before)
        for name, written in packed.items():
            element = f'<script type="text/plain" id="{name}">'  # base64 holds nothing that could end it
            file.writelines((element.encode(), base64.b64encode(written), b"</script>\n"))
        file.write(after)


def _write_folder(target: pathlib.Path, content: dict[str, Any], model: bytes, numbers: bytes) -> None:
    index = target / "index.html"
    if index.exists() and _IN_FOLDER not in index.read_text("utf-8", errors="replace"):
        raise FileExistsError(
            f"export({str(target)!r:.80}, format='web'): the folder has an index.html that is no page of a model. Name "
            "a new folder, or a file that ends in .html."
        )
    target.mkdir(parents=True, exist_ok=True)
    page = _page(content, _IN_FOLDER, "'self'", "'self' 'wasm-unsafe-eval'")
    headers = "/*\n" + "".join([f"  {k}: {v}\n" for k, v in HEADERS.items()])
    files = {
        "runtime.mjs": vendored.script(),
        "runtime.wasm": vendored.program(),
        "runtime-LICENSE.txt": vendored.notice().encode(),
        "runtime-ThirdPartyNotices.txt": vendored.third_party().encode(),
        "model.onnx": model,
        "numbers.bin": numbers,
        "_headers": headers.encode(),
        "index.html": page,
    }
    for name, written in files.items():
        with replacing(target / name) as file:
            file.write(written)


def _page(content: dict[str, Any], elements: str, connect: str, sources: str) -> bytes:
    data = f'<script type="application/json" id="content">{inert(content)}</script>\n'
    styles = [*page_styles(), *[asset(path) for path in STYLES]]
    made = document(str(content["title"]), [joined(*MODULES)], styles, data + elements, connect, sources)
    return made.encode("utf-8")


def _zipped(content: bytes) -> bytes:
    return gzip.compress(content, 6, mtime=0)
