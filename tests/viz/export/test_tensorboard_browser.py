"""A real TensorBoard in a real browser shows the graph that ran."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.viz import browser
from tests.viz.browser import WALK, Browser
from tests.viz.test_callbacks import batch_and_model

pytest.importorskip("tensorboard")
PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from viz.callbacks import TensorBoard

    logs = tmp_path_factory.mktemp("logs")
    x, y, model = batch_and_model()
    model.fit(
        x, y, batch_size=4, epochs=2, verbose=0, validation_data=(x, y), callbacks=[TensorBoard(logs, histogram_freq=1)]
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-W", "ignore", "-m", "tensorboard.main", "--logdir", str(logs), "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--load_fast", "false"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/data/plugin/graphs/info")
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(address):
    error = None
    for _ in range(150):
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if json.loads(answer.read()):
                    return
        except OSError as refused:  # it hasn't begun to listen
            error = refused
        time.sleep(0.2)
    raise TimeoutError(address) from error


@pytest.fixture
def page(tmp_path):
    found = Browser(PROGRAM, tmp_path / "profile")
    yield found
    found.close()


def names(kind):
    return f"{WALK}.filter(e => e.matches({kind!r})).map(e => e.getAttribute('data-name') || e.textContent.trim())"


def test_the_graphs_tab_shows_layers_gradients_and_times(server, page, tmp_path):
    page.open(f"{server}/?runFilter=train#graphs&run=train")
    page.wait(f"{names('g.node')}.includes('mlp')", 60)
    shown = page.run(names("g.node"))
    assert {"mlp", "gradients"} <= set(shown)
    page.run(f"{WALK}.filter(e => e.matches('paper-item') && e.textContent.trim() == 'step_2').map(e => e.click())")
    disabled = f"{WALK}.filter(e => e.id == 'compute-time-radio-button').map(e => e.getAttribute('aria-disabled'))[0]"
    page.wait(f"{disabled} == 'false'")
    page.run(f"{WALK}.filter(e => e.id == 'compute-time-radio-button').map(e => e.click())")
    legend = f"{WALK}.filter(e => /^[0-9.]+ (µs|ms|s)$/.test(e.textContent.trim()) && !e.children.length)"
    legend += ".map(e => e.textContent.trim())"
    assert page.wait(legend)
    assert "NaN" not in str(page.run(legend))
    target = f"{WALK}.filter(e => e.matches('g.node[data-name=mlp] > g > .nodecolortarget'))"
    colour = f"{target}.map(e => getComputedStyle(e).fill)[0]"
    found = page.wait(f"({colour} || '').includes('rgb') && {colour} != 'rgb(255, 255, 255)' && {colour}")
    red, green = [int(n) for n in re.findall(r"\d+", found)[:2]]
    assert red > green, found  # more than nothing on the scale from white to red
    page.run(f"{target}.map(e => e.dispatchEvent(new MouseEvent('dblclick', {{bubbles: true}})))")
    page.wait(f"{names('g.node')}.includes('mlp/hidden_0')")
    time.sleep(1.5)
    picture = tmp_path / "graphs.png"
    page.screenshot(picture)
    assert picture.stat().st_size > 20_000
    kept = os.environ.get("EAGERFLOW_SCREENSHOTS")
    if kept:
        page.screenshot(browser.pathlib.Path(kept) / "tensorboard_graphs.png")
