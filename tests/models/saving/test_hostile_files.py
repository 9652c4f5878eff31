"""Damaged files and files made to harm: each is refused by a clear message, and nothing is changed by reading it."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile

import h5py
import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import load_model
from eagerflow.models.saving import FileFormatError, LoadLimitError

ENDINGS = ["keras", "h5", "safetensors"]


def model(units=4):
    made = ef.Sequential(
        [ef.Input((3,)), ef.layers.Dense(units, name="first"), ef.layers.Dense(2, name="second")], name="net"
    )
    made.compile("sgd", "mse")
    return made


@pytest.fixture
def file(tmp_path):
    """A `.keras` file."""
    model().save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    """The archive with members changed by `change(name, content)`; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            new = change(name, content)
            if new is not None:
                archive.writestr(name, new)
    return path


def config_changed(path, change):
    """The archive with another configuration."""

    def edit(name, content):
        if name != "config.json":
            return content
        config = json.loads(content)
        change(config)
        return json.dumps(config)

    return rewritten(path, edit)


def weights_changed(path, change):
    """The archive with another HDF5 file."""

    def edit(name, content):
        if name != "model.weights.h5":
            return content
        target = io.BytesIO(content)
        with h5py.File(target, "r+") as found:
            change(found)
        return target.getvalue()

    return rewritten(path, edit)


def refused(path, message, **kwargs):
    with pytest.raises(ValueError, match=message) as caught:
        load_model(path, **kwargs)
    assert len(str(caught.value)) <= 500
    assert "0x" not in str(caught.value)


# Damage


@pytest.mark.parametrize("ending", ENDINGS)
def test_files_cut_off_anywhere(tmp_path, ending):
    path = tmp_path / f"m.{ending}"
    model().save(path)
    whole = path.read_bytes()
    for part in (0, 1, 7, 8, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:part])
        with pytest.raises(FileFormatError):
            load_model(path)


@pytest.mark.parametrize("flips", [25, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("ending", ENDINGS)
def test_flipped_bits_change_nothing_unnoticed(tmp_path, ending, flips):
    """Either the load fails with our error, or all values are those that were saved."""
    path = tmp_path / f"m.{ending}"
    made = model()
    made.save(path)
    whole = bytearray(path.read_bytes())
    draw = np.random.RandomState(flips)
    for at in draw.randint(0, len(whole), flips):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << draw.randint(8)
        path.write_bytes(damaged)
        try:
            again = load_model(path)
        except (ValueError, TypeError):
            continue
        for a, b in zip(made.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_another_configuration_in_hdf5(tmp_path):
    model().save(tmp_path / "m.h5")
    content = (tmp_path / "m.h5").read_bytes().replace(b'"linear"', b'"silu"  ')
    (tmp_path / "m.h5").write_bytes(content)
    refused(tmp_path / "m.h5", "checksum of its configuration is wrong")


def test_hdf5_groups_nested_too_deep(tmp_path):
    made = model()
    made.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5", "a") as file:
        file.create_group("layers/" + "deeper/" * 200)
    with pytest.raises(FileFormatError, match="nested too deep"):
        made.load_weights(tmp_path / "w.weights.h5")


def test_hdf5_with_too_few_arrays(tmp_path):
    made = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4, use_bias=False), ef.layers.Dense(2)])
    made.save_weights(tmp_path / "w.h5")
    with pytest.raises(FileFormatError, match=r"array 1 'bias': expected .*, found nothing"):
        model().load_weights(tmp_path / "w.h5")


def test_half_an_archive_is_cut_off(tmp_path):
    model().save(tmp_path / "half.keras")
    whole = (tmp_path / "half.keras").read_bytes()
    (tmp_path / "half.keras").write_bytes(whole[: len(whole) // 2])
    refused(tmp_path / "half.keras", "is cut off or damaged: it begins as a .keras archive does, but")


def test_other_files(tmp_path):
    (tmp_path / "text.keras").write_text("hello, this is no model", encoding="utf-8")
    refused(tmp_path / "text.keras", r"begins with b'PK'.*this one with b'hello, t'")
    (tmp_path / "empty.keras").write_bytes(b"")
    refused(tmp_path / "empty.keras", "holds no model, or is damaged")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_model(tmp_path / "missing.keras")
    refused(tmp_path, "is a folder")
    with pytest.raises(TypeError, match="expected a path"):
        load_model(17)


def test_pipes_and_devices_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    refused(tmp_path / "pipe.keras", "a pipe, device or socket")
    (tmp_path / "zero.keras").symlink_to("/dev/zero")
    refused(tmp_path / "zero.keras", "a pipe, device or socket")


# Arrays that don't fit


def test_messages_name_layer_array_expected_and_found(file):
    def change(found):
        del found["layers/dense_1/vars/0"]
        found["layers/dense_1/vars/0"] = np.zeros((4, 3), "float32")

    refused(
        weights_changed(file, change),
        r"layer 'second' \(layers/dense_1\), array 0 'kernel': expected "
        r"float32\[4, 2\], found float32\[4, 3\]",
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.__delitem__("layers/dense/vars/1"), r"array 1 'bias': expected float32\[4\], found nothing"),
        (lambda f: f.__setitem__("layers/dense/vars/2", np.zeros(2)), r"array 2: found float64\[2\], expected nothing"),
        (lambda f: f.__setitem__("layers/dense_7/vars/0", np.zeros(2)), r"layers/dense_7/vars/0: found float64\[2\]"),
        (lambda f: replace(f, np.zeros((3, 4), bool)), r"found bool\[3, 4\]"),
        (lambda f: replace(f, np.zeros((3, 4), "complex64")), r"found complex64\[3, 4\]"),
        (lambda f: replace(f, np.zeros((3, 4), "int32")), r"found int32\[3, 4\]"),
        (lambda f: replace(f, np.zeros((3, 4), "S3")), r"holds \|S3, no numbers"),
        (lambda f: replace(f, h5py.Empty("f4")), "no numbers"),
    ],
)
def test_wrong_arrays(file, change, message):
    refused(weights_changed(file, change), message)


def replace(found, value):
    del found["layers/dense/vars/0"]
    found["layers/dense/vars/0"] = value


@pytest.mark.parametrize("ending", ["weights.h5", "h5", "safetensors"])
def test_a_model_is_loaded_whole_or_not_at_all(tmp_path, ending):
    """The first layer fits, the second doesn't: the first stays as it was."""
    model(units=4).save_weights(tmp_path / f"m.{ending}")
    other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(4), ef.layers.Dense(3)])
    before = other.get_weights()
    with pytest.raises(FileFormatError, match=r"expected float32\[4, 3\], found float32\[4, 2\]"):
        other.load_weights(tmp_path / f"m.{ending}")
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights()))
    with pytest.warns(UserWarning, match=r"everywhere.*The rest was loaded"):
        other.load_weights(tmp_path / f"m.{ending}", skip_mismatch=True)
    assert not np.array_equal(before[0], other.get_weights()[0])


def test_a_failing_load_own_variables_changes_nothing(tmp_path):
    class Fails(ef.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(1,))

        def call(self, x):
            return x

        def load_own_variables(self, store):
            self.w.assign(store["0"])
            raise OSError("no")

    made = ef.Sequential([ef.Input((3,)), Fails(), ef.layers.Dense(2)])
    made.save_weights(tmp_path / "m.weights.h5")
    other = ef.Sequential([ef.Input((3,)), Fails(), ef.layers.Dense(2)])
    before = other.get_weights()
    with pytest.raises(OSError, match="no"):
        other.load_weights(tmp_path / "m.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights()))


def test_values_that_are_no_numbers_are_told_of(file):
    made = model()
    made.layers[1].set_weights([np.full((4, 2), np.nan), np.zeros(2)])
    made.save(file)
    with pytest.warns(UserWarning, match="'second' hold NaN or infinity"):
        load_model(file)


# Archives


def test_archives_without_a_part(file):
    refused(rewritten(file, lambda name, content: None if name == "config.json" else content), "has no config.json")


def test_bombs(file, tmp_path):
    def blow_up(name, content):
        return b"0" * 210 * 2**20 if name == "config.json" else content

    refused(rewritten(file, blow_up, zipfile.ZIP_DEFLATED), "config.json would take 220,200,960 bytes")


def test_two_members_of_one_name(file):
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    refused(file, "two members of one name")


def test_names_of_members_are_no_paths(file, tmp_path):
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("../outside.txt", "x")
        archive.writestr("assets/../../outside.txt", "x")
    refused(file, "no layer asks for")
    assert not (tmp_path.parent / "outside.txt").exists()


def test_a_newer_format(file):
    def newer(name, content):
        return json.dumps({"eagerflow_format": 99, "eagerflow_version": "9.1"}) if name == "metadata.json" else content

    refused(rewritten(file, newer), rf"format 99, written by eagerflow 9\.1; this is eagerflow {ef.__version__}")
    refused(rewritten(file, lambda n, c: '{"keras_version": "4.0"}' if n == "metadata.json" else c), "Keras 4.0")


# Configurations


def test_json_too_deep_or_no_json(file):
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    refused(rewritten(file, lambda n, c: deep if n == "config.json" else c), "200 levels")
    refused(rewritten(file, lambda n, c: b"[1]" if n == "config.json" else c), "expected a JSON object")
    refused(rewritten(file, lambda n, c: b"{" if n == "config.json" else c), "damaged, no JSON")


def test_layers_larger_than_the_file(file):
    def grow(config):
        config["config"]["layers"][1]["config"]["units"] = 10**9

    refused(config_changed(file, grow), "beyond the limit of .*limit=None")


def test_a_layer_left_out_of_the_configuration(file):
    refused(config_changed(file, lambda c: c["config"]["layers"].pop()), "layers/dense_1/vars/0: found")


@pytest.mark.parametrize(
    "entry",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch harm"}, "registered_name": None},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "eval"},
        {"module": "keras.layers", "class_name": "eval", "config": {}, "registered_name": "builtins>eval"},
        {"module": "subprocess", "class_name": "Popen", "config": {"args": "touch harm"}, "registered_name": "Popen"},
    ],
)
def test_names_are_never_imported(file, entry, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def swap(config):
        config["config"]["layers"][1] = entry

    refused(config_changed(file, swap), "Unknown")
    assert not (tmp_path / "harm").exists()


def test_code_anywhere_in_a_configuration(file):
    def hide(config):
        config["config"]["layers"][1]["config"]["activation"] = {"class_name": "__lambda__", "config": {"code": "x"}}

    refused(config_changed(file, hide), "code of a Python lambda, which is never run")


def test_what_is_no_model(file):
    refused(
        rewritten(
            file,
            lambda n, c: (
                b'{"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}'
                if n == "config.json"
                else c
            ),
        ),
        "describes a Dense, no model",
    )


# HDF5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: link(f, h5py.ExternalLink("/etc/passwd", "/")), "a link to elsewhere"),
        (lambda f: link(f, h5py.SoftLink("/layers/dense/vars/1")), "a link to elsewhere"),
        (lambda f: f["layers/dense"].__setitem__("again", f["layers"]), "linked twice"),
    ],
)
def test_links(file, change, message):
    refused(weights_changed(file, change), message)


def link(found, target):
    del found["layers/dense/vars/0"]
    found["layers/dense/vars/0"] = target


def test_values_from_other_files(file, tmp_path):
    def external(found):
        del found["layers/dense/vars/0"]
        (tmp_path / "raw").write_bytes(bytes(48))
        found.create_dataset("layers/dense/vars/0", (3, 4), "f4", external=[(str(tmp_path / "raw"), 0, 48)])

    refused(weights_changed(file, external), "takes its values from other files")


def test_virtual_arrays(file, tmp_path):
    def virtual(found):
        del found["layers/dense/vars/0"]
        layout = h5py.VirtualLayout((3, 4), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "x", (3, 4))
        found.create_virtual_dataset("layers/dense/vars/0", layout)

    refused(weights_changed(file, virtual), "takes its values from other files")


def test_sizes_that_are_not_stored(file):
    def huge(found):
        del found["layers/dense/vars/0"]
        found.create_dataset("layers/dense/vars/0", (10**7, 10**5), "f4", chunks=(1, 10**5))

    refused(weights_changed(file, huge), "declares 4000000000000 bytes, and 0 are stored")


# safetensors


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}, "can't lie"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, "can't lie"),
        ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, -4]}}, "can't lie"),
        ({"a": {"dtype": "X", "shape": [1], "data_offsets": [0, 4]}}, "header is damaged"),
        ({"a": 3}, "header is damaged"),
        ({}, "its arrays end at byte 0"),
        ({"__metadata__": 3}, "its metadata is a int"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, "arrays but no model"),
    ],
)
def test_safetensors_headers(tmp_path, header, message):
    text = json.dumps(header).encode()
    path = tmp_path / "m.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    refused(path, message)
    path.write_bytes(struct.pack("<Q", 2**60) + text)
    refused(path, "header would have")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("password\nof the user\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("kind", ["StringLookup", "TextVectorization", "IntegerLookup"])
def test_a_model_reads_no_other_files_of_the_machine(kind, secret, tmp_path):
    layer = getattr(ef.layers, kind)
    lookup = layer(vocabulary=["a", "b"]) if kind != "IntegerLookup" else layer(vocabulary=[1, 2])
    wanted = ef.Sequential([ef.Input((1,), dtype="string" if kind != "IntegerLookup" else "int64"), lookup])
    wanted.save(tmp_path / "m.keras")

    def change(config):
        (entry,) = [c for c in config["config"]["layers"] if c["class_name"] == kind]
        entry["config"]["vocabulary"] = secret

    file = config_changed(tmp_path / "m.keras", change)
    with pytest.raises(ValueError, match="names a file of the machine that loads it") as caught:
        load_model(file)
    assert str(file) in str(caught.value)
    assert "password" not in str(caught.value)


def test_a_file_that_is_trusted_may_name_a_vocabulary(secret, tmp_path):
    ef.Sequential([ef.Input((1,), dtype="string"), ef.layers.StringLookup(vocabulary=["a"])]).save(tmp_path / "m.keras")

    def change(config):
        config["config"]["layers"][-1]["config"]["vocabulary"] = secret

    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assets = [name for name in archive.namelist() if name.startswith("assets")]
    file = config_changed(tmp_path / "m.keras", change)
    loaded = load_model(rewritten(file, lambda name, content: None if name in assets else content), safe_mode=False)
    assert "password" in loaded.layers[-1].get_vocabulary()


def test_nobody_guesses_what_a_file_may_have_meant(file):
    def change(config):
        config["config"]["layers"][-1]["class_name"] = "system"

    with pytest.raises(ValueError, match="Unknown layer 'system'") as caught:
        load_model(config_changed(file, change))
    assert "Did you mean" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_errors_inside_a_configuration_name_the_file(file):
    def change(config):
        config["config"]["layers"][-1]["config"]["activation"] = "rleu"

    with pytest.raises(ValueError, match="rleu") as caught:
        load_model(config_changed(file, change))
    assert str(file) in str(caught.value)


def test_compressed_weights_that_unpack_to_more_than_the_model_needs_are_refused(file):
    packed = rewritten(
        file,
        lambda name, content: bytes(200 * 2**20) if name == "model.weights.h5" else content,
        compression=zipfile.ZIP_DEFLATED,
    )
    assert packed.stat().st_size < 2**20
    with pytest.raises(LoadLimitError, match="would take 209,715,200 bytes"):
        load_model(packed)


def test_compressed_weights_are_read(file):
    before = load_model(file).get_weights()
    packed = rewritten(file, lambda name, content: content, compression=zipfile.ZIP_DEFLATED)
    for a, b in zip(before, load_model(packed).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
