"""Public names, each once, and how many of them show an example that runs."""

from __future__ import annotations

from tools.site.examples import counts, report
from tools.site.names import catalogue

# What is without an example. It only ever becomes less: lower it with every example that you write.
WITHOUT = 41


def test_public_names_show_examples_that_run():
    without = [one.path for one in catalogue() if not one.has_example]
    assert len(without) <= WITHOUT, report(catalogue())


def test_an_object_is_listed_once_by_its_shortest_and_own_name():
    found = {one.path: one for one in catalogue()}
    assert "eagerflow.ops.numpy.add" in found["eagerflow.ops.add"].aliases
    assert "eagerflow.layers.Layer" in found["eagerflow.Layer"].aliases
    assert "eagerflow.metrics.mean_squared_error" in found["eagerflow.losses.mean_squared_error"].aliases
    assert len({id(one.value) for one in found.values()}) == len(found)


def test_every_public_name_has_a_docstring():
    assert [one.path for one in catalogue() if not one.doc] == []


def test_examples_are_counted_by_module():
    dense, *_ = [one for one in catalogue() if one.path == "eagerflow.layers.Dense"]
    bare = dense._replace(path="eagerflow.layers.Bare", value=type("Bare", (), {"__doc__": ">>> 1  # doctest: +SKIP"}))
    assert counts([dense, bare]) == {"eagerflow.layers": (1, 2)}
    assert report([dense, bare]).splitlines()[-1].split() == ["Bare"]
