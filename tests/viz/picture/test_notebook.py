"""What a notebook shows of recordings: lines of code, pictures and their colours."""

from __future__ import annotations

import linecache
import os
import pathlib
import re
import sys
from html import unescape
from types import SimpleNamespace

import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from tests.viz.picture.shown import pictures, words
from viz.facts import formatting
from viz.picture.notebook_theme import darkened, on_any_ground
from viz.picture.svg import svg

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


PICTURE = '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">'
PICTURE += '<rect fill="{}"/><path stroke="{}" fill="none"/><g fill="#0072b2"/></svg>'
LIGHT_SVG, DARK_SVG = PICTURE.format("white", "#0072b2"), PICTURE.format("#12181f", "#56b4e9")


def test_each_colour_has_the_one_of_the_other_ground():
    html = on_any_ground(LIGHT_SVG, DARK_SVG)
    (picture,) = pictures(html)
    assert 'fill="var(--ef-white-12181f,white)"' in picture
    assert 'stroke="var(--ef-0072b2-56b4e9,#0072b2)"' in picture
    assert '<g fill="#0072b2"/>' in picture  # the same on both
    assert "(prefers-color-scheme:dark){svg{--ef-white-12181f:#12181f;--ef-0072b2-56b4e9:#56b4e9;}}" in picture
    assert '[data-jp-theme-light="false"] .eagerflow-picture,.vscode-dark .eagerflow-picture' in html
    assert "{color-scheme:dark}" in html
    assert "<?xml" not in picture


def test_another_picture_is_no_dark_one():
    html = on_any_ground(LIGHT_SVG, DARK_SVG.replace("<g", "<g id='a'"))
    assert "color-scheme" not in html
    assert "var(" not in pictures(html)[0]


def test_a_notebook_that_is_not_trusted_shows_the_picture_and_none_of_its_words(recording):
    assert words(recording.draw()._repr_html_()) == words(recording.grad_flow()._repr_html_()) == ""
    html = recording._repr_html_()
    assert "<svg" not in html  # which would be left out, but for the words in it
    assert "<title" not in html
    assert "kernel_initializer" not in words(html)
    assert words(html).startswith("recording: ")


def test_tooltips_lie_on_the_picture(recording):
    html = recording.draw()._repr_html_()
    told = {unescape(text): style for text, style in re.findall(r'<span title="([^"]*)" style="([^"]*)"', html)}
    (layer,) = [style for text, style in told.items() if text.startswith("layer first (")]
    (weight,) = [style for text, style in told.items() if text.startswith("small/first/kernel: 8×4 f32")]
    (left, top, wide, high), (x, y, *_) = ([float(n) for n in re.findall(r"([\d.]+)%", s)] for s in (layer, weight))
    assert left < x < left + wide <= 100
    assert top < y < top + high <= 100


@pytest.fixture
def recording():
    model = ef.Sequential([ef.Input((8,)), ef.layers.Dense(4, "relu", name="first"), ef.layers.Dense(3)], name="small")
    model.compile("adam", "mse")
    with viz.trace(stats="basic") as t:
        model.train_on_batch(ef.ops.ones((2, 8)), ef.ops.ones((2, 3)))
    return t


@pytest.mark.parametrize("color_by", ["op", "time", "memory", "dtype", "grad", "nonfinite"])
def test_a_picture_is_drawn_dark_as_if_that_had_been_asked_for(recording, color_by):
    light, dark = (recording.draw(color_by=color_by, theme=theme) for theme in ("light", "dark"))
    assert svg(darkened(light.graph)) == svg(dark.graph)
    (picture,) = pictures(light._repr_html_())
    assert "var(--ef-white-12181f,white)" in picture
    known = set(re.findall(r"#[0-9a-f]{6}", svg(dark.graph)))
    assert set(re.findall(r":(#[0-9a-f]{6});", picture)) <= known
    assert "var(" not in pictures(dark._repr_html_())[0]


def test_places_in_cells_are_named_as_the_notebook_names_them(monkeypatch):
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"/tmp/ipykernel_1/2.py": 4}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert formatting.near("/tmp/ipykernel_1/2.py") == "In [4]"
    assert formatting.near("/tmp/ipykernel_1/3.py") == "/tmp/ipykernel_1/3.py"
    finding = viz.Finding("lr_too_high", "error", "The loss grows", "Lower it.", file="/tmp/ipykernel_1/2.py", line=3)
    assert finding.where == "In [4]:3"
