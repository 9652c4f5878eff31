"""Meshes, layouts and distributions as Keras' scripts write them."""

from __future__ import annotations

import pytest

import eagerflow as keras
from eagerflow.core.strategy import active
from eagerflow.distribution import (
    DataParallel,
    DeviceMesh,
    LayoutMap,
    ModelParallel,
    TensorLayout,
    distribute_tensor,
    get_device_count,
    list_devices,
    set_distribution,
)


def test_each_rank_is_a_device():
    assert (list_devices(), list_devices("cpu"), list_devices("gpu"), get_device_count()) == (
        ["cpu:0"],
        ["cpu:0"],
        [],
        1,
    )
    with pytest.raises(ValueError, match="device_type='npu'"):
        list_devices("npu")


def mesh_of_the_ranks():
    devices = list_devices()
    mesh = DeviceMesh((len(devices),), ["data"], devices)
    found = DataParallel(mesh)
    return devices, found.batch_dim_name, found.num_model_replicas, found.data_shard_id


def test_a_mesh_has_the_devices_of_all_ranks(ranks):
    devices = ["cpu:0", "cpu:1", "cpu:2"]
    assert ranks(3, mesh_of_the_ranks) == [(devices, "data", 3, rank) for rank in range(3)]


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        ((), [], "one name for each axis"),
        ((1,), ["a", "b"], "one name for each axis"),
        ((8,), ["batch"], "launch -n 8"),
    ],
)
def test_a_mesh_that_does_not_fit_says_how_to_start(shape, names, message):
    with pytest.raises(ValueError, match=message):
        DeviceMesh(shape, names)


def test_a_distribution_wants_as_many_ranks_as_its_mesh_has_devices():
    mesh = DeviceMesh((4,), ["batch"], [f"cpu:{i}" for i in range(4)])
    with pytest.raises(ValueError, match=r"(?s)4 devices.*1 ranks.*launch -n 4"):
        DataParallel(mesh)
    with pytest.raises(ValueError, match="4 devices"):
        DataParallel(devices=["cpu:0", "cpu:1", "cpu:2", "cpu:3"])


@pytest.mark.parametrize("settings", [{"bucket_bytes": 0}, {"timeout": 0}, {"synchronize_batch_norm": "yes"}])
def test_settings_out_of_range_are_named(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        DataParallel(**settings)


def test_layouts_are_found_by_regular_expressions():
    layouts = LayoutMap(DeviceMesh((1, 1), ["batch", "model"]))
    layouts["dense.*kernel"] = (None, "model")
    layouts["dense.*bias"] = TensorLayout(["model"])
    assert layouts["dense_1/kernel"].axes == (None, "model")
    assert layouts["dense_1/bias"].device_mesh is layouts.device_mesh
    assert layouts["conv/kernel"] is None
    assert list(layouts) == ["dense.*kernel", "dense.*bias"]
    layouts[".*_1/bias"] = ("model",)
    with pytest.raises(ValueError, match="several keys fit"):
        layouts["dense_1/bias"]
    with pytest.raises(ValueError, match="there already"):
        layouts["dense.*bias"] = (None,)
    with pytest.raises(ValueError, match="no axis 'rows'"):
        layouts["other"] = ("rows",)
    del layouts[".*_1/bias"]
    assert len(layouts) == 2


def test_model_parallel_with_nothing_to_divide_is_data_parallel():
    layouts = LayoutMap(DeviceMesh((1, 1), ["batch", "model"]))
    layouts[".*dense/kernel"] = (None, "model")
    found = ModelParallel(layout_map=layouts, batch_dim_name="batch")
    model = keras.Sequential([keras.layers.Dense(2, name="dense")])
    model.build((None, 3))
    kernel, bias = model.weights
    assert found.get_variable_layout(kernel).axes == (None, "model")
    assert found.get_variable_layout(bias).axes == (None,)
    assert found.get_data_layout((8, 3)).axes == ("batch", None)


def test_a_model_axis_of_several_devices_is_refused_with_the_reason():
    mesh = DeviceMesh((2, 4), ["batch", "model"], [f"cpu:{i}" for i in range(8)])
    with pytest.raises(ValueError, match=r"(?s)4 devices along 'model'.*'batch' 8"):
        ModelParallel(layout_map=LayoutMap(mesh))


def test_a_scope_puts_a_distribution_in_force():
    found = DataParallel()
    with found.scope():
        assert keras.distribution.distribution() is found
    assert keras.distribution.distribution() is None
    with pytest.raises(TypeError, match="set_distribution"):
        set_distribution("all")


def test_a_tensor_is_whole_whatever_its_layout():
    mesh = DeviceMesh((1,), ["batch"])
    x = keras.ops.ones((2, 3))
    assert distribute_tensor(x, TensorLayout(["batch", None], mesh)).shape == (2, 3)
    with pytest.raises(ValueError, match="layout has 1 axes"):
        distribute_tensor(x, TensorLayout(["batch"], mesh))
    wide = DeviceMesh((2,), ["model"], ["cpu:0", "cpu:1"])
    with pytest.raises(ValueError, match="other than the first"):
        distribute_tensor(x, TensorLayout([None, "model"], wide))


def rows_seen():
    found = DataParallel()
    batches = [([[float(i)]] * 3 if i else [[10.0], [11.0], [12.0]], [i] * 3) for i in range(2)]
    batches = [(keras.ops.convert_to_tensor(x), keras.ops.convert_to_tensor(y)) for x, y in batches]
    given = []
    for x, y in found.distribute_dataset(batches):
        given.append((x.numpy().ravel().tolist(), y.tolist(), active.shard.weight))
    return given


def test_a_loop_of_ones_own_is_given_its_rows_and_a_share(ranks):
    first, second = ranks(2, rows_seen)
    assert first == [([10.0], [0], 1 / 3), ([1.0], [1], 1 / 3)]
    assert second == [([11.0, 12.0], [0, 0], 2 / 3), ([1.0, 1.0], [1, 1], 2 / 3)]


def compiled_in_a_scope() -> tuple[list[int], list[float]]:
    rows: list[int] = []

    class Seen(keras.layers.Layer):
        def call(self, x):
            if isinstance(x, keras.Tensor):
                rows.append(x.shape[0])
            return x

    with DataParallel().scope():
        model = keras.Sequential([keras.Input((3,)), Seen(), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    rows.clear()
    x = keras.ops.arange(24, dtype="float32").numpy().reshape(8, 3) / 24
    history = model.fit(x, x[:, :1], batch_size=8, epochs=2, verbose=0)
    model.evaluate(x, x[:, :1], verbose=0)
    model.predict(x, verbose=0)
    return rows, history.history["loss"]


def test_what_is_compiled_in_a_scope_is_distributed_behind_it(ranks):
    ((alone, expected),) = ranks(1, compiled_in_a_scope)
    assert alone == [8, 8, 8, 8]
    for rows, losses in ranks(2, compiled_in_a_scope):
        assert rows == [4, 4, 4, 4]
        assert losses == pytest.approx(expected, rel=1e-6)
