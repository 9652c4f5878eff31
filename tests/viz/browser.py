"""A headless Chromium, driven over its debugging pipe: no other package is needed."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import shutil
import subprocess
import time
from collections.abc import Sequence
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NONE_FOUND = f"no browser: none of {', '.join(NAMES)} is on the PATH"
# Every element of the page, those within shadow roots too.
WALK = """
(() => { const found = []; const walk = root => { for (const e of root.querySelectorAll('*')) {
  found.push(e); if (e.shadowRoot) walk(e.shadowRoot); } }; walk(document); return found; })()
"""


def find() -> str | None:
    """The browser's path, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One page of a browser without a window."""

    def __init__(
        self, program: str, folder: pathlib.Path, width: int = 1400, height: int = 900, further: Sequence[str] = ()
    ) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            "--disable-dev-shm-usage",
            *further,
        ]
        command = [*options, f"--user-data-dir={folder}", f"--window-size={width},{height}", "about:blank"]
        # The browser reads from 3 and writes to 4; whichever numbers we got are moved there by a shell.
        shell = f'exec 3<&{to_read} 4>&{to_write}; exec "$0" "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, program, *command],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # It makes a socket in that folder, whose path may have 107 bytes: a test's own folder can be too deep.
            env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._count, self._session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            piece = os.read(self._read, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has gone")
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)

    def open(self, address: str) -> None:
        self.call("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(str(result["exceptionDetails"])[:500])
        return result["result"].get("value")

    def wait(self, script: str, seconds: float = 30) -> Any:
        """What `script` gives as soon as that is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := self._run_between_pages(script):
                return found
            time.sleep(0.2)
        raise TimeoutError(script)

    def _run_between_pages(self, script: str) -> Any:
        """The same as `run`; None while one page gives way to the next."""
        try:
            return self.run(script)
        except RuntimeError as error:
            if "navigated or closed" not in str(error):
                raise
            return None

    def screenshot(self, path: pathlib.Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        os.close(self._read)
        os.close(self._write)
