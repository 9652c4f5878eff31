"""When the last steps are written, where, how much of them, and what is said."""

import os
import signal
import stat

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import layers, optimizers
from tests.viz.replay.conftest import Raising, data, judged, network, quiet, train
from viz.cli import main
from viz.replay.file import read
from viz.replay.keeping import Keeping
from viz.replay.rows import guilty_rows
from viz.replay.watch import LossWatch


def test_a_step_that_makes_nan_is_kept_with_those_before(nan_file):
    kept = read(nan_file)
    assert kept.meta["cause"] == "nan"
    assert len(kept.asked) == 3
    assert [np.isfinite(step.loss) for step in kept.asked] == [True, True, False]
    assert 17 in kept.steps[-1].rows
    assert 17 not in kept.steps[-2].rows


def test_a_step_that_raises_is_kept(tmp_path):
    x, y = data(9, 1e4)
    model = ef.Sequential([layers.Input((4,)), Raising(), layers.Dense(1)])
    with pytest.raises(ValueError, match="reshape"):
        train(tmp_path / "a.efr", x, y, model=model)
    kept = read(tmp_path / "a.efr")
    assert kept.meta["cause"] == "raised"
    assert "reshape" in kept.steps[-1].error
    assert [event["op"] for event in kept.steps[-1].events if "op" in event][-1] == "reshape"


def test_a_loop_that_raises_is_kept(tmp_path):
    model = network()
    x, _ = data()

    def loop():
        with quiet(1, tmp_path / "a.efr"), ef.GradientTape():
            model(x)
            model(x[:, :3])

    with pytest.raises(ValueError, match="shape"):
        loop()
    assert read(tmp_path / "a.efr").meta["cause"] == "raised"


def test_a_program_that_raises_outside_of_a_step_leaves_its_last_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(
        "import numpy as np, eagerflow as ef\n"
        "model = ef.Sequential([ef.layers.Input((4,)), ef.layers.Dense(1)])\n"
        "model.compile('sgd', 'mse')\n"
        "model.fit(np.ones((8, 4)), np.ones((8, 1)), batch_size=2, verbose=0)\n"
        "raise OSError('no room for the report')\n"
    )
    assert main(["run", "--keep", "2", "train.py"]) == 1
    assert "step 3 was kept in train.efr because the program raised after it" in capsys.readouterr().err
    kept = read("train.efr")
    assert kept.meta["cause"] == "ended"
    assert len(kept.asked) == 2
    assert main(["replay", "train.efr"]) == 0


def test_a_loss_that_spikes_is_kept_once_and_its_row_found(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(320, 4)).astype("float32")
    y = rng.normal(size=(320, 1)).astype("float32")
    y[[202, 290]] = 1e3
    model = ef.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(optimizers.SGD(1e-9), "mse")
    with quiet(2, tmp_path / "a.efr") as keeping:
        model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert [cause for _, cause in keeping.written] == ["spike"]
    kept = read(tmp_path / "a.efr")
    assert kept.steps[-1].number == 25
    band = (kept.steps[-1].loss + kept.steps[-2].loss) / 2
    assert guilty_rows(kept, len(kept.steps) - 1, band=band).of_data == [202]
    assert main(["replay", "--bisect-rows", str(tmp_path / "a.efr")]) == 0


@pytest.mark.parametrize(
    ("before", "loss"),
    [
        ([0.69], 928.0),  # the first update, by a rate a million times too large
        ([2.0, 1.8, 1.9, 1.7, 1.6, 1.8], 40.0),
        ([9.9, 7.1, 6.1, 7.5, 6.2, 7.2, 4.9, 6.2, 8.1, 7.8, 6.2, 8.4], 36.0),
    ],
)
def test_a_jump_beyond_any_doubt_is_one_after_few_losses_too(before, loss):
    watch = LossWatch()
    assert not any(watch.spikes(each) for each in before)
    assert watch.spikes(loss)


def test_the_first_losses_may_rise_and_swing():
    rising = [0.7, 5.0, 40.0, 90.0, 60.0, 20.0], [2.0, 0.5, 1.5, 0.2, 3.0, 0.7, 9.0, 1.2, 0.4, 8.0]
    nothing_at_first = [1e-9, 0.5, 0.4, 0.6], [0.0, 3.0, 2.0, 4.0, 3.0, 50.0]
    signed = [-0.1, 40.0, -3.0, 8.0, -2.0, 700.0]  # as of policies
    for losses in (*rising, *nothing_at_first, signed):
        watch = LossWatch()
        assert not any(watch.spikes(loss) for loss in losses), losses


def test_a_loss_that_falls_or_swings_is_no_spike():
    rng = np.random.default_rng(5)
    hard = rng.lognormal(-3, 0.8, 2000)  # as late in a training
    usual = rng.exponential(size=2000) + 0.2, rng.normal(size=2000), np.ones(99), hard
    for losses in (np.exp(-np.arange(300) / 40), *usual):
        watch = LossWatch()
        assert sum([watch.spikes(float(loss)) for loss in losses]) == 0


def test_a_step_is_kept_when_asked_for(good_file):
    kept = read(good_file)
    assert kept.meta["cause"] == "asked"
    assert kept.steps[-1].number == 4


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")
def test_a_step_is_kept_on_a_signal(tmp_path):
    x, y = data()
    call = ef.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, _: os.kill(os.getpid(), signal.SIGUSR1) if batch == 3 else None
    )
    keeping, _ = train(tmp_path / "a.efr", x, y, callbacks=[call], epochs=1)
    assert read(keeping.written[0][0]).steps[-1].number == 3
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


@pytest.mark.parametrize("changed", [False, True])
def test_asked_for_after_the_last_step_it_is_kept_when_the_program_ends(tmp_path, changed):
    ef.utils.set_random_seed(1)
    model = network()
    model.compile("adam", "mse")
    with quiet(3, tmp_path / "a.efr") as keeping:
        model.fit(*data(), batch_size=8, epochs=1, verbose=0)
        if changed:  # as a callback that puts the best weights back does
            model.layers[0].kernel.assign(model.layers[0].kernel * 2)
        viz.keep_step()
    assert len(keeping.written) == 1
    kept = read(keeping.written[0][0])
    assert [step.number for step in kept.asked] == [2, 3, 4]
    assert judged(kept).exact


def test_what_runs_before_the_first_step_is_no_step(tmp_path):
    said = []
    x, y = data()
    with Keeping(3, tmp_path / "a.efr", say=said.append) as keeping:
        model = network()
        model(x)
        model.compile("adam", "mse")
        model.fit(x, y, batch_size=20, verbose=0)
        viz.keep_step()
    assert "the last 3 steps are held" in said[0]
    kept = read(keeping.written[0][0])
    assert [step.number for step in kept.asked] == [0, 1]
    assert judged(kept).exact


def test_the_begin_of_another_training_is_no_spike(tmp_path):
    x, y = data()
    with quiet(3, tmp_path / "a.efr") as keeping:
        for scale in (0.001, 100.0):
            model = network()
            model.compile(optimizers.SGD(1e-6), "mse")
            model.fit(x, scale * y, batch_size=4, epochs=6, verbose=0)
    assert keeping.written == []


def test_asked_for_after_a_loop_its_last_step_is_kept(tmp_path):
    model, optimizer = network(), optimizers.SGD(0.01)
    x, y = data()
    with quiet(2, tmp_path / "a.efr") as keeping:
        for _ in range(2):
            with ef.GradientTape() as tape:
                loss = ef.ops.mean((model(x) - y) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        model(x)  # which is no step
        viz.keep_step()
    kept = read(keeping.written[0][0])
    assert judged(kept).exact
    assert any("gradient" in event for event in kept.steps[-1].events)


def test_files_are_their_owners_alone_and_replaced_whole(tmp_path):
    path = tmp_path / "train.efr"
    path.write_bytes(b"old")
    path.chmod(0o666)
    with pytest.warns(UserWarning, match="the loss is"):
        train(path, *data(17))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["train.efr"]
    assert read(path).steps


def test_the_training_is_as_it_would_have_been(tmp_path):
    x, y = data()
    results = []
    for kept in (False, True):
        ef.utils.set_random_seed(1)
        model = network()
        model.compile("adam", "mse")
        with quiet(2, tmp_path / "a.efr") if kept else viz.step():
            model.fit(x, y, batch_size=8, epochs=3, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_wrong_number_of_steps_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        Keeping(0, tmp_path / "a.efr")


def test_a_full_disk_doesnt_stop_the_training(tmp_path):
    with pytest.warns(UserWarning, match="the loss is"):
        keeping, said = train(tmp_path / "missing" / "a.efr", *data(17))
    assert keeping.written == []
    assert any("could not be kept" in line for line in said)
