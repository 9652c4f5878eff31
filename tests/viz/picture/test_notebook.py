from __future__ import annotations

import linecache
import os
import pathlib
import sys

import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.picture.shown import pictures

ROOT = os.fspath(pathlib.Path(__file__).parents[3])

CELLS = """\
import eagerflow as ef
import viz
from eagerflow import layers, ops
---
def penalty(x):
    return ops.sum(ops.multiply(x, x))  # the guilty line
---
model = ef.Sequential([layers.Dense(4, activation="relu", name="first"), layers.Dense(1)], name="cells")
with viz.trace("in a notebook") as t:
    penalty(model(ef.ops.ones((2, 3))))
t
---
t.draw(view="forward")
---
op = t.find("multiply")[-1]
print([(frame.file, frame.line, frame.code) for frame in op.stack])
print(t.find("matmul")[0].source, t.scopes[1].created_at)
""".split("---\n")


def test_lines_of_code_without_a_file_resolve_through_linecache():
    text = "def run(ops, x):\n    return ops.tanh(x)  # here\n"
    file = "<ipython-input-7-abc>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    names: dict = {}
    exec(compile(text, file, "exec"), names)
    with viz.trace() as t:
        names["run"](ops, ef.Tensor([1.0]))
    assert t.ops[0].source == viz.Frame(file, 2, "run", "return ops.tanh(x)  # here")
    assert "# here" in t.draw().svg


def executed(cells, monkeypatch, **options):
    """A notebook with these cells, after they ran in a real kernel."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT, *[path for path in sys.path if path]]))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", **options).execute()
    return notebook


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_a_notebook_shows_recordings_and_knows_its_cells(monkeypatch):
    notebook = executed(CELLS, monkeypatch)
    recording, drawing = (notebook.cells[i].outputs[0]["data"] for i in (2, 3))
    assert len(pictures(recording["text/html"])) == 1
    assert "in a notebook" in recording["text/html"]
    assert "first" in drawing["image/svg+xml"]
    assert "the guilty line" in drawing["text/html"]
    printed = "".join(output["text"] for output in notebook.cells[4].outputs)
    assert "('In [2]', 2, 'return ops.sum(ops.multiply(x, x))  # the guilty line')" in printed
    assert "('In [3]', 3," in printed
    assert "In [3]:3 In [3]:1" in printed


TRAINING = """\
import time, numpy as np
import eagerflow as ef
import viz
from eagerflow import layers
x, y = np.ones((64, 3), "float32"), np.ones((64, 1), "float32")
class Slow(ef.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        time.sleep(0.15)
---
page = viz.live()
model = ef.Sequential([ef.Input((3,)), layers.Dense(1)], name="small")
model.compile("sgd", "mse")
model.fit(x, y, batch_size=16, epochs=3, validation_split=0.25, callbacks=[Slow()])
---
page
---
print(page.url)
page.close(quit=True)
---
model.summary()
---
def mine(z):
    return model.fit(z, y)
mine(x[:, :2])
---
%xmode Minimal
mine(x[:, :2])
""".split("---\n")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own packages
def test_a_notebook_of_a_training_holds_its_lines_curves_and_last_state(monkeypatch):
    notebook = executed(TRAINING, monkeypatch, allow_errors=True)
    _, training, page, url, summary, failed, minimal = [cell.outputs for cell in notebook.cells]
    printed = "".join(output["text"] for output in training if output.output_type == "stream")
    assert [line[:10] for line in printed.splitlines()] == ["Epoch 1/3 ", "Epoch 2/3 ", "Epoch 3/3 "]
    assert "\r" not in printed
    shown = [output["data"] for output in training if "data" in output]
    live, bar, history = shown
    assert bar == {"text/plain": "", "text/html": ""}
    assert not pictures(history.get("text/html", ""))  # the curves stand above already
    assert "loss" in history["text/plain"]
    assert live["text/plain"].startswith("viz.live, ended · ")  # as a later cell closes the page
    assert " · epoch 3 / 3 · step 9 · " in live["text/plain"]
    assert "<polyline" in pictures(live["text/html"])[0]
    assert page[0]["data"] == live  # the same place, shown again
    token = url[0]["text"].strip().rstrip("/").split("/")[-1]
    assert len(token) >= 32
    assert all(token not in str(outputs) for outputs in (training, page, summary))
    assert "white-space:pre;" in summary[0]["data"]["text/html"]
    text = "\n".join(failed[0]["traceback"])
    assert "mine" in text
    assert "eagerflow" not in text.replace("ipykernel", "")
    assert "In [2]:2" in text  # where the model was made
    assert len(minimal[-1]["traceback"]) == 1
