from __future__ import annotations

import sys

import numpy as np
import pytest

import eagerflow as ef
import viz
from eagerflow import ops
from eagerflow.core import observe
from viz.cli import main
from viz.export.event_protos import messages
from viz.export.tensorboard_graph import names_of

event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder):
    found = event_accumulator.EventAccumulator(
        str(folder), size_guidance={"histograms": 0, "images": 0, "tensors": 0, "scalars": 0}
    )
    found.Reload()
    return found


def graph_and_metadata(recording, folder):
    recording.to_tensorboard(folder)
    found = read(folder)
    runs = {tag: found.RunMetadata(tag).SerializeToString() for tag in found.Tags()["run_metadata"]}
    return found.Graph(), {tag: messages()["RunMetadata"].FromString(runs[tag]) for tag in runs}


def test_graph_names_are_unique_and_inputs_lead_somewhere(steps, tmp_path):
    graph, _ = graph_and_metadata(steps, tmp_path)
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    scopes = {name[:at] for name in names for at in range(len(name)) if name[at] == "/"}
    assert not scopes & set(names)
    for node in graph.node:
        assert {entry.partition(":")[0].removeprefix("^") for entry in node.input} <= set(names)
    assert not any(node.op.startswith("Assign") or "/Assign" in node.name for node in graph.node)


def test_the_graph_holds_the_ops_of_a_step_with_their_edges(steps, tmp_path):
    graph, _ = graph_and_metadata(steps, tmp_path)
    nodes = {node.name: node for node in graph.node}
    step = [op for op in steps.ops if op.step == 1]
    shown = [node for node in graph.node if node.op not in ("Variable", "Placeholder")]
    assert len(shown) == len(step) + 4  # the parts of two dense layers
    assert {"mlp/hidden_0/dense/dense", "mlp/hidden_0/kernel", "gradients/mlp/head/dense"} <= set(nodes)
    assert nodes["gradients/mlp/head/dense"].input[0].startswith("gradients/crossentropy")
    kernel = nodes["mlp/hidden_0/kernel"]
    assert [dim.size for dim in kernel.attr["_output_shapes"].list.shape[0].dim] == [5, 16]
    assert kernel.attr["T"].type == 1
    assert "nets.py:" in nodes["mlp/hidden_0/dense/matmul"].attr["source"].s.decode()


def test_data_are_called_as_the_script_calls_them_and_updates_after_their_weights():
    net = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(1, name="out")], name="net")
    loss_of, optimizer, scale = ef.losses.MeanSquaredError(), ef.optimizers.Adam(), ef.Variable(1.0, name="scale")
    images, labels = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
    net(images)
    with viz.trace() as t:
        with ef.GradientTape() as tape:
            loss = loss_of(labels, scale * net(images))
        *gradients, of_scale = tape.gradient(loss, [*net.trainable_variables, scale])
        optimizer.apply(gradients, net.trainable_variables)
        scale.assign_sub(0.1 * of_scale)
    names = set(names_of(t, None).values())
    assert {"images", "labels_(target)", "updates/scale", "updates/multiply"} <= names
    weights = {f"{layer}/{weight}" for layer in ("hidden", "out") for weight in ("kernel", "bias")}
    assert {name for name in names if name.startswith("adam/")} == {f"adam/net/{each}" for each in weights}
    assert {name.partition("/")[0] for name in names if "/" in name} == {
        "net",
        "mean_squared_error",
        "gradients",
        "adam",
        "updates",
    }


def test_gradients_hang_together_with_the_forward_pass(steps, tmp_path):
    graph, _ = graph_and_metadata(steps, tmp_path)
    nodes = {node.name: node for node in graph.node}
    assert list(nodes["gradients/mlp/hidden_0/tanh"].input)[1:] == ["^mlp/hidden_0/tanh"]
    assert nodes["gradients/mlp/head/dense"].input[-1] == "^mlp/head/dense/dense"  # the op that ran, of a fused one
    (of_loss,) = nodes["gradients/initial"].input
    assert of_loss.startswith("^crossentropy/")
    alone = [name for name in nodes if name.startswith("gradients/") and not any("^" in i for i in nodes[name].input)]
    assert alone == []


def test_a_fused_op_is_a_scope_of_its_parts_and_of_the_op_that_ran(steps, tmp_path):
    graph, _ = graph_and_metadata(steps, tmp_path)
    nodes = {node.name: node for node in graph.node}
    inside = "mlp/hidden_0/dense"
    assert nodes[f"{inside}/matmul"].op == "matmul"
    assert nodes[f"{inside}/matmul"].input[1] == "mlp/hidden_0/kernel"
    assert list(nodes[f"{inside}/add"].input) == [f"{inside}/matmul", "mlp/hidden_0/bias"]
    assert list(nodes[f"{inside}/dense"].input) == [f"{inside}/add"]
    assert list(nodes["mlp/hidden_0/tanh"].input) == [f"{inside}/dense"]
    assert [dim.size for dim in nodes[f"{inside}/add"].attr["_output_shapes"].list.shape[0].dim] == [8, 16]


def test_run_metadata_has_time_and_memory_of_known_nodes(steps, tmp_path):
    graph, runs = graph_and_metadata(steps, tmp_path)
    names = {node.name for node in graph.node}
    assert set(runs) == {"step_0", "step_1"}
    for metadata in runs.values():
        stats = [node for device in metadata.step_stats.dev_stats for node in device.node_stats]
        assert {node.node_name for node in stats} == names
        by_name = {node.node_name: node for node in stats}
        dense = by_name["mlp/hidden_0/dense/dense"]
        assert dense.op_end_rel_micros >= 1
        assert dense.memory[0].total_bytes == 8 * 16 * 4
        part = by_name["mlp/hidden_0/dense/matmul"]
        assert part.op_end_rel_micros == part.memory[0].total_bytes == 0
        assert by_name["mlp/hidden_0/kernel"].op_end_rel_micros == 0


def test_hostile_and_clashing_names(tmp_path):
    x = ef.Tensor([1.0])
    with viz.trace() as t:
        for name in ("a/b:c^d", "tanh", '</script>"\n é 日本', ""):
            with observe.scope("layer", name):
                ops.tanh(x)
        ops.tanh(x)
        ops.tanh(x)
    graph, runs = graph_and_metadata(t, tmp_path)
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    assert "a_b_c_d/tanh" in names
    assert "tanh" not in names  # that is a scope
    assert any("日本" in name for name in names)
    assert set(runs) == {"trace"}


def test_traces_without_times_or_ops(tmp_path):
    with viz.trace(time=False, memory=False, source=False) as t:
        ops.tanh(ef.Tensor([1.0]))
    graph_and_metadata(t, tmp_path / "a")
    with viz.trace() as t:
        pass
    with pytest.raises(ValueError, match="no ops"):
        t.to_tensorboard(tmp_path / "b")


def test_a_missing_package_is_named(steps, tmp_path, monkeypatch):
    from viz.export import tensorboard_events

    tensorboard_events.protos.cache_clear()
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match="pip install 'tensorboardX>=2"):
        steps.to_tensorboard(tmp_path)
    tensorboard_events.protos.cache_clear()


def test_the_graph_of_a_very_long_step_is_cut_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("viz.export.tensorboard_graph.MOST_OPS", 5)
    with viz.trace() as t:
        x = ops.ones(3)
        for _ in range(20):
            x = ops.tanh(x)
    with pytest.warns(UserWarning, match=r"the first 5 of 20 ops.*to_html"):
        graph, runs = graph_and_metadata(t, tmp_path)
    assert [node.op for node in graph.node].count("tanh") == 5
    assert set(runs) == {"trace"}


def test_each_loss_and_each_optimizer_of_a_gan_has_a_scope_of_its_own(tmp_path):
    generator, critic = (
        ef.Sequential([ef.Input((3,)), ef.layers.Dense(n)], name=name) for n, name in ((3, "g"), (1, "c"))
    )
    of_generator, of_critic = ef.optimizers.Adam(), ef.optimizers.Adam()

    def step():
        with ef.GradientTape() as tape:
            loss = critic(generator(np.ones((2, 3)))).mean()
        of_critic.apply(tape.gradient(loss, critic.trainable_variables), critic.trainable_variables)
        with ef.GradientTape() as tape:
            loss = -critic(generator(np.ones((2, 3)))).mean()
        of_generator.apply(tape.gradient(loss, generator.trainable_variables), generator.trainable_variables)

    step()
    with viz.trace() as t:
        step()
    names = {node.name for node in graph_and_metadata(t, tmp_path)[0].node}
    assert {name.split("/")[0] for name in names} >= {"adam_of_c", "adam_of_g", "gradients", "gradients_1"}
    assert {"gradients/initial", "gradients_1/initial"} <= names
    assert not any(name.startswith(("gradients/g_", "gradients/g/")) for name in names)
    assert any(name.startswith("gradients_1/g_call2/") for name in names)


def curves(folder):
    found = read(folder)
    return {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def fitted(**settings):
    ef.utils.set_random_seed(1)
    model = ef.Sequential([ef.layers.Dense(4, name="hidden"), ef.layers.Dense(1, name="last")], name="net")
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(48, 3)).astype("float32")
    with viz.trace(**settings) as t:
        history = model.fit(x, x[:, :1], batch_size=16, epochs=2, verbose=0, validation_data=(x[:16], x[:16, :1]))
    return t, history.history


def test_another_export_takes_the_place_of_the_first_alone(tmp_path, capsys):
    t, _ = fitted()
    other = tmp_path / "events.out.tfevents.1.other"
    other.write_bytes(b"")
    (tmp_path / "a.efz").write_bytes(t.save(tmp_path / "b.efz").read_bytes())
    assert main(["tensorboard", str(tmp_path / "a.efz"), str(tmp_path)]) == 0
    assert "next to what was there" in capsys.readouterr().out
    assert main(["tensorboard", str(tmp_path / "a.efz"), str(tmp_path)]) == 0
    assert "in place of what an earlier export wrote there" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*tfevents*"))) == 2
    assert len(list((tmp_path / "validation").glob("*tfevents*"))) == 1
    assert other.exists()
