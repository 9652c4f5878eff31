"""Pages of models as they are written: what is in them, what they allow, what is refused."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers as L
from tests.viz.web.models import HOSTILE, Example, mlp, several, text
from viz.web import document, exporter, vendored
from viz.web.controls import input_control, output_control, pad, value_range

ELEMENT = re.compile(r'<script type="([^"]+)" id="([^"]+)">(.*?)</script>', re.S)


def export(example, path):
    example.model.export(path, format="web", **example.options)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return export(mlp(), tmp_path_factory.mktemp("page") / "mlp.html")


def content_of(page):
    return json.loads(next(text for kind, name, text in ELEMENT.findall(page) if name == "content"))


def bytes_of(page, wanted):
    return gzip.decompress(base64.b64decode(next(text for _, name, text in ELEMENT.findall(page) if name == wanted)))


# ---------------------------------------------------------------------- the file


def test_the_page_holds_runtime_model_and_data_and_is_small(page):
    assert vendored.program() == bytes_of(page, "runtime-program")
    assert bytes_of(page, "runtime-script") == vendored.script()
    assert bytes_of(page, "model").startswith(b"\x08")
    weights = content_of(page)["model"]["bytes"]
    assert weights == 4 * (4 * 16 + 16 + 16 * 3 + 3)
    assert len(page.encode()) <= 5.6e6 + 1.4 * weights
    assert "Permission is hereby granted" in page


def test_only_the_scripts_of_the_page_may_run_and_nothing_can_be_reached(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page).group(1)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["connect-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    scripts = re.findall(r'<script(?: type="module")?>(.*?)</script>', page, re.S)
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    assert rules["script-src"].split() == [*hashes, "blob:", "'wasm-unsafe-eval'"]
    assert len(scripts) == 1


def test_labels_and_names_are_text_and_never_markup(page):
    assert HOSTILE not in page
    assert "<img" not in page
    assert content_of(page)["outputs"][0]["labels"][1] == HOSTILE
    assert content_of(page)["inputs"][0]["names"][1] == content_of(page)["title"] == HOSTILE


def test_no_path_and_no_line_of_the_program_is_in_the_page(page):
    found = content_of(page)
    assert __file__ not in page
    assert found["record"]["frames"] == []
    assert found["record"]["excerpts"] == {}


def test_the_runtime_is_the_one_whose_checksums_are_kept(monkeypatch, tmp_path):
    about = vendored.about()
    assert about["integrity"].startswith("sha512-")
    assert hashlib.sha256(vendored.program()).hexdigest() == about["sha256"]["ort-wasm-simd-threaded.wasm"]
    files = list((document.pathlib.Path(vendored.__file__).parent / "runtime").iterdir())
    assert sum(path.stat().st_size for path in files if path.name != "ThirdPartyNotices.txt") <= 2.5e6
    for path in files:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "ort.wasm.bundle.min.mjs").write_bytes(b"other")
    monkeypatch.setattr(vendored, "_FOLDER", tmp_path)
    with pytest.raises(RuntimeError, match="has been changed"):
        vendored.script()


def test_the_runtime_asks_for_no_file_of_a_debugger():
    assert b"sourceMappingURL" not in vendored.script()


def test_a_folder_holds_files_to_serve_and_the_headers_to_send(tmp_path):
    example = mlp()
    example.model.export(tmp_path / "site", format="web", **example.options)
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == [
        *[
            "_headers",
            "index.html",
            "model.onnx",
            "numbers.bin",
            "runtime-LICENSE.txt",
            "runtime-ThirdPartyNotices.txt",
        ],
        *["runtime.mjs", "runtime.wasm"],
    ]
    headers = (tmp_path / "site" / "_headers").read_text(encoding="utf-8")
    assert all(f"{name}: {value}" in headers for name, value in document.HEADERS.items())
    page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert "connect-src 'self';" in page
    assert "blob: 'wasm" not in page


def test_a_folder_with_another_page_is_left_alone(tmp_path):
    (tmp_path / "index.html").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="no page of a model"):
        mlp().model.export(tmp_path, format="web")
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
    (tmp_path / "index.html").unlink()
    for _ in range(2):  # its own page is replaced
        mlp().model.export(tmp_path, format="web")


# ---------------------------------------------------------------------- what travels along


def test_python_s_outputs_travel_along(page):
    example, found, numbers = mlp(), content_of(page), bytes_of(page, "numbers")
    expected = example.model.predict(example.options["samples"][1:2], verbose=0)[0]
    part = found["checks"][1]["outputs"][0]
    np.testing.assert_array_equal(np.frombuffer(numbers, "float32", 3, part["at"]), expected)
    assert part["largest"] == pytest.approx(float(expected.max()))
    assert len(found["checks"]) == 3
    assert [layer["name"] for layer in found["layers"]] == ["hidden", "answer"]


def test_layers_of_nested_models_are_shown_and_those_that_do_nothing_are_not(tmp_path):
    inner = ef.Sequential([L.Input((3,)), L.Dense(4, name="inside"), L.Dropout(0.5, name="nothing")], name="inner")
    x = ef.Input((3,))
    model = ef.Model(x, L.Dense(2, name="outside")(inner(x)))
    found = content_of(export(Example(model, {}), tmp_path / "m.html"))
    assert [layer["name"] for layer in found["layers"]] == ["inside", "outside"]


def test_samples_of_several_inputs_go_by_name(tmp_path):
    example = several()
    page = export(example, tmp_path / "several.html")
    found, numbers = content_of(page), bytes_of(page, "numbers")
    assert [(each["kind"], each["shape"]) for each in found["inputs"]] == [("pad", [6, 6, 1]), ("sliders", [3])]
    assert [each["labels"] for each in found["outputs"]] == [["here", "there"], None]
    for part, name in zip(found["samples"]["arrays"], ("left", "right")):
        samples = example.options["samples"][name][: found["samples"]["count"]]
        there = np.frombuffer(numbers, "float32", samples.size, part["at"])
        np.testing.assert_array_equal(there.reshape(part["shape"]), samples)
    assert [layer["name"] for layer in found["layers"]].count("shared") == 2
    with pytest.raises(ValueError, match="none for the input 'left'"):
        example.model.export(tmp_path / "m.html", format="web", samples={"right": np.ones((1, 3))})


def test_only_as_many_samples_travel_as_are_little_beside_the_weights():
    samples = [np.random.default_rng(0).random((50, 100, 100), dtype="float32")]
    assert exporter.kept(samples, 10_000) < 10
    assert exporter.kept(samples, 100_000_000) == 20
    assert exporter.kept([samples[0][:2]], 0) == 2


# ---------------------------------------------------------------------- what suits an input and an output


@pytest.mark.parametrize(
    ("shape", "dtype", "kind"),
    [
        ((28, 28, 1), "float32", "pad"),
        ((28, 28), "float32", "pad"),
        ((784,), "float32", "pad"),
        ((224, 224, 3), "float32", "image"),
        ((None, None, 3), "float32", "image"),
        ((3, 32, 32), "uint8", "image"),
        ((13,), "float32", "sliders"),
        ((None,), "int32", "numbers"),
        ((20, 8), "float32", "numbers"),
    ],
)
def test_the_input_follows_from_the_shape(shape, dtype, kind):
    assert input_control(shape, dtype, None, None, {}, "bars")["kind"] == kind


def test_open_sizes_of_images_become_those_of_samples_or_the_usual_one():
    assert input_control((None, None, 3), "float32", None, None, {}, "bars")["shape"] == [224, 224, 3]
    samples = np.zeros((2, 3, 40, 50), "uint8")
    found = input_control((3, None, None), "uint8", samples, None, {}, "bars")
    assert (found["height"], found["width"], found["shape"]) == (40, 50, [3, 40, 50])


def test_two_numbers_that_make_an_image_are_a_plane():
    assert input_control((2,), "float32", None, None, {}, "image")["kind"] == "plane"
    assert output_control((64,), np.ones(64), None, None, drawn=True)["kind"] == "image"
    assert output_control((64,), np.ones(64), None, None, drawn=False)["kind"] == "bars"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, (0, 1)), (0, 15, (0, 16)), (0, 200, (0, 255)), (-0.9, 0.8, (-1, 1)), (-123.5, 140.2, (-124, 141))],
)
def test_the_range_of_pixels_is_that_of_samples(low, high, expected):
    assert value_range(np.array([low, high], "float32")) == expected


def test_a_pad_draws_as_large_and_as_wide_as_samples_are():
    images = np.zeros((6, 28, 28, 1), "float32")
    images[:, 4:24, 13:15] = 1  # a bar of 20 by 2
    about = pad(images, input_control((28, 28, 1), "float32", images, "image", {}, "bars"))
    assert about["box"] == pytest.approx(20 / 28, abs=1e-3)
    assert about["dark"] is True
    turned = pad(1 - images, input_control((28, 28, 1), "float32", images, "image", {}, "bars"))
    assert turned["dark"] is False
    assert turned["stroke"] == about["stroke"]


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": ["one", "two"]}, "expected 3 labels"),
        ({"samples": np.ones((2, 5))}, r"expected examples of shape \(n, 4\)"),
        ({"samples": np.ones((0, 4))}, "at least one"),
        ({"features": ["a"]}, "expected 4 names"),
        ({"input": "photo"}, "expected one of 'pad'"),
        ({"input": "text"}, "TextVectorization"),
        ({"input": "pad"}, "can't be given|expected"),
        ({"output": "image"}, "is no image"),
        ({"value_range": (1, 1)}, "lowest and the highest"),
        ({"labels": {"nothing": ["a"]}}, "no output 'nothing'"),
    ],
)
def test_what_does_not_fit_is_named(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        mlp().model.export(tmp_path / "m.html", format="web", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_function_of_python_in_the_vectorization_is_refused(tmp_path):
    example = text()
    vectorizer = L.TextVectorization(vocabulary=["a"], standardize=lambda texts: texts)
    with pytest.raises(ValueError, match="Python function"):
        example.model.export(tmp_path / "m.html", format="web", text=vectorizer)
    hot = L.TextVectorization(vocabulary=["a"], split=None, output_mode="one_hot")
    with pytest.raises(ValueError, match="output_mode='one_hot'"):
        example.model.export(tmp_path / "m.html", format="web", text=hot)


def test_a_model_that_is_too_large_for_a_page_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(document, "_LARGEST_PAGE", 100)
    with pytest.raises(ValueError, match="folder of files"):
        mlp().model.export(tmp_path / "m.html", format="web")


def test_text_in_front_of_a_model_becomes_the_page_s(tmp_path):
    vectorizer = L.TextVectorization(vocabulary=["good", "bad"], output_sequence_length=4)
    model = ef.Sequential([vectorizer, L.Embedding(4, 3), L.GlobalAveragePooling1D(), L.Dense(1)])
    model(np.array(["good"]))
    found = content_of(export(Example(model, {"samples": ["good bad"]}), tmp_path / "m.html"))
    wanted = {"standardize": "lower_and_strip_punctuation", "split": "whitespace", "ngrams": None, "length": 4}
    assert found["inputs"][0].items() >= {"shape": [4], "type": "int64", "kind": "text", **wanted}.items()
    assert found["inputs"][0]["words"][2:] == ["good", "bad"]


def test_a_bag_of_words_is_made_in_the_page_too(tmp_path):
    vectorizer = L.TextVectorization(vocabulary=["good", "bad"], output_mode="multi_hot")
    model = ef.Sequential([ef.Input((1,), dtype="string"), vectorizer, L.Dense(1)])
    page = export(Example(model, {"samples": ["good bad", "other"]}), tmp_path / "m.html")
    found = content_of(page)
    assert found["inputs"][0].items() >= {"mode": "multi_hot", "length": 3, "type": "float32"}.items()
    np.testing.assert_array_equal(np.frombuffer(bytes_of(page, "numbers"), "float32", 6), [0, 1, 1, 1, 0, 0])
