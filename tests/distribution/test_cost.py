"""The cost model gives the table of its source, and grows as it should."""

from __future__ import annotations

import pytest

from eagerflow.world.cost import NETWORKS, Network, all_reduce_seconds, predict, slowest

SIMPLE = Network("simple", 1e-3, 1e6, 0.0)


@pytest.mark.parametrize(
    ("network", "milliseconds"),
    [(0, (41, 47, 1494, 1707)), (1, (4.8, 5.8, 170, 195)), (2, (2.2, 2.7, 76, 87)), (3, (0.7, 0.9, 27, 31))],
)
def test_all_reduces_take_what_the_formula_says(network, milliseconds):
    asked = [(2.7e6, 8), (2.7e6, 1024), (100e6, 8), (100e6, 1024)]
    for (nbytes, machines), expected in zip(asked, milliseconds):
        found = 1e3 * all_reduce_seconds(nbytes, machines, NETWORKS[network])
        assert found == pytest.approx(expected, rel=0.06)


def test_a_message_costs_latency_and_bytes():
    assert all_reduce_seconds(0, 4, SIMPLE) == pytest.approx(4e-3)
    assert all_reduce_seconds(0, 4, SIMPLE, ring=True) == pytest.approx(6e-3)
    assert all_reduce_seconds(1e6, 2, SIMPLE) == pytest.approx(2e-3 + 1)
    assert all_reduce_seconds(1e6, 1, SIMPLE) == 0


def test_only_what_comes_after_the_backward_pass_is_exposed():
    found = predict([1e6, 1e6], compute=30.0, ranks=2, network=SIMPLE)
    assert found.communication == pytest.approx(2 * (2e-3 + 1))
    assert found.exposed == pytest.approx(2e-3 + 1), "the first bucket was sent during the second half"
    assert found.step == pytest.approx(30 + 2e-3 + 1)
    assert predict([1e6, 1e6], 30.0, 2, SIMPLE, overlap=False).exposed == pytest.approx(found.communication)


def test_a_slow_network_decides_the_step():
    found = predict([1e6] * 4, compute=3.0, ranks=2, network=SIMPLE)
    first_full = 1.0 + 2.0 / 4
    assert found.step == pytest.approx(first_full + found.communication)


def test_ranks_of_one_machine_need_no_network():
    assert predict([1e6], 1.0, 4, SIMPLE, ranks_per_machine=4).efficiency == 1
    assert predict([1e6], 1.0, 8, SIMPLE, ranks_per_machine=4) == predict([1e6], 1.0, 2, SIMPLE)


def test_one_rank_loses_nothing_and_more_ranks_never_gain():
    assert predict([1e8], 1.0, 1, NETWORKS[0]).efficiency == 1
    found = [predict([1e7] * 10, 1.0, 2**k, NETWORKS[2], jitter=0.02).efficiency for k in range(12)]
    assert found == sorted(found, reverse=True)


def test_the_slowest_of_many_is_slower_than_the_mean_one():
    assert slowest(1, 0.5) == 1
    assert slowest(1024, 0.02) == pytest.approx(1.0745, abs=1e-3)


@pytest.mark.parametrize("wrong", [{"ranks": 0}, {"compute": 0.0}, {"ranks_per_machine": 0}])
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match="at least one rank"):
        predict(**{"buckets": [1.0], "compute": 1.0, "ranks": 2, "network": SIMPLE, **wrong})
