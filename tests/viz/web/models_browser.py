"""A browser without a network for pages of models: what it asked for, and what the page computes."""

from __future__ import annotations

import base64
import pathlib
from typing import Any

import numpy as np

from tests.viz.page.pages import PageBrowser

_FAKE_CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_CHECKED = "document.documentElement && (document.documentElement.dataset.checked || window.failed)"
# What a page's scripts have, as text that can leave the browser.
_PACKED = """
(() => {
  const pack = data => {
    const numbers = data instanceof Float32Array ? data : Float32Array.from(data, Number);
    return new Uint8Array(numbers.slice().buffer).toBase64();
  };
  return %s;
})()
"""


class ModelBrowser(PageBrowser):
    """`page` is the page in its scripts; `asked` the addresses outside of the page that were asked for."""

    def __init__(self, program: str, folder: pathlib.Path) -> None:
        self.asked: list[str] = []
        super().__init__(program, folder, _FAKE_CAMERA)
        self.call("Network.enable")
        self.online(False)

    def online(self, on: bool) -> None:
        self.call(
            "Network.emulateNetworkConditions", offline=not on, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    def _next(self) -> dict[str, Any]:
        answer = super()._next()
        if answer.get("method") == "Network.requestWillBeSent":
            self.asked.append(answer["params"]["request"]["url"])
        return answer

    def begin(self, address: str) -> None:
        """Open a page and wait until its model has run and was compared."""
        self.open("about:blank")
        self.asked.clear()
        self.open(address)
        self.wait(_CHECKED, 60)
        self.run("window.page = eagerflowModel.page; 1")
        self.rest()

    @property
    def requests(self) -> list[str]:
        """What was asked for beside the page itself, and what it holds."""
        return [url for url in self.asked[1:] if not url.startswith(("blob:", "data:"))]

    def settle(self) -> None:
        """Until the page has run what was given last."""
        self.run("new Promise(done => setTimeout(done, 20))")
        self.run(
            "(async () => { while (page.running || page.waiting) await new Promise(done => setTimeout(done, 20)); })()"
        )
        self.rest()

    def inputs(self) -> list[np.ndarray]:
        """What the page gave to the model last."""
        script = "Object.values(page.results.given).map(({data, shape}) => [pack(data), shape])"
        return [_array(text).reshape(shape) for text, shape in self.run(_PACKED % script)]

    def outputs(self) -> list[np.ndarray]:
        script = "page.content.outputs.map(({name}) => page.results.output(name))"
        return [_values(*each) for each in self.run(_PACKED % f"{script}.map(v => [pack(v.data), v.shape, v.first])")]

    def layer(self, number: int) -> np.ndarray:
        """A layer's output, in the program's order."""
        values = f"page.results.tensor(page.content.layers[{number}].tensor)"
        return _values(*self.run(_PACKED % f"(v => [pack(v.data), v.shape, v.first])({values})"))

    def middle(self, selector: str) -> tuple[float, float, float, float]:
        """Where an element is: its left and top, width and height; it is scrolled into sight."""
        return tuple(
            self.run(
                f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'nearest'}});"
                " const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()"
            )
        )

    def mouse(self, kind: str, x: float, y: float, held: bool = False) -> None:
        more = {"button": "left", "buttons": 1, "clickCount": 1} if held else {"button": "none"}
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def drag(self, selector: str, *places: tuple[float, float]) -> None:
        """Press, move and release the mouse at shares of an element's width and height."""
        left, top, width, height = self.middle(selector)
        points = [(left + a * width, top + b * height) for a, b in places]
        self.mouse("mousePressed", *points[0], held=True)
        for x, y in points[1:]:
            self.mouse("mouseMoved", x, y, held=True)
            self.rest()
        self.mouse("mouseReleased", *points[-1], held=True)
        self.settle()


def _array(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "float32")


def _values(text: str, shape: list[int], first: bool) -> np.ndarray:
    """What the page has, with the channels last."""
    if not first:
        return _array(text).reshape(shape)
    return np.moveaxis(_array(text).reshape(shape[-1], *shape[:-1]), 0, -1)
