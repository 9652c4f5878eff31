"""Layers have the same names whatever ran before, so that titles are of one width and boxes stand where they stood."""

from __future__ import annotations

import pytest

import eagerflow as ef


@pytest.fixture(autouse=True)
def counted_names_anew():
    ef.backend.clear_session()
