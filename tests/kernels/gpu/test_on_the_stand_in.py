"""Kernels in CUDA C on the stand-in: what they may do, and what is an error there that a GPU wouldn't tell."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.core.device import kernels_take, load_cupy
from tests import stand_in
from tests.stand_in.kernels import compiler
from tests.stand_in.kernels.blas import gemm


@pytest.fixture
def cupy(cupy_with_kernels):
    return cupy_with_kernels


def kernel(cupy, body, parameters="const float* x, float* out, const int n", before=""):
    code = f'{before}\nextern "C" __global__ void tried({parameters}) {{\n{body}\n}}\n'
    return cupy.RawKernel(code, "tried", options=("--std=c++17",))


EACH = "const int i = blockIdx.x * blockDim.x + threadIdx.x; if (i >= n) return;\n"


def run(cupy, body, n=70, block=32, **settings):
    x = cupy.asarray(np.arange(n, dtype="float32"))
    out = cupy.empty_like(x)
    kernel(cupy, body, **settings)((-(-n // block),), (block,), (x, out, n))
    return out.get()


def test_a_loop_over_all_threads(cupy):
    np.testing.assert_array_equal(run(cupy, EACH + "out[i] = 2 * x[i];"), 2 * np.arange(70))


def test_threads_have_three_numbers(cupy):
    out = cupy.empty((2, 3, 4, 5), "int32")
    body = """out[((blockIdx.y * gridDim.x + blockIdx.x) * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x]
        = blockIdx.y * 1000 + blockIdx.x * 100 + threadIdx.y * 10 + threadIdx.x;"""
    kernel(cupy, body, "int* out")((3, 2), (5, 4), (out,))
    y, x, j, i = np.indices((2, 3, 4, 5))
    np.testing.assert_array_equal(out.get(), 1000 * y + 100 * x + 10 * j + i)


def test_threads_wait_at_barriers_and_share_memory(cupy):
    body = """__shared__ float a[64]; a[threadIdx.x] = x[threadIdx.x]; __syncthreads();
        out[threadIdx.x] = a[n - 1 - threadIdx.x];"""
    np.testing.assert_array_equal(run(cupy, body, n=64, block=64), np.arange(64)[::-1])


def test_a_missing_barrier_shows(cupy):
    body = """__shared__ float a[64]; a[threadIdx.x] = x[threadIdx.x]; __syncthreads();
        const float other = a[n - 1 - threadIdx.x]; a[threadIdx.x] = 0; out[threadIdx.x] = other;"""
    assert (run(cupy, body, n=64, block=64) != np.arange(64)[::-1]).any()


def test_lanes_of_a_warp_exchange_numbers(cupy):
    body = """float v = x[threadIdx.x];
        for (int k = 16; k; k /= 2) v += __shfl_xor_sync(0xffffffff, v, k);
        out[threadIdx.x] = v;"""
    np.testing.assert_array_equal(run(cupy, body, n=64, block=64), np.repeat([496, 1520], 32))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("if (threadIdx.x) __syncthreads(); else out[0] = __shfl_xor_sync(0xffffffff, x[0], 1);", "never come here"),
        ("if (threadIdx.x < 7) return; out[0] = __shfl_xor_sync(0xffffffff, x[0], 1);", "never come here"),
        ("if (threadIdx.x) __syncthreads();\nelse __syncthreads();", "never come here"),
        ("out[0] = __shfl_xor_sync(0xff, x[0], 1);", "a part of a warp"),
        ("__shared__ float a[8]; a[threadIdx.x] = 0; __syncthreads();", "line 3: index 8 is out of bounds"),
        (
            "__shared__ double a[6145]; a[threadIdx.x] = 0; __syncthreads(); out[0] = a[n];",
            "49160 bytes of shared memory",
        ),
        ("out[n] = 1;", r"tried writes behind an array of shape \(32,\) and float32"),
        ("out[-1 - (int)threadIdx.x] = 1;", "tried writes before an array"),
    ],
)
def test_what_a_gpu_does_not_tell_is_an_error(cupy, body, message):
    with pytest.raises(AssertionError, match=message):
        run(cupy, body, n=32)


def test_what_nobody_wrote_is_not_a_number(cupy):
    body = """__shared__ float a[32]; if (!n) a[threadIdx.x] = 0; __syncthreads();
        out[threadIdx.x] = threadIdx.x < 16 ? a[threadIdx.x] : out[threadIdx.x];"""
    assert np.isnan(run(cupy, body, n=32)).all()
    assert np.isnan(run(cupy, "if (threadIdx.x < 16) out[threadIdx.x] = x[n + threadIdx.x];", n=32)).all()


@pytest.mark.parametrize(
    "body",
    [
        "out[0] = NAN;",
        "out[0] = INFINITY;",
        "out[0] = std::exp(x[0]);",
        "const int32_t i = 0; out[0] = i;",
        "out[0] = y[0];",
        "#include <math.h>",
    ],
)
def test_what_nvrtc_does_not_know_is_not_compiled(cupy, body):
    with pytest.raises(RuntimeError, match=r"can't be compiled|told of none"):
        run(cupy, body)


def test_arguments_are_those_of_the_kernel(cupy):
    x, tried = cupy.ones(4, "float32"), kernel(cupy, "", "const float* x, const long long n, const float by")
    tried((1,), (1,), (x, 4, np.float32(2)))
    tried((1,), (1,), (0, np.int64(4), np.float32(2)))
    for error, arguments in (
        (TypeError, (x, 4)),
        (TypeError, (x, 4, np.float32(2), 1)),
        (TypeError, (x, 4, 2.0)),
        (TypeError, (x, 4, np.float64(2))),
        (TypeError, (x, np.int32(4), np.float32(2))),
        (TypeError, (4, x, np.float32(2))),
        (TypeError, (x.get(), 4, np.float32(2))),
        (TypeError, (x.data.ptr, 4, np.float32(2))),
        (ValueError, (cupy.ones((2, 3), "float32").T, 4, np.float32(2))),
        (ValueError, (cupy.ones(4, "float64"), 4, np.float32(2))),
    ):
        with pytest.raises(error):
            tried((1,), (1,), arguments)


def test_vectors_lie_where_they_can_be_read_at_once(cupy):
    x, tried = cupy.ones(9, "float32"), kernel(cupy, "", "const float4* x")
    tried((1,), (1,), (x,))
    with pytest.raises(ValueError, match="lies where"):
        tried((1,), (1,), (x[1:],))


@pytest.mark.parametrize(("grid", "block"), [((0,), (32,)), ((1, 70000), (32,)), ((1,), (1025,)), ((1,), (32, 33))])
def test_grids_that_a_gpu_does_not_have(cupy, grid, block):
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError):
        kernel(cupy, "")(grid, block, (0, 0, 1))


def test_launch_bounds_are_kept(cupy):
    bounded = cupy.RawKernel('#define U 8\nextern "C" __global__ void __launch_bounds__(4 * U) tried() {}', "tried")
    bounded((1,), (32,), ())
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="OutOfResources"):
        bounded((1,), (33,), ())


def test_tables_name_arrays_that_are_there(cupy):
    x, y = cupy.ones(3), cupy.zeros(3)
    table = cupy.asarray(np.array([x.data.ptr, y.data.ptr], "u8"))
    tried = kernel(cupy, "at[1][threadIdx.x] = at[0][threadIdx.x] + 1;", "double* const* at")
    tried((1,), (3,), (table,))
    np.testing.assert_array_equal(y.get(), [2, 2, 2])
    with pytest.raises(AssertionError, match="writes behind an array"):
        tried((1,), (4,), (table,))
    del x
    with pytest.raises(AssertionError, match="where no array lies any more"):
        tried((1,), (3,), (table,))


def test_elementwise_kernels_broadcast_and_write_to_outputs(cupy):
    tried = cupy.ElementwiseKernel("T x, T y", "T sum, T product", "sum = x + y; product = x * y", "tried")
    x, y = np.arange(6, dtype="float32").reshape(2, 3), np.float32([[5], [7]])
    found = tried(cupy.asarray(x), cupy.asarray(y))
    for mine, theirs in zip(found, (x + y, x * y), strict=True):
        np.testing.assert_array_equal(mine.get(), theirs)
    np.testing.assert_array_equal(tried(cupy.asarray(x), np.float32(2))[1].get(), 2 * x)
    double = cupy.ElementwiseKernel("T before", "T out", "out = before + before", "double_it")
    given = cupy.asarray(x)
    assert double(given, given) is given
    np.testing.assert_array_equal(given.get(), 2 * x)
    assert double(cupy.ones((0, 3))).shape == (0, 3)
    assert double(cupy.asarray(1.5)).get() == 3


def test_elementwise_kernels_take_one_type_and_no_python_numbers(cupy):
    tried = cupy.ElementwiseKernel("T x, T y", "T out", "out = x + y", "tried")
    x = cupy.ones(3, "float32")
    for arguments in ((x, cupy.ones(3)), (x, 2.0), (x, x.get()), (x,), (x, x, x, x)):
        with pytest.raises(TypeError):
            tried(*arguments)
    with pytest.raises(ValueError, match="wrong shape"):
        tried(x, x, cupy.ones((1, 3), "float32"))


def column_major(cupy, matrix, distance):
    """A matrix that lies column by column, with numbers in between that nobody is to read."""
    room = np.full((matrix.shape[1], distance), np.nan, matrix.dtype)
    room[:, : matrix.shape[0]] = matrix.T
    return cupy.asarray(room)


@pytest.mark.parametrize("turned", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_cublas_multiplies_what_lies_column_by_column(cupy, turned):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 4)).astype("float32"), rng.normal(size=(4, 5)).astype("float32")
    left, right = column_major(cupy, a.T if turned[0] else a, 6), column_major(cupy, b.T if turned[1] else b, 7)
    out = cupy.zeros((5, 4), "float32")
    assert gemm("f", 0, 0, turned, (3, 5, 4), (left.data.ptr, 6, 0), (right.data.ptr, 7, 0), (out.data.ptr, 4, 0), 1)
    np.testing.assert_allclose(out.get()[:, :3].T, a @ b, rtol=1e-5)
    assert (out.get()[:, 3] == 0).all()


def test_cublas_is_strict_about_distances_and_memory(cupy):
    a, b, out = cupy.ones((4, 3)), cupy.ones((5, 4)), cupy.zeros((5, 3))

    def of(sizes, distances, kind="d", at=None, count=1):
        places = [(x.data.ptr, distance, 0) for x, distance in zip((a, b, out), distances)]
        return gemm(kind, 0, 0, (0, 0), sizes, *(at or places), count)

    assert of((3, 5, 4), (3, 4, 3))
    for error, arguments in (
        (RuntimeError, ((3, 5, 4), (2, 4, 3))),
        (RuntimeError, ((3, 5, 4), (3, 3, 3))),
        (RuntimeError, ((3, 5, 4), (3, 4, 2))),
        (AssertionError, ((3, 5, 4), (3, 5, 3))),
        (AssertionError, ((3, 5, 4), (3, 4, 3), "f")),
        (RuntimeError, ((3, 5, 4), (3, 4, 3), "d", None, 2)),
        (TypeError, ((3, 5, 0), (3, 4, 3))),
    ):
        with pytest.raises(error):
            of(*arguments)


def test_graphs_record_kernels_and_products(cupy):
    stream, pool = cupy.cuda.Stream(non_blocking=True), cupy.cuda.MemoryPool()
    x = cupy.asarray(np.arange(9, dtype="float32").reshape(3, 3))
    double = kernel(cupy, EACH + "out[i] = 2 * x[i];")
    add = cupy.ElementwiseKernel("T x, T y", "T out", "out = x + y", "tried_add")

    def step():
        doubled, product = cupy.empty_like(x), cupy.empty_like(x)
        double((1,), (32,), (x[:1], doubled[:1], 3))  # of a part, beside which lies the rest
        double((1,), (32,), (x[1:], doubled[1:], 6))
        places = [(each.data.ptr, 3, 0) for each in (doubled, x, product)]
        gemm("f", 0, stream.ptr, (0, 0), (3, 3, 3), *places, 1)
        return add(product, x)

    def captured():
        with stream, cupy.cuda.using_allocator(pool.malloc):
            stream.begin_capture()
            try:
                found = step()
            finally:
                graph = stream.end_capture()
        return graph, found

    with pytest.raises(RuntimeError, match="is loaded while the stream is capturing"):
        captured()
    step()
    graph, found = captured()
    assert np.isnan(found.get()).all()
    for factor in (1, 3):
        x[...] = cupy.asarray(factor * np.arange(9, dtype="float32").reshape(3, 3))
        graph.launch()
        host = x.get().T  # column by column
        np.testing.assert_array_equal(found.get(), (2 * host @ host + host).T)


def test_kernels_take_the_arrays_of_the_cupy_that_is_there(cupy):
    assert load_cupy() is cupy
    assert kernels_take["gpu"] is cupy
    with stand_in.installed() as without:
        assert load_cupy() is without
        assert kernels_take["gpu"] is None
        compiler.launched.clear()
        x = ef.Tensor(np.ones((300, 4), "float32"), device="gpu:0")
        assert ef.ops.sum(x, axis=0).tolist() == [300] * 4
        assert not compiler.launched
    assert kernels_take["gpu"] is cupy
    assert ef.ops.sum(ef.Tensor(np.ones((300, 4), "float32"), device="gpu:0"), axis=0).tolist() == [300] * 4
    assert compiler.launched.keys() == {"sums"}
