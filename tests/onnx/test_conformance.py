"""ONNX' own tests of its operators, by what files that are loaded compute."""

from __future__ import annotations

import pathlib

import numpy as np
import pytest

from eagerflow.models import load_onnx
from tests.onnx import conformance

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx.version_converter")

DATA = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
GROUPS = ("pytorch-converted", "pytorch-operator", "simple")
# Models of text, of sequences, and of training: none of their nodes is known here; and what the converter does wrongly.
OTHERS = ("test_strnorm_", "test_sequence_", "test_gradient_", "test_PReLU")
FILES = sorted(path for group in GROUPS for path in (DATA / group).glob("*") if not path.name.startswith(OTHERS))


def arrays(folder, kind):
    paths = sorted(folder.glob(f"{kind}_*.pb"), key=lambda path: int(path.stem.rpartition("_")[2]))
    return [onnx.numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())) for path in paths]


def test_the_models_that_ship_with_onnx_give_its_numbers(tmp_path):
    assert len(FILES) > 110
    wrong = []
    for path in FILES:
        # Many are of opset 6.
        onnx.save(onnx.version_converter.convert_version(onnx.load(path / "model.onnx"), 13), tmp_path / "m.onnx")
        model = load_onnx(tmp_path / "m.onnx")
        for data in path.glob("test_data_set_*"):
            given = arrays(data, "input")[: len(model.input_names)]
            with np.errstate(all="ignore"):
                found = model(given if len(given) != 1 else given[0])
            for ours, theirs in zip(found if isinstance(found, list) else [found], arrays(data, "output")):
                if ours.dtype != theirs.dtype or not np.allclose(ours, theirs, rtol=1e-3, atol=1e-5, equal_nan=True):
                    wrong.append(path.name)
    assert wrong == []


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    path = tmp_path_factory.mktemp("nodes") / "model.onnx"
    return [conformance.outcome(case, path) for case in conformance.cases()]


@pytest.mark.slow
def test_all_tests_of_nodes_pass_but_for_the_listed_ones(outcomes):
    excused = {name for names in (conformance.EXCEPTIONS | conformance.REFUSED).values() for name in names.split()}
    failed = {each.name for each in outcomes if each.claimed and each.error}
    assert failed - excused == set()
    assert excused - failed == set(), "these pass now"


@pytest.mark.slow
def test_nine_in_ten_pass_of_all_tests_of_the_nodes_that_are_known(outcomes):
    """Those of types that tensors don't have here among them."""
    refused = {name for names in conformance.REFUSED.values() for name in names.split()}
    tried = [each for each in outcomes if each.known and each.name not in refused]
    assert len(tried) > 1400
    assert sum(not each.error for each in tried) >= 0.9 * len(tried)
