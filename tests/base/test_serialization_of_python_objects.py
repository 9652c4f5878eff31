"""Ellipsis, slices and bytes go into configurations and come back."""

from __future__ import annotations

import json

import pytest

from eagerflow.saving import deserialize_keras_object, serialize_keras_object


@pytest.mark.parametrize("value", [..., b"hello", slice(None, 20, 2), [slice(1), ..., b""]])
def test_there_and_back(value):
    assert deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(value)))) == value
