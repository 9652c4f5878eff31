"""A browser without a network that opens pages of the site and keeps what went wrong in them."""

from __future__ import annotations

import pathlib
from typing import Any

from tests.viz.browser import NONE_FOUND, Browser, find

LOADED = "document.readyState === 'complete' && location.href !== 'about:blank'"


class SiteBrowser(Browser):
    """One page of the site after another.

    Attributes:
        wrong: errors and warnings of the page's scripts, and files that it did not get.
        asked: every address that it asked for.
    """

    def __init__(self, folder: pathlib.Path) -> None:
        program = find()
        if program is None:
            raise FileNotFoundError(NONE_FOUND)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        super().__init__(program, folder)
        for domain in ("Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call(
            "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )

    def _next(self) -> dict[str, Any]:
        answer = super()._next()
        method, told = answer.get("method"), answer.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif method == "Network.loadingFailed" and not told.get("canceled"):
            self.wrong.append(f"not loaded: {told.get('errorText')} ({told.get('type')})")
        elif method == "Runtime.exceptionThrown":
            self.wrong.append(str(told["exceptionDetails"].get("exception", {}).get("description", told))[:300])
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.wrong.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in told["args"])[:300])
        elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.wrong.append(f"{told['entry']['text']} {told['entry'].get('url', '')}"[:300])
        return answer

    def look(self, theme: str, width: int, height: int) -> None:
        """Set the theme that the system asks for, and the size of the window."""
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def begin(self, address: str) -> None:
        """Open a page and wait until all of it is there."""
        self.open("about:blank")
        self.wait("location.href === 'about:blank'")
        self.wrong.clear()
        self.asked.clear()
        self.open(address)
        self.wait(LOADED, 60)

    @property
    def foreign(self) -> list[str]:
        """What was asked for that isn't a file of this machine."""
        return [url for url in self.asked if not url.startswith(("file:", "data:", "blob:", "about:"))]
