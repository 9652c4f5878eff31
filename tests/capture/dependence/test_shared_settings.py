"""What the whole process shares may change: the policy of new layers, custom objects, switches of eagerflow."""

from __future__ import annotations

import contextlib
import inspect

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base.capturing import asked_by
from eagerflow.compat.backend import control
from eagerflow.compat.tensorflow.summaries import summary
from tests.capture.steps import bits, many

X = ef.Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
# Looked at before every replay, whatever a step asks for; named in code; or of no consequence.
ALWAYS = {"set_floatx", "set_epsilon", "set_image_data_format", "set_default_device"}
OTHERS = {"set_num_threads", "set_backend", "set_random_seed"}
OBJECTS = ef.utils.get_custom_objects()


@pytest.fixture(autouse=True)
def as_before():
    objects = dict(OBJECTS)
    yield
    ef.config.set_dtype_policy(None)
    ef.config.disable_flash_attention()
    ef.config.set_max_epochs(None)
    control.set_learning_phase(0)
    OBJECTS.clear()
    OBJECTS.update(objects)


def doubled(x):
    return x * 2.0


def setting_policy():
    return ef.config.set_dtype_policy("float64")


POLICIES = {
    "the policy itself": lambda x: ops.cast(x, ef.mixed_precision.global_policy().compute_dtype),
    "a layer that is made in the step": lambda x: layers.ReLU()(x),
    "a layer without weights and settings": lambda x: layers.Concatenate()([x, x]),
    "a Lambda": lambda x: layers.Lambda(lambda z: z * 2)(x),
    "by a name that code doesn't have": lambda x: ops.cast(x, getattr(ef.config, "dtype_" + "policy")().compute_dtype),
}
ASKING = {
    "flash attention": (
        lambda x: x * 3.0 if ef.config.is_flash_attention_enabled() else x,
        ef.config.enable_flash_attention,
    ),
    "the most epochs": (lambda x: x * (ef.config.max_epochs() or 2.0), lambda: ef.config.set_max_epochs(7)),
    "the learning phase": (lambda x: control.in_train_phase(x * 2.0, x), lambda: control.set_learning_phase(1)),
    "a custom object": (lambda x: ef.activations.get("own_act")(x), lambda: OBJECTS.update(own_act=lambda x: x * 5.0)),
    "custom objects in the step": (
        lambda x: x * float(len(ef.utils.get_custom_objects())),
        lambda: OBJECTS.update(another=doubled),
    ),
    "a registered object": (
        lambda x: ef.utils.get_registered_object("own_tests>registered")(x),
        lambda: ef.utils.register_keras_serializable("own_tests", "registered")(lambda x: x * 9.0),
    ),
    "a registered name": (
        lambda x: x * float(len(ef.utils.get_registered_name(doubled))),
        lambda: ef.utils.register_keras_serializable("own_tests", "another_name")(doubled),
    ),
}


def differs_after(step, change):
    """What a captured step gives before something changes and behind it, and what the step itself gives."""
    captured = ef.function(step, verify_every=0)
    first = bits(many(captured, X, calls=5))
    assert captured.replays, captured.why_eager
    change()
    found, plain = captured(X), step(X)
    assert (found.dtype, bits(found)) == (plain.dtype, bits(plain))
    assert bits(plain) != first
    return captured


@pytest.mark.filterwarnings("ignore:set_learning_phase")
@pytest.mark.parametrize("name", POLICIES)
def test_the_policy_of_new_layers_is_that_of_the_call(name):
    differs_after(POLICIES[name], lambda: ef.config.set_dtype_policy("float16"))


@pytest.mark.filterwarnings("ignore:set_learning_phase")
@pytest.mark.parametrize("name", ASKING)
def test_a_step_that_asks_for_something_shared_notices_that_it_was_set(name):
    OBJECTS["own_act"] = doubled
    ef.utils.register_keras_serializable("own_tests", "registered")(doubled)
    differs_after(*ASKING[name])


def test_in_a_scope_of_custom_objects_its_own_count():
    OBJECTS["own_act"] = doubled
    scope = ef.utils.custom_object_scope({"own_act": lambda x: x * 7.0})
    with contextlib.ExitStack() as stack:
        captured = differs_after(lambda x: ef.activations.get("own_act")(x), lambda: stack.enter_context(scope))
    assert bits(captured(X)) == bits(X * 2.0)


def test_paths_of_weights_made_in_the_step_are_those_of_the_scope():
    def step(x):
        layer = layers.Dense(1, use_bias=False, kernel_initializer="ones")
        layer.build((None, 3))
        return ops.sum(x) * len(layer.kernel.path.split("/"))

    captured = ef.function(step, verify_every=0)
    for name in [*"aaaaa", None, "b"]:
        with ef.name_scope(name) if name else contextlib.nullcontext():
            assert bits(captured(X)) == bits(step(X))


def test_a_step_that_sets_something_shared_does_so_in_each_call():
    step = ef.function(lambda x: setting_policy() or x * 2.0)
    for _ in range(5):
        ef.config.set_dtype_policy(None)
        with contextlib.suppress(UserWarning):
            step(X)
        assert ef.config.dtype_policy().name == "float64"


def test_what_a_step_does_not_ask_for_may_be_set():
    step = ef.function(lambda x: x * 2.0 + 1.0, verify_every=0)
    many(step, X, calls=5)
    ef.config.set_dtype_policy("float16")
    OBJECTS["own_act"] = doubled
    ef.config.enable_flash_attention()
    np.testing.assert_array_equal(step(X).numpy(), (X * 2.0 + 1.0).numpy())
    assert step.replays == 4


def test_each_function_that_sets_something_is_marked():
    modules = ef, ef.config, ef.backend, ef.mixed_precision, ef.distribution, ef.utils, ef.saving, control
    setting = {
        name: vars(module)[name]
        for module in modules
        for name in vars(module)
        if name.startswith(("set_", "enable_", "disable_")) and name not in ALWAYS | OTHERS
    }
    assert {"set_dtype_policy", "set_distribution", "disable_flash_attention"} <= setting.keys()
    assert [name for name, each in setting.items() if not asked_by(inspect.unwrap(each).__code__)] == []


@pytest.mark.filterwarnings("ignore:.* runs eagerly, not captured")
@pytest.mark.parametrize("value", [lambda x: ops.sum(x), lambda x: 2.0])
def test_what_a_step_tells_tensorboard_is_written_from_the_call_on_in_which_somebody_records(value, tmp_path):
    def step(x):
        summary.scalar("value", value(x), step=1)
        return x * 2.0

    captured = ef.function(step)
    many(captured, X, calls=5)
    assert captured.replays
    writer = summary.create_file_writer(tmp_path)
    with writer.as_default():
        sizes = []
        for records in (False, False, True, True, True, True, True):
            with summary.record_if(records):
                captured(X)
            writer.flush()
            sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
    assert sizes[0] == sizes[1] < sizes[2] < sizes[3] < sizes[4] < sizes[5] < sizes[6]
