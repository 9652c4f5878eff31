"""Taking from places: by numbers, slices, and tensors that are computed themselves."""

from __future__ import annotations

import numpy as np
import pytest

from eagerflow import InputSpec, ops
from eagerflow.onnx import ExportError, export
from tests.onnx.test_export import session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TAKEN = {
    "two axes": lambda x, i: x[i, i + 1],
    "two axes of three, then all": lambda x, i: x[i[:, None], i],
    "inner axes": lambda x, i: x[:, i, i],
    "axes apart": lambda x, i: x[i, :, i],
    "one axis": lambda x, i: x[:, i],
    "behind a slice": lambda x, i: x[1:3, i, i],
    "for each example": lambda x, i: x[:3][ops.arange(3), i[:3]],
    "a number and a tensor": lambda x, i: x[0, i],
    "a list and a tensor": lambda x, i: x[[0, 1, 2, 3], i],
    "negative ones": lambda x, i: x[i - 2, -i - 1],
    "two lists": lambda x, i: x[[0, 2], [1, 3]] + i[0],
    "along an axis": lambda x, i: ops.take_along_axis(x, ops.tile(i[None, :, None], (4, 1, 4)), axis=1),
    "a single place": lambda x, i: x[i[0]],
    "dots": lambda x, i: x[..., i],
    "bits of all": lambda x, i: x[1, ..., ::2] + x[:, None, 0].sum() + i[0],
}


@pytest.mark.parametrize("name", TAKEN)
def test_places(name, tmp_path):
    function = TAKEN[name]
    specs = [(4, 4, 4), np.zeros(4, "int32")]
    run = session(export(lambda given: function(*given), tmp_path / "m.onnx", specs))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x, i = rng.normal(size=(4, 4, 4)).astype("float32"), rng.integers(0, 2, 4).astype("int32")
        (found,) = run.run(None, {"input_0": x, "input_1": i})
        wanted = function(*ops.convert_to_tensor(x)[None], ops.convert_to_tensor(i)).numpy()
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_places_of_each_example_of_an_open_batch(tmp_path):
    def taken(given):
        x, place = given
        return x[ops.arange(ops.shape(x)[0]), place]

    specs = [InputSpec(shape=(None, 5, 3)), InputSpec("int32", (None,))]
    run = session(export(taken, tmp_path / "m.onnx", specs))
    for batch in (1, 6):
        x, place = np.random.default_rng(0).normal(size=(batch, 5, 3)).astype("float32"), np.arange(batch) % 5
        (found,) = run.run(None, {"input_0": x, "input_1": place.astype("int32")})
        np.testing.assert_array_equal(found, x[np.arange(batch), place])


@pytest.mark.parametrize("name", ["bools", "known bools", "where it isn't 0", "written at places"])
def test_what_depends_on_values_or_writes_is_refused(name, tmp_path):
    functions = {
        "bools": lambda x: x[x > 0],
        "known bools": lambda x: x[:, [True, False]],
        "where it isn't 0": lambda x: ops.nonzero(x)[0],
        "written at places": lambda x: ops.slice_update(x, [0, 0], ops.zeros((1, 1))),
    }
    with pytest.raises(ExportError, match=r"^op "):
        export(functions[name], tmp_path / "m.onnx", [(None, 2)])
