"""Every loader reads the official format, gives what Keras gives, and refuses what is broken."""

from __future__ import annotations

import gzip
import importlib
import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from eagerflow.base import config
from eagerflow.datasets import cifar10, cifar100, fashion_mnist, imdb, mnist, reuters
from tests.fixtures.cases.dataset_cases import CASES, plain

ANSWERS = json.loads((Path(__file__).parents[1] / "fixtures" / "datasets.json").read_text(encoding="utf-8"))
NAMES = ["boston_housing", "california_housing", "cifar10", "cifar100", "fashion_mnist", "imdb", "mnist", "reuters"]


def loader(name):
    return importlib.import_module(f"eagerflow.datasets.{name}")


def npz(arrays) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def put(home, name, content) -> Path:
    place = home / "datasets" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


@pytest.mark.parametrize("name", CASES)
def test_what_the_loaders_give_is_what_keras_gives(name, home):
    arrays, settings = CASES[name]
    put(home, f"{name}.npz", npz(arrays))
    for case, answer in zip(settings, ANSWERS[name], strict=True):
        found = [[plain(part) for part in split] for split in loader(name).load_data(**case)]
        assert json.loads(json.dumps(found)) == answer, case


@pytest.mark.parametrize("name", ["boston_housing", "california_housing", "reuters"])
@pytest.mark.parametrize("test_split", [1, -0.1, 1.5])
def test_a_share_of_tests_leaves_something_to_train_with(name, test_split):
    with pytest.raises(ValueError, match=r"test_split=.*at least 0 and less than 1"):
        loader(name).load_data(test_split=test_split)


# -- where the file comes from


def digits(rows=3):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (rows + 1, 28, 28), dtype=np.uint8)
    labels = np.arange(rows + 1, dtype=np.uint8)
    return {"x_train": images[:-1], "y_train": labels[:-1], "x_test": images[-1:], "y_test": labels[-1:]}


def test_the_official_file_is_downloaded_checked_and_read(served, site, home):
    served(mnist, npz(digits()))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    np.testing.assert_array_equal(x_train, digits()["x_train"])
    assert (x_train.dtype, y_train.tolist(), x_test.shape, y_test.tolist()) == (np.uint8, [0, 1, 2], (1, 28, 28), [3])
    mnist.load_data()
    assert len(site.requests) == 1
    assert (home / "datasets" / "mnist.npz").exists()


def test_a_file_of_the_users_own_is_used_if_its_format_is_right(home, tmp_path):
    put(home, "mnist.npz", npz(digits(2)))
    assert mnist.load_data()[0][0].shape == (2, 28, 28)
    (tmp_path / "mine.npz").write_bytes(npz(digits(4)))
    assert mnist.load_data(tmp_path / "mine.npz")[0][0].shape == (4, 28, 28)
    put(home, "other/mine.npz", npz(digits(1)))
    assert mnist.load_data("other/mine.npz")[0][0].shape == (1, 28, 28)


@pytest.mark.parametrize("name", NAMES)
def test_without_a_network_every_loader_says_which_file_to_put_where(name, monkeypatch, home):
    def refuse(*_, **__):
        raise OSError("no network in this test")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(ConnectionError) as caught:
        loader(name).load_data()
    message = str(caught.value)
    assert "no network in this test" in message
    assert message.count("https://") == 1
    assert str(home / "datasets") in message
    assert len(message) <= 500


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("fashion_mnist", "cifar10", "cifar100")])
def test_a_broken_file_is_named_and_stays(name, home):
    place = put(home, f"{name}.npz", b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"no whole .npz archive") as caught:
        loader(name).load_data()
    assert str(place) in str(caught.value)
    assert "Fix: remove it" in str(caught.value)
    assert place.exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"x_train": np.zeros((3, 28, 27), np.uint8)}, r"uint8\[3, 28, 27\], expected numbers \[any, 28, 28\]"),
        ({"y_train": np.zeros(4, np.uint8)}, "3 rows and 'y_train' has 4"),
        ({"y_test": np.zeros((1, 1))}, r"expected numbers \[any\]"),
    ],
)
def test_arrays_of_other_shapes_are_refused(home, change, problem):
    put(home, "mnist.npz", npz(digits() | change))
    with pytest.raises(ValueError, match=problem):
        mnist.load_data()


def test_a_folder_in_the_place_of_a_file_is_named(home):
    (home / "datasets" / "mnist.npz").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"mnist.npz is no file"):
        mnist.load_data()


# -- words


def test_reviews_must_be_lists_of_ints(home):
    arrays = CASES["imdb"][0]
    put(home, "imdb.npz", npz(arrays | {"x_test": np.arange(12)}))
    with pytest.raises(ValueError, match="'x_test' is int64, expected lists of ints"):
        imdb.load_data()
    put(home, "reuters.npz", npz({"x": np.arange(3), "y": np.arange(3)}))
    with pytest.raises(ValueError, match="expected lists of ints"):
        reuters.load_data()


def test_reviews_of_one_length_are_still_a_row_of_lists(home):
    row = np.empty(4, object)
    row[:] = [[1, 2]] * 4
    put(home, "reuters.npz", npz({"x": row, "y": np.arange(4)}))
    (x_train, _), _ = reuters.load_data()
    assert x_train.tolist() == [[1, 4, 2]] * 3


def test_a_maxlen_that_leaves_nothing_is_named(home):
    for name in ("imdb", "reuters"):
        put(home, f"{name}.npz", npz(CASES[name][0]))
        with pytest.raises(ValueError, match=r"maxlen=1\): no .* is that short"):
            loader(name).load_data(maxlen=1)


def test_older_names_of_arguments(home, keras_2):
    put(home, "imdb.npz", npz(CASES["imdb"][0]))
    assert imdb.load_data(nb_words=20)[0][0].tolist() == imdb.load_data(num_words=20)[0][0].tolist()
    with pytest.raises(TypeError, match="unexpected keyword argument 'words'"):
        imdb.load_data(words=3)


@pytest.mark.parametrize("module", [imdb, reuters])
def test_the_index_of_words(module, home, served):
    name = module._INDEX.name
    served(module, b'{"the": 1, "film": 2}', "_INDEX")
    assert module.get_word_index() == {"the": 1, "film": 2}
    for broken in (b"", b"[1]", b'{"the": "1"}', b"\xff", b"[" * 100_000):
        put(home, name, broken)
        with pytest.raises(ValueError, match="it is no JSON"):
            module.get_word_index()


def test_topics():
    names = reuters.get_label_names()
    assert len(names) == len(set(names)) == 46
    assert (names[0], names[3], names[45]) == ("cocoa", "earn", "lead")


# -- fashion


def idx(array, kind=8) -> bytes:
    head = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(head + array.tobytes())


def test_clothes(served, home):
    content = digits()
    for part, name in (("train", "train"), ("test", "t10k")):
        served(fashion_mnist, idx(content[f"x_{part}"]), "_SOURCES", f"{name}-images-idx3")
        served(fashion_mnist, idx(content[f"y_{part}"]), "_SOURCES", f"{name}-labels-idx1")
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    np.testing.assert_array_equal(x_train, content["x_train"])
    np.testing.assert_array_equal(x_test, content["x_test"])
    assert (y_train.tolist(), y_test.tolist()) == ([0, 1, 2], [3])
    place = home / "datasets" / "fashion-mnist" / "train-labels-idx1-ubyte.gz"
    place.write_bytes(idx(np.zeros(2, np.uint8)))
    with pytest.raises(ValueError, match="has 3 images and its neighbour 2 labels"):
        fashion_mnist.load_data()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no IDX file"),
        (b"<html>", "no whole gzip file"),
        (idx(np.zeros((9, 28, 28), np.uint8))[:-20], "no whole gzip file"),
        (idx(np.zeros((3, 28, 28), np.uint8), kind=13), "no IDX file"),
        (idx(np.zeros((3, 28, 27), np.uint8)), "no IDX file"),
        (gzip.compress(gzip.decompress(idx(np.zeros((3, 28, 28), np.uint8)))[:-1]), "3 rows, and 2351 bytes"),
    ],
    ids=["nothing", "a page", "cut off", "another type", "other sides", "a byte too few"],
)
def test_broken_clothes(home, content, problem):
    put(home, "fashion-mnist/train-images-idx3-ubyte.gz", content)
    with pytest.raises(ValueError, match=problem):
        fashion_mnist.load_data()


# -- CIFAR


def batch(rows: int, seed: int, *keys: str) -> bytes:
    rng = np.random.default_rng(seed)
    content = {key.encode(): rng.integers(0, 10, rows).tolist() for key in keys}
    content |= {b"data": rng.integers(0, 256, (rows, 3072), dtype=np.uint8), b"filenames": [b"a.png"] * rows}
    return pickle.dumps(content, 3)


def archive(folder: str, batches: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as opened:
        for name, content in batches.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            opened.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def ten() -> dict[str, bytes]:
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    return {name: batch(2, seed, "labels") for seed, name in enumerate(names)}


def test_ten_classes_of_photographs(served, home):
    served(cifar10, archive("cifar-10-batches-py", ten()))
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == (
        (10, 32, 32, 3),
        (10, 1),
        (2, 32, 32, 3),
        (2, 1),
    )
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    third = pickle.loads(ten()["data_batch_3"])
    np.testing.assert_array_equal(x_train[4:6].transpose(0, 3, 1, 2).reshape(2, 3072), third[b"data"])
    assert y_train[4:6, 0].tolist() == third[b"labels"]
    config.set_image_data_format("channels_first")
    np.testing.assert_array_equal(cifar10.load_data()[0][0], x_train.transpose(0, 3, 1, 2))
    assert [path.name for path in (home / "datasets").iterdir()] == ["cifar-10-python.tar.gz"]


def test_photographs_from_a_folder_that_was_unpacked(home):
    for name, content in ten().items():
        put(home, f"cifar-10-batches-py/{name}", content)
    assert cifar10.load_data()[0][0].shape == (10, 32, 32, 3)


def test_a_hundred_classes_or_twenty(served):
    parts = {name: batch(3, seed, "fine_labels", "coarse_labels") for seed, name in enumerate(("train", "test"))}
    served(cifar100, archive("cifar-100-python", parts))
    content = pickle.loads(parts["test"])
    for mode in ("fine", "coarse"):
        (x_train, _), (_, y_test) = cifar100.load_data(mode)
        assert x_train.shape == (3, 32, 32, 3)
        assert y_test[:, 0].tolist() == content[f"{mode}_labels".encode()]
    with pytest.raises(ValueError, match="expected 'fine' or 'coarse'"):
        cifar100.load_data("rough")


def changed(**change) -> bytes:
    return pickle.dumps(
        {key: change.get(key.decode(), value) for key, value in pickle.loads(ten()["test_batch"]).items()}, 3
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html>", "no whole tar archive"),
        (archive("cifar-10-batches-py", ten())[:-500], "no whole tar archive|has no"),
        (archive("elsewhere", ten()), "has no cifar-10-batches-py/data_batch_1"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": b"\x80\x02cos\nsystem\nU\x01aR."}), "os.system"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": pickle.dumps([1], 2)}), "no pictures"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": changed(data=np.zeros((2, 9), "u1"))}), "no pictures"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": changed(data=np.zeros((2, 3072)))}), "no pictures"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": changed(labels=[1])}), "no list of 2 labels"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": changed(labels=[1, None])}), "no list of 2 labels"),
        (archive("cifar-10-batches-py", ten() | {"test_batch": changed(labels=[1, 256])}), "between 0 and 99"),
    ],
)
def test_broken_archives_of_photographs(home, content, problem):
    put(home, "cifar-10-python.tar.gz", content)
    with pytest.raises(ValueError, match=problem):
        cifar10.load_data()
