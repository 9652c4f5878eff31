"""What NumPy computes under a tape has no gradient, and it is said where one is missing."""

import warnings

import numpy as np
import pytest

import eagerflow as ef

A = np.ones((4, 3), "float32")


class Foreign:
    """Multiplies by itself, with NumPy."""

    def __rmul__(self, other):
        return NotImplemented

    def times(self, other):
        return ef.Tensor(A * 2.0 @ np.asarray(other))


@pytest.mark.parametrize(
    "compute",
    [A.dot, lambda w: ef.Tensor(np.array(w * 2)), Foreign().times, lambda w: A.dot(w * 2.0)],
    ids=["dot", "array", "foreign", "dot of what was computed"],
)
def test_a_gradient_that_numpy_lost_is_told_with_the_place(compute):
    w = ef.Variable(np.ones((3, 2), "float32"))
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(ef.ops.convert_to_tensor(compute(w)))
    with pytest.warns(UserWarning, match=rf"a source has none. At {__file__}, line \d+ a tensor became"):
        assert tape.gradient(loss, w) is None


@pytest.mark.parametrize("reduce", [np.sum, np.mean, np.max, np.prod])
def test_a_reduction_of_a_list_by_numpy_is_told_at_once(reduce):
    """The rest of the loss has a gradient: nothing would be missing at the end."""
    w = ef.Variable(2.0)
    with ef.GradientTape() as tape:
        with pytest.warns(UserWarning, match="list of tensors.*no gradient flows through that"):
            penalty = reduce([w * w, w * 3.0])
        loss = w * 5.0 + penalty
    assert float(tape.gradient(loss, w)) == 5.0


class Times:
    """An object of another library, which multiplies by NumPy."""

    def __matmul__(self, other):
        return A @ np.asarray(other)


def assigned(w):
    buffer = np.zeros(3, "float32")
    buffer[:] = w
    return buffer


def added_by_pandas(w):
    return pytest.importorskip("pandas").Series(np.ones(3, "float32")) * w


LOST = {
    "dot": A.dot,
    "dot of vectors": lambda w: A[0].dot(w),
    "what was computed from dot": lambda w: (A.dot(w) * 3.0 + 1.0)[:2],
    "the sum of dot": lambda w: A.dot(w).sum(),
    "array": np.array,
    "a view of asarray": lambda w: np.asarray(w * 2.0)[1:],
    "assigned": assigned,
    "another library's operator": lambda w: Times() @ w,
    "pandas": added_by_pandas,
}


@pytest.mark.parametrize("method", ["gradient", "jacobian"])
@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_term_that_numpy_computed_is_told_though_its_source_keeps_a_gradient(lost, method):
    w = ef.Variable(np.ones(3, "float32"))
    with ef.GradientTape() as tape:
        loss = ef.ops.sum(w * w) + ef.ops.sum(w[0] * lost(w))
    with pytest.warns(UserWarning, match=r"has a part without a gradient\. At \S+, line \d+ a tensor became"):
        assert getattr(tape, method)(loss, w).shape == (3,)


def test_fit_tells_of_a_term_that_numpy_computed_in_a_layer():
    class Penalised(ef.layers.Dense):
        def call(self, x):
            return super().call(x) + np.ones((1, 3), "float32").dot(self.kernel)

    model = ef.Sequential([Penalised(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.warns(UserWarning, match=f"has a part without a gradient. At {__file__}"):
        model.fit(A, A[:, :1], verbose=0)


READ = {
    "printed": lambda w: print(np.array(w)),
    "formatted": lambda w: f"{np.asarray(w)} {w[0]:.2f} {float(w[0])}",
    "kept": lambda w: [np.array(w)],
    "explicitly": lambda w: ef.Tensor(w.numpy()),
    "drawn from": lambda w: np.random.default_rng(0).choice(2, p=np.squeeze(ef.ops.stop_gradient(w)[:2] / 2)),
    "drawn from what is tracked": lambda w: np.random.default_rng(0).multinomial(1, w[:2] / 2),
    "largest": lambda w: np.argmax(w),
    "by a metric": lambda w: ef.metrics.MeanSquaredError().update_state(A[:1], np.array(w)[None]),
    "mean of a metric": lambda w: ef.metrics.Mean()(np.asarray(w)),
    "by pandas": lambda w: pytest.importorskip("pandas").DataFrame({"w": np.asarray(w)}),
}


@pytest.mark.parametrize("read", READ.values(), ids=READ)
def test_an_array_that_is_only_read_is_left_alone(read):
    w = ef.Variable(np.ones(3, "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ef.GradientTape() as tape:
            y = w * w
            read(w)
            read(y)
            loss = ef.ops.sum((y - np.ones(3, "float32")) ** 2.0 * 2.0)  # data that comes later
        assert tape.gradient(loss, w).tolist() == [0.0] * 3


def test_a_loss_that_is_kept_after_it_was_computed_is_left_alone():
    w, history = ef.Variable(np.ones(3, "float32")), np.zeros((2, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(2):
            with ef.GradientTape() as tape:
                loss = w * A[0]
                history[step, :] = loss
            tape.gradient(loss, w)
        with ef.GradientTape() as tape:  # an array of an earlier tape is data
            loss = w * np.array(history, "float32")[0]
        tape.gradient(loss, w)


def test_an_array_of_a_weight_that_is_no_source_is_left_alone():
    """The target network of Q learning: only the other one is trained."""
    w, frozen = ef.Variable(np.ones(3, "float32")), ef.Variable(np.ones(3, "float32"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with ef.GradientTape(persistent=True) as tape:
            loss = ef.ops.sum((w - np.asarray(frozen)) ** 2) + ef.ops.sum(frozen)
        tape.gradient(loss, w)


def test_what_numpy_makes_of_a_tensor_is_used_as_any_array():
    w = ef.Variable(np.ones(3, "float32"))
    with ef.GradientTape():
        made = A.dot(w)
        assert type(A[0].dot(w)) is type(made.sum()) is np.float32
        assert repr(made) == repr(np.full(4, 3, "float32"))
        assert type(np.array(w)) is np.ndarray
        assert np.array(w).flags.writeable
        assert not np.asarray(w).flags.writeable


def test_arrays_for_other_uses_are_left_alone():
    w, unused = ef.Variable(np.ones(3, "float32")), ef.Variable(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.sum([ef.Tensor(1.0), ef.Tensor(2.0)])
        with ef.GradientTape() as tape:
            np.random.default_rng(0).normal(np.squeeze(ef.ops.softmax(w)))
            loss = ef.ops.sum(w * np.sum([1.0, 2.0])) + np.sum(w)
        assert tape.gradient(loss, w).tolist() == [4.0] * 3
        with ef.GradientTape() as tape:
            loss = ef.ops.sum(w) + w.numpy().sum()
        assert tape.gradient(loss, [w, unused])[1] is None
