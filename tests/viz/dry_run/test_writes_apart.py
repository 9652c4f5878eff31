"""What a script writes lies apart, can be read there, and vanishes; its own files stay as they are."""

from __future__ import annotations

import glob
import os
import pathlib
import shutil
import tempfile

import numpy as np
import pytest

from eagerflow.base.files import replacing
from viz.dry_run.writes_apart import WritesApart


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.txt").write_text("real")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.txt").write_text("inner")
    return tmp_path


@pytest.fixture(autouse=True)
def untouched(here):
    yield
    assert sorted(os.listdir(here)) == ["folder", "kept.txt"]
    assert (here / "kept.txt").read_text() == "real"
    assert (here / "folder" / "inner.txt").read_text() == "inner"


def write(path, text="new", mode="w"):
    with open(path, mode) as file:
        file.write(text)


def test_what_is_written_can_be_read_and_is_listed():
    with WritesApart() as apart:
        write("new.txt")
        assert pathlib.Path("new.txt").read_text(encoding="utf-8") == "new"
        assert sorted(os.listdir(".")) == ["folder", "kept.txt", "new.txt"]
        assert glob.glob("*.txt") == ["kept.txt", "new.txt"] or sorted(glob.glob("*.txt")) == ["kept.txt", "new.txt"]
    assert [os.path.basename(each) for each in apart.written] == ["new.txt"]


def test_a_file_that_is_changed_begins_with_what_it_holds():
    with WritesApart():
        write("kept.txt", " and more", "a")
        assert pathlib.Path("kept.txt").read_text(encoding="utf-8") == "real and more"


def test_folders_arrays_and_files_that_are_put_in_place():
    with WritesApart():
        os.makedirs("logs/deep", exist_ok=True)
        os.makedirs("logs/deep", exist_ok=True)
        np.save("logs/deep/a.npy", np.ones(3))
        assert np.load("logs/deep/a.npy").sum() == 3
        with replacing("kept.txt") as file:
            file.write(b"other")
        assert pathlib.Path("kept.txt").read_text(encoding="utf-8") == "other"
        mapped = np.memmap("m.bin", dtype="float32", mode="w+", shape=(4,))
        mapped[:] = 1
        del mapped


def test_what_is_removed_is_only_gone_apart():
    with WritesApart():
        os.remove("kept.txt")
        assert not os.path.exists("kept.txt")
        with pytest.raises(FileNotFoundError):
            open("kept.txt", encoding="utf-8").close()
        write("kept.txt", "again")
        assert pathlib.Path("kept.txt").read_text(encoding="utf-8") == "again"
        shutil.rmtree("folder")
        assert not os.path.exists("folder/inner.txt")
        assert os.listdir(".") == ["kept.txt"]


def test_what_is_moved_and_copied():
    with WritesApart():
        shutil.copy("kept.txt", "copy.txt")
        os.replace("copy.txt", "moved.txt")
        assert not os.path.exists("copy.txt")
        shutil.move("kept.txt", "other.txt")
        assert sorted(os.listdir(".")) == ["folder", "moved.txt", "other.txt"]


def test_a_script_may_go_to_a_folder_that_it_made(here):
    with WritesApart():
        os.mkdir("made")
        os.chdir("made")
        write("new.txt")
        assert os.listdir(".") == ["new.txt"]
        assert pathlib.Path("../kept.txt").read_text(encoding="utf-8") == "real"
        write("../kept.txt", "changed")
        assert (here / "kept.txt").read_text(encoding="utf-8") == "changed"
    assert os.getcwd() == str(here)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="asks Linux what a descriptor is of")
def test_what_is_changed_by_the_descriptor_of_its_folder():
    with WritesApart():
        folder = os.open("folder", os.O_RDONLY)
        os.unlink("inner.txt", dir_fd=folder)
        os.mkdir("more", dir_fd=folder)
        assert os.listdir("folder") == ["more"]
        os.close(folder)


def test_temporary_files_are_made_as_ever():
    with WritesApart():
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x")
        with tempfile.TemporaryDirectory() as folder:
            write(os.path.join(folder, "a"))
            assert os.listdir(folder) == ["a"]
        assert not os.path.exists(file.name)
        assert not os.path.exists(folder)


def test_what_cannot_be_done_raises_as_ever():
    with WritesApart():
        with pytest.raises(FileNotFoundError):
            write("nowhere/new.txt")
        with pytest.raises(FileExistsError):
            os.mkdir("folder")
        with pytest.raises(FileExistsError):
            open("kept.txt", "x", encoding="utf-8").close()
        with pytest.raises(FileNotFoundError):
            os.remove("none.txt")
    assert os.path.exists("kept.txt")
