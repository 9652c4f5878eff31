"""`keras.export.ExportArchive`: functions as ONNX files."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import numpy
import pytest
from numpy.testing import assert_allclose

import eagerflow as ef
from eagerflow.export import ExportArchive

X = numpy.random.default_rng(0).normal(size=(4, 3)).astype("float32")
SPEC = ef.InputSpec(shape=(None, 3), dtype="float32")


def model() -> ef.Model:
    return ef.Sequential([ef.Input((3,)), ef.layers.Dense(2), ef.layers.Dropout(0.5)])


def ran(path: pathlib.Path, *arrays: numpy.ndarray) -> numpy.ndarray:
    session = pytest.importorskip("onnxruntime").InferenceSession(str(path))
    feeds = {x.name: array for x, array in zip(session.get_inputs(), arrays, strict=True)}
    found: numpy.ndarray = session.run(None, feeds)[0]
    return found


def test_every_function_becomes_a_file(tmp_path: pathlib.Path) -> None:
    made, archive = model(), ExportArchive()
    archive.track_and_add_endpoint("serve", made, [SPEC])
    archive.add_endpoint("sum", lambda a, b: made(a) + ef.ops.sum(b, axis=-1, keepdims=True), [SPEC, SPEC])
    archive.add_endpoint("whole", made)
    archive.write_out(tmp_path / "new" / "folder", verbose=False)
    folder = tmp_path / "new" / "folder"
    assert sorted(p.name for p in folder.iterdir()) == ["serve.onnx", "sum.onnx", "whole.onnx"]
    wanted = made.predict(X, verbose=0)
    assert_allclose(ran(folder / "serve.onnx", X), wanted, rtol=1e-5, atol=1e-6)
    assert_allclose(ran(folder / "whole.onnx", X), wanted, rtol=1e-5, atol=1e-6)
    assert_allclose(ran(folder / "sum.onnx", X, X), wanted + X.sum(1, keepdims=True), rtol=1e-5, atol=1e-5)
    assert [len(archive.variables), len(archive.trainable_variables), len(archive.non_trainable_variables)] == [3, 2, 1]


def test_one_function_may_be_one_file(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    made, archive = model(), ExportArchive()
    assert archive.add_endpoint("serve", made.call, input_signature=[SPEC], is_static=True) == made.call
    archive.write_out(tmp_path / "m.onnx")
    assert "m.onnx" in capsys.readouterr().out
    assert_allclose(ran(tmp_path / "m.onnx", X), made.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def archive_of(*names: str) -> ExportArchive:
    archive = ExportArchive()
    for name in names:
        archive.add_endpoint(name, model(), [SPEC])
    return archive


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda: ExportArchive(format="saved_model"), ValueError, "onnx2tf"),  # type: ignore[call-arg]
        (lambda: ExportArchive().write_out("x"), ValueError, "No endpoint"),
        (lambda: archive_of("a", "a"), ValueError, "taken"),
        (lambda: archive_of("../a"), ValueError, "file"),
        (lambda: archive_of("a", "b").write_out("m.onnx"), ValueError, "folder"),
        (lambda: archive_of("a").write_out("m.onnx", options=1), ValueError, "SavedModel"),
        (lambda: ExportArchive().add_endpoint("a", lambda x: x), ValueError, "input_signature"),
        (lambda: ExportArchive().add_endpoint("a", model(), signature=1), TypeError, "signature"),
        (lambda: ExportArchive().add_variable_collection("v", []), NotImplementedError, "savez"),
        (lambda: ExportArchive().track(3), TypeError, "layer"),
        (lambda: ExportArchive().track(ef.layers.Dense(2)), ValueError, "built"),
    ],
)
def test_what_makes_no_sense_is_refused(ask: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ask()


def test_the_module_shows_the_archive_alone():
    assert dir(ef.export) == ["ExportArchive"]
