"""Recordings that several tests look at."""

from __future__ import annotations

import pytest

import viz
from tests.viz.nets import Trainer, mlp


@pytest.fixture(scope="session")
def steps() -> viz.Recording:
    """Two training steps of a small MLP, everything measured."""
    trainer = Trainer()
    trainer.step()
    with viz.trace("steps", stats="full") as t:
        trainer.step()
        trainer.step()
    return t


@pytest.fixture(scope="session")
def deep() -> viz.Recording:
    """One training step of a model with twelve equal hidden layers."""
    trainer = Trainer(mlp("deep", 13))
    trainer.step()
    with viz.trace() as t:
        trainer.step()
    return t
