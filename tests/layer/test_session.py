"""Sources of symbolic tensors."""

from __future__ import annotations

import pytest

import eagerflow as ef
from eagerflow import backend, utils


def test_sources_in_the_order_they_were_made():
    a, b, unused = ef.Input((3,), name="a"), ef.Input((3,), name="b"), ef.Input((3,), name="unused")
    shared = ef.layers.Dense(3)
    y = ef.layers.add([shared(shared(b)), a * 2, b])
    found = utils.get_source_inputs(y)
    assert [x.name for x in found] == ["a", "b"]
    assert ef.Model(found, y)([ef.ops.ones((1, 3)), ef.ops.ones((1, 3))]).shape == (1, 3)
    assert [x.name for x in utils.get_source_inputs([y, unused])] == ["a", "b", "unused"]
    assert utils.get_source_inputs(a)[0] is a


def test_a_real_tensor_has_no_sources():
    assert not utils.is_keras_tensor(ef.ops.ones(2))
    with pytest.raises(TypeError, match="got Tensor"):
        utils.get_source_inputs(ef.ops.ones(2))


def test_names_begin_anew():
    backend.clear_session()
    first = ef.layers.Dense(1).name
    utils.clear_session(free_memory=False)
    assert ef.layers.Dense(1).name == first == "dense"
