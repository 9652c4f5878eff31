"""Streams that capture, on the stand-in and under `make test-gpu` on CuPy: what a graph computes, what can't be one.

What the stand-in alone refuses, or does so that mistakes show, is tested at the end.
"""

from __future__ import annotations

import gc

import numpy as np
import pytest

HOST = np.arange(6, dtype="float32").reshape(2, 3)


@pytest.fixture(params=["stand-in", pytest.param("gpu", marks=pytest.mark.gpu)])
def cupy(request):
    if request.param == "stand-in":
        return request.getfixturevalue("cupy_stand_in")
    return pytest.importorskip("cupy", minversion="14", reason="CuPy is not installed")


@pytest.fixture
def stream(cupy):
    return cupy.cuda.Stream(non_blocking=True)


@pytest.fixture
def pool(cupy):
    return cupy.cuda.MemoryPool()


def captured(cupy, stream, pool, function):
    """A graph of what a function does, and what it gave meanwhile."""
    cupy.cuda.get_current_stream().synchronize()
    with stream, cupy.cuda.using_allocator(pool.malloc):
        stream.begin_capture()
        try:
            found = function()
        finally:
            graph = stream.end_capture()
    return graph, found


def test_a_launch_computes_with_what_the_memory_holds_by_then(cupy, stream, pool):
    x = cupy.asarray(HOST)
    graph, y = captured(cupy, stream, pool, lambda: cupy.exp(x * 2).sum(axis=1))
    for factor in (1, 3):
        x[...] = cupy.asarray(HOST * factor)
        graph.launch()
        np.testing.assert_allclose(y.get(), np.exp(HOST * factor * 2).sum(axis=1), rtol=1e-5)


def test_what_is_captured_has_not_happened(cupy, stream, pool):
    x = cupy.asarray(HOST)

    def step():
        x[0] += 1
        cupy.multiply(x, 2, out=x)

    graph, _ = captured(cupy, stream, pool, step)
    np.testing.assert_array_equal(x.get(), HOST)
    graph.launch()
    graph.launch()
    np.testing.assert_array_equal(x.get(), [[6, 10, 14], [12, 16, 20]])


def test_another_array_of_that_name_changes_nothing(cupy, stream, pool):
    x = before = cupy.asarray(HOST)
    graph, y = captured(cupy, stream, pool, lambda: x + 1)
    x = cupy.zeros_like(x)
    graph.launch()
    np.testing.assert_array_equal(y.get(), HOST + 1)
    assert before is not x


def test_views_are_captured(cupy, stream, pool):
    x = cupy.asarray(HOST)
    graph, y = captured(cupy, stream, pool, lambda: x.T.reshape(-1)[2:] + cupy.broadcast_to(x[0, :1], (4,)))
    x += 1
    graph.launch()
    np.testing.assert_array_equal(y.get(), (HOST + 1).T.reshape(-1)[2:] + (HOST + 1)[0, 0])


def test_a_graph_of_nothing_can_be_launched(cupy, stream, pool):
    graph, _ = captured(cupy, stream, pool, lambda: None)
    graph.upload()
    graph.launch(stream)
    stream.synchronize()


def test_graphs_are_made_by_streams_alone(cupy):
    with pytest.raises(NotImplementedError, match="must be created via stream capture"):
        cupy.cuda.Graph()


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda cp, x: x.get(), RuntimeError, "the current stream is capturing, so D2H transfers are disallowed"),
        (lambda cp, x: x.sum().item(), RuntimeError, "is capturing"),
        (lambda cp, x: float(x[0, 0]), RuntimeError, "is capturing"),
        (lambda cp, x: cp.asarray(HOST), RuntimeError, "the current stream is capturing, so H2D transfers are"),
        (lambda cp, x: x[[0, 1]], RuntimeError, "is capturing"),
        (lambda cp, x: cp.nonzero(x), RuntimeError, "is capturing"),
        (lambda cp, x: x[x > 1], RuntimeError, "is capturing"),
        (lambda cp, x: x @ x.T, NotImplementedError, "calling cuBLAS API during stream capture is currently unsupp"),
        (lambda cp, x: cp.linalg.svd(x), NotImplementedError, "calling cuSOLVER API"),
        (lambda cp, x: cp.random.random(100), NotImplementedError, "calling cuRAND API"),
    ],
)
def test_what_cant_be_captured_says_so_and_the_capture_goes_on(cupy, stream, pool, call, kind, message):
    x = cupy.asarray(HOST)

    def step():
        with pytest.raises(kind, match=message):
            call(cupy, x)
        return x + 1

    graph, y = captured(cupy, stream, pool, step)
    graph.launch()
    np.testing.assert_array_equal(y.get(), HOST + 1)


def test_waiting_loses_the_capture(cupy, stream):
    with stream:
        stream.begin_capture()
        assert stream.is_capturing()
        assert not cupy.cuda.Stream.null.is_capturing()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            stream.synchronize()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
    assert not stream.is_capturing()
    stream.synchronize()


def test_asking_whether_it_is_done_loses_the_capture(cupy, stream):
    with stream:
        stream.begin_capture()
        assert stream.done in (True, False)
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()


def test_the_legacy_stream_cant_capture(cupy):
    with pytest.raises(RuntimeError, match="cannot capture on the default"):
        cupy.cuda.Stream.null.begin_capture()


def test_the_legacy_stream_waits_for_blocking_streams(cupy):
    stream = cupy.cuda.Stream(non_blocking=False)
    with stream:
        stream.begin_capture()
        with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorStreamCaptureImplicit"):
            cupy.cuda.Stream.null.is_capturing()
        stream.end_capture().launch()


def test_an_end_without_a_beginning(cupy, stream):
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="cudaErrorIllegalState"):
        stream.end_capture()


def test_a_pool_keeps_the_memory_of_its_graph(cupy, stream, pool):
    x = cupy.asarray(HOST)
    graph, y = captured(cupy, stream, pool, lambda: (x + 1) * 2 - 3)
    assert pool.used_bytes() > 0
    others = [cupy.full((2, 3), 7, "float32") for _ in range(8)]
    graph.launch()
    np.testing.assert_array_equal(y.get(), (HOST + 1) * 2 - 3)
    assert all((other.get() == 7).all() for other in others)
    del graph, y
    gc.collect()
    assert pool.used_bytes() == 0


# -- the stand-in alone


def test_results_hold_garbage_until_a_launch(cupy_stand_in):
    cupy, stream, pool = cupy_stand_in, cupy_stand_in.cuda.Stream(non_blocking=True), cupy_stand_in.cuda.MemoryPool()
    _, y = captured(cupy, stream, pool, lambda: cupy.asarray(cupy.ones(3)) + 1)
    assert np.isnan(y.get()).all()


def test_memory_that_was_given_back_is_an_error(cupy_stand_in):
    cupy, stream, pool = cupy_stand_in, cupy_stand_in.cuda.Stream(non_blocking=True), cupy_stand_in.cuda.MemoryPool()
    x = cupy.asarray(HOST)
    graph, _ = captured(cupy, stream, pool, lambda x=x: x + 1)
    del x
    with pytest.raises(AssertionError, match=r"memory that was given back: of an array of shape \(2, 3\)"):
        graph.launch()
    with stream:
        stream.begin_capture()
        y = cupy.ones(3) + 1  # in memory of the pool that everybody uses
        graph = stream.end_capture()
    with pytest.raises(AssertionError, match=r"of shape \(3,\)"):
        graph.launch()
    del y


def test_a_pool_gives_memory_out_again(cupy_stand_in):
    cupy, pool = cupy_stand_in, cupy_stand_in.cuda.MemoryPool()
    with cupy.cuda.using_allocator(pool.malloc):
        first = cupy.ones(3)
        place = first.data.ptr
        del first
        second = cupy.zeros(3)
    assert second.data.ptr == place
    assert (pool.used_bytes(), pool.free_bytes()) == (24, 0)


def test_sorting_loses_the_capture(cupy_stand_in):
    cupy, stream = cupy_stand_in, cupy_stand_in.cuda.Stream(non_blocking=True)
    x = cupy.asarray(HOST)
    with stream:
        stream.begin_capture()
        with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            cupy.sort(x)
        with pytest.raises(RuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
