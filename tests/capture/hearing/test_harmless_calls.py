"""Functions of the standard library that do nothing but give values, or nothing at all, are no hindrance."""

from __future__ import annotations

import bisect
import contextlib
import heapq
import itertools
import logging
import re
import warnings

import numpy as np
import pytest

import eagerflow as ef
from tests.capture.steps import many

X = ef.Tensor([1.0, 2.0])
BIAS = re.compile("b(i)as")
LOG = logging.getLogger("tests.capture.harmless")
ADAPTER = logging.LoggerAdapter(LOG, {})


@contextlib.contextmanager
def entered(note=None):
    yield note


@entered()
def decorated(x):
    return x * 2.0


def smallest(x):
    heap = [3.0, 2.0]
    heapq.heappush(heap, 1.0)
    heapq.heapify(heap)
    return x * heapq.heappop(heap)


def inserted(x):
    rates = [1.0, 3.0]
    bisect.insort(rates, 2.0)
    return x * rates[1]


def logging_nothing(x):
    LOG.debug("shape %s", x.shape)
    ADAPTER.debug("shape %s", x.shape)
    return x * 2.0


HARMLESS = {
    "chain.from_iterable": lambda x: sum(itertools.chain.from_iterable([[x, x], [x]])),
    "a pattern's search": lambda x: x * (2.0 if BIAS.search("dense/bias") else 3.0),
    "a pattern's match and its group": lambda x: x * len(BIAS.fullmatch("bias").group(1)),
    "a pattern's substitution": lambda x: x * len(BIAS.sub(lambda match: match[0] * 2, "bias")),
    "a heap of its own": smallest,
    "a sorted list of its own": inserted,
    "a context manager as a decorator": decorated,
    "messages that nobody wants": logging_nothing,
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_step_with_it_is_replayed(name):
    step = ef.function(HARMLESS[name], verify_every=0)
    np.testing.assert_array_equal(many(step, X).numpy(), HARMLESS[name](X).numpy())
    assert step.why_eager is None
    assert step.replays >= 3


@pytest.mark.parametrize(
    "change", [lambda heap: heapq.heappush(heap, 1.0), heapq.heappop, lambda it: bisect.insort(it, 0.5)]
)
@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_heap_from_outside_is_changed_in_each_call(change):
    def left(captured):
        heap = [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]

        def step(x):
            change(heap)
            return x * heap[0]

        step = ef.function(step) if captured else step
        return [step(X).tolist() for _ in range(6)], heap

    assert left(True) == left(False)


@pytest.mark.parametrize("log", [LOG, ADAPTER])
def test_messages_are_written_from_the_call_on_in_which_somebody_wants_them(log, caplog):
    def step(x):
        log.info("sum of %s", x.shape)
        return x * 2.0

    captured = ef.function(step)
    LOG.setLevel(logging.ERROR)
    many(captured, X)
    assert captured.replays
    assert not caplog.records
    LOG.setLevel(logging.INFO)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        many(captured, X, calls=5)
    assert len(caplog.records) == 5
    assert "the step calls logging.info" in str(caught[0].message)


def test_messages_that_are_switched_off_for_all_are_no_hindrance(caplog):
    LOG.setLevel(logging.INFO)
    step = ef.function(lambda x: LOG.info("message") or x * 2.0)
    logging.disable(logging.CRITICAL)
    try:
        many(step, X)
    finally:
        logging.disable(logging.NOTSET)
    assert step.replays
    with contextlib.suppress(UserWarning):
        step(X)
    assert len(caplog.records) == 1


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_what_a_context_manager_as_a_decorator_reads_counts():
    scale = [2.0]

    @contextlib.contextmanager
    def scaled(of):
        yield of[0]

    @scaled(scale)
    def inner(x):
        return x * scale[0]

    step = ef.function(lambda x: inner(x))
    many(step, X)
    scale[0] = 5.0
    assert step(X).tolist() == [5.0, 10.0]


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
def test_a_generator_under_the_same_names_is_run_in_each_call():
    class Like:
        def __init__(self):
            self.args, self.kwds, self.func = (), {}, None
            self.gen = iter_scales()

    def iter_scales():
        yield from range(20)

    def found(captured):
        like = Like()
        step = ef.function(lambda x: x * next(like.gen)) if captured else lambda x: x * next(like.gen)
        return [step(X).tolist() for _ in range(8)]

    assert found(True) == found(False)
