"""What a rank says when others don't come, and of itself."""

from __future__ import annotations

import json
import os
import sys
from types import SimpleNamespace

import pytest

from eagerflow.distribution.runtime import faults
from eagerflow.distribution.runtime.faults import place, place_of, set_timeout, status, tell, wait


class Control:
    """As much of mpi4py's communicator as a rank asks others by; `replies` come once it has asked."""

    def __init__(self, rank: int, size: int, replies: list, messages: list) -> None:
        self.rank, self.size, self.replies, self.messages, self.sent = rank, size, replies, messages, []

    def isend(self, value, to, tag):
        self.sent.append((to, value))
        self.messages += [reply for reply in self.replies if reply[0] == to and value[3]]

    def improbe(self, tag):
        return SimpleNamespace(recv=lambda: self.messages.pop(0)) if self.messages else None


class Ended(Exception):
    pass


@pytest.mark.parametrize(
    ("rank", "answers", "kind", "subject", "said"),
    [
        (
            0,
            [(2, "the barrier", "train.py:9", False)],
            "silent",
            "rank 1 of 3 (host b, pid 5)",
            "in which ranks 0, 2 waited",
        ),
        (0, [], "silent", "ranks 1, 2 of 3", "did not come to the barrier of step 4 of fit, in which rank 0 waited"),
        (2, [(0, "the barrier", "train.py:9", False)], "echo", None, "waited 0.01 s in the barrier of step 4 of fit"),
        (
            0,
            [(1, "the broadcast", "a:1", True), (2, "the barrier", "a:2", False)],
            "late",
            "all ranks",
            "rank 1 in the broadcast, at",
        ),
    ],
)
def test_after_the_timeout_ranks_that_do_not_wait_are_named(monkeypatch, rank, answers, kind, subject, said):
    def fail(kind, cause, where="", subject=None, guilty=None):
        raise Ended(kind, cause, subject, guilty)

    ranks = SimpleNamespace(rank=rank, size=3, hosts=["a", "b", "a"], processes=[4, 5, 6])
    monkeypatch.setattr(faults, "fail", fail)
    monkeypatch.setattr(faults, "_ANSWERS", 0.01)
    monkeypatch.setattr(faults, "_LONG", 0.0)
    monkeypatch.setattr(faults, "world", SimpleNamespace(communicator=ranks))
    for name, value in {"timeout": 0.01, "doing": ("fit", 4), "control": Control(rank, 3, answers, [])}.items():
        monkeypatch.setattr(status, name, value)
    with pytest.raises(Ended) as ended:
        wait(lambda: False, "barrier")
    found_kind, cause, found_subject, _ = ended.value.args
    assert (found_kind, found_subject) == (kind, subject)
    assert said in cause


def test_a_rank_that_waits_tells_those_that_ask(monkeypatch):
    monkeypatch.setattr(faults, "_LONG", 0.0)
    monkeypatch.setattr(status, "control", control := Control(1, 3, [], [(2, "the barrier", "a:1", True)]))
    wait(lambda: bool(control.sent), "barrier")
    ((to, (rank, words, line, _)),) = control.sent
    assert (to, rank, words) == (2, 1, "the barrier")
    assert line.startswith(os.path.relpath(__file__))


def test_places_are_lines_of_the_user():
    assert place(sys._getframe()).startswith(os.path.relpath(__file__))
    with pytest.raises(ValueError, match="invalid literal") as caught:
        json.loads("1", parse_int=lambda text: int("x"))
    assert place_of(caught.value.__traceback__).endswith(" in <lambda>")
    with pytest.raises(ValueError, match="Expecting") as caught:
        json.loads("{")
    assert place_of(caught.value.__traceback__).endswith("in test_places_are_lines_of_the_user")


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
