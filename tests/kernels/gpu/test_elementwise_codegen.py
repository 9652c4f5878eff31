"""An elementwise function as CUDA C."""

from __future__ import annotations

import pytest

from eagerflow.kernels.gpu.elementwise_codegen import Named, Setting, Unwritable, written


def of(rule, *settings):
    return written(rule, lambda writer: [*[Named(name, writer) for name in "wg"], *settings])


def test_each_step_is_a_line_in_order():
    def rule(xp, w, g):
        step = xp.multiply(g, 0.5)
        xp.sqrt(step, out=step)
        w -= step

    assert of(rule) == "T t0 = g * (T)0.5;\nt0 = sqrt(t0);\nw = w - t0;\n"


def test_results_may_take_the_place_of_arguments():
    def rule(xp, w, g):
        xp.maximum(w, g, out=g)
        w *= g + w

    assert of(rule) == "g = (w > g || w != w ? w : g);\nT t0 = g + w;\nw = w * t0;\n"


def test_settings_are_true_and_python_decides_by_them():
    def rule(xp, w, g, rate, momentum):
        if momentum:
            g *= momentum
        if rate:
            w -= g * rate

    found = written(rule, lambda writer: [Named("w", writer), Named("g", writer), Setting("s0", writer), 0.0])
    assert found == "T t0 = g * s0;\nw = w - t0;\n"


@pytest.mark.parametrize(
    "rule",
    [
        lambda xp, w, g: g if w else w,
        lambda xp, w, g: w if g > 0 else g,
        lambda xp, w, g: xp.cumsum(w),
        lambda xp, w, g: w.sum(),
        lambda xp, w, g: w * "text",
    ],
)
def test_what_is_no_arithmetic_of_elements_is_refused(rule):
    with pytest.raises(Unwritable):
        of(rule)
