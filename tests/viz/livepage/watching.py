"""A browser that isn't one: it gathers the news of a live page."""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
import urllib.request

import numpy as np

import eagerflow as ef
import viz


class Reader:
    """Listens to a page in a thread.

    Attributes:
        parts: the latest of each kind.
        curves: points by "run|metric".
    """

    def __init__(self, url):
        self.url, self.parts, self.curves, self.ended = url, {}, {}, False
        self._answer = urllib.request.urlopen(url + "events", timeout=30)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        kind = ""
        with contextlib.suppress(OSError, ValueError), self._answer:  # the page has gone, or `close`
            for line in self._answer:
                name, _, value = line.decode().strip().partition(": ")
                if name == "event":
                    kind = value
                    self.ended = self.ended or kind == "bye"
                elif name == "data" and kind == "news":
                    self._take(json.loads(value))

    def _take(self, news):
        for name in news.pop("gone", []):
            del self.curves[name]
        for name, curve in news.pop("series", {}).items():
            known = [] if curve.get("all") else self.curves.get(name, [])
            self.curves[name] = known + curve["points"]
        self.parts.update(news)

    def wait(self, holds, seconds=30):
        """What `holds(self)` gives as soon as that is true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = holds(self)
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError(f"waited in vain; there is {self.parts!r:.2000}, {list(self.curves)}")

    def get(self, what):
        """`graph` or `histograms`."""
        with urllib.request.urlopen(self.url + what, timeout=30) as answer:
            body = answer.read()
            return json.loads(gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body)

    def close(self):
        self._thread.join(30)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def watched(**options):
    """A live page, and somebody who reads it."""
    given = {"open_browser": False, "linger": 0, "every": 0, "overhead": 1.0, **options}
    page = viz.live(**given)
    reader = Reader(page.url)
    try:
        yield page, reader
    finally:
        page.close(quit=True)
        reader.close()


def mlp(name="mlp"):
    model = ef.Sequential(
        [ef.Input((5,)), ef.layers.Dense(8, "tanh", name="hidden"), ef.layers.Dense(3, name="head")], name=name
    )
    loss = ef.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(ef.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def data(rows=64):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 5)).astype("float32"), rng.integers(0, 3, rows)
