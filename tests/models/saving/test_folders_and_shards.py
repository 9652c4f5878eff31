"""Models in folders, weights divided among files, layers left out, and the editor of such files."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.models import load_model
from eagerflow.models.saving import folder
from eagerflow.saving import FileFormatError, load_weights, save_weights

X = np.random.default_rng(3).normal(size=(5, 6)).astype("float32")
TINY = 1.2e-6  # gigabytes: 1288 bytes


def model(seed=0):
    ef.utils.set_random_seed(seed)
    layers = [ef.Input((6,)), ef.layers.Dense(40, activation="relu"), ef.layers.BatchNormalization()]
    made = ef.Sequential([*layers, ef.layers.Dense(3, name="end")])
    made.compile("adam", "mse")
    return made


def trained(seed=0):
    made = model(seed)
    made.fit(X, np.zeros((5, 3)), verbose=0)
    return made


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


# Folders


def test_a_folder_holds_the_whole_model(tmp_path):
    made = trained()
    made.save(tmp_path / "m", zipped=False)
    assert sorted(os.listdir(tmp_path / "m")) == ["config.json", "metadata.json", "model.weights.h5"]
    again = load_model(tmp_path / "m")
    assert same(made, again)
    assert int(again.optimizer.iterations) == 1
    assert os.listdir(tmp_path) == ["m"]


def test_a_folder_holds_vocabularies(tmp_path):
    lookup = ef.layers.StringLookup(vocabulary=["red", "blue"])
    made = ef.Sequential([ef.Input((1,), dtype="string"), lookup])
    made.save(tmp_path / "m", zipped=False)
    assert load_model(tmp_path / "m").layers[0].get_vocabulary() == lookup.get_vocabulary()


def test_a_folder_takes_the_place_of_an_older_one(tmp_path):
    trained().save(tmp_path / "m", zipped=False)
    other = trained(1)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        other.save(tmp_path / "m", zipped=False, overwrite=False)
    other.save(tmp_path / "m", zipped=False)
    assert same(load_model(tmp_path / "m"), other)
    assert os.listdir(tmp_path) == ["m"]


def test_folders_with_something_else_are_left_alone(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("...", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        model().save(tmp_path / "mine", zipped=False)
    with pytest.raises(ValueError, match="name of a folder"):
        model().save(tmp_path / "m.keras", zipped=False)


def test_a_failing_save_leaves_the_old_folder(tmp_path, monkeypatch):
    made = trained()
    made.save(tmp_path / "m", zipped=False)
    other = trained(1)

    def fail(store):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(other.layers[0], "save_own_variables", fail, raising=False)
    with pytest.raises(OSError, match="No space"):
        other.save(tmp_path / "m", zipped=False)
    assert same(load_model(tmp_path / "m"), made)
    assert os.listdir(tmp_path) == ["m"]


def test_folders_that_hold_no_model(tmp_path):
    with pytest.raises(FileFormatError, match=r"without 'config\.json'"):
        load_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(FileFormatError, match="only TensorFlow reads"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_links_in_folders_are_not_followed(tmp_path, name):
    model().save(tmp_path / "m", zipped=False)
    (tmp_path / "m" / name).rename(tmp_path / "elsewhere")
    (tmp_path / "m" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileFormatError, match="never followed"):
        load_model(tmp_path / "m")


# Shards


def test_weights_are_divided_and_come_together_again(tmp_path):
    made = trained()
    made.save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
    files = [name for name in sorted(os.listdir(tmp_path)) if name != "w.weights.json"]
    assert files == [f"w_{i:05}.weights.h5" for i in range(len(files))]
    assert len(files) > 3
    config = json.loads((tmp_path / "w.weights.json").read_text(encoding="utf-8"))
    assert config["weight_map"]["/layers/dense_1/vars"] == "w_00001.weights.h5"
    stored = [*made.weights, *made.optimizer.variables]
    assert config["metadata"]["total_size"] == sum(v.numpy().nbytes for v in stored)
    again = model(1)
    again.load_weights(tmp_path / "w.weights.json")
    assert same(made, again)


def test_mistakes_with_shards(tmp_path):
    with pytest.raises(ValueError, match=r"must end in '\.weights\.json'"):
        model().save_weights(tmp_path / "w.json", max_shard_size=1)
    with pytest.raises(ValueError, match="more than the 107 of a file"):
        model().save_weights(tmp_path / "w.weights.json", max_shard_size=1e-7)
    for size in (0, -1, True, "1", float("nan")):
        with pytest.raises(ValueError, match="positive number of gigabytes"):
            model().save_weights(tmp_path / "w.weights.json", max_shard_size=size)
    with pytest.warns(UserWarning, match=r"becomes .*w\.weights\.json"):
        model().save_weights(tmp_path / "w.weights.h5", max_shard_size=1)
    with pytest.raises(FileExistsError):
        model().save_weights(tmp_path / "w.weights.json", max_shard_size=1, overwrite=False)


def broken(tmp_path, change):
    trained().save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
    path = tmp_path / "w.weights.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")
    made = model(1)
    before = made.get_weights()
    with pytest.raises(FileFormatError) as error:
        made.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, made.get_weights()))
    return str(error.value)


def test_damaged_maps_are_refused(tmp_path):
    assert "no map of weights" in broken(tmp_path, lambda c: c.pop("weight_map"))
    assert "isn't there" in broken(tmp_path, lambda c: c["weight_map"].update({"/x/vars": "gone.weights.h5"}))
    for name in ("../w_00000.weights.h5", "/etc/passwd", "a\\b.h5", 3, "w_00000.weights.h5\0"):
        found = broken(tmp_path, lambda c, name=name: c["weight_map"].update({"/x/vars": name}))
        assert "expected one in the same folder" in found
    wrong = {"/layers/nothing/vars": "w_00000.weights.h5"}
    assert "doesn't hold what" in broken(tmp_path, lambda c: c["weight_map"].update(wrong))
    assert "found nothing" in broken(tmp_path, lambda c: c["weight_map"].pop("/layers/dense_1/vars"))


def test_files_of_two_savings_are_not_mixed(tmp_path):
    trained().save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
    old = (tmp_path / "w_00001.weights.h5").read_bytes()
    trained(1).save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
    present = json.loads((tmp_path / "w.weights.json").read_text(encoding="utf-8"))["weight_map"]
    (tmp_path / present["/layers/dense_1/vars"]).write_bytes(old)
    with pytest.raises(FileFormatError, match="isn't the file that was written with"):
        model().load_weights(tmp_path / "w.weights.json")


def test_a_second_save_leaves_its_own_files_alone(tmp_path):
    (tmp_path / "w_mine.weights.h5").write_bytes(b"of somebody else")
    for seed in (0, 1, 2):
        made = trained(seed)
        made.save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
        again = model(9)
        again.load_weights(tmp_path / "w.weights.json")
        assert same(made, again)
    config = json.loads((tmp_path / "w.weights.json").read_text(encoding="utf-8"))
    named = set(ef.tree.flatten(list(config["weight_map"].values())))
    first = "w_00000.weights.h5"  # Keras opens it before it reads the map
    assert set(os.listdir(tmp_path)) == {"w.weights.json", "w_mine.weights.h5", first, *named}
    assert first not in named


def test_a_map_that_names_files_of_others_removes_none_of_them(tmp_path):
    (tmp_path / "other_00000.weights.h5").write_bytes(b"")
    made = {"metadata": {}, "weight_map": {"/x/vars": "other_00000.weights.h5"}}
    (tmp_path / "w.weights.json").write_text(json.dumps(made), encoding="utf-8")
    trained().save_weights(tmp_path / "w.weights.json", max_shard_size=TINY)
    assert (tmp_path / "other_00000.weights.h5").exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_folders_and_shards_keep_their_permissions(tmp_path):
    def modes(folder):
        return {path.stat().st_mode & 0o777 for path in folder.iterdir()}

    for _ in range(2):
        trained().save(tmp_path / "m", zipped=False)
        (tmp_path / "m").chmod(0o700)
        (tmp_path / "m" / "config.json").chmod(0o640)
    trained().save(tmp_path / "m", zipped=False)
    assert (tmp_path / "m").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "m" / "config.json").stat().st_mode & 0o777 == 0o640
    (tmp_path / "w").mkdir()
    for _ in range(2):
        trained().save_weights(tmp_path / "w" / "w.weights.json", max_shard_size=TINY)
        (tmp_path / "w" / "w.weights.json").chmod(0o600)
    trained().save_weights(tmp_path / "w" / "w.weights.json", max_shard_size=TINY)
    assert modes(tmp_path / "w") == {0o600}


def test_a_system_that_cannot_swap_folders_still_replaces_them(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_exchange", lambda one, other: False)
    for seed in (0, 1):
        made = trained(seed)
        made.save(tmp_path / "m", zipped=False)
        assert same(load_model(tmp_path / "m"), made)
    assert os.listdir(tmp_path) == ["m"]


# Layers that are left out


def test_layers_can_be_left_out(tmp_path):
    made = trained()
    save_weights(made, tmp_path / "w.weights.h5", objects_to_skip=[made.layers[-1]])
    again = model(1)
    end = again.layers[-1].get_weights()
    load_weights(again, tmp_path / "w.weights.h5", objects_to_skip=[again.layers[-1]])
    assert np.array_equal(again.layers[0].get_weights()[0], made.layers[0].get_weights()[0])
    assert np.array_equal(again.layers[-1].get_weights()[0], end[0])
    with pytest.raises(FileFormatError, match="end"):
        load_weights(again, tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="objects_to_skip"):
        save_weights(made, tmp_path / "w.h5", objects_to_skip=[made.layers[-1]])
    with pytest.raises(TypeError, match="unknown arguments"):
        save_weights(made, tmp_path / "w.weights.h5", objects=[])


def test_layers_of_a_whole_file_can_be_left_alone(tmp_path):
    made, again = trained(), model(1)
    made.save_weights(tmp_path / "w.weights.h5")
    end = again.layers[-1].get_weights()
    load_weights(again, tmp_path / "w.weights.h5", objects_to_skip=[again.layers[-1]])
    assert np.array_equal(again.layers[-1].get_weights()[0], end[0])
    assert np.array_equal(again.layers[0].get_weights()[0], made.layers[0].get_weights()[0])


def test_folders_say_what_they_lack(tmp_path):
    model().save(tmp_path / "m", zipped=False)
    (tmp_path / "m" / "model.weights.h5").unlink()
    with pytest.raises(FileFormatError, match=r"has no model\.weights\.h5"):
        load_model(tmp_path / "m")
