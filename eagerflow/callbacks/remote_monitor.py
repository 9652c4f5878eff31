"""`RemoteMonitor`: the numbers of every epoch, sent to a web server."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
import warnings
from typing import Any

from eagerflow.callbacks.base import Callback

__all__ = ["RemoteMonitor"]

_SECONDS = 10.0  # a server that doesn't answer holds training up no longer than this


class RemoteMonitor(Callback):
    """Sends the logs of each epoch to a server when it ends, as an HTTP POST request.

    When the server can't be reached or refuses, there is a warning, and training goes on.

    Args:
        root: the address of the server.
        path: the path of the request on that server.
        field: the name of the form field that contains the logs as JSON; not used with `send_as_json`.
        headers: a dict of further HTTP headers.
        send_as_json: whether the body of the request is the JSON document itself instead of a form.

    Raises:
        ValueError: when `root` doesn't begin with `http://` or `https://`.

    >>> monitor = ef.callbacks.RemoteMonitor("http://localhost:9000", path="/publish/epoch/end/")
    >>> monitor.root + monitor.path  # model.fit(..., callbacks=monitor) sends {"epoch": 0, "loss": ...} there
    'http://localhost:9000/publish/epoch/end/'
    """

    _writes = True

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: dict[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if urllib.parse.urlsplit(root).scheme not in ("http", "https"):
            raise ValueError(f"RemoteMonitor(root={root!r}): expected an address that begins with http:// or https://.")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        numbers = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        try:
            with urllib.request.urlopen(self._request(numbers), timeout=_SECONDS):
                pass
        except (OSError, ValueError) as error:  # URLError and HTTPError are OSErrors
            if isinstance(error, urllib.error.HTTPError):
                error.close()  # it is the answer, too
            warnings.warn(f"RemoteMonitor: {self.root} didn't take the numbers: {error}", stacklevel=2)

    def _request(self, numbers: dict[str, Any]) -> urllib.request.Request:
        if self.send_as_json:
            body, kind = json.dumps(numbers), "application/json"
        else:
            body = urllib.parse.urlencode({self.field: json.dumps(numbers)})
            kind = "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        return urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")


def _plain(value: Any) -> Any:
    """A number, or nested lists of them, as JSON writes them."""
    return value.tolist() if hasattr(value, "tolist") else value
