"""What a package says that it has."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from eagerflow import layers
from eagerflow.base.faces import listed
from eagerflow.core.tensor import Tensor


def test_a_face_lists_what_is_ours_and_no_underscore_hides(monkeypatch):
    face = ModuleType("face")
    face.__dict__.update(Tensor=Tensor, _hidden=Tensor, ModuleType=ModuleType, sys=sys, later=0)
    monkeypatch.setitem(sys.modules, "face", face)
    assert listed("face", "later") == ["Tensor", "later"]
    assert dir(face) == face.__all__ == ["Tensor", "later"]


def test_a_layer_that_does_not_exist_is_named_with_the_nearest():
    with pytest.raises(AttributeError, match=r"no attribute 'Resising'.*'Resizing'"):
        layers.Resising  # noqa: B018
    assert not hasattr(layers, "__wrapped__")
