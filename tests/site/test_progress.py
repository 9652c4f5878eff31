"""What is said while the site is made."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tools.site import progress


def test_while_something_takes_its_time_the_others_are_counted(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.001)
    said: list[str] = []
    told = threading.Event()

    def tell(line: str) -> None:
        said.append(line)
        if line == "names: 5 of 8":
            told.set()

    def make(thing: str) -> str:
        assert thing != "slow" or told.wait(60)
        return thing.upper()

    with ThreadPoolExecutor(2) as pool:
        made = progress.counted(
            pool, make, ["slow", "a", "abcd"], "names", lambda thing: 3 if thing == "slow" else len(thing), tell
        )
    assert made == ["SLOW", "A", "ABCD"]
    assert said[-2:] == ["names: 5 of 8", "names: 8 of 8"]
    assert len(said) == len(set(said))  # though nothing was done for many turns


def test_what_fails_is_told_and_what_is_quick_needs_no_words(capsys):
    with ThreadPoolExecutor(1) as pool:
        assert progress.counted(pool, str, [1, 2], "pages") == ["1", "2"]
        with pytest.raises(ZeroDivisionError):
            progress.counted(pool, lambda n: 1 // n, [0], "pages")
    assert capsys.readouterr().out == ""
