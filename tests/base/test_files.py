"""Files that are replaced, archives under a wrong clock, and the folder of settings."""

from __future__ import annotations

import os
import stat
import time

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow.base import files
from eagerflow.compiled import choice
from viz.replay import kept
from viz.replay.file import write as write_steps

NOTHING_KEPT = kept.Kept({}, [], [], [], [np.ones(2)], {}, {}, [])
posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("wanted", [0o600, 0o640, 0o664])
def test_a_temporary_file_is_never_readable_by_more_people_than_the_file_that_it_replaces(tmp_path, wanted, umask):
    path = tmp_path / "private.keras"
    path.write_bytes(b"old")
    path.chmod(wanted)
    before = os.umask(umask)
    try:
        with files.replacing(path) as file:
            assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) & ~wanted == 0
            file.write(b"new")
    finally:
        os.umask(before)
    assert (path.read_bytes(), mode(path)) == (b"new", wanted)


@posix
def test_recorded_steps_are_for_their_owner_alone_even_over_a_file_that_others_read(tmp_path):
    path = tmp_path / "run.efr"
    path.touch(0o644)
    write_steps(NOTHING_KEPT, path)
    assert mode(path) == 0o600


@pytest.fixture
def clock_of_1970(monkeypatch):
    real = time.localtime
    monkeypatch.setattr(time, "localtime", lambda seconds=0.0: real(seconds))


def test_a_clock_before_1980_keeps_no_model_from_being_saved(tmp_path, clock_of_1970):
    model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)])
    model.save(tmp_path / "m.keras")
    found = ef.models.load_model(tmp_path / "m.keras").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(found, model.get_weights(), strict=True))


def test_a_clock_before_1980_keeps_no_recording_from_being_saved(tmp_path, clock_of_1970):
    with viz.trace(values=".") as recorded:
        ef.ops.negative(ef.Tensor([1.0, 2.0]))
    recorded.save(tmp_path / "t.efz")
    assert [v.tolist() for v in viz.load(tmp_path / "t.efz").values.values()] == [[1.0, 2.0], [-1.0, -2.0]]
    write_steps(NOTHING_KEPT, tmp_path / "t.efr")


@posix
def test_a_umask_for_groups_makes_no_folder_of_settings_that_others_may_write_to(tmp_path, monkeypatch):
    monkeypatch.setenv("EAGERFLOW_HOME", str(tmp_path / "home"))
    before = os.umask(0o002)
    try:
        choice.mark(True)
    finally:
        os.umask(before)
    assert mode(tmp_path / "home") == 0o755
