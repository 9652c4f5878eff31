"""Source is read as a tree whatever other threads do meanwhile."""

from __future__ import annotations

import ast
import threading
import time

import pytest

from viz.source_trees import parsed_source


def test_a_tree_that_python_gave_up_for_another_thread_is_made_again(monkeypatch):
    parse, calls = ast.parse, []

    def disturbed(source):
        calls.append(source)
        if len(calls) < 3:
            raise SystemError("AST constructor recursion depth mismatch (before=192, after=52)")
        return parse(source)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert ast.unparse(parsed_source("x = 1")) == "x = 1"


def test_threads_make_their_trees_one_after_the_other(monkeypatch):
    inside, most = [], []

    def slow(source):
        inside.append(source)
        most.append(len(inside))
        time.sleep(0.002)
        inside.pop()

    monkeypatch.setattr(ast, "parse", slow)
    threads = [threading.Thread(target=parsed_source, args=(f"x = {i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4


def test_what_is_no_python_says_so():
    with pytest.raises(SyntaxError):
        parsed_source("x = = 1")
