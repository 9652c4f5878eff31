"""Pages of models in a real browser, without a network: what a reader does, and that numbers are those of Python."""

from __future__ import annotations

import base64
import functools
import gzip
import http.server
import pathlib
import threading

import numpy as np
import pytest

import eagerflow as ef
from tests.viz import browser
from tests.viz.web.models import EXAMPLES, Example, several
from tests.viz.web.models_browser import ModelBrowser
from viz.recorder.listening import Listening
from viz.web import document, exporter

PROGRAM = browser.find()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=browser.NONE_FOUND)]


class Shown:
    """A page that is open, and the model that it was made of."""

    def __init__(self, page: ModelBrowser, example: Example, path: pathlib.Path | None = None) -> None:
        self.page, self.example, self.path = page, example, path

    def expected(self) -> np.ndarray:
        """What Python makes of what the page was given last."""
        (given,) = self.page.inputs()
        model = self.example.model
        return np.asarray(model(given.astype(str(model.inputs[0].dtype)), training=False))[0]

    def assert_equal(self) -> None:
        expected, (found,) = self.expected(), self.page.outputs()
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    page = ModelBrowser(PROGRAM, tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Pages by name, each written once, with their models."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def write(name):
        if name not in made:
            example = several() if name == "several" else EXAMPLES[name]()
            example.model.export(folder / f"{name}.html", format="web", **example.options)
            made[name] = example
        return folder / f"{name}.html", made[name]

    return write


@pytest.fixture
def opened(chromium, written):
    """Opens a page; at the end nothing went wrong, and nothing was asked for."""

    def show(name, width=1400, height=900):
        path, example = written(name)
        chromium.size(width, height)
        chromium.begin(path.as_uri())
        return Shown(chromium, example, path)

    yield show
    assert chromium.wrong == []
    assert chromium.requests == []


# ---------------------------------------------------------------------- numbers


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_layer_has_python_s_values(opened, name):
    """All of them, at once; relative to the largest of each."""
    shown = opened(name)
    page = shown.page
    assert shown.path.stat().st_size <= 5.6e6 + 1.4 * page.run("page.content.model.bytes")
    assert page.run("document.querySelector('.badge').textContent").startswith("✓ equal to Python: largest difference")
    shown.assert_equal()
    (given,) = page.inputs()
    layers = page.run("page.content.layers.map(({name}) => name)")
    values = {}

    def ended(scope, outputs, error=None):
        if scope.kind == "layer":
            values[scope.name] = np.asarray(outputs)

    with ef.core.observe.observing(Listening(on_scope_end=ended)):
        shown.example.model(given.astype(str(shown.example.model.inputs[0].dtype)), training=False)
    assert len(layers) >= 2
    for number, layer in enumerate(layers):
        found, expected = page.layer(number), values[layer][0]
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max(), layer


def test_a_difference_is_told_with_the_layer_in_which_it_begins(chromium, tmp_path, monkeypatch):
    example, expected = EXAMPLES["mlp"](), exporter._part

    def wrong(array, numbers):
        return expected(np.asarray(array) + (0.01 if np.shape(array) == (1, 3) else 0), numbers)

    monkeypatch.setattr(exporter, "_part", wrong)
    example.model.export(tmp_path / "wrong.html", format="web", **example.options)
    chromium.begin((tmp_path / "wrong.html").as_uri())
    assert "differs from Python from answer on" in chromium.run("document.querySelector('.badge').textContent")
    chromium.click(".badge")
    assert chromium.texts(".compared .bad td:first-child") == ["answer", "output"]
    chromium.press("Escape")
    assert chromium.run("document.querySelector('dialog') === null")


def test_a_page_whose_model_is_damaged_says_so(chromium, tmp_path):
    path = tmp_path / "mlp.html"
    EXAMPLES["mlp"]().model.export(path, format="web")
    head, between, rest = path.read_text(encoding="utf-8").partition('id="model">')
    damaged = base64.b64encode(gzip.compress(b"no model at all")).decode()
    path.write_text(head + between + damaged + rest[rest.index("</script>") :], encoding="utf-8")
    chromium.open(path.as_uri())
    assert chromium.wait("document.documentElement && document.documentElement.dataset.model") == "failed"
    assert "The model can't run here" in chromium.run("document.querySelector('.progress').textContent")


# ---------------------------------------------------------------------- inputs


SEVEN = [(0.3, 0.25), (0.5, 0.24), (0.7, 0.25), (0.6, 0.5), (0.5, 0.8)]


def test_what_is_drawn_comes_to_the_size_and_place_of_samples(opened):
    shown = opened("digits")
    shown.page.drag("canvas.pad", *SEVEN)
    (large,) = shown.page.inputs()
    shown.assert_equal()
    assert shown.page.run("document.querySelectorAll('.sample[aria-pressed=true]').length") == 0
    shown.page.click("button[title^='begin again']")
    shown.page.settle()
    assert not shown.page.inputs()[0].any()
    shown.page.drag("canvas.pad", *[(0.1 + a / 2, 0.4 + b / 2) for a, b in SEVEN])
    (small,) = shown.page.inputs()
    assert large.max() == pytest.approx(1, abs=0.05)
    assert np.abs(large - small).mean() < 0.05  # half as large, elsewhere: the same image but for the mouse's pixels


def test_one_can_draw_with_the_keys_alone(opened):
    shown = opened("digits")
    shown.page.press("i")
    assert shown.page.run("document.activeElement.classList.contains('pad')")
    shown.page.press(" ", " ")
    for _ in range(12):
        shown.page.press("ArrowDown")
    shown.page.press(" ", " ")
    shown.page.settle()
    drawn = shown.page.inputs()[0][0, :, :, 0]
    assert drawn[:, 3:5].sum() > 4
    assert drawn[:, :2].sum() == 0
    shown.assert_equal()
    shown.page.press("Backspace")
    shown.page.settle()
    assert not shown.page.inputs()[0].any()


def test_samples_are_chosen_by_click_and_key(opened):
    shown = opened("digits")
    samples = shown.example.options["samples"]
    shown.page.click(".sample:nth-child(4)")
    shown.page.settle()
    np.testing.assert_array_equal(shown.page.inputs()[0], samples[3:4].astype("float32"))
    shown.page.run("document.activeElement.blur()")
    shown.page.press("]")
    shown.page.settle()
    np.testing.assert_array_equal(shown.page.inputs()[0], samples[4:5].astype("float32"))
    shown.assert_equal()


def test_text_becomes_words_as_in_python(opened):
    shown = opened("text")
    shown.page.click(".control textarea")
    shown.page.run("document.activeElement.select()")
    for letter in "NOT so Good, naïve 日本!":
        shown.page.press(letter)
    shown.page.settle()
    vectorizer = shown.example.options["text"]
    wanted = np.asarray(vectorizer(["NOT so Good, naïve 日本!"]))
    np.testing.assert_array_equal(shown.page.inputs()[0], wanted)
    assert shown.page.texts(".tokens .unknown") == ["so1"]
    shown.assert_equal()


def test_a_place_in_the_latent_space_is_moved_by_pointer_and_keys(opened):
    shown = opened("decoder")
    shown.page.drag(".plane", (0.5, 0.5), (0.75, 0.25))
    np.testing.assert_allclose(shown.page.inputs()[0], [[1, 1]], atol=0.02)
    shown.assert_equal()
    shown.page.press("ArrowLeft")
    shown.page.settle()
    np.testing.assert_allclose(shown.page.inputs()[0], [[0.9, 1]], atol=0.02)
    shown.assert_equal()
    assert shown.page.run("document.querySelector('.plane-ground').width") == 560


def test_pictures_come_by_drop_paste_and_camera(opened, tmp_path):
    image = pytest.importorskip("PIL.Image")
    shown = opened("mobilenet")
    page = shown.page
    pixels = np.zeros((300, 400, 3), "uint8")
    pixels[:, :, 0], pixels[:150, :, 2] = 255, 255
    image.fromarray(pixels).save(tmp_path / "red.png")
    left, top, width, height = page.middle(".photo-frame")
    data = {"items": [], "files": [str(tmp_path / "red.png")], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        page.call("Input.dispatchDragEvent", type=kind, x=left + width / 2, y=top + height / 2, data=data)
    page.wait("page.controls[0].numbers && page.controls[0].numbers[2] > 0.99")
    page.settle()
    given = page.inputs()[0][0]
    np.testing.assert_allclose(given[:100, :, 2], 1, atol=0.01)
    np.testing.assert_allclose(given[130:, :, 2], -1, atol=0.01)
    shown.assert_equal()
    page.call("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    page.run("""new Promise(done => { const c = document.createElement('canvas'); c.width = c.height = 32;
      const pen = c.getContext('2d'); pen.fillStyle = '#0f0';
      pen.fillRect(0, 0, 32, 32); c.toBlob(done, 'image/png'); })
      .then(blob => navigator.clipboard.write([new ClipboardItem({'image/png': blob})]))""")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="v", code="KeyV", modifiers=2, commands=["paste"])
    page.wait("page.controls[0].numbers[1] > 0.99 && page.controls[0].numbers[0] < -0.99")
    page.settle()
    shown.assert_equal()
    assert page.run("document.querySelectorAll('video').length") == 0
    assert not page.run("Boolean(page.controls[0].camera.stream)")
    page.click("button[title^='show the model what the camera']")
    page.wait("page.controls[0].camera.stream && page.controls[0].camera.button.textContent === 'Stop'")
    page.wait("page.results.given[page.content.inputs[0].name].data[1] !== -1")
    page.click("button[title^='show the model what the camera']")
    assert not page.run("Boolean(page.controls[0].camera.stream)")
    page.settle()


# ---------------------------------------------------------------------- layers and graph


def test_the_value_under_the_pointer_and_the_cursor_is_told(opened):
    shown = opened("digits")
    page = shown.page
    expected = page.layer(0)
    left, top, *_ = page.middle("[data-layer^=conv2d] .values canvas")
    page.mouse("mouseMoved", left + 1.5, top + 1.5)
    page.rest()
    told = page.run("document.querySelector('.bubble').innerText").split("\n")
    assert told[1] == "channel 0, row 0, column 0"
    assert float(told[0]) == pytest.approx(float(expected[0, 0, 0]), rel=1e-3, abs=1e-6)
    page.mouse("mouseMoved", 5, 5)
    page.press("l")
    for _ in range(10):
        page.press("ArrowRight")
    assert page.run("document.querySelector('.bubble b + span').textContent") == "channel 1, row 0, column 1"


def test_the_graph_shows_values_of_now(opened):
    shown = opened("digits")
    page = shown.page
    page.press("2")
    page.run("window.v = eagerflowViewer.viewer; 1")
    assert "digits" in page.run("[...v.scene.frames.values()].map(frame => frame.title)")
    assert "reshape" in page.boxes()
    op = page.run("v.model.ops.find(op => op.name === 'reshape').id")
    page.run(f"eagerflowViewer.select({op})")
    page.wait("Boolean(document.querySelector('.panel .live-values canvas'))")
    assert "1×128" in page.run("document.querySelector('.panel .card').textContent")
    inner = page.run("v.model.ops.find(op => !page.content.layers.some(l => op.outputs.includes(l.tensor))).id")
    page.run(f"eagerflowViewer.select({inner})")
    page.wait("Boolean(document.querySelector('.panel .live-values canvas'))")
    before = page.run("document.querySelector('.panel .numbers').textContent")
    page.run("page.stepSample(1)")
    page.settle()
    page.wait("Boolean(document.querySelector('.panel .numbers'))")
    assert page.run("document.querySelector('.panel .numbers').textContent") != before
    page.press("1")
    page.click(".layer:nth-child(2) .name")
    assert page.run("page.tab") == "graph"
    assert page.run("v.index.blocks.get(v.state.selected.key).scope.id === page.content.layers[1].scope")
    page.wait("Boolean(document.querySelector('.panel .live-values canvas'))")
    page.run("v.select({kind: 'scope', key: [...v.index.blocks.values()].find(b => b.title === 'digits').key})")
    page.wait("Boolean(document.querySelector('.panel .live-values canvas'))")


def test_keys_are_listed_and_the_theme_changes_by_one(opened):
    page = opened("mlp").page
    page.press("?")
    assert "light or dark" in page.run("document.querySelector('.help').textContent")
    page.press("Escape")
    page.press("t")
    assert page.run("document.documentElement.dataset.theme") == "dark"
    page.press("t")


def test_several_inputs_have_a_control_each(opened):
    shown = opened("several")
    page = shown.page
    page.drag("canvas.pad", *SEVEN)
    page.drag(".slider:nth-child(3) input[type=range]", (0.2, 0.5), (0.8, 0.5))
    given = page.inputs()
    expected = shown.example.model(given, training=False)
    for found, wanted in zip(page.outputs(), expected, strict=True):
        np.testing.assert_allclose(found, np.asarray(wanted)[0], rtol=0, atol=1e-5 * np.abs(wanted).max())
    assert page.texts(".answers h3") == ["pair", "one"]


# ---------------------------------------------------------------------- served


def test_a_folder_runs_from_a_server_with_its_headers_in_several_threads(chromium, tmp_path):
    example = EXAMPLES["digits"]()
    example.model.export(tmp_path, format="web", **example.options)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self):
            for name, value in document.HEADERS.items():
                self.send_header(name, value)
            super().end_headers()

        def log_message(self, *words):
            pass

    Handler.extensions_map = {**Handler.extensions_map, ".mjs": "text/javascript", ".wasm": "application/wasm"}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    chromium.online(True)
    try:
        chromium.begin(address)
        assert chromium.run("crossOriginIsolated")
        assert all(url.startswith(address) for url in chromium.requests)
        assert chromium.run("document.querySelector('.badge').textContent").startswith("✓ equal to Python")
        Shown(chromium, example).assert_equal()
        assert chromium.wrong == []
    finally:
        chromium.online(False)
        server.shutdown()
        server.server_close()
