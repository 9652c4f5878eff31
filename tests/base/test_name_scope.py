"""Prefixes of paths."""

from __future__ import annotations

import pytest

import eagerflow as ef


def test_paths_begin_with_the_names_around():
    with ef.name_scope("outer"), ef.name_scope("inner"):
        variable = ef.Variable(1.0, name="v")
        layer = ef.layers.Dense(1, name="dense")
        layer.build((None, 2))
    assert (variable.name, variable.path) == ("v", "outer/inner/v")
    assert (layer.path, layer.kernel.path) == ("outer/inner/dense", "outer/inner/dense/kernel")
    assert ef.Variable(1.0, name="v").path == "v"


def test_a_block_of_the_same_caller_adds_nothing():
    caller = object()
    with ef.name_scope("a", caller=caller):
        with ef.name_scope("a", caller=caller):
            assert ef.Variable(1.0, name="v").path == "a/v"
        with ef.name_scope("a", caller=caller, deduplicate=False):
            assert ef.Variable(1.0, name="v").path == "a/a/v"
        with ef.name_scope("b", override_parent="x/y"):
            assert ef.Variable(1.0, name="v").path == "x/y/b/v"
        assert ef.Variable(1.0, name="v").path == "a/v"


@pytest.mark.parametrize("name", ["a/b", None])
def test_names_are_texts_without_slashes(name):
    with pytest.raises(ValueError, match="expected a text without '/'"):
        ef.name_scope(name)
