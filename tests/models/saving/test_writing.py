"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import stat

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import load_model


def model(value=1.0):
    made = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    made.set_weights([np.full((3, 2), value), np.full(2, value)])
    return made


def test_a_failing_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    model().save(path)
    old = path.read_bytes()
    other = model(2.0)

    def fail(store):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(other.layers[0], "save_own_variables", fail, raising=False)
    with pytest.raises(OSError, match="No space"):
        other.save(path)
    assert path.read_bytes() == old
    assert [p.name for p in tmp_path.iterdir()] == ["m.keras"]


def test_overwrite(tmp_path):
    path = tmp_path / "m.keras"
    model().save(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model().save(path, overwrite=False)
    path.chmod(0o600)
    model(2.0).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_model(path).get_weights()[1].tolist() == [2.0, 2.0]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link.keras").symlink_to(tmp_path / "m.keras")
    model().save(tmp_path / "link.keras")
    assert (tmp_path / "link.keras").is_symlink()
    assert load_model(tmp_path / "m.keras").built


@pytest.mark.parametrize("name", ["model", "model.txt", "model.weights.h5", "model.pb"])
def test_unknown_endings(tmp_path, name):
    with pytest.raises(ValueError, match="the ending says the format"):
        model().save(tmp_path / name)


@pytest.mark.parametrize("fixture", ["capsys", "keras_2"])
@pytest.mark.parametrize(("name", "meant"), [("m.kears", "m.keras"), ("m.hd5", "m.hdf5"), ("m.pth", "m.keras")])
def test_a_name_of_a_file_that_is_none_of_ours_is_refused_with_the_one_that_was_meant(
    tmp_path, request, name, meant, fixture
):
    request.getfixturevalue(fixture)
    with pytest.raises(ValueError, match=rf"Did you mean '.*{meant}'\?"):
        model().save(tmp_path / name)
    with pytest.raises(ValueError, match=rf"Did you mean '{meant}'\?"):  # before the first epoch, not after it
        ef.callbacks.ModelCheckpoint(name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["my_model", "acc_0.98", "model.v2", "mnist.model"])
def test_programs_of_keras_2_save_into_folders(tmp_path, keras_2, name):
    model().save(tmp_path / name)
    assert (tmp_path / name).is_dir()
    assert load_model(tmp_path / name).built
    ef.callbacks.ModelCheckpoint(name)


@pytest.mark.parametrize("name", ["ck.0", "ck", "new/folder/cp-0001.ckpt"])
def test_programs_of_keras_2_save_weights_under_names_of_checkpoints(tmp_path, keras_2, name):
    model(3.0).save_weights(tmp_path / name)
    again = model()
    again.load_weights(tmp_path / name)
    assert again.get_weights()[1].tolist() == [3.0, 3.0]


def test_loading_by_name_says_when_no_name_fits(tmp_path):
    model().save_weights(tmp_path / "w.h5")
    other = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2, name="another")])
    before = other.get_weights()
    with pytest.warns(UserWarning, match=r"nothing was loaded.*'dense.*the model \['another'\]"):
        other.load_weights(tmp_path / "w.h5", by_name=True)
    assert all(np.array_equal(a, b) for a, b in zip(other.get_weights(), before, strict=True))


@pytest.mark.parametrize("ending", [".keras", ".h5", ".safetensors"])
def test_a_name_that_numpy_made_is_a_name(tmp_path, ending):
    layer = ef.layers.Dense(2, name=np.str_("first"))
    assert type(layer.name) is str
    made = ef.Sequential([ef.Input((3,)), layer], name=np.str_("net"))
    made.save(tmp_path / f"m{ending}")
    again = load_model(tmp_path / f"m{ending}")
    assert (again.name, again.layers[0].name) == ("net", "first")


@pytest.mark.parametrize(
    ("function", "given", "meant"),
    [
        (ef.saving.save_model, "overwritten", "overwrite"),
        (ef.saving.save_weights, "object_to_skip", "objects_to_skip"),
        (ef.saving.load_weights, "by_nam", "by_name"),
    ],
)
def test_an_argument_that_is_nearly_right_is_told_what_it_is_called(tmp_path, function, given, meant):
    name = "m.keras" if function is ef.saving.save_model else "m.weights.h5"
    with pytest.raises(TypeError, match=rf"unknown arguments \['{given}'\]\. Did you mean '{meant}'\?"):
        function(model(), tmp_path / name, **{given: True})


def test_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
        model().save_weights(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="zipped=False"):
        model().save(tmp_path / "m.keras", zipped=False)
    with pytest.raises(TypeError, match="unknown arguments"):
        model().save(tmp_path / "m.keras", nonsense=1)
    with pytest.raises(FileNotFoundError, match="folder"):
        model().save(tmp_path / "no" / "m.keras")
    with pytest.raises(ValueError, match="no weights yet"):
        ef.Sequential([ef.layers.Dense(1)]).save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="no weights yet"):
        ef.Sequential([ef.layers.Dense(1)]).load_weights(tmp_path / "m.keras")
    os.mkfifo(tmp_path / "pipe.keras")
    with pytest.raises(ValueError, match="pipe"):
        model().save(tmp_path / "pipe.keras")
