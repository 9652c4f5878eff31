"""Models as subclasses, and their summaries."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest

import eagerflow as ef
from eagerflow import layers, ops
from eagerflow.base.serialization import custom_object_scope
from eagerflow.core import observe
from eagerflow.layers import Input
from eagerflow.models import Functional, Model, Sequential, clone_model
from tests.layer.toys import Affine, Declared, Mode, Same, Scale

X = np.arange(12, dtype="float32").reshape(3, 4)


class Block(Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [Affine(units), Affine(units)]
        self.head = Sequential([Affine(2)])

    def call(self, inputs, training=False):
        for block in self.blocks:
            inputs = ops.relu(block(inputs))
        return self.head(inputs)


def texts(model, **options):
    lines = []
    model.summary(print_fn=lines.append, **options)
    return "\n".join(lines)


# Subclasses


def test_a_subclass_builds_on_data_and_on_shapes():
    for prepare in (lambda m: m(X), lambda m: m.build((None, 4)), lambda m: m(Input((4,)))):
        model = Block()
        prepare(model)
        assert model.built
        assert [v.shape for v in model.trainable_variables] == [(4, 3), (3,), (3, 3), (3,), (3, 2), (2,)]
        assert [layer.units for layer in model.layers[:2]] == [3, 3]
        assert model.compute_output_shape((None, 4)) == (None, 2)


def test_several_inputs_are_built_from_several_shapes():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Affine(2), Affine(2)

        def call(self, inputs):
            return self.a(inputs[0]) + self.b(inputs[1])

    model = Two()
    model.build([(None, 3), (None, 5)])
    assert [v.shape for v in model.weights] == [(3, 2), (2,), (5, 2), (2,)]
    with pytest.raises(ValueError, match=r"Two.build\(input_shape=3\): expected a shape"):
        Two().build(3)


def test_a_call_that_fails_when_building_says_so():
    model = Block()
    with pytest.raises(ValueError, match="unknown length"):
        model.build((None, None))
    assert not model.built
    model.build((None, 4))
    assert model.built


def test_a_subclass_nests_in_functional_models():
    x = Input((4,))
    block = Block()
    model = Model(x, block(x) * 2)
    assert np.allclose(model(X).numpy(), 2 * block(X).numpy())
    assert model.output_shape == (None, 2)


def test_a_subclass_may_be_a_graph_itself():
    class Graph(Model):
        def __init__(self, units):
            x = Input((4,))
            super().__init__(inputs=x, outputs=Affine(units)(x))
            self.extra = Scale()

    model = Graph(2)
    assert not isinstance(model, Functional)
    assert model.output_shape == (None, 2)
    assert model(X).shape == (3, 2)
    assert len(model.weights) == 3


def test_a_model_without_call_or_graph_is_explained():
    class Nothing(Model):
        pass

    with pytest.raises(
        NotImplementedError, match=r"Nothing needs a method call\(self, inputs\), or inputs and outputs"
    ):
        Nothing()(X)
    with pytest.raises(AttributeError, match=r"Nothing 'nothing.*' has no inputs: only models made of Input"):
        _ = Nothing().inputs


def test_the_mode_passes_through_a_model_to_its_layers():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.mode = Mode()

        def call(self, inputs):
            return self.mode(inputs)

    model = Net()
    model(X, training=True)
    assert model.mode.seen is True


def test_weights_of_all_kinds_of_children_count_once():
    class Deep(Model):
        def __init__(self):
            super().__init__()
            self.table = {"a": [Block()], "b": (Scale(), [Scale()])}
            self.again = self.table["a"][0]

        def call(self, inputs):
            return self.again(inputs) * self.table["b"][0](1.0) * self.table["b"][1][0](1.0)

    model = Deep()
    model(X)
    assert len(model.weights) == 8
    assert copy.deepcopy(model)(X).numpy().tolist() == model(X).numpy().tolist()


def test_models_are_announced_as_models():
    class Listener(observe.Observer):
        def __init__(self):
            self.scopes = []

        def on_scope_begin(self, scope):
            self.scopes.append((scope.kind, scope.name))

    model = Block(name="block")
    model(X)
    with observe.observing(Listener()) as listener:
        model(X)
    assert listener.scopes[0] == ("model", "block")
    assert ("model", model.head.name) in listener.scopes
    assert ("layer", model.blocks[0].name) in listener.scopes


def test_a_subclass_is_described_by_its_arguments():
    model = Block(units=5, name="b")
    with custom_object_scope({"Block": Block}):
        again = clone_model(model)
    assert again.blocks[0].units == 5
    assert again.name == "b"


def test_subclasses_of_our_models_are_described_by_their_arguments():
    class Stack(Sequential):
        def __init__(self, units, **kwargs):
            super().__init__([Affine(n) for n in units], **kwargs)

    again = Stack.from_config(Stack([3, 2], name="s").get_config())
    assert [layer.units for layer in again.layers] == [3, 2]
    assert again.name == "s"


def test_gradient_steps_reduce_the_loss():
    rng = np.random.default_rng(1)
    data = rng.normal(size=(64, 4)).astype("float32")
    target = np.abs(data[:, :2])
    model = Block(units=16)
    losses = []
    for _ in range(200):
        with ef.GradientTape() as tape:
            loss = ops.mean((model(data, training=True) - target) ** 2)
        variables = model.trainable_variables
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
            variable.assign_sub(0.05 * gradient)
        losses.append(float(loss))
    assert losses[-1] < 0.3 * losses[0]


# Summaries


def test_a_summary_is_a_table_with_totals():
    model = Sequential([Input((4,)), Affine(3, name="first"), Affine(2, name="second")], name="net")
    assert texts(model).splitlines() == [
        'Model: "net"',
        "┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓",
        "┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃",
        "┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩",
        "│ first (Affine)                  │ (None, 3)              │            15 │",
        "├─────────────────────────────────┼────────────────────────┼───────────────┤",
        "│ second (Affine)                 │ (None, 2)              │             8 │",
        "└─────────────────────────────────┴────────────────────────┴───────────────┘",
        " Total params: 23 (92.00 B)",
        " Trainable params: 23 (92.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]


def test_a_summary_prints_to_the_screen(capsys):
    Sequential([Input((4,)), Affine(3)], name="net").summary()
    assert 'Model: "net"' in capsys.readouterr().out


def test_what_is_unknown_is_shown_as_such():
    text = texts(Sequential([Affine(3, name="a")]))
    assert "│ a (Affine)                      │ ?                      │   0 (unbuilt) │" in text


def test_a_built_subclass_shows_the_shapes_that_layers_tell():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.a = Declared(3, name="a")
            self.inner = Sequential([Input((3,)), Affine(7)])

        def call(self, inputs):
            return self.inner(self.a(inputs))

    model = Net()
    model(X)
    assert "(None, 3)" in texts(model)
    assert "(None, 7)" in texts(model)


def test_branches_are_shown_with_their_connections():
    x = Input((4,), name="x")
    a, b = Affine(3, name="a")(x), Affine(3, name="b")(x)
    text = texts(Model(x, a + b))
    assert "Connected to" in text
    assert "x[0][0]" in text
    assert "a[0][0], b[0][0]" in text
    assert "(Add)" in text


def test_nested_layers_are_shown_on_request():
    model = Sequential([Input((4,)), Sequential([Affine(3, name="deep")], name="inner")])
    assert "deep" not in texts(model)
    assert "│    └ deep (Affine)" in texts(model, expand_nested=True)


def test_cells_are_shown_on_request():
    text = texts(Sequential([Input((5, 2)), layers.RNN(layers.LSTMCell(3, name="cell"))]), expand_nested=True)
    assert [part.strip() for part in text.splitlines()[6].split("│")[1:3]] == ["└ cell (LSTMCell)", "?"]
    text = texts(Sequential([Input((5, 4, 4, 1)), layers.ConvLSTM2D(3, 2)]), expand_nested=True)
    assert "│ [(None, 3, 3, 3), " in text  # of both states


def test_trainability_is_shown_on_request():
    model = Sequential([Input((4,)), Affine(3), Affine(2), Same()])
    model.layers[0].trainable = False
    column = [
        line.split("│")[-2].strip()
        for line in texts(model, show_trainable=True).splitlines()
        if "(" in line and "│" in line
    ]
    assert column == ["N", "Y", "-"]
    assert "Non-trainable params: 15 (60.00 B)" in texts(model)


def test_width_columns_and_range_may_be_chosen():
    model = Sequential([Input((4,)), *[Affine(3, name=f"layer_{i}") for i in range(5)]])
    assert len(texts(model, line_length=100).splitlines()[1]) == 100
    assert texts(model, line_length=100, positions=[0.5, 0.75, 1.0]).splitlines()[1].index("┳") == 49
    text = texts(model, layer_range=("layer_1", "layer_3"))
    assert [f"layer_{i}" in text for i in range(5)] == [False, True, True, True, False]
    with pytest.raises(ValueError, match="no such layer"):
        texts(model, layer_range=("a", "b"))
    with pytest.raises(ValueError, match="3 columns; got 1 positions"):
        texts(model, positions=[1.0])


def test_long_names_go_on_in_the_next_line():
    model = Sequential([Input((4,)), Affine(3, name="a_very_long_name_for_a_layer_that_says_it_all")])
    lines = texts(model).splitlines()
    assert len({len(line) for line in lines[1:-3]}) == 1
    assert any("(Affine)" in line for line in lines)


@pytest.mark.parametrize(("numbers", "text"), [(256, "1.00 KB"), (2**18, "1.00 MB"), (2**28, "1.00 GB")])
def test_sizes_have_units(numbers, text):
    class Big:
        size, dtype, trainable = numbers, np.dtype("float32"), True

    class Net(Model):
        weights = property(lambda self: [Big()])

    assert text in texts(Net())


def test_summaries_are_plain_where_the_output_has_no_lines(monkeypatch):
    written = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", written)
    Sequential([Input((3,)), Affine(2)]).summary()
    written.seek(0)
    assert "| Layer (type)" in written.read()


def test_a_summary_counts_the_optimizer_once_it_is_built():
    model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    model.compile("adam", "mse")
    shown: list[str] = []
    model.summary(print_fn=shown.append)
    assert "Total params: 8 " in "\n".join(shown)
    assert "Optimizer params" not in "\n".join(shown)
    model.fit(ef.ops.ones((4, 3)), ef.ops.ones((4, 2)), verbose=0)
    model.summary(print_fn=shown.append)
    assert "Optimizer params: 18 " in "\n".join(shown)
