"""The numbers of an epoch reach a server, and a server that fails stops nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.callbacks import RemoteMonitor


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        made.seen, made.status = [], 200
        made.address = f"http://127.0.0.1:{made.server_port}"
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def train(monitor):
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[monitor])


def test_numbers_arrive_in_a_form(server):
    history = train(RemoteMonitor(server.address, headers={"X-Run": "seven"}))
    assert len(server.seen) == 2
    path, headers, body = server.seen[1]
    assert (path, headers["X-Run"]) == ("/publish/epoch/end/", "seven")
    assert json.loads(parse_qs(body)["data"][0]) == {"epoch": 1, "loss": history.history["loss"][1]}


def test_numbers_arrive_as_json(server):
    monitor = RemoteMonitor(server.address, path="/here", send_as_json=True)
    monitor.on_epoch_end(0, {"loss": np.float32(0.5), "per_class": np.array([1.0, 2.0])})
    [(path, headers, body)] = server.seen
    assert (path, headers["Content-Type"]) == ("/here", "application/json")
    assert json.loads(body) == {"epoch": 0, "loss": 0.5, "per_class": [1.0, 2.0]}


def test_a_server_that_refuses_costs_a_warning(server):
    server.status = 500
    with pytest.warns(UserWarning, match="didn't take the numbers: HTTP Error 500"):
        RemoteMonitor(server.address).on_epoch_end(0, {})


def test_no_server_costs_a_warning(server):
    server.server_close()
    with pytest.warns(UserWarning, match="didn't take the numbers"):
        assert train(RemoteMonitor("http://127.0.0.1:1")).epoch == [0, 1]


@pytest.mark.parametrize("root", ["file:///etc/passwd", "localhost:9000", ""])
def test_addresses_are_of_the_web(root):
    with pytest.raises(ValueError, match="http://"):
        RemoteMonitor(root)
