"""`model.save` asks no other rank: whoever calls it writes the file, whole, and can read it at once."""

from __future__ import annotations

import numpy as np

import eagerflow as ef
from eagerflow.distribution import DataParallel, rank


def saved_by(which: tuple[int, ...], folder: str) -> list[float] | None:
    with DataParallel().scope():
        model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
        model.compile("adam", "mse")
    x = np.arange(24, dtype="float32").reshape(8, 3) / 24
    model.fit(x, x[:, :2], batch_size=8, epochs=2, verbose=0)
    if rank() not in which:
        return None
    model.save(f"{folder}/model.keras")
    model.save_weights(f"{folder}/model.weights.h5")
    return ef.models.load_model(f"{folder}/model.keras").get_weights()[0].ravel().tolist()


def test_any_rank_may_save_alone(ranks, tmp_path):
    first, second = ranks(2, saved_by, (1,), str(tmp_path))
    assert first is None
    assert second is not None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras", "model.weights.h5"]


def test_all_ranks_may_save_under_one_name_and_load_what_they_saved(ranks, tmp_path):
    first, second = ranks(2, saved_by, (0, 1), str(tmp_path))
    assert first == second
    assert len(list(tmp_path.iterdir())) == 2  # nothing is left of what was written beside
