"""The pool shares work, survives errors and forks, and leaves the user's BLAS threads as they were."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import eagerflow as ef
from eagerflow.kernels.machine import blas, cpus
from eagerflow.kernels.machine.scratch import LARGEST
from eagerflow.kernels.machine.threads import each, one_blas_thread, scratch


@pytest.fixture(autouse=True)
def _number_of_threads_as_before():
    before = ef.get_num_threads()
    yield
    ef.set_num_threads(before)


def in_a_process_of_its_own(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(ef.__file__).parents[1]), **environment},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_each_call_is_made_once(threads, count):
    ef.set_num_threads(threads)
    seen = []
    each(seen.append, count)
    assert sorted(seen) == list(range(count))


def test_caller_and_workers_work_at_the_same_time():
    ef.set_num_threads(3)
    meeting, names = threading.Barrier(3, timeout=30), set()

    def meet(i):
        names.add(threading.current_thread().name)
        meeting.wait()

    each(meet, 3)
    assert len(names) == 3
    assert threading.current_thread().name in names


def test_little_work_stays_with_the_caller():
    ef.set_num_threads(4)
    names = set()
    each(lambda i: names.add(threading.current_thread().name), 20, microseconds=10)
    assert names == {threading.current_thread().name}


def test_each_inside_of_each_runs_where_it_is_called():
    ef.set_num_threads(2)
    pairs = []

    def outer(i):
        thread = threading.current_thread()
        each(lambda j: pairs.append((i, j, threading.current_thread() is thread)), 3)

    each(outer, 4)
    assert sorted(pairs) == [(i, j, True) for i in range(4) for j in range(3)]


@pytest.mark.parametrize("threads", [1, 2])
def test_the_first_error_comes_out_and_the_pool_works_on(threads):
    ef.set_num_threads(threads)

    def fail(i):
        if i >= 3:
            raise ZeroDivisionError(f"piece {i}")

    for _ in range(20):
        with pytest.raises(ZeroDivisionError, match="piece 3"):
            each(fail, 4)
    seen = []
    each(seen.append, 5)
    assert sorted(seen) == list(range(5))


def test_workers_see_the_callers_context():
    ef.set_num_threads(2)
    setting = contextvars.ContextVar("setting", default="none")
    setting.set("mine")
    meeting, seen = threading.Barrier(2, timeout=30), []

    def look(i):
        meeting.wait()
        seen.append(setting.get())
        np.zeros(2) / 0  # NumPy's error state is the caller's

    with np.errstate(invalid="ignore"):
        each(look, 2)
    assert seen == ["mine", "mine"]
    with np.errstate(invalid="raise"), pytest.raises(FloatingPointError):
        each(look, 2)


def test_several_threads_of_the_program_share_the_pool():
    ef.set_num_threads(2)
    sums = [0] * 4

    def use(k):
        for _ in range(50):
            found = [0] * 5
            each(lambda i, found=found: found.__setitem__(i, i), 5)
            sums[k] += sum(found)

    users = [threading.Thread(target=use, args=(k,)) for k in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert sums == [500] * 4


def test_products_run_on_one_thread_inside_and_as_before_outside():
    read, write = one_blas_thread.find()
    before = read()
    try:
        write(2)
        inside = []
        each(lambda i: inside.append(read()), 3)
        with one_blas_thread, one_blas_thread:
            inside += [read(), blas.blas_threads() - 1]
        assert inside == [1] * 5
        assert (read(), blas.blas_threads()) == (2, 2)
    finally:
        write(before)


def test_blas_threads_are_restored_after_an_error():
    read, write = one_blas_thread.find()
    before = read()
    try:
        write(2)
        with pytest.raises(KeyError):
            each({}.__getitem__, 1)
        assert read() == 2
    finally:
        write(before)


def test_another_blas_is_set_through_threadpoolctl():
    read, write = blas._through_threadpoolctl()
    before = read()
    try:
        write(1)
        assert read() == one_blas_thread.find()[0]() == 1
    finally:
        write(before)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_pool_works_in_the_child_of_a_fork():
    code = """
import os, warnings
import eagerflow as ef
from eagerflow.kernels.machine.threads import each
warnings.simplefilter("ignore")  # newer Pythons warn of threads before a fork
ef.set_num_threads(2)
import threading
def meet():
    meeting = threading.Barrier(2, timeout=30)
    each(lambda i: meeting.wait(), 2)
meet()
child = os.fork()
meet()
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert in_a_process_of_its_own(code) == "7"


def test_environment_sets_the_number_of_threads():
    code = "import eagerflow as ef; print(ef.get_num_threads())"
    assert in_a_process_of_its_own(code, EAGERFLOW_NUM_THREADS="5") == "5"
    failing = "import eagerflow as ef\ntry: ef.get_num_threads()\nexcept ValueError as e: print(e)"
    found = in_a_process_of_its_own(failing, EAGERFLOW_NUM_THREADS="many")
    assert found == "EAGERFLOW_NUM_THREADS='many': expected an integer of at least 1, the number of threads."


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_wrong_numbers_of_threads_are_refused(wrong):
    with pytest.raises(ValueError, match=r"set_num_threads\(count=.*expected an integer of at least 1"):
        ef.set_num_threads(wrong)


def test_default_is_one_thread_per_usable_cpu(tmp_path, monkeypatch):
    monkeypatch.delenv("EAGERFLOW_NUM_THREADS", raising=False)
    ef.set_num_threads(None)
    assert ef.get_num_threads() == cpus.usable_cpus() <= (os.cpu_count() or 1)
    for text, expected in (("50000 100000", 1), ("max 100000", None), ("nonsense", None)):
        quota = tmp_path / "cpu.max"
        quota.write_text(text, encoding="ascii")
        monkeypatch.setattr(cpus, "_QUOTA", tmp_path / "nothing")
        alone = cpus.usable_cpus()
        monkeypatch.setattr(cpus, "_QUOTA", quota)
        assert cpus.usable_cpus() == (expected or alone)


def test_scratch_is_kept_by_name_and_by_thread():
    a = scratch("test", (4, 3), "float32")
    a[...] = 1
    b = scratch("test", (2, 3), np.float64)
    assert np.shares_memory(a, b)
    assert not np.shares_memory(b, scratch("test other", (2,), "float32"))
    assert b.ctypes.data % 64 == 0
    assert b.flags.c_contiguous
    elsewhere = []
    thread = threading.Thread(target=lambda: elsewhere.append(scratch("test", (4, 3), "float32")))
    thread.start()
    thread.join()
    assert not np.shares_memory(a, elsewhere[0])


def test_scratch_keeps_a_bounded_number_of_bytes():
    large = scratch("test large", (LARGEST + 1,), "uint8")
    assert not np.shares_memory(large, scratch("test large", (LARGEST + 1,), "uint8"))
    for i in range(10):
        scratch(f"test {i}", (LARGEST // 2,), "uint8")
    from_now = {id(scratch(f"test {i}", (1,), "uint8").base) for i in range(10)}
    assert len(from_now) == 10
    assert scratch("test empty", (0, 5), "float32").shape == (0, 5)


def test_workers_that_come_late_do_no_harm():
    """Many short tasks for many workers: most wake up when all is done."""
    ef.set_num_threads(8)
    for count in range(2, 400):
        found = [0] * (count % 9)
        each(lambda i, found=found: found.__setitem__(i, i + 1), len(found))
        assert found == list(range(1, len(found) + 1))


def test_a_system_without_threads_leaves_all_work_to_the_caller():
    code = """
import threading
import eagerflow as ef
from eagerflow.kernels.machine.threads import each
def refuse(self):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
ef.set_num_threads(4)
found = []
each(found.append, 5)
print(found)
"""
    assert in_a_process_of_its_own(code) == "[0, 1, 2, 3, 4]"
