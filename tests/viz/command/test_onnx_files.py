"""Commands on models in files: they run once, on inputs that are made up."""

from __future__ import annotations

import json

import pytest

from eagerflow import Input, Model, layers as L
from viz.cli import main


@pytest.fixture
def path(tmp_path):
    """Words of any number, as the names of lengths in the file."""
    words = Input((None,), dtype="int32", name="words")
    found = L.Dense(2, name="head")(L.GlobalAveragePooling1D(name="mean")(L.Embedding(9, 4, name="look")(words)))
    Model(words, found, name="net").export(tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


def test_a_page_of_a_model(path, capsys):
    assert main(["html", str(path), "--sizes", "batch=3,words_1=7"]) == 0
    assert f"wrote {path.with_suffix('.trace.html')}" in capsys.readouterr().out
    assert not path.with_suffix(".html").exists()  # the name of a page that runs the model
    page = path.with_suffix(".trace.html").read_text(encoding="utf-8")
    assert "look" in page
    assert "net" in page


def test_a_summary_of_a_model(path, capsys):
    assert main(["summary", str(path), "--sizes", "words:1=7,words:0=3"]) == 0
    printed = capsys.readouterr().out
    assert "net (OnnxModel)" in printed
    assert "3×7×4" in printed
    assert "head" in printed


@pytest.mark.parametrize("command", ["show", "top", "memory", "summary"])
def test_other_commands_take_it_too(command, path, capsys):
    assert main([command, str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("sizes", ["7", "a=b", "=3", "a=-1", ""])
def test_what_is_no_list_of_lengths_is_refused(sizes, path, capsys):
    with pytest.raises(SystemExit):
        main(["summary", str(path), "--sizes", sizes])
    assert "batch=4,time=20" in capsys.readouterr().err


def test_damaged_files_and_lengths_of_recordings_are_errors(tmp_path, capsys):
    (tmp_path / "a.onnx").write_bytes(b"no model")
    assert main(["html", str(tmp_path / "a.onnx")]) == 2
    assert "no ONNX file" in capsys.readouterr().err
    assert main(["html", str(tmp_path / "a.efz"), "--sizes", "a=3"]) == 2
    assert "--sizes goes with files of models" in capsys.readouterr().err


@pytest.fixture
def built():
    words, picture = Input((None,), dtype="int32", name="words"), Input((8, 8, 1), name="picture")
    found = [L.GlobalAveragePooling1D()(L.Embedding(9, 4, name="look")(words)), L.Flatten()(picture)]
    return Model({"words": words, "picture": picture}, L.Dense(2, name="head")(L.Concatenate()(found)), name="net")


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_whole_models_of_keras_are_taken_too(ending, built, tmp_path, capsys):
    path = tmp_path / f"net.{ending}"
    built.save(path)
    assert main(["html", str(path)]) == 0
    assert "look" in path.with_suffix(".trace.html").read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["summary", str(path), "--sizes", "batch=3,words:1=7"]) == 0
    printed = capsys.readouterr().out
    assert "3×7×4" in printed
    assert "head" in printed
    assert main(["summary", str(path), "--sizes", "time=7"]) == 2
    assert "['batch'," in capsys.readouterr().err


@pytest.mark.parametrize("name", ["net.weights.h5", "net.safetensors"])
def test_files_of_weights_are_told_to_lack_a_model(name, built, tmp_path, capsys):
    built.save_weights(tmp_path / name)
    assert main(["summary", str(tmp_path / name)]) == 2
    assert "but no model: make the model yourself, then model.load_weights(" in capsys.readouterr().err
