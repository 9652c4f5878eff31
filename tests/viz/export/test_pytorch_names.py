"""`viz.SummaryWriter` has what PyTorch's has: scripts change their import only."""

from __future__ import annotations

import inspect
import io
import math
import os
import re
import sys
import time

import numpy as np
import PIL.Image
import pytest

import eagerflow as ef
import viz
from tests.viz.nets import mlp

pytest.importorskip("tensorboard")

from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tensorboard.plugins.mesh import metadata as mesh_metadata
from tensorboard.util import tensor_util

from tests.viz.export.test_tensorboard_graph import read

PYTORCH = {  # torch.utils.tensorboard.SummaryWriter of PyTorch 2.9: methods, and their arguments
    "__init__": "log_dir comment purge_step max_queue flush_secs filename_suffix",
    "add_audio": "tag snd_tensor global_step sample_rate walltime",
    "add_custom_scalars": "layout",
    "add_custom_scalars_marginchart": "tags category title",
    "add_custom_scalars_multilinechart": "tags category title",
    "add_embedding": "mat metadata label_img global_step tag metadata_header",
    "add_figure": "tag figure global_step close walltime",
    "add_graph": "model input_to_model verbose use_strict_trace",
    "add_histogram": "tag values global_step bins walltime max_bins",
    "add_histogram_raw": "tag min max num sum sum_squares bucket_limits bucket_counts global_step walltime",
    "add_hparams": "hparam_dict metric_dict hparam_domain_discrete run_name global_step",
    "add_image": "tag img_tensor global_step walltime dataformats",
    "add_image_with_boxes": "tag img_tensor box_tensor global_step walltime rescale dataformats labels",
    "add_images": "tag img_tensor global_step walltime dataformats",
    "add_mesh": "tag vertices colors faces config_dict global_step walltime",
    "add_onnx_graph": "prototxt",
    "add_pr_curve": "tag labels predictions global_step num_thresholds weights walltime",
    "add_pr_curve_raw": "tag true_positive_counts false_positive_counts true_negative_counts false_negative_counts "
    "precision recall global_step num_thresholds weights walltime",
    "add_scalar": "tag scalar_value global_step walltime new_style double_precision",
    "add_scalars": "main_tag tag_scalar_dict global_step walltime",
    "add_tensor": "tag tensor global_step walltime",
    "add_text": "tag text_string global_step walltime",
    "add_video": "tag vid_tensor global_step fps walltime",
    "close": "",
    "flush": "",
    "get_logdir": "",
}


@pytest.mark.parametrize("name", PYTORCH)
def test_methods_take_pytorchs_arguments_in_pytorchs_order(name):
    found = list(inspect.signature(getattr(viz.SummaryWriter, name)).parameters)
    assert found == ["self", *PYTORCH[name].split()]


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
    writer.add_scalar("whole", 1e300, 3, new_style=True, double_precision=True)
    found = reread(writer)
    assert [(e.step, e.value, e.wall_time) for e in found.Scalars("loss")] == [(n, 1.5, 1000 + n) for n in range(4)]
    assert [e.step for e in found.Scalars("without a step")] == [0]
    (event,) = found.Tensors("whole")
    assert tensor_util.make_ndarray(event.tensor_proto) == 1e300
    assert found.SummaryMetadata("whole").plugin_data.plugin_name == "scalars"


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
    writer.add_histogram("few", values, 1, bins=bins, max_bins=5)
    found = reread(writer)
    for tag in ("h", "few"):
        (event,) = found.Histograms(tag)
        told = event.histogram_value
        assert (event.step, told.num, sum(told.bucket)) == (1, 500, 500)
        assert told.min == pytest.approx(values.min(), rel=1e-6)
        below = [float((values.astype("float32") < limit).sum()) for limit in told.bucket_limit[:-1]]
        np.testing.assert_allclose(np.cumsum(told.bucket)[:-1], below)
    assert len(found.Histograms("few")[0].histogram_value.bucket) <= 6


def test_distributions_beyond_all_edges_and_of_nothing(writer):
    writer.add_histogram("far", [1e30, 2e30], 0)
    writer.add_histogram("odd", [math.nan, 1.0], 0, walltime=5.0)
    writer.add_histogram("nothing", [], 0)
    writer.add_histogram_raw("raw", 0, 9, 10, 45, 285, [4.0, 9.0], ef.ops.convert_to_tensor([5, 5]), 2)
    with pytest.raises(ValueError, match="1 bucket_limits, but 2 bucket_counts"):
        writer.add_histogram_raw("raw", 0, 9, 10, 45, 285, [4.0], [5, 5], 2)
    found = reread(writer)
    assert sum(found.Histograms("far")[0].histogram_value.bucket) == 2
    assert [(e.value, e.wall_time) for e in found.Scalars("odd/nonfinite")] == [(1, 5.0)]
    assert found.Histograms("raw")[0].histogram_value.bucket == [5, 5]
    assert "nothing" not in found.Tags()["histograms"]


@pytest.mark.parametrize("formats", ["CHW", "HWC", "WHC", "HW", "WH"])
def test_pictures_come_in_any_order_of_axes(writer, formats):
    picture = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype("uint8")
    if "C" not in formats:
        picture = picture[..., :1]
    given = picture.transpose(["HWC".index(c) for c in (formats if "C" in formats else formats + "C")])
    writer.add_image("p", given if "C" in formats else given[..., 0], 1, dataformats=formats)
    (event,) = reread(writer).Images("p")
    assert (event.step, event.height, event.width) == (1, 5, 7)
    np.testing.assert_array_equal(pixels(event).reshape(picture.shape), picture)


def test_several_pictures_are_one_with_eight_in_a_row(writer):
    shades = np.arange(11, dtype="uint8").reshape(11, 1, 1, 1) * np.ones((1, 1, 2, 3), "uint8")
    writer.add_images("digits", shades, 0)
    found = pixels(reread(writer).Images("digits")[0])
    assert found.shape == (4, 24)
    assert found[0, ::3].tolist() == list(range(8))
    assert found[2, ::3].tolist() == [8, 9, 10, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("formats", "shape", "says"),
    [
        ("CHW", (8, 8, 3), "got 8 in an array of shape .* pass dataformats='HWC'"),
        ("CHW", (8, 8), "expected the axes CHW; got an array of shape .*dataformats='HW'"),
        ("CHX", (1, 8, 8), "letters for other axes"),
        ("CC", (8, 8), "letters for other axes"),
    ],
)
def test_pictures_of_other_axes_are_refused_with_the_fix(writer, formats, shape, says):
    with pytest.raises(ValueError, match=says):
        writer.add_image("p", np.zeros(shape), 0, dataformats=formats)


def show_generated(writer):
    for step in range(3):
        writer.add_image("gan", np.linspace(-1, 1, 12).reshape(1, 3, 4), step)
        writer.images("gan", np.linspace(-1, 1, 12).reshape(3, 4, 1), step)


def test_pixels_from_minus_1_to_1_are_told_of_once(writer):
    with pytest.warns(UserWarning, match=r"below 0 are cut off.*\(pixels \+ 1\) / 2") as told:
        show_generated(writer)
    assert [warning.filename for warning in told] == [__file__]


def test_frames_and_their_texts_are_drawn(writer):
    picture = np.zeros((3, 40, 50))
    writer.add_image_with_boxes("one", picture, ef.ops.convert_to_tensor([[10, 20, 30, 35]]), 0)
    writer.add_image_with_boxes("larger", picture, [10, 20, 30, 35], 0, rescale=2)
    writer.add_image_with_boxes("text", picture, np.array([[10, 20, 30, 35]]), 0, labels="cat")
    writer.add_image_with_boxes("none", picture, np.zeros((0, 4)), 0)
    with pytest.raises(ValueError, match="1 boxes, but 2 labels"):
        writer.add_image_with_boxes("text", picture, np.array([[10, 20, 30, 35]]), 0, labels=["cat", "dog"])
    found = reread(writer)
    one = pixels(found.Images("one")[0])
    assert one[20, 20].tolist() == [255, 0, 0]
    assert one[27, 20].tolist() == [0, 0, 0]
    assert pixels(found.Images("larger")[0]).shape == (80, 100, 3)
    assert (pixels(found.Images("text")[0]) > 0).sum() > (one > 0).sum()
    assert not pixels(found.Images("none")[0]).any()


def test_videos_play_all_frames_beside_each_other(writer, monkeypatch):
    video = (np.arange(2 * 3 * 3 * 4 * 5).reshape(2, 3, 3, 4, 5) * 2 % 255).astype("uint8")
    writer.add_video("film", video, 1, fps=10)
    with pytest.raises(ValueError, match=r"expected \(number, frames, channels, height, width\)"):
        writer.add_video("flat", video[0], 1)
    with pytest.raises(ValueError, match="fps=0"):
        writer.add_video("still", video, 1, fps=0)
    (event,) = reread(writer).Images("film")
    film = PIL.Image.open(io.BytesIO(event.encoded_image_string))
    assert (film.format, film.n_frames, film.size, film.info["duration"]) == ("GIF", 3, (10, 4), 100)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"needs Pillow.*eagerflow\[image\].*pip install"):
        writer.add_video("film", video, 1)


def test_sounds_and_texts(writer):
    wave = np.sin(np.arange(800) / 10)
    writer.add_audio("a", ef.ops.convert_to_tensor(wave[np.newaxis]), 2, sample_rate=8000)
    with pytest.warns(UserWarning, match="beyond -1 and 1 are cut off"):
        writer.add_audio("loud", wave * 9, 2)
    with pytest.raises(ValueError, match=r"\(1, frames\)"):
        writer.add_audio("stereo", np.zeros((800, 2)), 2)
    writer.add_text("notes", "a *good* run", 3)
    found = reread(writer)
    (event,) = found.Audio("a")
    assert (event.step, event.sample_rate, event.length_frames, event.content_type) == (2, 8000, 800, "audio/wav")
    assert found.Tensors("notes/text_summary")[0].tensor_proto.string_val[0] == b"a *good* run"


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


def test_the_graph_of_an_onnx_file_is_connected(writer, tmp_path):
    model = ef.Sequential([ef.Input((4,)), ef.layers.Dense(3, activation="relu"), ef.layers.Dense(2)])
    ef.onnx.export(model, tmp_path / "model.onnx")
    writer.add_onnx_graph(tmp_path / "model.onnx")
    graph = reread(writer).Graph()
    names = {node.name for node in graph.node}
    assert {"MatMul", "Relu"} <= {node.op for node in graph.node} or "Gemm" in {node.op for node in graph.node}
    read_names = [source.partition(":")[0] for node in graph.node for source in node.input]
    assert read_names
    assert set(read_names) <= names


def test_tables_of_points_have_labels_and_pictures(writer, tmp_path):
    points = ef.ops.convert_to_tensor(np.eye(5))
    rows = [[str(i), i % 2] for i in range(5)]
    pictures = np.random.default_rng(0).random((5, 3, 4, 4))
    writer.add_embedding(points, metadata=list("abcde"), label_img=pictures, global_step=7)
    writer.add_embedding(points, rows, tag="a/b", metadata_header=["name", "class"])
    with pytest.raises(ValueError, match="5 points, but 1 labels"):
        writer.add_embedding(points, ["a"])
    with pytest.raises(ValueError, match="5 points, but 4 pictures"):
        writer.add_embedding(points, label_img=pictures[:4])
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    told = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(encoding="utf-8"), ProjectorConfig())
    assert [e.tensor_name for e in told.embeddings] == ["default:00007", "a/b:00000"]
    first, second = told.embeddings
    np.testing.assert_array_equal(np.loadtxt(tmp_path / first.tensor_path), np.eye(5))
    assert (tmp_path / first.metadata_path).read_text(encoding="utf-8").split() == list("abcde")
    assert (tmp_path / second.metadata_path).read_text(encoding="utf-8").splitlines()[:2] == ["name\tclass", "0\t0"]
    assert list(first.sprite.single_image_dim) == [4, 4]
    with PIL.Image.open(tmp_path / first.sprite.image_path) as sprite:
        assert sprite.size == (12, 12)


def test_curves_of_precision(writer):
    labels, chances = [1, 0, 1, 0], ef.ops.convert_to_tensor([0.9, 0.2, 0.6, 0.7])
    writer.add_pr_curve("plain", labels, chances, 1)
    writer.add_pr_curve("weighed", labels, chances, 1, weights=2.0)
    writer.add_pr_curve_raw("raw", *[np.linspace(1, 0, 5)] * 6, global_step=1, num_thresholds=5)
    with pytest.raises(ValueError, match="expected numbers of one length"):
        writer.add_pr_curve_raw("raw", *[np.ones(5)] * 5, np.ones(4))
    found = reread(writer)
    plain, weighed, raw = (
        tensor_util.make_ndarray(found.Tensors(tag)[0].tensor_proto) for tag in ("plain", "weighed", "raw")
    )
    np.testing.assert_allclose(weighed[:4], 2 * plain[:4])
    assert raw.shape == (6, 5)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "bool", "uint8", "complex64"])
def test_tensors_are_read_back_as_they_were(writer, dtype):
    given = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    writer.add_tensor("t", given, 1)
    found = tensor_util.make_ndarray(reread(writer).Tensors("t")[0].tensor_proto)
    assert found.dtype == given.dtype
    np.testing.assert_array_equal(found, given)


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
        (lambda w: w.add_figure("f", [], 0), "got none"),
        (lambda w: w.hparams([1]), r"hparams\(settings\): expected a dict; got \[1\]"),
        (lambda w: w.hparams({"a": 1}, {"m": "x"}), "scalar 'm': expected a number; got 'x'"),
        (lambda w: w.add_embedding(np.eye(3), label_img=np.zeros((3, 8, 8, 3))), "channels, height, width"),
        (lambda w: w.add_embedding(np.eye(3), [["a", 1]] * 3, metadata_header=["x"]), r"1 names, but rows have \[2\]"),
        (lambda w: w.add_custom_scalars([1]), r"add_custom_scalars\(layout\): expected a dict"),
    ],
)
def test_what_is_of_another_kind_is_named(writer, write, says):
    with pytest.raises((TypeError, ValueError), match=says):
        write(writer)


def test_nothing_is_written_of_empty_pictures_and_sounds(writer, tmp_path):
    writer.add_image("i", np.zeros((3, 0, 4)), 0)
    writer.add_images("i", np.zeros((0, 3, 4, 4)), 0)
    writer.add_audio("a", np.zeros((1, 0)), 0)
    writer.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["nothing.onnx", ""])
def test_an_onnx_file_that_cannot_be_read_is_named(writer, tmp_path, path):
    with pytest.raises(OSError, match=r"add_onnx_graph\("):
        writer.add_onnx_graph(tmp_path / path)


def test_meshes_say_which_parts_they_have(writer):
    corners = np.random.default_rng(0).random((1, 4, 3))
    writer.add_mesh("solid", ef.ops.convert_to_tensor(corners), corners * 255, [[[0, 1, 2]]], global_step=2)
    writer.add_mesh("cloud", corners[0])
    with pytest.raises(ValueError, match=r"expected vertices of shape \(number, n, 3\); got \(4, 2\)"):
        writer.add_mesh("flat", np.zeros((4, 2)))
    with pytest.raises(ValueError, match="beyond the 4 vertices"):
        writer.add_mesh("far", corners, faces=[[[0, 1, 4]]])
    found = reread(writer)
    tags = set(found.Tags()["tensors"])
    assert tags == {"solid_VERTEX", "solid_FACE", "solid_COLOR", "cloud_VERTEX"}
    told = mesh_metadata.parse_plugin_metadata(found.SummaryMetadata("cloud_VERTEX").plugin_data.content)
    assert (told.components, told.json_config, list(told.shape)) == (1 << 1, "{}", [1, 4, 3])


def test_charts_of_several_curves(writer):
    writer.add_custom_scalars({"a": {"lines": ["Multiline", ["x", "y"]], "band": ["Margin", ["x", "y", "z"]]}})
    with pytest.raises(ValueError, match="chart 't': expected"):
        writer.add_custom_scalars({"a": {"t": ["Lines", ["x"]]}})
    with pytest.raises(ValueError, match="Margin"):
        writer.add_custom_scalars_marginchart(["x", "y"])
    (event,) = reread(writer).Tensors("custom_scalars__config__")
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    lines, band = layout.category[0].chart
    assert list(lines.multiline.tag) == ["x", "y"]
    assert (band.margin.series[0].value, band.margin.series[0].upper) == ("x", "z")


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
