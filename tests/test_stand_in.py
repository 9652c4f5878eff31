"""The stand-in is as strict as CuPy, and where CuPy lets something slip through, stricter."""

from __future__ import annotations

import copy
import operator
import pickle

import numpy as np
import pytest

from tests.stand_in import copies, signatures

HOST = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def cupy(cupy_stand_in):
    return cupy_stand_in


@pytest.fixture
def array(cupy):
    return cupy.asarray(HOST)


def same(device_array, host):
    """Equal in values, shape and dtype."""
    got = device_array.get()
    np.testing.assert_array_equal(got, host)
    return got.dtype == np.asarray(host).dtype and got.shape == np.shape(host)


# -- mixing


ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.matmul, operator.lt]


@pytest.mark.parametrize("operate", [*ARITHMETIC, operator.eq, operator.iadd, operator.imul])
def test_arithmetic_refuses_host_arrays_on_either_side(array, operate):
    with pytest.raises(TypeError):
        operate(array, HOST)
    with pytest.raises(TypeError):
        operate(HOST.copy(), array)


@pytest.mark.parametrize("operate", ARITHMETIC)
def test_arithmetic_refuses_lists(array, operate):
    with pytest.raises(TypeError):
        operate(array, [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "call",
    [
        np.asarray,
        np.array,
        np.sum,
        np.exp,
        np.copy,
        np.isnan,
        np.linalg.norm,
        lambda x: np.add(x, x),
        lambda x: np.stack([x]),
    ],
)
def test_numpy_refuses_device_arrays(array, call):
    with pytest.raises(TypeError):
        call(array)


@pytest.mark.parametrize(
    "call",
    [
        lambda cp, host: cp.exp(host),
        lambda cp, host: cp.maximum(cp.zeros(3), host),
        lambda cp, host: cp.sum(host),
        lambda cp, host: cp.concatenate([cp.zeros((2, 3)), host]),
        lambda cp, host: cp.where(host > 0, 1.0, 0.0),
        lambda cp, host: cp.dot(cp.zeros((2, 2)), host),
        lambda cp, host: cp.linalg.norm(host),
        lambda cp, host: cp.fft.rfft(host),
        lambda cp, host: cp.einsum("ij->j", host),
        lambda cp, host: cp.copyto(cp.zeros((2, 3)), host),
        lambda cp, host: cp.full((2, 3), host),
        lambda cp, host: cp.add(cp.zeros((2, 3)), 1.0, out=host),
    ],
)
def test_functions_refuse_host_arrays(cupy, call):
    with pytest.raises(TypeError):
        call(cupy, HOST.copy())


def test_functions_that_want_an_array_refuse_lists_and_numbers(cupy):
    for wrong in ([1.0, 2.0], 3.0):
        with pytest.raises(TypeError, match="device array"):
            cupy.sum(wrong)
    with pytest.raises(TypeError, match="Unsupported type"):
        cupy.exp([1.0])


def test_indexing_and_assignment_refuse_host_arrays(array):
    with pytest.raises(TypeError):
        array[np.array([0, 1])]
    with pytest.raises(TypeError):
        array[HOST > 2]
    with pytest.raises(TypeError):
        array[:] = HOST
    with pytest.raises(TypeError):
        array[np.array([0])] = 1.0


def test_device_numbers_are_no_python_integers(cupy):
    number = cupy.arange(3)[2]
    for use in (operator.index, range, lambda n: [0, 1, 2][n], lambda n: np.zeros(3)[n]):
        with pytest.raises((TypeError, IndexError)):
            use(number)
    for use in (cupy.zeros, lambda n: cupy.zeros((n, 2)), lambda n: cupy.zeros(6).reshape(n, 3)):
        with pytest.raises(TypeError):
            use(number)
    with pytest.raises(TypeError):
        cupy.arange(6)[:number]
    with pytest.raises(TypeError):
        cupy.roll(cupy.arange(6), number)


# -- what CuPy lacks


@pytest.mark.parametrize(
    "name", ["vecdot", "matvec", "errstate", "nanquantile", "geomspace", "object_", "nditer", "block"]
)
def test_names_that_cupy_lacks_are_missing(cupy, name):
    assert hasattr(np, name) or name == "matvec"
    with pytest.raises(AttributeError, match=name):
        getattr(cupy, name)


@pytest.mark.parametrize(
    "call",
    [
        lambda cp, x: cp.sum(x, initial=0.0),
        lambda cp, x: cp.max(x, where=x > 0),
        lambda cp, x: x.sum(where=x > 0),
        lambda cp, x: x.max(initial=0.0),
        lambda cp, x: cp.add(x, x, where=x > 0),
        lambda cp, x: cp.take(x, cp.array([0]), mode="clip"),
        lambda cp, x: cp.sort(x, stable=True),
        lambda cp, x: x.astype("float32", casting="safe"),
        lambda cp, x: x.item(0),
        lambda cp, x: cp.full((2,), 1.0, device="cpu"),
        lambda cp, x: cp.linalg.svd(x, hermitian=True),
    ],
)
def test_arguments_that_cupy_lacks_are_refused(cupy, array, call):
    with pytest.raises(TypeError):
        call(cupy, array)


def test_ufunc_methods_exist_only_where_cupy_has_them(cupy, array):
    assert same(cupy.add.reduce(array), HOST.sum(0))
    with pytest.raises(NotImplementedError, match=r"maximum\.reduce"):
        cupy.maximum.reduce(array)
    with pytest.raises(NotImplementedError, match=r"multiply\.at"):
        cupy.multiply.at(array, 0, 2.0)
    cupy.add.at(array, cupy.array([0, 0]), 1.0)
    assert same(array, HOST + np.array([[2.0], [0.0]]))


@pytest.mark.parametrize(
    "host", [np.array(["a"]), np.array([{}], dtype=object), np.array(["2026-01-01"], dtype="M8[D]")]
)
def test_text_objects_and_dates_are_refused(cupy, host):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cupy.asarray(host)


# -- answers


def test_reductions_and_indexing_answer_with_arrays_of_no_axes(cupy, array):
    for answer in (array.sum(), array[0, 0], cupy.max(array), cupy.allclose(array, array), array.all(), cupy.exp(1.0)):
        assert type(answer) is cupy.ndarray
        assert answer.shape == ()


def test_integer_arrays_as_indices_wrap_around(cupy, array):
    assert same(array[cupy.array([0, 3, -1])], HOST[[0, 1, 1]])
    assert same(array.take(cupy.array([4]), axis=1), HOST[:, [1]])
    assert same(array[:, cupy.array([5])], HOST[:, [2]])
    with pytest.raises(IndexError):
        array[7]


def test_invalid_arithmetic_is_silent_as_on_a_gpu(cupy):
    zero = cupy.zeros(2)
    assert np.isnan((zero / zero).get()).all()
    assert np.isinf(cupy.log(zero).get()).all()
    assert np.isnan(cupy.mean(cupy.zeros((0, 2)), axis=0).get()).all()


# -- copies


def test_every_copy_between_host_and_device_is_counted(cupy):
    copies.reset()
    array = cupy.asarray(HOST)
    cupy.array([1.0, 2.0])
    array.set(HOST)
    assert (copies.to_device, copies.to_host) == (3, 0)
    total = (array * 2).sum()
    cupy.zeros(3), cupy.arange(3), cupy.full(2, 1.0)
    assert (copies.to_device, copies.to_host) == (3, 0)
    (float(total), int(total), bool(total), total.item(), array.tolist(), array.get(), cupy.asnumpy(array), repr(total))
    assert (copies.to_device, copies.to_host) == (3, 8)


def test_set_wants_a_host_array_of_the_same_form(array):
    with pytest.raises(TypeError):
        array.set([1.0])
    with pytest.raises(ValueError, match="cannot set"):
        array.set(HOST.astype("float32"))


# -- modules


def test_generators_have_cupys_methods_and_no_more(cupy):
    generator = cupy.random.default_rng(3)
    assert generator.standard_normal((2, 3), dtype="float32").dtype == np.float32
    assert generator.uniform(-1.0, 1.0, size=4).shape == (4,)
    for missing in ("normal", "permutation", "shuffle", "choice"):
        assert not hasattr(generator, missing)
    cupy.random.seed(1)
    first = cupy.random.normal(size=3)
    cupy.random.seed(1)
    assert same(first, cupy.random.normal(size=3).get())
    assert sorted(cupy.random.permutation(5).tolist()) == [0, 1, 2, 3, 4]


def test_there_is_one_device_and_it_knows_its_memory(cupy):
    import gc

    gc.collect()
    pool, before = cupy.get_default_memory_pool(), cupy.get_default_memory_pool().used_bytes()
    array = cupy.zeros(1000)
    view = array[:10]
    assert pool.used_bytes() == before + 8000
    free, total = cupy.cuda.runtime.memGetInfo()
    assert total - free == pool.used_bytes()
    assert (array.device.id, cupy.cuda.runtime.getDeviceCount()) == (0, 1)
    with cupy.cuda.Device(0):
        assert view.device.id == 0
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="InvalidDevice"), cupy.cuda.Device(1):
        pass


@pytest.mark.parametrize("name", sorted(signatures.AT))
def test_at_is_for_some_types(name, gpu):
    import cupy

    types = [
        "bool",
        "int8",
        "int16",
        "int64",
        "uint8",
        "uint16",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
    ]
    for dtype in [dtype for dtype in types if dtype not in signatures.AT[name]]:
        with pytest.raises(TypeError, match=f"cupy.{name}.at only supports"):
            getattr(cupy, name).at(cupy.zeros(3, dtype), cupy.asarray([0, 0]), cupy.ones(2, dtype))


def test_any_assignment_to_one_place_may_be_the_last(cupy):
    x = cupy.zeros(3)
    x[cupy.asarray(np.array([1, 1]))] = cupy.asarray(np.array([1.0, 2.0]))
    assert same(x, np.array([0.0, 1.0, 0.0]))


def test_extremes_at_places_are_those_of_float32_without_nan(cupy):
    x = cupy.zeros(2)
    cupy.maximum.at(x, cupy.asarray(np.array([0, 0])), cupy.asarray(np.array([1.0 + 1e-12, np.nan])))
    assert same(x, np.array([1.0, 0.0]))


def test_linear_algebra_broadcasts_no_matrices_and_raises_for_no_values(cupy):
    eye, nothing = cupy.eye(2), cupy.zeros((2, 2))
    with pytest.raises(ValueError, match="a must have"):
        cupy.linalg.solve(cupy.stack([eye, eye]), eye)
    assert not np.isfinite(cupy.linalg.inv(nothing).get()).any()
    assert np.isfinite(cupy.linalg.cholesky(-eye).get()).all()


def test_arithmetic_that_numpy_does_otherwise(cupy):
    whole = cupy.asarray(np.array([2, 1, -1]))
    assert same(whole**-1, np.array([0, 1, -1]))
    assert same(cupy.ones(1) % 0.1, np.array([0.0]))
    assert same(cupy.ones(1) // 0.1, np.array([10.0]))


def test_kernels_are_compiled_at_their_first_call_alone(cupy, monkeypatch):
    from tests.stand_in.cuda import compiler

    made = []
    monkeypatch.setattr(compiler, "_compile_module_with_cache", made.append)
    x = cupy.zeros(3)
    for _ in range(3):
        cupy.exp(x)
    assert len(made) == len(set(made)) > 0


def test_copies_are_copies_and_comparison_with_none_is_elementwise(array):
    array.get()[:] = 0
    for twin in (copy.copy(array), copy.deepcopy(array), pickle.loads(pickle.dumps(array))):
        twin += 1
    assert same(array, HOST)
    assert (array != None).all()  # noqa: E711
