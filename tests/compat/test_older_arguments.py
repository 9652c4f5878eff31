"""Arguments and methods of Keras 1 and 2, which eagerflow's own classes take beside the present ones."""

from __future__ import annotations

from eagerflow import layers


def test_an_empty_name_is_no_name():
    """Keras 2 tutorials write super().__init__(name="") in their blocks."""
    assert layers.Dense(1, name="").name.startswith("dense")
