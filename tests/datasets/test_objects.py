"""The restricted builder gives arrays and lists back, and makes nothing else, whatever a file says."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, strategies as st

from eagerflow.datasets.npz import read_arrays
from eagerflow.datasets.objects import FormatError, build, lists_of_ints
from eagerflow.datasets.source import Source
from tests.hostile.bombs import zip_bomb

MULTIARRAY = b"numpy.core.multiarray\n_reconstruct\n"


def python2_array(dtype: bytes, shape: bytes, data: bytes) -> bytes:
    """An array as Python 2 and NumPy 1 pickled it with protocol 2."""
    new = b"c" + MULTIARRAY + b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    kind = b"cnumpy\ndtype\nU" + bytes([len(dtype)]) + dtype + b"K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    state = b"(K\x01" + shape + kind + b"J\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<i", len(data)) + data + b"tb"
    return b"\x80\x02" + new + state + b"."


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="u1").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(4, dtype=">i4"),
        np.zeros((0, 3), "f4"),
        np.array([True, False]),
        np.array(7),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
def test_arrays_of_numbers(protocol, array):
    found = build(pickle.dumps({"data": array, "labels": [1, 2]}, protocol))
    assert found["labels"] == [1, 2]
    assert found["data"].dtype == array.dtype
    np.testing.assert_array_equal(found["data"], array)
    found["data"].fill(0)  # it is the caller's own


def test_arrays_that_python_2_wrote():
    np.testing.assert_array_equal(
        build(python2_array(b"u1", b"K\x02K\x03\x86", b"abcdef"), "bytes"), [[97, 98, 99], [100, 101, 102]]
    )


def test_rows_of_lists_that_python_2_wrote(tmp_path):
    """As in the official files of words: protocol 2, memo numbers, element type O8, a long in the header."""
    new = b"c" + MULTIARRAY + b"q\x01cnumpy\nndarray\nq\x02K\x00\x85q\x03U\x01bq\x04\x87q\x05Rq\x06"
    kind = b"cnumpy\ndtype\nq\x08U\x02O8q\x09K\x00K\x01\x87Rq\x0a(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    items = b"]q\x0b(]q\x0c(K\x01M\x39\x30e]q\x0d\x8a\x05\0\0\0\0\x01ae"
    body = b"\x80\x02" + new + b"(K\x01K\x02\x85q\x07" + kind + b"\x89" + items + b"tb."
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (2L,), }".ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body
    assert read_arrays(npz(tmp_path / "a.npz", x=content), ["x"])["x"].tolist() == [[1, 12345], [2**32]]


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=5), max_size=8))
def test_rows_of_lists_come_back(lists):
    row = np.empty(len(lists), object)
    row[:] = lists
    for protocol in (3, 4):
        stream = pickle.dumps(row, protocol)
        assert lists_of_ints(build(stream), len(stream)).tolist() == lists


class Evil:
    def __reduce__(self):
        return os.system, ("exit 1",)


class State:
    """Calls one of the allowed names in a way that NumPy never does."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


@pytest.mark.parametrize(
    "thing",
    [
        Evil(),
        np.float64(1.0),
        {1, 2},
        complex(1, 2),
        object(),
        np.array([Evil()], object),
        range(3),
        State(np.ndarray, ((10**12,),)),
    ],
    ids=lambda thing: type(thing).__name__,
)
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_everything_else_is_refused_before_it_runs(thing, protocol):
    with pytest.raises(FormatError):
        build(pickle.dumps(thing, protocol))


@pytest.mark.parametrize(
    ("stream", "problem"),
    [
        (b"", "too early"),
        (b"\x80\x02]q\x00", "too early"),
        (b"\x80\x02K\x01\x86.", "damaged"),
        (b"\x80\x02cos\nsystem\nU\x04exit\x85R.", "asks for os.system"),
        (b"\x80\x02c" + b"a" * 500, "80 letters"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "asks for os.system"),
        (b"\x80\x02\x82\x01.", "instruction"),
        (b"\x80\x02P1\n.", "instruction"),
        (b"\x80\x02(cnumpy\nndarray\no.", "instruction"),
        (b"\x80\x02]r\xff\xff\xff\x7f.", "more objects"),
        (b"\x80\x02X\xff\xff\xff\x7fabc.", "more data"),
        (b"\x80\x02T\xff\xff\xff\xffabc.", "more data"),
        (b"\x80\x02\x8a\xff.", "more data"),
        (b"\x80\x02]K\x01b.", "damaged"),
        (b"\x80\x02cnumpy\nndarray\n}b.", "changes a name"),
        (b"\x80\x02cnumpy\nndarray\n)R.", "unknown way"),
        (b"\x80\x02cnumpy\ndtype\n)R.", "damaged"),
        (python2_array(b"u1", b"K\x02K\x03\x86", b"abc"), "number of bytes"),
        (python2_array(b"u1", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", b"abc"), "number of bytes"),
        (python2_array(b"u1", b"J\xff\xff\xff\xff\x85", b"abc"), "no proper shape"),
        (python2_array(b"O8", b"K\x01\x85", b"\0" * 8), "number of objects"),
        (python2_array(b"V8", b"K\x01\x85", b"\0" * 8), "elements of type"),
        (python2_array(b"M8", b"K\x01\x85", b"\0" * 8), "elements of type"),
        (b"\x80\x02]" + b"]" * 2000 + b"a" * 2000 + b".", None),
    ],
)
def test_damaged_and_hostile_streams(stream, problem):
    if problem is None:
        assert type(build(stream)) is list
        return
    with pytest.raises(FormatError, match=problem):
        build(stream)


@given(st.data())
def test_flipped_bytes_give_an_array_or_a_clear_error(data):
    row = np.empty(3, object)
    row[:] = [[1, 2], [3], [70000, -5]]
    stream = bytearray(pickle.dumps(row, 4))
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):  # the clear error
        found = lists_of_ints(build(bytes(stream)), len(stream))
        assert all(type(row) is list and all(type(n) is int for n in row) for row in found)


def rows(*items):
    row = np.empty(len(items), object)
    row[:] = items
    return row


@pytest.mark.parametrize(
    "array",
    [
        rows([1], "x"),
        rows([1], [True]),
        rows([1], [1.5]),
        rows([1], [[1]]),
        rows(3, 4),
        np.ones(3),
        rows([1]).reshape(1, 1),
    ],
)
def test_only_lists_of_ints_are_lists_of_ints(array):
    with pytest.raises(FormatError):
        lists_of_ints(array, 100)


def test_one_list_referred_to_a_thousand_times_is_no_small_file():
    shared = [1] * 1000
    stream = pickle.dumps(rows(*[shared] * 1000), 4)
    with pytest.raises(FormatError, match="more numbers than the file has bytes"):
        lists_of_ints(build(stream), len(stream))


# -- archives of arrays


def npz(path, **members: bytes):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def test_archives_of_arrays(tmp_path):
    row = rows([1, 2], [3])
    np.savez_compressed(
        tmp_path / "a.npz", x=row, y=np.asfortranarray(np.arange(6.0).reshape(2, 3)), z=np.zeros((0, 2))
    )
    found = read_arrays(tmp_path / "a.npz", ("x", "y", "z"))
    assert found["x"].tolist() == [[1, 2], [3]]
    np.testing.assert_array_equal(found["y"], np.arange(6.0).reshape(2, 3))
    assert found["z"].shape == (0, 2)
    with pytest.raises(FormatError, match=r"no array 'w'; it has x.npy, y.npy, z.npy"):
        read_arrays(tmp_path / "a.npz", ["w"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no proper .npy header"),
        (b"\x93NUMPY\x09\x00", "no proper .npy header|unknown"),
        (npy(np.arange(100))[:-1], "799 bytes follow"),
        (npy(np.arange(3)).replace(b"(3,)", b"(-3,)"), "header|negative"),
        (npy(np.array(["text"])), "header says <U4"),
        (npy(np.zeros(1, "c8")), "header says complex64"),
        (npy(np.zeros(1, [("a", "i4")])), "header has no proper 'descr'"),
        (npy(np.arange(3)).replace(b"(3,), }  ", b"(9**9,), }"), "header"),
    ],
)
def test_broken_arrays(tmp_path, content, problem):
    with pytest.raises(FormatError, match=problem):
        read_arrays(npz(tmp_path / "a.npz", x=content), ["x"])


def test_an_evil_array_of_objects_does_not_run(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([Evil()], object))
    with pytest.raises(FormatError, match="system"):
        read_arrays(tmp_path / "a.npz", ["x"])


def test_cut_and_damaged_archives(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(1000))
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"not a zip", whole[:200] + bytes([whole[200] ^ 255]) + whole[201:]):
        path.write_bytes(broken)
        with pytest.raises(FormatError, match=r"no whole .npz archive"):
            read_arrays(path, ["x"])


def test_an_array_that_claims_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(zip_bomb({}, "x.npy", 400))
    with pytest.raises(ValueError, match=r"its array 'x' would take 419,430,400 bytes.*Fix: remove it"):
        Source("a.npz", "https://example.org/a.npz").read(lambda place: read_arrays(place, ["x"]), path)
