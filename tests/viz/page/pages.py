"""Pages in a headless browser: opening one, what went wrong in it, and asking it things."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from tests.viz.browser import Browser

# Runs before anything in the page: collects every error, rejected promise, broken policy and failed load.
_LISTEN = """
window.wrong = [];
addEventListener('error', e => wrong.push('error: ' + (e.message || (e.target && e.target.outerHTML))), true);
addEventListener('unhandledrejection', e => wrong.push('rejected: ' + (e.reason && e.reason.stack || e.reason)));
addEventListener('securitypolicyviolation', e => wrong.push('policy: ' + e.violatedDirective + ' ' + e.blockedURI));
for (const name of ['error', 'warn']) console[name] = (...words) => wrong.push(name + ': ' + words.join(' '));
window.saved = [];
const make = URL.createObjectURL;
URL.createObjectURL = blob => { saved.push(blob); return make.call(URL, blob); };
"""
_READY = "document.documentElement && document.documentElement.dataset.ready"


class PageBrowser(Browser):
    """A browser for pages of viz; `v` is the viewer in its scripts."""

    def __init__(self, program: str, folder: pathlib.Path, further: Sequence[str] = ()) -> None:
        super().__init__(program, folder, further=further)
        self.call("Page.addScriptToEvaluateOnNewDocument", source=_LISTEN)
        self.size(1400, 900)

    def size(self, width: int, height: int) -> None:
        metrics: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def prefer(self, feature: str, value: str) -> None:
        self.call("Emulation.setEmulatedMedia", features=[{"name": feature, "value": value}])

    def show(self, path: pathlib.Path, after: str = "") -> None:
        """Open a page and wait until it has drawn itself."""
        self.open("about:blank")
        self.wait("location.href === 'about:blank'")  # a busy machine's browser still shows the page before
        self.open(path.as_uri() + after)
        ready = self.wait(f"location.href !== 'about:blank' && {_READY}")
        assert ready != "failed", self.run("document.body.innerText")
        self.run("window.v = eagerflowViewer.viewer; 1")

    @property
    def wrong(self) -> list[str]:
        return self.run("window.wrong")

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of an element."""
        x, y = self.run(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect(); "
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        self.rest()

    def press(self, key: str, text: str = "", modifiers: int = 0) -> None:
        """One key: a letter, or a name such as `ArrowDown`; `modifiers` as the browser counts them, 8 for Shift."""
        letter = text or (key if len(key) == 1 else "")
        down = {"text": letter} if letter else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **down)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.rest()

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)
        self.rest()

    def rest(self) -> None:
        """Until what was asked for is drawn: two pictures later."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def texts(self, selector: str) -> list[str]:
        return self.run(f"[...document.querySelectorAll({selector!r})].map(e => e.textContent)")

    def boxes(self) -> list[str]:
        """The titles of the boxes of the graph, seen or not."""
        return self.run("[...v.scene.nodes.values()].map(n => n.title)")

    @contextlib.contextmanager
    def frame(self) -> Iterator[PageBrowser]:
        """Talk to the frame inside the page, which runs in a process of its own."""
        targets = self.call("Target.getTargets")["targetInfos"]
        (target,) = [each["targetId"] for each in targets if each["type"] == "iframe"]
        outer = self._session
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        yield self
        self._session = outer
