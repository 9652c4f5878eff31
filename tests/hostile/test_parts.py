"""The readers of pickles and of `.npy` headers by themselves, without the file around."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest

from eagerflow.base.npy import read_header
from eagerflow.datasets.objects import FormatError, build, lists_of_ints
from tests.hostile.data_sets import pickles
from tests.hostile.good import batch, rows
from tests.hostile.traces import npy_files

NPY = dict(npy_files())


@pytest.mark.parametrize(("name", "stream"), [*pickles()], ids=[name for name, _ in pickles()])
def test_pickles_that_are_no_arrays_are_refused(name, stream):
    with pytest.raises(FormatError) as caught:
        lists_of_ints(build(stream), limit=len(stream))
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("protocol", [3, 4])
def test_pickles_that_are_arrays_are_read(protocol):
    content = {b"a": np.arange(6.0).reshape(2, 3), b"b": np.zeros(2, "u1"), b"c": [b"same"] * 3}
    found = build(pickle.dumps(content, protocol), encoding="bytes")
    np.testing.assert_array_equal(found[b"a"], content[b"a"])
    assert found[b"c"] == content[b"c"]
    assert lists_of_ints(build(pickle.dumps(rows([1], [2, 3]), protocol)), 9).tolist() == [[1], [2, 3]]
    assert build(batch(np.random.RandomState(0)), encoding="bytes")[b"labels"] == [1, 2]


@pytest.mark.parametrize("name", [n for n in NPY if n not in ("npy_objects", "npy_text", "npy_dates", "npy_huge")])
def test_headers_that_lie_are_refused(name):
    with pytest.raises(ValueError, match=r"header|elements"):
        read_header(NPY[name])


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3)),
        np.asfortranarray(np.zeros((2, 3), ">i2")),
        np.float16(1),
        np.zeros((0, 5), bool),
        np.ones(3, "c16"),
    ],
    ids=lambda a: f"{a.dtype}{a.shape}",
)
def test_headers_are_read_as_numpy_reads_them(array, version):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asanyarray(array), version)
    stream.seek(8)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_column, dtype = read(stream)
    assert read_header(stream.getvalue()) == (dtype, shape, by_column, stream.tell())
