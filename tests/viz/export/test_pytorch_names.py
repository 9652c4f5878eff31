"""`viz.SummaryWriter` has what PyTorch's has: scripts change their import only."""

from __future__ import annotations

import io
import math
import os
import re
import time

import numpy as np
import PIL.Image
import pytest

import eagerflow as ef
import viz
from tests.viz.nets import mlp

pytest.importorskip("tensorboard")

from tensorboard.plugins.hparams import metadata as hparams_metadata

from tests.viz.export.test_tensorboard_graph import read


@pytest.fixture
def writer(tmp_path):
    with viz.SummaryWriter(tmp_path) as made:
        yield made


def reread(writer):
    writer.close()
    return read(writer.log_dir)


def pixels(event):
    return np.asarray(PIL.Image.open(io.BytesIO(event.encoded_image_string)))


def test_numbers_of_every_kind_have_their_step_and_time(writer):
    for number, value in enumerate((1.5, np.float32(1.5), ef.ops.full((1, 1), 1.5), np.array([1.5]))):
        writer.add_scalar("loss", value, number, walltime=1000 + number)
    writer.add_scalar("without a step", 2)
    found = reread(writer)
    assert [(e.step, e.value, e.wall_time) for e in found.Scalars("loss")] == [(n, 1.5, 1000 + n) for n in range(4)]
    assert [e.step for e in found.Scalars("without a step")] == [0]


def test_curves_of_one_chart_are_runs_below(writer, tmp_path):
    for step in range(3):
        writer.add_scalars("loss/all", {"train": step, "val": ef.ops.ones(())}, step)
    writer.flush()
    runs = {path.name: read(path).Scalars("loss/all") for path in tmp_path.iterdir() if path.is_dir()}
    assert {name: [e.value for e in events] for name, events in runs.items()} == {
        "loss_all_train": [0, 1, 2],
        "loss_all_val": [1, 1, 1],
    }


@pytest.mark.parametrize("bins", ["tensorflow", "auto", 7, [0.0, 0.5, 1.0]])
def test_distributions_count_every_number_between_their_edges(writer, bins):
    values = np.random.default_rng(0).random(500)
    writer.add_histogram("h", ef.ops.convert_to_tensor(values), 1, bins=bins)
    found = reread(writer)
    (event,) = found.Histograms("h")
    told = event.histogram_value
    assert (event.step, told.num, sum(told.bucket)) == (1, 500, 500)
    assert told.min == pytest.approx(values.min(), rel=1e-6)
    below = [float((values.astype("float32") < limit).sum()) for limit in told.bucket_limit[:-1]]
    np.testing.assert_allclose(np.cumsum(told.bucket)[:-1], below)


def test_distributions_beyond_all_edges_and_of_nothing(writer):
    writer.add_histogram("far", [1e30, 2e30], 0)
    writer.add_histogram("odd", [math.nan, 1.0], 0, walltime=5.0)
    writer.add_histogram("nothing", [], 0)
    writer.add_histogram_raw("raw", 0, 9, 10, 45, 285, [4.0, 9.0], ef.ops.convert_to_tensor([5, 5]), 2)
    found = reread(writer)
    assert sum(found.Histograms("far")[0].histogram_value.bucket) == 2
    assert [(e.value, e.wall_time) for e in found.Scalars("odd/nonfinite")] == [(1, 5.0)]
    assert found.Histograms("raw")[0].histogram_value.bucket == [5, 5]
    assert "nothing" not in found.Tags()["histograms"]


def test_what_tensorboardx_has_takes_tensors_and_writes_to_the_same_run(writer, tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (3, 5, 7)).astype("uint8")
    writer.add_image("p", ef.ops.convert_to_tensor(picture), 1)
    writer.add_audio("a", ef.ops.convert_to_tensor(np.sin(np.arange(800) / 10)[np.newaxis]), 2, sample_rate=8000)
    writer.add_text("notes", "a *good* run", 3)
    writer.add_pr_curve("pr", np.array([1, 0, 1, 0]), ef.ops.convert_to_tensor([0.9, 0.2, 0.6, 0.7]), 1)
    writer.add_mesh("solid", ef.ops.convert_to_tensor(np.random.default_rng(0).random((1, 4, 3))), global_step=2)
    writer.add_custom_scalars({"a": {"lines": ["Multiline", ["x", "y"]]}})
    writer.add_embedding(ef.ops.convert_to_tensor(np.eye(5)), metadata=list("abcde"), global_step=7)
    writer.add_scalar("loss", 1.0, 4)
    found = reread(writer)
    (event,) = found.Images("p")
    assert event.step == 1
    np.testing.assert_array_equal(pixels(event), picture.transpose(1, 2, 0))
    assert [e.step for e in found.Tensors("a")] == [2]
    assert found.Tensors("notes/text_summary")[0].tensor_proto.string_val[0] == b"a *good* run"
    assert {"pr", "custom_scalars__config__"} < {*found.Tags()["tensors"]}
    assert any(tag.startswith("solid") for tag in found.Tags()["tensors"])
    assert [e.step for e in found.Scalars("loss")] == [4]
    assert len(list(tmp_path.glob("*tfevents*"))) == 1
    assert "00007" in (tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8")
    with pytest.raises(AttributeError, match="no attribute 'add_imagen'; did you mean"):
        writer.add_imagen("p", picture)


def test_the_graph_of_a_call_has_layers_and_leaves_the_model_as_it_is(writer):
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, name="d"), ef.layers.BatchNormalization(name="n")])
    before = [weight.numpy() for weight in model.weights]
    writer.add_graph(model, np.ones((2, 4), "float32"))
    found = reread(writer)
    names = [node.name for node in found.Graph().node]
    assert any("/d/" in name for name in names)
    assert any("/n/" in name for name in names)
    assert "keras" in found.Tags()["tensors"]
    for weight, value in zip(model.weights, before):
        np.testing.assert_array_equal(weight.numpy(), value)


class TwoInputs(ef.Model):
    def call(self, a, b):
        return a + b


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (TwoInputs(), (np.ones(3), np.ones(3))),
        (lambda x: ef.ops.tanh(x) + 1, np.ones(3)),
        (ef.Sequential([ef.Input((2,)), ef.layers.Activation("relu"), ef.layers.Dense(1)]), None),
        (ef.Sequential([ef.Input((2,)), ef.layers.Dense(1)]), (np.ones((1, 2)),)),
    ],
)
def test_graphs_of_several_inputs_of_functions_and_without_inputs(writer, model, inputs, capsys):
    writer.add_graph(model, inputs, verbose=True)
    assert len(reread(writer).Graph().node) > 1
    assert "relu" in capsys.readouterr().out or inputs is not None


def test_what_has_no_graph_is_told(writer):
    with pytest.raises(TypeError, match="expected a model, a layer or a function; got int"):
        writer.add_graph(3)
    with pytest.raises(ValueError, match="call it on a batch first, or give one: add_graph"):
        writer.add_graph(mlp("unbuilt"))
    with pytest.raises(ValueError, match="ran no operation"):
        writer.add_graph(lambda x: x, np.ones(3))


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda w: w.add_histogram("h", [np.ones(2), np.ones(3)], 0), "Write arrays of several shapes one by one"),
        (lambda w: w.add_histogram("h", None, 0), "histogram 'h': expected numbers, .*; got None"),
        (lambda w: w.add_histogram("h", np.ones(3) * 1j, 0), "expected real numbers"),
        (lambda w: w.add_scalar("s", None, 0), "scalar 's': expected a number; got None"),
        (lambda w: w.add_scalars("s", [1, 2], 0), r"add_scalars\('s'\): expected a dict; got \[1, 2\]"),
        (lambda w: w.add_scalars({"a": 1}, 0), "the tag comes first"),
        (lambda w: w.images("i", "x.png", 0), r"images\('i'\): expected numbers, .*; got 'x.png'"),
        (lambda w: w.hparams([1]), r"hparams\(settings\): expected a dict; got \[1\]"),
        (lambda w: w.hparams({"a": 1}, {"m": "x"}), "scalar 'm': expected a number; got 'x'"),
    ],
)
def test_what_is_of_another_kind_is_named(writer, write, says):
    with pytest.raises((TypeError, ValueError), match=says):
        write(writer)


def settings_of(folder):
    about = read(folder).summary_metadata[hparams_metadata.SESSION_START_INFO_TAG].plugin_data.content
    told = hparams_metadata.parse_session_start_info_plugin_data(about).hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in told.items()}


@pytest.mark.parametrize("write", ["add_hparams", "hparams"])
def test_each_trial_of_a_loop_is_a_run_of_its_own(tmp_path, write):
    with viz.SummaryWriter(tmp_path) as log:
        for units in (8, 16, 32):
            getattr(log, write)({"units": units, "rate": ef.ops.convert_to_tensor(0.5)}, {"accuracy": units / 64})
            time.sleep(0.002)
    runs = sorted({path.parent for path in tmp_path.rglob("*tfevents*")})
    assert len(runs) == 3
    if write == "hparams":  # which is about the run itself at first
        assert runs == [tmp_path, tmp_path / "trial-2", tmp_path / "trial-3"]
    assert [settings_of(run) for run in runs] == [{"units": units, "rate": 0.5} for units in (8, 16, 32)]
    assert [read(run).Scalars("accuracy")[0].value for run in runs] == [0.125, 0.25, 0.5]


def test_a_trial_may_have_a_name_a_step_and_values_to_choose_from(writer, tmp_path):
    writer.add_hparams({"opt": "sgd", "none": None}, {"acc": 1.0}, {"opt": ["sgd", "adam"]}, "trial", global_step=4)
    with pytest.raises(TypeError, match=r"metric_dict\): expected a dict; got 3"):
        writer.add_hparams({"opt": "sgd"}, 3)
    found = read(tmp_path / "trial")
    assert [(e.step, e.value) for e in found.Scalars("acc")] == [(4, 1.0)]
    about = found.summary_metadata[hparams_metadata.EXPERIMENT_TAG].plugin_data.content
    (info,) = hparams_metadata.parse_experiment_plugin_data(about).hparam_infos
    assert [value.string_value for value in info.domain_discrete.values] == ["sgd", "adam"]


def test_a_run_without_a_folder_gets_one_that_tells_when_and_where(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with viz.SummaryWriter(comment="-lr0.1") as log:
        log.add_scalar("x", 1.0, 0)
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"[A-Z]\w\w\d\d_\d\d-\d\d-\d\d_.+-lr0\.1", run.name)
    assert os.path.samefile(log.get_logdir(), run)


def test_arguments_of_other_writers_are_answered_with_those_of_this_one(writer, tmp_path):
    with pytest.raises(TypeError, match=r"^SummaryWriter\(\) has no argument 'logdir'; did you mean 'log_dir'"):
        viz.SummaryWriter(logdir=tmp_path)
    with pytest.raises(TypeError, match=r"add_scalar\(\) has no argument 'globalstep'; did you mean 'global_step'"):
        writer.add_scalar("x", 1.0, globalstep=3)


def test_steps_from_purge_step_on_are_forgotten(tmp_path):
    with viz.SummaryWriter(tmp_path) as log:
        for step in range(10):
            log.add_scalar("loss", 1.0, step)
            log.add_scalars("both", {"a": 1.0}, step)
    with viz.SummaryWriter(tmp_path, purge_step=6, filename_suffix=".again") as log:
        for step in range(6, 9):
            log.add_scalar("loss", 2.0, step)
            log.add_scalars("both", {"a": 2.0}, step)
    assert [e.value for e in read(tmp_path).Scalars("loss")] == [1.0] * 6 + [2.0] * 3
    assert [e.value for e in read(tmp_path / "both_a").Scalars("both")] == [1.0] * 6 + [2.0] * 3
    assert len(list(tmp_path.glob("*.again"))) == 1


@pytest.mark.parametrize(
    "make",
    [
        viz.SummaryWriter,
        lambda folder: viz.watch(mlp(), folder),
        lambda folder: ef.callbacks.TensorBoard(folder).on_train_begin(),
    ],
)
def test_a_file_in_place_of_the_folder_is_named(tmp_path, make):
    (tmp_path / "taken").write_text("")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "run"):
        with pytest.raises(OSError, match=r"log_dir=.*taken.*there is a file of that name.*Give another log_dir"):
            make(folder)
