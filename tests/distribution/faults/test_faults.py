"""What rank 0 makes of what it hears, and what a rank says of itself."""

from __future__ import annotations

import json
import os
import sys
import threading

import pytest

from eagerflow.distribution.runtime import faults
from eagerflow.distribution.runtime.communicator import SingleProcess
from eagerflow.distribution.runtime.faults import (
    counted,
    meeting,
    place,
    place_of,
    set_timeout,
    status,
    tell,
    together,
    waiting,
)
from eagerflow.distribution.runtime.watch import Seen, judge

BUSY = Seen(5, "barrier", place="train.py:9 in load")
WAITING = Seen(6, "all_reduce", "the all-reduce of gradients of step 3", 1.0, "train.py:20")
LEFT = {"what": "fit", "cause": "ValueError: no rows", "where": "train.py:9", "number": 1}


@pytest.mark.parametrize(
    ("seen", "kind", "guilty", "said"),
    [
        ([WAITING, BUSY], None, None, ""),
        ([BUSY, BUSY], None, None, ""),
        ([WAITING, BUSY._replace(ended="train.py:57")], "ended", (1,), "while rank 0 waits in the all-reduce of grad"),
        ([WAITING, WAITING._replace(waited=0.1), BUSY._replace(ended="x")], "ended", (2,), "while ranks 0, 1 wait in"),
        ([WAITING._replace(entered=5), BUSY._replace(ended="x")], None, None, ""),  # it may still be on its way
        ([WAITING._replace(entered=5, waited=9.0), BUSY._replace(ended="x")], "ended", (1,), "while rank 0 waits"),
        ([WAITING, BUSY._replace(left=LEFT)], "raised", (1,), "ValueError: no rows ended fit here while rank 0 waits"),
        ([BUSY._replace(left=LEFT), BUSY._replace(left=LEFT)], None, None, ""),
        ([BUSY, BUSY._replace(silent=11.0)], "silent", (1,), "nothing was heard for 11 s"),
        ([WAITING, BUSY._replace(silent=11.0)], "silent", (1,), "Python's lock; rank 0 waits in the all-reduce"),
        ([WAITING._replace(waited=10.5), BUSY], "late", (1,), "did not come to the all-reduce of gradients of step 3"),
        ([WAITING._replace(waited=10.5), BUSY._replace(silent=6.0)], "silent", (1,), "nothing was heard for 6 s"),
        ([WAITING._replace(waited=10.5)] * 2, "late", (0,), "all ranks have waited 10 s"),
        ([WAITING, WAITING._replace(call="barrier", waiting="barrier")], "late", (1,), "waits in the barrier while"),
        ([WAITING, WAITING._replace(call="barrier", entered=7)], None, None, ""),  # it is one further: it will be told
    ],
)
def test_rank_0_finds_who_is_the_cause(seen, kind, guilty, said):
    verdict = judge(seen, timeout=10)
    if kind is None:
        assert verdict is None
    else:
        assert (verdict.kind, verdict.guilty) == (kind, guilty)
        assert said in verdict.cause


def test_those_who_are_late_are_named_with_where_they_are():
    late = BUSY._replace(place="train.py:30 in augment")
    verdict = judge([WAITING._replace(waited=11), BUSY, late], 10, ["a", "b", "c"])
    assert verdict.guilty == (1, 2)
    assert verdict.where == "train.py:9 in load"
    assert verdict.cause.endswith("in which rank 0 waited 10 s; rank 2 (host c) is at train.py:30 in augment")


def test_what_is_waited_for_is_named_by_the_outer_block():
    communicator, heard = counted(SingleProcess()), []
    before = status.entered
    communicator.gather_objects = lambda call=communicator.gather_objects: heard.append(status.waited[0]) or call(1)
    with waiting("the gradients of step", 120):
        communicator.gather_objects()
        with waiting("the sum of the losses"):
            communicator.gather_objects()
    with meeting("the window"):
        assert status.call == "the window"
        communicator.gather_objects()
    assert heard == ["the gradients of step 120", "the sum of the losses", "the window"]
    assert status.waited == ("", 0.0)
    assert status.entered - before == 4
    assert status.call == "gather_objects"


def test_a_loop_tells_its_step(monkeypatch):
    monkeypatch.setattr(status, "doing", ("fit", 120))
    with waiting("the all-reduce of gradients"):
        assert status.waited[0] == "the all-reduce of gradients of step 120 of fit"


def test_a_call_without_a_name_is_named_by_itself():
    heard = []

    class Listening(SingleProcess):
        def barrier(self) -> None:
            heard.append(status.waited[0])

    counted(Listening()).duplicate().barrier()
    assert heard == ["barrier"]


def test_every_thread_waits_for_itself():
    with waiting("the first"):
        thread = threading.Thread(target=lambda: waiting("the second").__enter__())
        thread.start()
        thread.join()
        assert status.waited[0] == "the first"
        status.waits.pop(thread.ident)


def test_places_are_lines_of_the_user():
    assert place(sys._getframe()).startswith(os.path.relpath(__file__))
    with pytest.raises(ValueError, match="invalid literal") as caught:
        json.loads("1", parse_int=lambda text: int("x"))
    assert place_of(caught.value.__traceback__).endswith(" in <lambda>")
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert place_of(caught.value.__traceback__).endswith("in test_places_are_lines_of_the_user")


def test_an_exception_of_one_rank_waits_until_it_is_known_what_the_others_do(monkeypatch):
    asked = []
    monkeypatch.setattr(status, "asked", asked.append)
    with pytest.raises(ValueError, match="no rows"), together("fit"):
        raise ValueError("no rows")
    assert [(a["what"], a["cause"]) for a in asked] == [("fit", "ValueError: no rows")]
    assert asked[0]["where"].startswith(os.path.relpath(__file__))
    for error in (KeyboardInterrupt, SystemExit):
        with pytest.raises(error), together("fit"):
            raise error
    assert len(asked) == 1


def test_what_is_told_fits_into_one_write(monkeypatch):
    reading, writing = os.pipe()
    monkeypatch.setattr(status, "channel", writing)
    tell("record", cause="x" * 10_000, where="train.py:1")
    told = os.read(reading, 65_536)
    assert len(told) < 4096
    assert json.loads(told)["where"] == "train.py:1"
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(("variable", "given", "expected"), [("", 5, 5.0), ("7.5", 600, 7.5)])
def test_the_variable_goes_before_what_the_script_says(monkeypatch, variable, given, expected):
    monkeypatch.setenv("EAGERFLOW_TIMEOUT", variable)
    monkeypatch.setattr(status, "timeout", 600.0)
    assert set_timeout(given) == status.timeout == expected


@pytest.mark.parametrize(("variable", "given"), [("", 0), ("", "soon"), ("soon", 600), ("", float("nan"))])
def test_a_timeout_is_a_positive_number(monkeypatch, variable, given):
    monkeypatch.setenv("EAGERFLOW_TIMEOUT", variable)
    monkeypatch.setattr(status, "timeout", 600.0)
    with pytest.raises(ValueError, match="expected a positive number of seconds"):
        set_timeout(given)


def test_nothing_watches_a_process_that_is_alone():
    assert status.asked is None
    assert not getattr(sys.excepthook, "of_ranks", False)
    assert faults.who() == f"the process {os.getpid()}" or "rank 0 of 1" in faults.who()
