"""Saving and loading need little memory beside the model, and large arrays go by pieces."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import eagerflow as ef
from eagerflow.models import load_model
from eagerflow.models.saving import FileFormatError, assign, files, hdf5, safetensors

WIDTH, LAYERS = 2048, 6
MODEL = WIDTH * WIDTH * 4 * LAYERS  # bytes: 96 MiB
LITTLE = 32 * 2**20
WHOLE = ["m.keras", "m.h5", "m.safetensors", "folder"]
WEIGHTS = ["m.weights.h5", "w.h5", "w.safetensors", "m.weights.json"]


def model(width=WIDTH, count=LAYERS, value=0.0):
    layers = [ef.layers.Dense(width, use_bias=False, kernel_initializer="zeros") for _ in range(count)]
    made = ef.Sequential([ef.Input((width,)), *layers])
    made.compile("sgd", "mse")
    for i, variable in enumerate(made.trainable_weights):
        variable.assign(np.arange(width, dtype="float32") * np.ones((width, 1), "float32") + i + value)
    return made


def save(made, path):
    if path.name.endswith(".weights.json"):
        made.save_weights(path, max_shard_size=0.9 * made.count_params() * 4 / 2**30)
    elif path.name in WEIGHTS:
        made.save_weights(path)
    else:
        made.save(path, zipped=False if path.name == "folder" else None)


def peak_of(run):
    """What is held at most while `run` runs, and what it gives."""
    tracemalloc.start()
    try:
        given = run()
        return tracemalloc.get_traced_memory()[1], given
    finally:
        tracemalloc.stop()


def first_numbers(made):
    return [np.asarray(v)[:2, :2].tolist() for v in made.trainable_weights]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if i % 2 else ()) for i, name in enumerate([*WHOLE, *WEIGHTS])]
)
def test_little_memory_beside_the_model(tmp_path, name):
    made = model()
    saving, _ = peak_of(lambda: save(made, tmp_path / name))
    assert saving < LITTLE
    if name in WHOLE:
        loading, again = peak_of(lambda: load_model(tmp_path / name))
        assert MODEL < loading < MODEL + LITTLE
        assert first_numbers(again) == first_numbers(made)
    if name != "folder":
        other = model(value=7.0)
        loading, _ = peak_of(lambda: other.load_weights(tmp_path / name))
        assert loading < LITTLE
        assert first_numbers(other) == first_numbers(made)


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(assign, "_AT_ONCE", 0)
    monkeypatch.setattr(hdf5, "_PIECE", 256)
    monkeypatch.setattr(safetensors, "_PIECE", 256)


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("name", [*WEIGHTS, "m.keras"])
def test_damage_to_the_last_array_is_found_before_the_first_is_set(tmp_path, name):
    path = tmp_path / name
    save(model(16, 3), path)
    damaged = tmp_path / "m_00001.weights.h5" if name == "m.weights.json" else path
    content = bytearray(damaged.read_bytes())
    last = np.asarray(model(16, 3).trainable_weights[2])[-1].tobytes()
    content[content.rindex(last) + 5] ^= 1
    damaged.write_bytes(content)
    other = model(16, 3, value=5.0)
    before = other.get_weights()
    with pytest.raises(FileFormatError, match=r"damaged"):
        other.load_weights(path)
    for old, new in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("name", [*WHOLE, *WEIGHTS])
def test_pieces_give_the_whole(tmp_path, name):
    made = ef.Sequential([ef.Input((5, 7)), ef.layers.LSTM(9), ef.layers.Dense(3, dtype="float64")])
    made.compile("adam", "mse")
    made.train_on_batch(np.ones((2, 5, 7), "float32"), np.ones((2, 3), "float32"))
    save(made, tmp_path / name)
    if name in WHOLE:
        again = load_model(tmp_path / name)
        for old, new in zip(made.optimizer.variables, again.optimizer.variables, strict=True):
            np.testing.assert_array_equal(new, old)
    else:
        again = ef.models.clone_model(made)
        again.load_weights(tmp_path / name)
    for old, new in zip(made.weights, again.weights, strict=True):
        assert old.dtype == new.dtype
        np.testing.assert_array_equal(new, old)


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.safetensors"])
def test_values_that_are_no_numbers_are_told_of(tmp_path, name, device):
    made = model(16, 3)
    made.layers[1].kernel.assign(np.full((16, 16), [1.0] * 15 + [np.nan], "float32"))
    made.save(tmp_path / name)
    with pytest.warns(UserWarning, match=f"the values for '{made.layers[1].name}' hold NaN"):
        load_model(tmp_path / name)
    with pytest.warns(UserWarning, match="hold NaN"):
        (again := model(16, 3)).load_weights(tmp_path / name)
    for old, new in zip(made.weights, again.weights, strict=True):
        np.testing.assert_array_equal(new, old)


@pytest.mark.usefixtures("everything_is_large")
def test_a_tensor_taken_before_keeps_its_values(tmp_path):
    save(model(16, 3, value=5.0), tmp_path / "m.weights.h5")
    made = model(16, 3)
    before = made.layers[0].kernel.value
    old = before.numpy()
    made.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(before.numpy(), old)
    np.testing.assert_array_equal(made.layers[0].kernel.numpy(), old + 5.0)


shapes = st.lists(st.integers(0, 6), max_size=4).map(tuple)
kinds = st.sampled_from(["float32", "float64", "int8", "bool", "uint16", ">f4", "complex64"])


@given(shapes, kinds, st.integers(1, 100), st.booleans())
@settings(deadline=None, max_examples=60)
def test_arrays_in_hdf5_by_pieces(shape, kind, size, transposed):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(kind)
    array = array.T if transposed else array
    file = io.BytesIO()
    with hdf5.writing(file) as writer:
        writer.array("there", array)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf5, "_PIECE", size)
        with hdf5.reading(file, "file") as root:
            stored = root.arrays["there"]
            pieces = list(stored.pieces())
            again = stored.read()
    assert all(piece.nbytes <= max(size, array.itemsize) for piece in pieces)
    assert again.dtype == array.dtype
    np.testing.assert_array_equal(again, array)


def test_compressed_arrays_are_read(tmp_path):
    import h5py

    values = np.arange(30_000, dtype="float32").reshape(300, 100)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("a", data=values, compression="gzip", chunks=(7, 13))
    found = ef.saving.read_weights(tmp_path / "m.h5")
    np.testing.assert_array_equal(found["a"], values)


@pytest.mark.parametrize("block", [9, 64, 100, 2**20])
def test_damaged_text_is_found_wherever_blocks_end(tmp_path, monkeypatch, block):
    monkeypatch.setattr(hdf5, "_BLOCK", block)
    path = tmp_path / "m.h5"
    made = model(4, 2)
    made.save(path)
    assert first_numbers(load_model(path)) == first_numbers(made)
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL\x01\0\0\0")
    content[heap + 16 + 8 : heap + 16 + 16] = b"\xff" * 8  # the size of its first text
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=f"the heap at byte {heap}"):
        load_model(path)


def test_archives_with_large_members(tmp_path, monkeypatch):
    """Above 2 GiB the header of a member is longer."""
    made, path = model(16, 2), tmp_path / "m.keras"
    made.save(path)
    plain = path.stat().st_size
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    made.save(path)
    assert path.stat().st_size > plain
    assert first_numbers(load_model(path)) == first_numbers(made)


def test_nothing_is_left_beside_the_file(tmp_path):
    model(16, 2).save(tmp_path / "m.keras")
    with open(tmp_path / "other.keras", "wb") as file:
        model(16, 2).save(file)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.keras", "other.keras"]
    assert load_model(tmp_path / "other.keras").built


@pytest.mark.parametrize("block", [1, 4, 2**20])
def test_parts_of_files(block, monkeypatch):
    monkeypatch.setattr(files, "_BLOCK", block)
    part = files.Section(io.BytesIO(b"0123456789"), 2, 6)
    assert part.read() == b"234567"
    assert part.read(3) == b""
    assert part.seek(-2, 2) == 4
    assert part.read(9) == b"67"
    assert part.seek(1) == part.tell() == 1
    assert part.seek(2, 1) == 3
    assert part.read(2) == b"56"
    part.seek(100)
    assert part.read(1) == b""
    cut_off = files.Section(io.BytesIO(b"0123"), 2, 6)
    assert cut_off.read() == b"23"
