"""What users hand to `fit` becomes batches of tensors."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.data import PyDataset, pack_x_y_sample_weight, to_categorical, unpack_x_y_sample_weight
from eagerflow.data.feed import ArrayFeed, feed_for
from eagerflow.utils import normalize, set_random_seed


def batches(feed):
    return list(feed.epoch())


def test_slices_share_the_memory_of_the_array():
    x = np.arange(6, dtype="float32").reshape(3, 2)
    (first, _) = batches(feed_for(x, batch_size=2))
    assert np.shares_memory(first.data, x)
    assert first.shape == (2, 2)


def test_structures_and_types():
    feed = feed_for(np.zeros((2, 1)), np.zeros(2, "int64"))
    ((x, y),) = batches(feed)
    assert (x.dtype, y.dtype) == ("float32", "int64")
    feed = feed_for({"a": np.zeros((3, 1)), "b": np.zeros((3, 2))}, [np.zeros(3), np.ones(3)])
    ((x, y),) = batches(feed)
    assert x["b"].shape == (3, 2)
    assert y[1].tolist() == [1, 1, 1]
    ((x, y),) = batches(feed_for([[1.0, 2.0], [3.0, 4.0]], [0, 1]))
    assert x.shape == (2, 2)
    assert y.shape == (2,)


def test_tables_of_pandas():
    # As in Keras: `dict(table)` gives a model (n, 1) for each column.
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    ((x, _y),) = batches(feed_for(dict(table), table["b"]))
    assert {name: part.shape for name, part in x.items()} == {"a": (2, 1), "b": (2, 1)}
    assert feed_for({"a": table["a"].to_numpy()}).parts["a"].shape == (2,)  # an array stays as it is
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.5, 2.0], "b": [True, False], "c": [1, 2]})
    (x,) = batches(feed_for(table))
    assert x.tolist() == [[1.5, 1.0, 1.0], [2.0, 0.0, 2.0]]
    with pytest.raises(TypeError, match="expected numbers"):
        feed_for(table.assign(d=["a", None]))
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": [0, 1]})
    ((x, y),) = batches(feed_for(table[["a", "b"]], table["y"]))
    assert x.tolist() == [[1.0, 3.0], [2.0, 4.0]]
    assert y.tolist() == [0, 1]
    ((column, _),) = batches(feed_for(table["a"], table["y"]))
    assert column.shape == (2, 1)


def test_shuffling_keeps_rows_together_and_follows_the_seed(device):
    x = np.arange(20, dtype="float32")[:, None]
    orders = []
    for _ in range(2):
        set_random_seed(1)
        feed = feed_for(x, x[:, 0] * 2, batch_size=8, shuffle=True)
        found = [(a.numpy()[:, 0], b.numpy()) for a, b in batches(feed)]
        assert all((b == a * 2).all() for a, b in found)
        orders.append(np.concatenate([a for a, _ in found]).tolist())
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == x[:, 0].tolist()
    assert orders[0] != x[:, 0].tolist()


def test_shuffling_whole_batches():
    feed = ArrayFeed(np.arange(10), batch_size=4, shuffle="batch")
    found = [b.tolist() for b in batches(feed)]
    assert sorted(found[:2]) == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert found[2] == [8, 9]


def test_class_weights_become_sample_weights_and_others_count_once(device):
    feed = feed_for(np.zeros((3, 1)), np.array([0, 1, 1]), np.array([1.0, 1.0, 2.0]), class_weight={0: 1.0, 1: 5.0})
    ((_, _, weights),) = batches(feed)
    assert weights.tolist() == [1.0, 5.0, 10.0]
    one_hot = feed_for(np.zeros((2, 1)), np.eye(2), class_weight={0: 1.0, 1: 3.0})
    assert batches(one_hot)[0][2].tolist() == [1.0, 3.0]
    feed = feed_for(np.zeros((3, 1)), np.array([0, 2, 1]), class_weight={0: 4.0})
    _, _, weights = next(iter(feed.epoch()))
    assert weights.tolist() == [4.0, 1.0, 1.0]


def test_batches_by_number():
    class Numbers(PyDataset):
        ended = 0

        def __len__(self):
            return 4

        def __getitem__(self, index):
            return np.full((2, 1), index), np.full(2, index)

        def on_epoch_end(self):
            self.ended += 1

    for workers in (1, 3):
        feed = feed_for(Numbers(workers=workers), shuffle=False)
        assert feed.steps == 4
        assert [y.tolist()[0] for _, y in batches(feed)] == [0, 1, 2, 3]
    shuffled = feed_for(Numbers(), shuffle=True)
    assert sorted(y.tolist()[0] for _, y in batches(shuffled)) == [0, 1, 2, 3]


def test_a_generator_that_runs_out_warns():
    feed = feed_for((np.full((1, 1), i) for i in range(2)), steps=3)
    with pytest.warns(UserWarning, match="ran out after 2 of 3"):
        assert len(batches(feed)) == 2


class Unsized:
    """Three batches, which nobody knows before."""

    def __iter__(self):
        return iter([np.full((1, 1), float(i)) for i in range(3)])


class ByNumber(ef.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return np.full((1, 1), float(i))


@pytest.mark.parametrize(
    "data", [lambda: ef.data.Dataset.range(3).batch(1), Unsized, ByNumber, lambda: np.arange(3.0)[:, None]]
)
def test_an_epoch_ends_with_its_data(data):
    """Whatever number of steps is asked for; Keras warns, too."""
    size = {"batch_size": 1} if isinstance(data(), np.ndarray) else {}

    def two_epochs():
        feed = feed_for(data(), **size, steps=5, goes_on=True)
        return [[b.item() for b in feed.epoch()] for _ in range(2)]

    with pytest.warns(UserWarning, match="5 steps were asked for, and the data have 3 batches"):
        assert two_epochs() == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize("data", [lambda: ef.data.Dataset.range(3).batch(1), Unsized, ByNumber])
def test_epochs_of_fewer_steps_come_to_all_data(data):
    feed = feed_for(data(), steps=2, goes_on=True)
    assert [[b.item() for b in feed.epoch()] for _ in range(3)] == [[0, 1], [2, 0], [1, 2]]


def test_parts_of_a_shuffled_order_by_number_make_up_the_whole():
    set_random_seed(1)
    feed = feed_for(ByNumber(), steps=1, shuffle=True, goes_on=True)
    seen = [next(b.item() for b in feed.epoch()) for _ in range(12)]
    assert [sorted(seen[i : i + 3]) for i in (0, 3, 6, 9)] == [[0, 1, 2]] * 4
    assert len({tuple(seen[i : i + 3]) for i in (0, 3, 6, 9)}) > 1


def test_batches_of_arrays_of_others():
    class Loader:
        def __iter__(self):
            return iter([[np.zeros((2, 1)), np.ones(2)]])

        def __len__(self):
            return 1

    feed = feed_for(Loader())
    ((x, y),) = batches(feed)
    assert feed.steps == 1
    assert (x.shape, y.tolist()) == ((2, 1), [1.0, 1.0])


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: feed_for(np.zeros((3, 1)), np.zeros(2)), ValueError, "x has 3, y has 2"),
        (lambda: feed_for(np.zeros((0, 1)), np.zeros(0)), ValueError, "empty"),
        (lambda: feed_for([]), ValueError, "empty"),
        (lambda: feed_for(np.zeros((3, 1)), None, np.zeros(2)), ValueError, "sample_weight has 2"),
        (lambda: feed_for(np.zeros(2), np.array(["a", "b"])), TypeError, r"names, y = numpy\.unique\(y"),
        (lambda: feed_for(np.zeros(2), ["1.5", "2"]), TypeError, r"numpy\.asarray\(y, 'float32'\) reads them"),
        (lambda: feed_for(np.array([{}, {}])), TypeError, "Encode text"),
        (lambda: feed_for(np.float32(3)), ValueError, "counts samples"),
        (lambda: feed_for(None), TypeError, "expected arrays"),
        (lambda: feed_for("data"), TypeError, "expected arrays"),
        (lambda: feed_for(3), TypeError, "expected arrays"),
        (lambda: feed_for(ef.data.Dataset.range(2), np.zeros(2)), ValueError, "leave y out"),
        (lambda: feed_for(ef.data.Dataset.range(2), batch_size=2), ValueError, "leave batch_size out"),
        (lambda: feed_for(np.zeros((2, 1)), np.array([0, 1]), class_weight=[1.0]), TypeError, "expected a dict"),
        (lambda: feed_for(np.zeros((2, 1)), class_weight={0: 1.0}), ValueError, "needs y"),
        (lambda: feed_for(np.zeros((2, 1)), np.zeros(2), class_weight={0: -1.0}), ValueError, "negative"),
        (lambda: batches(feed_for(iter([(1, 2, 3, 4)]))), ValueError, "tuple of 4 parts"),
        (lambda: feed_for([[1.0], [1.0, 2.0]]), ValueError, "unequal lengths"),
        (lambda: feed_for(type("Sized", (), {"__len__": lambda self: 3})()), TypeError, "got Sized"),
    ],
)
def test_mistakes_have_clear_errors(make, error, words):
    with pytest.raises(error, match=words) as caught:
        make()
    assert len(str(caught.value)) <= 500


def test_packing_and_unpacking():
    assert unpack_x_y_sample_weight(pack_x_y_sample_weight(1, 2, 3)) == (1, 2, 3)
    assert unpack_x_y_sample_weight(pack_x_y_sample_weight([1])) == ([1], None, None)


def test_one_hot_and_normalized_rows():
    assert to_categorical([[1], [0]]).tolist() == [[0, 1], [1, 0]]
    assert isinstance(to_categorical(ef.Tensor([1])), ef.Tensor)
    with pytest.raises(ValueError, match="from 0 to 1"):
        to_categorical([2], num_classes=2)
    with pytest.raises(ValueError, match="whole"):
        to_categorical([0.5])
    np.testing.assert_allclose(normalize([[3.0, 4.0], [0.0, 0.0]]), [[0.6, 0.8], [0.0, 0.0]])


def test_what_goes_on_is_shuffled_anew_only_after_all_was_seen():
    set_random_seed(0)
    feed = ArrayFeed(np.arange(8), batch_size=2, steps=2, shuffle=True, goes_on=True)
    seen = [np.concatenate([b.numpy() for b in feed.epoch()]) for _ in range(4)]
    assert sorted(np.concatenate(seen[:2])) == sorted(np.concatenate(seen[2:])) == list(range(8))
    assert not np.array_equal(np.concatenate(seen[:2]), np.concatenate(seen[2:]))
    cut_off = ArrayFeed(np.arange(8), batch_size=2, steps=2, goes_on=True)
    next(cut_off.epoch())
    assert next(cut_off.epoch()).tolist() == [2, 3]


@pytest.mark.parametrize("used", [1, 2])
def test_a_pass_goes_on_from_a_saved_position(used):
    def feed():
        return feed_for(ef.data.Dataset.range(8).shuffle(8).batch(2))

    set_random_seed(0)
    first = feed()
    running = first.epoch()
    for _ in range(used):
        next(running)
    position = first.position()
    rest = [batch.tolist() for batch in running]
    again = feed()
    again.go_to(position, used)
    assert [batch.tolist() for batch in again.epoch()] == rest
    assert len(rest) == 4 - used


def test_a_table_of_words_is_led_to_get_dummies():
    class Table(np.ndarray):
        columns, dtypes = ("color",), (np.dtype(object),)

    with pytest.raises(TypeError, match=r"pandas\.get_dummies\(y, dtype='float32'\)"):
        feed_for(np.zeros((2, 1)), np.array([["red"], ["blue"]], object).view(Table))


def test_class_weights_of_sequences_are_those_of_each_step():
    y = np.eye(3)[[[0, 1], [2, 0]]]
    ((_, _, weights),) = batches(feed_for(np.zeros((2, 2, 1)), y, class_weight={0: 4.0, 1: 5.0, 2: 6.0}))
    assert weights.tolist() == [[4.0, 5.0], [6.0, 4.0]]


def test_batches_have_32_samples_unless_told():
    assert [len(batch) for batch in batches(feed_for(np.zeros((70, 1))))] == [32, 32, 6]
