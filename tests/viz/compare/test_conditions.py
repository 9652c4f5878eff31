"""Conditions on a difference fail beyond noise, and not by noise alone."""

from __future__ import annotations

import json

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers
from viz.cli import main
from viz.compare.conditions import parsed
from viz.compare.noise import _reversals, by_ranks, drift, least_median, quiet


def trained(units=4, steps=12, seed=0, chosen=None, **options):
    ef.utils.set_random_seed(seed)
    model = ef.Sequential([layers.Dense(units, activation="tanh"), layers.Dense(1)], name="net")
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8 * steps, 3)).astype("float32")
    with viz.trace("run", steps=chosen, **options) as t:
        model.fit(x, x.sum(1), batch_size=8, shuffle=False, verbose=0)
    return t


def timed(milliseconds, **options):
    """A recording whose steps took these times, after a first one that took long."""
    t = trained(steps=len(milliseconds) + 1, **options)
    for step, each in zip(t.steps, [500.0, *milliseconds]):
        step.start, step.end = 0, int(each * 1e6)
    return t


def noisy(middle, count=20, seed=0, spread=0.08):
    """Times as a busy machine makes them: some steps take far longer, none far shorter."""
    return (middle * np.exp(spread * np.abs(np.random.default_rng(seed).standard_t(3, count)))).tolist()


def verdict(a, b, condition):
    (found,) = viz.diff(a, b).check(condition)
    return found


def test_a_slower_step_fails_and_an_equal_one_does_not():
    before = timed(noisy(10.0))
    slower = verdict(before, timed(noisy(14.0, seed=1)), "time>10%")
    assert slower.failed
    assert "99% certainty; the quicker half of the steps, 10 and 10" in slower.why
    assert "medians; step against step +" in slower.why
    assert not verdict(before, timed(noisy(10.0, seed=2)), "time>10%").failed
    assert not verdict(before, timed(noisy(10.8, seed=3)), "time>10%").failed
    faster = timed(noisy(6.0, seed=4))
    assert verdict(before, faster, "time<-10%").failed
    assert not verdict(before, faster, "time>10%").failed


def test_conditions_are_judged_by_the_steps_that_are_compared():
    before, later = noisy(10.0, 10), noisy(20.0, 10, seed=1)
    a, b = timed([*before, *before]), timed([*before, *later])
    assert not verdict(a, b, "time>50%").failed  # the quicker half of all steps
    (found,) = viz.diff(a, b, steps=range(11, 21)).check("time>50%")
    assert found.failed
    assert "the quicker half of the steps, 5 and 5" in found.why  # without the first of them, as always
    chosen = trained(steps=21, chosen=range(11, 21))
    for step, each in zip(chosen.steps, later):
        step.start, step.end = 0, int(each * 1e6)
    assert not verdict(b, chosen, "time>50%").failed
    assert verdict(a, chosen, "time>50%").failed


def test_noise_alone_fails_less_than_once_in_a_hundred_times():
    rng = np.random.default_rng(0)

    def alarms(count, factor):
        found = 0
        for _ in range(400):
            a, b = (np.exp(0.2 * np.abs(rng.standard_t(3, (2, count))))).tolist()
            b = [factor * each for each in b]
            compared = by_ranks(quiet(a), quiet(b), True, max(drift(a), drift(b)))
            found += compared is not None and compared[1] > 0
        return found

    assert alarms(6, 1.0) <= 8
    assert alarms(30, 1.0) <= 8
    assert alarms(30, 2.5) >= 350


def test_bounds_are_those_of_the_exact_distribution():
    assert _reversals(2, 3) == [1, 1, 2, 2, 2, 1, 1]
    assert sum(_reversals(5, 5)) == 252
    assert by_ranks([1.0] * 4, [2.0] * 4, above=True) is None
    assert by_ranks([1.0] * 5, [2.0] * 5, above=True) == (1.0, 1.0)
    assert by_ranks([2.0] * 5, [1.0] * 5, above=False) == (-0.5, -0.5)
    assert least_median([1.0] * 6) is None
    assert least_median([3.0, 1, 2, 4, 5, 6, 7]) == 1.0


def test_too_few_steps_cannot_be_decided():
    found = verdict(timed([10.0] * 3), timed([20.0] * 3), "time>10%")
    assert found.failed is None
    assert "can't be told from noise" in found.why
    assert verdict(timed([10.0] * 3), timed([20.0] * 3), "ops>0%").failed is False
    assert verdict(timed([10.0] * 8), timed([20.0] * 8, stats="basic"), "time>10%").failed is None


def test_what_no_noise_touches_is_compared_exactly():
    before, after = trained(4), trained(5)
    for name in ("memory", "params", "flops", "peak"):
        assert verdict(before, after, f"{name}>0%").failed, name
        assert not verdict(after, before, f"{name}>0%").failed, name
    assert not verdict(before, after, "ops>0%").failed
    assert verdict(before, after, "params>10%").a == "21"


def test_losses_are_compared_step_by_step():
    before = trained(steps=20)
    assert not verdict(before, trained(steps=20), "loss>0%").failed
    worse = trained(steps=20)
    for log in worse.logs:
        log.values["loss"] *= 1.05
    found = verdict(before, worse, "loss>1%")
    assert found.failed
    assert found.change.startswith("+")
    broken = trained(steps=20)
    broken.logs[-2].values["loss"] = float("nan")
    assert verdict(before, broken, "loss>1%").failed


def test_what_training_reports_can_be_asked_for():
    before, after = trained(), trained()
    for log in after.logs:
        log.values["val_loss"] = 3.0
    for log in before.logs:
        log.values["val_loss"] = 2.0
    assert verdict(before, after, "val_loss>20%").failed
    assert verdict(before, after, "val_loss<2.5").failed is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time", "expected a figure"),
        ("time>fast", "expected a figure"),
        ("time>5MB", "has no unit 'MB'; expected % or one of ns"),
        ("tim>5%", "there is no 'tim'; .* did you mean 'time'"),
    ],
)
def test_what_is_no_condition_is_refused(text, message):
    t = trained(steps=2)
    with pytest.raises(ValueError, match=message):
        viz.diff(t, t).check(text)


def test_several_recordings_of_a_side_tell_what_lies_between_runs():
    runs = [timed(noisy(middle, seed=seed)) for seed, middle in enumerate([10.0, 13.0, 10.5, 13.2])]
    difference = viz.diff(runs[0], runs[1])
    assert difference.check("time>10%")[0].failed  # two runs of one program, as it happens
    (both,) = difference.check("time>10%", more_a=[runs[3]], more_b=[runs[2]])
    assert both.failed is False
    assert "20 and 20 of 2 and 2 recordings" in both.why
    slower = [timed(noisy(middle, seed=9)) for middle in (30.0, 33.0)]
    assert viz.diff(runs[0], slower[0]).check("time>10%", more_a=runs[1:], more_b=slower[1:])[0].failed


def test_other_figures_must_have_changed_in_every_recording():
    few, many = trained(units=4), trained(units=8)
    difference = viz.diff(few, many)
    assert difference.check("params>0%", more_b=[many])[0].failed
    (found,) = difference.check("params>0%", more_b=[few])
    assert found.failed is False
    assert "nearest" in found.why


def test_several_conditions_stand_in_one_text():
    assert [each.name for each in parsed(["time>10%, peak > 1.5GB", "val_loss<-3 %"])] == ["time", "peak", "val_loss"]
    assert [each.amount for each in parsed(["peak>1.5KB,loss>-3%"])] == [1536.0, -0.03]


def test_the_command_exits_by_conditions_and_prints_markdown(tmp_path, capsys):
    a, b = (str(t.save(tmp_path / name)) for t, name in ((timed([10.0] * 8), "a.efz"), (timed([30.0] * 8), "b.efz")))
    small = str(timed([1.0] * 2).save(tmp_path / "c.efz"))
    assert main(["diff", "--fail-if", "time>10%", a, b]) == 1
    assert "✗ time>10%  10 ms → 30 ms  +200.0 %" in capsys.readouterr().out
    assert main(["diff", "--fail-if", "time>10%", b, a]) == 0
    assert main(["diff", "--fail-if", "time>10%", a, small]) == 3
    assert main(["diff", "--fail-if", "soon", a, b]) == 2
    assert main(["diff", "--steps", "0,1", "--fail-if", "ops>0", a]) == 1
    assert main(["diff", "--steps", "0,1", "--fail-if", "time>10%", a]) == 3  # two steps tell nothing of times
    capsys.readouterr()
    assert main(["diff", "--fail-if", "time>10%,ops>0%", "--markdown", a, b]) == 1
    out = capsys.readouterr().out
    assert out.startswith("### ❌ viz diff: ")
    assert "| ❌ | `time>10%` | 10 ms | 30 ms | +200.0 % |" in out
    assert "| ✅ | `ops>0%` |" in out
    assert "<details><summary>everything</summary>" in out
    assert main(["diff", "--fail-if", "time>10%", "--json", a, b]) == 1
    assert json.loads(capsys.readouterr().out)["conditions"][0]["failed"] is True
    assert main(["diff", "--fail-if", "time>10%", a, b, "--more-b", a]) == 0
    assert "of 1 and 2 recordings" in capsys.readouterr().out
    assert main(["diff", a, b, "--more-a", a]) == 2


def test_markdown_holds_names_that_would_break_it():
    t = trained(steps=1)
    next(scope for scope in t.scopes if scope.kind == "layer").name = "x|y_[z](javascript:1)"
    found = viz.diff(t, t)
    found.a = "a|b`<img>"
    text = found.to_markdown()
    assert "a\\|b\\`&lt;img&gt; →" in text
    assert "x\\|y\\_\\[z\\](javascript:1)" in text
