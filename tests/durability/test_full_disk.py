"""A disk that is full, a file that may not grow, a disk that fails at the last moment: the old file stays whole."""

from __future__ import annotations

import contextlib
import errno
import io
import os

import pytest

from eagerflow.base import files
from tests.durability import savers

FRACTIONS = (0.0, 0.02, 0.5, 0.98)


@pytest.fixture(params=savers.FORMATS)
def saved(request, tmp_path):
    """A format, and a file of version 1 in it."""
    chosen = savers.FORMATS[request.param]
    chosen.save(tmp_path / chosen.name, 1.0)
    return chosen, tmp_path / chosen.name


class FullDisk(io.FileIO):
    """A file on a disk with little room left."""

    room = 0

    def write(self, data):
        if self.tell() + len(memoryview(data).cast("B")) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def full_disk(path, mode, opener):
    return io.BufferedRandom(FullDisk(path, mode.replace("b", ""), opener=opener))


@contextlib.contextmanager
def full_after(room, monkeypatch):
    """The disk takes no more than `room` bytes of each file."""
    FullDisk.room = room
    with monkeypatch.context() as patch:
        patch.setattr(files, "open", full_disk, raising=False)
        yield


def unchanged(chosen, path):
    return chosen.versions(path) == {1.0} and [p.name for p in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_a_full_disk_leaves_the_old_file_and_says_so(saved, fraction, monkeypatch):
    chosen, path = saved
    with full_after(int(path.stat().st_size * fraction), monkeypatch), pytest.raises(OSError, match="No space left"):
        chosen.save(path, 2.0)
    assert unchanged(chosen, path)
    chosen.save(path, 3.0)
    assert chosen.versions(path) == {3.0}


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_a_limit_of_file_sizes_leaves_the_old_file_and_says_so(saved, fraction):
    resource = pytest.importorskip("resource")
    chosen, path = saved
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * fraction), hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            chosen.save(path, 2.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert unchanged(chosen, path)


@pytest.mark.parametrize("room", [0, 1_000, 100_000])
@pytest.mark.parametrize("name", ["folder", "w.weights.json"])
def test_a_full_disk_leaves_nothing_of_a_save_into_several_files(name, room, tmp_path, monkeypatch):
    chosen, path = savers.EVERY[name], tmp_path / name
    chosen.save(path, 1.0)
    before = sorted(tmp_path.rglob("*"))
    largest = max(each.stat().st_size for each in before if each.is_file())
    with full_after(min(room, largest // 2), monkeypatch), pytest.raises(OSError, match="No space left"):
        chosen.save(path, 2.0)
    assert chosen.versions(path) == {1.0}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_at_the_end_leaves_the_old_file(saved, call, monkeypatch):
    chosen, path = saved

    def fail(*args):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="Input/output error"):
            chosen.save(path, 2.0)
    assert unchanged(chosen, path)


def test_control_c_while_saving_leaves_the_old_file(saved, monkeypatch):
    chosen, path = saved

    def interrupt(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            chosen.save(path, 2.0)
    assert unchanged(chosen, path)


def test_a_file_in_use_is_tried_again_where_files_in_use_cannot_be_replaced(tmp_path, monkeypatch):
    """As on Windows, where a file that somebody reads can't be replaced."""
    new, old = tmp_path / "new", tmp_path / "old"
    new.write_text("new")
    old.write_text("old")
    waits: list[float] = []
    replace, left = os.replace, [3]

    def busy(source, target):
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", busy)
    monkeypatch.setattr(files, "_BUSY_FILES_STAY", True)
    monkeypatch.setattr(files.time, "sleep", waits.append)
    files.put_in_place(str(new), str(old))
    assert old.read_text() == "new"
    assert len(waits) == 3
    new.write_text("newer")
    left[0] = 1000
    with pytest.raises(PermissionError, match=r"another program has it open.*close it there, or save under another"):
        files.put_in_place(str(new), str(old))
    assert old.read_text() == "new"
