"""The benchmarks run: every workload trains and predicts, tables show the right ratios."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

from benchmarks import growth, page, report
from benchmarks.rotation import Figures, rotate
from benchmarks.workloads.by_eagerflow import Eagerflow
from benchmarks.workloads.data import WORKLOADS

PARAMETERS = {
    "mlp": 669_706, "tiny": 3265, "convnet": 1_199_882, "lstm": 328_353, "gru": 326_369, "bidirectional": 332_737,
    "resnet": 224_394, "mobilenet": 67_914, "transformer": 752_833, "autoencoder": 74_497, "conv3d": 14_634,
}  # fmt: skip


def small(name: str):
    return dataclasses.replace(WORKLOADS[name], batch=2, steps=2)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_trains_and_predicts(name):
    runner = Eagerflow(small(name))
    assert runner.parameters() == PARAMETERS[name]
    before = [v.numpy() for v in runner.model.trainable_variables]
    runner.fit()
    runner.train(1)
    assert all((v.numpy() != b).any() for v, b in zip(runner.model.trainable_variables, before))
    runner.infer(1)
    found = runner.predict()
    assert len(found) == 4
    assert np.isfinite(found).all()


def test_every_process_has_the_same_data():
    first, second = small("lstm").arrays(), small("lstm").arrays()
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def figures(*seconds: float, parameters: int = 10) -> Figures:
    found = Figures(parameters=parameters, memory=1 << 20)
    found.times["fit"] = list(seconds)
    return found


RESULTS = {
    "mlp": {"eagerflow": figures(1.0, 2.0, 3.0), "torch": figures(4.0, 4.0, 4.0)},
    "gru": {"eagerflow": figures(1.0, 8.0, 9.0), "torch": figures(1.0, 1.0, 1.0)},
}


def test_ratios_are_ours_over_theirs():
    found = RESULTS["mlp"]
    assert report.ratio(found, "torch", "fit") == 0.5
    assert report.ratio(found, "torch", "fit", "best") == 0.25
    assert report.ratio(found, "torch", "train") is None
    assert report.ratio(found, "keras-jax", "fit") is None


def test_the_table_ends_with_geometric_means():
    lines = report.ratio_table(RESULTS, ["torch", "torch-compile", "keras-jax"]).splitlines()
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "mlp",
        "fit",
        "0.25 / 0.50",
        "",
        "",
        "0.8",
    ]
    assert [cell.strip() for cell in lines[-1].split("|")[1:-1]] == [
        "geometric mean",
        "fit",
        "2.00",
        "",
        "",
        "",
    ]
    assert len({len(line) for line in lines}) == 1


def test_the_fastest_backend_of_keras_has_a_column():
    found = {"mlp": {"eagerflow": figures(4.0), "keras-jax": figures(2.0), "keras-torch": figures(8.0)}}
    lines = report.ratio_table(found, ["keras-jax", "keras-torch"]).splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[4:6]] == ["keras-torch", "best Keras"]
    assert [cell.strip() for cell in lines[2].split("|")[3:6]] == ["2.00 / 2.00", "0.50 / 0.50", "2.00"]


def test_unlike_models_and_errors_are_told():
    found = {
        "mlp": {"eagerflow": figures(1.0), "torch": figures(parameters=11), "keras-jax": Figures(error="no")}
    }
    assert report.failures(found) == [
        "keras-jax, mlp: no",
        "mlp: unlike models: {'eagerflow': 10, 'torch': 11}",
    ]


def test_the_page_shows_losses_too():
    text = page.page({"processor": "X"}, {"one core": RESULTS}, {}, ["torch"], {"Growth": "1, 1"})
    assert "- processor: X" in text
    assert "1.00 / 8.00" in text
    assert "images/growth.svg" in text


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_exponents_are_fitted_to_the_larger_half(power):
    points = [(1.0, 100.0), (2.0, 100.0), *[(float(n), 3 * n**power) for n in (10, 100, 1000)]]
    assert growth.exponent(points) == pytest.approx(power)


@pytest.mark.slow
def test_a_contender_answers_from_its_own_process():
    found = rotate(small("tiny"), {"eagerflow": sys.executable}, None, 0.0, ["train", "predict"])
    assert found["eagerflow"].error is None
    assert found["eagerflow"].parameters == PARAMETERS["tiny"]
    assert len(found["eagerflow"].times["train"]) >= 3
    assert min(found["eagerflow"].times["predict"]) > 0
