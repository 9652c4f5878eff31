"""Random models come out of files, configurations and copies as they went in; `make differential` has others."""

from __future__ import annotations

import numpy as np
import pytest

import eagerflow as ef
from tools.differential import graphs, round_trips

pytestmark = pytest.mark.filterwarnings("ignore:.*with a mask, which it neither uses nor passes on")


def found(seed):
    graph = graphs.random_graph(seed)
    begun = round_trips.Begun(graph, seed, ef)
    trips = {way: round_trips.trip(begun, way, ef) for way in round_trips.WAYS}
    wrong = {way: why for way, why in trips.items() if why is not None}
    return f"{wrong}\n{graphs.describe(graph)}" if wrong else ""


@pytest.mark.parametrize("seed", range(24))
def test_a_model_stays_the_same(seed):
    assert found(seed) == ""


@pytest.mark.slow
@pytest.mark.parametrize("group", range(10))
def test_hundreds_of_models_stay_the_same(group):
    for seed in range(100 + 30 * group, 130 + 30 * group):
        assert found(seed) == "", seed


def test_the_graphs_have_everything_that_is_promised():
    drawn = [graphs.random_graph(seed) for seed in range(60)]
    layers = [layer for graph in drawn for layer in graph["layers"]]
    assert {"Functional", "Sequential", "TimeDistributed", "LSTM", "MultiHeadAttention"} <= {x["class"] for x in layers}
    ends = [x[k] for x in layers if x["class"] == "Functional" for k in ("takes", "gives")]
    assert {type(end) for end in ends} == {str, list, dict, tuple}
    calls = [[s["call"] for s in x["steps"]] for x in layers if x["class"] == "Functional"]
    assert any(len({*numbers}) < len(numbers) for numbers in calls)
    assert any(isinstance(call, str) for numbers in calls for call in numbers)


def test_a_seed_makes_the_same_graph():
    assert graphs.random_graph(5) == graphs.random_graph(5)
    assert graphs.random_graph(5) != graphs.random_graph(6)


def test_what_a_way_loses_is_found(monkeypatch):
    graph = {
        "layers": [
            {"class": "Dense", "takes": "flat", "gives": "flat", "settings": {"units": 4}},
            {
                "class": "Functional",
                "takes": "flat",
                "gives": "flat",
                "steps": [{"call": 0, "arguments": [0], "kwargs": {}}],
                "ends": 1,
            },
        ]
    }
    begun = round_trips.Begun(graph, 0, ef)
    assert round_trips.trip(begun, "clone_model", ef) is None
    monkeypatch.setitem(round_trips.WAYS, "clone_model", lambda model, K, folder, again: again())
    assert "another one" in round_trips.trip(begun, "clone_model", ef)
    monkeypatch.setitem(round_trips.WAYS, "clone_model", lambda model, K, folder, again: np.zeros(3))
    assert round_trips.trip(begun, "clone_model", ef).startswith("TypeError")
